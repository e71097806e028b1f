"""Claiming: contacts that are due become attempts, and attempts may be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, text, update

from callcamp.core.model import Attempt, Claim
from callcamp.core.states import (
    ATTEMPT,
    CONTACT,
    AttemptEvent,
    AttemptStatus,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.store import campaigns, rows
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings
from callcamp.store.counts import Deltas

_c, _a = t.contact.c, t.attempt.c

DUE = (
    select(_c.id, _c.phone, _c.variables, _c.attempts)
    .where(
        _c.campaign_id == bindparam("campaign"),
        text(t.PENDING),
        _c.due_at <= bindparam("now"),
    )
    .order_by(_c.due_at, _c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
"""Due contacts, oldest due first; those that someone else is claiming are passed over."""
_TAKE = (
    update(t.contact)
    .where(_c.id.in_(bindparam("ids", expanding=True)))
    .values(status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.CLAIMED).value, due_at=None)
)
_TO_SEND = (
    select(_a.id, _a.status, _a.lease_until)
    .where(_a.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
_SEND = (
    update(t.attempt)
    .where(_a.id.in_(bindparam("ids", expanding=True)))
    .values(status=bindparam("to"), dialed_at=bindparam("now"))
)


def claim(
    connection: Connection,
    campaign_id: int,
    attempt_ids: Sequence[str],
    now: datetime,
    lease_until: datetime,
) -> list[Claim]:
    """Take due contacts of a running campaign."""
    # Shared: a stop waits for claims that run, and claims that come later see it.
    row = campaigns.row_of(connection, campaign_id, shared=True)
    if row.status != CampaignStatus.RUNNING or not attempt_ids:
        return []
    values = {"campaign": campaign_id, "now": now, "limit": len(attempt_ids)}
    due = connection.execute(DUE, values).all()
    if not due:
        return []
    ring_timeout_s = decode_settings(row.settings).ring_timeout_s
    claims = [
        Claim(
            Attempt(
                id=attempt_id,
                campaign_id=campaign_id,
                contact_id=contact.id,
                number=contact.phone,
                ordinal=contact.attempts + 1,
                status=ATTEMPT.initial,
                settings_version=row.version,
                ring_timeout_s=ring_timeout_s,
                claimed_at=now,
                lease_until=lease_until,
            ),
            contact.variables,
        )
        for attempt_id, contact in zip(attempt_ids, due, strict=False)
    ]
    rows.update_ids(connection, _TAKE, [contact.id for contact in due])
    connection.execute(
        insert(t.attempt),
        [
            {
                "id": a.id,
                "campaign_id": campaign_id,
                "contact_id": a.contact_id,
                "number": a.number,
                "ordinal": a.ordinal,
                "status": a.status.value,
                "settings_version": a.settings_version,
                "ring_timeout_s": a.ring_timeout_s,
                "claimed_at": now,
                "lease_until": lease_until,
            }
            for a in (c.attempt for c in claims)
        ],
    )
    deltas = Deltas()
    deltas.move_contact(campaign_id, ContactStatus.PENDING, ContactStatus.IN_PROGRESS, len(claims))
    deltas.write(connection)
    return claims


def mark_dialing(connection: Connection, attempt_ids: Sequence[str], now: datetime) -> list[str]:
    """Note that calls are about to be sent."""
    found = {row.id: row for row in rows.by_ids(connection, _TO_SEND, attempt_ids)}
    sending: dict[str, AttemptStatus] = {}
    for attempt_id in attempt_ids:
        row = found.get(attempt_id)
        # Only a claim has a lease to keep; an unknown attempt may not be sent again.
        if row is None or row.status != AttemptStatus.CLAIMED or row.lease_until <= now:
            continue
        sending[attempt_id] = ATTEMPT.advance(AttemptStatus(row.status), AttemptEvent.SENT)
    if sending:
        to = next(iter(sending.values())).value
        rows.update_ids(connection, _SEND, list(sending), to=to, now=now)
    return list(sending)
