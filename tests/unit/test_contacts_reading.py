"""Files of every kind become the same rows, with nothing lost."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
import xlwt
from contacts_kit import SEED_E, SEED_E_PEOPLE, SEED_E_PHONES, stage_bytes, stage_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcamp.contacts.sheets import cell_text
from callcamp.contacts.table import ReadOptions
from callcamp.contacts.text import find_dialect
from callcamp.errors import InvalidInput

MOJIBAKE = SEED_E.replace("é", "Ã©")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_the_sample_of_seed_e_loses_nothing(tmp_path: Path, encoding: str) -> None:
    got = stage_bytes(tmp_path, SEED_E.encode(encoding))
    assert got.phones == SEED_E_PHONES
    assert got.variables == SEED_E_PEOPLE
    assert got.row_numbers == [2, 3]
    assert got.errors == []
    assert got.notes["rows_joined"]["count"] == 2
    assert ("encoding_guessed" in got.notes) == (encoding in {"cp1252", "utf-16-le"})


def test_text_that_was_broken_before_stays_as_it_is(tmp_path: Path) -> None:
    got = stage_text(tmp_path, MOJIBAKE)
    assert got.variables[1]["address"] == "Avenue Des Champs-ElysÃ©es, Paris 08, FR"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_line_ends_are_found(tmp_path: Path, delimiter: str, line_end: str) -> None:
    rows = [
        ["nom", "téléphone", "montant"],
        ["O'Brien", "0612345678", "1,5"],
        ['Dit "Le Grand"', "0612345679", "a;b"],
        ["L'Hôte", "0612345670", "x|y"],
    ]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    got = stage_text(tmp_path, out.getvalue())
    assert got.report["file"]["delimiter"] == delimiter
    assert got.phones == ["+33612345678", "+33612345679", "+33612345670"]
    assert [[v["nom"], v["montant"]] for v in got.variables] == [[r[0], r[2]] for r in rows[1:]]


def test_what_was_found_can_be_overridden(tmp_path: Path) -> None:
    data = "tel;name\n0612345678;Zoë\n".encode("cp437")
    got = stage_bytes(tmp_path, data, encoding="cp437", delimiter=";", header=True)
    assert got.variables == [{"name": "Zoë"}]
    assert "encoding_guessed" not in got.notes
    with pytest.raises(InvalidInput, match="delimiter"):
        ReadOptions(delimiter='"')
    with pytest.raises(InvalidInput, match="encoding"):
        stage_bytes(tmp_path, data, encoding="klingon")
    with pytest.raises(InvalidInput, match="encoding"):
        stage_bytes(tmp_path, data, encoding="rot13")


def test_bytes_that_do_not_fit_are_named(tmp_path: Path) -> None:
    data = b"tel,name\n0612345678,Zo\xeb\n"
    with pytest.raises(InvalidInput, match="Line 2 is not utf-8") as caught:
        stage_bytes(tmp_path, data, encoding="utf-8")
    details = caught.value.details
    assert (details["row"], details["byte"], details["offset"]) == (2, 0xEB, data.index(0xEB))


def test_a_cut_character_at_the_end_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Line 2"):
        stage_bytes(tmp_path, b"tel\n0612345678\xc3", encoding="utf-8")


def test_a_late_odd_byte_makes_the_encoding_a_guess(tmp_path: Path) -> None:
    data = b"tel,name\n" + b"0612345678,A\n" * 200_000 + "0612345679,Zoë\n".encode("cp1252")
    got = stage_bytes(tmp_path, data)
    assert got.notes["encoding_guessed"]["encoding"] == "cp1252"
    assert got.variables[-1] == {"name": "Zoë"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (
            "имя;телефон\nАлексей Иванович Кузнецов;0612345678\nМария Петровна;0612345679\n",
            "cp1251",
        ),
        (
            "名前,電話\n山田太郎さんのお名前,0612345678\n鈴木花子さんのお名前,0612345679\n",
            "shift_jis",
        ),
        (
            "imię;telefon\nZażółć gęślą jaźń Wałęsa;0612345678\nŁódź Śródmieście;0612345679\n",
            "cp1250",
        ),
    ],
)
def test_other_alphabets_are_guessed(tmp_path: Path, text: str, encoding: str) -> None:
    got = stage_bytes(tmp_path, text.encode(encoding))
    names = [line.split(";" if ";" in text else ",")[0] for line in text.splitlines()[1:]]
    assert got.phones == ["+33612345678", "+33612345679"]
    assert [next(iter(v.values())) for v in got.variables] == names
    assert "encoding_guessed" in got.notes


def test_a_file_without_header_gets_numbered_columns(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "Ann,0612345678\nBob,0612345679\n")
    assert got.report["columns"] == ["column 1", "column 2"]
    assert got.row_numbers == [1, 2]
    assert got.variables == [{"column_1": "Ann"}, {"column_1": "Bob"}]
    assert "no_header" in got.notes


def test_a_lone_column_of_numbers(tmp_path: Path) -> None:
    assert stage_text(tmp_path, "0612345678\n0612345679\n").phones == [
        "+33612345678",
        "+33612345679",
    ]
    assert stage_text(tmp_path, "phone\n+33612345678").phones == ["+33612345678"]


def test_whether_there_is_a_header_can_be_told(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "0700,Ann\n0612345678,Bob\n", header=True)
    assert got.report["columns"] == ["0700", "Ann"]
    got = stage_text(tmp_path, "phone,name\n0612345678,Bob\n", header=False)
    assert got.report["columns"] == ["column 1", "column 2"]
    assert [error["row"] for error in got.errors] == ["1"]


def test_titles_and_blank_rows_do_not_shift_row_numbers(tmp_path: Path) -> None:
    text = "\nOur best customers\n\nname,phone\n\nAnn,0612345678\n,\nBob,12\n\n"
    got = stage_text(tmp_path, text)
    assert got.report["file"]["header_row"] == 4
    assert got.row_numbers == [6]
    assert [error["row"] for error in got.errors] == ["8"]
    assert (got.report["rows"], got.report["blank"]) == (2, 3)
    assert "title_rows_skipped" in got.notes


def test_columns_without_or_with_the_same_name_keep_apart(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone,,x,x,\n0612345678,a,b,c,d\n")
    assert got.report["columns"] == ["phone", "column 2", "x", "x (2)", "column 5"]
    assert got.variables == [{"column_2": "a", "x": "b", "x_2": "c", "column_5": "d"}]


def test_missing_cells_are_empty_and_empty_ones_too_many_are_nothing(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone,a,b\n0612345678\n0612345679,x,y,,,\n")
    assert got.variables == [{"a": "", "b": ""}, {"a": "x", "b": "y"}]
    assert got.notes["rows_padded"]["count"] == 1
    assert "rows_joined" not in got.notes


def test_a_line_break_in_a_cell_becomes_a_blank(tmp_path: Path) -> None:
    got = stage_text(tmp_path, 'phone,address\n0612345678,"1 High St\r\n\tLondon"\n0612345679,x\n')
    assert got.variables == [{"address": "1 High St London"}, {"address": "x"}]
    assert got.notes["line_breaks"]["count"] == 1
    assert got.row_numbers == [2, 3]


def test_backslashes_and_single_quotes_as_some_programs_write_them() -> None:
    assert find_dialect('a,b\n"x \\" y",1\n"z",2\n', None)["escapechar"] == "\\"
    assert find_dialect("a,b\n'x, y','1'\n'z','2'\n", None)["quotechar"] == "'"
    assert find_dialect("a,b\nO'Brien,1\nD'Arc,2\n", None)["quotechar"] == '"'


CELLS = [
    ["phone", "code", "amount", "when", "day", "at", "ok", "note"],
    [
        33612345678,
        "007",
        1.5,
        dt.datetime(2026, 3, 1, 9, 30),  # noqa: DTZ001 - workbooks know no zones
        dt.date(2026, 3, 2),
        dt.time(8, 5),
        True,
        "  Élysées ",
    ],
    ["06 12 34 56 79", "", 0.1 + 0.2, None, None, None, False, "=1+1"],
]
TEXTS = [
    {
        "code": "007",
        "amount": "1.5",
        "when": "2026-03-01 09:30:00",
        "day": "2026-03-02",
        "at": "08:05:00",
        "ok": "TRUE",
        "note": "Élysées",
    },
    {"code": "", "amount": "0.3", "when": "", "day": "", "at": "", "ok": "FALSE", "note": "=1+1"},
]


def test_a_workbook_reads_as_people_see_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in CELLS:
        sheet.append(row)
    sheet["H3"].data_type = "s"
    book.save(tmp_path / "a.xlsx")
    got = stage_bytes(tmp_path, (tmp_path / "a.xlsx").read_bytes(), "people.xlsx")
    assert got.phones == ["+33612345678", "+33612345679"]
    assert got.variables == TEXTS
    assert got.row_numbers == [2, 3]


def test_an_old_workbook_reads_as_people_see_it(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    formats = {
        dt.datetime: xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS"),
        dt.date: xlwt.easyxf(num_format_str="YYYY-MM-DD"),
        dt.time: xlwt.easyxf(num_format_str="HH:MM:SS"),
    }
    for i, row in enumerate(CELLS):
        for j, cell in enumerate(row):
            if cell is not None:
                sheet.write(i, j, cell, formats.get(type(cell), xlwt.Style.default_style))
    book.save(str(tmp_path / "a.xls"))
    got = stage_bytes(tmp_path, (tmp_path / "a.xls").read_bytes(), "people.xls")
    assert got.phones == ["+33612345678", "+33612345679"]
    assert got.variables == TEXTS


@pytest.mark.parametrize("kind", ["xls", "xlsx"])
def test_the_sample_of_seed_e_as_a_workbook(tmp_path: Path, kind: str) -> None:
    rows = list(csv.reader(io.StringIO(SEED_E), skipinitialspace=True))
    path = tmp_path / f"a.{kind}"
    if kind == "xls":
        old = xlwt.Workbook()
        old_sheet = old.add_sheet("S")
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                old_sheet.write(i, j, cell)
        old.save(str(path))
    else:
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        book.save(path)
    got = stage_bytes(tmp_path, path.read_bytes(), path.name)
    assert got.phones == SEED_E_PHONES
    # A sheet has columns without a name where a text has cells too many.
    last = ("address", "column_6", "column_7")
    assert [", ".join(v.pop(name) for name in last) for v in got.variables] == [
        person["address"] for person in SEED_E_PEOPLE
    ]
    assert got.variables == [
        {k: v for k, v in person.items() if k != "address"} for person in SEED_E_PEOPLE
    ]


def test_the_first_sheet_is_read_unless_another_is_chosen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "One"
    book.active["B3"] = "phone"
    book.active["B4"] = "0612345678"
    second = book.create_sheet("Two")
    second.append(["phone"])
    second.append(["0612345679"])
    path = tmp_path / "a.xlsx"
    book.save(path)
    data = path.read_bytes()
    got = stage_bytes(tmp_path, data, "a.xlsx")
    assert got.phones == ["+33612345678"]
    assert got.row_numbers == [4]
    assert got.notes["first_sheet"]["sheets"] == ["One", "Two"]
    assert stage_bytes(tmp_path, data, "a.xlsx", sheet="Two").phones == ["+33612345679"]
    with pytest.raises(InvalidInput, match="One, Two"):
        stage_bytes(tmp_path, data, "a.xlsx", sheet="Three")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (33612345678.0, "33612345678"),
        (-0.0, "0"),
        (1e20, "1e+20"),
        (1234.5, "1234.5"),
        (None, ""),
        (dt.timedelta(hours=30, minutes=5), "30:05:00"),
        (dt.timedelta(minutes=-5), "-0:05:00"),
        (dt.datetime(2026, 3, 1), "2026-03-01"),  # noqa: DTZ001
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_the_kind_is_told_by_what_is_inside(tmp_path: Path) -> None:
    got = stage_text(tmp_path, "phone\n0612345678\n", name="people.xls")
    assert got.report["file"]["kind"] == "csv"
    assert got.phones == ["+33612345678"]


plain_cells = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters='"\\'
    ),
    max_size=12,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.lists(plain_cells, min_size=0, max_size=7), min_size=1, max_size=12))
def test_ragged_rows_lose_nothing(tmp_path: Path, rests: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["phone", "a", "b", "c"])
    for i, rest in enumerate(rests):
        writer.writerow([f"+336123{i:05d}", *rest])
    got = stage_text(tmp_path, out.getvalue(), delimiter=",", header=True)
    assert got.phones == [f"+336123{i:05d}" for i in range(len(rests))]
    for rest, variables in zip(rests, got.variables, strict=True):
        while len(rest) > 3 and not rest[-1].strip():
            rest.pop()
        wanted = (
            [*rest[:2], ", ".join(rest[2:])] if len(rest) > 3 else rest + [""] * (3 - len(rest))
        )
        assert list(variables.values()) == [cell.strip() for cell in wanted]


def test_backslashes_and_apostrophes_in_a_standard_file_are_letters(tmp_path: Path) -> None:
    notes = ["O'Brien, C:\\", 'he said "yes"', "two\r\nlines", "end\\", "it's, so", "a\u2028b,"]
    rows = [["phone", "note"], *([f"061234567{i}", n] for i, n in enumerate(notes))]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    got = stage_text(tmp_path, out.getvalue())
    assert len(got.phones) == len(notes)
    assert got.variables[0]["note"] == notes[0]
    assert got.variables[3]["note"] == notes[3]


def test_the_sample_may_end_within_a_row(tmp_path: Path) -> None:
    rows = [["phone", "note"], *([f"06123456{i:02d}", f"O'Brien, {i}" * 60] for i in range(40))]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    got = stage_text(tmp_path, out.getvalue())
    assert len(got.phones) == 40
