"""The rule book on a real Asterisk: the callees are the witness of who is called, and when.

Every test ends with the store and the witness in full agreement: as many INVITEs for each
number as ended attempts, over all campaigns.
"""

from __future__ import annotations

import asyncio
import time as time_
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lab_kit import lab_named, lab_settings

from callcamp.app import run_engine
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    NumberPool,
    RetryPolicy,
    Rotation,
)
from callcamp.core.model import Attempt, Campaign, ContactChoice
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, CampaignStatus, ContactStatus
from callcamp.engine import Engine
from callcamp.engine.contact_commands import RawContact
from callcamp.errors import Conflict, IllegalTransition, PreconditionsMissing
from callcamp.lab import (
    LabInfo,
    load_number,
    number_for,
    witness,
    witness_callers,
    witness_mark,
)
from callcamp.store import migrate

pytestmark = [pytest.mark.asterisk, pytest.mark.strict]

ALL_WEEK = DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7)))
QUIET_S = 1.5
"""How long nobody may be called to be sure that nobody is."""
SEEN = {AttemptStatus.RINGING, AttemptStatus.ANSWERED}


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    with lab_named("rules") as info:
        yield info


async def until(what: str, condition: Callable[[], Awaitable[Any]], within_s: float = 90) -> None:
    limit = time_.monotonic() + within_s
    while not await condition():
        assert time_.monotonic() < limit, f"never came true: {what}"
        await asyncio.sleep(0.05)


@dataclass
class Floor:
    """An engine on the lab, and the use-cases that people have."""

    lab: LabInfo
    engine: Engine
    mark: int

    async def campaign(
        self,
        *phones: str,
        start: bool = True,
        attempts: int = 1,
        delay_s: int = 1,
        **settings: Any,
    ) -> Campaign:
        """Make a campaign, and start it."""
        commands = self.engine.commands
        trunk = await commands.save_trunk(
            "callees", dial_string=f"PJSIP/{{number}}@{self.lab.trunk}", cps=20
        )
        defaults: dict[str, Any] = {
            "name": "rules",
            "trunk_id": trunk.id,
            "ring_timeout_s": 8,
            "window": ALL_WEEK,
            "mode": CampaignMode.MULTI_DAY,
            "prompt": self.lab.prompt_sound,
            "detect_machines": False,
            "default_region": "FR",
            "retry": RetryPolicy(max_attempts=attempts, delay_s=delay_s),
        }
        campaign = await commands.create_campaign(CampaignSettings(**(defaults | settings)))
        await self.add(campaign, *phones)
        return await commands.start(campaign.id) if start else campaign

    async def add(self, campaign: Campaign, *phones: str) -> None:
        await self.engine.commands.add_contacts(campaign.id, [RawContact(p, {}) for p in phones])

    async def is_in(self, campaign: Campaign, status: CampaignStatus) -> None:
        async def so() -> bool:
            return (await self.engine.store.campaign(campaign.id)).status is status

        await until(f"the campaign is {status}", so)

    async def attempts(self, campaign: Campaign) -> list[Attempt]:
        return await self.engine.store.attempts(campaign.id, limit=10_000)

    async def live(self, campaign: Campaign, count: int) -> None:
        """Wait until so many calls ring or are answered."""

        async def so() -> bool:
            live = await self.engine.store.live_attempts(campaign.id)
            return sum(a.status in SEEN for a in live) >= count

        await until(f"{count} live calls", so)

    async def idle(self) -> None:
        """Wait until no call is in progress."""

        async def so() -> bool:
            return not await self.engine.store.live_attempts()

        await until("all calls have ended", so)

    async def ended(self, campaign: Campaign, count: int) -> None:
        """Wait until so many calls have ended in all, and none is in progress."""

        async def so() -> bool:
            ended = [a for a in await self.attempts(campaign) if a.status is AttemptStatus.ENDED]
            assert len(ended) <= count
            return len(ended) == count

        await until(f"{count} ended calls", so)
        await self.idle()

    async def statuses(self, campaign: Campaign) -> dict[str, ContactStatus]:
        contacts = await self.engine.store.contacts(campaign.id, limit=1000)
        return {contact.phone: contact.status for contact in contacts}

    def invites(self) -> Counter[str]:
        """Return the calls that the callees got, by number."""
        return Counter(witness(self.lab, self.mark))

    async def nobody_is_called(self) -> None:
        before = self.invites()
        await asyncio.sleep(QUIET_S)
        assert self.invites() == before

    async def check_agreement(self) -> None:
        """Hold the store against the witness, number by number."""
        await self.idle()
        placed: Counter[str] = Counter()
        for campaign in await self.engine.store.campaigns():
            assert await self.engine.store.recount(campaign.id) == {}
            for number, calls in (await self.engine.store.calls_per_number(campaign.id)).items():
                placed[number] += calls.get("ended", 0)
        assert +placed == self.invites()


@pytest_asyncio.fixture
async def floor(lab: LabInfo, tmp_path: Path) -> AsyncIterator[Floor]:
    settings = lab_settings(lab, tmp_path, settle_margin_s=4)
    await asyncio.to_thread(migrate, settings.database_url)
    async with run_engine(settings) as engine:
        one = Floor(lab, engine, witness_mark(lab))
        yield one
        await one.check_agreement()


async def test_pause_and_resume(floor: Floor) -> None:
    """After a pause there is no new INVITE; calls in progress hear their prompt to the end."""
    people = [number_for("person", n) for n in range(10)]
    commands = floor.engine.commands
    campaign = await floor.campaign(*people, concurrency=3)
    await floor.live(campaign, 3)
    await commands.pause(campaign.id)
    called = floor.invites()
    await floor.idle()
    await floor.nobody_is_called()
    assert floor.invites() == called
    assert 3 <= len(called) < len(people)
    for attempt in await floor.attempts(campaign):
        if attempt.status is AttemptStatus.ENDED:
            assert attempt.disposition is Disposition.ANSWERED_PERSON
            assert attempt.evidence["played"] == "prompt", "nobody was cut off"
    answer = await commands.why.campaign(campaign.id)
    assert answer.explanation.plan.hold is Reason.PAUSED
    paused = await floor.engine.store.campaign(campaign.id)
    wider = replace(paused.settings, concurrency=10)
    await commands.change_settings(campaign.id, wider, expected_version=paused.version)
    await commands.resume(campaign.id)
    await floor.is_in(campaign, CampaignStatus.COMPLETED)
    assert floor.invites() == dict.fromkeys(people, 1)


async def test_stop_is_final(floor: Floor) -> None:
    """Calls in progress finish, whoever waits is canceled, and nothing brings it back."""
    people = [number_for("person", n) for n in range(10)]
    busy = number_for("busy", 0)
    commands = floor.engine.commands
    campaign = await floor.campaign(busy, *people, concurrency=3, attempts=3, delay_s=2)
    await floor.live(campaign, 2)
    await commands.stop(campaign.id)
    called = floor.invites()
    await floor.idle()
    await asyncio.sleep(1)
    await floor.nobody_is_called()
    assert floor.invites() == called, "the busy one was not tried again either"
    statuses = await floor.statuses(campaign)
    for phone in people:
        talked = phone in called
        assert statuses[phone] is (ContactStatus.COMPLETED if talked else ContactStatus.CANCELED)
    assert statuses[busy] is ContactStatus.CANCELED, "it waited for its second call"
    for step in (commands.start, commands.resume, commands.retry_failed):
        with pytest.raises(IllegalTransition):
            await step(campaign.id)


async def test_retry_failed_and_clone(floor: Floor) -> None:
    """Only who failed gets a second round, with all attempts; a clone is a fresh draft."""
    failing = [number_for("congestion", n) for n in range(3)]
    busy = [number_for("busy", n) for n in range(3)]
    people = [load_number(n) for n in range(3)]
    commands = floor.engine.commands
    campaign = await floor.campaign(*failing, *busy, *people, attempts=2)
    await floor.is_in(campaign, CampaignStatus.COMPLETED)
    once, twice = dict.fromkeys(people, 1), dict.fromkeys(busy, 2)
    assert floor.invites() == {**once, **twice, **dict.fromkeys(failing, 2)}
    statuses = await floor.statuses(campaign)
    assert {p for p, s in statuses.items() if s is ContactStatus.FAILED} == set(failing)

    reopened, count = await commands.retry_failed(campaign.id)
    assert (reopened.status, count) == (CampaignStatus.RUNNING, 3)
    await floor.is_in(campaign, CampaignStatus.COMPLETED)
    assert floor.invites() == {**once, **twice, **dict.fromkeys(failing, 4)}

    choice = ContactChoice(statuses=frozenset({ContactStatus.FAILED}))
    copy = await commands.clone(campaign.id, "Once more", choice)
    empty = await commands.clone(campaign.id)
    await floor.nobody_is_called()
    with pytest.raises(PreconditionsMissing):
        await commands.start(empty.id)
    await commands.start(copy.id)
    await floor.is_in(copy, CampaignStatus.COMPLETED)
    assert floor.invites() == {**once, **twice, **dict.fromkeys(failing, 6)}
    contacts = await floor.engine.store.contacts(copy.id)
    assert {c.attempts for c in contacts} == {2}


async def test_always_on_takes_contacts_while_it_runs(floor: Floor) -> None:
    commands = floor.engine.commands
    campaign = await floor.campaign(mode=CampaignMode.ALWAYS_ON)
    for turn, phone in enumerate((load_number(10), number_for("busy", 5)), start=1):
        await floor.add(campaign, phone)
        await floor.ended(campaign, turn)
    await floor.nobody_is_called()
    assert (await floor.engine.store.campaign(campaign.id)).status is CampaignStatus.RUNNING
    await commands.complete(campaign.id)
    await floor.add(campaign, load_number(11))
    await floor.ended(campaign, 3)
    await commands.stop(campaign.id)
    with pytest.raises(Conflict):
        await floor.add(campaign, load_number(12))
    expected = {load_number(10): 1, number_for("busy", 5): 1, load_number(11): 1}
    assert floor.invites() == expected


async def test_a_key_opts_out_everywhere(floor: Floor) -> None:
    """Who presses the key is never called again; who only listens is."""
    presses = [number_for("presses_key", n) for n in range(3)]
    listens = [number_for("person", n) for n in range(3)]
    retry = RetryPolicy(max_attempts=3, delay_s=1, until_success=False)
    first = await floor.campaign(*presses, *listens, opt_out_key="1", retry=retry)
    await floor.is_in(first, CampaignStatus.COMPLETED)
    for attempt in await floor.attempts(first):
        pressed = attempt.number in presses
        assert (attempt.evidence.get("dtmf"), attempt.refused) == (
            "1" if pressed else None,
            pressed,
        )
    second = await floor.campaign(*presses, *listens)
    await floor.is_in(second, CampaignStatus.COMPLETED)
    assert floor.invites() == {**dict.fromkeys(presses, 1), **dict.fromkeys(listens, 2)}
    for contact in await floor.engine.store.contacts(second.id):
        if contact.phone in presses:
            told = await floor.engine.commands.why.contact(contact)
            assert told.answer.reason is Reason.DO_NOT_CALL


async def test_callees_see_the_numbers_of_the_pool(floor: Floor) -> None:
    """Calls spread evenly over the pool, and a contact sees the same number again."""
    pool = [number_for("person", 399 - n) for n in range(3)]
    for phone in pool:
        await floor.engine.commands.lists.save_number(phone)
    busy = [number_for("busy", n) for n in range(9)]
    campaign = await floor.campaign(
        *busy, attempts=2, pool=NumberPool(tuple(pool), Rotation.SAME), caller_id="+33199009999"
    )
    await floor.is_in(campaign, CampaignStatus.COMPLETED)
    shown = witness_callers(floor.lab, floor.mark)
    assert all(len(callers) == 2 and len(set(callers)) == 1 for callers in shown.values()), shown
    assert Counter(callers[0] for callers in shown.values()) == dict.fromkeys(pool, 3)
    kept = {a.number: a.caller_number for a in await floor.attempts(campaign)}
    assert kept == {number: callers[0] for number, callers in shown.items()}
    plain = await floor.campaign(load_number(30), caller_id="+33199009999")
    await floor.is_in(plain, CampaignStatus.COMPLETED)
    assert witness_callers(floor.lab, floor.mark)[load_number(30)] == ["+33199009999"]
