"""Settings as plain JSON, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from settings_values import FULL, settings_values

from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    ContactHours,
    DailyWindow,
    HoursKind,
    HoursRule,
    RetryPolicy,
)
from callcamp.core.legal import CallCap
from callcamp.core.outcome import Disposition
from callcamp.engine.form_reading import MAX_ITEMS, MAX_TEXT, hints_of
from callcamp.engine.forms import (
    changes_between,
    set_path,
    settings_as_dict,
    settings_from_dict,
)
from callcamp.errors import InvalidInput

ROOT = Path(__file__).resolve().parents[2]
PLAIN = CampaignSettings("Spring", 1)
easy = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@easy
@given(settings_values, settings_values)
@example(FULL, PLAIN)
def test_what_goes_out_comes_in(value: CampaignSettings, other: CampaignSettings) -> None:
    plain = json.loads(json.dumps(settings_as_dict(value), allow_nan=False))
    assert settings_from_dict(plain) == value
    if not other.retry.delays_s:
        assert settings_from_dict(plain, other) == value


def test_the_shapes_are_plain() -> None:
    plain = settings_as_dict(FULL)
    assert plain["window"] == {
        "start": "10:00",
        "end": "20:30",
        "zone": "Europe/Paris",
        "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    }
    assert (plain["starts_at"], plain["ends_at"]) == (
        "2026-12-01T08:00:00Z",
        "2026-12-31T17:00:00.500000Z",
    )
    assert plain["hours"] == [
        {
            "kind": "exclude",
            "weekday": "sun",
            "first_day": None,
            "last_day": None,
            "start": "00:00",
            "end": "00:00",
        },
        {
            "kind": "include",
            "weekday": None,
            "first_day": "2026-12-24",
            "last_day": "2026-12-26",
            "start": "09:00",
            "end": "12:00:30",
        },
    ]
    assert plain["retry"]["retry_on"] == ["busy", "no_answer"]
    assert list(plain["retry"]["delays_s"].items()) == [("busy", 120), ("no_answer", 3600)]
    assert plain["mode"] == "multi_day"
    assert plain["caller_id"] == "+33142685300"
    assert type(plain["mode"]) is str
    assert settings_as_dict(PLAIN)["caller_id"] is None


def test_what_is_not_given_stays() -> None:
    assert settings_from_dict({}, FULL) == FULL
    changed = settings_from_dict(
        {
            "retry": {"delays_s": {"busy": 5, "failed": 9, "no_answer": None}, "growth": 2},
            "window": {"start": "11:00"},
            "hours": [{"kind": "include", "weekday": 2}],
            "legal": [],
            "caller_id": None,
        },
        FULL,
    )
    assert changed == replace(
        FULL,
        retry=replace(
            FULL.retry, delays_s={Disposition.BUSY: 5, Disposition.FAILED: 9}, growth=2.0
        ),
        window=replace(FULL.window, start=time(11)),
        hours=(HoursRule(HoursKind.INCLUDE, weekday=2),),
        legal=(),
        caller_id=None,
    )
    assert FULL.retry.delays_s == {Disposition.BUSY: 120, Disposition.NO_ANSWER: 3600}
    assert isinstance(changed.retry.growth, float)


def test_without_a_base_there_are_defaults() -> None:
    raw = {"name": "Spring", "trunk_id": 1, "retry": {"max_attempts": 2}}
    assert settings_from_dict(raw) == CampaignSettings("Spring", 1, retry=RetryPolicy(2))


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Sat - Mon", {5, 6, 0}),
        ("mon,wed,fri-sat", {0, 2, 4, 5}),
        ("sun", {6}),
        (["mon", "wed-thu", 6], {0, 2, 3, 6}),
        ([0, 1], {0, 1}),
        ([], set()),
    ],
)
def test_weekdays_as_people_write_them(given_: Any, expected: set[int]) -> None:
    read = settings_from_dict({"window": {"weekdays": given_}}, PLAIN)
    assert read.window.weekdays == frozenset(expected)


@pytest.mark.parametrize("text", ["", "mon-", "-", "monday", "mon--fri", "1", "mon,", "mon;tue"])
def test_what_are_no_weekdays(text: str) -> None:
    with pytest.raises(InvalidInput, match="give days such as mon-fri") as caught:
        settings_from_dict({"window": {"weekdays": text}}, PLAIN)
    assert caught.value.details["field"] == "window.weekdays"


def test_instants_of_any_offset_become_utc() -> None:
    for text in ("2026-12-24T10:00:00+01:00", "2026-12-24 09:00Z", "2026-12-24t09:00:00.0z"):
        read = settings_from_dict({"starts_at": text}, PLAIN)
        assert read.starts_at == datetime(2026, 12, 24, 9, tzinfo=UTC)
        assert read.starts_at.tzinfo is UTC


def hour(**values: Any) -> dict[str, Any]:
    return {"hours": [{"kind": "include", "weekday": 0}, {"kind": "include", **values}]}


INT, DAY = "give a whole number", "give a day: mon, tue, wed, thu, fri, sat or sun"
CLOCK, DATE = "give a time of day", "give a date such as"
INSTANT, TEXT = "give an instant with its offset", "give a text"
LIST, OBJECT = "give a list", "give an object with any of"


@pytest.mark.parametrize(
    ("raw", "path", "advice"),
    [
        ({"nmae": "x"}, "nmae", "did you mean name?"),
        ({"zzz": 1}, "zzz", "there are name, trunk_id"),
        ({"retry": {"max_atempts": 1}}, "retry.max_atempts", "did you mean max_attempts?"),
        ({"retry": {"delays_s": {"bussy": 1}}}, "retry.delays_s.bussy", "did you mean busy?"),
        ({"retry": {"delays_s": {"busy": "1"}}}, "retry.delays_s.busy", INT),
        ({"retry": {"delays_s": [1]}}, "retry.delays_s", "with any of answered_person, "),
        ({"retry": {"retry_on": "busy"}}, "retry.retry_on", LIST),
        ({"retry": {"retry_on": ["busy", "bsy"]}}, "retry.retry_on.1", "did you mean busy?"),
        ({"retry": {"retry_on": [[]]}}, "retry.retry_on.0", "give answered_person, "),
        ({"retry": {"rules": [{"name": "x"}]}}, "retry.rules.0.actions", "it is needed"),
        ({"retry": {"growth": "2"}}, "retry.growth", "give a number"),
        ({"retry": {"growth": True}}, "retry.growth", "give a number"),
        ({"retry": {"growth": float("nan")}}, "retry.growth", "give a number"),
        ({"retry": {"growth": float("inf")}}, "retry.growth", "give a number"),
        ({"retry": None}, "retry", "leave it out"),
        ({"retry": 5}, "retry", OBJECT),
        ({"concurrency": 5.0}, "concurrency", INT),
        ({"concurrency": True}, "concurrency", INT),
        ({"concurrency": 2**60}, "concurrency", INT),
        ({"concurrency": None}, "concurrency", "is null; leave it out"),
        ({"callbacks": 1}, "callbacks", "give true or false"),
        ({"callbacks": "yes"}, "callbacks", "give true or false"),
        ({"name": {5}}, "name", "is {5}; give a text"),
        ({"name": 5}, "name", 'in quotes in JSON: "30"'),
        ({"name": "x" * (MAX_TEXT + 1)}, "name", f"give at most {MAX_TEXT} characters"),
        ({"description": "a\0"}, "description", "without NUL"),
        ({"dnc_exemption": "\ud800"}, "dnc_exemption", "halves of characters"),
        ({"mode": "single"}, "mode", "give single_day, multi_day or always_on"),
        ({"mode": 1}, "mode", "give single_day, multi_day or always_on."),
        ({"window": {"start": "9:00"}}, "window.start", CLOCK),
        ({"window": {"start": "24:00"}}, "window.start", CLOCK),
        ({"window": {"start": "09:60"}}, "window.start", CLOCK),
        ({"window": {"start": "09:00Z"}}, "window.start", CLOCK),
        ({"window": {"start": "٠٩:00"}}, "window.start", CLOCK),
        ({"window": {"start": 9}}, "window.start", CLOCK),
        ({"window": {"weekdays": "mon-fry"}}, "window.weekdays", "give days such as mon-fri"),
        ({"window": {"weekdays": ["mon", 7]}}, "window.weekdays", "give days such as mon-fri"),
        ({"window": {"weekdays": [True]}}, "window.weekdays", "give days such as mon-fri"),
        ({"window": {"weekdays": 3}}, "window.weekdays", "give days such as mon-fri"),
        ({"window": {"weekdays": None}}, "window.weekdays", "give days such as mon-fri"),
        (hour(weekday="mon-fri"), "hours.1.weekday", DAY),
        (hour(weekday=7), "hours.1.weekday", DAY),
        (hour(first_day="2026-02-29"), "hours.1.first_day", DATE),
        (hour(first_day="20260301"), "hours.1.first_day", DATE),
        (hour(last_day="2026-W10-1"), "hours.1.last_day", DATE),
        (hour(starts=1), "hours.1.starts", "did you mean start?"),
        ({"hours": [{"weekday": "mon"}]}, "hours.0.kind", "it is needed"),
        ({"hours": {"kind": "include"}}, "hours", LIST),
        ({"legal": ["fr"] * (MAX_ITEMS + 1)}, "legal", f"give at most {MAX_ITEMS} entries"),
        ({"legal": [None]}, "legal.0", "is null"),
        ({"starts_at": "2026-12-24T09:00:00"}, "starts_at", INSTANT),
        ({"starts_at": "2026-12-24"}, "starts_at", INSTANT),
        ({"starts_at": "2026-13-24T09:00:00Z"}, "starts_at", INSTANT),
        ({"starts_at": "0001-01-01T00:00:00+10:00"}, "starts_at", INSTANT),
        ({"starts_at": 1790000000}, "starts_at", INSTANT),
        ({"success": {"conditions": [{"name": "x", "operator": "=="}]}},
         "success.conditions.0.operator", "give =, !=, <, <="),
        ([], "settings", OBJECT),
        (None, "settings", OBJECT),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_by_its_path(raw: Any, path: str, advice: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings_from_dict(raw, PLAIN)
    error = caught.value
    assert error.details["field"] == path
    assert advice in error.message
    assert path in error.message
    (problem,) = error.details["problems"]
    assert problem == {
        "field": path,
        "value": error.details["value"],
        "message": error.message,
    }
    json.dumps(error.as_dict(), allow_nan=False).encode()


def test_all_problems_are_told_at_once() -> None:
    raw = {"mode": "x", "retry": {"max_attempts": 0}, "window": {"zone": 5, "end": "x"}}
    with pytest.raises(InvalidInput) as caught:
        settings_from_dict(raw)
    problems = {one["field"]: one["message"] for one in caught.value.details["problems"]}
    assert list(problems) == [
        "mode",
        "retry.max_attempts",
        "window.zone",
        "window.end",
        "name",
        "trunk_id",
    ]
    assert caught.value.message == " ".join([*problems.values()][:5])
    assert problems["name"] == "name is missing; it is needed."


@pytest.mark.parametrize(
    ("retry", "path"),
    [
        ({"max_attempts": 101}, "retry.max_attempts"),
        ({"delay_s": -1}, "retry.delay_s"),
        ({"growth": 0.5}, "retry.growth"),
        ({"delays_s": {"busy": -1}}, "retry.delays_s.busy"),
    ],
)
def test_what_the_model_refuses_has_its_path_too(retry: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings_from_dict({"retry": retry}, PLAIN)
    assert caught.value.details["field"] == path
    assert caught.value.details["value"] in {101, -1, 0.5}
    assert caught.value.message.startswith(f"{path} is ")


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"name": " ", "actions": [{"kind": "drop"}]}, "retry.rules.1"),
        ({"name": "x", "actions": []}, "retry.rules.1.actions"),
        (
            {
                "name": "x",
                "actions": [{"kind": "drop"}],
                "conditions": [{"name": "city", "operator": "="}],
            },
            "retry.rules.1.conditions.0.value",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_where_it_is(rule: dict[str, Any], path: str) -> None:
    good = {"name": "first", "actions": [{"kind": "drop"}]}
    with pytest.raises(InvalidInput) as caught:
        settings_from_dict({"retry": {"rules": [good, rule]}}, PLAIN)
    assert [one["field"] for one in caught.value.details["problems"]] == [path]


def test_a_refusal_that_names_no_field_is_that_of_the_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_self: object) -> None:
        raise InvalidInput("These hours cannot be.")

    monkeypatch.setattr(ContactHours, "__init__", refuse)
    with pytest.raises(InvalidInput, match="These hours cannot") as caught:
        settings_from_dict({"contact_hours": {}, "name": "x", "trunk_id": 1, "hours": []}, None)
    assert caught.value.details["field"] == "contact_hours"
    assert caught.value.details["value"] == {}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
paths = st.sampled_from([
    (name, *more)
    for name in hints_of(CampaignSettings)
    for more in ((), ("start",), ("weekdays",), ("rules",), ("delays_s", "busy"), ("numbers",))
])  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(paths, junk)
def test_whatever_comes_in_is_read_or_refused(path: tuple[str, ...], value: Any) -> None:
    raw: Any = value
    for name in reversed(path):
        raw = {name: raw}
    refused: dict[str, Any] | None = None
    try:
        read = settings_from_dict(raw, FULL)
    except InvalidInput as error:
        refused = error.as_dict()
    if refused is None:
        assert settings_from_dict(settings_as_dict(read)) == read
    else:
        json.dumps(refused, allow_nan=False)
        assert refused["details"]["problems"]


class TestSet:
    @pytest.mark.parametrize(
        ("assignment", "expected"),
        [
            ("retry.max_attempts=5", {"retry": {"max_attempts": 5}}),
            ("retry.delays_s.busy = 60", {"retry": {"delays_s": {"busy": 60}}}),
            ("window.start=09:30", {"window": {"start": "09:30"}}),
            ("window.weekdays=mon-fri", {"window": {"weekdays": "mon-fri"}}),
            ('legal=["fr", "de"]', {"legal": ["fr", "de"]}),
            ('pool={"rotation": "same"}', {"pool": {"rotation": "same"}}),
            ("callbacks=true", {"callbacks": True}),
            ("opt_out_key=9", {"opt_out_key": "9"}),
            ('opt_out_key="9"', {"opt_out_key": "9"}),
            ("opt_out_key=null", {"opt_out_key": None}),
            ("caller_id=33142685300", {"caller_id": "33142685300"}),
            ("caller_id=+33142685300", {"caller_id": "+33142685300"}),
            ("name=2026", {"name": "2026"}),
            ("name=[x]", {"name": "[x]"}),
            ("window.zone=1", {"window": {"zone": "1"}}),
            ("description=a=b", {"description": "a=b"}),
            ("description=", {"description": ""}),
            ("concurrency=" + "9" * 5000, {"concurrency": "9" * 5000}),
            ("legal=" + "[" * 100_000, {"legal": "[" * 100_000}),
            ("retry.delays_s.busy.x=1", {"retry": {"delays_s": {"busy": {"x": 1}}}}),
            ("nothing.at.all=1", {"nothing": {"at": {"all": 1}}}),
        ],
    )
    def test_a_value_is_json_when_it_can_be(
        self, assignment: str, expected: dict[str, Any]
    ) -> None:
        raw: dict[str, Any] = {}
        set_path(raw, assignment)
        assert raw == expected

    def test_several_come_together(self) -> None:
        raw: dict[str, Any] = {"retry": {"delay_s": 60}, "name": "x"}
        for one in ("retry.max_attempts=5", "retry.delay_s=90", "mode=always_on", "trunk_id=1"):
            set_path(raw, one)
        read = settings_from_dict(raw)
        assert read == CampaignSettings(
            "x", 1, retry=RetryPolicy(5, 90), mode=CampaignMode.ALWAYS_ON
        )

    @pytest.mark.parametrize("assignment", ["", "x", "=5", "retry.=5", ".x=5", "a..b=1", " =1"])
    def test_an_assignment_needs_a_path(self, assignment: str) -> None:
        with pytest.raises(InvalidInput, match="give PATH=VALUE"):
            set_path({}, assignment)

    def test_lists_and_values_are_set_as_a_whole(self) -> None:
        raw: dict[str, Any] = {"hours": [{"kind": "include"}]}
        with pytest.raises(InvalidInput, match="set hours as a whole") as caught:
            set_path(raw, "hours.0.start=09:00")
        assert caught.value.details["field"] == "hours"
        assert raw == {"hours": [{"kind": "include"}]}


def test_changes_are_told_by_path() -> None:
    after = replace(
        FULL,
        name="Q3",
        retry=replace(FULL.retry, delays_s={Disposition.BUSY: 120, Disposition.FAILED: 7}),
        window=DailyWindow(time(10), time(20), "Europe/Paris", FULL.window.weekdays),
        legal=("fr", "de"),
        ends_at=None,
        frequency=(CallCap(3, 86400),),
    )
    cap = {"calls": 3, "window_s": 86400, "answered_only": False}
    assert changes_between(FULL, after) == {
        "name": ["Q2 Renewal Drive", "Q3"],
        "retry.delays_s.no_answer": [3600, None],
        "retry.delays_s.failed": [None, 7],
        "window.end": ["20:30", "20:00"],
        "ends_at": ["2026-12-31T17:00:00.500000Z", None],
        "legal": [["fr"], ["fr", "de"]],
        "frequency": [[cap, {"calls": 1, "window_s": 604800, "answered_only": True}], [cap]],
    }
    assert changes_between(FULL, FULL) == {}


@easy
@given(settings_values, settings_values)
def test_changes_lead_from_one_to_the_other(a: CampaignSettings, b: CampaignSettings) -> None:
    raw: dict[str, Any] = {}
    for path, (_before, after) in changes_between(a, b).items():
        set_path(raw, f"{path}={json.dumps(after)}")
    assert settings_from_dict(raw, a) == b
    assert bool(raw) == (a != b)


def test_the_dates_of_hours_are_dates() -> None:
    read = settings_from_dict(hour(first_day="2026-12-24", last_day="2026-12-26"), PLAIN)
    assert read.hours[1].first_day == date(2026, 12, 24)
    assert read.hours[1].weekday is None
