"""How one fact is compared with the value of a condition.

- A fact that is a boolean is compared with ``true``, ``yes``, ``on``, ``1`` and their opposites.
- Two numbers are compared as numbers: ``9`` is less than ``10``, ``5.0`` is ``5``. Numbers are
  plain decimals; what starts with a plus sign or a needless zero is a code (a phone number, a
  postal code) and is text.
- Two ISO dates or instants are compared as such: ``2026-03-01``, ``2026-03-01T09:00+01:00``. An
  instant without zone is UTC. As soon as one side is a plain date, only the days count.
- All else is text. Upper and lower case are the same, and blanks around it do not count.

A fact that is not known, and one that is blank, is missing: then only ``!=`` holds. ``<`` and its
like hold against a number only for numbers, and against a date only for dates.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import TypeAlias

from callcamp.core.patterns import found
from callcamp.core.policies import Operator

FactValue: TypeAlias = str | int | float | bool | None
"""What a fact can be; None: not known."""

BOOLEANS: dict[str, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
"""How a boolean is written."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,40})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)


def satisfies(fact: FactValue, operator: Operator, value: str) -> bool:
    """Tell whether ``fact`` ``operator`` ``value`` holds; never raises."""
    if is_missing(fact):
        return operator is Operator.NOT_EQUAL
    if operator is Operator.IS_SET:
        return True
    if operator is Operator.EQUAL:
        return _equal(fact, value)
    if operator is Operator.NOT_EQUAL:
        return not _equal(fact, value)
    if operator is Operator.MATCHES:
        return found(value, as_text(fact).strip())
    if operator is Operator.CONTAINS:
        return _folded(value) in _folded(as_text(fact))
    if operator is Operator.STARTS_WITH:
        return _folded(as_text(fact)).startswith(_folded(value))
    order = _order(fact, value)
    if order is None:
        return False
    if operator is Operator.LESS:
        return order < 0
    if operator is Operator.AT_MOST:
        return order <= 0
    if operator is Operator.GREATER:
        return order > 0
    return order >= 0


def is_missing(fact: FactValue) -> bool:
    """Tell whether a fact is not known, or blank."""
    return fact is None or (isinstance(fact, str) and not fact.strip())


def as_text(fact: FactValue) -> str:
    """Return a fact as text: ``true``, ``5``, ``5.5``; empty when it is not known."""
    if fact is None:
        return ""
    if isinstance(fact, bool):
        return "true" if fact else "false"
    if isinstance(fact, float) and fact.is_integer():
        return str(int(fact))
    return str(fact)


def as_number(fact: FactValue) -> Decimal | None:
    """Return a fact as the exact number that it is or is written as; None: it is none."""
    if isinstance(fact, bool) or fact is None:
        return None
    if isinstance(fact, str):
        text = fact.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    return Decimal(repr(fact)) if isfinite(fact) else None


def _equal(fact: FactValue, value: str) -> bool:
    if isinstance(fact, bool):
        return BOOLEANS.get(_folded(value)) is fact
    number, other = as_number(fact), as_number(value)
    if number is not None and other is not None:
        return number == other
    days = _moments(fact, value)
    if days is not None:
        return days[0] == days[1]
    return _folded(as_text(fact)) == _folded(value)


def _order(fact: FactValue, value: str) -> int | None:
    """Return -1, 0 or 1 as ``fact`` is before, the same as or after ``value``; None: neither."""
    number, other = as_number(fact), as_number(value)
    if number is not None and other is not None:
        return (number > other) - (number < other)
    moments = _moments(fact, value)
    if moments is not None:
        mine, theirs = moments
        return (mine > theirs) - (mine < theirs)
    if other is not None or _moment(value) is not None or not isinstance(fact, str):
        return None
    mine_text, their_text = _folded(fact), _folded(value)
    return (mine_text > their_text) - (mine_text < their_text)


def _moments(fact: FactValue, value: str) -> tuple[datetime, datetime] | None:
    if not isinstance(fact, str):
        return None
    mine, theirs = _moment(fact), _moment(value)
    if mine is None or theirs is None:
        return None
    if isinstance(mine, datetime) and isinstance(theirs, datetime):
        return mine, theirs
    return _midnight(mine), _midnight(theirs)


def _moment(text: str) -> datetime | date | None:
    text = text.strip()
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            instant = datetime.fromisoformat(text)
            return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    except ValueError:
        return None
    return None


def _midnight(day: datetime | date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
