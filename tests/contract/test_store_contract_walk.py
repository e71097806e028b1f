"""What every store promises: whatever happens in whatever order, nothing is lost or miscounted."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kit import NOW, POSTGRES, claimed, ended, fresh, opened, released, running

from callcamp.core.campaign_settings import CampaignMode
from callcamp.core.changes import AttemptChange, ContactChange, NewSuppression, Revision
from callcamp.core.gate import Batch, Decision, LetOut, PassedOver
from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptEvent, CampaignEvent, ContactEvent, ContactStatus
from callcamp.errors import Conflict
from callcamp.ports import OnDuplicate
from callcamp.store import SqlStore

_UNIQUE = itertools.count()
_HOLDS = [Reason.COOL_OFF, Reason.NEEDS_REVIEW, Reason.FREQUENCY_CAP, Reason.ZONE_UNKNOWN]
_PLACES = ["", "US;US-FL;America/New_York", "FR;;Europe/Paris"]
Step = Callable[[SqlStore, int, random.Random], Awaitable[Any]]


async def _add(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    new = [
        NewContact(
            f"+1212555{chance.randrange(1000, 1012)}",
            chance.choice([{}, {"timezone": "Asia/Tokyo"}]),
            others=tuple(f"+1305555{chance.randrange(1000, 1004)}" for _ in range(seed % 3)),
        )
        for seed in range(chance.randrange(5))
    ]
    policy = chance.choice(list(OnDuplicate))
    await store.add_contacts(campaign_id, new, now=NOW, on_duplicate=policy)


async def _claim(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    def judge(batch: Batch) -> list[Decision]:
        decisions: list[Decision] = []
        room = batch.room
        for c in batch.candidates:
            if not room or chance.random() < 0.1:
                break
            if chance.random() < 0.5:
                decisions.append(
                    PassedOver(
                        c.contact_id,
                        chance.choice(_HOLDS),
                        chance.choice([None, NOW, NOW + timedelta(days=1)]),
                        skip=chance.random() < 0.2,
                    )
                )
                continue
            room -= 1
            index = chance.randrange(len(c.numbers))
            decisions.append(
                LetOut(c.contact_id, index, chance.choice([None, "+33100000001"]), None)
            )
        return decisions

    new_ids = [f"{chance.random()}-{next(_UNIQUE)}" for _ in range(3)]
    heads = await store.heads(campaign_id)
    places = chance.choice([None, [place for place in heads if chance.random() < 0.7]])
    at = NOW + timedelta(seconds=chance.choice([0, 2]))
    await claimed(
        store,
        campaign_id,
        new_ids,
        places=places,
        judge=judge,
        now=at,
        lease_until=at + timedelta(minutes=1),
    )


async def _dial(store: SqlStore, campaign_id: int, _chance: random.Random) -> None:
    live = [a.id for a in await store.live_attempts(campaign_id)]
    await store.mark_dialing(live, now=NOW)


async def _apply(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    live = [a.id for a in await store.live_attempts(campaign_id)]
    await store.apply([_change(campaign_id, chance, chance.choice(live)) for _ in live])


def _change(campaign_id: int, chance: random.Random, attempt_id: str) -> AttemptChange:
    kind = chance.randrange(4)
    if kind == 0:
        events = tuple(chance.choices(list(AttemptEvent), k=chance.randrange(3)))
        return AttemptChange(attempt_id, events, NOW)
    if kind == 1:
        return released(attempt_id)
    due_at = NOW if chance.random() < 0.8 else None
    contact = ContactChange(
        chance.choice(list(ContactEvent)),
        due_at,
        chance.choice([None, Reason.RETRY_WAITS]),
        callback=chance.random() < 0.3,
        number_index=chance.choice([None, 0]),
        variables=chance.choice([{}, {"set": "x"}]),
    )
    return replace(
        ended(attempt_id, chance.choice(list(Disposition))),
        contact=contact,
        success=chance.choice([None, True, False]),
        suppress=_suppress(campaign_id, chance) if chance.random() < 0.2 else (),
    )


def _suppress(campaign_id: int, chance: random.Random) -> tuple[NewSuppression, ...]:
    phone = f"+1212555{chance.randrange(1000, 1012)}"
    return (NewSuppression(phone, "asked", "keypad", campaign_id),)


async def _revise(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    over = [a.id for a in await store.attempts(campaign_id) if a.disposition is not None]
    if not over:
        return
    contact = ContactChange(
        chance.choice([ContactEvent.REOPENED, ContactEvent.FINISHED, ContactEvent.RETRY_SCHEDULED]),
        NOW,
        callback=chance.random() < 0.5,
    )
    revision = Revision(
        chance.choice(over),
        success=chance.choice([None, True, False]),
        contact=chance.choice([None, contact]),
    )
    await store.revise(revision, now=NOW)


async def _one(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    contacts = await store.contacts(campaign_id)
    if not contacts:
        return
    contact = chance.choice(contacts)
    kind = chance.randrange(4)
    if kind == 0:
        await store.skip_contact(contact.id, chance.choice(_HOLDS), now=NOW)
    elif kind == 1:
        await store.exclude_contact(contact.id, reason="asked", now=NOW)
    elif kind == 2:
        await store.set_place(contact.id, chance.choice(_PLACES), now=NOW)
    else:
        await store.delete_contact(contact.id, now=NOW)


async def _release(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    await store.release_holds(campaign_id, chance.sample(_HOLDS, 2), now=NOW)


async def _move(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    events = [CampaignEvent.PAUSED, CampaignEvent.RESUMED] * 4
    events += [CampaignEvent.EXPIRED, CampaignEvent.REOPENED, CampaignEvent.STOPPED]
    await store.move_campaign(campaign_id, chance.choice(events), now=NOW)


async def _retry_failed(store: SqlStore, campaign_id: int, _chance: random.Random) -> None:
    await store.retry_failed(campaign_id, now=NOW)


async def _settings(store: SqlStore, campaign_id: int, chance: random.Random) -> None:
    campaign = await store.campaign(campaign_id)
    modes = [CampaignMode.ALWAYS_ON, CampaignMode.MULTI_DAY]
    changed = replace(
        campaign.settings, sticky_exclusion=chance.random() < 0.5, mode=chance.choice(modes)
    )
    await store.change_settings(campaign_id, changed, expected_version=campaign.version, now=NOW)


async def _finish(store: SqlStore, campaign_id: int, _chance: random.Random) -> None:
    await store.finish_if_done(campaign_id, now=NOW)


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        _add,
        _claim,
        _dial,
        _apply,
        _revise,
        _one,
        _release,
        _move,
        _retry_failed,
        _settings,
        _finish,
    )
}
OFTEN = ["_claim", "_dial", "_apply", "_apply"]


@pytest.fixture(scope="module")
def shared_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database for many examples, each with a campaign of its own."""
    return fresh(f"sqlite:///{tmp_path_factory.mktemp('random')}/x.sqlite3")


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(st.tuples(st.sampled_from([*STEPS, *OFTEN]), st.integers(0, 2**32)), max_size=30)
)
def test_whatever_happens_the_counts_are_right(
    shared_url: str, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(_walk(shared_url, steps))


if POSTGRES is not None:

    def test_whatever_happens_the_counts_are_right_on_postgresql() -> None:
        url, chance = fresh(POSTGRES), random.Random(1)
        for _ in range(10):
            steps = [(chance.choice([*STEPS, *OFTEN]), chance.randrange(2**32)) for _ in range(30)]
            asyncio.run(_walk(url, steps))


async def _walk(url: str, steps: list[tuple[str, int]]) -> None:
    async with opened(url) as store:
        campaign_id = await running(store, 4, mode=CampaignMode.ALWAYS_ON)
        for kind, seed in steps:
            try:
                await STEPS[kind](store, campaign_id, random.Random(seed))
            except Conflict:
                continue
        await _check(store, campaign_id)


async def _check(store: SqlStore, campaign_id: int) -> None:
    assert await store.recount(campaign_id) == {}
    contacts = await store.contacts(campaign_id, limit=1000)
    attempts = await store.attempts(campaign_id)
    live = Counter(a.contact_id for a in attempts if a.ended_at is None)
    calls = Counter(a.contact_id for a in attempts if a.disposition is not None)
    assert set(live.values()) <= {1}
    for contact in contacts:
        assert contact.attempts == calls[contact.id]
        assert 0 <= contact.round_base <= contact.attempts
        assert (contact.status is ContactStatus.IN_PROGRESS) == (live[contact.id] == 1)
        if contact.status is not ContactStatus.PENDING:
            assert contact.due_at is None
        elif contact.due_at is None:
            assert contact.hold is not None
    waits = [c for c in contacts if c.status is ContactStatus.PENDING]
    heads = await store.heads(campaign_id)
    assert heads.keys() == {c.place for c in waits}
    for place, at in heads.items():
        assert at == min((c.due_at for c in waits if c.place == place and c.due_at), default=None)
    waiting = await store.waiting(campaign_id, at=NOW)
    groups = Counter((c.place, c.hold) for c in waits)
    assert {(w.place, w.reason): w.count for w in waiting} == groups
    counts = await store.counts(campaign_id)
    assert counts.total == len(contacts)
    assert counts.live == Counter(a.status for a in attempts if a.ended_at is None)
    assert sum(counts.skipped.values()) == counts.contacts.get(ContactStatus.SKIPPED, 0)
