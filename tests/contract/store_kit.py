"""What the contract tests of the store share."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from database_kit import make_database
from sqlalchemy import text

from callcamp.core.campaign_settings import CampaignMode, CampaignSettings
from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.gate import Batch, Decision, Judge, LetOut
from callcamp.core.model import Claim, NewContact
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.states import (
    AttemptEvent,
    CampaignEvent,
    ContactEvent,
)
from callcamp.ports import Claimed, Store
from callcamp.store import SqlStore, migrate
from callcamp.store.database import run_once

NOW = datetime(2026, 11, 3, 9, 30, 0, 123456, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=30)
POSTGRES = os.environ.get("CALLCAMP_TEST_POSTGRES_URL")
HOSTILE = [
    "'; DROP TABLE contact; --",
    'a "quoted" name, with comma',
    "Zoë 李 🎉 \u202etfel",
    "line\r\nbreak\ttab",
    "nul\0inside",
    "half \ud83d of a pair",
    "{number} %s %(x)s :name ? $1",
    "",
    " ",
    "=1+1",
]


def fresh(url: str) -> str:
    """Return ``url`` with an empty, current database behind it."""
    if url.startswith("postgres"):
        run_once(url, lambda c: c.exec_driver_sql("DROP SCHEMA public CASCADE"))
        run_once(url, lambda c: c.exec_driver_sql("CREATE SCHEMA public"))
        migrate(url)
    else:
        make_database(url)
    return url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """Open a store and close it again, whatever happens."""
    store = SqlStore(url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def sql(url: str, statement: str, **values: Any) -> list[Any]:
    """Run raw SQL, past the store; returns the rows of a SELECT."""

    def run(connection: Any) -> list[Any]:
        result = connection.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []

    return run_once(url, run)


async def draft(store: Store, **changes: Any) -> int:
    """Add a draft campaign."""
    trunk = await store.save_trunk("carrier", dial_string="PJSIP/{number}@carrier", cps=10)
    values: dict[str, Any] = {
        "name": "a campaign",
        "trunk_id": trunk.id,
        "mode": CampaignMode.MULTI_DAY,
        **changes,
    }
    return (await store.create_campaign(CampaignSettings(**values), now=NOW)).id


async def running(store: Store, contacts: int = 3, **changes: Any) -> int:
    """Add a running campaign with contacts."""
    campaign_id = await draft(store, **changes)
    await store.add_contacts(campaign_id, numbers(contacts), now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    return campaign_id


def numbers(n: int) -> list[NewContact]:
    """Return contacts with different numbers."""
    return [NewContact(f"+33612{i:06d}", {"first": f"N{i}"}) for i in range(n)]


def ids(n: int, prefix: str = "a") -> list[str]:
    """Return attempt ids that sort in order."""
    return [f"{prefix}-{i:05d}" for i in range(n)]


def let_out(batch: Batch) -> list[Decision]:
    """Let everybody out, with the number whose turn it is."""
    return [
        LetOut(c.contact_id, c.number_index, None, None) for c in batch.candidates[: batch.room]
    ]


async def claimed(
    store: Store,
    campaign_id: int,
    attempt_ids: Sequence[str],
    *,
    places: Sequence[str] | None = None,
    judge: Judge = let_out,
    look_back_s: float = 86_400,
    now: datetime = NOW,
    lease_until: datetime = LEASE,
) -> Claimed:
    """Claim contacts, of any place and without a gate unless told."""
    return await store.claim(
        campaign_id,
        attempt_ids,
        places=places,
        judge=judge,
        look_back_s=look_back_s,
        now=now,
        lease_until=lease_until,
    )


async def take(
    store: Store, campaign_id: int, attempt_ids: Sequence[str], **options: Any
) -> list[Claim]:
    """Do :func:`claimed`, for the claims only."""
    return (await claimed(store, campaign_id, attempt_ids, **options)).claims


async def dialed(
    store: Store, campaign_id: int, n: int = 1, prefix: str = "a", **options: Any
) -> list[Claim]:
    """Claim contacts and note that they are called."""
    claims = await take(store, campaign_id, ids(n, prefix), **options)
    await store.mark_dialing([c.attempt.id for c in claims], now=options.get("now", NOW))
    return claims


def ended(
    attempt_id: str,
    disposition: Disposition = Disposition.ANSWERED_PERSON,
    event: ContactEvent = ContactEvent.FINISHED,
    due_at: datetime | None = None,
    at: datetime = NOW,
) -> AttemptChange:
    """Return the change that ends an attempt."""
    return AttemptChange(
        attempt_id,
        (AttemptEvent.ENDED,),
        at,
        disposition=disposition,
        evidence=Evidence(cause=16),
        contact=ContactChange(event, due_at),
    )


def released(attempt_id: str, due_at: datetime = NOW) -> AttemptChange:
    """Return the change of an attempt that was never placed."""
    return AttemptChange(
        attempt_id,
        (AttemptEvent.NOT_PLACED,),
        NOW,
        contact=ContactChange(ContactEvent.RELEASED, due_at),
    )


def problems(applied: list[Any]) -> list[str | None]:
    """Return the problems of a batch."""
    return [a.problem for a in applied]


def staging(path: Path, rows: list[tuple[str, dict[str, str]]]) -> Path:
    """Write a staging file as the importer does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE row (row_no INTEGER, phone TEXT, variables TEXT)")
        connection.executemany(
            "INSERT INTO row VALUES (?, ?, ?)",
            ((i + 2, phone, json.dumps(values)) for i, (phone, values) in enumerate(rows)),
        )
        connection.commit()
    return path
