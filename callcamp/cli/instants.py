"""Instants as people write and read them on a command line: in a campaign's own time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callcamp.core.schedule import zone_named
from callcamp.errors import InvalidInput

WRITTEN = "a date, '2026-11-25 10:00' in the campaign's zone, or 2026-11-25T10:00:00Z"
"""How an instant is written, for help texts and messages."""

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|z|[+-]\d\d:\d\d)?", re.ASCII
)


def read_instant(field: str, text: str, zone: str, *, day_end: bool = False) -> datetime:
    """Read an instant: RFC 3339, a local date and time of day, or a date.

    Args:
        field: the option it was given by, for messages.
        text: what was given.
        zone: IANA zone of what is written without an offset.
        day_end: whether a date means the end of that day; else its beginning.

    Returns:
        The instant, aware UTC. A local time that the clocks skip is taken as if they had not
        been changed yet, one that they show twice as the first of the two.

    Raises:
        InvalidInput: it is something else, there is no such day or zone, or it is so far away
            that calendars end before it.
    """
    try:
        at = _read(text, zone_named(zone), day_end=day_end)
    except ValueError:
        raise InvalidInput(
            f"{field} is {text!r}; give {WRITTEN}.", field=field, value=text
        ) from None
    if at is None or not _FIRST <= at < _LAST:
        raise InvalidInput(
            f"{field} is {text!r}; give an instant from {_FIRST.year} to {_LAST.year - 1}.",
            field=field,
            value=text,
        )
    return at


def _read(text: str, there: ZoneInfo, *, day_end: bool) -> datetime | None:
    """Return an instant, None when calendars end before it; a ValueError: it is none."""
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=day_end)
            return datetime.combine(day, time(0), there).astimezone(UTC)
        if _INSTANT.fullmatch(text):
            at = datetime.fromisoformat(text.upper())
            return (at if at.tzinfo else at.replace(tzinfo=there)).astimezone(UTC)
    except OverflowError:
        return None
    raise ValueError(text)


def shown_in(zone: str, instant: datetime | None) -> str:
    """Return an instant as the clocks of ``zone`` show it; a dash when there is none."""
    if instant is None:
        return "–"
    return instant.astimezone(zone_named(zone)).strftime("%a %Y-%m-%d %H:%M %Z")
