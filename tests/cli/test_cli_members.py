"""Single contacts of a campaign, and single calls, from the command line."""

from __future__ import annotations

import io
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from campaign_kit import ALWAYS, place_calls, with_store
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_campaigns import camp  # noqa: F401 - a fixture

from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import ContactEvent

ANN, BOB, CID = "+12025550101", "+12025550102", "+12025550103"


@pytest.fixture
def draft(camp: Cli) -> Cli:  # noqa: F811
    """A campaign that may call at any time, with three contacts."""
    options = ("--prompt", "hello", "--mode", "multi_day", *ALWAYS)
    camp("campaign", "create", "Spring", *options, "--set", "callbacks=true")
    camp("contacts", "add", "1", ANN, "202-555-0102", "2025550103", "--set", "city=Oslo")
    return camp


def contact(camp: Cli, phone: str) -> Any:  # noqa: F811
    items = camp("contacts", "list", "1", "--json").json["items"]
    (found,) = [one for one in items if one["phone"] == phone]
    return found


def test_contacts_are_added_with_data(draft: Cli) -> None:
    assert contact(draft, BOB)["variables"] == {"city": "Oslo"}
    ran = draft(*("contacts", "add", "1", ANN, "2025550104", "--set", "city=Rome", "--json"))
    assert ran.json == {
        "added": 1,
        "duplicates": 1,
        "updated": 0,
        "reopened": 0,
        "suppressed": 0,
    }
    assert contact(draft, ANN)["variables"] == {"city": "Oslo"}
    ran = draft("contacts", "add", "1", ANN, "--set", "city=Rome", "--on-duplicate", "update")
    assert ran.out == "Added 0 contacts; 1 were there and are updated.\n"
    assert contact(draft, ANN)["variables"] == {"city": "Rome"}
    draft("contacts", "add", "1", "2025550105", "--other", "2025550106", "--other", "2025550107")
    assert contact(draft, "+12025550105")["others"] == ["+12025550106", "+12025550107"]
    assert "+12025550105, +12025550106, +12025550107" in draft("contacts", "list", "1").out


@pytest.mark.parametrize(
    "options",
    [("abc",), ("2025550108", "12"), (ANN, BOB, "--other", CID), (ANN, "--set", "city")],
)
def test_contacts_that_cannot_be_added_add_none(draft: Cli, options: tuple[str, ...]) -> None:
    ran = draft("contacts", "add", "1", *options, "--json", code=2)
    assert ran.json["error"]["id"] == "invalid_input"
    assert len(draft("contacts", "list", "1", "--json").json["items"]) == 3


def test_an_excluded_contact_is_called_again_when_somebody_adds_it(draft: Cli) -> None:
    ran = draft("contacts", "exclude", "1", "2025550101", "--reason", "asked us", "--json")
    assert (ran.json["status"], ran.json["hold"]) == ("skipped", "excluded")
    assert f"{BOB} is excluded (skipped, excluded)." in draft("contacts", "exclude", "1", BOB).out
    listed = draft("contacts", "list", "1", "--reason", "excluded", "--json").json["items"]
    assert [one["phone"] for one in listed] == [ANN, BOB]
    assert "1 are to be called again" in draft("contacts", "add", "1", ANN).out
    assert contact(draft, ANN)["status"] == "pending"
    draft("campaign", "edit", "1", "--set", "sticky_exclusion=true")
    draft("contacts", "add", "1", BOB)
    assert contact(draft, BOB)["status"] == "skipped"


def test_a_contact_is_deleted_after_a_yes(draft: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert f"Delete {ANN}" in draft("contacts", "delete", "1", ANN, code=1).err
    assert contact(draft, ANN)["status"] == "pending"
    ran = draft("contacts", "delete", "1", ANN, "--yes", "--json")
    assert ran.json == {"id": 1, "phone": ANN, "deleted": True}
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "is deleted" in draft("contacts", "delete", "1", BOB).out
    left = draft("contacts", "list", "1", "--json").json["items"]
    assert [one["phone"] for one in left] == [CID]
    draft("contacts", "delete", "1", ANN, "--yes", code=2)


def test_a_contact_that_cannot_be_placed_is_looked_at(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring", "--prompt", "hello", "--default-region", "GB")
    camp("contacts", "add", "1", "+447400123456", "+447400123457")
    ran = camp("contacts", "review", "1", "+447400123456", "--zone", "Europe/London", "--json")
    assert ran.json["place"].endswith("Europe/London")
    shown = camp("contacts", "review", "1", "+447400123457", "--skip").out
    assert shown == "+447400123457 is skipped (skipped, zone_unknown).\n"
    for options in ((), ("--zone", "Europe/London", "--skip"), ("--zone", "Mars/Crater")):
        camp("contacts", "review", "1", "+447400123456", *options, code=2)
    camp("contacts", "review", "1", "+447400123457", "--skip", code=1)


def test_lists_are_by_state_reason_and_page(draft: Cli) -> None:
    assert draft("contacts", "list", "1", "--status", "failed").out == "No contacts.\n"
    assert draft("contacts", "list", "1", "--status", "failed", "--json").json == {"items": []}

    def phones(*options: str) -> list[str]:
        items = draft("contacts", "list", "1", *options, "--json").json["items"]
        return [one["phone"] for one in items]

    assert phones("--limit", "2") == [ANN, BOB]
    assert phones("--after", "2") == [CID]
    with_store(lambda store: store.skip_contact(2, Reason.NEEDS_REVIEW, now=_now()))
    assert phones("--reason", "needs_review", "--limit", "1") == [BOB]
    assert phones("--status", "pending") == [ANN, CID]
    assert "Oslo" not in draft("contacts", "list", "1").out
    draft("contacts", "list", "9", code=1)
    draft("contacts", "list", "1", "--reason", "because", code=2)


def test_long_lists_are_read_page_by_page(draft: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callcamp.cli.members._PAGE", 1)
    listed = draft("contacts", "list", "1", "--limit", "2", "--json").json["items"]
    assert [one["phone"] for one in listed] == [ANN, BOB]
    assert len(draft("contacts", "list", "1", "--json").json["items"]) == 3
    with_store(lambda store: store.skip_contact(3, Reason.ZONE_UNKNOWN, now=_now()))
    listed = draft("contacts", "list", "1", "--reason", "zone_unknown", "--json").json["items"]
    assert [one["phone"] for one in listed] == [CID]


def _now() -> datetime:
    return datetime.now(UTC)


def test_a_call_is_shown(draft: Cli) -> None:
    draft("campaign", "start", "1")
    place_calls(1, ["a-1"])
    found = draft("call", "show", "a-1", "--json").json
    assert (found["number"], found["disposition"], found["status"]) == (
        ANN,
        "answered_person",
        "ended",
    )
    assert found["ended_at"].endswith("+00:00")
    lines = [" ".join(line.split()) for line in draft("call", "show", "a-1").out.splitlines()]
    for wanted in (
        "Call a-1",
        f"Number {ANN}",
        "Disposition answered by a person",
        "Then otherwise",
        "Success –",
        "Refused further calls no",
    ):
        assert wanted in lines
    place_calls(1, ["a-2"], end=False)
    assert "Disposition          " in draft("call", "show", "a-2").out
    assert draft("call", "show", "b", "--json", code=1).json["error"]["id"] == "not_found"


def test_an_outcome_is_noted_after_the_end(draft: Cli) -> None:
    draft("campaign", "start", "1")
    place_calls(1, ["a-1"], Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, end=False)
    ran = draft("call", "outcome", "a-1", "interested", "--json", code=1)
    assert ran.json["error"]["id"] == "conflict"
    place_calls(1, ["a-2", "a-3"])
    ran = draft(*("call", "outcome", "a-2", "interested", "--set", "answer=yes", "--json"))
    assert (ran.json["outcome"], ran.json["variables"]) == ("interested", {"answer": "yes"})
    assert "outcome=" not in draft("call", "show", "a-2").out
    assert "Outcome                interested" in draft("call", "show", "a-2").out
    shown = draft("call", "outcome", "a-3", "wrong_person").out
    assert shown.startswith("Call a-3 has the outcome wrong_person. Decided by: ")
    draft("call", "outcome", "a-2", "No Slug!", code=2)
    draft("call", "outcome", "a-2", "--set", "x", code=2)
    draft("call", "outcome", "b", "interested", code=1)
    assert "Nothing is said" in draft("call", "outcome", "a-2", code=2).err


def test_a_disposition_that_nobody_saved_is_told(draft: Cli) -> None:
    draft("outcome", "set", "not_interested", "--refused")
    draft("campaign", "start", "1")
    place_calls(1, ["a-1"])
    assert "no custom disposition" in draft("call", "outcome", "a-1", "not_intrested").err
    assert "Note" not in draft("call", "outcome", "a-1", "not_interested").err


def test_the_audit_tells_which_variables_of_a_call_were_set(draft: Cli) -> None:
    draft("campaign", "start", "1")
    place_calls(1, ["a-1"])
    draft("call", "outcome", "a-1", "--set", "mood=cross", "--set", "b=1")
    draft("call", "outcome", "a-1", "--set", "mood=calm", "--set", "b=1")
    last, first = draft("audit", "--json", "--limit", "2").json["items"]
    assert first["after"]["variables_set"] == ["b", "mood"]
    assert last["after"]["variables_set"] == ["mood"]


def test_a_callback_is_written_in_the_campaigns_time(draft: Cli) -> None:
    draft("campaign", "edit", "1", "--set", "window.zone=Europe/Paris")
    draft("campaign", "start", "1")
    place_calls(1, ["a-1"])
    day = (_now() + timedelta(days=3)).astimezone(ZoneInfo("Europe/Paris")).date()
    draft("call", "outcome", "a-1", "--callback-at", f"{day} 10:00")
    called_back = contact(draft, ANN)
    at = datetime.combine(day, time(10), ZoneInfo("Europe/Paris"))
    assert datetime.fromisoformat(called_back["callback_at"]) == at
    assert called_back["status"] == "pending"
    why = draft("campaign", "why", "1", "--contact", ANN, "--at", str(day)).out
    assert f"it waits for the agreed callback, until {at:%a %Y-%m-%d} 10:00 C" in why
    ran = draft("call", "outcome", "a-1", "--callback-at", "soon", "--json", code=2)
    assert ran.json["error"]["details"]["field"] == "callback_at"
    draft("call", "outcome", "b", "--callback-at", str(day), code=1)
