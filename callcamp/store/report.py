"""What was called: by number over all campaigns, and counted over a span of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Connection, func, select, type_coerce

from callcamp.core.outcome import MEANING, Disposition, Evidence, gave_up
from callcamp.core.schedule import zone_named
from callcamp.core.states import AttemptStatus
from callcamp.ports import CallFacts, TimelineCall
from callcamp.store import campaigns, checks, rows
from callcamp.store import tables as t
from callcamp.store.codec import decode
from callcamp.store.columns import from_us

PERSON = frozenset({Disposition.ANSWERED_PERSON, Disposition.ABANDONED})
"""Dispositions of calls that a person answered for sure."""
# Every zone that is in use is whole quarters of an hour away from UTC, and changes its clock
# on one: a quarter of an hour in UTC is never of two local days.
_QUARTER_US = 15 * 60 * 1_000_000

_a = t.attempt.c


def timeline(connection: Connection, phones: Iterable[str], limit: int) -> list[TimelineCall]:
    """Return every call to one of the numbers, over all campaigns, newest first.

    Calls that were never placed are left out.
    """
    numbers = {checks.phone(phone) for phone in phones}
    found = connection.execute(
        rows.SELECT_ATTEMPT.where(
            _a.number.in_(sorted(numbers)), _a.status != AttemptStatus.RELEASED.value
        )
        .order_by(_a.claimed_at.desc(), _a.id.desc())
        .limit(limit)
    )
    calls = [rows.attempt(row) for row in found]
    c = t.campaign.c
    of = select(c.id, c.settings).where(c.id.in_({call.campaign_id for call in calls}))
    names = {row.id: str(row.settings["name"]) for row in connection.execute(of)}
    return [TimelineCall(call, names[call.campaign_id]) for call in calls]


def call_facts(
    connection: Connection, campaign_id: int, since: datetime, until: datetime, zone: str
) -> CallFacts:
    """Count a campaign's ended calls that were dialled from ``since`` on and before ``until``.

    Raises:
        NotFound: there is no such campaign.
        InvalidInput: there is no such time zone.
    """
    local = zone_named(zone)
    campaigns.row_of(connection, campaign_id)
    of_span = (
        _a.campaign_id == campaign_id,
        _a.status == AttemptStatus.ENDED.value,
        _a.dialed_at >= since,
        _a.dialed_at < until,
    )
    quarter = (_us(_a.dialed_at) // _QUARTER_US).label("quarter")
    totals: Counter[Disposition] = Counter()
    by_day: dict[str, Counter[str]] = {}
    grouped = (
        select(quarter, _a.disposition, func.count())
        .where(*of_span)
        .group_by(quarter, _a.disposition)
        .order_by(quarter, _a.disposition)
    )
    for index, disposition, n in connection.execute(grouped):
        day = from_us(index * _QUARTER_US).astimezone(local).date().isoformat()
        by_day.setdefault(day, Counter())[disposition] += n
        totals[Disposition(disposition)] += n
    per_number = select(func.count().label("n")).where(*of_span).group_by(_a.number).subquery()
    return CallFacts(
        calls=totals.total(),
        answered=sum(n for d, n in totals.items() if MEANING[d].answered),
        persons=sum(totals[d] for d in PERSON),
        abandoned=totals[Disposition.ABANDONED],
        by_day={day: dict(counted) for day, counted in by_day.items()},
        most_per_number=connection.scalar(select(func.max(per_number.c.n))) or 0,
        shortest_ring_s=_shortest_ring_s(connection, of_span),
    )


def _shortest_ring_s(
    connection: Connection, of_span: tuple[ColumnElement[bool], ...]
) -> float | None:
    """Return the shortest time that a call rang before we gave up, as far as is known."""
    rang_us = _us(_a.ended_at) - func.coalesce(_us(_a.rang_at), _us(_a.dialed_at))
    statement = (
        select(rang_us, _a.evidence, _a.ring_timeout_s)
        .where(*of_span, _a.disposition == Disposition.NO_ANSWER.value)
        .order_by(rang_us)
        # The first will mostly do: the evidence of the others need not be read.
        .execution_options(stream_results=True, max_row_buffer=100)
    )
    with connection.execute(statement) as found:
        for us, known, timeout_s in found:
            evidence = decode(Evidence, known or {})
            if gave_up(evidence, ring_timeout_s=timeout_s):
                ring_s: float = us / 1_000_000
                return ring_s if evidence.ring_s is None else min(ring_s, evidence.ring_s)
    return None


def _us(column: ColumnElement[datetime | None]) -> ColumnElement[int]:
    """Return the microseconds of an instant, to be reckoned with in the database."""
    return type_coerce(column, BigInteger)
