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
from pathlib import Path

import pytest
from engine_kit import Bench, Script, bench, passes, until

from callcamp.core.states import AttemptStatus, CampaignEvent, ContactStatus
from callcamp.errors import IllegalTransition, StoreError
from callcamp.ports import CallOrder

CONTACTS = 14
MAX_ATTEMPTS = 3
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
        await b.completed(campaign, within_s=40.0)
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
        b.running._dialer.campaign_changed(campaign.id)

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
