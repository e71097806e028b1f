"""What is refused, and that the refusal says why."""

from __future__ import annotations

import random
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from contacts_kit import stage_bytes, stage_text, xlsx_with_cells

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.table import Limits
from callcamp.errors import InvalidInput, LimitExceeded

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"%PDF-1.7 phone\n0612345678", "people.csv", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "people.csv", "PNG"),
        (b"<html><table><tr><td>0612345678", "people.xls", "web page"),
        (b'\xef\xbb\xbf  <?xml version="1.0"?><a/>', "people.xls", "XML"),
        (b'{"phone": "0612345678"}', "people.csv", "JSON"),
        (b"\x1f\x8b\x08\0\0", "people.csv", "gzip"),
        (random.Random(1).randbytes(5000), "people.csv", "no text"),
        (b"phone\n\0\0\0\0612345678", "people.csv", "no text"),
        (OLE + b"\0" * 600, "people.xls", "no workbook"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "people.xlsx", "password"),
        (OLE + "Workbook".encode("utf-16-le") + b"\0" * 600, "people.xls", "damaged"),
        (b"PK\x03\x04 and then nothing", "people.xlsx", "damaged"),
        (b"phone\n0612345678\n", "people.pdf", r"\.pdf are not read"),
        (b"", "people.csv", "empty"),
        (b"\n\n \n,,\n", "people.csv", "empty"),
    ],
)
def test_files_of_a_wrong_kind(tmp_path: Path, data: bytes, name: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        stage_bytes(tmp_path, data, name)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (["word/document.xml"], "no workbook"),
        (["mimetype", "content.xml"], "OpenDocument"),
        (["xl/workbook.bin"], "XLSB"),
        (["xl/workbook.xml"], "damaged"),
    ],
)
def test_archives_that_are_no_workbook(tmp_path: Path, members: list[str], words: str) -> None:
    path = tmp_path / "a.zip"
    with ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, "<x/>")
    with pytest.raises(InvalidInput, match=words):
        stage_bytes(tmp_path, path.read_bytes(), "people.xlsx")


@pytest.mark.parametrize("data", [b"phone,name\n", b"phone\n\n,\n"])
def test_a_header_alone_is_no_list(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInput, match="only a header"):
        stage_bytes(tmp_path, data)


def test_a_header_alone_in_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.save(tmp_path / "empty.xlsx")
    book.active.append(["phone", "name"])
    book.save(tmp_path / "header.xlsx")
    with pytest.raises(InvalidInput, match="empty"):
        stage_bytes(tmp_path, (tmp_path / "empty.xlsx").read_bytes(), "a.xlsx")
    with pytest.raises(InvalidInput, match="only a header"):
        stage_bytes(tmp_path, (tmp_path / "header.xlsx").read_bytes(), "a.xlsx")


def test_too_large_a_file(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="MiB") as caught:
        stage_text(tmp_path, "phone\n0612345678\n", limits=Limits(max_bytes=10))
    assert caught.value.details == {"limit": "import_max_mib", "value": 17}


def test_too_many_rows(tmp_path: Path) -> None:
    text = "phone\n" + "".join(f"06123{i:05}\n\n" for i in range(30_000))
    limits = Limits(max_rows=30_000)
    assert len(stage_text(tmp_path, text, limits=limits).phones) == 30_000
    with pytest.raises(LimitExceeded, match="more than 30,000 rows") as caught:
        stage_text(tmp_path, text + "0712345678\n", limits=limits)
    assert caught.value.details["limit"] == "import_max_rows"


def test_too_many_columns(tmp_path: Path) -> None:
    wide = "phone" + ",x" * 256
    with pytest.raises(LimitExceeded, match="257 columns"):
        stage_text(tmp_path, f"{wide}\n0612345678\n")
    with pytest.raises(LimitExceeded, match="Row 3 has 300 columns"):
        stage_text(tmp_path, "phone,a\n0612345678,x\n0612345679" + ",y" * 299 + "\n")
    xlsx_with_cells(tmp_path / "a.xlsx", {"A1": "phone", "ZZ2": "x"})
    with pytest.raises(LimitExceeded, match="702 columns"):
        stage_bytes(tmp_path, (tmp_path / "a.xlsx").read_bytes(), "a.xlsx")


def test_too_many_variables(tmp_path: Path) -> None:
    header = "phone," + ",".join(f"v{i}" for i in range(101))
    text = f"{header}\n0612345678\n"
    with pytest.raises(LimitExceeded, match="101 variables"):
        stage_text(tmp_path, text)
    assert stage_text(tmp_path, text, mapping=Mapping("phone", {"v0": "v0"})).phones


def test_too_long_a_cell(tmp_path: Path) -> None:
    long = "x" * 32_768
    with pytest.raises(LimitExceeded, match="Line 2"):
        stage_text(tmp_path, f"phone,a\n0612345678,{long}\n")
    with pytest.raises(LimitExceeded, match="never closed"):
        stage_text(tmp_path, 'phone,a\n0612345678,"x\n' + "0612345679,y\n" * 5000)
    xlsx_with_cells(tmp_path / "a.xlsx", {"A1": "phone", "A2": "0612345678", "B2": long})
    with pytest.raises(LimitExceeded, match="Row 2"):
        stage_bytes(tmp_path, (tmp_path / "a.xlsx").read_bytes(), "a.xlsx")


def test_a_workbook_that_unpacks_to_too_much(tmp_path: Path) -> None:
    xlsx_with_cells(tmp_path / "a.xlsx", {"A1": "phone", "A2": "0" * 30_000})
    with pytest.raises(LimitExceeded, match="unpacks"):
        stage_bytes(
            tmp_path,
            (tmp_path / "a.xlsx").read_bytes(),
            "a.xlsx",
            limits=Limits(max_unpacked_bytes=20_000),
        )


BILLIONS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))
"""Entities of entities: the last one, written out, is twenty thousand million letters."""


@pytest.mark.parametrize("what", ["<t>&e9;</t>", "<t>&own;</t>"])
def test_a_workbook_whose_xml_wants_to_grow_or_to_read_files(tmp_path: Path, what: str) -> None:
    own = tmp_path / "secret.txt"
    own.write_text("0698765432 the content of a file of this machine")
    xlsx_with_cells(tmp_path / "a.xlsx", {"A1": "phone", "B1": "name", "A2": "0612345678"})
    doctype = f'<!DOCTYPE worksheet [{BILLIONS}<!ENTITY own SYSTEM "{own.as_uri()}">]>'
    cell = f'<c r="B2" t="inlineStr"><is>{what}</is></c></row></sheetData>'
    with ZipFile(tmp_path / "a.xlsx") as good, ZipFile(tmp_path / "b.xlsx", "w") as bad:
        for member in good.namelist():
            text = good.read(member).decode()
            if member.endswith("sheet1.xml"):
                changed = text.replace("</row></sheetData>", cell).replace(
                    "<worksheet", doctype + "<worksheet", 1
                )
                assert changed.count(what) == changed.count("<!DOCTYPE") == 1
                text = changed
            bad.writestr(member, text)
    # No entity is written out, whatever it stands for.
    with pytest.raises(InvalidInput, match="unrecognized entity") as caught:
        stage_bytes(tmp_path, (tmp_path / "b.xlsx").read_bytes(), "b.xlsx")
    assert "content of a file" not in str(caught.value.as_dict())


def test_no_column_for_the_phone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No column looks like") as caught:
        stage_text(tmp_path, "name,city\nAnn,Paris\n")
    assert caught.value.details["columns"] == ["name", "city"]
    with pytest.raises(InvalidInput, match="'name', 'phone'") as caught:
        stage_text(tmp_path, "name,phone\nAnn,0612345678\n", mapping=Mapping("Num_Tel"))
    assert caught.value.details["columns"] == ["name", "phone"]
