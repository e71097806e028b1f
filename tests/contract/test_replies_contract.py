"""Answers that are kept under the key of their request."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from callcamp.engine.commands import utc_now
from callcamp.ports.replies import KeptReply
from callcamp.store import SqlStore

DAY = timedelta(hours=24)


async def test_a_request_begins_once_and_its_answer_is_kept(store: SqlStore) -> None:
    now = utc_now()

    async def begin(actor: str = "token:a", digest: str = "x") -> KeptReply | None:
        return await store.begin_reply(actor, "k", digest, now=now, since=now - DAY)

    assert await begin() is None
    assert await begin(digest="y") == KeptReply("x")
    kept = KeptReply("x", 201, {"Location": "/there"}, '{"name": "Zoë \\u0000"}')
    await store.keep_reply("token:a", "k", kept)
    assert await begin() == kept
    # A key belongs to whoever gave it.
    assert await begin("token:b") is None
    await store.forget_reply("token:a", "k")
    assert await begin() is None


async def test_of_two_at_the_same_time_one_begins(store: SqlStore) -> None:
    now = utc_now()
    begun = await asyncio.gather(
        *(store.begin_reply("a", "k", "x", now=now, since=now - DAY) for _ in range(5))
    )
    assert begun.count(None) == 1


async def test_what_is_old_is_deleted(store: SqlStore) -> None:
    now = utc_now()
    assert await store.begin_reply("a", "k", "x", now=now, since=now - DAY) is None
    later = now + DAY + timedelta(seconds=1)
    assert await store.begin_reply("a", "k", "y", now=later, since=later - DAY) is None
