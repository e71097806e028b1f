"""Campaigns that are forecast, and then run on the simulated switch in fast motion.

First a campaign goes by whose calls are what the forecasts of its kind are measured on. Where
nothing can happen (closed hours, pauses before the next call) the clock skips ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from benchmarks.fast_loop import FastClock, FastLoop, run_fast
from callcamp.app import run_engine
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    HoursKind,
    HoursRule,
    RetryPolicy,
)
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.states import CampaignStatus
from callcamp.engine import Engine
from callcamp.engine.contact_commands import RawContact
from callcamp.engine.forecast import Forecast, Range
from callcamp.engine.open_hours import OpenHours
from callcamp.settings import Settings
from callcamp.switch.simulated import CalleeModel, PhoneScript, SimulatedSwitch

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2027, 3, 18, 11, 40, tzinfo=PARIS)
"""A Thursday, shortly before the lunch of campaigns that have one."""
_PERSONS = frozenset({Disposition.ANSWERED_PERSON, Disposition.ABANDONED})
_LOOK_S = 4.0


@dataclass(frozen=True)
class Kind:
    """A kind of campaign.

    Args:
        name: what it is called in the table.
        contacts: how many it calls.
        settings: what differs from an open campaign without agents that calls once.
        agents: how many agents it has (None: it is one without).
        cps: calls a second of its trunk.
        before: contacts of the campaign that goes by first; 0: it is the one of the kind before.
        begins: the instant at which it begins, at the earliest.
    """

    name: str
    contacts: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    agents: int | None = None
    cps: float = 20.0
    before: int = 0
    begins: datetime | None = None


@dataclass(frozen=True)
class Run:
    """What a campaign came to.

    Args:
        ended: when the last call ended.
        open_s: open seconds from its start to then.
        calls: calls in all.
        abandoned: share of abandoned calls among those answered by a person.
        occupancy: share of the agents' time in talk and wrap-up (None: no agents).
    """

    ended: datetime
    open_s: float
    calls: int
    abandoned: float
    occupancy: float | None

    @property
    def calls_per_hour(self) -> float:
        """Calls in an open hour."""
        return self.calls / self.open_s * 3600


@dataclass(frozen=True)
class Compared:
    """A forecast beside what came of it.

    Args:
        kind: what was called.
        forecast: what was said before.
        run: what came of it.
        said_s: open seconds that it would take, as the forecast said.
    """

    kind: Kind
    forecast: Forecast
    run: Run
    said_s: float

    @property
    def time_error(self) -> float:
        """How much more of open time was said than it took, as a share of what it took."""
        return self.said_s / self.run.open_s - 1

    @property
    def calls_error(self) -> float:
        """The same of the number of calls."""
        return self.forecast.calls.likely / self.run.calls - 1

    @property
    def rate_error(self) -> float:
        """The same of calls in an hour."""
        return self.forecast.calls_per_hour.likely / self.run.calls_per_hour - 1

    def said(self, what: str) -> float:
        """Return the likely ``occupancy`` or share ``abandoned`` of the forecast (0: none)."""
        found: Range | None = getattr(self.forecast, what)
        return 0.0 if found is None else found.likely

    def was(self, what: str) -> float:
        """Return what came of that."""
        found: float | None = getattr(self.run, what)
        return 0.0 if found is None else found

    @property
    def occupancy_error(self) -> float:
        """How much more occupancy was said than there was, as a difference of shares."""
        return self.said("occupancy") - self.was("occupancy")

    @property
    def abandon_error(self) -> float:
        """The same of abandoned calls."""
        return self.said("abandoned") - self.was("abandoned")


@dataclass(frozen=True)
class Rig:
    """What campaigns run on.

    Args:
        folder: for the database.
        database: an empty one of the current schema, as bytes.
        people: whom they call.
        seed: of the people's behaviour.
    """

    folder: Path
    database: bytes
    people: CalleeModel
    seed: int = 1


def compare(kinds: Sequence[Kind], rig: Rig) -> list[Compared]:
    """Forecast and run campaigns, one after the other on one engine.

    Args:
        kinds: what campaigns; those that share a history stand together.
        rig: what they run on.
    """
    return run_fast(lambda loop: _compare(loop, kinds, rig))


async def _compare(loop: FastLoop, kinds: Sequence[Kind], rig: Rig) -> list[Compared]:
    path = rig.folder / "callcamp.sqlite3"
    path.write_bytes(rig.database)
    clock = FastClock(loop, NOON.astimezone(UTC))
    async with SimulatedSwitch(
        behaviour=rig.people, seed=rig.seed, trunks=["t"], phones=_phone
    ) as switch:
        settings = Settings(
            database_url=f"sqlite:///{path}",
            data_dir=rig.folder,
            ami_host=switch.host,
            ami_port=switch.port,
            ami_username=switch.username,
            ami_secret=SecretStr(switch.secret),
            lease_s=3600,
            settle_margin_s=1800,
        )
        async with run_engine(settings, clock) as engine:
            desk = _Desk(engine, clock, loop)
            return [await desk.compared(n, kind) for n, kind in enumerate(kinds)]


def _phone(interface: str) -> PhoneScript | None:
    return PhoneScript(after_s=0.3) if interface.startswith("PJSIP/agent") else None


class _Desk:
    """An engine, and campaigns on it."""

    def __init__(self, engine: Engine, clock: FastClock, loop: FastLoop) -> None:
        self.engine = engine
        self.clock = clock
        self.loop = loop

    async def compared(self, place: int, kind: Kind) -> Compared:
        if kind.before:
            campaign_id = await self.made(f"1{place}", kind, kind.before, once=True)
            await self.run(campaign_id, kind)
        if kind.begins is not None:
            self.clock.skip_to(kind.begins)
        campaign_id = await self.made(f"2{place}", kind, kind.contacts)
        with self.loop.stopped():
            forecast = await self.engine.commands.forecasts.forecast(
                campaign_id, agents=kind.agents
            )
        if forecast.begins_at is None:
            raise AssertionError(f"{kind.name} never begins")
        run, campaign = await self.run(campaign_id, kind)
        likely = forecast.ends[1]
        if likely is None:
            raise AssertionError(f"{kind.name} does not get through: {forecast.as_dict()}")
        hours = OpenHours.of(self.engine.commands.rules.of(campaign), None, forecast.begins_at)
        return Compared(kind, forecast, run, _open_s(hours, forecast.begins_at, likely))

    async def made(self, prefix: str, kind: Kind, contacts: int, *, once: bool = False) -> int:
        """Make a campaign with contacts; ``once``: every contact is called once, at any time."""
        commands = self.engine.commands
        trunk = await commands.save_trunk("t", dial_string="PJSIP/{number}@t", cps=kind.cps)
        values: dict[str, Any] = {
            "name": kind.name,
            "trunk_id": trunk.id,
            "concurrency": 30,
            "ring_timeout_s": 25,
            "retry": RetryPolicy(max_attempts=1),
            "window": DailyWindow(time(0), time(0), "Europe/Paris", frozenset(range(7))),
            "mode": CampaignMode.MULTI_DAY,
            "default_region": "FR",
            "prompt": "hello",
            "detect_machines": False,
        }
        given = values | dict(kind.settings)
        if once:
            given |= {name: values[name] for name in ("retry", "window")} | {"hours": ()}
        if kind.agents is not None:
            given["prompt"] = None
        campaign = await commands.create_campaign(CampaignSettings(**given))
        people = [RawContact(f"+3319{prefix}{n:05d}", {}) for n in range(contacts)]
        await commands.add_contacts(campaign.id, people)
        return campaign.id

    async def run(self, campaign_id: int, kind: Kind) -> tuple[Run, Campaign]:
        """Run a campaign to its end, and return what came of it."""
        engine, commands = self.engine, self.engine.commands
        await self._staff(campaign_id, kind.agents or 0)
        begun = self.clock.now()
        campaign = await commands.start(campaign_id)
        hours = OpenHours.of(commands.rules.of(campaign), None, begun)
        await self._completed(campaign_id)
        now = self.clock.now()
        attempts = await engine.store.attempts(campaign_id, limit=100_000)
        ended = max(a.ended_at for a in attempts if a.ended_at is not None)
        for agent in await engine.store.campaign_agents(campaign_id):
            # Who was free when the campaign ended has been logged out with it.
            if engine.agents.floor.get(agent.id) is not None:
                await engine.agents.log_out(agent.name)
        await engine.agents.floor.write()
        persons = [a for a in attempts if a.disposition in _PERSONS]
        lost = sum(a.disposition is Disposition.ABANDONED for a in persons)
        work = await engine.store.agent_work(since=begun, until=now, campaign_id=campaign_id)
        states = (AgentState.TALKING, AgentState.WRAP_UP)
        busy_s = sum(one.seconds.get(state, 0.0) for one in work for state in states)
        open_s = _open_s(hours, begun, ended)
        all_s = open_s * (kind.agents or 0)
        run = Run(
            ended,
            open_s,
            len(attempts),
            lost / len(persons) if persons else 0.0,
            busy_s / all_s if all_s else None,
        )
        return run, campaign

    async def _staff(self, campaign_id: int, agents: int) -> None:
        engine = self.engine
        for number in range(agents):
            name = f"agent{number}"
            phone = AgentPhone(PhoneKind.SIP, name)
            agent = await engine.store.save_agent(name, phone=phone, now=self.clock.now())
            await engine.store.add_campaign_agents(campaign_id, [agent.id], now=self.clock.now())
            await engine.agents.log_in(name, campaign_id)
            await engine.agents.ready(name)

    async def _completed(self, campaign_id: int) -> None:
        """Wait until a campaign is completed, and skip what there is to wait for in it."""
        engine, idle = self.engine, 0
        while True:
            await asyncio.sleep(_LOOK_S)
            if engine.failed is not None and engine.failed.done():
                raise AssertionError(engine.failed.result())
            campaign = await engine.store.campaign(campaign_id)
            if campaign.status is CampaignStatus.COMPLETED:
                return
            plan = engine.live.plan(campaign_id)
            quiet = not engine.vitals().live and plan is not None and not plan.count
            idle = idle + 1 if quiet else 0
            # Seen several times in a row: the dialer has taken in what ended last.
            if idle < 3 or plan is None or plan.until is None or plan.until <= self.clock.now():
                continue
            self.clock.skip_to(plan.until)
            engine._dialer.wake()
            idle = 0


def _open_s(hours: OpenHours, begun: datetime, ended: datetime) -> float:
    return sum(
        max(0.0, (min(end, ended) - max(start, begun)).total_seconds())
        for start, end in hours.spans
    )


ATTENDED: Mapping[str, Any] = {"wrap_up_s": 4, "safe_harbour": "sorry"}
LUNCH = tuple(
    HoursRule(HoursKind.EXCLUDE, day, start=time(12), end=time(13, 30)) for day in range(5)
)
OFFICE = DailyWindow(time(9), time(18), "Europe/Paris", frozenset(range(5)))


def attended(method: DialMethod, **settings: Any) -> dict[str, Any]:
    """Return the settings of a campaign with agents."""
    return {"agents": AgentSettings(method, **ATTENDED), "concurrency": 200} | settings
