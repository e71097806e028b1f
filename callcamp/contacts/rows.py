"""Check rows: what is a contact, what is not and why.

Half a million rows go through here, so whole columns are handled at once: a column that
holds nothing unusual, as one look at all of it tells, needs no look at every value.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import NamedTuple

from callcamp.contacts.mapping import Plan
from callcamp.contacts.table import Row
from callcamp.core.addresses import tells
from callcamp.core.numbers import PROBLEM_TEXT, Normaliser, NumberProblem, RefusedNumber
from callcamp.core.places import PlaceFinder

MAX_VALUE_BYTES = 800
"""Longest value of a variable: a line of Asterisk's manager interface holds 1,024 bytes."""

DUPLICATE = "duplicate_in_file"
TOO_LONG = "value_too_long"
CONTROL = "control_character"

_BREAKS = re.compile(r"\s*[\r\n\t\v\f\x1c-\x1f\x85\u2028\u2029]\s*")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Problem(NamedTuple):
    """Why a row is not imported.

    Args:
        row: its number in the file.
        column: name of the column that is to blame.
        value: what stands there.
        reason: the reason as a stable word.
        text: the reason for people.
        cells: the row as it is in the file.
    """

    row: int
    column: str
    value: str
    reason: str
    text: str
    cells: Row


Staged = tuple[int, str, str, str] | tuple[int, str, str, str, str]
"""A row to be imported: its number, the phone number, a JSON object of the variables, where the
contact may be (:attr:`callcamp.core.places.Place.key`) and, when columns of further numbers are
mapped, a JSON list of those."""


@dataclass(slots=True)
class Counts:
    """What became of the rows."""

    rows: int = 0
    valid: int = 0
    blank: int = 0
    folded: int = 0
    others_refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def duplicates(self) -> int:
        """Rows left out because an earlier row has the same number."""
        return self.reasons[DUPLICATE]

    @property
    def invalid(self) -> int:
        """Rows left out for any other reason."""
        return sum(self.reasons.values()) - self.duplicates


class Checker:
    """Check the rows of one file, chunk by chunk.

    Args:
        plan: what becomes of the columns.
        columns: their names.
        region: country of numbers written without one.
    """

    def __init__(self, plan: Plan, columns: Sequence[str], region: str | None) -> None:
        self.counts = Counts()
        self._plan = plan
        self._columns = columns
        self._normaliser = Normaliser(region)
        self._first_row: dict[str, int] = {}
        self._place_of = PlaceFinder()
        self._telling = frozenset(name for name, _ in plan.variables if tells(name))

    def check(self, first_row: int, rows: Sequence[Row]) -> tuple[list[Staged], list[Problem]]:
        """Return what of a chunk is to be imported, and what is not."""
        columns = list(zip(*rows, strict=True))
        bad: dict[int, Problem] = {}
        told: dict[str, Sequence[str]] = {}
        documents = self._documents(columns, first_row, rows, bad, told)
        numbers = self._normaliser.many(columns[self._plan.phone])
        others = self._others(columns, numbers) if self._plan.others else None
        seen, place_of = self._first_row, self._place_of
        staged: list[Staged] = []
        problems: list[Problem] = []
        for row, (number, document) in enumerate(zip(numbers, documents, strict=True), first_row):
            if isinstance(number, RefusedNumber):
                cells = rows[row - first_row]
                if any(map(str.strip, cells)):
                    problems.append(self._refused(row, cells, number.problem))
                else:
                    self.counts.blank += 1
            elif row in bad:
                problems.append(bad[row])
            elif (earlier := seen.setdefault(number, row)) == row:
                i = row - first_row
                values = {name: column[i] for name, column in told.items()} if told else {}
                if others is None:
                    staged.append((row, number, document, place_of(number, values)))
                else:
                    place = place_of(number, values, others[i])
                    staged.append((row, number, document, place, json.dumps(others[i])))
            else:
                problems.append(self._duplicate(row, rows[row - first_row], number, earlier))
        self.counts.reasons.update(problem.reason for problem in problems)
        self.counts.valid += len(staged)
        self.counts.rows += len(staged) + len(problems)
        return staged, problems

    def _others(
        self, columns: Sequence[Sequence[str]], numbers: Sequence[str | RefusedNumber]
    ) -> list[list[str]]:
        """Return the further numbers of every row, each number once."""
        further = [self._normaliser.many(columns[index]) for index in self._plan.others]
        lists = []
        for number, *more in zip(numbers, *further, strict=True):
            usable = dict.fromkeys(one for one in more if isinstance(one, str))
            self.counts.others_refused += sum(
                isinstance(one, RefusedNumber) and one.problem is not NumberProblem.EMPTY
                for one in more
            )
            lists.append([one for one in usable if one != number])
        return lists

    def _documents(
        self,
        columns: Sequence[Sequence[str]],
        first_row: int,
        rows: Sequence[Row],
        bad: dict[int, Problem],
        told: dict[str, Sequence[str]],
    ) -> Iterator[str]:
        """Return the JSON object of the variables of every row; note rows that cannot be.

        The columns that say something of where a contact is go to ``told`` as they are kept.

        A template is filled in: four times as fast as an encoder walking over objects.
        """
        members = []
        values: list[Sequence[str]] = []
        for name, index in self._plan.variables:
            column = columns[index]
            text = "".join(column)
            if text.isprintable() and len(max(column, key=len)) <= MAX_VALUE_BYTES // 4:
                column = list(map(str.strip, column))
                plain = '"' not in text and "\\" not in text
            else:
                column = self._unusual(column, index, first_row, rows, bad)
                plain = False
            if name in self._telling:
                told[name] = column
            members.append(f'"{name}":"%s"' if plain else f'"{name}":%s')
            values.append(column if plain else list(map(encode_basestring, column)))
        if not values:
            return iter(["{}"] * len(rows))
        return map(("{" + ",".join(members) + "}").__mod__, zip(*values, strict=True))

    def _unusual(
        self,
        column: Sequence[str],
        index: int,
        first_row: int,
        rows: Sequence[Row],
        bad: dict[int, Problem],
    ) -> list[str]:
        """Return the values of a column, each made fit for a call or noted as bad."""
        values = []
        for row, raw in enumerate(column, first_row):
            value = raw.strip()
            if not value.isprintable():
                folded = _BREAKS.sub(" ", value)
                self.counts.folded += folded != value
                value = folded
                if _CONTROLS.search(value):
                    text = "holds a control character that no call can carry"
                    bad[row] = self._problem(row, index, CONTROL, text, rows[row - first_row])
            if len(value.encode(errors="replace")) > MAX_VALUE_BYTES:
                text = f"longer than {MAX_VALUE_BYTES} bytes"
                bad[row] = self._problem(row, index, TOO_LONG, text, rows[row - first_row])
            values.append(value)
        return values

    def _problem(self, row: int, index: int, reason: str, text: str, cells: Row) -> Problem:
        return Problem(row, self._columns[index], cells[index], reason, text, cells)

    def _refused(self, row: int, cells: Row, why: NumberProblem) -> Problem:
        return self._problem(row, self._plan.phone, why.value, PROBLEM_TEXT[why], cells)

    def _duplicate(self, row: int, cells: Row, number: str, earlier: int) -> Problem:
        text = f"the same number as row {earlier} ({number})"
        return self._problem(row, self._plan.phone, DUPLICATE, text, cells)
