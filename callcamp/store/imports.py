"""Imports: what was previewed, confirmed, undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from callcamp.errors import Conflict, NotFound
from callcamp.ports import ContactImport
from callcamp.store import audit, campaigns, rows
from callcamp.store import contacts as contacts_
from callcamp.store import tables as t
from callcamp.store.columns import plain_text

_i = t.contact_import.c
_ONE = rows.SELECT_IMPORT.where(_i.id == bindparam("import"))
_ONE_FOR_UPDATE = _ONE.with_for_update()


def row_of(connection: Connection, import_id: int, *, for_update: bool = False) -> Row[Any]:
    """Return the row of an import.

    Raises:
        NotFound: there is none.
    """
    statement = _ONE_FOR_UPDATE if for_update else _ONE
    row = connection.execute(statement, {"import": import_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no import {import_id}.", kind="import", key=import_id)
    return row


def create(
    connection: Connection, campaign_id: int, filename: str, report: dict[str, Any], now: datetime
) -> ContactImport:
    """Note a previewed import."""
    campaigns.row_of(connection, campaign_id)
    import_id = connection.execute(
        insert(t.contact_import).returning(_i.id),
        {
            "campaign_id": campaign_id,
            "filename": plain_text(filename, "filename"),
            "status": "previewed",
            "report": report,
            "added": 0,
            "created_at": now,
        },
    ).scalar_one()
    audit.note(
        connection,
        action="import.previewed",
        kind="import",
        subject=str(import_id),
        campaign_id=campaign_id,
        after={"filename": filename},
        now=now,
    )
    return rows.contact_import(row_of(connection, import_id))


def contact_import(connection: Connection, import_id: int) -> ContactImport:
    """Return one import."""
    return rows.contact_import(row_of(connection, import_id))


def imports(connection: Connection, campaign_id: int) -> list[ContactImport]:
    """Return the imports of a campaign, newest first."""
    campaigns.row_of(connection, campaign_id)
    statement = rows.SELECT_IMPORT.where(_i.campaign_id == campaign_id).order_by(_i.id.desc())
    return [rows.contact_import(row) for row in connection.execute(statement)]


def discard(connection: Connection, import_id: int, now: datetime) -> None:
    """Forget an import that was previewed and no more."""
    row = row_of(connection, import_id, for_update=True)
    if row.status != "previewed":
        raise Conflict(
            f"Import {import_id} is {row.status}; only a preview can be discarded.",
            status=row.status,
        )
    connection.execute(delete(t.contact_import).where(_i.id == import_id))
    audit.note(
        connection,
        action="import.discarded",
        kind="import",
        subject=str(import_id),
        campaign_id=row.campaign_id,
        before={"filename": row.filename},
        now=now,
    )


def undo(connection: Connection, import_id: int, now: datetime) -> int:
    """Delete the contacts of a confirmed import none of which has an attempt."""
    row = row_of(connection, import_id, for_update=True)
    if row.status != "confirmed":
        raise Conflict(
            f"Import {import_id} is {row.status}; only a confirmed one can be undone.",
            status=row.status,
        )
    # Locked: the dialer must not claim one of the contacts between check and deletion.
    campaigns.row_of(connection, row.campaign_id, for_update=True)
    c, a = t.contact.c, t.attempt.c
    called = connection.scalar(
        select(c.phone)
        .join_from(t.contact, t.attempt, a.contact_id == c.id)
        .where(c.campaign_id == row.campaign_id, c.import_id == import_id)
        .limit(1)
    )
    if called is not None:
        raise Conflict(
            f"Import {import_id} cannot be undone: {called} has an attempt already.",
            phone=called,
        )
    deleted = contacts_.remove(connection, row.campaign_id, import_id)
    connection.execute(
        update(t.contact_import).where(_i.id == import_id).values(status="undone", undone_at=now)
    )
    audit.note(
        connection,
        action="import.undone",
        kind="import",
        subject=str(import_id),
        campaign_id=row.campaign_id,
        before={"added": row.added},
        after={"contacts_deleted": deleted},
        now=now,
    )
    return deleted
