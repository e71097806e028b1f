"""May a campaign call at ``now``, and when is the next open minute?

Only this module knows local time; instants go in and out as aware UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callcamp.core.model import DailyWindow
from callcamp.errors import InvalidInput

# A window of one weekday can be lost to a change of the clock, so a week is not enough.
_LOOK_AHEAD_DAYS = 16


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone called ``name``.

    Raises:
        InvalidInput: there is no such IANA zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"There is no time zone called {name!r}; give an IANA name such as Europe/Paris.",
            field="zone",
            value=name,
        ) from None


def is_open(window: DailyWindow, now: datetime) -> bool:
    """Tell whether calls may be placed at ``now`` (aware).

    Raises:
        InvalidInput: the window's zone does not exist.
    """
    local = now.astimezone(zone_named(window.zone))
    clock = local.time().replace(tzinfo=None)
    today = local.weekday()
    if window.start == window.end:
        return today in window.weekdays
    if window.start < window.end:
        return today in window.weekdays and window.start <= clock < window.end
    yesterday = (today - 1) % 7
    return (today in window.weekdays and clock >= window.start) or (
        yesterday in window.weekdays and clock < window.end
    )


def next_open(window: DailyWindow, now: datetime) -> datetime | None:
    """Return the first instant from ``now`` on at which the window is open (aware UTC).

    None means that it never opens (no weekday is allowed).

    Raises:
        InvalidInput: the window's zone does not exist.
    """
    if is_open(window, now):
        return now.astimezone(UTC)
    zone = zone_named(window.zone)
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=day) for day in range(-1, _LOOK_AHEAD_DAYS)]
    edges = sorted({edge for day in days for edge in _edges(window, day, zone)})
    return next((edge for edge in edges if edge > now and is_open(window, edge)), None)


def _edges(window: DailyWindow, day: date, zone: ZoneInfo) -> list[datetime]:
    """Return every instant of ``day`` at which a closed window can open (UTC).

    A local clock reaches the start of the window once, twice (the hour that a change of the
    clock repeats) or never (the hour that it skips); then the change itself may open it.
    """
    edges = [
        datetime.combine(day, clock, tzinfo=zone).replace(fold=fold).astimezone(UTC)
        for clock in (window.start, time(0))
        for fold in (0, 1)
    ]
    change = _change_of_clock(day, zone)
    return edges if change is None else [*edges, change]


def _change_of_clock(day: date, zone: ZoneInfo) -> datetime | None:
    """Return the instant of ``day`` at which the zone's offset changes, to the second (UTC)."""
    low = datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
    high = datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone).astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == before:
        return None
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
