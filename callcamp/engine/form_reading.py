"""JSON values to frozen dataclasses, strictly: whatever does not fit is named by its path."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from callcamp.core.campaign_settings import DailyWindow, HoursRule
from callcamp.core.policies import ActionRule, Condition
from callcamp.core.rules import check_condition, check_rule
from callcamp.errors import InvalidInput

MAX_TEXT = 4000
"""Characters of any text, at most."""
MAX_ITEMS = 10_000
"""Entries of any list, at most."""
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of the weekdays, Monday first."""

_MAX_INT = 2**53 - 1
_DAY_ADVICE = "give days such as mon-fri or mon,wed,sat"
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that does not fit.

    Args:
        field: its dotted path, e.g. ``retry.delays_s.busy``; list items by their index.
        value: what was given (JSON-able).
        message: what is wrong and what to do, a sentence.
    """

    field: str
    value: Any
    message: str


class _Unfit(Exception):
    """What was given does not fit; the message says what does."""


@cache
def hints_of(cls: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name."""
    return get_type_hints(cls)


def optional(hint: Any) -> tuple[Any, bool]:
    """Return a type without its ``None``, and whether it had one."""
    if get_origin(hint) in {Union, types.UnionType}:
        (inner,) = (arg for arg in get_args(hint) if arg is not type(None))
        return inner, True
    return hint, False


def is_days(owner: type, name: str) -> bool:
    """Tell whether a field holds weekdays: one, or a set of them."""
    return (owner, name) in {(DailyWindow, "weekdays"), (HoursRule, "weekday")}


def shorten(value: Any, most: int = 80) -> str:
    """Return ``value`` for a message: texts in quotes, the rest as JSON says it."""
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"


@dataclass(slots=True)
class Reader:
    """Reads values; ``problems`` fills up with what does not fit."""

    problems: list[Problem] = field(default_factory=list)

    def read(self, cls: type, raw: Any, base: Any, path: str) -> Any:
        """Return a ``cls`` made of ``raw``; None: it has problems.

        Args:
            cls: the dataclass.
            raw: its fields by name; what is missing is as in ``base``.
            base: what it was (None: there is nothing; what is missing has its default).
            path: where it stands; empty at the top.
        """
        before = len(self.problems)
        if not isinstance(raw, Mapping):
            return self._note(path, raw, f"give an object with any of {_list(hints_of(cls))}")
        values = {}
        for key, value in raw.items():
            where = f"{path}.{key}" if path else str(key)
            if key not in hints_of(cls):
                self._note_unknown(where, key, value, hints_of(cls))
                continue
            was = getattr(base, key) if base is not None else None
            if is_days(cls, key):
                values[key] = self._scalar(_days if key == "weekdays" else _day, value, where)
            else:
                values[key] = self._value(hints_of(cls)[key], value, was, where)
        if base is None:
            self._note_missing(cls, raw, path)
        if len(self.problems) > before:
            return None
        try:
            made = cls(**values) if base is None else replace(base, **values)
            _CHECKS.get(cls, _no_check)(made)
        except InvalidInput as error:
            return self._note_refused(error, cls, raw, path)
        return made

    def _value(self, hint: Any, raw: Any, was: Any, path: str) -> Any:
        hint, may_be_none = optional(hint)
        if raw is None:
            if may_be_none:
                return None
            return self._note(path, raw, "leave it out to keep what is there")
        origin = get_origin(hint)
        if origin in {frozenset, tuple}:
            return self._items(origin, get_args(hint)[0], raw, path)
        if origin is Mapping:
            key_hint, item_hint = get_args(hint)
            return self._mapping(key_hint, item_hint, raw, was or {}, path)
        if is_dataclass(hint):
            return self.read(hint, raw, was, path)  # type: ignore[arg-type]
        if issubclass(hint, StrEnum):
            return self._scalar(lambda value: _member(hint, value), raw, path)
        return self._scalar(_SCALARS[hint], raw, path)

    def _items(self, kind: type, hint: Any, raw: Any, path: str) -> Any:
        if not isinstance(raw, list | tuple):
            return self._note(path, raw, 'give a list, such as ["a", "b"]')
        if len(raw) > MAX_ITEMS:
            return self._note(path, len(raw), f"give at most {MAX_ITEMS} entries")
        found = [self._value(hint, one, None, f"{path}.{i}") for i, one in enumerate(raw)]
        # Something unhashable can only be among the values that were noted as unfit.
        return kind(found)

    def _mapping(self, key_hint: Any, hint: Any, raw: Any, was: Any, path: str) -> Any:
        if not isinstance(raw, Mapping):
            return self._note(path, raw, f"give an object with any of {_list(key_hint)}")
        found = dict(was)
        for key, value in raw.items():
            if key not in set(key_hint):
                self._note_unknown(f"{path}.{key}", key, value, key_hint)
            elif value is None:
                found.pop(key_hint(key), None)
            else:
                found[key_hint(key)] = self._value(hint, value, None, f"{path}.{key}")
        return found

    def _scalar(self, read: Any, raw: Any, path: str) -> Any:
        if read is _day and raw is None:
            return None
        try:
            return read(raw)
        except _Unfit as wrong:
            return self._note(path, raw, str(wrong))

    def _note(self, path: str, value: Any, advice: str) -> None:
        name = path or "settings"
        message = f"{name} is {shorten(value)}; {advice}."
        self.problems.append(Problem(name, value, message))

    def _note_unknown(self, where: str, key: Any, value: Any, known: Any) -> None:
        close = get_close_matches(str(key), [str(one) for one in known], n=1)
        advice = f"did you mean {close[0]}?" if close else f"there are {_list(known, 'and')}."
        message = f"There is no {where}; {advice}"
        self.problems.append(Problem(where, value, message))

    def _note_missing(self, cls: type, raw: Mapping[str, Any], path: str) -> None:
        for one in fields(cls):
            needed = one.default is MISSING and one.default_factory is MISSING
            if needed and one.name not in raw:
                where = f"{path}.{one.name}" if path else one.name
                self.problems.append(Problem(where, None, f"{where} is missing; it is needed."))

    def _note_refused(self, error: InvalidInput, cls: type, raw: Any, path: str) -> None:
        named = str(error.details.get("field", ""))
        # Some checks name their field as the command line does: retry_delay_s.
        short = named.removeprefix(f"{path.rpartition('.')[2]}_")
        first = re.match(r"\w*", short)
        known = first is not None and first[0] in hints_of(cls)
        name = re.sub(r"\[(\w+)\]", r".\1", short) if known else ""
        where = ".".join(filter(None, (path, name))) or "settings"
        message = error.message
        if name and message.startswith(f"{named} "):
            message = where + message.removeprefix(named)
        self.problems.append(Problem(where, error.details.get("value", raw), message))


_CHECKS: dict[type, Callable[[Any], None]] = {Condition: check_condition, ActionRule: check_rule}
"""Checks of what has no place of its own in the settings: they are told by their path here."""


def _no_check(_made: Any) -> None:
    """Accept everything."""


def _list(names: Any, word: str = "or") -> str:
    *most, last = [str(name) for name in names]
    return f"{', '.join(most)} {word} {last}" if most else last


def _member(kind: type[StrEnum], raw: Any) -> StrEnum:
    names = [one.value for one in kind]
    if isinstance(raw, str) and raw in names:
        return kind(raw)
    close = get_close_matches(raw, names, n=1) if isinstance(raw, str) else []
    raise _Unfit(f"give {_list(names)}" + (f" (did you mean {close[0]}?)" if close else ""))


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise _Unfit('give a text, in quotes in JSON: "30"')
    if len(raw) > MAX_TEXT:
        raise _Unfit(f"give at most {MAX_TEXT} characters")
    if "\0" in raw or any("\ud800" <= c <= "\udfff" for c in raw):
        raise _Unfit("give a text without NUL and halves of characters")
    return raw


def _integer(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or abs(raw) > _MAX_INT:
        raise _Unfit("give a whole number")
    return raw


def _number(raw: Any) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) <= _MAX_INT:
        return float(raw)
    raise _Unfit("give a number")


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise _Unfit("give true or false")
    return raw


def _written(raw: Any, shape: re.Pattern[str], kind: Any, advice: str) -> Any:
    if isinstance(raw, str) and shape.fullmatch(raw):
        try:
            return kind.fromisoformat(raw.upper())
        except ValueError:
            pass
    raise _Unfit(advice)


def _clock(raw: Any) -> Any:
    return _written(raw, _TIME, time, "give a time of day from 00:00 to 23:59, such as 09:00")


def _calendar_day(raw: Any) -> Any:
    return _written(raw, _DATE, date, "give a date such as 2026-12-24")


def _instant(raw: Any) -> Any:
    advice = "give an instant with its offset, such as 2026-12-24T09:00:00Z or …T10:00:00+01:00"
    found = _written(raw, _INSTANT, datetime, advice)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise _Unfit(advice) from None


_SCALARS: dict[Any, Any] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _flag,
    time: _clock,
    date: _calendar_day,
    datetime: _instant,
}


def _day(raw: Any) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= 6:
        return raw
    if isinstance(raw, str) and raw.lower() in DAY_NAMES:
        return DAY_NAMES.index(raw.lower())
    raise _Unfit(f"give a day: {_list(DAY_NAMES)}")


def _days(raw: Any) -> frozenset[int]:
    if isinstance(raw, list | tuple):
        return frozenset(day for one in raw for day in _span(one))
    if isinstance(raw, str):
        return frozenset(day for one in raw.replace(" ", "").split(",") for day in _span(one))
    raise _Unfit(_DAY_ADVICE)


def _span(raw: Any) -> list[int]:
    first, dash, last = raw.partition("-") if isinstance(raw, str) else (raw, "", "")
    try:
        start, end = _day(first), _day(last if dash else first)
    except _Unfit:
        raise _Unfit(_DAY_ADVICE) from None
    return [(start + n) % 7 for n in range((end - start) % 7 + 1)]
