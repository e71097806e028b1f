"""What the gate looks at, gathered inside the transaction that claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    literal_column,
    select,
    text,
    union_all,
)

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.gate import Batch, Candidate, PastCall
from callcamp.core.outcome import Disposition
from callcamp.core.states import LIVE_ATTEMPT, AttemptStatus
from callcamp.errors import NotFound
from callcamp.store import campaigns, due, rows, suppression
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings

_a, _c = t.attempt.c, t.contact.c
_CALL = (
    _a.number,
    _a.claimed_at,
    _a.dialed_at,
    _a.campaign_id,
    _a.status,
    _a.disposition,
    _a.answered_at,
    _a.ended_at,
    _a.evidence,
    _a.refused,
)
_NUMBERS = _a.number.in_(bindparam("ids", expanding=True))
_SINCE = bindparam("since", type_=_a.claimed_at.type)
# A sum, so that SQLite takes the index of live attempts for it.
_LONG_AGO = literal_column("attempt.claimed_at + 0", _a.claimed_at.type)
CALLS = union_all(
    select(*_CALL).where(
        _NUMBERS, _a.claimed_at >= _SINCE, _a.status != AttemptStatus.RELEASED.value
    ),
    # However long ago: a call that may still go on hinders another one.
    select(*_CALL).where(_NUMBERS, text(t.LIVE), _LONG_AGO < _SINCE),
)
"""Calls to some numbers since an instant, and all that are live."""
# A call to a contact with one number is found by that number.
_BUSY: Select[Any] = (
    select(_c.phone, _c.others)
    .join_from(t.attempt, t.contact, _c.id == _a.contact_id)
    .where(text(t.LIVE), _c.others.is_not(None))
)
_ONE = select(*due.COLUMNS).where(_c.id == bindparam("contact"))
_LIVE = frozenset(status.value for status in LIVE_ATTEMPT)


def numbers_of(row: Row[Any]) -> tuple[str, ...]:
    """Return all numbers of a contact's row, in the order in which they are tried."""
    return (row.phone, *(row.others or ()))


def candidate(row: Row[Any], now: datetime) -> Candidate:
    """Return a contact as the gate sees it."""
    return Candidate(
        contact_id=row.id,
        numbers=numbers_of(row),
        number_index=row.number_index,
        place=row.place,
        attempts=row.attempts - row.round_base,
        due_at=row.due_at or now,
        callback_at=row.callback_at,
        callback_agent_id=None if row.callback_at is None else row.callback_agent_id,
        caller_number=row.caller_number,
        variables=row.variables,
    )


def batch(
    connection: Connection,
    found: Sequence[Row[Any]],
    settings: CampaignSettings,
    *,
    campaign_id: int,
    room: int,
    look_back_s: float,
    now: datetime,
) -> Batch:
    """Return contacts with what is on record about their numbers.

    Args:
        connection: a transaction.
        found: rows with :data:`callcamp.store.due.COLUMNS`.
        settings: those of their campaign.
        campaign_id: the campaign.
        room: how many calls may be let out.
        look_back_s: how far back calls are looked at.
        now: the instant.
    """
    phones = list(dict.fromkeys(phone for row in found for phone in numbers_of(row)))
    consents, outbound, use = {}, [], {}
    if settings.consent_scope is not None:
        from callcamp.store.consents import consents_of

        consents = consents_of(connection, phones)
    if settings.pool.numbers:
        from callcamp.store import numbers

        outbound, use = numbers.all_numbers(connection), numbers.use(connection, now)
    return Batch(
        now=now,
        room=room,
        candidates=[candidate(row, now) for row in found],
        calls=calls_to(connection, phones, now - timedelta(seconds=look_back_s)),
        suppressed=suppression.suppressed_among(
            connection, phones, campaign_id, now, settings.dnc_lists
        ),
        consents=consents,
        busy=frozenset(number for row in connection.execute(_BUSY) for number in numbers_of(row)),
        numbers=outbound,
        use=use,
    )


def calls_to(
    connection: Connection, phones: Iterable[str], since: datetime
) -> dict[str, list[PastCall]]:
    """Return the calls to some numbers over all campaigns, oldest first, live ones included."""
    calls: dict[str, list[PastCall]] = {}
    for row in rows.by_ids(connection, CALLS, phones, {"since": since}):
        calls.setdefault(row.number, []).append(_past(row))
    for of_number in calls.values():
        of_number.sort(key=lambda call: call.at)
    return calls


def _past(row: Row[Any]) -> PastCall:
    disposition = None if row.disposition is None else Disposition(row.disposition)
    talk_s = (row.evidence or {}).get("talk_s")
    if talk_s is None and row.answered_at is not None and row.ended_at is not None:
        talk_s = (row.ended_at - row.answered_at).total_seconds()
    return PastCall(
        number=row.number,
        at=row.dialed_at or row.claimed_at,
        campaign_id=row.campaign_id,
        live=row.status in _LIVE,
        disposition=disposition,
        talk_s=talk_s,
        refused=row.refused,
        conversation=disposition is Disposition.ANSWERED_PERSON,
    )


def gather(connection: Connection, contact_id: int, now: datetime, look_back_s: float) -> Batch:
    """Return the batch that a claim of one contact would be judged on."""
    row = connection.execute(_ONE, {"contact": contact_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no contact {contact_id}.", kind="contact", key=contact_id)
    settings = decode_settings(campaigns.row_of(connection, row.campaign_id).settings)
    return batch(
        connection,
        [row],
        settings,
        campaign_id=row.campaign_id,
        room=1,
        look_back_s=look_back_s,
        now=now,
    )


def gather_due(
    connection: Connection,
    campaign_id: int,
    places: Sequence[str],
    now: datetime,
    *,
    look_back_s: float,
    limit: int,
) -> Batch:
    """Return the batch that a claim with room for ``limit`` calls would first be judged on."""
    settings = decode_settings(campaigns.row_of(connection, campaign_id).settings)
    return batch(
        connection,
        due.find(connection, campaign_id, places, now, limit),
        settings,
        campaign_id=campaign_id,
        room=limit,
        look_back_s=look_back_s,
        now=now,
    )
