"""Answers that are kept under the key of their request: a part of the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    select,
    text,
    update,
)

from callcamp.ports.replies import KeptReply
from callcamp.store.columns import Instant, JsonText, to_us
from callcamp.store.database import Database
from callcamp.store.tables import metadata

reply = Table(
    "kept_reply",
    metadata,
    Column("actor", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("status", Integer),
    Column("headers", JsonText, nullable=False),
    Column("body", JsonText, nullable=False),
    PrimaryKeyConstraint("actor", "key"),
    Index("ix_kept_reply_begun", "begun_at"),
)
_r = reply.c
# One statement: of two at the same time only one begins, on every engine.
_BEGIN = text(
    "INSERT INTO kept_reply (actor, key, digest, begun_at, headers, body)"
    " VALUES (:actor, :key, :digest, :begun_at, '{}', '\"\"') ON CONFLICT DO NOTHING"
)


def _begin(connection: Connection, begun: Mapping[str, Any], since: datetime) -> KeptReply | None:
    connection.execute(delete(reply).where(_r.begun_at < since))
    if connection.execute(_BEGIN, begun).rowcount:
        return None
    known = select(_r.digest, _r.status, _r.headers, _r.body).where(
        _r.actor == begun["actor"], _r.key == begun["key"]
    )
    return KeptReply(*connection.execute(known).one())


def _keep(connection: Connection, actor: str, key: str, kept: KeptReply) -> None:
    connection.execute(
        update(reply)
        .where(_r.actor == actor, _r.key == key)
        .values(status=kept.status, headers=dict(kept.headers), body=kept.body)
    )


def _forget(connection: Connection, actor: str, key: str) -> None:
    connection.execute(delete(reply).where(_r.actor == actor, _r.key == key))


class RepliesSql:
    """Answers that are kept; fulfils :class:`callcamp.ports.Replies`."""

    _db: Database

    async def begin_reply(
        self, actor: str, key: str, digest: str, *, now: datetime, since: datetime
    ) -> KeptReply | None:
        """Note that a request is under way; returns what is known under its key already."""
        begun = {"actor": actor, "key": key, "digest": digest, "begun_at": to_us(now)}
        return await self._db.write(_begin, begun, since)

    async def keep_reply(self, actor: str, key: str, reply: KeptReply) -> None:
        """Keep the answer of a request that was under way."""
        await self._db.write(_keep, actor, key, reply)

    async def forget_reply(self, actor: str, key: str) -> None:
        """Forget a request: it may be made again under its key."""
        await self._db.write(_forget, actor, key)
