"""Rows of the database as the values of ``core.model``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Executable, Row, Update, select

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.model import Attempt, Campaign, Contact, Trunk
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
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


def _reason(value: str | None) -> Reason | None:
    return None if value is None else Reason(value)


def by_ids(
    connection: Connection,
    statement: Executable,
    ids: Iterable[Any],
    values: Mapping[str, Any] | None = None,
) -> Iterator[Row[Any]]:
    """Yield the rows of a SELECT whose parameter ``ids`` is an IN list, however long.

    Args:
        connection: the connection.
        statement: the SELECT.
        ids: for the IN list; each is asked for once.
        values: its other parameters.
    """
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), MOST_IDS):
        part = unique[start : start + MOST_IDS]
        yield from connection.execute(statement, {**(values or {}), "ids": part})


def update_ids(
    connection: Connection, statement: Update | Delete, ids: Sequence[Any], **values: Any
) -> int:
    """Run an UPDATE or DELETE whose parameter ``ids`` is an IN list, however long.

    Returns how many rows it changed.
    """
    changed = 0
    for start in range(0, len(ids), MOST_IDS):
        part = ids[start : start + MOST_IDS]
        changed += connection.execute(statement, {"ids": part, **values}).rowcount
    return changed


def trunk(row: Row[Any]) -> Trunk:
    """Return a trunk."""
    return Trunk(**row._mapping)  # noqa: SLF001 - the public way to a row's names


def campaign(row: Row[Any]) -> Campaign:
    """Return a campaign."""
    return campaign_as_known(row, decode_settings(row.settings))


def campaign_as_known(row: Row[Any], settings: CampaignSettings) -> Campaign:
    """Return a campaign with settings that were decoded before, in the row's version."""
    return Campaign(
        id=row.id,
        status=CampaignStatus(row.status),
        settings=settings,
        version=row.version,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        run_at=row.run_at,
    )


def contact(row: Row[Any]) -> Contact:
    """Return a contact."""
    values = dict(row._mapping)  # noqa: SLF001
    values["status"] = ContactStatus(row.status)
    values["disposition"] = _disposition(row.disposition)
    values["hold"] = _reason(row.hold)
    values["others"] = tuple(row.others or ())
    return Contact(**values)


def attempt(row: Sequence[Any]) -> Attempt:
    """Return an attempt from the columns of its table, in their order."""
    values = dict(zip(_ATTEMPT_COLUMNS, row, strict=True))
    values["status"] = AttemptStatus(values["status"])
    values["disposition"] = _disposition(values["disposition"])
    for name in ("evidence", "gate", "variables"):
        values[name] = values[name] or {}
    return Attempt(**values)


def contact_import(row: Row[Any]) -> ContactImport:
    """Return an import."""
    return ContactImport(**row._mapping)  # noqa: SLF001
