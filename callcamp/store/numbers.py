"""Outbound numbers, and how they are used: calls a day, and answers since last judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text, update

from callcamp.core.gate import NumberUse, OutboundNumber
from callcamp.core.rotation import day_of
from callcamp.errors import Conflict, InvalidInput, NotFound
from callcamp.store import audit, campaigns, checks
from callcamp.store import record_tables as r
from callcamp.store import tables as t
from callcamp.store.codec import encode
from callcamp.store.columns import Instant

MOST_DAILY_CAP = 1_000_000
"""Calls a day from one number that a cap may allow, at most."""

_n = r.outbound_number.c
_COLUMNS = (
    _n.id,
    _n.phone,
    _n.label,
    _n.active,
    _n.daily_cap,
    _n.resting_until,
    _n.rest_evidence,
)
_ALL = select(*_COLUMNS).order_by(_n.phone)
_USE = select(_n.id, _n.phone, _n.calls, _n.answered, _n.last_used_at)
_ONE = select(*_COLUMNS).where(_n.phone == bindparam("phone"))
_DAYS = select(r.number_day).where(r.number_day.c.day.in_(bindparam("days", expanding=True)))
# One statement: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO outbound_number (phone, label, active, daily_cap, calls, answered)"
    " VALUES (:phone, :label, :active, :daily_cap, 0, 0)"
    " ON CONFLICT (phone) DO UPDATE SET label = excluded.label, active = excluded.active,"
    " daily_cap = excluded.daily_cap"
).bindparams(
    bindparam("active", type_=_n.active.type), bindparam("daily_cap", type_=_n.daily_cap.type)
)
# Only of outbound numbers: a campaign may show a number that is none of them.
_COUNT_DAY = text(
    "INSERT INTO number_day (day, phone, calls)"
    " SELECT CAST(:day AS TEXT), phone, CAST(:calls AS BIGINT) FROM outbound_number"
    " WHERE phone = :phone"
    " ON CONFLICT (day, phone) DO UPDATE SET calls = number_day.calls + excluded.calls"
).bindparams(bindparam("calls", type_=r.number_day.c.calls.type))
_USED_AT = (
    update(r.outbound_number)
    .where(_n.phone == bindparam("number"))
    .values(last_used_at=bindparam("now", type_=Instant))
)
_ENDED = (
    update(r.outbound_number)
    .where(_n.phone == bindparam("number"))
    .values(
        calls=_n.calls + bindparam("more_calls", type_=_n.calls.type),
        answered=_n.answered + bindparam("more_answered", type_=_n.answered.type),
    )
)
_RELEASED = (
    update(r.number_day)
    .where(r.number_day.c.day == bindparam("that_day"), r.number_day.c.phone == bindparam("number"))
    .values(calls=r.number_day.c.calls - bindparam("fewer", type_=r.number_day.c.calls.type))
)


def all_numbers(connection: Connection) -> list[OutboundNumber]:
    """Return all outbound numbers by phone."""
    return [_number(row) for row in connection.execute(_ALL)]


def use(connection: Connection, now: datetime) -> dict[int, NumberUse]:
    """Return how the outbound numbers were used, by id; today is the local day of each."""
    numbers = [(row, _day(row.phone, now)) for row in connection.execute(_USE)]
    days = sorted({day for _row, day in numbers})
    found = connection.execute(_DAYS, {"days": days}) if days else ()
    calls = {(row.day, row.phone): row.calls for row in found}
    return {
        row.id: NumberUse(
            today=calls.get((day, row.phone), 0),
            calls=row.calls,
            answered=row.answered,
            last_used_at=row.last_used_at,
        )
        for row, day in numbers
    }


def note_call(connection: Connection, phones: Mapping[str, int], now: datetime) -> None:
    """Count calls that are let out: ``{outbound number: calls}``.

    Numbers that are no outbound number of the deployment are left out, here and below.
    """
    # Sorted: two transactions take the rows in the same order and cannot deadlock.
    used = [(phone, n) for phone, n in sorted(phones.items()) if n]
    if used:
        connection.execute(_USED_AT, [{"number": phone, "now": now} for phone, _n in used])
        connection.execute(
            _COUNT_DAY,
            [{"day": _day(phone, now), "phone": phone, "calls": n} for phone, n in used],
        )


def note_end(connection: Connection, ended: Mapping[str, tuple[int, int]]) -> None:
    """Count ended calls: ``{outbound number: (calls, answered ones of them)}``."""
    values = [
        {"number": phone, "more_calls": calls, "more_answered": answered}
        for phone, (calls, answered) in sorted(ended.items())
    ]
    if values:
        connection.execute(_ENDED, values)


def note_released(connection: Connection, released: Mapping[str, int], at: datetime) -> None:
    """Take back calls that were let out at ``at`` and never placed: ``{number: calls}``."""
    values = [
        {"that_day": _day(phone, at), "number": phone, "fewer": n}
        for phone, n in sorted(released.items())
        if n
    ]
    if values:
        connection.execute(_RELEASED, values)


def save(
    connection: Connection,
    phone: str,
    *,
    label: str,
    active: bool,
    daily_cap: int | None,
    now: datetime,
) -> OutboundNumber:
    """Add an outbound number, or change it.

    Raises:
        InvalidInput: the number, its label or its cap is none.
    """
    checks.phone(phone)
    checks.words(label, "label", most=checks.MOST_LABEL)
    if daily_cap is not None and not 1 <= daily_cap <= MOST_DAILY_CAP:
        raise InvalidInput(
            f"daily_cap is {daily_cap}; give 1 to {MOST_DAILY_CAP} calls a day, or none for no "
            "cap. A number that is not to be used at all is switched off instead.",
            field="daily_cap",
            value=daily_cap,
        )
    before = _one(connection, phone, for_update=True)
    values = {"phone": phone, "label": label, "active": active, "daily_cap": daily_cap}
    connection.execute(_SAVE, values)
    after = _number(connection.execute(_ONE, {"phone": phone}).one())
    if before != after:
        audit.note(
            connection,
            action="number.added" if before is None else "number.changed",
            kind="number",
            subject=phone,
            before=None if before is None else _told(before),
            after=_told(after),
            now=now,
        )
    return after


def rest(
    connection: Connection,
    number_id: int,
    until: datetime | None,
    evidence: Mapping[str, Any],
    now: datetime,
) -> None:
    """Have a number rest until an instant (None: use it again), and count anew.

    Raises:
        NotFound: there is none.
    """
    before = connection.execute(
        select(*_COLUMNS).where(_n.id == number_id).with_for_update()
    ).one_or_none()
    if before is None:
        raise NotFound(
            f"There is no outbound number {number_id}.", kind="outbound_number", key=number_id
        )
    kept = encode({} if until is None else evidence)
    connection.execute(
        update(r.outbound_number)
        .where(_n.id == number_id)
        .values(resting_until=until, rest_evidence=kept, calls=0, answered=0)
    )
    audit.note(
        connection,
        action="number.used_again" if until is None else "number.rested",
        kind="number",
        subject=before.phone,
        before={"resting_until": before.resting_until, "evidence": before.rest_evidence or {}},
        after={"resting_until": until, "evidence": kept},
        now=now,
    )


def remove(connection: Connection, phone: str, now: datetime) -> None:
    """Delete an outbound number; its calls of today still count if it is added again.

    Raises:
        NotFound: there is none.
        Conflict: a campaign that is not over has it in its pool.
    """
    before = _one(connection, checks.phone(phone), for_update=True)
    if before is None:
        raise NotFound(f"{phone} is no outbound number.", kind="outbound_number", key=phone)
    c = t.campaign.c
    open_ = select(c.id, c.settings).where(c.status.not_in(sorted(campaigns.OVER)))
    for row in connection.execute(open_):
        if phone in ((row.settings.get("pool") or {}).get("numbers") or ()):
            raise Conflict(
                f"Campaign {row.id} has {phone} among its numbers; take it out there first, or "
                "switch the number off.",
                campaign_id=row.id,
                phone=phone,
            )
    connection.execute(delete(r.outbound_number).where(_n.phone == phone))
    audit.note(
        connection,
        action="number.deleted",
        kind="number",
        subject=phone,
        before=_told(before),
        now=now,
    )


def _one(connection: Connection, phone: str, *, for_update: bool = False) -> OutboundNumber | None:
    statement = _ONE.with_for_update() if for_update else _ONE
    row = connection.execute(statement, {"phone": phone}).one_or_none()
    return None if row is None else _number(row)


def _day(phone: str, now: datetime) -> str:
    day: date = day_of(phone, now)
    return day.isoformat()


def _told(number: OutboundNumber) -> dict[str, Any]:
    return {"label": number.label, "active": number.active, "daily_cap": number.daily_cap}


def _number(row: Sequence[Any]) -> OutboundNumber:
    number = OutboundNumber(*row)
    return number if number.rest_evidence else replace(number, rest_evidence={})
