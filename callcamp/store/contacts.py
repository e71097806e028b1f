"""Contacts: adding, listing, deleting; which of them are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from callcamp.core.model import Contact, NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.states import CONTACT, ContactStatus
from callcamp.errors import Conflict
from callcamp.ports import AddResult
from callcamp.store import campaigns, rows
from callcamp.store import tables as t
from callcamp.store.counts import Deltas

_c = t.contact.c
_ADD = {
    dialect.dialect().name: dialect.insert(t.contact)
    .on_conflict_do_nothing(index_elements=["campaign_id", "phone"])
    .returning(_c.id)
    for dialect in (sqlite, postgresql)
}
_OF_CAMPAIGN = _c.campaign_id == bindparam("campaign")
_COUNT_DUE = select(func.count()).select_from(
    select(_c.id)
    .where(_OF_CAMPAIGN, text(t.PENDING), _c.due_at <= bindparam("now"))
    .limit(bindparam("limit"))
    .subquery()
)
_NEXT_DUE = select(_c.due_at).where(_OF_CAMPAIGN, text(t.PENDING)).order_by(_c.due_at).limit(1)


def add(
    connection: Connection, campaign_id: int, contacts: Sequence[NewContact], now: datetime
) -> AddResult:
    """Add contacts, leaving out numbers that are there already."""
    campaigns.open_for_contacts(campaigns.row_of(connection, campaign_id, shared=True))
    if not contacts:
        return AddResult(0, 0)
    values = [
        {
            "campaign_id": campaign_id,
            "phone": contact.phone,
            "variables": contact.variables,
            "status": CONTACT.initial.value,
            "attempts": 0,
            "due_at": now,
            "row_no": contact.row,
        }
        for contact in contacts
    ]
    added = len(connection.execute(_ADD[connection.dialect.name], values).all())
    deltas = Deltas()
    deltas.contact(campaign_id, CONTACT.initial, added)
    deltas.write(connection)
    return AddResult(added, len(values) - added)


def contacts(
    connection: Connection,
    campaign_id: int,
    *,
    status: ContactStatus | None,
    phone: str | None,
    after_id: int,
    limit: int,
) -> list[Contact]:
    """Return contacts by id."""
    campaigns.row_of(connection, campaign_id)
    statement = rows.SELECT_CONTACT.where(_c.campaign_id == campaign_id, _c.id > after_id)
    if status is not None:
        statement = statement.where(_c.status == status.value)
    if phone is not None:
        statement = statement.where(_c.phone == phone)
    statement = statement.order_by(_c.id).limit(limit)
    return [rows.contact(row) for row in connection.execute(statement)]


def delete_all(connection: Connection, campaign_id: int) -> int:
    """Delete the contacts of a campaign that never started."""
    row = campaigns.row_of(connection, campaign_id, for_update=True)
    if row.started_at is not None:
        raise Conflict(
            f"Campaign {campaign_id} has been started; its contacts stay.", status=row.status
        )
    return remove(connection, campaign_id)


def remove(connection: Connection, campaign_id: int, import_id: int | None = None) -> int:
    """Delete contacts without attempts, all or those of an import; counts follow."""
    called = select(t.attempt.c.id).where(t.attempt.c.contact_id == _c.id).exists()
    condition = [_c.campaign_id == campaign_id, ~called]
    if import_id is not None:
        condition.append(_c.import_id == import_id)
    deltas = Deltas()
    by_status = select(_c.status, func.count()).where(*condition).group_by(_c.status)
    for status, n in connection.execute(by_status):
        deltas.contact(campaign_id, status, -n)
    deltas.write(connection)
    return connection.execute(delete(t.contact).where(*condition)).rowcount


def count_due(connection: Connection, campaign_id: int, now: datetime, limit: int) -> int:
    """Count due contacts, up to a limit."""
    values = {"campaign": campaign_id, "now": now, "limit": limit}
    return connection.execute(_COUNT_DUE, values).scalar_one()


def next_due_at(connection: Connection, campaign_id: int) -> datetime | None:
    """Return the earliest due instant."""
    return connection.scalar(_NEXT_DUE, {"campaign": campaign_id})


def results_per_number(
    connection: Connection, campaign_id: int
) -> dict[str, tuple[ContactStatus, Disposition | None]]:
    """Return state and last disposition of every contact."""
    statement = select(_c.phone, _c.status, _c.disposition).where(_c.campaign_id == campaign_id)
    return {
        phone: (ContactStatus(status), None if result is None else Disposition(result))
        for phone, status, result in connection.execute(statement)
    }
