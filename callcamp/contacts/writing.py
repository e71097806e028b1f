"""Write contacts and calls as a workbook or as CSV: ``python -m callcamp.contacts.writing``.

A process of its own does it: writing a workbook keeps a processor busy for a minute. It gets
the records as JSON lines after the job, puts them aside until all names of variables are known,
and writes row by row, so memory stays flat.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal, TextIO

from callcamp.contacts.safe import csv_row, xml_safe

Format = Literal["xlsx", "csv"]
What = Literal["contacts", "calls", "both"]
Cell = str | int | float | datetime | None

CONTACT_COLUMNS = (
    *("phone", "status", "calls", "last call (UTC)", "result", "result in words"),
    *("success", "outcome", "reason", "next call (UTC)", "other numbers", "called from"),
    "agent",
)
CALL_COLUMNS = (
    *("call id", "phone", "number of call", "status", "dialed (UTC)", "rang (UTC)"),
    *("answered (UTC)", "ended (UTC)", "ring_s", "talk_s", "result", "result in words"),
    *("at fault", "hangup cause", "SIP code", "dial status", "AMD", "AMD cause"),
    *("keys pressed", "played", "detail", "called from", "success", "success decided by"),
    *("outcome", "what next was decided by", "version of the rules", "agent"),
    *("agents in order", "connected (UTC)", "waited_s"),
)
END = ["end"]
"""The last record: without it records are missing, and no file may be written."""

SHEET_ROWS = 1_048_576
"""Rows of a sheet, the header among them; what is more goes to a further sheet."""

_TIME_COLUMNS = frozenset(
    {
        "last call (UTC)",
        "next call (UTC)",
        "dialed (UTC)",
        "rang (UTC)",
        "answered (UTC)",
        "ended (UTC)",
        "connected (UTC)",
    }
)


def write(job: dict[str, Any], records: Iterable[str]) -> list[str]:
    """Write the records to the files of a job; return their paths.

    Args:
        job: ``path``, ``fmt`` and ``what``.
        records: JSON lines: ``["contact", fixed columns, variables]``, ``["call", fixed columns,
            variables]`` and, last, :data:`END`.

    Raises:
        OSError: a file cannot be written, or records are missing.
    """
    path = Path(job["path"])
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        spool = _Spool(Path(folder), records)
        made = _write_xlsx if job["fmt"] == "xlsx" else _write_csv
        finished = made(Path(folder), path, job["what"], spool)
        for part, target in finished:
            part.replace(target)
    return [str(target) for _, target in finished]


class _Spool:
    """Records put aside in files, and the names of all variables."""

    def __init__(self, folder: Path, records: Iterable[str]) -> None:
        self._paths = {kind: folder / f"{kind}.jsonl" for kind in ("contact", "call")}
        names: dict[str, dict[str, None]] = {kind: {} for kind in self._paths}
        with ExitStack() as stack:
            files: dict[str, IO[str]] = {
                kind: stack.enter_context(path.open("w", encoding="utf-8"))
                for kind, path in self._paths.items()
            }
            for line in records:
                record = json.loads(line)
                if record == END:
                    break
                files[record[0]].write(line)
                names[record[0]].update(dict.fromkeys(record[2]))
            else:
                raise OSError("the records broke off")
        self._names = {kind: list(found) for kind, found in names.items()}

    def rows(self, kind: str) -> Iterator[list[Cell]]:
        """Yield the rows of ``contact`` or ``call``, their variables last."""
        names = self._names[kind]
        for record in self._records(kind):
            yield [*record[1], *(record[2].get(name) for name in names)]

    def columns(self, kind: str) -> list[str]:
        """Return the header of ``contact`` or ``call``; ours come first, and keep their names."""
        fixed = CONTACT_COLUMNS if kind == "contact" else CALL_COLUMNS
        ours = {name.casefold() for name in fixed}
        names = self._names[kind]
        return [*fixed, *(f"variable {n}" if n.casefold() in ours else n for n in names)]

    def _records(self, kind: str) -> Iterator[list[Any]]:
        with self._paths[kind].open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def _parts(what: What, spool: _Spool) -> list[tuple[str, list[str], Iterator[list[Cell]]]]:
    """Return title, header and rows of what is wanted."""
    parts = []
    if what in {"contacts", "both"}:
        parts.append(("Contacts", spool.columns("contact"), spool.rows("contact")))
    if what in {"calls", "both"}:
        parts.append(("Calls", spool.columns("call"), spool.rows("call")))
    return parts


def _write_csv(folder: Path, path: Path, what: What, spool: _Spool) -> list[tuple[Path, Path]]:
    """Write one CSV file a part; the second one has the part's name in its own."""
    finished = []
    for i, (title, header, rows) in enumerate(_parts(what, spool)):
        target = path if i == 0 else path.with_stem(f"{path.stem}-{title.lower()}")
        part = folder / f"{title}.csv"
        # With the mark, spreadsheet programs know that it is UTF-8.
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(csv_row(header))
            writer.writerows(
                csv_row("" if cell is None else xml_safe(str(cell)) for cell in row) for row in rows
            )
        finished.append((part, target))
    return finished


def _write_xlsx(folder: Path, path: Path, what: What, spool: _Spool) -> list[tuple[Path, Path]]:
    """Write one workbook with a sheet a part."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    for title, header, rows in _parts(what, spool):
        times = [name in _TIME_COLUMNS for name in header]
        left, sheets = 0, 0
        sheet: Any = None
        for row in rows:
            if not left:
                sheets += 1
                sheet = book.create_sheet(title if sheets == 1 else f"{title} {sheets}")
                sheet.freeze_panes = "A2"
                sheet.append([_text(WriteOnlyCell, sheet, name) for name in header])
                left = SHEET_ROWS - 1
            left -= 1
            sheet.append(
                [
                    _instant(cell)
                    if is_time and isinstance(cell, str)
                    else _text(WriteOnlyCell, sheet, cell)
                    if isinstance(cell, str)
                    else cell
                    for cell, is_time in zip(row, times, strict=True)
                ]
            )
        if sheet is None:
            sheet = book.create_sheet(title)
            sheet.append([_text(WriteOnlyCell, sheet, name) for name in header])
    part = folder / "export.xlsx"
    book.save(part)
    return [(part, path)]


def _instant(text: str) -> datetime:
    """Return an instant as workbooks know them: without a zone; the header names it."""
    return datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0)


def _text(make_cell: Callable[..., Any], sheet: Any, text: str) -> Any:
    """Return a cell that is a text and stays one, also after someone edits it."""
    clean = xml_safe(text)
    if not clean.startswith(("=", "#", "+", "-", "@")):
        return clean
    cell = make_cell(sheet, value="")
    cell.value = clean
    # The library takes what begins with = for a formula, and #N/A for an error.
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def main(stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout) -> None:
    """Read the job and the records, write the files, say which."""
    job = json.loads(stdin.readline())
    try:
        answer: dict[str, Any] = {"report": {"paths": write(job, stdin)}}
    except OSError as error:
        message = f"The export cannot be written: {error.strerror or error}."
        answer = {"error": {"id": "error", "message": message, "details": {}}}
    stdout.write(json.dumps(answer) + "\n")
    stdout.flush()


if __name__ == "__main__":
    main()
