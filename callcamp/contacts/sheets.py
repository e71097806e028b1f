"""Read workbooks, old (.xls) and new (.xlsx): cells as the texts that people see."""

from __future__ import annotations

import datetime as dt
from itertools import chain, islice
from pathlib import Path
from typing import Any

import python_calamine as calamine

from callcamp.contacts.table import Limits, ReadOptions, Row, Source
from callcamp.errors import InvalidInput, LimitExceeded


def cell_text(value: object) -> str:
    """Return the text of a cell as people see it: no ``.0``, dates as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # A spreadsheet shows 15 digits at most; phone numbers are floats without a fraction.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, dt.datetime):
        plain = value.replace(tzinfo=None)
        if plain.time() == dt.time.min:
            return plain.date().isoformat()
        return plain.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.timedelta):
        seconds = abs(round(value.total_seconds()))
        sign = "-" if value < dt.timedelta() else ""
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, dt.time):
        return value.isoformat(timespec="seconds")
    return "" if value is None else str(value)


def open_sheet(path: Path, kind: str, options: ReadOptions, limits: Limits) -> Source:
    """Open one sheet of a workbook for reading.

    Raises:
        InvalidInput: the workbook is damaged or protected, or has no such sheet.
        LimitExceeded: it has more columns than allowed.
    """
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if not names:
            raise InvalidInput("The workbook has no sheet.", field="file", value="no sheet")
        name = names[0] if options.sheet is None else options.sheet
        if name not in names:
            raise InvalidInput(
                f"There is no sheet {name!r}; there are: {', '.join(names)}.",
                field="sheet",
                value=name,
                sheets=names,
            )
        sheet = book.get_sheet_by_name(name)
    except calamine.PasswordError as error:
        raise InvalidInput(
            "The workbook is protected by a password; save it without one.",
            field="file",
            value="password",
        ) from error
    except calamine.CalamineError as error:
        raise InvalidInput(
            f"The workbook is damaged: {error}. Open it in a spreadsheet program and save it anew.",
            field="file",
            value="damaged",
        ) from error
    left = (sheet.start or (0, 0))[1]
    if left + sheet.width > limits.max_columns:
        raise LimitExceeded(
            f"The sheet has {left + sheet.width:,} columns; at most {limits.max_columns} are "
            "read. Delete what stands right of the table.",
            limit="max_columns",
            value=left + sheet.width,
        )
    source = SheetSource({"kind": kind, "sheet": name, "sheets": names}, sheet, limits)
    if len(names) > 1 and options.sheet is None:
        source.note(
            "first_sheet",
            f"The workbook has {len(names)} sheets; the first, {name!r}, was read.",
            sheets=names,
        )
    return source


class SheetSource(Source):
    """The rows of a sheet, as texts."""

    def __init__(self, facts: dict[str, Any], sheet: Any, limits: Limits) -> None:
        super().__init__(facts)
        self._height: int = max(1, sheet.height)
        self._cells = sheet.iter_rows()
        self._done = 0
        self._limits = limits

    def take(self, count: int) -> list[Row]:
        """Return the next rows."""
        rows = [
            [cell if type(cell) is str else cell_text(cell) for cell in cells]
            for cells in islice(self._cells, count)
        ]
        if max(map(len, chain.from_iterable(rows)), default=0) > self._limits.max_cell:
            longest, number = max(
                (max(map(len, row)), number) for number, row in enumerate(rows, self._done + 1)
            )
            raise LimitExceeded(
                f"Row {number} has a cell of {longest:,} characters; at most "
                f"{self._limits.max_cell:,} are read.",
                limit="max_cell",
                value=longest,
                row=number,
            )
        self._done += len(rows)
        return rows

    def fraction(self) -> float:
        """Return how far reading is; half of the work was done when the file was opened."""
        return 0.5 + 0.5 * self._done / self._height
