"""Every way to bring calls and agents together, from start to end with no Asterisk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from database_kit import current_database
from pydantic import SecretStr

from callcamp.app import run_engine
from callcamp.core.agent_settings import ON_THE_LINE, AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    RetryPolicy,
)
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, CampaignStatus
from callcamp.engine import Engine
from callcamp.engine.clock import Clock
from callcamp.engine.commands import RawContact
from callcamp.settings import Settings
from callcamp.switch.simulated import CalleeModel, PhoneScript, SimulatedSwitch

SPEED = 40.0
AGENTS = 4
CONTACTS = 24
PEOPLE = CalleeModel(
    answer=0.6,
    machine=0.1,
    amd_error=0.0,
    ring_mean_s=4.0,
    conversation_mean_s=10.0,
    conversation_cv=0.5,
)
ATTENDED = [method for method in DialMethod if method is not DialMethod.UNATTENDED]


def phone(interface: str) -> PhoneScript | None:
    return PhoneScript(after_s=0.3) if interface.startswith("PJSIP/agent") else None


async def staff(engine: Engine, clock: Clock, method: DialMethod) -> int:
    """Make a campaign with agents who are ready, and start it."""
    trunk = await engine.commands.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1000)
    campaign = await engine.commands.create_campaign(
        CampaignSettings(
            name="Simulated",
            trunk_id=trunk.id,
            concurrency=50,
            ring_timeout_s=15,
            retry=RetryPolicy(max_attempts=1),
            window=DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7))),
            mode=CampaignMode.MULTI_DAY,
            default_region="FR",
            agents=AgentSettings(
                method=method,
                wrap_up_s=2,
                before_call_work_s=2,
                safe_harbour="sorry",
                no_agent_message="sorry",
                callback_after_s=0,
            ),
        )
    )
    people = [RawContact(f"+331990{number:05d}", {}) for number in range(CONTACTS)]
    await engine.commands.add_contacts(campaign.id, people)
    names = [f"agent{number}" for number in range(AGENTS)]
    for name in names:
        given = AgentPhone(PhoneKind.SIP, name)
        agent = await engine.store.save_agent(name, phone=given, now=clock.now())
        await engine.store.add_campaign_agents(campaign.id, [agent.id], now=clock.now())
    for name in names:
        await engine.agents.log_in(name, campaign.id)
        await engine.agents.ready(name)
    await engine.commands.start(campaign.id)
    return campaign.id


async def completed(engine: Engine, campaign_id: int) -> None:
    async with asyncio.timeout(60):
        while True:
            stats = await engine.commands.stats(campaign_id)
            if stats.campaign.status is CampaignStatus.COMPLETED:
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("method", ATTENDED)
async def test_a_campaign_runs_to_its_end_and_store_and_switch_agree(
    method: DialMethod, tmp_path: Path
) -> None:
    (tmp_path / "c.sqlite3").write_bytes(current_database())
    async with SimulatedSwitch(
        behaviour=PEOPLE, seed=5, speed=SPEED, trunks=["t"], phones=phone
    ) as switch:
        settings = Settings(
            database_url=f"sqlite:///{tmp_path}/c.sqlite3",
            data_dir=tmp_path,
            ami_host=switch.host,
            ami_port=switch.port,
            ami_username=switch.username,
            ami_secret=SecretStr(switch.secret),
        )
        clock = Clock(SPEED)
        async with run_engine(settings, clock) as engine:
            campaign_id = await staff(engine, clock, method)
            await completed(engine, campaign_id)
            made = await engine.store.attempts(campaign_id)
            # One whose preview came to nothing was given back, and called nobody.
            attempts = [one for one in made if one.status is not AttemptStatus.RELEASED]
            agents = {agent.id: f"PJSIP/{agent.name}" for agent in await engine.store.agents()}
            began, now = datetime(2000, 1, 1, tzinfo=UTC), clock.now()
            work = await engine.store.agent_work(since=began, until=now, campaign_id=campaign_id)
        talks, called = switch.talks(), switch.witness()
    assert len(attempts) == CONTACTS
    assert set(called.values()) == {1}
    assert sorted(called) == sorted(attempt.number for attempt in attempts)
    met = {
        one.number: agents[one.agent_id or 0] for one in attempts if one.connected_at is not None
    }
    assert {talk.number: talk.phone for talk in talks} == met
    assert len(talks) == len(met) == sum(one.calls for one in work) > 5
    abandoned = [one for one in attempts if one.disposition is Disposition.ABANDONED]
    assert not {one.number for one in abandoned} & met.keys()
    if method in ON_THE_LINE:
        assert not abandoned
    talked_s = sum(talk.ended_s - talk.began_s for talk in talks if talk.ended_s is not None)
    noted_s = sum(one.seconds.get(AgentState.TALKING, 0.0) for one in work)
    # What is noted is what was read, a little later each time and faster by the clock's speed.
    assert noted_s == pytest.approx(talked_s, rel=0.5)
