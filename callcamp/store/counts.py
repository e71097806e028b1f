"""Counts of a campaign, kept by differences in the transaction of every change.

Kinds: ``contact`` (contacts by status), ``attempt`` (ended attempts by disposition),
``result`` (contacts that are completed or failed, by last disposition), ``success`` (those
of them that were a success; the key is empty), ``waiting`` (pending contacts by
``PLACE|REASON``, without a reason when they are due) and ``skipped`` (by reason). Live
attempts are few and indexed, so they are counted when asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, TextClause, Update, bindparam, func, select, text

from callcamp.core.model import CampaignCounts
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.errors import NotFound
from callcamp.store import tables as t

CONTACT = "contact"
ATTEMPT = "attempt"
RESULT = "result"
SUCCESS = "success"
WAITING = "waiting"
SKIPPED = "skipped"
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


class Counted(NamedTuple):
    """What of a contact is counted."""

    status: str
    place: str
    hold: str | None
    disposition: str | None
    success: bool | None

    def keys(self) -> Iterator[tuple[str, str]]:
        """Yield kind and key of every count that the contact is in."""
        yield CONTACT, self.status
        if self.status == ContactStatus.PENDING:
            yield WAITING, f"{self.place}|{self.hold or ''}"
        elif self.status == ContactStatus.SKIPPED:
            yield SKIPPED, self.hold or ""
        elif self.status in WITH_RESULT:
            if self.disposition is not None:
                yield RESULT, self.disposition
            if self.success:
                yield SUCCESS, ""


COUNTED = tuple(t.contact.c[name] for name in Counted._fields)
"""The columns of :class:`Counted`."""


def counted(row: Any) -> Counted:
    """Return what is counted of a row that has at least those columns."""
    return Counted(row.status, row.place, row.hold, row.disposition, row.success)


class Deltas(Counter[Key]):
    """Differences that one transaction makes to the counts."""

    def add(self, campaign_id: int, contact: Counted, n: int = 1) -> None:
        """Count contacts in (or out, with a negative number)."""
        for kind, key in contact.keys():  # noqa: SIM118 - no mapping
            self[campaign_id, kind, key] += n

    def move(self, campaign_id: int, before: Counted, after: Counted, n: int = 1) -> None:
        """Count contacts out of what they were and into what they are."""
        self.add(campaign_id, before, -n)
        self.add(campaign_id, after, n)

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


Condition = ColumnElement[bool] | TextClause


def groups(connection: Connection, *conditions: Condition) -> list[tuple[int, Counted, int]]:
    """Return contacts by campaign and by what is counted of them: ``(campaign, what, n)``."""
    statement = (
        select(t.contact.c.campaign_id, *COUNTED, func.count())
        .where(*conditions)
        .group_by(t.contact.c.campaign_id, *COUNTED)
    )
    return [(row[0], Counted(*row[1:-1]), row[-1]) for row in connection.execute(statement)]


def update_where(
    connection: Connection,
    statement: Update,
    *conditions: Condition,
    **after: Any,
) -> int:
    """Change contacts that fulfil conditions, and their counts; returns how many.

    Args:
        connection: the connection; the contacts' campaigns are locked.
        statement: the UPDATE, without its conditions.
        conditions: of the contacts.
        after: what becomes of the columns of :class:`Counted`.
    """
    deltas, total = Deltas(), 0
    for campaign_id, before, n in groups(connection, *conditions):
        deltas.move(campaign_id, before, before._replace(**after), n)
        total += n
    if total:
        connection.execute(statement.where(*conditions))
        deltas.write(connection)
    return total


def _reason(key: str) -> Reason | None:
    return Reason(key) if key else None


def waiting_keys(key: str) -> tuple[str, Reason | None]:
    """Return place and reason of the key of a ``waiting`` count."""
    place, _, reason = key.rpartition("|")
    return place, _reason(reason)


def by_kind(connection: Connection, campaign_id: int) -> dict[str, dict[str, int]]:
    """Return the stored counts that are not zero, by kind and key.

    Raises:
        NotFound: there is no such campaign.
    """
    values = {"campaign": campaign_id}
    if connection.scalar(_EXISTS, values) is None:
        raise NotFound(f"There is no campaign {campaign_id}.", kind="campaign", key=campaign_id)
    kinds: dict[str, dict[str, int]] = {kind: {} for kind in t.COUNT_KINDS}
    for kind, key, n in connection.execute(_READ, values):
        if n:
            kinds[kind][key] = n
    return kinds


def counts(connection: Connection, campaign_id: int) -> CampaignCounts:
    """Return the counts of a campaign."""
    kinds = by_kind(connection, campaign_id)
    waiting: Counter[Reason | None] = Counter()
    for key, n in kinds[WAITING].items():
        waiting[waiting_keys(key)[1]] += n
    return CampaignCounts(
        contacts={ContactStatus(k): n for k, n in kinds[CONTACT].items()},
        attempts_ended={Disposition(k): n for k, n in kinds[ATTEMPT].items()},
        results={Disposition(k): n for k, n in kinds[RESULT].items()},
        live={AttemptStatus(s): n for s, n in connection.execute(_LIVE, {"campaign": campaign_id})},
        successes=kinds[SUCCESS].get("", 0),
        waiting=dict(waiting),
        skipped={_reason(k): n for k, n in kinds[SKIPPED].items()},
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
    for _, contact, n in groups(connection, t.contact.c.campaign_id == campaign_id):
        for counted_as in contact.keys():  # noqa: SIM118
            scanned[counted_as] += n
    attempt = t.attempt.c
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
