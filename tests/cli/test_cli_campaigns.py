"""Trunks, campaigns, contacts and exports from the command line."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest
from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture

FILE = "tel,firstname,city\n+12025550101,Ann,Rome\n2025550102,Bob,Oslo\nabc,Cid,Bern\n"
EVIL = "\x1b[31m[bold]x[/bold]\u202e"


@pytest.fixture
def camp(cli: Cli, with_trunk: Path, tmp_path: Path) -> Cli:  # noqa: F811
    shutil.copytree(with_trunk, tmp_path, dirs_exist_ok=True)
    return cli


@pytest.fixture
def people(tmp_path: Path) -> str:
    (tmp_path / "people.csv").write_text(FILE)
    return "people.csv"


def test_trunks(camp: Cli) -> None:
    camp("trunk", "set", "carrier", "--dial", "PJSIP/{number}@c2", "--max-channels", "9")
    (trunk,) = camp("trunk", "list", "--json").json["items"]
    assert trunk == {
        "id": 1,
        "name": "carrier",
        "dial_string": "PJSIP/{number}@c2",
        "cps": 5.0,
        "max_channels": 9,
    }
    assert "PJSIP/{number}@c2" in camp("trunk", "list").out
    assert "{number} once" in camp("trunk", "set", "t", "--dial", "PJSIP/x", code=2).err


def test_the_main_job_step_by_step(camp: Cli, people: str, tmp_path: Path) -> None:
    camp("campaign", "create", "Spring", "--prompt", "hello")
    ran = camp("campaign", "start", "1", "--json", code=1)
    assert set(ran.json["error"]["details"]["missing"]) == {"contacts"}
    ran = camp(
        *("contacts", "import", "1", people, "--map", "phone=tel", "--map", "name=firstname"),
        *("--yes", "--errors", "bad.csv"),
    )
    assert "row 4: not a phone number (abc)" in ran.out
    assert "Import 1 added 2 contacts." in ran.out
    assert "Columns not used: city" in ran.out
    with (tmp_path / "bad.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["tel"] for row in csv.DictReader(file)] == ["abc"]
    assert "running" in camp("campaign", "start", "1").out
    assert camp("campaign", "pause", "1", "--json").json["status"] == "paused"
    assert camp("campaign", "resume", "1", "--json").json["status"] == "running"
    ran = camp("campaign", "stop", "1", "--yes", "--json")
    assert ran.json["status"] == "canceled"
    ran = camp("campaign", "resume", "1", "--json", code=1)
    assert ran.json["error"]["id"] == "illegal_transition"
    camp("export", "1", "r.csv", "--what", "both", "--json")
    camp("export", "1", "r.xlsx")
    assert (tmp_path / "r.xlsx").stat().st_size > 1000


def test_a_preview_adds_nothing_and_leaves_nothing(
    camp: Cli, people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camp("campaign", "create", "Spring")
    camp("contacts", "import", "1", people, "--dry-run")
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody answers
    camp("contacts", "import", "1", people, code=1)
    assert camp("campaign", "show", "1", "--json").json["total"] == 0
    assert list((tmp_path / "callcamp-data" / "imports").iterdir()) == []


def test_replace_and_undo(camp: Cli, people: str, tmp_path: Path) -> None:
    camp("campaign", "create", "Spring")
    camp("contacts", "import", "1", people, "--yes")
    (tmp_path / "more.csv").write_text("phone\n2025550177\n")
    camp("contacts", "import", "1", "more.csv", "--yes", "--replace")
    assert camp("campaign", "show", "1", "--json").json["total"] == 1
    assert camp("contacts", "undo", "2", "--json").json == {"id": 2, "removed": 1}
    assert camp("contacts", "undo", "2", "--json", code=1).json["error"]["id"] == "conflict"
    listed = camp("contacts", "imports", "1", "--json").json["items"]
    assert listed[0]["status"] == "undone"
    assert "more.csv" in camp("contacts", "imports", "1").out


def test_what_becomes_of_duplicates_is_chosen_and_told(camp: Cli, tmp_path: Path) -> None:
    camp("campaign", "create", "Spring")
    (tmp_path / "one.csv").write_text("phone,city\n2025550177,Oslo\n")
    (tmp_path / "two.csv").write_text("phone,city\n2025550177,Rome\n2025550178,Nice\n")
    camp("contacts", "import", "1", "one.csv", "--yes")
    ran = camp("contacts", "import", "1", "two.csv", "--yes", "--on-duplicate", "update")
    assert "added 1 contact." in ran.out
    assert "1 were there already and are updated." in ran.out
    items = camp("contacts", "list", "1", "--json").json["items"]
    assert [one["variables"]["city"] for one in items] == ["Rome", "Nice"]
    ran = camp("contacts", "import", "1", "two.csv", "--yes", "--json")
    done = {"duplicates": 2, "updated": 0, "reopened": 0, "suppressed": 0}
    assert ran.json["report"]["done"] == done
    camp("contacts", "import", "1", "two.csv", "--yes", "--on-duplicate", "x", code=2)


def test_a_file_without_a_usable_row_is_a_failure(camp: Cli, tmp_path: Path) -> None:
    camp("campaign", "create", "Spring")
    (tmp_path / "bad.csv").write_text("phone,name\nabc,x\ndef,y\n")
    assert "nothing to import" in camp("contacts", "import", "1", "bad.csv", "--yes", code=1).out


def test_a_mapping_is_saved_and_used_again(camp: Cli, people: str) -> None:
    camp("campaign", "create", "Spring")
    camp("campaign", "create", "Autumn")
    assert "No mapping presets" in camp("contacts", "presets").out
    maps = ("--map", "phone=tel", "--map", "name=firstname")
    ran = camp("contacts", "import", "1", people, *maps, "--save-preset", "my CRM", "--yes")
    assert "--preset 'my CRM'" in ran.err + ran.out
    (saved,) = camp("contacts", "presets", "--json").json["items"]
    mapping = {"phone": "tel", "variables": {"name": "firstname"}, "rest": False}
    assert (saved["name"], saved["mapping"]) == ("my CRM", mapping)
    assert "name=firstname" in camp("contacts", "presets").out
    ran = camp("contacts", "import", "2", people, "--preset", "my CRM", "--yes", "--json")
    assert ran.json["report"]["mapping"] == mapping
    assert ran.json["added"] == 2
    for arguments in (("--preset", "x", *maps), ("--preset", "x", "--rest")):
        camp("contacts", "import", "2", people, *arguments, code=2)
    ran = camp("contacts", "import", "2", people, "--preset", "x", "--json", code=1)
    assert ran.json["error"]["id"] == "not_found"
    assert "my CRM" in ran.json["error"]["message"]
    deleted = camp("contacts", "preset-delete", "my CRM", "--json").json
    assert deleted == {"name": "my CRM", "deleted": True}
    assert "my CRM" in camp("contacts", "preset-delete", "my CRM", code=1).err
    assert camp("contacts", "presets", "--json").json == {"items": []}


def test_a_mapping_that_was_found_is_saved_in_full(camp: Cli, people: str) -> None:
    camp("campaign", "create", "Spring")
    camp("contacts", "import", "1", people, "--save-preset", "dry", "--dry-run")
    camp("contacts", "import", "1", people, "--save-preset", "a\u202eb", "--yes", code=2)
    assert camp("contacts", "presets", "--json").json == {"items": []}
    assert camp("campaign", "show", "1", "--json").json["total"] == 0
    camp("contacts", "import", "1", people, "--save-preset", "found", "--yes")
    (saved,) = camp("contacts", "presets", "--json").json["items"]
    variables = {"firstname": "firstname", "city": "city"}
    assert saved["mapping"] == {"phone": "tel", "variables": variables, "rest": False}
    maps = ("--map", "phone=tel", "--rest", "--save-preset", "found")
    camp("contacts", "import", "1", people, "--replace", *maps, "--yes")
    assert "and every other column" in camp("contacts", "presets").out
    assert "found" in camp("contacts", "preset-delete", "found").out


@pytest.mark.parametrize(
    "pairs", [["phone"], ["=tel"], ["phone="], ["name=firstname"], ["phone=a", "phone=b"]]
)
def test_unusable_mappings(camp: Cli, people: str, pairs: list[str]) -> None:
    camp("campaign", "create", "Spring")
    options = [part for pair in pairs for part in ("--map", pair)]
    camp("contacts", "import", "1", people, *options, code=2)


def test_rows_left_out_cannot_be_written(camp: Cli, people: str) -> None:
    camp("campaign", "create", "x")
    nowhere = ["--errors", "/nonexistent/rows.csv", "--dry-run", "--json"]
    ran = camp("contacts", "import", "1", people, *nowhere, code=2)
    assert ran.json["error"]["details"]["field"] == "errors"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_a_device_is_no_file_to_import(camp: Cli, tmp_path: Path, device: str) -> None:
    camp("campaign", "create", "x")
    assert camp("contacts", "import", "1", device, "--yes", "--json", code=2).json
    assert not list(tmp_path.rglob("upload"))


def test_a_mapping_of_bytes_that_are_no_text(camp: Cli, people: str) -> None:
    camp("campaign", "create", "x")
    pairs = ["--map", "phone=phone", "--map", "na\udcffme=name", "--yes", "--json"]
    assert camp("contacts", "import", "1", people, *pairs, code=2).json["error"]["message"]


def test_names_with_escapes_and_markup_are_printed_harmlessly(camp: Cli, tmp_path: Path) -> None:
    camp("trunk", "set", "[red]t", "--dial", "PJSIP/{number}@a")
    camp("campaign", "create", "Spring [red]", "--trunk", "carrier", "--description", EVIL)
    assert camp("campaign", "create", EVIL, "--trunk", "carrier", "--json", code=2).json
    (tmp_path / "evil.csv").write_text(f"phone,x\n{EVIL},1\n2025550101,{EVIL}\n2025550102,y\n")
    camp("campaign", "create", "x", "--trunk", "[red]t")
    outputs = [
        camp("trunk", "list"),
        camp("campaign", "list"),
        camp("campaign", "show", "1"),
        camp("campaign", "show", "1", "--json"),
        camp("campaign", "create", EVIL, "--trunk", "carrier", code=2),
        camp("campaign", "create", "x", "--trunk", EVIL, code=2),
        camp("contacts", "import", "2", "evil.csv", "--yes"),
    ]
    for ran in outputs:
        assert not set(ran.out + ran.err) & set("\x1b\x9b\u202e")
    assert "[red]t" in outputs[0].out
    assert "Spring [red]" in outputs[1].out


def test_what_does_not_exist_is_named(camp: Cli) -> None:
    for arguments in (
        ("campaign", "show", "9"),
        ("campaign", "start", "9"),
        ("contacts", "undo", "9"),
        ("export", "9", "x.csv"),
    ):
        ran = camp(*arguments, "--json", code=1)
        assert ran.json["error"]["id"] == "not_found"
