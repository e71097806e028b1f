"""Hours by local date: of a campaign, of the law where a contact is, the same every day.

These are the plans behind the calendars of :mod:`callcamp.core.schedule`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from callcamp.core.campaign_settings import DailyWindow, HoursKind, HoursRule
from callcamp.core.legal import Span, WeekHours
from callcamp.core.pieces import (
    NOTHING,
    WHOLE_DAY,
    Piece,
    Pieces,
    on_day,
    on_next_day,
    piece,
    united,
    without,
)
from callcamp.core.public_holidays import is_holiday
from callcamp.core.reasons import Reason
from callcamp.errors import InvalidInput

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EveryDay:
    """The same hours every day, in a contact's own time.

    Args:
        pieces: the hours that begin on a day.
    """

    pieces: Pieces

    def hours(self, day: date) -> Pieces:  # noqa: ARG002 - the same for every day
        """Return its hours."""
        return self.pieces

    def closed(self, day: date) -> Pieces:  # noqa: ARG002
        """Return nothing."""
        return NOTHING

    def reason(self, day: date) -> Reason:  # noqa: ARG002
        """Return ``contact_hours``."""
        return Reason.CONTACT_HOURS


@dataclass(frozen=True, slots=True)
class _DateRule:
    """A rule for the dates from ``first`` to ``last``."""

    first: date
    last: date
    piece: Piece


class CampaignPlan:
    """A campaign's hours by date.

    Args:
        window: its daily window.
        rules: its inclusions and exclusions, sound ones.
        regions: known regions on whose public holidays it rests.
    """

    def __init__(
        self, window: DailyWindow, rules: tuple[HoursRule, ...], regions: tuple[str, ...]
    ) -> None:
        base = piece(window.start, window.end)
        self._regions = regions
        self._opened = _date_rules(rules, HoursKind.INCLUDE)
        self._shut = _date_rules(rules, HoursKind.EXCLUDE)
        self._week = tuple(
            _of_weekday(rules, HoursKind.INCLUDE, weekday)
            or ((base,) if weekday in window.weekdays else NOTHING)
            for weekday in range(7)
        )
        self._week_shut = tuple(
            _of_weekday(rules, HoursKind.EXCLUDE, weekday) for weekday in range(7)
        )

    def hours(self, day: date) -> Pieces:
        """Return the hours that begin on ``day``; none on a date that is shut all day."""
        opened = _covering(self._opened, day)
        shut = _covering(self._shut, day)
        if not opened:
            shut += self._week_shut[day.weekday()]
        if on_day(united(shut)) == WHOLE_DAY:
            return NOTHING
        if opened:
            return opened
        return NOTHING if _rests(self._regions, day) else self._week[day.weekday()]

    def closed(self, day: date) -> Pieces:
        """Return what exclusions and a public holiday cut out of ``day``."""
        if not self._is_opened(day) and _rests(self._regions, day):
            return WHOLE_DAY
        return self._shut_apart_from_holidays(day)

    def reason(self, day: date) -> Reason:
        """Return ``holiday`` for a date that would have open hours without it."""
        if self._is_opened(day) or not _rests(self._regions, day):
            return Reason.OUTSIDE_HOURS
        but_for_the_holiday = united(
            on_next_day(self.hours(day - _DAY)) + on_day(self._week[day.weekday()])
        )
        would_open = without(but_for_the_holiday, self._shut_apart_from_holidays(day))
        return Reason.HOLIDAY if would_open else Reason.OUTSIDE_HOURS

    def _shut_apart_from_holidays(self, day: date) -> Pieces:
        """Return what exclusions, those that began the day before among them, cut out of a date.

        A weekday's exclusion neither begins on a date that has an inclusion nor cuts into one.
        """
        before = day - _DAY
        shut = on_day(_covering(self._shut, day)) + on_next_day(_covering(self._shut, before))
        if not self._is_opened(day):
            shut += on_day(self._week_shut[day.weekday()])
            if not self._is_opened(before):
                shut += on_next_day(self._week_shut[before.weekday()])
        return united(shut)

    def _is_opened(self, day: date) -> bool:
        return any(rule.first <= day <= rule.last for rule in self._opened)


class ContactPlan:
    """The hours by date in which a person may be called.

    Args:
        week: the hours by day.
        regions: known regions whose public holidays count.

    Raises:
        InvalidInput: ``week`` does not have seven weekdays, or a span crosses midnight.
    """

    def __init__(self, week: WeekHours, regions: tuple[str, ...]) -> None:
        if len(week.weekdays) != 7:
            raise InvalidInput(
                f"weekdays has hours of {len(week.weekdays)} days; give those of Monday to "
                "Sunday, an empty list for a closed day.",
                field="weekdays",
                value=len(week.weekdays),
            )
        self._regions = regions
        self._week = tuple(_of_spans(spans) for spans in week.weekdays)
        self._holiday = None if week.holiday is None else _of_spans(week.holiday)
        self._eve = None if week.holiday_eve is None else _of_spans(week.holiday_eve)

    def hours(self, day: date) -> Pieces:
        """Return the hours of ``day``; a holiday goes before the eve of the next one."""
        if self._holiday is not None and _rests(self._regions, day):
            return self._holiday
        if self._eve is not None and _rests(self._regions, day + _DAY):
            return self._eve
        return self._week[day.weekday()]

    def closed(self, day: date) -> Pieces:  # noqa: ARG002 - nothing crosses midnight
        """Return nothing."""
        return NOTHING

    def reason(self, day: date) -> Reason:
        """Return ``contact_holiday`` for a date without hours."""
        return Reason.CONTACT_HOURS if self.hours(day) else Reason.CONTACT_HOLIDAY


def _rests(regions: tuple[str, ...], day: date) -> bool:
    return any(is_holiday(region, day) for region in regions)


def _date_rules(rules: Sequence[HoursRule], kind: HoursKind) -> tuple[_DateRule, ...]:
    return tuple(
        _DateRule(rule.first_day, rule.last_day or rule.first_day, piece(rule.start, rule.end))
        for rule in rules
        if rule.kind is kind and rule.first_day is not None
    )


def _covering(rules: Sequence[_DateRule], day: date) -> Pieces:
    return united(rule.piece for rule in rules if rule.first <= day <= rule.last)


def _of_weekday(rules: Sequence[HoursRule], kind: HoursKind, weekday: int) -> Pieces:
    return united(
        piece(rule.start, rule.end)
        for rule in rules
        if rule.kind is kind and rule.weekday == weekday
    )


def _of_spans(spans: Sequence[Span]) -> Pieces:
    for span in spans:
        if span.end != time(0) and span.end <= span.start:
            raise InvalidInput(
                f"A span from {span.start} to {span.end} crosses midnight; end it at 00:00 and "
                "begin another one on the next day.",
                field="end",
                value=span.end.isoformat(),
            )
    return united(piece(span.start, span.end) for span in spans)
