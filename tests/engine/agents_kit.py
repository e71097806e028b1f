"""What tests of agents need on top of the engine's bench."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine_kit import Bench, now, until

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentLeft,
    CallerLeft,
    CallerWaited,
    PersonReached,
)
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import Agent, AgentPhone, AgentState, PhoneKind
from callcamp.core.model import Campaign
from callcamp.core.outcome import Evidence
from callcamp.core.scripts import CallScript, Element, ElementKind
from callcamp.core.states import CampaignEvent
from callcamp.engine.agents.views import AgentView
from callcamp.ports.switchboard import TalkView

TALKED = Evidence(cause=16, answered=True, talk_s=5.0)
GIVEN_UP = Evidence(cause=16, answered=True, waited_s=2.01, abandoned=True, talk_s=4.0)


async def staffed(
    b: Bench,
    method: DialMethod,
    names: Sequence[str] = ("anna",),
    contacts: int = 1,
    *,
    ready: bool = True,
    agents: dict[str, Any] | None = None,
    **settings: Any,
) -> Campaign:
    """Make a campaign with agents, log them in, and start it."""
    script = CallScript((Element(ElementKind.TEXT, "Which size?", "size"),))
    given = {"wrap_up_s": 30, "script": script} | (agents or {})
    chosen = AgentSettings(method=method, **given)
    defaults: dict[str, Any] = {"detect_machines": False, "ring_timeout_s": 60}
    campaign = await b.campaign(contacts, start=False, agents=chosen, **(defaults | settings))
    made = [await an_agent(b, name) for name in names]
    await b.store.add_campaign_agents(campaign.id, [a.id for a in made], now=b.clock.now())
    for name in names:
        await b.running.agents.log_in(name, campaign.id)
        if ready:
            await b.running.agents.ready(name)
    campaign = await b.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=b.clock.now())
    b.running._dialer.campaigns_changed()
    return campaign


async def an_agent(b: Bench, name: str) -> Agent:
    phone = AgentPhone(PhoneKind.SIP, name)
    return await b.store.save_agent(name, phone=phone, now=b.clock.now())


def view(b: Bench, name: str = "anna") -> AgentView:
    return b.running.agents.view(name)


async def becomes(b: Bench, state: AgentState, name: str = "anna") -> AgentView:
    """Wait until an agent is in a state."""
    await until(lambda: view(b, name).state is state, f"{name} is {state.value}")
    return view(b, name)


def reach(b: Bench, attempt_id: str, queue: str = "callcamp-1") -> None:
    """Have a person answer and wait in the queue."""
    b.switch.ring(attempt_id)
    b.switch.answer(attempt_id)
    b.switch.respond(attempt_id, success=True)
    b.switch.emit(PersonReached(attempt_id, now()))
    b.switch.board.waiting.setdefault(queue, []).append(attempt_id)
    b.switch.emit(CallerWaited(attempt_id, now(), queue))


def connect(b: Bench, attempt_id: str, agent_id: int, channel: str = "1700000000.7") -> None:
    """Have the queue connect a waiting caller with an agent."""
    b.switch.emit(AgentCalled(attempt_id, agent_id, now(), channel))
    b.switch.board.talks[attempt_id] = TalkView(channel, on_hold=False, agent_id=agent_id)
    b.switch.board.channels.add(channel)
    b.switch.emit(AgentConnected(attempt_id, agent_id, now(), channel))
    for waiting in b.switch.board.waiting.values():
        if attempt_id in waiting:
            waiting.remove(attempt_id)
    b.switch.emit(CallerLeft(attempt_id, now(), "callcamp-1"))


def hang_up(b: Bench, attempt_id: str, agent_id: int | None, evidence: Evidence = TALKED) -> None:
    """Have a talk end."""
    if agent_id is not None:
        b.switch.emit(AgentLeft(attempt_id, agent_id, now()))
    b.switch.end(attempt_id, evidence)
