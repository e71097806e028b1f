"""Windows: plain days, midnight, both changes of the clock, and a minute-by-minute oracle."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.campaign_settings import DailyWindow
from callcamp.core.schedule import instant_at, is_open, next_open, shown_at, zone_named
from callcamp.errors import InvalidInput

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = frozenset({6})


def ny(text: str, fold: int = 0) -> datetime:
    """A wall-clock instant of New York as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)


def window(start: str, end: str, weekdays: frozenset[int] = frozenset(range(7))) -> DailyWindow:
    return DailyWindow(
        time.fromisoformat(start), time.fromisoformat(end), "America/New_York", weekdays
    )


@pytest.mark.parametrize(
    ("clock", "is_it"),
    [("08:59:59", False), ("09:00", True), ("17:59:59.999999", True), ("18:00", False)],
)
def test_the_first_minute_is_in_and_the_last_is_out(clock: str, is_it: bool) -> None:
    assert is_open(window("09:00", "18:00"), ny(f"2026-03-02T{clock}")) is is_it


def test_next_open_is_now_while_open_and_the_next_allowed_morning_otherwise() -> None:
    days = window("09:00", "18:00", frozenset(range(5)))
    friday = ny("2026-03-06T10:00")
    assert next_open(days, friday) == friday
    assert next_open(days, ny("2026-03-06T18:00")) == ny("2026-03-09T09:00")
    assert next_open(days, ny("2026-03-06T01:00")) == ny("2026-03-06T09:00")


def test_a_window_over_midnight_belongs_to_the_day_it_started_on() -> None:
    night = window("22:00", "02:00", frozenset({4}))
    assert is_open(night, ny("2026-03-06T23:00"))
    assert is_open(night, ny("2026-03-07T01:59"))
    assert not is_open(night, ny("2026-03-06T01:00"))
    assert not is_open(night, ny("2026-03-07T22:30"))
    assert next_open(night, ny("2026-03-07T02:00")) == ny("2026-03-13T22:00")


def test_all_day_begins_at_midnight_and_ends_at_midnight() -> None:
    saturday = window("09:00", "09:00", frozenset({5}))
    assert is_open(saturday, ny("2026-03-07T00:00"))
    assert is_open(saturday, ny("2026-03-07T23:59:59"))
    assert not is_open(saturday, ny("2026-03-08T00:00"))
    assert next_open(saturday, ny("2026-03-03T12:00")) == ny("2026-03-07T00:00")


def test_a_start_that_the_spring_change_skips_opens_at_the_change() -> None:
    # 2026-03-08: 02:00 EST is 03:00 EDT
    assert next_open(window("02:30", "09:00"), ny("2026-03-08T00:00")) == ny("2026-03-08T03:00")


def test_a_window_that_the_spring_change_swallows_opens_the_next_time() -> None:
    swallowed = window("02:15", "02:45")
    assert next_open(swallowed, ny("2026-03-08T00:00")) == ny("2026-03-09T02:15")
    only_sundays = window("02:15", "02:45", SUNDAY)
    assert next_open(only_sundays, ny("2026-03-01T02:45")) == ny("2026-03-15T02:15")


def test_an_hour_that_the_autumn_change_repeats_is_open_twice() -> None:
    # 2026-11-01: 02:00 EDT is 01:00 EST
    early = window("01:00", "01:30")
    assert next_open(early, ny("2026-11-01T01:30")) == ny("2026-11-01T01:00", fold=1)
    assert next_open(early, ny("2026-11-01T01:30", fold=1)) == ny("2026-11-02T01:00")
    night = window("22:00", "01:30")
    assert next_open(night, ny("2026-11-01T01:45")) == ny("2026-11-01T01:00", fold=1)


def test_a_working_day_lasts_as_long_as_its_clock_says_on_both_changes() -> None:
    for day, hours in (("2026-03-08", 8), ("2026-11-01", 10)):
        allday = window("01:00", "10:00")
        open_minutes = sum(
            is_open(allday, ny(f"{day}T00:00") + timedelta(minutes=m)) for m in range(12 * 60)
        )
        assert open_minutes == hours * 60


def test_no_weekday_never_opens() -> None:
    assert next_open(window("09:00", "18:00", frozenset()), ny("2026-03-01T12:00")) is None


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe/Paris\0", "Europe"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        zone_named(name)
    assert caught.value.details["field"] == "zone"


# Changes at 2 o'clock, at midnight (Cairo, Beirut), by half an hour (Lord Howe), before
# midnight (Nuuk), a whole day lost (Apia, 2011), and none at all.
ZONES = [
    "America/New_York",
    "Europe/Paris",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Pacific/Apia",
    "Asia/Kolkata",
    "UTC",
]
HALF_HOURS = [time(h, m) for h in range(24) for m in (0, 30)]
starts_of_days = st.one_of(
    st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    st.dates(date(2011, 12, 26), date(2011, 12, 31)),
    st.dates(date(2026, 3, 5), date(2026, 4, 30)),
    st.dates(date(2026, 10, 1), date(2026, 11, 2)),
)


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.sampled_from(HALF_HOURS),
    end=st.sampled_from(HALF_HOURS),
    weekdays=st.frozensets(st.integers(0, 6)),
    day=starts_of_days,
    minute=st.integers(0, 1439),
)
def test_next_open_is_the_first_open_minute(
    *, zone: str, start: time, end: time, weekdays: frozenset[int], day: date, minute: int
) -> None:
    hours = DailyWindow(start, end, zone, weekdays)
    midnight = datetime.combine(day, time(0), tzinfo=UTC)
    now = midnight + timedelta(minutes=minute)
    found = next_open(hours, now)
    # All these zones change, and all these windows open, on whole half hours.
    half = now if now.minute % 30 == 0 else now + timedelta(minutes=30 - now.minute % 30)
    halves = (half + timedelta(minutes=30 * n) for n in range(48 * 8))
    expected = now if is_open(hours, now) else next((h for h in halves if is_open(hours, h)), None)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found - now > timedelta(days=7)
        assert (found is None) is (not weekdays)


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2026-12-01T10:00", "America/New_York", "2026-12-01T15:00:00+00:00"),
        # Left out in spring: the hour after. There twice in autumn: the first.
        ("2026-03-29T02:30", "Europe/Paris", "2026-03-29T01:30:00+00:00"),
        ("2026-10-25T02:30", "Europe/Paris", "2026-10-25T00:30:00+00:00"),
    ],
)
def test_a_local_time_is_an_instant(local: str, zone: str, utc: str) -> None:
    at = instant_at(datetime.fromisoformat(local), zone)
    assert at.isoformat() == utc
    assert at.tzinfo is UTC


def test_what_clocks_show_somewhere() -> None:
    at = datetime(2026, 12, 1, 23, 5, tzinfo=UTC)
    assert shown_at(at, "Asia/Tokyo") == "Wed 02 Dec 08:05"


def test_times_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too far away"):
        instant_at(datetime(9999, 12, 31, 23), "America/New_York")  # noqa: DTZ001
    with pytest.raises(InvalidInput):
        instant_at(datetime(2026, 1, 1), "Nowhere/Land")  # noqa: DTZ001
