"""Do-not-call lists, consents, outbound numbers, filters and people from the command line."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from campaign_kit import prepare
from cli_runner import Cli, Ran
from test_cli_basics import cli  # noqa: F401 - a fixture

from callcamp.cli.reading import parse_mapping, wanted_mapping
from callcamp.cli.records import instant
from callcamp.errors import InvalidInput

ANN, BOB, CID = "+33612345678", "+33612345679", "+442079460018"
PEOPLE = "tel,work,city\n0612345678,0140000001,Paris\n0612345679,,Oslo\nabc,,Bern\n"
EVIL = "\x1b[31m[bold]=1+1<b>\u202e"


@pytest.fixture(scope="session")
def with_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(
        tmp_path_factory.mktemp("campaign"),
        ("init",),
        ("trunk", "set", "carrier", "--dial", "PJSIP/{number}@carrier"),
        ("campaign", "create", "Spring", "--default-region", "FR"),
    )


@pytest.fixture(scope="session")
def with_people(with_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    shutil.copytree(with_campaign, folder, dirs_exist_ok=True)
    (folder / "people.csv").write_text(PEOPLE)
    columns = ("--map", "phone=tel", "--map", "city=city", "--other-phone", "work")
    return prepare(
        folder, ("directory", "import", "people.csv", "--region", "FR", *columns, "--yes")
    )


@pytest.fixture
def camp(cli: Cli, with_campaign: Path, tmp_path: Path) -> Cli:  # noqa: F811
    shutil.copytree(with_campaign, tmp_path, dirs_exist_ok=True)
    return cli


@pytest.fixture
def people(cli: Cli, with_people: Path, tmp_path: Path) -> Cli:  # noqa: F811
    shutil.copytree(with_people, tmp_path, dirs_exist_ok=True)
    return cli


def items(ran: Ran) -> list[Any]:
    return list(ran.json["items"])


def test_do_not_call_from_first_to_last(camp: Cli) -> None:
    assert "No numbers" in camp("dnc", "list").out
    ran = camp("dnc", "add", "06 12 34 56 78", CID, "--region", "FR", "--reason", "asked")
    assert "2 numbers put" in ran.out
    camp("dnc", "add", BOB, "--campaign", "1", "--until", "2100-01-01")
    found = items(camp("dnc", "list", "--json"))
    assert [(e["phone"], e["campaign_id"], e["source"]) for e in found] == [
        (ANN, None, "cli"),
        (CID, None, "cli"),
        (BOB, 1, "cli"),
    ]
    assert datetime.fromisoformat(found[2]["expires_at"]).tzinfo is not None
    assert [e["phone"] for e in items(camp("dnc", "list", "--campaign", "1", "--json"))] == [BOB]
    listed = camp("dnc", "list", "--limit", "2", "--after", str(found[0]["id"])).out
    assert ANN not in listed
    assert "campaign 1" in listed
    assert camp("dnc", "remove", ANN, "--json").json == {"phone": ANN, "removed": True}
    assert camp("dnc", "remove", ANN, "--json", code=1).json["error"]["id"] == "not_found"
    assert "name that campaign" in camp("dnc", "remove", BOB, code=1).err
    assert "may be called again" in camp("dnc", "remove", BOB, "--campaign", "1").out
    assert items(camp("dnc", "list", "--phone", ANN, "--json")) == []
    done = [e for e in items(camp("audit", "--json")) if e["kind"] == "suppression"]
    assert len(done) == 5
    assert all(e["actor"].startswith("cli:") for e in done)


def test_do_not_call_from_a_file(camp: Cli, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("phone,why\n0612345678,a\nhello,b\n" + "x,y\n" * 12)
    ran = camp("dnc", "add", "--file", "n.csv", "--region", "FR")
    assert "1 number put" in ran.out
    assert "row 3: not a phone number (hello)" in ran.err
    assert "and 3 more rows" in ran.err
    ran = camp("dnc", "add", "--file", "n.csv", "--region", "FR", "--column", "phone", "--json")
    assert (ran.json["added"], ran.json["rows"], ran.json["refused"]) == (0, 14, 13)


def test_registers(camp: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No lists" in camp("dnc", "lists").out
    (tmp_path / "r.csv").write_text(f"{ANN}\n{BOB}\nx\n")
    ran = camp("dnc", "import", "bloctel", "r.csv", "--as-of", "2026-01-02")
    assert "bloctel has 2 numbers" in ran.out
    assert "row 3" in ran.err
    (one,) = items(camp("dnc", "lists", "--json"))
    assert (one["name"], one["numbers"]) == ("bloctel", 2)
    assert "bloctel" in camp("dnc", "lists").out
    camp("dnc", "import", "x", "r.csv", "--as-of", "2100-01-01", code=2)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    camp("dnc", "drop-list", "bloctel", code=1)
    assert len(items(camp("dnc", "lists", "--json"))) == 1
    assert camp("dnc", "drop-list", "bloctel", "--yes", "--json").json["deleted"]
    camp("dnc", "drop-list", "bloctel", "--yes", code=1)


def test_what_is_wrong_with_the_registers_of_a_campaign_is_told(camp: Cli, tmp_path: Path) -> None:
    (tmp_path / "tps.txt").write_text(f"{ANN}\n")
    camp("dnc", "import", "tps", "tps.txt", "--as-of", "2020-01-01")

    def missing(*options: str) -> str:
        made = camp("campaign", "create", "Law", "--legal", "us-tsr", *options, "--json").json
        told = camp("campaign", "missing", str(made["id"]), "--json", code=1).json
        return str(told["missing"]["dnc_lists"])

    assert "name in dnc_lists" in missing()
    assert "not there: nope;" in missing("--set", 'dnc_lists=["tps", "nope"]')
    assert "too old, of tps;" in missing("--set", 'dnc_lists=["tps"]')


def test_consents(camp: Cli, tmp_path: Path) -> None:
    assert "No consents" in camp("consent", "show", ANN).out
    ran = camp("consent", "record", ANN, "--scope", "ads", "--source", "web", "--json")
    assert (ran.json["phone"], ran.json["scope"], ran.json["revoked_at"]) == (ANN, "ads", None)
    (tmp_path / "c.csv").write_text(f"{BOB}\nhello\n")
    ran = camp(
        *("consent", "record", "--file", "c.csv", "--scope", "ads", "--source", "fair"),
        *("--given", "2026-01-01T10:00+01:00", "--until", "2100-01-01"),
    )
    assert "consent of 1 number for ads" in ran.out
    assert "hello" in ran.err
    (one,) = items(camp("consent", "show", BOB, "--json"))
    assert one["given_at"] == "2026-01-01T09:00:00+00:00"
    assert "fair" in camp("consent", "show", BOB).out
    assert camp("consent", "revoke", ANN, "--scope", "ads", "--json").json["revoked"]
    assert camp("consent", "revoke", ANN, "--scope", "ads", code=1)
    (one,) = items(camp("consent", "show", "0612345678", "--region", "FR", "--json"))
    assert one["revoked_at"] is not None


def test_outbound_numbers(camp: Cli) -> None:
    assert "No outbound numbers" in camp("number", "list").out
    ran = camp("number", "set", "0140000001", "--region", "FR", "--label", "Paris")
    assert "+33140000001 is active, no daily cap" in ran.out
    ran = camp("number", "set", "+33140000001", "--inactive", "--daily-cap", "1000", "--json")
    assert (ran.json["label"], ran.json["active"], ran.json["daily_cap"]) == ("Paris", False, 1000)
    assert "rests until" in camp("number", "rest", "+33140000001", "--hours", "2").out
    (one,) = items(camp("number", "list", "--json"))
    assert one["resting_until"] is not None
    assert one["use"] == {"today": 0, "calls": 0, "answered": 0, "last_used_at": None}
    assert "Paris" in camp("number", "list").out
    assert camp("number", "wake", "+33140000001", "--json").json["resting_until"] is None
    assert "Deleted" in camp("number", "remove", "+33140000001").out
    for command in ("rest", "wake", "remove"):
        assert camp("number", command, ANN, "--json", code=1).json["error"]["id"] == "not_found"
    camp("number", "set", "hello", code=2)


def test_custom_dispositions(camp: Cli) -> None:
    assert "No custom" in camp("outcome", "list").out
    assert "Not interested" in camp("outcome", "set", "not_interested", "--refused").out
    (one,) = items(camp("outcome", "list", "--json"))
    assert one == {
        "name": "not_interested",
        "label": "Not interested",
        "refused": True,
        "opt_out": False,
    }
    assert "not_interested" in camp("outcome", "list").out
    camp("outcome", "set", "busy", code=2)
    camp("outcome", "set", "Not-Interested", code=2)


def test_people_from_a_file(people: Cli, tmp_path: Path) -> None:
    found = items(people("directory", "list", "--json"))
    assert [(p["phone"], p["others"], p["variables"]) for p in found] == [
        (ANN, ["+33140000001"], {"city": "Paris"}),
        (BOB, [], {"city": "Oslo"}),
    ]
    listed = people("directory", "list", "--after", str(found[0]["id"])).out
    assert "city=Oslo" in listed
    assert ANN not in listed
    (tmp_path / "more.csv").write_text("tel,age\n0612345679,40\n0612345670,x\n")
    more = ("directory", "import", "more.csv", "--region", "FR")
    ran = people(*more, "--dry-run", "--errors", "bad.csv")
    assert "1 are in the directory already" in ran.out
    assert (tmp_path / "bad.csv").exists()
    assert len(items(people("directory", "list", "--json"))) == 2
    ran = people(*more, "--yes", "--json")
    assert ran.json["imported"] == {"added": 1, "updated": 1}
    assert ran.json["report"]["in_directory"] == 1
    assert list((tmp_path / "callcamp-data" / "imports").iterdir()) == []
    (tmp_path / "none.csv").write_text("tel,age\nabc,40\n0690000000,41\n")
    nobody = people("directory", "import", "none.csv", "--region", "FR", "--yes", code=1)
    assert "nothing to import" in nobody.out


def test_a_saved_mapping_reads_people_too(people: Cli, tmp_path: Path) -> None:
    saved = ("--map", "phone=tel", "--other-phone", "work", "--save-preset", "crm")
    people("contacts", "import", "1", "people.csv", *saved, "--yes")
    listed = items(people("contacts", "list", "1", "--json"))
    assert listed[0]["others"] == ["+33140000001"]
    people("directory", "remove", ANN)
    people("directory", "import", "people.csv", "--region", "FR", "--preset", "crm", "--yes")
    (ann,) = [p for p in items(people("directory", "list", "--json")) if p["phone"] == ANN]
    assert (ann["others"], ann["variables"]) == (["+33140000001"], {})
    assert "tel" in people("contacts", "presets").out


def test_one_person(people: Cli) -> None:
    ran = people(
        *("directory", "add", "06 12 34 56 70", "--region", "FR", "--other", "0140000002"),
        *("--set", "city=Rome", "--set", "note=a=b", "--json"),
    )
    assert ran.json["variables"] == {"city": "Rome", "note": "a=b"}
    assert "in the directory" in people("directory", "add", ran.json["phone"]).out
    people("dnc", "add", "+33140000002", "--campaign", "1")
    people("dnc", "add", "+33140000002")
    people("consent", "record", "+33612345670", "--scope", "ads", "--source", "web")
    shown = people("directory", "show", "+33140000002").out
    for words in ("+33612345670", "note", "a=b", "ads", "in campaign 1", "anywhere"):
        assert words in shown
    history = people("directory", "show", "0612345670", "--region", "FR", "--json").json
    assert history["person"]["others"] == ["+33140000002"]
    assert history["calls"] == []
    assert people("directory", "remove", "+33612345670", "--json").json["deleted"]
    people("directory", "remove", "+33612345670", code=1)
    assert people("directory", "show", "+33140000002", code=0)
    people("directory", "show", "+33612340000", code=1)
    for wrong in ("x", "a=1", "1st=x"):
        people("directory", "add", ANN, "--set", "a=1", "--set", wrong, code=2)


def test_filters(people: Cli) -> None:
    assert "No saved filters" in people("filter", "list").out
    people("filter", "save", "parisians", "--where", "city = paris")
    people("filter", "save", "both", "--where", "city = Paris", "--where", "city = Oslo", "--any")
    shown = people("filter", "list").out
    assert "city = Paris or city = Oslo" in shown
    found = items(people("filter", "list", "--json"))
    assert [f["name"] for f in found] == ["both", "parisians"]
    assert found[1]["conditions"] == [{"name": "city", "operator": "=", "value": "paris"}]
    assert "1 of 2 contacts chosen" in people("filter", "show", "parisians").out
    assert people("filter", "show", "--where", "numbers = 1", "--json").json["count"] == 1
    assert "0 of 2" in people("filter", "show", "--where", "city = Rome").out
    assert BOB in people("directory", "list", "--filter", "both").out
    assert "Nobody" in people("directory", "list", "--filter", "both", "--after", "99").out
    people("filter", "show", code=2)
    people("filter", "show", "both", "--where", "a = b", code=2)
    people("filter", "save", "x", code=2)
    people("filter", "save", "x", "--where", "nonsense", code=2)
    assert people("filter", "remove", "both", "--json").json["deleted"]
    people("filter", "remove", "both", code=1)


def test_from_the_directory_into_a_campaign(people: Cli) -> None:
    people("filter", "save", "parisians", "--where", "city = paris")
    into = ("contacts", "from-directory", "1")
    assert people(*into, "--filter", "parisians", "--json").json["added"] == 1
    ran = people(*into, "--all", "--on-duplicate", "update")
    assert "Added 1 contact." in ran.out
    assert "1 were there already and are updated" in ran.out
    assert people(*into, "--where", "city = Oslo", "--json").json["duplicates"] == 1
    assert people(*into, "--phone", "0612345678", "--json").json["duplicates"] == 1
    people(*into, code=2)
    people(*into, "--all", "--phone", ANN, code=2)
    people(*into, "--phone", CID, code=1)
    assert people("campaign", "show", "1", "--json").json["total"] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("dnc", "add"),
        ("dnc", "add", ANN, "--file", "people.csv"),
        ("dnc", "add", "hello"),
        ("dnc", "add", "0612345678"),
        ("dnc", "add", ANN, "--until", "soon"),
        ("dnc", "add", ANN, "--until", "2020-01-01"),
        ("dnc", "add", ANN, "--until", "9999-12-31T23:59-23:00"),
        ("dnc", "add", ANN, "--reason", "a\nb"),
        ("dnc", "add", "--file", "nothing.csv"),
        ("dnc", "list", "--limit", "0"),
        ("consent", "record", "--scope", "ads", "--source", "x"),
        ("consent", "record", ANN, "--scope", "a\nb", "--source", "x"),
        ("consent", "record", ANN, "--scope", "ads", "--source", "x", "--given", "2100-01-01"),
        ("number", "set", ANN, "--daily-cap", "-1"),
        ("number", "set", ANN, "--label", EVIL),
        ("number", "rest", ANN, "--hours", "nan"),
        ("directory", "import", "people.csv", "--other-phone", "work"),
        ("directory", "import", "people.csv", "--preset", "x", "--other-phone", "work"),
        ("directory", "import", "people.csv", "--map", "phone=nope", "--yes"),
        ("directory", "add", ANN, "--set", f"x={EVIL}"),
    ],
)
def test_wrong_use(people: Cli, arguments: tuple[str, ...]) -> None:
    ran = people(*arguments, "--json", code=2)
    assert ran.json["error"]["id"] in {"invalid_input", "limit_exceeded"}
    assert not set(ran.out + ran.err) & set("\x1b\u202e")


def test_hostile_names_are_printed_harmlessly(people: Cli, tmp_path: Path) -> None:
    text = "[bold]=1+1<b>\u202e"
    people("dnc", "add", ANN, "--reason", text)
    people("number", "set", "+33140000001", "--label", text)
    people("outcome", "set", "odd", "--label", text)
    people("filter", "save", text[:-1], "--where", f"city = {text}")
    people("consent", "record", ANN, "--scope", text[:-1], "--source", text)
    people("directory", "add", CID, "--set", f"city={text}")
    for arguments in (
        ("dnc", "list"),
        ("number", "list"),
        ("outcome", "list"),
        ("filter", "list"),
        ("filter", "show", text[:-1]),
        ("filter", "show", text),
        ("consent", "show", ANN),
        ("directory", "list"),
        ("directory", "show", CID),
    ):
        for more in ((), ("--json",)):
            ran = people(*arguments, *more, code=None)
            assert not set(ran.out + ran.err) & set("\x1b\u202e")
    assert "[bold]=1+1<b>" in people("number", "list").out
    assert "=1+1" in people("directory", "show", CID).out


def test_rows_left_out_hold_no_formula(people: Cli, tmp_path: Path) -> None:
    (tmp_path / "evil.csv").write_text("tel,x\n=1+1,=2+2\n0612345678,y\n")
    people("directory", "import", "evil.csv", "--region", "FR", "--dry-run", "--errors", "bad.csv")
    with (tmp_path / "bad.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["tel"], row["x"]) == ("'=1+1", "'=2+2")


def test_nobody_answers_nothing_is_imported(
    people: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more.csv").write_text(f"tel\n{CID}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    people("directory", "import", "more.csv", code=1)
    assert len(items(people("directory", "list", "--json"))) == 2
    assert list((tmp_path / "callcamp-data" / "imports").iterdir()) == []


def test_instants_of_the_command_line() -> None:
    assert instant("x", None) is None
    at = instant("x", "2026-11-21T09:30+01:00")
    assert at is not None
    assert at.isoformat() == "2026-11-21T08:30:00+00:00"
    day = instant("x", "2026-11-21")
    assert day is not None
    assert (day.astimezone().hour, day.astimezone().minute) == (0, 0)


@pytest.mark.parametrize("others", [[""], [" "], ["a\udcff"], ["tel"], ["a", "a"]])
def test_unusable_further_columns(others: list[str]) -> None:
    with pytest.raises(InvalidInput):
        parse_mapping(["phone=tel"], others=others)
    with pytest.raises(InvalidInput):
        wanted_mapping(None, others, rest=False, preset="x")
