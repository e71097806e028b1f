"""What people do to one contact: skip it, exclude it, say where it is, delete it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, update

from callcamp.core.changes import NewSuppression
from callcamp.core.model import Contact
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.states import CONTACT, ContactEvent, ContactStatus
from callcamp.errors import Conflict, IllegalTransition, NotFound
from callcamp.ports import current_actor
from callcamp.store import adding, audit, campaigns, contacts, counts, due, suppression, telling
from callcamp.store import tables as t
from callcamp.store.gathering import numbers_of

_c = t.contact.c


def _locked(connection: Connection, contact_id: int) -> Row[Any]:
    """Return the row of a contact, locked for a change; its campaign stays as it is meanwhile.

    Raises:
        NotFound: there is none.
    """
    campaign_id = connection.scalar(select(_c.campaign_id).where(_c.id == contact_id))
    if campaign_id is not None:
        campaigns.row_of(connection, campaign_id, shared=True)
        statement = select(*due.COLUMNS).where(_c.id == contact_id).with_for_update()
        row = connection.execute(statement).one_or_none()
        if row is not None:
            return row
    raise NotFound(f"There is no contact {contact_id}.", kind="contact", key=contact_id)


def _become(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Change columns of a contact, and the counts that it is in."""
    connection.execute(update(t.contact).where(_c.id == row.id).values(**values))
    before = counts.counted(row)
    after = {name: values[name] for name in counts.Counted._fields if name in values}
    deltas = counts.Deltas()
    deltas.move(row.campaign_id, before, before._replace(**after))
    deltas.write(connection)


def _leave_out(connection: Connection, row: Row[Any], reason: Reason, now: datetime) -> None:
    status = CONTACT.advance(ContactStatus(row.status), ContactEvent.EXCLUDED)
    _become(
        connection,
        row,
        status=status.value,
        due_at=None,
        callback_at=None,
        callback_agent_id=None,
        hold=reason.value,
    )
    telling.note(connection, telling.skipped(row.campaign_id, [row.id], now))


def _note(connection: Connection, action: str, row: Row[Any], now: datetime, **after: Any) -> None:
    audit.note(
        connection,
        action=f"contact.{action}",
        kind="contact",
        subject=str(row.id),
        campaign_id=row.campaign_id,
        before={"status": row.status, "hold": row.hold, "place": row.place},
        after=after,
        now=now,
    )


def skip(connection: Connection, contact_id: int, reason: Reason, now: datetime) -> Contact:
    """Leave a pending contact out."""
    row = _locked(connection, contact_id)
    if row.status != ContactStatus.PENDING:
        raise IllegalTransition(
            f"Contact {contact_id} is {row.status}; only a pending one can be skipped.",
            machine=CONTACT.name,
            state=row.status,
            event=ContactEvent.EXCLUDED.value,
        )
    _leave_out(connection, row, reason, now)
    _note(connection, "skipped", row, now, reason=reason.value)
    return contacts.contact(connection, contact_id)


def exclude(connection: Connection, contact_id: int, reason: str, now: datetime) -> Contact:
    """Suppress all numbers of a contact in its campaign."""
    row = _locked(connection, contact_id)
    source = current_actor().partition(":")[0]
    numbers = numbers_of(row)
    suppression.add(
        connection,
        [NewSuppression(phone, reason, source, row.campaign_id) for phone in numbers],
        now,
    )
    if row.status == ContactStatus.PENDING:
        _leave_out(connection, row, Reason.EXCLUDED, now)
    contacts.skip_suppressed(connection, numbers, now)
    _note(connection, "excluded", row, now, reason=reason, numbers=list(numbers))
    return contacts.contact(connection, contact_id)


def set_place(connection: Connection, contact_id: int, place: str, now: datetime) -> Contact:
    """Say where a contact is; it is looked at again when that was what it waited for."""
    key = Place.parse(place).key
    row = _locked(connection, contact_id)
    status = ContactStatus(row.status)
    values: dict[str, Any] = {"place": key}
    if status is ContactStatus.SKIPPED and row.hold == Reason.ZONE_UNKNOWN:
        status = CONTACT.advance(status, ContactEvent.REOPENED)
        values |= {"status": status.value, "due_at": now, "hold": None}
    elif status is ContactStatus.PENDING and row.hold in adding.BY_PLACE:
        values |= {"due_at": now, "hold": None}
    _become(connection, row, **values)
    _note(connection, "placed", row, now, place=key)
    return contacts.contact(connection, contact_id)


def delete_one(connection: Connection, contact_id: int, now: datetime) -> None:
    """Delete a contact, or what it says of a person when it was called before."""
    row = _locked(connection, contact_id)
    if row.status == ContactStatus.IN_PROGRESS:
        raise Conflict(
            f"Contact {contact_id} is in a call now; delete it when the call is over.",
            status=row.status,
        )
    called = connection.scalar(select(exists().where(t.attempt.c.contact_id == contact_id)))
    if not called:
        deltas = counts.Deltas()
        deltas.add(row.campaign_id, counts.counted(row), -1)
        deltas.write(connection)
        connection.execute(delete(t.contact).where(_c.id == contact_id))
    else:
        status = ContactStatus(row.status)
        if CONTACT.allows(status, ContactEvent.EXCLUDED):
            status = CONTACT.advance(status, ContactEvent.EXCLUDED)
        _become(
            connection,
            row,
            status=status.value,
            due_at=None,
            callback_at=None,
            callback_agent_id=None,
            hold=Reason.DELETED.value,
            variables={},
            others=None,
            number_index=0,
        )
        contacts.set_numbers(connection, {contact_id: ()})
    _note(connection, "deleted", row, now, calls_kept=bool(called))
