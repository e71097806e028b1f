"""What happened, written for webhooks in the transaction in which it happens.

Nothing that was committed is lost for them, and nothing is told that was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from sqlalchemy import BindParameter, Connection, bindparam, insert, select

from callcamp.core.changes import NewSuppression
from callcamp.core.states import ContactStatus
from callcamp.core.webhooks import (
    OF_CONTACT,
    EventType,
    attempt_data,
    contact_data,
    event_body,
    instant,
)
from callcamp.ports import DeliveryStatus
from callcamp.store import rows
from callcamp.store import tables as t
from callcamp.store import webhook_tables as w

_w = w.webhook.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LISTENING = select(_w.id, _w.events, _w.campaign_id).where(_w.active).order_by(_w.id)
_CAMPAIGNS = select(t.campaign.c.id, t.campaign.c.status, t.campaign.c.settings).where(
    t.campaign.c.id.in_(_IDS)
)
_CONTACTS = rows.SELECT_CONTACT.where(t.contact.c.id.in_(_IDS))
_ATTEMPTS = rows.SELECT_ATTEMPT.where(t.attempt.c.id.in_(_IDS))
_WRITE = insert(w.webhook_delivery)
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that webhooks are told; the rest is read when somebody listens.

    Args:
        type: what.
        at: when.
        campaign_id: in which campaign.
        contact_id: to which contact, if to one.
        attempt_id: in which call, if in one.
        more: what is told beside those, JSON-able.
    """

    type: EventType
    at: datetime
    campaign_id: int
    contact_id: int | None = None
    attempt_id: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def note(connection: Connection, happened: Iterable[Happened]) -> None:
    """Write events for the webhooks that listen to them.

    Args:
        connection: the transaction in which it happens, everything else written already.
        happened: the events, in order; they are not looked at when no webhook is active.
    """
    listening = connection.execute(_LISTENING).all()
    if not listening:
        return
    events = iter(happened)
    # A do-not-call register can leave out half a million contacts at once.
    while part := list(islice(events, _AT_ONCE)):
        wanted = [(one, to) for one in part if (to := _listeners(one, listening))]
        if wanted:
            _write(connection, wanted)


def _listeners(one: Happened, listening: Sequence[Any]) -> list[int]:
    return [
        row.id
        for row in listening
        if one.type in row.events and row.campaign_id in {None, one.campaign_id}
    ]


def contact_steps(
    campaign_id: int,
    contact_id: int,
    status: ContactStatus,
    at: datetime,
    *,
    attempt_id: str | None = None,
    callback: bool = False,
) -> list[Happened]:
    """Return what is told of a contact that has become something.

    Args:
        campaign_id: its campaign.
        contact_id: the contact.
        status: what it has become.
        at: when.
        attempt_id: by which call.
        callback: whether it waits for a callback that was agreed just now.
    """
    if callback and status is ContactStatus.PENDING:
        kind: EventType | None = EventType.CALLBACK_SCHEDULED
    else:
        kind = OF_CONTACT.get(status)
    return [] if kind is None else [Happened(kind, at, campaign_id, contact_id, attempt_id)]


def skipped(campaign_id: int, contact_ids: Iterable[int], at: datetime) -> Iterable[Happened]:
    """Yield what is told of waiting contacts that were left out."""
    for contact_id in contact_ids:
        yield Happened(EventType.CONTACT_SKIPPED, at, campaign_id, contact_id)


def _write(connection: Connection, wanted: Sequence[tuple[Happened, list[int]]]) -> None:
    happened = [one for one, _ in wanted]
    campaigns = {
        row.id: {"id": row.id, "name": row.settings["name"], "status": row.status}
        for row in rows.by_ids(connection, _CAMPAIGNS, (one.campaign_id for one in happened))
    }
    contacts = {
        row.id: contact_data(rows.contact(row))
        for row in rows.by_ids(connection, _CONTACTS, _given(one.contact_id for one in happened))
    }
    attempts = {
        row.id: attempt_data(rows.attempt(row))
        for row in rows.by_ids(connection, _ATTEMPTS, _given(one.attempt_id for one in happened))
    }
    values = []
    for one, to in wanted:
        data: dict[str, Any] = {"campaign": campaigns.get(one.campaign_id)}
        if one.contact_id is not None:
            data["contact"] = contacts.get(one.contact_id)
        if one.attempt_id is not None:
            data["attempt"] = attempts.get(one.attempt_id)
        event_id = f"evt_{uuid4().hex}"
        body = event_body(event_id, one.type, one.at, {**data, **one.more})
        values += [_row(webhook_id, event_id, one.type, one.at, body) for webhook_id in to]
    connection.execute(_WRITE, values)


def _row(
    webhook_id: int, event_id: str, kind: EventType, at: datetime, body: str
) -> dict[str, Any]:
    """Return the row of a delivery that was never tried."""
    return {
        "webhook_id": webhook_id,
        "event_id": event_id,
        "type": kind.value,
        "at": at,
        "body": body,
        "status": DeliveryStatus.PENDING.value,
        "tries": 0,
    }


def call_ended(campaign_id: int, contact_id: int, attempt_id: str, at: datetime) -> Happened:
    """Return what is told of a call that is over."""
    return Happened(EventType.ATTEMPT_ENDED, at, campaign_id, contact_id, attempt_id)


def opted_out(
    campaign_id: int,
    contact_id: int,
    attempt_id: str,
    at: datetime,
    suppress: Iterable[NewSuppression],
) -> Happened:
    """Return what is told of a person who wants not to be called any more.

    Args:
        campaign_id: the campaign.
        contact_id: the person.
        attempt_id: the call in which it was said.
        at: when.
        suppress: the numbers that must not be called any more, and where.
    """
    more = {
        "suppressed": [
            {
                "phone": one.phone,
                "reason": one.reason,
                "everywhere": one.campaign_id is None,
                "until": instant(one.expires_at),
            }
            for one in suppress
        ]
    }
    return Happened(EventType.CONTACT_OPTED_OUT, at, campaign_id, contact_id, attempt_id, more)


def _given(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]
