"""A day of UTC as local clocks show it: cut at local midnights and at changes of the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callcamp.core.pieces import Pieces

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class LocalPart:
    """The part of a local date between two instants, and when it is open there."""

    day: date
    start: datetime
    end: datetime
    open: list[tuple[datetime, datetime]]


def local_parts(
    utc_day: date, zone: ZoneInfo, local: Callable[[date], Pieces]
) -> Iterator[LocalPart]:
    """Cut a UTC day at local midnights and changes of the clock; ``local`` tells the hours."""
    for start, end, offset in _steady(utc_day, zone):
        day = (start + offset).date()
        low = start
        while low < end:
            midnight = datetime.combine(day, time(0), tzinfo=UTC) - offset
            high = min(end, midnight + _DAY)
            edges = [
                (max(low, midnight + a * _MICROSECOND), min(high, midnight + b * _MICROSECOND))
                for a, b in local(day)
            ]
            yield LocalPart(day, low, high, [(a, b) for a, b in edges if a < b])
            day, low = day + _DAY, high


def _steady(day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime, timedelta]]:
    """Return the parts of UTC day ``day`` in which the zone's offset from UTC does not change."""
    low = datetime.combine(day, time(0), tzinfo=UTC)
    high = low + _DAY
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return [(low, high, before)]
    first, last = low, high
    while last - first > timedelta(seconds=1):
        middle = first + timedelta(seconds=(last - first) // timedelta(seconds=2))
        if _offset(middle, zone) == before:
            first = middle
        else:
            last = middle
    return [part for part in ((low, last, before), (last, high, after)) if part[0] < part[1]]


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    return timedelta(0) if offset is None else offset
