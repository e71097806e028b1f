"""Valid rows, invalid rows, duplicates, and what reaches a call."""

from __future__ import annotations

import json
from pathlib import Path

from contacts_kit import stage_bytes, stage_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcamp.contacts.mapping import Mapping, resolve
from callcamp.contacts.rows import MAX_VALUE_BYTES, Checker


def test_every_fault_has_row_column_value_and_reason(tmp_path: Path) -> None:
    long = "é" * (MAX_VALUE_BYTES // 2 + 1)
    text = (
        "name,phone\nAnn,0612345678\nBob,hello\nCid,\n,\nDee,0690000000\n"
        f"Eve,+33 6 12 34 56 78\n{long},0612345670\nF\x07x,0612345671\n=1+1,12\n"
    )
    got = stage_text(tmp_path, text)
    report = got.report
    assert got.phones == ["+33612345678"]
    assert (report["rows"], report["valid"], report["blank"]) == (8, 1, 1)
    assert (report["invalid"], report["duplicates_in_file"]) == (6, 1)
    assert report["reasons"] == {
        "not_a_number": 1,
        "too_short": 1,
        "empty": 1,
        "not_valid": 1,
        "duplicate_in_file": 1,
        "value_too_long": 1,
        "control_character": 1,
    }
    first = report["problems"][0]
    assert first == {
        "row": 3,
        "column": "phone",
        "value": "hello",
        "reason": "not_a_number",
        "text": "not a phone number",
    }
    duplicate = next(p for p in report["problems"] if p["reason"] == "duplicate_in_file")
    assert duplicate["row"] == 7
    assert "row 2" in duplicate["text"]
    assert len(got.errors) == 7
    assert got.errors[0]["row"] == "3"
    assert got.errors[0]["name"] == "Bob"
    assert got.errors[0]["explanation"] == "not a phone number"
    assert got.errors[-1]["name"] == "'=1+1", "a formula must not run in the error file either"


def test_an_invalid_row_does_not_take_a_number(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone,a\n0612345678,\x07\n0612345678,ok\n")
    assert got.row_numbers == [3]


def test_a_value_may_have_as_many_bytes_as_fit(tmp_path: Path) -> None:
    fits, over = "x" * MAX_VALUE_BYTES, "x" * (MAX_VALUE_BYTES + 1)
    got = stage_text(tmp_path, f"phone,a\n0612345678,{fits}\n0612345679,{over}\n")
    assert got.variables == [{"a": fits}]
    assert got.report["reasons"] == {"value_too_long": 1}


def test_faults_are_shown_up_to_a_number_and_kept_in_full(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone\n" + "".join(f"{i}x\n" for i in range(250)))
    assert len(got.report["problems"]) == 100
    assert len(got.errors) == got.report["invalid"] == 250


def test_examples_are_the_first_rows_as_they_will_be(tmp_path: Path) -> None:
    rows = "".join(f"06123{i:05},n{i}\n" for i in range(30))
    got = stage_text(tmp_path, f"phone,name\n{rows}")
    examples = got.report["examples"]
    assert len(examples) == 20
    assert examples[0] == {"row": 2, "phone": "+33612300000", "variables": {"name": "n0"}}


def test_without_a_country_only_international_numbers_count(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone\n0612345678\n+33612345679\n", region=None)
    assert got.phones == ["+33612345679"]
    assert got.report["reasons"] == {"no_country": 1}


def test_duplicates_are_found_over_chunks(tmp_path: Path) -> None:
    rows = "".join(f"06{i:08}\n" for i in range(12_000, 37_000))
    got = stage_text(tmp_path, f"phone\n{rows}{rows}")
    assert got.report["duplicates_in_file"] == got.report["valid"] == len(got.phones)


def test_nul_in_a_late_cell_is_no_value(tmp_path: Path) -> None:
    data = b"phone,a\n" + b"0612345678,x\n" * 6000 + b"0612345679,y\0z\n"
    got = stage_bytes(tmp_path, data)
    assert got.report["reasons"]["control_character"] == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=20))
def test_what_is_staged_can_go_to_asterisk(values: list[tuple[str, str]]) -> None:
    columns = ["phone", "a", "b"]
    checker = Checker(resolve(Mapping("phone", rest=True), columns), columns, "FR")
    rows = [[f"+336123{i:05d}", *pair] for i, pair in enumerate(values)]
    staged, problems = checker.check(2, rows)
    assert len(staged) + len(problems) == len(rows)
    for row, phone, document, _place in staged:
        given_row = rows[row - 2]
        assert phone == given_row[0]
        variables = json.loads(document)
        document.encode()
        for name, raw in zip(("a", "b"), given_row[1:], strict=True):
            value = variables[name]
            assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value)
            if raw.isprintable():
                assert value == raw.strip()
