"""A campaign's life from the command line: steps, questions, copies, records."""

from __future__ import annotations

import io

import pytest
from campaign_kit import ALWAYS, place_calls
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_campaigns import camp  # noqa: F401 - a fixture

from callcamp.core.outcome import Disposition
from callcamp.core.states import ContactEvent


@pytest.fixture
def ready(camp: Cli) -> Cli:  # noqa: F811
    """A draft that can be started: three contacts, open at any time."""
    camp("campaign", "create", "Spring", "--prompt", "hello", "--mode", "multi_day", *ALWAYS)
    camp("contacts", "add", "1", "2025550101", "2025550102", "2025550103")
    return camp


def test_campaigns_are_listed(camp: Cli) -> None:  # noqa: F811
    assert camp("campaign", "list").out == "No campaigns.\n"
    camp("campaign", "create", "Spring", "--mode", "always_on")
    assert camp("campaign", "list", "--status", "running").out == "No campaigns.\n"
    row = camp("campaign", "list", "--status", "draft").out.splitlines()[1]
    assert row.split()[:4] == ["1", "Spring", "draft", "always_on"]


def test_a_refused_step_says_when_it_can_be_done(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    told = camp("campaign", "complete", "1", "-y", code=1).err
    assert "draft cannot be completed; one that is paused or queued or running can" in told
    told = camp("campaign", "retry-failed", "1", code=1).err
    assert "cannot be reopened; one that is completed can" in told


def test_what_is_missing_is_said_before_the_start(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring", "--weekdays", "mon", "--set", "window.weekdays=[]")
    ran = camp("campaign", "missing", "1", "--json", code=1)
    assert set(ran.json["missing"]) == {"contacts", "prompt", "window"}
    assert "it has no contacts" in camp("campaign", "missing", "1", code=1).out
    started = camp("campaign", "start", "1", "--json", code=1).json["error"]
    assert started["id"] == "preconditions_missing"
    assert started["details"]["missing"] == ran.json["missing"]
    camp("campaign", "edit", "1", "--set", "prompt=hello", "--set", "window.weekdays=mon")
    camp("contacts", "add", "1", "2025550101")
    assert "has all that it needs" in camp("campaign", "missing", "1").out
    assert camp("campaign", "missing", "1", "--json").json == {"id": 1, "missing": {}}


def test_a_campaign_with_a_date_is_queued(camp: Cli) -> None:  # noqa: F811
    options = ("--start", "2090-01-02", "--zone", "Europe/Paris", "--prompt", "hello")
    camp("campaign", "create", "Spring", *options)
    camp("contacts", "add", "1", "2025550101")
    assert "queued until Mon 2090-01-02 00:00 CET" in camp("campaign", "start", "1").out
    shown = camp("campaign", "show", "1", "--json").json
    assert (shown["hold"], shown["opens_at"]) == ("queued", "2090-01-01T23:00:00+00:00")
    assert "until Mon 2090-01-02 00:00 CET" in camp("campaign", "show", "1").out
    assert "is paused" in camp("campaign", "pause", "1").out
    assert "queued until" in camp("campaign", "resume", "1").out
    assert "is running" in camp("campaign", "start", "1").out


@pytest.mark.parametrize(
    ("command", "ends_as"),
    [("stop", "canceled"), ("cancel", "canceled"), ("complete", "completed")],
)
def test_an_end_is_asked_for(
    ready: Cli, monkeypatch: pytest.MonkeyPatch, command: str, ends_as: str
) -> None:
    ready("campaign", "start", "1")
    for answer in ("", "n\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert "3 contacts to call" in ready("campaign", command, "1", code=1).err
    assert ready("campaign", "show", "1", "--json").json["status"] == "running"
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert ends_as in ready("campaign", command, "1").out
    assert ready("campaign", "show", "1", "--json").json["contacts"]["canceled"] == 3


def test_a_campaign_is_completed_without_a_question(ready: Cli) -> None:
    ready("campaign", "start", "1")
    assert ready("campaign", "complete", "1", "--yes", "--json").json["status"] == "completed"


def test_a_draft_that_is_not_wanted_is_canceled(ready: Cli) -> None:
    assert ready("campaign", "cancel", "1", "--yes", "--json").json["status"] == "canceled"
    ran = ready("campaign", "start", "1", "--json", code=1)
    assert ran.json["error"]["id"] == "illegal_transition"


def test_a_draft_that_never_ran_is_deleted(ready: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    asked = ready("campaign", "remove", "1", code=1).err
    assert "3 contacts to call. It is deleted with its contacts" in asked
    assert "Spring" in ready("campaign", "list").out
    assert ready("campaign", "remove", "1", "-y").out == "Deleted campaign 1.\n"
    assert ready("campaign", "list").out == "No campaigns.\n"
    assert "no campaign 1" in ready("campaign", "remove", "1", "-y", code=1).err
    ready("campaign", "create", "Autumn", "--prompt", "hello", *ALWAYS)
    assert ready("campaign", "remove", "2", "-y", "--json").json == {"id": 2, "deleted": True}


def test_what_has_run_is_not_deleted(ready: Cli) -> None:
    ready("campaign", "start", "1")
    assert "stays on record" in ready("campaign", "remove", "1", "-y", code=1).err
    ready("campaign", "stop", "1", "-y")
    assert "stays on record" in ready("campaign", "remove", "1", "-y", code=1).err


def test_what_is_locked_after_the_first_run(ready: Cli) -> None:
    ready("campaign", "start", "1")
    ran = ready("campaign", "edit", "1", "--set", "concurrency=3", code=1)
    assert "Only draft and paused campaigns can be edited. Current status: running." in ran.err
    ready("campaign", "pause", "1")
    ran = ready("campaign", "edit", "1", "--set", "name=Other", "--json", code=1)
    assert ran.json["error"]["details"]["fields"] == ["name"]
    assert "locked after the first run" in ran.err
    ready("campaign", "edit", "1", "--set", "concurrency=3")
    ran = ready("contacts", "add", "1", "2025550177", "--json", code=1)
    assert ran.json["error"]["id"] == "conflict"


def test_failed_contacts_are_retried(ready: Cli) -> None:
    ready("campaign", "start", "1")
    ran = ready("campaign", "retry-failed", "1", "--json", code=1)
    assert ran.json["error"]["id"] == "illegal_transition"
    place_calls(1, ["a-1"])
    place_calls(1, ["a-2", "a-3"], Disposition.FAILED, ContactEvent.GAVE_UP)
    shown = ready("campaign", "show", "1", "--json").json
    assert (shown["status"], shown["hold"]) == ("completed", "campaign_completed")
    ran = ready("campaign", "retry-failed", "1", "--json")
    assert (ran.json["status"], ran.json["reopened"]) == ("running", 2)
    assert ran.json["contacts"]["pending"] == 2
    place_calls(1, ["a-4", "a-5"], Disposition.FAILED, ContactEvent.GAVE_UP)
    assert "is running for 2 failed contacts" in ready("campaign", "retry-failed", "1").out


def test_a_copy_takes_what_is_chosen(ready: Cli) -> None:
    ready("campaign", "edit", "1", "--set", "concurrency=3", "--set", "ends_at=2090-01-01T00:00Z")
    ready("campaign", "start", "1")
    place_calls(1, ["a-1"])
    place_calls(1, ["a-2"], Disposition.FAILED, ContactEvent.GAVE_UP)

    def copied(*options: str) -> int:
        made = ready("campaign", "clone", "1", *options, "--json").json
        assert (made["status"], made["settings"]["concurrency"]) == ("draft", 3)
        assert made["settings"]["ends_at"] is None
        total: int = made["total"]
        return total

    assert copied() == 0
    assert copied("--contacts", "all", "--name", "Again") == 3
    assert copied("--contacts", "failed") == 1
    assert copied("--status", "pending", "--status", "failed") == 2
    assert copied("--status", "pending", "--disposition", "failed") == 0
    assert copied("--disposition", "answered_person") == 1
    assert copied("--contacts", "all", "--disposition", "failed") == 1
    names = [c["name"] for c in ready("campaign", "list", "--json").json["items"]]
    assert set(names) == {"Spring", "Spring (copy)", "Again"}
    assert "with 3 contacts" in ready("campaign", "clone", "1", "--contacts", "all").out
    ready("campaign", "clone", "1", "--contacts", "failed", "--status", "pending", code=2)
    ready("campaign", "clone", "1", "--name", "", code=2)
    ready("campaign", "clone", "99", code=1)


def test_who_did_what_is_on_record(ready: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getlogin", lambda: "anna")
    ready("campaign", "edit", "1", "--set", "retry.max_attempts=5")
    ready("campaign", "start", "1")
    ready("campaign", "create", "Other")
    items = ready("audit", "--campaign", "1", "--json").json["items"]
    assert [one["action"] for one in items[:2]] == ["campaign.started", "campaign.changed"]
    assert {one["actor"] for one in items[:2]} == {"cli:anna"}
    assert {one["campaign_id"] for one in items} == {1}
    assert len(ready("audit", "--limit", "1", "--json").json["items"]) == 1
    older = ready("audit", "--campaign", "1", "--before", str(items[0]["id"]), "--json").json
    assert older["items"] == items[1:]
    shown = ready("audit").out
    assert "retry.max_attempts: 3 to 5" in shown
    assert "cli:anna" in shown
    assert "Nothing is on record." in ready("audit", "--campaign", "99").out
    assert all(len(line) < 300 for line in shown.splitlines())


def test_a_login_without_a_terminal_or_a_name(
    camp: Cli,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(*_: object) -> str:
        raise OSError

    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("os.getlogin", nothing)
    camp("campaign", "create", "A")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    camp("campaign", "create", "B")
    actors = [one["actor"] for one in camp("audit", "--limit", "2", "--json").json["items"]]
    assert actors[0] == "cli:uid-4711"
    assert actors[1].startswith("cli:")
    assert actors[1] != actors[0]


def test_legal_presets_say_where_they_come_from(camp: Cli) -> None:  # noqa: F811
    found = camp("legal", "list", "--json").json
    assert {"us-tsr", "fr", "uk-ofcom"} <= {one["id"] for one in found["items"]}
    assert "no legal advice" in found["note"]
    assert all(one["source"] and one["checked_on"] for one in found["items"])
    ran = camp("legal", "list")
    assert "no legal advice" in ran.err
    assert "16 CFR 310.4" in ran.out
    one = camp("legal", "show", "us-tsr", "--json").json["preset"]
    assert (one["id"], one["min_ring_s"], one["abandon"]["cap"]) == ("us-tsr", 15, 0.03)
    assert one["hours"]["weekdays"][0] == [{"start": "08:00", "end": "21:00"}]
    lines = [" ".join(line.split()) for line in camp("legal", "show", "us-tsr").out.splitlines()]
    for wanted in (
        "Hours mon to sun 08:00 to 21:00",
        "Abandoned calls 3.0% at most over 30 days; agent within 2 s",
        "Rings at least 15 s",
        "Do-not-call lists 31 days old at most",
    ):
        assert wanted in lines
    assert camp("legal", "show", "x", "--json", code=1).json["error"]["id"] == "not_found"


def test_every_legal_preset_can_be_shown(camp: Cli) -> None:  # noqa: F811
    for one in camp("legal", "list", "--json").json["items"]:
        shown = camp("legal", "show", one["id"])
        assert one["source"] in shown.out
        assert "{" not in shown.out
        assert "no legal advice" in shown.err


def test_a_report_says_what_was_promised_and_kept(ready: Cli) -> None:
    ready("campaign", "edit", "1", "--set", 'frequency=[{"calls":1,"window_s":86400}]')
    ready("campaign", "start", "1")
    place_calls(1, ["a-1"])
    place_calls(1, ["a-2"], Disposition.BUSY)
    found = ready("campaign", "report", "1", "--json").json
    assert (found["campaign_id"], found["calls"], found["answered"]) == (1, 2, 1)
    assert found["since"] < found["until"]
    lines = [" ".join(line.split()) for line in ready("campaign", "report", "1").out.splitlines()]
    assert "Calls 2 ended, 1 answered, 1 by a person, 0 abandoned" in lines
    assert any(rule["promised"] in line for rule in found["rules"] for line in lines)
    assert "no legal advice" in ready("campaign", "report", "1").err
    ran = ready(
        "campaign", "report", "1", "--since", "2026-01-01", "--until", "2026-01-31", "--json"
    )
    assert (ran.json["calls"], ran.json["until"]) == (0, "2026-02-01T00:00:00+00:00")
    for options in (("--since", "x"), ("--until", "x"), ("--since", "2090-01-01")):
        ran = ready("campaign", "report", "1", *options, "--json", code=2)
        assert ran.json["error"]["details"]["field"] == options[0][2:]
    ready("campaign", "report", "9", code=1)


def test_a_report_without_promises_has_no_table(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    assert "PROMISED" not in camp("campaign", "report", "1").out
