"""What every store promises: reading attempts, counts that are always right."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from store_kit import (
    NOW,
    dialed,
    ended,
    opened,
    released,
    running,
    sql,
    take,
)

from callcamp.core.changes import AttemptChange
from callcamp.core.outcome import Disposition
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    ContactEvent,
)
from callcamp.store import SqlStore
from callcamp.store.tables import metadata


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


async def test_the_newest_attempts_in_pages(store: SqlStore) -> None:
    campaign_id = await running(store, 6)
    other = await running(store, 1)
    given = ["a3", "B2", "a1", "b1", "A9", "0-x"]
    await take(store, campaign_id, given)
    await take(store, other, ["c1"])
    seen: list[str] = []
    while page := await store.newest_attempts(
        campaign_id, before_id=seen[-1] if seen else "", limit=4
    ):
        seen += [a.id for a in page]
    assert seen == sorted(given, reverse=True)


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


def test_the_schema_is_the_one_that_the_queries_expect() -> None:
    assert set(metadata.tables) >= {"contact", "attempt", "campaign", "campaign_count"}
