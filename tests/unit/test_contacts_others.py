"""Further numbers of the same person, from further columns of a file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from contacts_kit import stage_text

from callcamp.contacts.mapping import MAX_OTHERS, Mapping, resolve
from callcamp.contacts.staging import ROWS_FILE
from callcamp.core.places import place_of
from callcamp.errors import InvalidInput, LimitExceeded

FILE = (
    "tel,home,work,name\n"
    "0612345678,0140000001,+33 1 40 00 00 02,Ann\n"
    "0612345679,,abc,Bob\n"
    "0612345680,0612345680,0140000003,Cid\n"
    "0612345681,0140000004,01 40 00 00 04,Dee\n"
)
MAPPING = Mapping("tel", {"name": "name"}, others=("home", "work"))


def staged(folder: Path) -> list[tuple[str, list[str]]]:
    with closing(sqlite3.connect(folder / ROWS_FILE)) as db:
        rows = db.execute("SELECT phone, others FROM row ORDER BY rowid").fetchall()
    return [(phone, json.loads(others)) for phone, others in rows]


def test_each_row_has_its_usable_further_numbers_once_and_in_order(tmp_path: Path) -> None:
    report = stage_text(tmp_path, FILE, mapping=MAPPING).report
    assert staged(tmp_path) == [
        ("+33612345678", ["+33140000001", "+33140000002"]),
        ("+33612345679", []),
        ("+33612345680", ["+33140000003"]),
        ("+33612345681", ["+33140000004"]),
    ]
    assert report["others"] == ["home", "work"]
    assert report["unmapped"] == []
    assert report["examples"][0]["others"] == ["+33140000001", "+33140000002"]


def test_a_further_number_that_cannot_be_called_is_told_and_costs_no_row(tmp_path: Path) -> None:
    got = stage_text(tmp_path, FILE, mapping=MAPPING)
    assert got.report["valid"] == 4
    assert got.notes["others_refused"]["count"] == 1


def test_without_further_columns_nothing_changes(tmp_path: Path) -> None:
    report = stage_text(tmp_path, FILE, mapping=Mapping("tel", rest=True)).report
    assert report["others"] == []
    assert "others" not in report["examples"][0]
    assert set(report["variables"]) == {"home", "work", "name"}
    with closing(sqlite3.connect(tmp_path / ROWS_FILE)) as db:
        assert len(db.execute("PRAGMA table_info(row)").fetchall()) == 4


def test_the_place_is_told_with_the_further_numbers(tmp_path: Path) -> None:
    text = (
        "tel,home,State,note\n"
        "+12125551234,+13055551234,,Ann\n"
        "+18005551212,, CA ,Bob\n"
        '+18005551213,,"FL\n","say ""CA"""\n'
        "+442079460018,,,Dee\n"
    )
    for others in ((), ("home",)):
        stage_text(tmp_path, text, mapping=Mapping("tel", rest=True, others=others))
        with closing(sqlite3.connect(tmp_path / ROWS_FILE)) as db:
            found = db.execute("SELECT * FROM row ORDER BY rowid").fetchall()
        assert len(found) == 4
        for _row, phone, variables, place, *further in found:
            more = json.loads(further[0]) if further else ()
            assert place == place_of(phone, json.loads(variables), more).key
        assert "US-CA" in found[1][3]
        assert "US-FL" in found[2][3]


def test_a_further_column_is_no_variable_of_the_rest() -> None:
    plan = resolve(Mapping("tel", rest=True, others=("work",)), ["tel", "home", "work"])
    assert dict(plan.variables) == {"home": 1}
    assert plan.others == (2,)


def test_a_further_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    mapping = Mapping("tel", others=("fax", "HOME"))
    got = stage_text(tmp_path, FILE, mapping=mapping)
    assert got.notes["others_ignored"]["column"] == "fax"
    assert staged(tmp_path)[0] == ("+33612345678", ["+33140000001"])


def test_the_same_column_under_two_spellings_counts_once() -> None:
    plan = resolve(Mapping("tel", others=("TEL", "home", "Home ")), ["tel", "home"])
    assert plan.others == (1,)


def test_a_mapping_with_further_columns_can_be_saved() -> None:
    assert MAPPING.as_dict()["others"] == ["home", "work"]
    assert Mapping.from_dict(json.loads(json.dumps(MAPPING.as_dict()))) == MAPPING
    assert "others" not in Mapping("tel").as_dict()


@pytest.mark.parametrize("others", ["home", [""], [1], {"home": 1}, ["tel"], ["home", "home"]])
def test_unusable_further_columns_are_refused(others: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Mapping.from_dict({"phone": "tel", "others": others})
    assert caught.value.details["field"] == "mapping.others"


def test_there_is_a_limit() -> None:
    names = tuple(f"n{i}" for i in range(MAX_OTHERS + 1))
    assert Mapping("tel", others=names[:-1])
    with pytest.raises(LimitExceeded):
        Mapping("tel", others=names)
