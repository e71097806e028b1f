"""What every kind of file becomes: columns with names, and rows of texts.

Row numbers are those a spreadsheet shows: the first row of the file is 1, blank rows count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callcamp.errors import InvalidInput, LimitExceeded

Row = list[str]
CHUNK_ROWS = 2_000
HEAD_ROWS = 100
_PHONE_LIKE = re.compile(r"[\s(]*\+?[\s()./-]*(?:[0-9][\s()./-]*){6,17}")
_ONLY_NUMBER = re.compile(r"[+-]?[0-9][0-9 .,:/-]*")


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be.

    Args:
        max_bytes: size of the file.
        max_rows: rows with something in them, the header not counted.
        max_columns: columns.
        max_cell: characters in one cell (32,767 is what a spreadsheet cell can hold).
        max_unpacked_bytes: size of a workbook's parts when unpacked.
    """

    max_bytes: int = 100 * 1024 * 1024
    max_rows: int = 500_000
    max_columns: int = 256
    max_cell: int = 32_767
    max_unpacked_bytes: int = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a person may set when the file's own signs mislead; None: find out.

    Args:
        encoding: name of the text encoding.
        delimiter: one character between cells.
        header: whether the first row holds the names of the columns.
        sheet: name of the sheet of a workbook.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '"\r\n\0' or self.delimiter.isalnum()
        ):
            raise InvalidInput(
                f"The delimiter {self.delimiter!r} is not usable; give one character such as "
                "a comma, a semicolon or a tab.",
                field="delimiter",
                value=self.delimiter,
            )


class Source:
    """A file that is being read: its raw rows and what was found out about it.

    Args:
        facts: kind, encoding, delimiter, sheet (JSON-able).
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.notes: list[dict[str, Any]] = []

    def take(self, count: int) -> list[Row]:
        """Return the next rows, at most ``count``; none when all were read.

        Blank rows are there, as an empty list or as empty cells.
        """
        raise NotImplementedError

    def fraction(self) -> float:
        """Return how far reading is, from 0 to 1."""
        return 0.0

    def close(self) -> None:
        """Let go of the file; safe twice."""

    def note(self, slug: str, text: str, **facts: Any) -> None:
        """Tell the person who imports something."""
        self.notes.append({"note": slug, "text": text, **facts})


@dataclass(slots=True)
class Table:
    """Named columns and, chunk by chunk, rows that all have that many cells."""

    columns: list[str]
    header_row: int | None
    head: list[Row]
    source: Source
    limits: Limits
    first_row: int
    joined: int = 0
    padded: int = 0

    def chunks(self) -> Iterator[tuple[int, list[Row]]]:
        """Yield the number of the first row of a chunk, and its rows; to be read once.

        Raises:
            LimitExceeded: there are more rows or columns than allowed.
        """
        number = self.first_row
        filled = 0
        chunk, self.head = self.head, []
        while chunk := chunk or self.source.take(CHUNK_ROWS):
            if set(map(len, chunk)) != {len(self.columns)}:
                chunk = [self._fit(row, number + i) for i, row in enumerate(chunk)]
            filled += sum(map(any, chunk))
            if filled > self.limits.max_rows:
                raise LimitExceeded(
                    f"The file has more than {self.limits.max_rows:,} rows; split it.",
                    limit="import_max_rows",
                    value=self.limits.max_rows,
                )
            yield number, chunk
            number += len(chunk)
            chunk = []

    def _fit(self, row: Row, number: int) -> Row:
        """Return ``row`` with one cell per column, losing nothing."""
        width = len(self.columns)
        if len(row) < width:
            # A blank row is no ragged row.
            self.padded += bool(row)
            return row + [""] * (width - len(row))
        used = len(row)
        while used > width and not row[used - 1].strip():
            used -= 1
        if used == width:
            return row[:width]
        if used > self.limits.max_columns:
            raise too_many_columns(used, self.limits.max_columns, number)
        self.joined += 1
        return [*row[: width - 1], ", ".join(row[width - 1 : used])]


def too_many_columns(count: int, limit: int, row: int) -> LimitExceeded:
    """Return the refusal of a row with too many cells."""
    return LimitExceeded(
        f"Row {row} has {count:,} columns; at most {limit} are read.",
        limit="max_columns",
        value=count,
        row=row,
    )


def looks_like_phone(text: str) -> bool:
    """Whether a text has the shape of a phone number, whatever its country."""
    return _PHONE_LIKE.fullmatch(text) is not None


def as_table(source: Source, options: ReadOptions, limits: Limits) -> Table:
    """Find the header of a source, or name its columns.

    Raises:
        InvalidInput: there is nothing to read.
        LimitExceeded: there are too many columns.
    """
    head = source.take(HEAD_ROWS)
    number = 1
    while head and not any(cell.strip() for cell in head[0]):
        head.pop(0)
        number += 1
        if not head:
            head = source.take(HEAD_ROWS)
    if not head:
        raise InvalidInput("The file is empty.", field="file", value="empty")
    skipped = _title_rows(head) if options.header is None else 0
    if skipped:
        head, number = head[skipped:], number + skipped
        source.note(
            "title_rows_skipped",
            f"{skipped} rows above the header were taken for a title and left out.",
            count=skipped,
        )
    has_header = _is_header(head) if options.header is None else options.header
    width = max(map(len, head[:1] if has_header else head))
    if width > limits.max_columns:
        raise too_many_columns(width, limits.max_columns, number)
    if not has_header:
        source.note("no_header", "The first row holds data: the columns were named by number.")
        names = [f"column {i}" for i in range(1, width + 1)]
        return Table(names, None, head, source, limits, number)
    names = _names([cell.strip() for cell in head[0]])
    while len(names) > 1 and names[-1] == f"column {len(names)}" and _unused(head, len(names) - 1):
        names.pop()
    return Table(names, number, head[1:], source, limits, number + 1)


def _unused(rows: Sequence[Row], column: int) -> bool:
    """Whether no row has anything in or after a column."""
    return not any(cell.strip() for row in rows for cell in row[column:])


def _filled(row: Row) -> int:
    """Return how many cells of a row hold something."""
    return sum(1 for cell in row if cell.strip())


def _title_rows(head: Sequence[Row]) -> int:
    """Return how many rows stand above the header: lone texts, then a table that is wider."""
    body = sorted(_filled(row) for row in head if _filled(row))
    usual = body[len(body) // 2]
    if usual < 2:
        return 0
    for i, row in enumerate(head[:20]):
        if _filled(row) >= 2:
            return i
        if any(looks_like_phone(cell.strip()) for cell in row):
            return 0
    return 0


def _is_header(head: Sequence[Row]) -> bool:
    """Whether the first row names the columns: it has texts, and no number in it."""
    first = [cell.strip() for cell in head[0]]
    return not any(looks_like_phone(cell) or _ONLY_NUMBER.fullmatch(cell) for cell in first)


def _names(cells: Sequence[str]) -> list[str]:
    """Return names for columns: every one has a name of its own."""
    names: list[str] = []
    for i, cell in enumerate(cells, 1):
        plain = " ".join(cell.split()) or f"column {i}"
        name, n = plain, 2
        while name in names:
            name, n = f"{plain} ({n})", n + 1
        names.append(name)
    return names
