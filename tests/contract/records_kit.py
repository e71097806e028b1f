"""What the contract tests of the records share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from store_kit import NOW

from callcamp.core.changes import NewSuppression
from callcamp.core.states import AttemptStatus
from callcamp.ports import AuditEntry
from callcamp.store import SqlStore
from callcamp.store import tables as t
from callcamp.store.database import run_once

PHONE = "+33612345678"
OTHER = "+33612345679"
NO_PHONES = [
    "",
    " ",
    "33612345678",
    "+123456",
    "+1234567890123456",
    "+0123456789",
    "+33 612345678",
    "+33612345678\n",
    "\n+33612345678",
    "+33612345678\0",
    "+3361234567\ud83d",
    "+٣٣٦١٢٣٤٥٦٧٨",
    "'; DROP TABLE suppression; --",
]
NO_NAMES = ["", " ", " x", "x ", "a\nb", "a\0b", "\ud83d", "a\u202eb", "\x1b[31m", "x" * 65]


def opted_out(phone: str = PHONE, **changes: Any) -> NewSuppression:
    """Return an entry of the do-not-call list."""
    return NewSuppression(phone, **{"reason": "opted out", "source": "keypad", **changes})


async def noted(store: SqlStore, **where: Any) -> list[tuple[str, str, Any, Any]]:
    """Return (action, subject, before, after) of the audit, oldest first."""
    return [(e.action, e.subject, e.before, e.after) for e in await entries(store, **where)]


async def entries(store: SqlStore, **where: Any) -> list[AuditEntry]:
    """Return the audit, oldest first."""
    return (await store.audit(**where))[::-1]


def call(
    url: str,
    campaign_id: int,
    attempt_id: str,
    number: str = PHONE,
    *,
    at: datetime = NOW,
    dialed: bool = True,
    **values: Any,
) -> None:
    """Write an attempt as it is in the database, ended unless told otherwise."""
    attempt = {
        "id": attempt_id,
        "campaign_id": campaign_id,
        "number": number,
        "ordinal": 1,
        "round_ordinal": 1,
        "status": AttemptStatus.ENDED.value,
        "settings_version": 1,
        "ring_timeout_s": 30,
        "claimed_at": at,
        "lease_until": at + timedelta(seconds=30),
        "dialed_at": at if dialed else None,
        "ended_at": at + timedelta(seconds=20),
        **values,
    }

    def run(connection: Any) -> None:
        c = t.contact.c
        found = connection.scalar(
            select(c.id).where(c.campaign_id == campaign_id, c.phone == number)
        )
        contact_id = found or connection.scalar(
            insert(t.contact).returning(c.id),
            {
                "campaign_id": campaign_id,
                "phone": number,
                "variables": {},
                "status": "completed",
                "attempts": 1,
            },
        )
        connection.execute(insert(t.attempt), {"contact_id": contact_id, **attempt})

    run_once(url, run)
