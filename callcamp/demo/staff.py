"""The demo's agents: who they are, how they come to work, and what they did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.model import Attempt
from callcamp.core.outcome import Disposition
from callcamp.engine import Engine
from callcamp.switch.simulated import CalleeScript, PhoneScript, Talk
from callcamp.switch.simulated.callee import lognormal

PHONE = PhoneScript(after_s=0.3)
"""What every agent's phone does."""

_CONVERSATION_S = 30.0
_CONVERSATION_CV = 0.5
_HEARS_S = 4.0
_WRAP_UP_S = 5
_PREVIEW_S = 3
_NO_AGENT_SOUND = "vm-goodbye"


def agent_settings(method: DialMethod) -> AgentSettings:
    """Return the settings of the demo's campaign with agents."""
    return AgentSettings(
        method=method,
        wrap_up_s=_WRAP_UP_S,
        before_call_work_s=_PREVIEW_S,
        safe_harbour=_NO_AGENT_SOUND,
        no_agent_message=_NO_AGENT_SOUND,
        callback_after_s=0,
    )


def talks_with_agents(number: str, script: CalleeScript) -> CalleeScript:
    """Return the same callee as one who talks with an agent for a time of their own."""
    seconds = lognormal(Random(number), _CONVERSATION_S, _CONVERSATION_CV)  # noqa: S311 - a simulation
    return CalleeScript(
        **{**asdict(script), "conversation_s": seconds, "hears_s": _HEARS_S},
    )


async def bring_agents(engine: Engine, campaign_id: int, count: int, now: datetime) -> None:
    """Make agents, let them work for a campaign, and have them ready for its calls."""
    names = [f"agent-{number}" for number in range(1, count + 1)]
    for name in names:
        phone = AgentPhone(PhoneKind.SIP, name)
        agent = await engine.store.save_agent(name, phone=phone, now=now)
        await engine.store.add_campaign_agents(campaign_id, [agent.id], now=now)
    for name in names:
        await engine.agents.log_in(name, campaign_id)
        await engine.agents.ready(name)


@dataclass(frozen=True, slots=True)
class AgentsAccount:
    """What agents did, by the store and by the switch.

    Args:
        agents: how many there were.
        talks: talks that the switch saw.
        connected: calls that had an agent, by the store.
        abandoned: calls answered by a person for whom nobody was free.
        occupancy: share of their time that agents worked (None: none passed).
        disagreements: every call that had another agent than the switch saw, as a sentence.
    """

    agents: int
    talks: int
    connected: int
    abandoned: int
    occupancy: float | None
    disagreements: list[str]

    @property
    def abandon_rate(self) -> float:
        """Abandoned calls among those answered by a person; 0 when there were none."""
        persons = self.connected + self.abandoned
        return self.abandoned / persons if persons else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the part of the object that ``demo --json`` prints."""
        return asdict(self) | {"abandon_rate": round(self.abandon_rate, 4)}

    def as_text(self) -> str:
        """Return it in one sentence."""
        busy = "" if self.occupancy is None else f", busy {self.occupancy:.0%} of the time"
        return (
            f"{self.agents} agents{busy}: {self.connected} calls with an agent, {self.talks} seen"
            f" by the switch; {self.abandoned} calls abandoned, {self.abandon_rate:.1%} of those"
            " answered by a person."
        )


async def account(engine: Engine, campaign_id: int, talks: list[Talk]) -> AgentsAccount:
    """Hold what the store says of agents against what the switch saw."""
    agents = {agent.id: agent.phone.address for agent in await engine.store.agents()}
    attempts = await _attempts(engine, campaign_id)
    seen: dict[str, list[str]] = {}
    for talk in talks:
        seen.setdefault(talk.number, []).append(talk.phone.removeprefix("PJSIP/"))
    noted: dict[str, list[str]] = {}
    for one in attempts:
        if one.connected_at is not None and one.agent_id is not None:
            noted.setdefault(one.number, []).append(agents[one.agent_id])
    disagreements = [
        f"{number} talked to {seen.get(number, [])}, and the store says {noted.get(number, [])}."
        for number in sorted(seen.keys() | noted.keys())
        if seen.get(number) != noted.get(number)
    ]
    work = await engine.store.agent_work(
        since=datetime(2000, 1, 1, tzinfo=UTC),
        until=engine.clock.now(),
        campaign_id=campaign_id,
    )
    free_states = {AgentState.READY, AgentState.RINGING}
    free_s = sum(s for one in work for state, s in one.seconds.items() if state in free_states)
    paused_s = sum(one.seconds.get(AgentState.PAUSED, 0.0) for one in work)
    present_s = sum(one.logged_in_s for one in work) - paused_s
    return AgentsAccount(
        agents=len(agents),
        talks=len(talks),
        connected=sum(map(len, noted.values())),
        abandoned=sum(one.disposition is Disposition.ABANDONED for one in attempts),
        occupancy=round(1 - free_s / present_s, 3) if present_s else None,
        disagreements=disagreements,
    )


async def _attempts(engine: Engine, campaign_id: int) -> list[Attempt]:
    found: list[Attempt] = []
    while more := await engine.store.attempts(campaign_id, after_id=found[-1].id if found else ""):
        found += more
    return found
