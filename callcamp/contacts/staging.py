"""The preview of a file: its rows go to a staging file, its faults to another, its sum to a report.

A folder holds the lot, and can be thrown away at any time: the database is not touched here.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from callcamp.contacts.mapping import Mapping, Plan, propose, resolve
from callcamp.contacts.rows import Checker, Problem, Staged
from callcamp.contacts.safe import csv_row
from callcamp.contacts.sheets import open_sheet
from callcamp.contacts.sniff import FileKind, check_size, detect
from callcamp.contacts.table import Limits, ReadOptions, Source, Table, as_table
from callcamp.contacts.text import open_text
from callcamp.errors import InvalidInput

ROWS_FILE = "rows.sqlite3"
ERRORS_FILE = "errors.csv"
UPLOAD_FILE = "upload"
EXAMPLES = 20
SHOWN_PROBLEMS = 100
_AT_ONCE = 50

Progress = Callable[[float, int], None]
"""Called with how far it is, from 0 to 1, and how many rows were read."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to read and how.

    Args:
        path: the file.
        filename: its name as the person knows it.
        folder: where the staging file and the file of faults go; it exists.
        region: country of numbers written without one.
        mapping: what becomes of the columns; None: by the look of it.
        options: what the person set.
        limits: how large a file may be.
    """

    path: Path
    filename: str
    folder: Path
    region: str | None
    mapping: Mapping | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    limits: Limits = field(default_factory=Limits)


def open_source(job: Job) -> Source:
    """Open a file, whatever kind it is.

    Raises:
        InvalidInput: it cannot be read.
        LimitExceeded: it is too large.
    """
    check_size(job.path, job.limits)
    kind = detect(job.path, job.filename, job.limits)
    if kind is FileKind.TEXT:
        return open_text(job.path, job.options, job.limits)
    return open_sheet(job.path, kind.value, job.options, job.limits)


def stage(job: Job, progress: Progress = lambda _fraction, _rows: None) -> dict[str, Any]:
    """Read and check a file; return the report (JSON-able).

    Raises:
        InvalidInput: the file, its encoding or the mapping is not usable.
        LimitExceeded: something is too large.
    """
    source = open_source(job)
    try:
        table = as_table(source, job.options, job.limits)
        mapping = job.mapping or propose(table.columns, table.head)
        plan = resolve(mapping, table.columns)
        checker = Checker(plan, table.columns, job.region)
        shown: list[Problem] = []
        examples: list[Staged] = []
        with (
            closing(_Rows(job.folder / ROWS_FILE, others=bool(plan.others))) as staging,
            closing(_Faults(job.folder / ERRORS_FILE, table.columns)) as faults,
        ):
            for first_row, rows in table.chunks():
                staged, problems = checker.check(first_row, rows)
                staging.add(staged)
                faults.add(problems)
                if len(examples) < EXAMPLES:
                    examples += staged[: EXAMPLES - len(examples)]
                if len(shown) < SHOWN_PROBLEMS:
                    shown += problems[: SHOWN_PROBLEMS - len(shown)]
                progress(source.fraction(), checker.counts.rows)
            staging.commit()
        if checker.counts.rows == 0:
            raise InvalidInput(
                "The file has only a header: there is nobody to call.", field="file", value="header"
            )
    finally:
        source.close()
    return _report(job, table, plan, checker, (examples, shown))


class _Rows:
    """The staging file: ``row(row_no, phone, variables, place)``, each phone once.

    With further numbers there is a fifth column ``others``, a JSON list of numbers.
    """

    def __init__(self, path: Path, *, others: bool) -> None:
        self._row = "(?,?,?,?,?)" if others else "(?,?,?,?)"
        self._db = sqlite3.connect(path, isolation_level=None)
        # It is thrown away when anything goes wrong, so it need not survive that.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("BEGIN")
        self._db.execute(
            "CREATE TABLE row (row_no INTEGER PRIMARY KEY, phone TEXT NOT NULL,"
            " variables TEXT NOT NULL, place TEXT NOT NULL"
            f"{', others TEXT NOT NULL' if others else ''})"
        )

    def add(self, rows: list[Staged]) -> None:
        # Many rows a statement: a third less work than one by one.
        whole = len(rows) - len(rows) % _AT_ONCE
        self._db.executemany(
            f"INSERT INTO row VALUES {','.join([self._row] * _AT_ONCE)}",  # noqa: S608 - placeholders only
            (list(chain(*rows[i : i + _AT_ONCE])) for i in range(0, whole, _AT_ONCE)),
        )
        self._db.executemany(f"INSERT INTO row VALUES {self._row}", rows[whole:])  # noqa: S608 - placeholders only

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


class _Faults:
    """The file of rows that are not imported: where, why, and the row as it was."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(csv_row(["row", "reason", "explanation", "in column", *columns]))

    def add(self, problems: list[Problem]) -> None:
        self._writer.writerows(
            csv_row([str(p.row), p.reason, p.text, p.column, *p.cells]) for p in problems
        )

    def close(self) -> None:
        self._file.close()


def _report(
    job: Job,
    table: Table,
    plan: Plan,
    checker: Checker,
    samples: tuple[list[Staged], list[Problem]],
) -> dict[str, Any]:
    """Return what a person has to know before confirming."""
    counts, source = checker.counts, table.source
    examples, shown = samples
    for variable, column in plan.ignored:
        source.note(
            "mapping_ignored",
            f"The file has no column {column!r}, so the variable {variable!r} stays empty.",
            variable=variable,
            column=column,
        )
    for column in plan.missing_others:
        source.note(
            "others_ignored",
            f"The file has no column {column!r} of further numbers.",
            column=column,
        )
    for variable, wanted in plan.renamed:
        source.note(
            "variable_renamed",
            f"The variable for {wanted!r} is called {variable}.",
            variable=variable,
            wanted=wanted,
        )
    for slug, count, text in (
        ("rows_joined", table.joined, "rows had cells too many; they went to the last column."),
        ("rows_padded", table.padded, "rows had cells too few; the missing ones are empty."),
        ("line_breaks", counts.folded, "values had line breaks or tabs; they became blanks."),
        (
            "others_refused",
            counts.others_refused,
            "further numbers cannot be called and were left out; their rows are imported.",
        ),
    ):
        if count:
            source.note(slug, f"{count:,} {text}", count=count)
    return {
        "file": {
            "name": job.filename,
            "bytes": job.path.stat().st_size,
            "header_row": table.header_row,
            **source.facts,
        },
        "columns": table.columns,
        "mapping": plan.mapping.as_dict(),
        "mapping_proposed": job.mapping is None,
        "variables": {name: table.columns[i] for name, i in plan.variables},
        "others": [table.columns[i] for i in plan.others],
        "unmapped": list(plan.unmapped),
        "ignored": [{"variable": v, "column": c} for v, c in plan.ignored],
        "renamed": [{"variable": v, "wanted": w} for v, w in plan.renamed],
        "region": job.region,
        "rows": counts.rows,
        "blank": counts.blank,
        "valid": counts.valid,
        "invalid": counts.invalid,
        "duplicates_in_file": counts.duplicates,
        "duplicates_in_campaign": 0,
        "reasons": dict(counts.reasons),
        "problems": [
            {
                "row": p.row,
                "column": p.column,
                "value": p.value[:200],
                "reason": p.reason,
                "text": p.text,
            }
            for p in shown
        ],
        "examples": [
            {
                "row": row,
                "phone": phone,
                "variables": json.loads(variables),
                **({"others": json.loads(others[0])} if others else {}),
            }
            for row, phone, variables, _place, *others in examples
        ],
        "notes": source.notes,
    }
