"""A predictive campaign on a real Asterisk, beside what the simulator says of it.

SIPp plays 20 agents and the people they talk to: every second call is answered, after 4 s of
ringing on average, for 12 s of talk; the others ring until given up, or are busy. The simulator
calls the same people in the same order: a list that happens to be regular keeps agents busier, by
three points when exactly every second call is answered. Both start cold, with nothing learnt and
nothing in the account. What the store has must be what SIPp saw, number by number.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random

from benchmarks.figures import Figures, at_least, at_most
from callcamp.app import run_engine
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    RetryPolicy,
)
from callcamp.core.outcome import Disposition
from callcamp.core.pacing import make_method
from callcamp.core.pacing.contract import ContactKind
from callcamp.engine import Engine
from callcamp.engine.contact_commands import RawContact
from callcamp.lab import LabInfo, behaviour_of, lab_down, lab_up, number_for, witness, witness_mark
from callcamp.lab.behaviours import TALKS
from callcamp.settings import Settings
from callcamp.simulation import Fate, Lognormal, People, SimResult, Workload, simulate
from callcamp.store import migrate

NAME = "predictive"
SECONDS = 660
RUN_S = 600
AGENTS = 20
WRAP_UP_S = 3
RING_TIMEOUT_S = 12
CAP = 0.03
SEED = 1
"""Of the order of the people."""
_ANSWERED = 1080
_SILENT = ("no_answer", "silent_sip")
_AT_ONCE = ("busy", "declined", "unavailable", "congestion")
_ALL_WEEK = DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7)))


@dataclass(frozen=True)
class Outcome:
    """What a campaign came to."""

    occupancy: float
    abandon_rate: float
    calls: int
    persons: int
    abandoned: int


async def run() -> Figures:
    """Run the campaign and the simulator."""
    lab = await asyncio.to_thread(lab_up, "bench-predictive")
    try:
        with tempfile.TemporaryDirectory() as folder:
            real = await _campaign(lab, Path(folder))
    finally:
        await asyncio.to_thread(lab_down, "bench-predictive")
    told = await asyncio.to_thread(_simulated)
    return {
        "predictive_occupancy": at_least(
            real.occupancy,
            told.occupancy,
            0.95,
            "share",
            calls=real.calls,
            simulated_calls=told.calls,
        ),
        "predictive_abandon_rate": at_most(
            real.abandon_rate,
            CAP,
            1.0,
            "share",
            persons=real.persons,
            abandoned=real.abandoned,
            simulated=round(told.abandon_rate, 4),
            simulated_abandoned=told.abandoned,
        ),
    }


def _numbers() -> list[str]:
    """Return contacts for the whole run, in a random order."""
    slugs = list(itertools.islice(itertools.cycle(talk.slug for talk in TALKS), _ANSWERED))
    slugs += itertools.islice(itertools.cycle(_SILENT), _ANSWERED // 2)
    slugs += itertools.islice(itertools.cycle(_AT_ONCE), _ANSWERED // 2)
    Random(SEED).shuffle(slugs)
    used: Counter[str] = Counter()
    numbers = []
    for slug in slugs:
        numbers.append(number_for(slug, used[slug]))
        used[slug] += 1
    return numbers


async def _campaign(lab: LabInfo, folder: Path) -> Outcome:
    settings = Settings(
        database_url=f"sqlite:///{folder}/callcamp.sqlite3",
        data_dir=folder,
        ami_port=lab.ami_port,
        ami_username=lab.ami_username,
        ami_secret=lab.ami_secret,
        log_level="warning",
    )
    migrate(settings.database_url)
    mark = witness_mark(lab)
    async with run_engine(settings) as engine:
        campaign_id = await _started(engine, lab)
        began_at = engine.clock.now()
        await asyncio.sleep(RUN_S)
        ended_at = engine.clock.now()
        await engine.commands.pause(campaign_id)
        await _until(lambda: not engine.vitals().live)
        measured = await _measure(engine, campaign_id, began_at, ended_at)
        calls = Counter(
            a.number
            for a in await engine.store.attempts(campaign_id, limit=100_000)
            if a.disposition is not None
        )
        for view in engine.agents.views():
            await engine.agents.log_out(view.agent.name)
        await asyncio.sleep(0.5)
    if Counter(witness(lab, mark)) != calls:
        raise RuntimeError("The store and SIPp differ on who was called.")
    return measured


async def _until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.1)


async def _started(engine: Engine, lab: LabInfo) -> int:
    await _until(lambda: engine.link_up and engine.tracker.synced)
    commands, now = engine.commands, engine.clock.now()
    trunk = await commands.save_trunk("sipp", dial_string=f"PJSIP/{{number}}@{lab.trunk}", cps=30)
    campaign = await commands.create_campaign(
        CampaignSettings(
            "predictive",
            trunk.id,
            concurrency=200,
            ring_timeout_s=RING_TIMEOUT_S,
            window=_ALL_WEEK,
            mode=CampaignMode.MULTI_DAY,
            default_region="FR",
            detect_machines=False,
            retry=RetryPolicy(max_attempts=1),
            agents=AgentSettings(
                DialMethod.PREDICTIVE,
                abandon_cap=CAP,
                safe_harbour=lab.prompt_sound,
                wrap_up_s=WRAP_UP_S,
            ),
        )
    )
    await commands.add_contacts(campaign.id, [RawContact(n, {}) for n in _numbers()])
    for index in range(1, AGENTS + 1):
        phone = AgentPhone(PhoneKind.SIP, f"agent-{index}")
        agent = await engine.store.save_agent(f"agent-{index}", phone=phone, now=now)
        await engine.store.add_campaign_agents(campaign.id, [agent.id], now=now)
        await engine.agents.log_in(agent.name, campaign.id)
        await engine.agents.ready(agent.name)
    await commands.start(campaign.id)
    return campaign.id


async def _measure(
    engine: Engine, campaign_id: int, began_at: datetime, ended_at: datetime
) -> Outcome:
    await engine.agents.floor.write()
    work = await engine.store.agent_work(since=began_at, until=ended_at, campaign_id=campaign_id)
    busy_s = sum(
        w.seconds.get(AgentState.TALKING, 0) + w.seconds.get(AgentState.WRAP_UP, 0) for w in work
    )
    all_s = sum(w.logged_in_s for w in work)
    facts = await engine.store.call_facts(
        campaign_id, since=began_at, until=ended_at + timedelta(minutes=5), zone="UTC"
    )
    attempts = await engine.store.attempts(campaign_id, limit=100_000)
    found = Counter(a.disposition for a in attempts)
    abandoned = found[Disposition.ABANDONED]
    persons = abandoned + found[Disposition.ANSWERED_PERSON]
    if (round(facts.persons), round(facts.abandoned)) != (persons, abandoned):
        raise RuntimeError("The compliance report and the calls differ.")
    return Outcome(
        busy_s / all_s,
        abandoned / persons if persons else 0.0,
        sum(n for d, n in found.items() if d is not None),
        persons,
        abandoned,
    )


class _SamePeople(People):
    """The people that the campaign calls, in its order."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload, SEED)
        talks = {talk.slug: talk for talk in TALKS}
        slugs = [found.slug for number in _numbers() if (found := behaviour_of(number))]
        self._talks = [talks.get(slug) for slug in slugs]
        self._ends_s = [float(RING_TIMEOUT_S) if s in _SILENT else 0.1 for s in slugs]
        self._called = 0

    def fate(self, kind: ContactKind, now_s: float) -> Fate:
        """Return what becomes of the next one's call."""
        drawn = super().fate(kind, now_s)
        talk, ends_s = self._talks[self._called], self._ends_s[self._called]
        self._called += 1
        if talk is None:
            return Fate(False, ends_s, 0.0, 0.0)
        return Fate(True, talk.ring_s, talk.talk_s, drawn.wrap_up_s)


def _simulated() -> SimResult:
    """Simulate the same."""
    workload = Workload(
        agents=AGENTS,
        hours=RUN_S / 3600,
        answer_rate=0.5,
        ring_timeout_s=RING_TIMEOUT_S,
        wrap_up=Lognormal(WRAP_UP_S + 0.3, 0.05),
        cap=CAP,
        lines=200,
    )
    return simulate(workload, make_method("predictive"), people=_SamePeople(workload))
