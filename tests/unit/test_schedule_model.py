"""Calendars against a model that knows only points of time, walked minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.campaign_settings import DailyWindow, HoursKind, HoursRule
from callcamp.core.reasons import Reason
from callcamp.core.schedule import all_open, campaign_calendar, daily_calendar, single_day_end

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
QUARTERS = [time(h, m) for h in range(24) for m in (0, 15, 30, 45)]
# France, 2026, by the Code du travail (L.3133-1) and the date of Easter (5 April).
HOLIDAYS = frozenset(
    date(2026, month, day)
    for month, day in (
        (1, 1), (4, 6), (5, 1), (5, 8), (5, 14), (5, 25), (7, 14), (8, 15), (11, 1), (11, 11),
        (12, 25),
    )
)  # fmt: skip
# Changes of an hour, of half an hour (Lord Howe), at midnight forward (Havana, Santiago,
# Beirut) and back (Beirut, Havana), around Ramadan (Casablanca); half and quarter hours.
ZONES = [
    "America/New_York",
    "Europe/Paris",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Santiago",
    "America/Havana",
    "Asia/Beirut",
    "America/Nuuk",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
]


def days_of_change(zone: str) -> list[date]:
    noons = [datetime(2026, 1, 2, 12, tzinfo=UTC) + n * DAY for n in range(360)]
    tz = ZoneInfo(zone)
    return [
        b.date()
        for a, b in pairwise(noons)
        if a.astimezone(tz).utcoffset() != b.astimezone(tz).utcoffset()
    ]


CHANGES = {zone: days_of_change(zone) for zone in ZONES}


def in_span(start: time, end: time, clock: time, *, next_day: bool) -> bool:
    if start == end:
        return not next_day
    if start < end:
        return not next_day and start <= clock < end
    return clock < end if next_day else clock >= start


@dataclass(frozen=True)
class Model:
    window: DailyWindow
    rules: tuple[HoursRule, ...]
    holidays: frozenset[date]

    def rules_of(self, kind: HoursKind, day: date, *, dated: bool) -> list[HoursRule]:
        if dated:
            return [
                r
                for r in self.rules
                if r.kind is kind
                and r.first_day
                and r.first_day <= day <= (r.last_day or r.first_day)
            ]
        return [r for r in self.rules if r.kind is kind and r.weekday == day.weekday()]

    def shut_rules(self, day: date) -> list[HoursRule]:
        rules = self.rules_of(HoursKind.EXCLUDE, day, dated=True)
        if not self.rules_of(HoursKind.INCLUDE, day, dated=True):
            rules += self.rules_of(HoursKind.EXCLUDE, day, dated=False)
        return rules

    def begins(self, day: date, clock: time, *, next_day: bool) -> bool:
        """Whether hours that begin on ``day`` reach this clock of it, or of the next day."""
        shut = self.shut_rules(day)
        if all(any(in_span(r.start, r.end, q, next_day=False) for r in shut) for q in QUARTERS):
            return False
        rules = self.rules_of(HoursKind.INCLUDE, day, dated=True)
        if not rules:
            if day in self.holidays:
                return False
            rules = self.rules_of(HoursKind.INCLUDE, day, dated=False)
        if rules:
            return any(in_span(r.start, r.end, clock, next_day=next_day) for r in rules)
        w = self.window
        return day.weekday() in w.weekdays and in_span(w.start, w.end, clock, next_day=next_day)

    def cut(self, day: date, clock: time) -> bool:
        included = self.rules_of(HoursKind.INCLUDE, day, dated=True)
        if day in self.holidays and not included:
            return True
        for begun, next_day in ((day, False), (day - DAY, True)):
            rules = self.rules_of(HoursKind.EXCLUDE, begun, dated=True)
            if not included:
                rules = self.shut_rules(begun)
            if any(in_span(r.start, r.end, clock, next_day=next_day) for r in rules):
                return True
        return False

    def begun_on(self, day: date, clock: time) -> date | None:
        """The date whose hours are open at this point of a local calendar, if any are."""
        if self.cut(day, clock):
            return None
        if self.begins(day, clock, next_day=False):
            return day
        return day - DAY if self.begins(day - DAY, clock, next_day=True) else None

    def local(self, instant: datetime) -> tuple[date, time]:
        wall = instant.astimezone(ZoneInfo(self.window.zone)).replace(tzinfo=None)
        return wall.date(), wall.time()

    def is_open(self, instant: datetime) -> bool:
        return self.begun_on(*self.local(instant)) is not None

    def reason(self, instant: datetime) -> Reason | None:
        day, clock = self.local(instant)
        if self.begun_on(day, clock):
            return None
        if day not in self.holidays or self.rules_of(HoursKind.INCLUDE, day, dated=True):
            return Reason.OUTSIDE_HOURS
        working = Model(self.window, self.rules, self.holidays - {day})
        would_open = any(working.begun_on(day, quarter) for quarter in QUARTERS)
        return Reason.HOLIDAY if would_open else Reason.OUTSIDE_HOURS


@st.composite
def cases(draw: st.DrawFn) -> tuple[Model, datetime]:
    zone = draw(st.sampled_from(ZONES))
    near = [*CHANGES[zone], *sorted(HOLIDAYS)]
    day = draw(
        st.one_of(
            st.dates(date(2026, 1, 5), date(2026, 12, 26)),
            st.builds(lambda d, n: d + n * DAY, st.sampled_from(near), st.integers(-2, 1)),
        )
    )
    quarters = st.sampled_from(QUARTERS)
    kinds = st.sampled_from(HoursKind)
    around = st.builds(lambda n: day + n * DAY, st.integers(-2, 3))
    # What is whole days has to come often: as rules, nothing else makes so much difference.
    spans = st.one_of(st.tuples(quarters, quarters), st.just((time(0), time(0))))
    weekday_rules = st.builds(
        lambda kind, weekday, span: HoursRule(kind, weekday, None, None, *span),
        kinds, st.integers(0, 6), spans,
    )  # fmt: skip
    date_rules = st.builds(
        lambda kind, first, more, span: HoursRule(
            kind, None, first, None if more is None else first + more * DAY, *span
        ),
        kinds, around, st.sampled_from((None, 0, 1, 3)), spans,
    )  # fmt: skip
    window = DailyWindow(
        *draw(spans), zone, draw(st.sampled_from([range(6), range(7), range(5), ()]).map(frozenset))
    )
    rules = tuple(draw(st.lists(st.one_of(weekday_rules, date_rules), max_size=5)))
    model = Model(window, rules, draw(st.sampled_from([frozenset(), HOLIDAYS])))
    start = datetime.combine(day, time(0), tzinfo=UTC)
    return model, start + draw(st.integers(-720, 720)) * MINUTE


def calendar_of(model: Model):
    return campaign_calendar(model.window, model.rules, ("FR",) if model.holidays else ())


def minutes(start: datetime, count: int) -> Iterator[datetime]:
    return (start + n * MINUTE for n in range(count))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_minute_of_a_day_and_a_half_is_as_the_model_says(
    case: tuple[Model, datetime],
) -> None:
    model, now = case
    calendar = calendar_of(model)
    verdict = calendar.verdict(now)
    assert verdict.reason is model.reason(now)
    walked = list(minutes(now, 36 * 60))
    expected = [model.is_open(one) for one in walked]
    assert [calendar.verdict(one).open for one in walked] == expected
    change = next((one for one, is_it in zip(walked, expected, strict=True)
                   if is_it is not expected[0]), None)  # fmt: skip
    if change is not None:
        assert verdict.until == change
        last = calendar.verdict(change - timedelta(microseconds=1))
        assert (last.open, last.until) == (verdict.open, change)
    else:
        assert verdict.until is None or verdict.until > walked[-1]


@settings(max_examples=40, deadline=None)
@given(cases())
def test_the_next_opening_is_open_and_nothing_before_it_is(case: tuple[Model, datetime]) -> None:
    model, now = case
    calendar = calendar_of(model)
    verdict = calendar.verdict(now)
    if verdict.open or verdict.until is None:
        return
    opens = verdict.until
    assert opens.tzinfo is UTC
    assert model.is_open(opens)
    assert not model.is_open(opens - timedelta(seconds=1))
    # Far away, every rule, change and window of the model is on a quarter of an hour.
    step = MINUTE if opens - now < 2 * DAY else 15 * MINUTE
    back = (opens - n * step for n in range(1, min(600, (opens - now) // step + 1)))
    assert not any(model.is_open(one) for one in back)


@settings(max_examples=30, deadline=None)
@given(
    cases(),
    st.sampled_from(ZONES),
    st.sampled_from(QUARTERS),
    st.sampled_from(QUARTERS),
)
def test_a_conjunction_is_open_when_all_are(
    case: tuple[Model, datetime], zone: str, start: time, end: time
) -> None:
    model, now = case
    other = Model(DailyWindow(start, end, zone, frozenset(range(7))), (), frozenset())
    calendars = (daily_calendar(zone, start, end), calendar_of(model))
    verdict = all_open(calendars, now)

    def both(instant: datetime) -> bool:
        return model.is_open(instant) and other.is_open(instant)

    walked = list(minutes(now, 30 * 60))
    expected = [both(one) for one in walked]
    assert [all_open(calendars, one).open for one in walked] == expected
    change = next((one for one, is_it in zip(walked, expected, strict=True)
                   if is_it is not expected[0]), None)  # fmt: skip
    if change is not None:
        assert verdict.until == change
    elif verdict.until is not None:
        assert verdict.until > walked[-1]
        assert both(verdict.until) is not both(verdict.until - timedelta(seconds=1))
    if verdict.open:
        assert verdict.reason is None
    else:
        first = Reason.CONTACT_HOURS if not other.is_open(now) else model.reason(now)
        assert verdict.reason is first


@settings(max_examples=40, deadline=None)
@given(cases())
def test_a_single_day_ends_with_the_last_minute_of_the_hours_it_began_in(
    case: tuple[Model, datetime],
) -> None:
    model, since = case
    first = next((one for one in minutes(since, 24 * 60) if model.is_open(one)), None)
    end = single_day_end(calendar_of(model), since)
    if first is None:
        assert end is None or end > since + DAY - MINUTE
        return
    begun = model.begun_on(*model.local(first))
    assert begun is not None

    def its_own(instant: datetime) -> bool:
        day, clock = model.local(instant)
        return (
            day in {begun, begun + DAY}
            and not model.cut(day, clock)
            and model.begins(begun, clock, next_day=day != begun)
        )

    # Two local dates, one of which a change of the clock may have made longer.
    last = max(one for one in minutes(first, 50 * 60) if its_own(one))
    assert end == last + MINUTE
