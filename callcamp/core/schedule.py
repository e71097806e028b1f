"""May a campaign call at ``now``, and when is the next open minute?

Only this module knows local time; instants go in and out as aware UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callcamp.core.model import DailyWindow
from callcamp.errors import InvalidInput

_LOOK_AHEAD_DAYS = 9


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
    local = now.astimezone(zone)
    start = window.start if window.start != window.end else window.start.replace(hour=0, minute=0)
    for day in range(_LOOK_AHEAD_DAYS):
        date = local.date() + timedelta(days=day)
        if date.weekday() not in window.weekdays:
            continue
        opening = datetime.combine(date, start, tzinfo=zone).astimezone(UTC)
        opening = _past_gap(window, opening)
        if opening > now and is_open(window, opening):
            return opening
    return None


def _past_gap(window: DailyWindow, opening: datetime) -> datetime:
    """Move an opening that a daylight-saving gap swallowed to the first real open minute."""
    for minutes in range(121):
        candidate = opening - timedelta(minutes=minutes)
        if not is_open(window, candidate):
            step = candidate + timedelta(minutes=1)
            return step if minutes and is_open(window, step) else opening
    return opening
