"""Inclusions, exclusions and public holidays of a campaign, by hand, with named dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from callcamp.core.campaign_settings import DailyWindow, HoursKind, HoursRule
from callcamp.core.reasons import Reason
from callcamp.core.schedule import (
    Calendar,
    all_open,
    campaign_calendar,
    check_hours_rule,
    daily_calendar,
    single_day_end,
)
from callcamp.errors import InvalidInput

PARIS = ZoneInfo("Europe/Paris")
# 2026-07-13 is a Monday; Tuesday the 14th is a public holiday of France.
MONDAY, TUESDAY, FRIDAY, SUNDAY = (date(2026, 7, day) for day in (13, 14, 17, 19))


def window(hours: str = "09:00-18:00", zone: str = "Europe/Paris") -> DailyWindow:
    start, end = map(time.fromisoformat, hours.split("-"))
    return DailyWindow(start, end, zone)


def rule(text: str) -> HoursRule:
    """``include tue 09:00-12:00``, ``exclude 2026-07-14..2026-07-15 00:00-00:00``."""
    kind, when, hours = text.split()
    start, end = map(time.fromisoformat, hours.split("-"))
    weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    if when in weekdays:
        return HoursRule(HoursKind(kind), weekdays.index(when), None, None, start, end)
    first, _, last = when.partition("..")
    dates = (date.fromisoformat(first), date.fromisoformat(last) if last else None)
    return HoursRule(HoursKind(kind), None, *dates, start, end)


def opened(calendar: Calendar, day: date, zone: ZoneInfo = PARIS) -> str:
    """The open hours of a local date, found by following ``until``."""
    at = datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone).astimezone(UTC)
    spans = []
    while at < end:
        verdict = calendar.verdict(at)
        until = min(end, verdict.until or end)
        if verdict.open:
            clocks = [f"{one.astimezone(zone):%H:%M}" for one in (at, until)]
            spans.append("-".join(clocks))
        at = until
    return " ".join(spans)


@pytest.mark.parametrize(
    ("rules", "day", "expected"),
    [
        ([], MONDAY, "09:00-18:00"),
        ([], SUNDAY, ""),
        # A weekday's inclusions replace the window, on any day, and add up.
        (["include mon 10:00-12:00"], MONDAY, "10:00-12:00"),
        (["include mon 10:00-12:00", "include mon 14:00-16:00"], MONDAY, "10:00-12:00 14:00-16:00"),
        (["include mon 10:00-12:00", "include mon 11:00-13:00"], MONDAY, "10:00-13:00"),
        (["include sun 10:00-12:00"], SUNDAY, "10:00-12:00"),
        (["include sun 10:00-12:00"], MONDAY, "09:00-18:00"),
        (["exclude mon 12:00-13:30"], MONDAY, "09:00-12:00 13:30-18:00"),
        (["exclude mon 00:00-00:00"], MONDAY, ""),
        (["include mon 08:00-20:00", "exclude mon 12:00-13:00"], MONDAY, "08:00-12:00 13:00-20:00"),
        # A date's inclusions replace all of that, public holidays too.
        (["include 2026-07-14 10:00-12:00"], TUESDAY, "10:00-12:00"),
        (["include 2026-07-19 10:00-12:00"], SUNDAY, "10:00-12:00"),
        (["include 2026-07-13 10:00-16:00", "exclude mon 12:00-13:00"], MONDAY, "10:00-16:00"),
        (["include 2026-07-13 10:00-16:00", "include mon 08:00-09:00"], MONDAY, "10:00-16:00"),
        (["include 2026-07-12..2026-07-14 10:00-16:00"], TUESDAY, "10:00-16:00"),
        (["include 2026-07-12..2026-07-13 10:00-16:00"], TUESDAY, ""),
        (
            ["include 2026-07-14 10:00-12:00", "include 2026-07-13..2026-07-14 14:00-16:00"],
            TUESDAY,
            "10:00-12:00 14:00-16:00",
        ),
        # A date's exclusions come last, whatever opened it.
        (["exclude 2026-07-13 09:00-12:00"], MONDAY, "12:00-18:00"),
        (["exclude 2026-07-13 00:00-00:00"], MONDAY, ""),
        (
            ["exclude 2026-07-13 11:00-12:00", "include 2026-07-13 10:00-16:00"],
            MONDAY,
            "10:00-11:00 12:00-16:00",
        ),
    ],
)
def test_rules(rules: list[str], day: date, expected: str) -> None:
    calendar = campaign_calendar(window(), [rule(one) for one in rules], ["FR"])
    assert opened(calendar, day) == expected


@pytest.mark.parametrize(
    ("rules", "monday", "tuesday", "wednesday"),
    [
        # Tuesday is a public holiday: Monday's night ends at midnight, Tuesday's never begins.
        ([], "00:00-02:00 22:00-00:00", "", "22:00-00:00"),
        (
            ["include 2026-07-14 12:00-13:00"],
            "00:00-02:00 22:00-00:00",
            "00:00-02:00 12:00-13:00",
            "22:00-00:00",
        ),
        # A whole day that is excluded begins no hours, so nothing of it is left on the next.
        (["exclude 2026-07-13 00:00-00:00"], "", "", "22:00-00:00"),
        (["exclude mon 00:00-00:00"], "", "", "22:00-00:00"),
        # Part of a day does not.
        (["exclude 2026-07-15 21:00-23:00"], "00:00-02:00 22:00-00:00", "", "23:00-00:00"),
        (["exclude wed 23:00-01:00"], "00:00-02:00 22:00-00:00", "", "22:00-23:00"),
    ],
)
def test_nights(rules: list[str], monday: str, tuesday: str, wednesday: str) -> None:
    base = DailyWindow(time(22), time(2), "Europe/Paris", frozenset(range(7)))
    calendar = campaign_calendar(base, [rule(one) for one in rules], ["FR"])
    days = [MONDAY, TUESDAY, TUESDAY + timedelta(days=1)]
    assert [opened(calendar, day) for day in days] == [monday, tuesday, wednesday]


def test_the_tail_of_an_exclusion_reaches_the_next_morning() -> None:
    base = DailyWindow(time(22), time(2), "Europe/Paris", frozenset(range(7)))
    for text in ("exclude thu 23:00-01:00", "exclude 2026-07-16 23:00-01:00"):
        calendar = campaign_calendar(base, [rule(text)])
        assert opened(calendar, FRIDAY) == "01:00-02:00 22:00-00:00"
    included = [rule("exclude thu 23:00-01:00"), rule("include 2026-07-17 00:00-03:00")]
    assert opened(campaign_calendar(base, included), FRIDAY) == "00:00-03:00"
    # On a date with an inclusion the weekday's exclusion does not even begin.
    included = [rule("exclude thu 23:00-01:00"), rule("include 2026-07-16 10:00-12:00")]
    day = campaign_calendar(window("00:00-00:00"), included)
    assert opened(day, FRIDAY) == "00:00-00:00"


def test_why_it_is_closed() -> None:
    base = window()
    calendar = campaign_calendar(base, [rule("include 2026-05-01 10:00-12:00")], ["FR"])

    def why(text: str) -> Reason | None:
        return calendar.verdict(datetime.fromisoformat(text).replace(tzinfo=PARIS)).reason

    assert why("2026-07-14T10:00") is Reason.HOLIDAY
    assert why("2026-07-14T03:00") is Reason.HOLIDAY
    assert why("2026-07-13T18:00") is Reason.OUTSIDE_HOURS
    assert why("2026-07-13T12:00") is None
    # All Saints' Day of 2026 is a Sunday, which is closed anyway.
    assert why("2026-11-01T10:00") is Reason.OUTSIDE_HOURS
    assert why("2026-05-01T13:00") is Reason.OUTSIDE_HOURS
    # But not when Saturday's night would have gone on into it.
    night = campaign_calendar(window("22:00-02:00"), (), ["FR"])
    assert night.verdict(datetime(2026, 11, 1, 12, tzinfo=PARIS)).reason is Reason.HOLIDAY
    # An excluded date is closed with or without its holiday.
    excluded = campaign_calendar(base, [rule("exclude 2026-07-14 08:00-19:00")], ["FR"])
    at = datetime(2026, 7, 14, 10, tzinfo=PARIS)
    assert excluded.verdict(at).reason is Reason.OUTSIDE_HOURS
    # Closed from Monday evening to Wednesday morning in one piece, for two reasons.
    evening = calendar.verdict(datetime(2026, 7, 13, 18, tzinfo=PARIS))
    morning = datetime(2026, 7, 15, 9, tzinfo=PARIS).astimezone(UTC)
    assert evening.until == morning
    assert calendar.verdict(datetime(2026, 7, 14, 10, tzinfo=PARIS)).until == morning


def test_an_edge_in_the_skipped_hour_is_the_change_itself() -> None:
    # Paris, 2026-03-29: 02:00 is 03:00, at 01:00 UTC.
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    opens = daily_calendar("Europe/Paris", time(2, 30), time(9))
    assert opens.verdict(change - timedelta(hours=1)).until == change
    closes = daily_calendar("Europe/Paris", time(1), time(2, 30))
    verdict = closes.verdict(change - timedelta(microseconds=1))
    assert (verdict.open, verdict.until) == (True, change)
    assert not closes.verdict(change).open


def test_the_repeated_hour_is_open_both_times() -> None:
    # Paris, 2026-10-25: 03:00 is 02:00, at 01:00 UTC.
    calendar = daily_calendar("Europe/Paris", time(2), time(2, 30))
    edges = [datetime(2026, 10, 25, 0, tzinfo=UTC)]
    for _ in range(3):
        edges.append(calendar.verdict(edges[-1]).until or edges[0])
    assert [f"{edge:%H:%M}" for edge in edges] == ["00:00", "00:30", "01:00", "01:30"]
    assert [calendar.verdict(edge).open for edge in edges] == [True, False, True, False]


def test_a_day_that_begins_at_one_o_clock_and_one_that_ends_twice() -> None:
    # Santiago skips midnight on 2026-09-06; Beirut goes back to 23:00 on 2026-10-24.
    santiago = campaign_calendar(DailyWindow(time(0), time(0), "America/Santiago", frozenset({6})))
    first = santiago.verdict(datetime(2026, 9, 5, tzinfo=UTC)).until
    assert first == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert santiago.verdict(first).until == first + timedelta(hours=23)
    beirut = campaign_calendar(DailyWindow(time(0), time(0), "Asia/Beirut", frozenset({5})))
    last = single_day_end(beirut, datetime(2026, 10, 24, tzinfo=UTC))
    assert last == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert beirut.verdict(datetime(2026, 10, 24, tzinfo=UTC)).until == last


def test_seconds_and_microseconds_are_exact() -> None:
    calendar = daily_calendar("UTC", time(9, 0, 1), time(9, 0, 1, 5))
    opens = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
    assert calendar.verdict(opens - timedelta(microseconds=1)).until == opens
    assert calendar.verdict(opens).until == opens + timedelta(microseconds=5)


def test_always_and_never_have_no_end() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    always = daily_calendar("Europe/Paris", time(0), time(0))
    assert (always.verdict(now).open, always.verdict(now).until) == (True, None)
    never = campaign_calendar(DailyWindow(weekdays=frozenset()))
    verdict = never.verdict(now)
    assert (verdict.open, verdict.until, verdict.reason) == (False, None, Reason.OUTSIDE_HOURS)
    assert single_day_end(never, now) is None


def test_an_opening_more_than_a_year_away_is_found_as_soon_as_it_is_near() -> None:
    only = [rule("include 2027-12-31 10:00-11:00")]
    calendar = campaign_calendar(DailyWindow(weekdays=frozenset()), only)
    opens = datetime(2027, 12, 31, 10, tzinfo=UTC)
    assert calendar.verdict(opens - timedelta(days=500)).until is None
    assert calendar.verdict(opens - timedelta(days=400)).until == opens


def test_a_year_of_asking_forgets_old_days_and_stays_right() -> None:
    calendar = campaign_calendar(window(zone="Asia/Kolkata"))
    start = datetime(2026, 1, 1, 6, tzinfo=UTC)
    verdicts = [calendar.verdict(start + timedelta(days=n)) for n in range(1500)]
    days = [start + timedelta(days=n) for n in range(1500)]
    assert [v.open for v in verdicts] == [day.weekday() != 6 for day in days]
    assert calendar.verdict(start) == verdicts[0]


def test_the_same_arguments_give_the_same_calendar() -> None:
    assert campaign_calendar(window(), [], ["FR"]) is campaign_calendar(window(), (), ("FR",))
    assert campaign_calendar(window()) is not campaign_calendar(window("09:00-17:00"))


def test_a_single_day_goes_on_after_lunch_and_ends_in_the_evening() -> None:
    calendar = campaign_calendar(window(), [rule("exclude mon 12:00-13:00")], ["FR"])
    end = datetime(2026, 7, 13, 18, tzinfo=PARIS).astimezone(UTC)
    for hour in (7, 10, 12, 17):
        assert single_day_end(calendar, datetime(2026, 7, 13, hour, tzinfo=PARIS)) == end
    # Started in the evening before a public holiday, its day is the one after.
    late = single_day_end(calendar, datetime(2026, 7, 13, 18, tzinfo=PARIS))
    assert late == datetime(2026, 7, 15, 18, tzinfo=PARIS).astimezone(UTC)


def test_a_single_night_ends_in_the_morning_and_a_whole_day_at_midnight() -> None:
    night = campaign_calendar(window("22:00-02:00"))
    end = datetime(2026, 7, 16, 2, tzinfo=PARIS).astimezone(UTC)
    for at in (datetime(2026, 7, 15, 23, tzinfo=PARIS), datetime(2026, 7, 16, 1, tzinfo=PARIS)):
        assert single_day_end(night, at) == end
    assert single_day_end(night, end) == end + timedelta(days=1)
    day = campaign_calendar(window("00:00-00:00"))
    midnight = datetime(2026, 7, 16, 0, tzinfo=PARIS).astimezone(UTC)
    assert single_day_end(day, midnight - timedelta(hours=1)) == midnight
    # No end of the open time, but one of the day.
    assert single_day_end(day, midnight) == midnight + timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "hours", "end"),
    [
        ("Pacific/Pago_Pago", "20:00-19:00", datetime(2026, 7, 17, 6, tzinfo=UTC)),
        ("Pacific/Kiritimati", "00:00-05:00", datetime(2026, 7, 14, 15, tzinfo=UTC)),
    ],
)
def test_a_single_day_far_from_utc(zone: str, hours: str, end: datetime) -> None:
    since = datetime(2026, 7, 15, 0, 30, tzinfo=ZoneInfo(zone))
    if hours.startswith("20"):
        since = since.replace(hour=21)
    assert single_day_end(campaign_calendar(window(hours, zone)), since) == end


def test_all_open_over_zones() -> None:
    paris, new_york = (
        daily_calendar(zone, time(9), time(18)) for zone in ("Europe/Paris", "America/New_York")
    )
    campaign = campaign_calendar(window(), (), ["FR"])
    now = datetime(2026, 7, 13, 9, tzinfo=UTC)
    verdict = all_open([campaign, paris, new_york], now)
    assert (verdict.open, verdict.reason) == (False, Reason.CONTACT_HOURS)
    assert verdict.until == datetime(2026, 7, 13, 13, tzinfo=UTC)
    both = all_open([campaign, paris, new_york], verdict.until)
    assert (both.open, both.until) == (True, datetime(2026, 7, 13, 16, tzinfo=UTC))
    # From Monday 18:00 in Paris until Wednesday 09:00 in New York; the first reason wins.
    closed = all_open([campaign, paris, new_york], datetime(2026, 7, 14, 1, tzinfo=UTC))
    assert closed.until == datetime(2026, 7, 15, 13, tzinfo=UTC)
    assert closed.reason is Reason.HOLIDAY
    assert all_open([new_york, campaign], now).reason is Reason.CONTACT_HOURS
    assert all_open([], now).open


def test_all_open_of_hours_that_never_meet() -> None:
    now = datetime(2026, 7, 13, 9, tzinfo=UTC)
    early, late = (
        daily_calendar("UTC", time(8), time(10)),
        daily_calendar("UTC", time(10), time(12)),
    )
    assert all_open([early, late], now).until is None
    assert not all_open([early, late], now).open
    never = campaign_calendar(DailyWindow(weekdays=frozenset()))
    assert all_open([early, never], now).until is None
    assert all_open([early], now).until == now + timedelta(hours=1)


def test_verdicts_change_where_they_say() -> None:
    calendars = [campaign_calendar(window(), [rule("exclude fri 12:00-12:30")], ["FR"])]
    at, edges = datetime(2026, 12, 20, tzinfo=UTC), []
    for _ in range(12):
        verdict = all_open(calendars, at)
        assert verdict.until is not None
        edges.append((verdict.open, verdict.until))
        at = verdict.until
    assert all(a[0] is not b[0] for a, b in pairwise(edges))
    # Friday the 25th is Christmas: Thursday's closing, and then Saturday's opening.
    assert (True, datetime(2026, 12, 24, 17, tzinfo=UTC)) in edges
    assert (False, datetime(2026, 12, 26, 8, tzinfo=UTC)) in edges


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (HoursRule(HoursKind.INCLUDE), "first_day"),
        (HoursRule(HoursKind.INCLUDE, last_day=MONDAY), "first_day"),
        (HoursRule(HoursKind.INCLUDE, weekday=0, first_day=MONDAY), "weekday"),
        (HoursRule(HoursKind.INCLUDE, weekday=0, last_day=MONDAY), "weekday"),
        (HoursRule(HoursKind.EXCLUDE, weekday=7), "weekday"),
        (HoursRule(HoursKind.EXCLUDE, weekday=-1), "weekday"),
        (HoursRule(HoursKind.EXCLUDE, first_day=TUESDAY, last_day=MONDAY), "last_day"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(bad: HoursRule, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_hours_rule(bad)
    assert caught.value.details["field"] == field
    with pytest.raises(InvalidInput):
        campaign_calendar(window(), [bad])


@pytest.mark.parametrize(
    "good",
    [
        HoursRule(HoursKind.INCLUDE, weekday=0),
        HoursRule(HoursKind.EXCLUDE, weekday=6),
        HoursRule(HoursKind.INCLUDE, first_day=MONDAY),
        HoursRule(HoursKind.INCLUDE, first_day=MONDAY, last_day=MONDAY),
    ],
)
def test_a_sound_rule_is_taken(good: HoursRule) -> None:
    check_hours_rule(good)
    campaign_calendar(window(), [good])


def test_unknown_zones_and_regions_are_refused() -> None:
    for call in (
        lambda: campaign_calendar(window(zone="Mars/Olympus")),
        lambda: daily_calendar("Mars/Olympus", time(9), time(18)),
        lambda: campaign_calendar(window(), (), ["XX"]),
    ):
        with pytest.raises(InvalidInput):
            call()


def test_a_date_without_hours_has_no_last_closing() -> None:
    calendar = campaign_calendar(window(), (), ["FR"])
    assert calendar.last_closing(SUNDAY) is None
    assert calendar.last_closing(MONDAY) == datetime(2026, 7, 13, 16, tzinfo=UTC)
