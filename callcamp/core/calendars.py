"""When something is open: from hours on a local clock to instants, across changes of the clock.

An instant is open when the local clock then shows an open time. So an edge in an hour that a
change of the clock skips falls on the change, and an hour that is repeated counts both times.
A :class:`Calendar` keeps what it found, day by day, so asking again costs microseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from callcamp.core.local_parts import local_parts
from callcamp.core.pieces import NOTHING, Pieces, on_day, on_next_day, united, without
from callcamp.core.reasons import Reason

HORIZON_DAYS = 400
"""How far a verdict looks ahead."""

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
# What was found is kept for up to a day, and has to reach as far as promised all that time.
_SCAN_DAYS = HORIZON_DAYS + 2
_DAYS_KEPT = 1024
_CONJUNCTIONS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is open at an instant, and until when that holds.

    Args:
        open: whether calls may be placed.
        until: when it closes, or opens, next (aware UTC); None: not within
            :data:`HORIZON_DAYS`.
        reason: why it is closed (None while it is open).
    """

    open: bool
    until: datetime | None
    reason: Reason | None


class DayPlan(Protocol):
    """Hours by local date; every answer depends on nothing but the date."""

    def hours(self, day: date) -> Pieces:
        """Return the hours that begin on ``day``; they may go on to the end of the next."""

    def closed(self, day: date) -> Pieces:
        """Return what is cut out of ``day``, also out of hours that began the day before."""

    def reason(self, day: date) -> Reason:
        """Return why the minutes of ``day`` that are closed are closed."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``start`` until ``end`` every instant has this verdict."""

    start: datetime
    end: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Timeline:
    """One UTC day: from ``starts[i]`` on it is closed for ``reasons[i]`` (None: open)."""

    starts: tuple[datetime, ...]
    reasons: tuple[Reason | None, ...]


class Calendar:
    """Hours in a time zone.

    Two calendars are equal only when they are the same object. Made by the functions of
    :mod:`callcamp.core.schedule`.

    Args:
        zone: where the local clock is.
        plan: the hours by local date.
    """

    __slots__ = ("_found", "_timelines", "plan", "zone")

    def __init__(self, zone: ZoneInfo, plan: DayPlan) -> None:
        self.zone = zone
        self.plan = plan
        self._timelines: dict[date, _Timeline] = {}
        self._found: Stretch | None = None

    def verdict(self, now: datetime) -> Verdict:
        """Return whether it is open at ``now`` (aware), and until when."""
        return self.stretch(now).verdict

    def stretch(self, now: datetime) -> Stretch:
        """Return the verdict at ``now`` (aware) with the instants between which it holds.

        It may hold for longer: nothing is said of instants outside the UTC day of ``now``.
        """
        found = self._found
        if found is None or not found.start <= now < found.end:
            found = self._found = self._look(now.astimezone(UTC))
        return found

    def opened_on(self, instant: datetime) -> date:
        """Return the local date on which the hours began that are open at ``instant``.

        Hours that began on the date of ``instant`` come before those of the night before.
        """
        local = instant.astimezone(self.zone).replace(tzinfo=None)
        since_midnight = local - datetime.combine(local.date(), time(0))
        clock_us = since_midnight // _MICROSECOND
        own = any(low <= clock_us < high for low, high in self.plan.hours(local.date()))
        return local.date() if own else local.date() - _DAY

    def last_closing(self, day: date) -> datetime | None:
        """Return the last instant of the hours that begin on local date ``day`` (aware UTC).

        None when none of them is open.
        """
        hours, next_day = self.plan.hours(day), day + _DAY
        local = {
            day: without(on_day(hours), self.plan.closed(day)),
            next_day: without(on_next_day(hours), self.plan.closed(next_day)),
        }
        # A zone is at most a day from UTC, on either side.
        for days in (2, 1, 0, -1):
            parts = local_parts(day + days * _DAY, self.zone, lambda one: local.get(one, NOTHING))
            closings = [closes for part in parts for _, closes in part.open]
            if closings:
                return max(closings)
        return None

    def _look(self, now: datetime) -> Stretch:
        day = now.date()
        timeline = self._timeline(day)
        index = bisect_right(timeline.starts, now) - 1
        reason = timeline.reasons[index]
        until = self._next_change(day, index + 1, was_open=reason is None)
        end = (
            timeline.starts[index + 1]
            if index + 1 < len(timeline.starts)
            else datetime.combine(day + _DAY, time(0), tzinfo=UTC)
        )
        return Stretch(timeline.starts[index], end, Verdict(reason is None, until, reason))

    def _next_change(self, day: date, index: int, *, was_open: bool) -> datetime | None:
        for ahead in range(_SCAN_DAYS):
            timeline = self._timeline(day + ahead * _DAY)
            for at in range(index, len(timeline.starts)):
                if (timeline.reasons[at] is None) is not was_open:
                    return timeline.starts[at]
            index = 0
        return None

    def _timeline(self, day: date) -> _Timeline:
        timeline = self._timelines.get(day)
        if timeline is None:
            if len(self._timelines) >= _DAYS_KEPT:
                self._timelines.clear()
            timeline = self._timelines[day] = self._draw(day)
        return timeline

    def _draw(self, day: date) -> _Timeline:
        starts: list[datetime] = []
        reasons: list[Reason | None] = []

        def add(start: datetime, reason: Reason | None) -> None:
            if not reasons or reasons[-1] is not reason:
                starts.append(start)
                reasons.append(reason)

        for part in local_parts(day, self.zone, self._local):
            closed_for = self.plan.reason(part.day)
            reached = part.start
            for opens, closes in part.open:
                if opens > reached:
                    add(reached, closed_for)
                add(opens, None)
                reached = closes
            if reached < part.end:
                add(reached, closed_for)
        return _Timeline(tuple(starts), tuple(reasons))

    def _local(self, day: date) -> Pieces:
        began_before = on_next_day(self.plan.hours(day - _DAY))
        own = on_day(self.plan.hours(day))
        return without(united(began_before + own), self.plan.closed(day))


class _Conjunction:
    """Several calendars that all have to be open."""

    __slots__ = ("_calendars", "_found")

    def __init__(self, calendars: tuple[Calendar, ...]) -> None:
        self._calendars = calendars
        self._found: Stretch | None = None

    def verdict(self, now: datetime) -> Verdict:
        found = self._found
        if found is None or not found.start <= now < found.end:
            found = self._found = self._look(now)
        return found.verdict

    def _look(self, now: datetime) -> Stretch:
        each = [calendar.stretch(now) for calendar in self._calendars]
        start, end = max(one.start for one in each), min(one.end for one in each)
        closed = next((one.verdict for one in each if not one.verdict.open), None)
        if closed is not None:
            return Stretch(start, end, Verdict(False, self._opens(now), closed.reason))
        closings = [one.verdict.until for one in each if one.verdict.until is not None]
        return Stretch(start, end, Verdict(True, min(closings, default=None), None))

    def _opens(self, now: datetime) -> datetime | None:
        last = now + timedelta(days=_SCAN_DAYS)
        at = now
        while at < last:
            openings = [v.until for c in self._calendars if not (v := c.verdict(at)).open]
            if not openings:
                return at
            if any(opening is None for opening in openings):
                return None
            at = max(opening for opening in openings if opening is not None)
        return None


def all_open(calendars: Sequence[Calendar], now: datetime) -> Verdict:
    """Return whether all of ``calendars`` are open at ``now`` (aware), and until when.

    Closed: ``until`` is the first instant at which all are open, ``reason`` that of the first
    closed one in their order. Open: ``until`` is the earliest closing. No calendar at all is
    always open.
    """
    if not calendars:
        return Verdict(True, None, None)
    return _conjunction(tuple(calendars)).verdict(now)


def single_day_end(calendar: Calendar, since: datetime) -> datetime | None:
    """Return the end of the first day on which ``calendar`` is open from ``since`` on.

    It is the last closing of the hours that begin on the same local date as those of the
    first open instant (aware UTC): a pause over lunch does not end the day, a window that
    crosses midnight does so on the next date, and a whole day ends at local midnight. None
    when the calendar does not open within :data:`HORIZON_DAYS`.
    """
    verdict = calendar.verdict(since)
    first = since if verdict.open else verdict.until
    return None if first is None else calendar.last_closing(calendar.opened_on(first))


@lru_cache(maxsize=_CONJUNCTIONS_KEPT)
def _conjunction(calendars: tuple[Calendar, ...]) -> _Conjunction:
    return _Conjunction(calendars)
