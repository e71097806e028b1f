"""Hours: of a campaign, of the law where a contact is, of a contact.

Only this module and :mod:`callcamp.core.calendars` know local time; instants go in and out as
aware UTC. ``docs/hours.md`` says in words how hours are decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callcamp.core.calendars import (
    HORIZON_DAYS,
    Calendar,
    Verdict,
    all_open,
    single_day_end,
)
from callcamp.core.campaign_settings import DailyWindow, HoursRule
from callcamp.core.day_plans import CampaignPlan, ContactPlan, EveryDay
from callcamp.core.legal import WeekHours
from callcamp.core.pieces import piece
from callcamp.core.public_holidays import check_holiday_region, holiday_name, is_holiday
from callcamp.errors import InvalidInput

__all__ = [
    "HORIZON_DAYS",
    "Calendar",
    "Verdict",
    "all_open",
    "campaign_calendar",
    "check_holiday_region",
    "check_hours_rule",
    "contact_calendar",
    "daily_calendar",
    "holiday_name",
    "instant_at",
    "is_holiday",
    "is_open",
    "next_open",
    "shown_at",
    "single_day_end",
    "zone_named",
]

_CALENDARS_KEPT = 1024


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


def check_hours_rule(rule: HoursRule) -> None:
    """Check that ``rule`` is for a weekday, or for a date or a range of dates.

    Raises:
        InvalidInput: it is for both or for neither, there is no such weekday, or the last day
            comes before the first.
    """
    if rule.weekday is not None and (rule.first_day is not None or rule.last_day is not None):
        raise InvalidInput(
            f"A rule for weekday {rule.weekday} also has dates; make two rules of it.",
            field="weekday",
            value=rule.weekday,
        )
    if rule.weekday is None and rule.first_day is None:
        raise InvalidInput(
            "first_day is not set; give a rule a weekday, or the first day of its dates.",
            field="first_day",
            value=None,
        )
    if rule.weekday is not None and not 0 <= rule.weekday <= 6:
        raise InvalidInput(
            f"weekday is {rule.weekday}; give 0 (Monday) to 6 (Sunday).",
            field="weekday",
            value=rule.weekday,
        )
    if rule.first_day and rule.last_day and rule.last_day < rule.first_day:
        raise InvalidInput(
            f"last_day is {rule.last_day}; give {rule.first_day} (first_day) or a later day.",
            field="last_day",
            value=rule.last_day.isoformat(),
        )


def campaign_calendar(
    window: DailyWindow, hours: Sequence[HoursRule] = (), holidays: Sequence[str] = ()
) -> Calendar:
    """Return when a campaign may call; the same arguments give the same object.

    Args:
        window: its daily window.
        hours: its inclusions and exclusions.
        holidays: countries or subdivisions on whose public holidays it rests.

    Raises:
        InvalidInput: there is no such zone or region, or a rule is not sound.
    """
    return _campaign_calendar(window, tuple(hours), tuple(holidays))


def contact_calendar(zone: str, week: WeekHours, holidays: Sequence[str]) -> Calendar:
    """Return when a person in ``zone`` may be called; the same arguments give the same object.

    A closed date has the reason ``contact_holiday``, closed minutes of another date have
    ``contact_hours``.

    Args:
        zone: IANA zone of the person.
        week: the hours, by day.
        holidays: countries or subdivisions whose public holidays count.

    Raises:
        InvalidInput: there is no such zone or region, ``week`` does not have seven weekdays,
            or a span crosses midnight.
    """
    return _contact_calendar(zone, week, tuple(holidays))


@lru_cache(maxsize=_CALENDARS_KEPT)
def daily_calendar(zone: str, start: time, end: time) -> Calendar:
    """Return the hours from ``start`` to ``end`` of every day in ``zone``.

    An ``end`` equal to ``start`` is the whole day; a smaller one is that of the next day.

    Raises:
        InvalidInput: there is no such zone.
    """
    return Calendar(zone_named(zone), EveryDay((piece(start, end),)))


def is_open(window: DailyWindow, now: datetime) -> bool:
    """Tell whether ``window`` is open at ``now`` (aware).

    Raises:
        InvalidInput: the window's zone does not exist.
    """
    return campaign_calendar(window).verdict(now).open


def next_open(window: DailyWindow, now: datetime) -> datetime | None:
    """Return the first instant from ``now`` on at which ``window`` is open (aware UTC).

    None means that it does not open within :data:`HORIZON_DAYS`.

    Raises:
        InvalidInput: the window's zone does not exist.
    """
    verdict = campaign_calendar(window).verdict(now)
    return now.astimezone(UTC) if verdict.open else verdict.until


@lru_cache(maxsize=_CALENDARS_KEPT)
def _campaign_calendar(
    window: DailyWindow, hours: tuple[HoursRule, ...], holidays: tuple[str, ...]
) -> Calendar:
    for rule in hours:
        check_hours_rule(rule)
    regions = tuple(check_holiday_region(one) for one in holidays)
    return Calendar(zone_named(window.zone), CampaignPlan(window, hours, regions))


@lru_cache(maxsize=_CALENDARS_KEPT)
def _contact_calendar(zone: str, week: WeekHours, holidays: tuple[str, ...]) -> Calendar:
    regions = tuple(check_holiday_region(one) for one in holidays)
    return Calendar(zone_named(zone), ContactPlan(week, regions))


def local_hour(at: datetime, zone: str) -> int:
    """Return the hour of the day, 0 to 23, that the clocks of a time zone show at an instant."""
    return at.astimezone(ZoneInfo(zone)).hour


def instant_at(local: datetime, zone: str) -> datetime:
    """Return the instant, in UTC, at which clocks of a zone show ``local``.

    Of an hour that is there twice it is the first; one that is left out counts as the hour after.

    Args:
        local: date and time without a zone.
        zone: IANA name.

    Raises:
        InvalidInput: there is no such zone, or the date is beyond what can be reckoned with.
    """
    try:
        return local.replace(tzinfo=zone_named(zone), fold=0).astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(
            f"{local.isoformat()} is too far away; give a date of this century.",
            field="local",
            value=local.isoformat(),
        ) from error


def shown_at(at: datetime, zone: str) -> str:
    """Return what clocks of a zone show at an instant, for people: ``Mon 23 Nov 09:00``."""
    return f"{at.astimezone(zone_named(zone)):%a %d %b %H:%M}"
