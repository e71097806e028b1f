"""Files and short cuts for the tests of contacts."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.staging import ERRORS_FILE, ROWS_FILE, Job, stage
from callcamp.contacts.table import Limits, ReadOptions

DATA = Path(__file__).parent / "data"
SEED_E = (DATA / "seed_e.csv").read_text(encoding="utf-8")
SEED_E_PEOPLE = [
    {
        "firstname": "Big",
        "lastname": "Ben",
        "enterprise": "The Tower",
        "address": "Westminster, London SW1A 0AA, UK",
    },
    {
        "firstname": "Jean",
        "lastname": "Pierre",
        "enterprise": "The Startup",
        "address": "Avenue Des Champs-Elysées, Paris 08, FR",
    },
]
SEED_E_PHONES = ["+33101010101", "+33102020202"]


class Staged:
    """What staging a file gave."""

    def __init__(self, report: dict[str, Any], folder: Path) -> None:
        self.report = report
        with closing(sqlite3.connect(folder / ROWS_FILE)) as db:
            rows = db.execute("SELECT row_no, phone, variables FROM row ORDER BY rowid").fetchall()
        self.row_numbers = [row for row, _, _ in rows]
        self.phones = [phone for _, phone, _ in rows]
        self.variables = [json.loads(text) for _, _, text in rows]
        with (folder / ERRORS_FILE).open(encoding="utf-8-sig", newline="") as file:
            self.errors = list(csv.DictReader(file))
        self.notes = {note["note"]: note for note in report["notes"]}


def stage_bytes(
    folder: Path,
    data: bytes,
    name: str = "people.csv",
    *,
    region: str | None = "FR",
    mapping: Mapping | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Staged:
    """Stage the bytes of a file."""
    folder.mkdir(exist_ok=True)
    path = folder / "given"
    path.write_bytes(data)
    (folder / ROWS_FILE).unlink(missing_ok=True)
    report = stage(
        Job(path, name, folder, region, mapping, ReadOptions(**options), limits or Limits())
    )
    json.dumps(report)
    return Staged(report, folder)


def stage_text(folder: Path, text: str, **more: Any) -> Staged:
    """Stage a text as UTF-8."""
    return stage_bytes(folder, text.encode(), **more)


def xlsx_with_cells(path: Path, cells: dict[str, str]) -> None:
    """Write the smallest workbook that has these cells, wherever they are."""
    rows = "".join(
        f'<row r="{"".join(c for c in ref if c.isdigit())}">'
        f'<c r="{ref}" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for ref, text in cells.items()
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>'
        "</worksheet>",
    }
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
