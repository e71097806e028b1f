"""Campaigns are made and edited: options, files, paths, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_campaigns import camp  # noqa: F401 - a fixture

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.engine.forms import settings_as_dict


def settings_of(camp: Cli, campaign_id: int) -> Any:  # noqa: F811
    return camp("campaign", "show", str(campaign_id), "--json").json["settings"]


def test_what_is_not_said_has_the_defaults_of_the_model(camp: Cli) -> None:  # noqa: F811
    made = camp("campaign", "create", "Spring", "--json").json["settings"]
    assert made == settings_as_dict(CampaignSettings(name="Spring", trunk_id=1))
    assert made["mode"] == "single_day"
    assert made["window"]["weekdays"] == ["mon", "tue", "wed", "thu", "fri", "sat"]


def test_every_setting_of_a_campaign_can_be_given(camp: Cli) -> None:  # noqa: F811
    arguments = {
        "--trunk": "carrier",
        "--mode": "multi_day",
        "--start": "2026-12-01",
        "--end": "2026-12-05",
        "--concurrency": "7",
        "--ring-timeout-s": "25",
        "--max-attempts": "4",
        "--retry-delay-s": "60",
        "--retry-on": "busy,voicemail",
        "--window-start": "22:30",
        "--window-end": "2:00",
        "--zone": "Europe/Paris",
        "--weekdays": "fri-mon",
        "--holidays": "fr,us-ca",
        "--legal": "us-tsr",
        "--number": "+33142685300, 0142685301",
        "--rotation": "same",
        "--success": "talk_seconds > 20",
        "--success-match": "any",
        "--default-region": "fr",
        "--caller-id": "+33123456789",
        "--prompt": "custom/hello",
        "--machine-message": "custom/later",
        "--description": "text",
        "--set": "retry.delays_s.busy=300",
    }
    flat = [part for pair in arguments.items() for part in pair]
    more = ("--success", "email is set", "--set", "opt_out_key=9", "--number", "+33142685300")
    made = camp("campaign", "create", "Night", *flat, *more, "--no-detect-machines", "--json").json
    wanted = settings_as_dict(CampaignSettings(name="Night", trunk_id=1)) | {
        "mode": "multi_day",
        "starts_at": "2026-11-30T23:00:00Z",
        "ends_at": "2026-12-05T23:00:00Z",
        "concurrency": 7,
        "ring_timeout_s": 25,
        "window": {
            "start": "22:30",
            "end": "02:00",
            "zone": "Europe/Paris",
            "weekdays": ["mon", "fri", "sat", "sun"],
        },
        "holidays": ["FR", "US-CA"],
        "legal": ["us-tsr"],
        "success": {
            "match": "any",
            "conditions": [
                {"name": "talk_seconds", "operator": ">", "value": "20"},
                {"name": "email", "operator": "is set", "value": ""},
            ],
        },
        "default_region": "FR",
        "caller_id": "+33123456789",
        "prompt": "custom/hello",
        "machine_message": "custom/later",
        "detect_machines": False,
        "description": "text",
        "opt_out_key": "9",
    }
    wanted["retry"] |= {
        "max_attempts": 4,
        "delay_s": 60,
        "retry_on": ["busy", "voicemail"],
        "delays_s": {"busy": 300},
    }
    wanted["pool"] |= {"numbers": ["+33142685300", "+33142685301"], "rotation": "same"}
    assert made["settings"] == wanted
    assert camp("campaign", "show", "1", "--json").json == made
    assert [c["id"] for c in camp("campaign", "list", "--json").json["items"]] == [1]


def test_show_tells_all_of_it_in_words(camp: Cli) -> None:  # noqa: F811
    rules = [
        {"kind": "include", "weekday": "sun", "start": "10:00", "end": "12:00"},
        {"kind": "exclude", "first_day": "2026-12-24", "last_day": "2026-12-26"},
        {"kind": "exclude", "first_day": "2027-01-02"},
    ]
    camp(
        *("campaign", "create", "Night", "--window-start", "22:30", "--window-end", "2:00"),
        *("--zone", "Europe/Paris", "--weekdays", "fri-mon", "--holidays", "FR"),
        *("--success", "talk_seconds > 20", "--legal", "fr", "--number", "+33142685300"),
        *("--set", f"hours={json.dumps(rules)}", "--set", "retry.growth=2"),
        *("--set", 'frequency=[{"calls":1,"window_s":86400}]', "--start", "2026-12-01"),
        *("--set", "contact_hours.start=09:00", "--set", "contact_hours.end=20:00"),
        *("--set", "retry.stop_after_talk_s=30"),
    )
    lines = [" ".join(line.split()) for line in camp("campaign", "show", "1").out.splitlines()]
    for wanted in (
        "window mon, fri to sun 22:30 to 02:00 the next day Europe/Paris",
        "include sun 10:00 to 12:00",
        "exclude 2026-12-24 to 2026-12-26 all day",
        "exclude 2027-01-02 all day",
        "exclude public holidays of FR all day",
        "contact every day 09:00 to 20:00 in the contact's time (zone unknown: review)",
        "Mode single day",
        "Starts Tue 2026-12-01 00:00 CET",
        "Held back by the campaign is a draft",
        "Numbers +33142685300 (even)",
        "Retries 3 calls at most, 30 min apart, growing 2 times",
        "Success talk_seconds > 20",
        "Legal presets fr",
        "Caps of its own 1 call in 1 d",
    ):
        assert wanted in lines
    numbered = [line.split(" ", 1)[1] for line in lines if line[:1].isdigit()]
    assert numbered[0].startswith("stop after a connect of more than 30 s:")
    assert numbered[-1] == "otherwise: do not call again"
    shown = camp("campaign", "show", "1", "--json").json
    assert shown["retry_rules"] == numbered
    assert (shown["hold"], shown["trunk"]) == ("not_started", "carrier")
    assert (shown["waiting"], shown["skipped"]) == ({}, {})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--concurrency", "0"),
        ("--ring-timeout-s", "1"),
        ("--max-attempts", "0"),
        ("--retry-delay-s", "-1"),
        ("--retry-on", "answered_person"),
        ("--retry-on", "unknown"),
        ("--retry-on", "x"),
        ("--retry-on", ""),
        ("--window-start", "24:00"),
        ("--window-end", "9 pm"),
        ("--zone", "Paris"),
        ("--weekdays", "mon-someday"),
        ("--weekdays", ""),
        ("--default-region", "Utopia"),
        ("--caller-id", ""),
        ("--prompt", "a\nb"),
        ("--trunk", "other"),
        ("--mode", "weekly"),
        ("--start", "tomorrow"),
        ("--end", "2026-13-01"),
        ("--holidays", "Atlantis"),
        ("--number", "abc"),
        ("--rotation", "odd"),
        ("--success", "no condition at all"),
        ("--success-match", "some"),
        ("--like", "fax"),
        ("--set", "concurency=3"),
        ("--set", "concurrency"),
        ("--set", "retry=5"),
        ("--settings", "nowhere.json"),
    ],
)
def test_unusable_settings_are_wrong_use(camp: Cli, option: str, value: str) -> None:  # noqa: F811
    ran = camp("campaign", "create", "x", option, value, "--json", code=2)
    assert ran.json["error"]["id"] == "invalid_input"
    assert camp("campaign", "list", "--json").json == {"items": []}


def test_a_legal_preset_that_is_not_there_is_named(camp: Cli) -> None:  # noqa: F811
    ran = camp("campaign", "create", "x", "--legal", "nowhere", "--json", code=1)
    assert ran.json["error"]["details"] == {"kind": "legal_preset", "key": "nowhere"}
    assert "us-tsr" in ran.json["error"]["message"]


def test_a_problem_is_named_by_its_path(camp: Cli) -> None:  # noqa: F811
    ran = camp("campaign", "create", "x", "--set", "retry.delays_s.bussy=3", "--json", code=2)
    assert ran.json["error"]["details"]["field"] == "retry.delays_s.bussy"
    assert "did you mean busy?" in ran.err


def test_no_retries_at_all_and_words_of_other_systems(camp: Cli) -> None:  # noqa: F811
    made = camp("campaign", "create", "x", "--retry-on", "none", "--json").json
    assert made["settings"]["retry"]["retry_on"] == []
    made = camp("campaign", "create", "x", "--retry-on", "rnr", "--json").json
    assert made["settings"]["retry"]["retry_on"] == ["no_answer"]


def test_which_trunk_is_asked_when_there_are_two(camp: Cli, tmp_path: Path) -> None:  # noqa: F811
    camp("trunk", "set", "b", "--dial", "PJSIP/{number}@b")
    assert "--trunk" in camp("campaign", "create", "x", code=2).err
    for options in (("--trunk", "b"), ("--set", "trunk_id=2")):
        made = camp("campaign", "create", "x", *options, "--json").json
        assert (made["settings"]["trunk_id"], made["trunk"]) == (2, "b")
    (tmp_path / "s.json").write_text('{"trunk_id": 1}')
    both = ("--settings", "s.json", "--trunk", "b")
    assert camp("campaign", "create", "x", *both, "--json").json["trunk"] == "b"
    camp("campaign", "create", "x", "--set", "trunk_id=9", code=1)


def test_a_kind_of_campaign_brings_defaults_and_limits(camp: Cli) -> None:  # noqa: F811
    made = camp("campaign", "create", "x", "--like", "callbot", "--json").json["settings"]
    assert (made["mode"], made["retry"]["until_success"]) == ("always_on", True)
    options = ("--like", "dialler", "--mode", "multi_day", "--weekdays", "mon", "--json")
    made = camp("campaign", "create", "x", *options).json["settings"]
    assert (made["mode"], made["window"]["weekdays"]) == ("multi_day", ["mon"])
    assert made["retry"]["retry_on"] == []
    over = ("--like", "callbot", "--concurrency", "51")
    assert "1 to 50" in camp("campaign", "create", "x", *over, code=2).err


def test_a_file_then_options_then_paths(camp: Cli, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "s.toml").write_text(
        'name = "other"\nconcurrency = 3\nring_timeout_s = 20\nmode = "always_on"\n'
        "starts_at = 2026-12-01T09:00:00+01:00\n"
        "[window]\nstart = 10:00:00\nzone = 'Europe/Paris'\n"
        "[[hours]]\nkind = 'exclude'\nfirst_day = 2026-12-24\n"
    )
    options = ("--settings", "s.toml", "--ring-timeout-s", "21", "--concurrency", "4")
    made = camp("campaign", "create", "A", *options, "--set", "concurrency=5", "--json").json
    settings = made["settings"]
    assert (settings["name"], settings["concurrency"], settings["ring_timeout_s"]) == ("A", 5, 21)
    assert settings["window"]["start"] == "10:00"
    assert settings["starts_at"] == "2026-12-01T08:00:00Z"
    assert settings["hours"][0]["first_day"] == "2026-12-24"
    (tmp_path / "again.json").write_text(json.dumps(settings))
    again = camp("campaign", "create", "A", "--settings", "again.json", "--json").json
    assert again["settings"] == settings


def test_a_file_without_end_is_no_settings(camp: Cli, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "s.json").write_text(f'{{"description": "{"x" * 5_000_000}"}}')
    for name in ("s.json", "/dev/zero"):
        told = camp("campaign", "create", "x", "--settings", name, code=2).err
        assert "more than 4096 KiB" in told
    told = camp("campaign", "create", "x", "--prompt", "../../etc/passwd", code=2).err
    assert "no `..`" in told


@pytest.mark.parametrize(
    ("name", "text"), [("s.json", "[1]"), ("s.json", "{"), ("s.toml", "= 1"), ("s.json", "\xff")]
)
def test_a_file_that_is_no_settings(
    camp: Cli,  # noqa: F811
    tmp_path: Path,
    name: str,
    text: str,
) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    ran = camp("campaign", "create", "x", "--settings", name, "--json", code=2)
    assert ran.json["error"]["details"]["field"] == "settings"


def test_an_edit_says_what_it_changed(camp: Cli, tmp_path: Path) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    (tmp_path / "s.json").write_text('{"ring_timeout_s": 20}')
    ran = camp("campaign", "edit", "1", "--set", "concurrency=3", "--settings", "s.json", "--json")
    changes = {"concurrency": [50, 3], "ring_timeout_s": [30, 20]}
    assert ran.json == {"id": 1, "version": 2, "changes": changes}
    ran = camp("campaign", "edit", "1", "--set", "window.weekdays=mon-tue")
    assert "version 3" in ran.out
    assert '["mon", "tue"]' in ran.out
    assert "Nothing is changed" in camp("campaign", "edit", "1", "--set", "concurrency=3").out
    assert settings_of(camp, 1)["window"]["weekdays"] == ["mon", "tue"]


def test_an_edit_of_settings_that_somebody_changed_meanwhile(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    camp("campaign", "edit", "1", "--set", "concurrency=3", "--version", "1")
    for value in ("4", "3"):
        ran = camp(
            *("campaign", "edit", "1", "--set", f"concurrency={value}", "--version", "1"),
            "--json",
            code=1,
        )
        assert ran.json["error"]["id"] == "conflict"
    assert settings_of(camp, 1)["concurrency"] == 3


def test_an_edit_of_nothing_or_of_nonsense(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    camp("campaign", "edit", "1", code=2)
    camp("campaign", "edit", "9", "--set", "concurrency=3", code=1)
    ran = camp("campaign", "edit", "1", "--set", "retry.max_attempts=0", "--json", code=2)
    assert ran.json["error"]["details"]["field"] == "retry.max_attempts"
    assert camp("campaign", "show", "1", "--json").json["version"] == 1


def test_versions_are_listed_and_compared(camp: Cli) -> None:  # noqa: F811
    camp("campaign", "create", "Spring")
    camp("campaign", "edit", "1", "--set", "concurrency=3")
    camp("campaign", "edit", "1", "--set", "concurrency=50")
    found = camp("campaign", "versions", "1", "--json").json["items"]
    assert [one["version"] for one in found] == [1, 2, 3]
    assert [one["settings"]["concurrency"] for one in found] == [50, 3, 50]
    assert all(one["actor"].startswith("cli:") for one in found)
    assert "concurrency" in camp("campaign", "versions", "1").out
    ran = camp("campaign", "versions", "1", "--compare", "1", "2", "--json")
    assert ran.json == {"id": 1, "from": 1, "to": 2, "changes": {"concurrency": [50, 3]}}
    assert "50" in camp("campaign", "versions", "1", "--compare", "2", "3").out
    assert "the same" in camp("campaign", "versions", "1", "--compare", "1", "3").out
    ran = camp("campaign", "versions", "1", "--compare", "1", "4", "--json", code=1)
    assert ran.json["error"]["details"] == {"kind": "settings_version", "key": 4}
