"""Rows of the database as the values of ``core.model``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, select

from callcamp.core.model import Attempt, Campaign, Contact, Trunk
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, CampaignStatus, ContactStatus
from callcamp.ports import ContactImport
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings

MOST_IDS = 5_000
"""Ids in one IN list; the engines take about 32,000 parameters in a statement."""

SELECT_ATTEMPT = select(t.attempt)
"""All columns of attempts, for :func:`attempt`."""
SELECT_CONTACT = select(*(c for c in t.contact.c if c.name != "row_no"))
"""The columns of contacts that :func:`contact` needs."""
SELECT_CAMPAIGN = select(t.campaign)
"""All columns of campaigns, for :func:`campaign`."""
SELECT_IMPORT = select(*(c for c in t.contact_import.c if c.name != "undone_at"))
"""The columns of imports that :func:`contact_import` needs."""

_ATTEMPT_COLUMNS = tuple(t.attempt.c.keys())


def _disposition(value: str | None) -> Disposition | None:
    return None if value is None else Disposition(value)


def by_ids(
    connection: Connection, statement: Select[Any], ids: Iterable[Any]
) -> Iterator[Row[Any]]:
    """Yield the rows of a SELECT whose parameter ``ids`` is an IN list, however long."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), MOST_IDS):
        yield from connection.execute(statement, {"ids": unique[start : start + MOST_IDS]})


def update_ids(
    connection: Connection, statement: Update, ids: Sequence[Any], **values: Any
) -> None:
    """Run an UPDATE whose parameter ``ids`` is an IN list, however long."""
    for start in range(0, len(ids), MOST_IDS):
        connection.execute(statement, {"ids": ids[start : start + MOST_IDS], **values})


def trunk(row: Row[Any]) -> Trunk:
    """Return a trunk."""
    return Trunk(**row._mapping)  # noqa: SLF001 - the public way to a row's names


def campaign(row: Row[Any]) -> Campaign:
    """Return a campaign."""
    return Campaign(
        id=row.id,
        status=CampaignStatus(row.status),
        settings=decode_settings(row.settings),
        version=row.version,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def contact(row: Row[Any]) -> Contact:
    """Return a contact."""
    values = dict(row._mapping)  # noqa: SLF001
    values["status"] = ContactStatus(row.status)
    values["disposition"] = _disposition(row.disposition)
    return Contact(**values)


def attempt(row: Sequence[Any]) -> Attempt:
    """Return an attempt from the columns of its table, in their order."""
    values = dict(zip(_ATTEMPT_COLUMNS, row, strict=True))
    values["status"] = AttemptStatus(values["status"])
    values["disposition"] = _disposition(values["disposition"])
    values["evidence"] = values["evidence"] or {}
    return Attempt(**values)


def contact_import(row: Row[Any]) -> ContactImport:
    """Return an import."""
    return ContactImport(**row._mapping)  # noqa: SLF001
