"""Hours in which the law lets a person be called, in the person's own time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.legal import Span, WeekHours
from callcamp.core.reasons import Reason
from callcamp.core.schedule import contact_calendar, daily_calendar, is_holiday
from callcamp.errors import InvalidInput


def spans(text: str) -> tuple[Span, ...]:
    return tuple(
        Span(*(time.fromisoformat(clock) for clock in one.split("-"))) for one in text.split()
    )


def week(
    workday: str, saturday: str, sunday: str, holiday: str | None = None, eve: str | None = None
) -> WeekHours:
    return WeekHours(
        (*[spans(workday)] * 5, spans(saturday), spans(sunday)),
        None if holiday is None else spans(holiday),
        None if eve is None else spans(eve),
    )


# As in Italy: Saturday and the eve of a holiday are shorter, Sunday and holidays are closed.
ITALY = week("09:00-20:00", "10:00-19:00", "", "", "10:00-19:00")
FRANCE = week("10:00-13:00 14:00-20:00", "", "", "")


def verdict(hours: WeekHours, text: str, zone: str = "Europe/Rome", region: str = "IT"):
    calendar = contact_calendar(zone, hours, [region])
    return calendar.verdict(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        # Friday 2026-12-25 is Christmas, Saturday the 26th Santo Stefano.
        ("2026-12-23T19:30", None),
        ("2026-12-23T20:00", Reason.CONTACT_HOURS),
        ("2026-12-24T18:59", None),
        ("2026-12-24T19:00", Reason.CONTACT_HOURS),
        ("2026-12-24T09:30", Reason.CONTACT_HOURS),
        ("2026-12-25T12:00", Reason.CONTACT_HOLIDAY),
        ("2026-12-26T12:00", Reason.CONTACT_HOLIDAY),
        ("2026-12-27T12:00", Reason.CONTACT_HOLIDAY),
        ("2026-12-28T09:00", None),
        ("2026-12-19T09:30", Reason.CONTACT_HOURS),
        ("2026-12-19T10:00", None),
    ],
)
def test_eves_and_holidays(at: str, reason: Reason | None) -> None:
    found = verdict(ITALY, at)
    assert (found.open, found.reason) == (reason is None, reason)


def test_it_opens_after_the_holidays() -> None:
    opens = datetime(2026, 12, 28, 8, tzinfo=UTC)
    assert verdict(ITALY, "2026-12-24T19:00").until == opens


def test_a_pause_and_a_closed_holiday() -> None:
    found = verdict(FRANCE, "2026-07-13T13:30", "Europe/Paris", "FR")
    assert (found.reason, found.until) == (
        Reason.CONTACT_HOURS,
        datetime(2026, 7, 13, 12, tzinfo=UTC),
    )
    assert verdict(FRANCE, "2026-07-14T11:00", "Europe/Paris", "FR").reason is (
        Reason.CONTACT_HOLIDAY
    )
    # Only the holidays that are given count.
    calendar = contact_calendar("Europe/Paris", FRANCE, [])
    assert calendar.verdict(datetime(2026, 7, 14, 9, tzinfo=UTC)).open


def test_without_hours_of_its_own_a_holiday_is_a_weekday() -> None:
    plain = week("09:00-20:00", "", "")
    assert verdict(plain, "2026-12-25T12:00").open
    shorter = week("09:00-20:00", "", "", "11:00-12:00")
    assert verdict(shorter, "2026-12-25T11:30").open
    assert verdict(shorter, "2026-12-25T13:00").reason is Reason.CONTACT_HOURS


def test_midnight_ends_a_span_and_a_whole_day() -> None:
    late = week("18:00-00:00", "00:00-00:00", "")
    assert verdict(late, "2026-07-13T23:59:59").open
    # Friday evening goes on through Saturday.
    friday = verdict(late, "2026-07-17T20:00")
    assert friday.until == datetime(2026, 7, 18, 22, tzinfo=UTC)


@pytest.mark.parametrize("bad", ["20:00-08:00", "09:00-09:00"])
def test_a_span_over_midnight_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        contact_calendar("Europe/Rome", week(bad, "", ""), [])
    assert caught.value.details["field"] == "end"


def test_a_week_has_seven_days() -> None:
    with pytest.raises(InvalidInput) as caught:
        contact_calendar("Europe/Rome", WeekHours((spans("09:00-18:00"),) * 5), [])
    assert caught.value.details["field"] == "weekdays"


def test_unknown_zones_and_regions_are_refused() -> None:
    for zone, region in (("Mars/Olympus", "IT"), ("Europe/Rome", "XX")):
        with pytest.raises(InvalidInput):
            contact_calendar(zone, ITALY, [region])


def test_a_contacts_own_hours_are_daily_and_may_cross_midnight() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    night = daily_calendar("America/Los_Angeles", time(20), time(1))
    for day in range(12, 19):
        assert night.verdict(datetime(2026, 7, day, 0, 30, tzinfo=zone)).open
        assert night.verdict(datetime(2026, 7, day, 20, tzinfo=zone)).open
        noon = night.verdict(datetime(2026, 7, day, 12, tzinfo=zone))
        assert (noon.open, noon.reason) == (False, Reason.CONTACT_HOURS)


hours_of_a_day = st.lists(st.sampled_from(range(25)), max_size=4, unique=True).map(
    lambda hs: tuple(
        Span(time(a), time(b % 24)) for a, b in zip(sorted(hs)[::2], sorted(hs)[1::2], strict=False)
    )
)


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(hours_of_a_day, min_size=7, max_size=7).map(tuple),
    holiday=st.none() | hours_of_a_day,
    eve=st.none() | hours_of_a_day,
    zone=st.sampled_from(["Europe/Rome", "America/Havana", "Australia/Lord_Howe"]),
    day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
def test_every_quarter_of_an_hour_is_that_of_its_day(
    *,
    days: tuple[tuple[Span, ...], ...],
    holiday: tuple[Span, ...] | None,
    eve: tuple[Span, ...] | None,
    zone: str,
    day: date,
) -> None:
    calendar = contact_calendar(zone, WeekHours(days, holiday, eve), ["IT"])
    start = datetime.combine(day, time(0), tzinfo=UTC)
    for n in range(4 * 72):
        at = start + n * timedelta(minutes=15)
        wall = at.astimezone(ZoneInfo(zone))
        here = days[wall.weekday()]
        if holiday is not None and is_holiday("IT", wall.date()):
            here = holiday
        elif eve is not None and is_holiday("IT", wall.date() + timedelta(days=1)):
            here = eve
        clock = wall.time()
        is_in = any(s.start <= clock and (clock < s.end or s.end == time(0)) for s in here)
        found = calendar.verdict(at)
        assert found.open is is_in
        if not is_in:
            assert found.reason is (Reason.CONTACT_HOURS if here else Reason.CONTACT_HOLIDAY)
