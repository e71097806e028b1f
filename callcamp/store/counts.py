"""Counts of a campaign, kept by differences in the transaction of every change.

Three kinds: ``contact`` (contacts by status), ``attempt`` (ended attempts by disposition)
and ``result`` (contacts that are completed or failed, by last disposition). Live attempts
are few and indexed, so they are counted when asked for.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, bindparam, func, select, text

from callcamp.core.model import CampaignCounts
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.errors import NotFound
from callcamp.store import tables as t

CONTACT = "contact"
ATTEMPT = "attempt"
RESULT = "result"
WITH_RESULT = frozenset({ContactStatus.COMPLETED, ContactStatus.FAILED})
"""Contacts that have a result."""

Key = tuple[int, str, str]
"""Campaign, kind and key of one count."""

_ADD = text(
    "INSERT INTO campaign_count (campaign_id, kind, key, n) VALUES (:campaign, :kind, :key, :n)"
    " ON CONFLICT (campaign_id, kind, key) DO UPDATE SET n = campaign_count.n + excluded.n"
).bindparams(bindparam("n", type_=t.campaign_count.c.n.type))
_READ = select(t.campaign_count.c.kind, t.campaign_count.c.key, t.campaign_count.c.n).where(
    t.campaign_count.c.campaign_id == bindparam("campaign")
)
_LIVE = (
    select(t.attempt.c.status, func.count())
    .where(t.attempt.c.campaign_id == bindparam("campaign"), text(t.LIVE))
    .group_by(t.attempt.c.status)
)
_EXISTS = select(t.campaign.c.id).where(t.campaign.c.id == bindparam("campaign"))


class Deltas(Counter[Key]):
    """Differences that one transaction makes to the counts."""

    def contact(self, campaign_id: int, status: str, n: int = 1) -> None:
        """Count contacts of a status."""
        self[campaign_id, CONTACT, status] += n

    def move_contact(self, campaign_id: int, old: str, new: str, n: int = 1) -> None:
        """Count contacts out of one status and into another."""
        self[campaign_id, CONTACT, old] -= n
        self[campaign_id, CONTACT, new] += n

    def write(self, connection: Connection) -> None:
        """Add the differences to the stored counts."""
        # Sorted: two transactions take the rows in the same order and cannot deadlock.
        rows = [
            {"campaign": campaign, "kind": kind, "key": key, "n": n}
            for (campaign, kind, key), n in sorted(self.items())
            if n
        ]
        if rows:
            connection.execute(_ADD, rows)


def counts(connection: Connection, campaign_id: int) -> CampaignCounts:
    """Return the counts of a campaign."""
    values = {"campaign": campaign_id}
    if connection.scalar(_EXISTS, values) is None:
        raise NotFound(f"There is no campaign {campaign_id}.", kind="campaign", key=campaign_id)
    kinds: dict[str, dict[str, int]] = {CONTACT: {}, ATTEMPT: {}, RESULT: {}}
    for kind, key, n in connection.execute(_READ, values):
        if n:
            kinds[kind][key] = n
    return CampaignCounts(
        contacts={ContactStatus(k): n for k, n in kinds[CONTACT].items()},
        attempts_ended={Disposition(k): n for k, n in kinds[ATTEMPT].items()},
        results={Disposition(k): n for k, n in kinds[RESULT].items()},
        live={AttemptStatus(s): n for s, n in connection.execute(_LIVE, values)},
    )


def open_and_total(connection: Connection, campaign_id: int) -> tuple[int, int]:
    """Return how many contacts are pending or in progress, and how many there are."""
    open_, total = 0, 0
    for kind, key, n in connection.execute(_READ, {"campaign": campaign_id}):
        if kind == CONTACT:
            total += n
            if key in {ContactStatus.PENDING, ContactStatus.IN_PROGRESS}:
                open_ += n
    return open_, total


def recount(connection: Connection, campaign_id: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Compare the stored counts with a full scan.

    Returns what differs, ``{(kind, key): (stored, scanned)}``; empty when all is well.
    """
    stored: Counter[tuple[str, str]] = Counter()
    for kind, key, n in connection.execute(_READ, {"campaign": campaign_id}):
        stored[kind, key] = n
    scanned: Counter[tuple[str, str]] = Counter()
    contact, attempt = t.contact.c, t.attempt.c
    contacts = (
        select(contact.status, contact.disposition, func.count())
        .where(contact.campaign_id == campaign_id)
        .group_by(contact.status, contact.disposition)
    )
    for status, disposition, n in connection.execute(contacts):
        scanned[CONTACT, status] += n
        if status in WITH_RESULT and disposition is not None:
            scanned[RESULT, disposition] += n
    ended = (
        select(attempt.disposition, func.count())
        .where(attempt.campaign_id == campaign_id, attempt.status == AttemptStatus.ENDED.value)
        .group_by(attempt.disposition)
    )
    for disposition, n in connection.execute(ended):
        scanned[ATTEMPT, disposition] += n
    return {
        key: (stored[key], scanned[key])
        for key in sorted(stored.keys() | scanned.keys())
        if stored[key] != scanned[key]
    }
