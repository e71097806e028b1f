"""Why is nothing dialling, and why not this contact?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from campaign_kit import ALWAYS, place_calls
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_campaigns import camp  # noqa: F401 - a fixture

from callcamp.core.outcome import Disposition
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.states import ContactEvent

PARIS = ("--zone", "Europe/Paris", "--mode", "multi_day", "--prompt", "hello")
WEDNESDAY = "2090-01-04"


def make(camp: Cli, *options: str) -> None:  # noqa: F811
    camp("campaign", "create", "Spring", *PARIS, *options)
    camp("contacts", "add", "1", "2025550101", "2025550102", "2025550103")
    camp("campaign", "start", "1")


def why(camp: Cli, *options: str) -> Any:  # noqa: F811
    answer = camp("campaign", "why", "1", *options, "--json").json
    if "--contact" not in options:
        held = sum(one["count"] for one in answer["contacts"].values())
        total = camp("campaign", "show", "1", "--json").json["total"]
        assert held + answer["would_call"] == total
    return answer


def test_a_draft_says_so(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    sentence = "Nothing is called because the campaign is a draft. You could: start the campaign."
    assert camp("campaign", "why", "1").out == f"{sentence}\n"
    answer = why(camp)
    assert (answer["hold"], answer["until"], answer["contacts"]) == ("not_started", None, {})


def test_without_an_engine_nothing_is_called(camp: Cli) -> None:  # noqa: F811
    make(camp, *ALWAYS)
    answer = why(camp)
    assert answer["hold"] == "no_engine"
    assert answer["contacts"]["no_engine"]["count"] == 3
    shown = camp("campaign", "why", "1").out
    assert "Nothing is called because no callcamp engine is working." in shown
    assert "callcamp serve" in shown


def test_closed_hours_name_the_next_opening_in_the_campaigns_time(camp: Cli) -> None:  # noqa: F811
    make(camp)
    answer = why(camp, "--at", f"{WEDNESDAY} 20:00")
    assert (answer["hold"], answer["until"]) == ("outside_hours", "2090-01-05T08:00:00+00:00")
    assert answer["at"] == "2090-01-04T19:00:00+00:00"
    lines = camp("campaign", "why", "1", "--at", f"{WEDNESDAY} 20:00").out.splitlines()
    assert lines[0] == (
        "At Wed 2090-01-04 20:00 CET nothing would be called because it is outside the "
        "campaign's hours, until Thu 2090-01-05 09:00 CET. You could: widen the campaign's hours."
    )
    assert lines[-1].split()[:3] == ["3", "outside_hours", "Thu"]


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (f"{WEDNESDAY} 10:00", True),
        (f"{WEDNESDAY}T10:00:00+01:00", True),
        (f"{WEDNESDAY}t08:00z", True),
        (f"{WEDNESDAY}T07:59:59Z", False),
        (WEDNESDAY, False),
    ],
)
def test_another_instant(camp: Cli, at: str, is_open: bool) -> None:  # noqa: F811
    make(camp)
    assert (why(camp, "--at", at)["would_call"] == 3) is is_open


def test_more_than_the_limit_wait_for_the_limit(camp: Cli) -> None:  # noqa: F811
    make(camp, "--concurrency", "2")
    answer = why(camp, "--at", f"{WEDNESDAY} 10:00")
    assert (answer["would_call"], answer["hold"]) == (2, "concurrency")
    shown = camp("campaign", "why", "1", "--at", f"{WEDNESDAY} 10:00").out
    assert shown.startswith(
        "At Wed 2090-01-04 10:00 CET 2 contacts would be called; not more, because the campaign "
        "has all its calls in progress. You could: raise the campaign's concurrency."
    )
    assert [line.split()[:2] for line in shown.splitlines()[3:]] == [
        ["2", "–"],
        ["1", "concurrency"],
    ]


def test_a_limit_that_nobody_meets_is_not_named(camp: Cli) -> None:  # noqa: F811
    make(camp, "--concurrency", "3")
    answer = why(camp, "--at", f"{WEDNESDAY} 10:00")
    assert (answer["would_call"], answer["hold"], answer["contacts"]) == (3, None, {})
    shown = camp("campaign", "why", "1", "--at", f"{WEDNESDAY} 10:00").out
    assert shown.startswith("At Wed 2090-01-04 10:00 CET 3 contacts would be called.\n")


def test_one_contact(camp: Cli) -> None:  # noqa: F811
    make(camp)
    ask = ("--contact", "202-555-0101", "--at")
    answer = why(camp, *ask, f"{WEDNESDAY} 10:00")
    assert (answer["would_call"], answer["reason"], answer["also"]) == (True, None, None)
    shown = camp("campaign", "why", "1", *ask, f"{WEDNESDAY} 10:00").out
    assert shown.startswith("At Wed 2090-01-04 10:00 CET +12025550101 would be called.\n")
    answer = why(camp, *ask, f"{WEDNESDAY} 20:00")
    assert (answer["would_call"], answer["reason"]) == (False, "outside_hours")
    assert (answer["phone"], answer["until"]) == ("+12025550101", "2090-01-05T08:00:00+00:00")
    shown = camp("campaign", "why", "1", "--contact", "2025550101").out
    assert shown.startswith("+12025550101 is not called because ")


def test_a_contact_that_waits_for_its_hours(camp: Cli) -> None:  # noqa: F811
    make(
        camp,
        "--legal",
        "us-tsr",
        "--set",
        "dnc_exemption=own customers",
        "--caller-id",
        "+12025550100",
    )
    answer = why(camp, "--contact", "2025550101", "--at", f"{WEDNESDAY} 10:00")
    assert (answer["reason"], answer["until"]) == ("contact_hours", "2090-01-04T13:00:00+00:00")
    assert answer["place"].startswith("US;US-DC")
    answer = why(camp, "--at", f"{WEDNESDAY} 10:00")
    assert answer["contacts"]["contact_hours"]["count"] == 3
    shown = camp("campaign", "why", "1", "--at", f"{WEDNESDAY} 10:00").out
    assert "until Wed 2090-01-04 14:00 CET. Nothing to do: the hours are those of" in shown


def test_every_contact_has_one_reason(camp: Cli) -> None:  # noqa: F811
    make(camp, *ALWAYS)
    place_calls(1, ["a-1"])
    place_calls(1, ["a-2"], Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, end=False)
    camp("contacts", "exclude", "1", "2025550103")
    reasons = {reason: one["count"] for reason, one in why(camp)["contacts"].items()}
    assert reasons == {"done": 1, "in_progress": 1, "excluded": 1}
    table = camp("campaign", "why", "1").out
    assert all(f" {reason} " in table for reason in reasons)
    assert why(camp, "--contact", "2025550103")["reason"] == "excluded"


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--at", "soon", "at"),
        ("--at", "2090-02-30", "at"),
        ("--at", "", "at"),
        ("--at", "9999-12-31", "at"),
        ("--at", "0001-01-01", "at"),
        ("--contact", "abc", "phone"),
        ("--contact", "2025550199", "phone"),
    ],
)
def test_questions_that_cannot_be_answered(camp: Cli, option: str, value: str, field: str) -> None:  # noqa: F811
    make(camp)
    ran = camp("campaign", "why", "1", option, value, "--json", code=2)
    assert ran.json["error"]["details"]["field"] == field
    ran = camp("campaign", "why", "9", option, value, "--json", code=1)
    assert ran.json["error"]["id"] == "not_found"


@pytest.mark.parametrize(
    ("at", "advice"),
    [("9999-12-31", "from 2000 to 2999"), ("0001-01-01", "from 2000 to 2999"), ("soon", "a date")],
)
def test_an_instant_is_refused_for_what_is_wrong_with_it(camp: Cli, at: str, advice: str) -> None:  # noqa: F811
    make(camp)
    assert advice in camp("campaign", "why", "1", "--at", at, code=2).err
    assert advice in camp("campaign", "create", "Far", "--end", at, code=2).err


def test_nobody_is_told_to_do_what_is_refused_or_helps_nobody(camp: Cli) -> None:  # noqa: F811
    make(camp, *ALWAYS, "--mode", "always_on")
    place_calls(1, ["a-1"], Disposition.TIMEOUT, ContactEvent.GAVE_UP)
    place_calls(1, ["a-2", "a-3"])
    told = why(camp)
    assert told["contacts"]["failed"]["count"] == 1
    camp("campaign", "retry-failed", "1", code=1)
    if told["hold"] == "nothing_due":
        assert told["change"] == "Add contacts, or wait."
    assert "shorten" not in REASON_MEANING[Reason.RETRY_WAITS].change.lower()


def test_a_contact_is_found_by_any_of_its_numbers(camp: Cli) -> None:  # noqa: F811
    make(camp, *ALWAYS, "--mode", "always_on")
    further = "+12025550177"
    camp("contacts", "add", "1", "2025550104", "--other", further)
    assert why(camp, "--contact", further)["phone"] == "+12025550104"
    camp("contacts", "add", "1", "2025550105", "--other", further)
    problem = camp("campaign", "why", "1", "--contact", further, code=2).err
    assert "+12025550104, +12025550105" in problem
    camp("contacts", "add", "1", further)
    assert why(camp, "--contact", further)["phone"] == further


def test_the_page_has_every_reason_and_the_shape_of_the_answer(camp: Cli) -> None:  # noqa: F811
    page = (Path(__file__).resolve().parents[2] / "docs" / "why.md").read_text(encoding="utf-8")
    for reason in Reason:
        assert page.count(f"| `{reason}` | {REASON_MEANING[reason].text} |") == 1
    example = json.loads(page.split("```json\n")[1].split("```")[0])
    camp("campaign", "create", "Spring")
    assert set(example) == set(why(camp))
    camp("contacts", "add", "1", "2025550101")
    answer = why(camp)
    (named,) = example["contacts"].values()
    assert set(named) == set(answer["contacts"]["not_started"])
    assert all(field in page for field in why(camp, "--contact", "2025550101"))
