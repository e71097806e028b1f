"""Phone numbers as people give them: one by one, and in files that hold nothing else of use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import phonenumbers

from callcamp.contacts.mapping import Mapping, propose, resolve
from callcamp.contacts.sniff import FileKind, check_size, detect
from callcamp.contacts.table import Limits, ReadOptions, Row, Source, Table, as_table
from callcamp.contacts.text import open_text
from callcamp.core.numbers import (
    PROBLEM_TEXT,
    Normaliser,
    NumberProblem,
    RefusedNumber,
    check_region,
    normalise,
)
from callcamp.errors import InvalidInput

SHOWN = 100
"""Refused rows of a file that are kept to be shown."""
_SHAPE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SEPARATORS = re.compile(r"[ ().\-/\u00a0]")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of a file whose number cannot be used: where, what stands there, and why."""

    row: int
    value: str
    why: str


def region_or_none(region: str | None) -> str | None:
    """Return a country in capitals, or None.

    Raises:
        InvalidInput: it is none that is known.
    """
    return check_region(region) if region else None


def need_number(text: str, region: str | None, field: str = "phone") -> str:
    """Return a number that can be called, as E.164.

    Raises:
        InvalidInput: the text is none.
    """
    found = normalise(text, region_or_none(region))
    if isinstance(found, RefusedNumber):
        raise _refusal(found, field)
    return found


def need_any_number(text: str, region: str | None, field: str = "phone") -> str:
    """Return a number as E.164, also one of a range that nobody has heard of.

    Who is not to be called stays so when the number's range is new.

    Raises:
        InvalidInput: the text cannot be a number.
    """
    known = region_or_none(region)
    found = normalise(text, known)
    if isinstance(found, RefusedNumber):
        found = possible(found, known)
    if isinstance(found, RefusedNumber):
        raise _refusal(found, field)
    return found


def possible(refused: RefusedNumber, region: str | None) -> str | RefusedNumber:
    """Return a number that was refused, if only its range is not known."""
    bare = _SEPARATORS.sub("", refused.text)
    if _SHAPE.fullmatch(bare):
        return bare
    if len(refused.text) > 250:
        return refused
    try:
        parsed = phonenumbers.parse(refused.text, region)
    except phonenumbers.NumberParseException:
        return refused
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    fits = phonenumbers.is_possible_number(parsed) and _SHAPE.fullmatch(written)
    return written if fits else refused


def _refusal(refused: RefusedNumber, field: str) -> InvalidInput:
    shown = ascii(refused.text[:40])
    if refused.problem is NumberProblem.NO_COUNTRY:
        why = "no country code; write it with + and the country code, or say which country it is of"
    else:
        why = PROBLEM_TEXT[refused.problem]
    return InvalidInput(
        f"{field} is {shown}: {why}.", field=field, value=shown, problem=refused.problem.value
    )


class NumberFile:
    """The numbers of a text file: one a line, or one column of a table.

    Without a column it is the only one, the one that looks like phone numbers, or all of
    them, where each row is one number in pieces (area code, number).

    Args:
        path: the file.
        filename: its name as the person knows it.
        region: country of numbers written without one.
        column: name of the column.
        most: rows at most.
        any_range: whether numbers of unknown ranges are taken, see :func:`need_any_number`.

    Attributes:
        rows: rows with something in them, so far.
        refused: how many of those cannot be used.
        problems: the first of those.
    """

    def __init__(
        self,
        path: Path,
        filename: str,
        *,
        region: str | None,
        column: str | None = None,
        most: int,
        any_range: bool = True,
    ) -> None:
        self.rows = self.refused = 0
        self.problems: list[RefusedRow] = []
        self._path = path
        self._filename = filename
        self._region = region_or_none(region)
        self._column = column
        self._limits = Limits(max_bytes=16 * 1024**3, max_rows=most)
        self._any_range = any_range

    def numbers(self) -> Iterator[str]:
        """Yield the numbers as E.164, repeated ones as well; to be read once.

        Raises:
            InvalidInput: the file is no text, there is no such column, or none of the rows
                holds a number.
            LimitExceeded: it is too large.
        """
        source = self._open()
        try:
            table = as_table(source, ReadOptions(), self._limits)
            normaliser = Normaliser(self._region)
            column = self._choose(table, normaliser)
            for first_row, rows in table.chunks():
                texts = _texts(rows, column)
                for i, found in enumerate(normaliser.many(texts)):
                    if isinstance(found, str):
                        self.rows += 1
                        yield found
                    elif (number := self._refused(found, first_row + i)) is not None:
                        yield number
        finally:
            source.close()
        if self.rows == self.refused:
            raise InvalidInput(
                f"{self._filename!r} holds no phone number that can be used. Say which column it "
                "is, or which country the numbers are of.",
                field="file",
                value=self._filename,
                problems=[f"row {p.row}: {p.value}: {p.why}" for p in self.problems[:10]],
            )

    def _open(self) -> Source:
        check_size(self._path, self._limits)
        if detect(self._path, self._filename, self._limits) is not FileKind.TEXT:
            raise InvalidInput(
                f"{self._filename!r} is a workbook; save its sheet as CSV.",
                field="file",
                value=self._filename,
            )
        return open_text(self._path, ReadOptions(), self._limits)

    def _choose(self, table: Table, normaliser: Normaliser) -> int | None:
        """Return the index of the column with the numbers; None: a row is a number in pieces."""
        columns = table.columns
        if self._column is not None:
            return resolve(Mapping(self._column), columns).phone
        if len(columns) == 1:
            return 0
        if table.head and _in_pieces(table.head, normaliser):
            return None
        return resolve(propose(columns, table.head), columns).phone

    def _refused(self, found: RefusedNumber, row: int) -> str | None:
        """Return the number after all, or count the row."""
        if found.problem is NumberProblem.EMPTY:
            return None
        self.rows += 1
        number = possible(found, self._region) if self._any_range else found
        if isinstance(number, str):
            return number
        self.refused += 1
        if len(self.problems) < SHOWN:
            why = PROBLEM_TEXT[found.problem]
            self.problems.append(RefusedRow(row, found.text[:200], why))
        return None


def _texts(rows: Sequence[Row], column: int | None) -> list[str]:
    return ["".join(row) if column is None else row[column] for row in rows]


def _in_pieces(head: Sequence[Row], normaliser: Normaliser) -> bool:
    """Tell whether each row is a number in pieces, and no column has numbers by itself."""
    width = len(head[0])
    if not all(len(row) == width and all(map(_DIGITS.fullmatch, row)) for row in head):
        return False
    return _share(["".join(row) for row in head], normaliser) >= 0.5 and all(
        _share([row[i] for row in head], normaliser) < 0.5 for i in range(width)
    )


def _share(texts: Sequence[str], normaliser: Normaliser) -> float:
    return sum(isinstance(found, str) for found in normaliser.many(texts)) / len(texts)
