"""Who did what and when: written in the transaction of every change, and never changed.

The database itself refuses to change or delete an entry. So nothing goes in that may have
to go away again: no secrets, and of people no more than their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select

from callcamp.ports import AuditEntry, current_actor
from callcamp.store import record_tables as r
from callcamp.store.codec import encode

T = TypeVar("T")
_a = r.audit.c
_INSERT = insert(r.audit)
_MOST_NAME = 200
MOST_EACH = 100
"""Changes of one call that get an entry each; more of them get one entry with their count."""


@dataclass(frozen=True, slots=True)
class Note:
    """A change to be noted; see :class:`callcamp.ports.AuditEntry`.

    ``before`` and ``after`` are what :func:`callcamp.store.codec.encode` can turn into JSON.
    """

    action: str
    kind: str
    subject: str
    campaign_id: int | None = None
    before: Any = None
    after: Any = None


def note(
    connection: Connection,
    *,
    action: str,
    kind: str,
    subject: str,
    campaign_id: int | None = None,
    before: Any = None,
    after: Any = None,
    now: datetime | None = None,
) -> None:
    """Note a change, as done by :func:`callcamp.ports.current_actor`.

    Args:
        connection: the transaction of the change.
        action: what, ``KIND.VERB`` in the past tense.
        kind: of what kind the subject is.
        subject: its id or key, as text.
        campaign_id: the campaign it belongs to.
        before: what it was.
        after: what it became.
        now: when (None: now, by the clock of this machine).
    """
    _write(connection, [Note(action, kind, subject, campaign_id, before, after)], now)


def note_all(
    connection: Connection,
    changes: Sequence[T],
    told: Callable[[T], Note],
    now: datetime | None,
    *,
    campaign_id: int | None = None,
    **bulk: Any,
) -> None:
    """Note changes of one call: an entry each, or one with their count when they are many.

    Args:
        connection: the transaction of the changes.
        changes: the changes, all of one kind.
        told: says what to note of one.
        now: when, see :func:`note`.
        campaign_id: the campaign that the one entry belongs to.
        bulk: what the one entry tells beside the count.
    """
    if len(changes) > MOST_EACH:
        first, after = told(changes[0]), {"count": len(changes), **bulk}
        _write(connection, [Note(first.action, first.kind, "many", campaign_id, None, after)], now)
    elif changes:
        _write(connection, [told(change) for change in changes], now)


def _write(connection: Connection, notes: Sequence[Note], now: datetime | None) -> None:
    at, actor = now or datetime.now(UTC), _shown(current_actor())
    connection.execute(
        _INSERT,
        [
            {
                "at": at,
                "actor": actor,
                "action": one.action,
                "kind": one.kind,
                "subject": _shown(one.subject),
                "campaign_id": one.campaign_id,
                "before": encode(one.before),
                "after": encode(one.after),
            }
            for one in notes
        ],
    )


def entries(
    connection: Connection,
    *,
    campaign_id: int | None = None,
    kind: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[AuditEntry]:
    """Return entries, newest first; those before ``before_id``."""
    statement = select(r.audit)
    if campaign_id is not None:
        statement = statement.where(_a.campaign_id == campaign_id)
    if kind is not None:
        statement = statement.where(_a.kind == _shown(kind))
    if before_id is not None:
        statement = statement.where(_a.id < before_id)
    found = connection.execute(statement.order_by(_a.id.desc()).limit(limit))
    return [AuditEntry(*row) for row in found]


def _shown(text: str) -> str:
    """Return a name that every database keeps and every page can show."""
    return "".join(c if c.isprintable() else "?" for c in text[:_MOST_NAME])
