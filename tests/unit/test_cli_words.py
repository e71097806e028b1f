"""What the command line reads and says: instants, settings in words, reasons."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.cli.given import named_values, without_gaps
from callcamp.cli.instants import read_instant, shown_in
from callcamp.cli.settings_text import cap_text, days_text, span
from callcamp.cli.why import contact_sentence
from callcamp.core.legal import CallCap
from callcamp.core.model import Contact
from callcamp.core.plan import ContactAnswer
from callcamp.core.reasons import Reason
from callcamp.core.states import ContactStatus
from callcamp.engine.why import ContactWhy
from callcamp.errors import InvalidInput

ZONES = ["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"]
FIRST = datetime(2000, 1, 2, tzinfo=UTC)
INSTANTS = st.integers(0, 365_000 * 86_400).map(lambda s: FIRST + timedelta(seconds=s))


@settings(max_examples=100, deadline=None)
@given(INSTANTS, st.sampled_from(ZONES), st.booleans())
def test_what_rfc_3339_says_does_not_depend_on_the_zone(
    at: datetime, zone: str, short: bool
) -> None:
    text = at.astimezone(ZoneInfo(zone)).isoformat(" " if short else "T")
    assert read_instant("at", text, "Asia/Tokyo") == at


@settings(max_examples=100, deadline=None)
@given(INSTANTS, st.sampled_from(ZONES))
def test_a_local_time_is_read_as_the_clocks_there_show_it(at: datetime, zone: str) -> None:
    at = at.replace(second=0)
    text = at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    found = read_instant("at", text, zone)
    assert found.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") == text
    assert text in shown_in(zone, found)


@settings(max_examples=100, deadline=None)
@given(st.dates(date(2001, 1, 1), date(2998, 1, 1)), st.sampled_from(ZONES))
def test_a_date_is_its_beginning_and_its_end_that_of_the_next(day: date, zone: str) -> None:
    begins = read_instant("start", day.isoformat(), zone)
    ends = read_instant("end", day.isoformat(), zone, day_end=True)
    assert ends == read_instant("end", (day + timedelta(days=1)).isoformat(), zone)
    assert timedelta(0) <= ends - begins <= timedelta(hours=26)


def test_clocks_that_are_changed() -> None:
    def read(text: str) -> str:
        return read_instant("at", text, "Europe/Paris").isoformat()

    assert read("2026-03-29 02:30") == "2026-03-29T01:30:00+00:00"  # never shown
    assert read("2026-10-25 02:30") == "2026-10-25T00:30:00+00:00"  # shown twice
    assert read("2026-10-25T02:30:00+01:00") == "2026-10-25T01:30:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-1-2",
        "2026-02-30",
        "2026-01-01 25:00",
        "2026-01-01T10",
        "20260101",
        "2026-01-01T10:00+0100",
        "２０２６-01-01",
        "2026-W01-1",
        "1999-12-31",
        "3000-01-02",
        "9999-12-31",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_instant_is_named(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_instant("until", text, "Europe/Paris", day_end=True)
    assert refused.value.details == {"field": "until", "value": text}
    with pytest.raises(InvalidInput, match="no time zone"):
        read_instant("until", "2026-01-01", "Mars/Crater")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (set(), "no day"),
        ({0}, "mon"),
        ({0, 1}, "mon, tue"),
        ({0, 1, 2}, "mon to wed"),
        ({0, 2, 3, 4, 6}, "mon, wed to fri, sun"),
        (set(range(7)), "mon to sun"),
    ],
)
def test_days_in_words(days: set[int], words: str) -> None:
    assert days_text(days) == words


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (time(9), time(18), "09:00 to 18:00"),
        (time(9), time(9), "all day"),
        (time(0), time(0), "all day"),
        (time(9), time(0), "09:00 to 24:00"),
        (time(22), time(2, 30), "22:00 to 02:30 the next day"),
    ],
)
def test_spans_in_words(start: time, end: time, words: str) -> None:
    assert span(start, end) == words


def test_caps_in_words() -> None:
    assert cap_text(CallCap(1, 86400)) == "1 call in 1 d"
    assert cap_text(CallCap(3, 3600, answered_only=True)) == "3 answered calls in 1 h"


def test_options_that_were_not_given_are_left_out() -> None:
    given_ = {"a": None, "b": {"c": None}, "d": {"e": 0, "f": None}, "g": [], "h": False}
    assert without_gaps(given_) == {"d": {"e": 0}, "g": [], "h": False}


def test_variables_by_name() -> None:
    assert named_values(["a=1", " b = x=y "]) == {"a": "1", "b": " x=y "}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(InvalidInput):
            named_values(wrong)


def contact_why(reason: Reason | None, also: Reason | None = None) -> ContactWhy:
    contact = Contact(1, 1, "+12025550101", {}, ContactStatus.PENDING, 0, None, None, None, None)
    return ContactWhy(contact, ContactAnswer(FIRST, reason, None, also))


def test_what_holds_the_campaign_back_as_well_is_named_once() -> None:
    def told(why: ContactWhy, *, asked: bool = False) -> str:
        return contact_sentence(why, str, asked=asked)

    callback, full = Reason.CALLBACK_WAITS, Reason.TRUNK_FULL
    assert told(contact_why(callback)) == (
        "+12025550101 is not called because it waits for the agreed callback."
    )
    assert told(contact_why(callback, full)).endswith(
        "callback. Besides, the trunk has all its channels in use."
    )
    assert "Besides" not in told(contact_why(full, full))
    assert told(contact_why(None), asked=True) == f"At {FIRST} +12025550101 would be called."
