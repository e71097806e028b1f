"""A switch, a link and an engine that fail at random: what must hold whatever happens.

Events get lost and change places, orders stay without an answer, the link is cut, the switch
dies with its calls, the engine is killed and started again on the same database. In the end
everybody is settled, nobody was called more often than is written down, and nobody twice at
the same time.
"""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from engine_kit import Bench, Script, bench, number_of, passes, until

from callcamp.core.legal import CallCap
from callcamp.core.model import NewContact
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, CampaignEvent, CampaignStatus, ContactStatus
from callcamp.errors import IllegalTransition, NotFound, StoreError
from callcamp.ports import CallOrder

CONTACTS = 14
MAX_ATTEMPTS = 3
MOST_CALLS = 2
SCOPE = "marketing"
OPEN = {ContactStatus.PENDING, ContactStatus.IN_PROGRESS}
LASTING = {Reason.NO_CONSENT, Reason.FREQUENCY_CAP, Reason.IN_OTHER_CALL}
EVENTS = ("CallCreated", "CallRang", "CallAnswered", "OriginateEnded", "CallEnded", "EvidenceSeen")
ORDERS = ("accept",) * 12 + ("timeout", "late", "lost", "unavailable", "no_answer_yet")


def chaotic_script(chance: random.Random) -> Script:
    order = chance.choice(ORDERS)
    lossy = chance.random() < 0.25
    return Script(
        order="accept" if order == "no_answer_yet" else order,
        answers=chance.random() < 0.4,
        ring_s=chance.random() * 0.08,
        talk_s=chance.random() * 0.08,
        late_s=chance.random() * 0.08,
        hangup_first=chance.random() < 0.5,
        drop=frozenset(e for e in EVENTS if lossy and chance.random() < 0.5),
    )


async def havoc(b: Bench, chance: random.Random, campaign_id: int) -> None:
    """Do one terrible thing."""
    match chance.randrange(9):
        case 0 | 1:
            b.switch.cut()
            await passes(chance.random() * 0.1)
            b.switch.mend()
        case 2:
            b.switch.restart()
            await passes(chance.random() * 0.1)
            b.switch.mend()
        case 3:
            b.switch.lose_events()
        case 4 | 5:
            await b.kill()
            if chance.random() < 0.3:
                b.switch.restart()
            await passes(chance.random() * 0.1)
            await b.start()
        case 6:
            await b.stop()
            await passes(chance.random() * 0.05)
            await b.start()
        case 7:
            left = chance.randrange(1, 4)
            target = chance.choice(("apply", "claim", "mark_dialing"))

            def fail(name: str) -> None:
                nonlocal left
                if name == target and left:
                    left -= 1
                    raise StoreError("out of order")

            setattr(b.store, chance.choice(("before", "after")), fail)
        case 8:
            with contextlib.suppress(IllegalTransition):
                await b.running.commands.pause(campaign_id)
                await passes(chance.random() * 0.05)
                await b.running.commands.resume(campaign_id)


@pytest.mark.parametrize("seed", range(int(os.environ.get("CALLCAMP_MODEL_SEEDS", "24"))))
async def test_whatever_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def script(_order: CallOrder) -> Script:
        return chaotic_script(chance)

    async with bench(tmp_path, script, settle_margin_s=0.5, max_call_s=0.5) as b:
        b.switch.answer_delay_s = 0.002
        await b.start()
        campaign = await b.campaign(
            CONTACTS,
            attempts=MAX_ATTEMPTS,
            ring_timeout_s=0,
            concurrency=chance.randrange(2, 9),
            cps=chance.choice((30, 200)),
        )
        for _ in range(chance.randrange(3, 12)):
            await passes(chance.random() * 0.15)
            await havoc(b, chance, campaign.id)
        b.store.before = b.store.after = lambda _name: None
        await b.completed(campaign)
        engine = b.running
        await until(lambda: not len(engine._registry))
        await until(lambda: engine.tracker.synced)
        await check(b, campaign.id)


async def check(b: Bench, campaign_id: int) -> None:
    assert not b.switch.violations
    contacts = await b.store.contacts(campaign_id, limit=1000)
    attempts = await b.store.attempts(campaign_id, limit=10_000)
    assert {c.status for c in contacts} <= {ContactStatus.COMPLETED, ContactStatus.FAILED}
    assert all(c.disposition is not None for c in contacts)
    by_id = {a.id: a for a in attempts}
    for attempt_id in b.switch.placed_ids:
        assert by_id[attempt_id].status is AttemptStatus.ENDED, "a placed call was forgotten"
    for contact in contacts:
        ended = [
            a for a in attempts if a.contact_id == contact.id and a.status is AttemptStatus.ENDED
        ]
        placed = b.switch.placed.get(contact.phone, [])
        assert len(placed) <= len(ended) == contact.attempts <= MAX_ATTEMPTS
        assert [a.ordinal for a in ended] == list(range(1, len(ended) + 1))
    assert await b.store.live_attempts() == []
    assert await b.store.recount(campaign_id) == {}
    assert not b.running.live.calls()
    # Whatever was left in the outbox is cleaned at the next comparison.
    b.switch.lose_events()
    await until(lambda: not b.switch.box, "the outbox is empty")


@pytest.mark.parametrize("seed", range(4))
async def test_a_stop_in_the_middle_of_it_all(tmp_path: Path, seed: int) -> None:
    chance = random.Random(1000 + seed)
    async with bench(
        tmp_path, lambda _order: chaotic_script(chance), settle_margin_s=0.5, max_call_s=0.5
    ) as b:
        await b.start()
        campaign = await b.campaign(60, attempts=MAX_ATTEMPTS, ring_timeout_s=0, concurrency=8)
        await b.ordered(12)
        await havoc(b, chance, campaign.id)
        b.store.before = b.store.after = lambda _name: None
        await b.store.move_campaign(campaign.id, CampaignEvent.STOPPED, now=b.clock.now())
        b.running._dialer.campaigns_changed()

        async def all_settled() -> bool:
            counts = await b.store.counts(campaign.id)
            return counts.done == counts.total

        await until(all_settled)
        await until(lambda: not len(b.running._registry))
        ordered = len(b.switch.orders)
        await passes(0.2)
        assert len(b.switch.orders) == ordered
        assert await b.store.recount(campaign.id) == {}
        assert await b.store.live_attempts() == []
        attempts = {a.id: a for a in await b.attempts(campaign)}
        assert all(attempts[i].status is AttemptStatus.ENDED for i in b.switch.placed_ids)


@dataclass
class Law:
    """Who may be called, as people said it; every order is held against it.

    ``refused``: numbers that may not be called, since the engine took note of it;
    ``suppressed``: those of them for which no consent helps.
    """

    b: Bench
    people: dict[str, tuple[str, ...]]
    refused: set[str] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def hold_against(self, order: CallOrder) -> None:
        number = number_of(order)
        if number in self.refused:
            self.broken.append(f"{number} may not be called")
        for numbers in self.people.values():
            if number not in numbers:
                continue
            live = [c for c in self.b.switch.channels.values() if number_of(c.order) in numbers]
            if live:
                self.broken.append(f"{number} is called during another call of the person")
        # Calls to somebody else who shares a number count by that number, not by their others.
        theirs = list(self.people.values())[int(order.variables["CC_CONTACT"]) - 1]
        if number not in theirs:
            self.broken.append(f"{number} is none of the person's")
        if sum(len(self.b.switch.placed.get(n, ())) for n in theirs) >= MOST_CALLS:
            self.broken.append(f"{number} is called once too often")

    async def change(self, chance: random.Random, campaign_id: int) -> None:
        """Have somebody say something else."""
        commands = self.b.running.commands
        number = chance.choice(sorted(n for numbers in self.people.values() for n in numbers))
        match chance.randrange(5):
            case 0:
                await commands.lists.suppress([number], reason="asked", source="test")
                self.refused.add(number)
                self.suppressed.add(number)
            case 1:
                with contextlib.suppress(NotFound):
                    await commands.lists.revoke_consent(number, scope=SCOPE)
                self.refused.add(number)
            case 2:
                if number not in self.suppressed:
                    self.refused.discard(number)
                await commands.lists.record_consent(number, scope=SCOPE, source="test")
            case 3:
                contact = chance.choice(await self.b.store.contacts(campaign_id))
                with contextlib.suppress(IllegalTransition):
                    await commands.exclude(contact, "test")
                    self.refused |= set(contact.numbers)
                    self.suppressed |= set(contact.numbers)
            case 4:
                with contextlib.suppress(IllegalTransition):
                    await commands.pause(campaign_id)
                    now = await self.b.store.campaign(campaign_id)
                    settings = replace(now.settings, concurrency=chance.randrange(2, 9))
                    await self.b.store.change_settings(
                        campaign_id, settings, expected_version=now.version, now=self.b.clock.now()
                    )
                    await commands.resume(campaign_id)


@pytest.mark.parametrize("seed", range(int(os.environ.get("CALLCAMP_LAW_SEEDS", "6"))))
async def test_nobody_is_called_who_may_not_be_whatever_happens(tmp_path: Path, seed: int) -> None:
    """People with several numbers, some of them shared, who allow and refuse calls meanwhile."""
    chance = random.Random(2000 + seed)
    people = {
        f"+3361{n:07d}": (f"+3361{n:07d}", f"+3363{n // 2:07d}", f"+3362{n:07d}")[
            : chance.randrange(1, 4)
        ]
        for n in range(CONTACTS)
    }

    def script(order: CallOrder) -> Script:
        law.hold_against(order)
        return chaotic_script(chance)

    async with bench(tmp_path, script, settle_margin_s=0.5, max_call_s=0.5) as b:
        law = Law(b, people)
        await b.start()
        for number in {n for numbers in people.values() for n in numbers}:
            await b.running.commands.lists.record_consent(number, scope=SCOPE, source="test")
        campaign = await b.campaign(
            [NewContact(phone, others=numbers[1:]) for phone, numbers in people.items()],
            attempts=MAX_ATTEMPTS,
            ring_timeout_s=0,
            consent_scope=SCOPE,
            frequency=(CallCap(MOST_CALLS, 86_400),),
            concurrency=chance.randrange(2, 9),
            cps=chance.choice((30, 200)),
        )
        for _ in range(chance.randrange(6, 16)):
            await passes(chance.random() * 0.1)
            if chance.random() < 0.3:
                await havoc(b, chance, campaign.id)
            else:
                await law.change(chance, campaign.id)
        b.store.before = b.store.after = lambda _name: None

        async def everybody_waits_or_is_done() -> bool:
            if (await b.store.campaign(campaign.id)).status is CampaignStatus.COMPLETED:
                return True
            waiting = [c for c in await b.contacts(campaign) if c.status in OPEN]
            return all(c.hold in LASTING for c in waiting) and not len(b.running._registry)

        await until(everybody_waits_or_is_done)
        assert not law.broken
        assert await b.store.recount(campaign.id) == {}
        assert await b.store.live_attempts() == []
