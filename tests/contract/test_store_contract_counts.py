"""What every store promises: reading attempts, counts that are always right."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kit import (
    NOW,
    POSTGRES,
    dialed,
    ended,
    fresh,
    opened,
    released,
    running,
    sql,
    take,
)

from callcamp.core.model import (
    AttemptChange,
    NewContact,
)
from callcamp.core.outcome import Disposition
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    CampaignEvent,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import (
    Conflict,
)
from callcamp.store import SqlStore
from callcamp.store.tables import metadata

_UNIQUE = itertools.count()


async def test_attempts_in_pages_by_id(store: SqlStore) -> None:
    campaign_id = await running(store, 6)
    await running(store, 1)
    # Upper before lower case, as bytes sort: locales of PostgreSQL would mix them.
    given = ["a3", "B2", "a1", "b1", "A9", "0-x"]
    await take(store, campaign_id, given)
    seen: list[str] = []
    while page := await store.attempts(campaign_id, after_id=seen[-1] if seen else "", limit=4):
        seen += [a.id for a in page]
    assert seen == sorted(given)


async def test_live_attempts_of_one_campaign_and_of_all(store: SqlStore) -> None:
    one, two = await running(store, 3), await running(store, 1)
    await dialed(store, one, 3, "a")
    await dialed(store, two, 1, "b")
    doubt = AttemptChange("a-00001", (AttemptEvent.DOUBTED,), NOW)
    await store.apply([ended("a-00000"), doubt, released("a-00002")])
    assert [a.id for a in await store.live_attempts(one)] == ["a-00001"]
    assert [a.id for a in await store.live_attempts()] == ["a-00001", "b-00000"]
    assert (await store.live_attempts(one))[0].status is AttemptStatus.UNKNOWN
    assert await store.live_attempts(99) == []


async def test_the_context_of_attempts(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    await dialed(store, campaign_id, 2)
    retry = ended("a-00000", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, NOW)
    await store.apply([retry])
    await dialed(store, campaign_id, 1, "b")
    context = await store.attempt_context(["b-00000", "a-00001", "nobody", "b-00000"])
    assert {k: n for k, (_, n) in context.items()} == {"b-00000": 1, "a-00001": 0}
    assert context["b-00000"][0] == await store.attempt("b-00000")
    assert await store.attempt_context([]) == {}


async def test_a_reader_does_not_wait_for_a_writer(url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        campaign_id = await running(store, 1)
        if not url.startswith("sqlite"):
            return
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE contact SET attempts = 9")
            (contact,) = await asyncio.wait_for(store.contacts(campaign_id), 5)
            assert contact.attempts == 0
            other.rollback()


async def test_recount_finds_what_is_wrong(store: SqlStore, url: str) -> None:
    campaign_id = await running(store, 3)
    sql(url, "UPDATE campaign_count SET n = 7 WHERE kind = 'contact'")
    assert await store.recount(campaign_id) == {("contact", "pending"): (7, 3)}


def _steps() -> st.SearchStrategy[list[tuple[str, int]]]:
    kinds = ["add", "claim", "dial", "apply", "apply", "apply", "pause", "resume", "stop", "undo"]
    return st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 2**32)), max_size=30)


@pytest.fixture(scope="module")
def shared_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database for many examples, each with a campaign of its own."""
    return fresh(f"sqlite:///{tmp_path_factory.mktemp('random')}/x.sqlite3")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_steps())
def test_whatever_happens_the_counts_are_right(
    shared_url: str, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(_random_walk(shared_url, steps))


if POSTGRES is not None:

    def test_whatever_happens_the_counts_are_right_on_postgresql() -> None:
        url, chance = fresh(POSTGRES), random.Random(1)
        kinds = ["add", "claim", "dial", "apply", "apply", "apply", "pause", "resume", "undo"]
        for _ in range(10):
            steps = [(chance.choice(kinds), chance.randrange(2**32)) for _ in range(30)]
            asyncio.run(_random_walk(url, steps))


async def _random_walk(url: str, steps: list[tuple[str, int]]) -> None:
    async with opened(url) as store:
        campaign_id = await running(store, 4)
        for kind, seed in steps:
            await _random_step(store, campaign_id, kind, random.Random(seed))
        assert await store.recount(campaign_id) == {}
        contacts = await store.contacts(campaign_id, limit=1000)
        attempts = await store.attempts(campaign_id)
        calls = await store.calls_per_number(campaign_id)
        live = Counter(a.contact_id for a in attempts if a.ended_at is None)
        assert set(live.values()) <= {1}
        for contact in contacts:
            ended_n = calls.get(contact.phone, {"ended": 0})["ended"]
            assert contact.attempts == ended_n
            assert (contact.status is ContactStatus.IN_PROGRESS) == (live[contact.id] == 1)
            assert (contact.status is ContactStatus.PENDING) == (contact.due_at is not None)
        counts = await store.counts(campaign_id)
        assert counts.total == len(contacts)
        assert counts.live == Counter(a.status for a in attempts if a.ended_at is None)


async def _random_step(store: SqlStore, campaign_id: int, kind: str, chance: random.Random) -> None:
    campaign_events = {
        "pause": CampaignEvent.PAUSED,
        "resume": CampaignEvent.RESUMED,
        "stop": CampaignEvent.STOPPED,
    }
    try:
        if kind == "add":
            new = [NewContact(f"+1{chance.randrange(12)}") for _ in range(chance.randrange(4))]
            await store.add_contacts(campaign_id, new, now=NOW)
        elif kind == "claim":
            new_ids = [f"{chance.random()}-{next(_UNIQUE)}" for _ in range(3)]
            await take(store, campaign_id, new_ids)
        elif kind == "dial":
            live = [a.id for a in await store.live_attempts(campaign_id)]
            await store.mark_dialing(live, now=NOW)
        elif kind == "apply":
            live = [a.id for a in await store.live_attempts(campaign_id)]
            await store.apply([_random_change(chance, chance.choice(live)) for _ in live])
        elif kind == "undo":
            await store.finish_if_done(campaign_id, now=NOW)
        else:
            await store.move_campaign(campaign_id, campaign_events[kind], now=NOW)
    except Conflict:
        pass


def _random_change(chance: random.Random, attempt_id: str) -> AttemptChange:
    kind = chance.randrange(4)
    if kind == 0:
        events = tuple(chance.choices(list(AttemptEvent), k=chance.randrange(3)))
        return AttemptChange(attempt_id, events, NOW)
    if kind == 1:
        return released(attempt_id)
    event = chance.choice(list(ContactEvent))
    due_at = NOW if chance.random() < 0.8 else None
    return ended(attempt_id, chance.choice(list(Disposition)), event, due_at)


def test_the_schema_is_the_one_that_the_queries_expect() -> None:
    assert set(metadata.tables) >= {"contact", "attempt", "campaign", "campaign_count"}
