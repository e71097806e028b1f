"""Which columns are phone numbers, and which become variables of a call.

A mapping belongs to a person, not to a file: it can be saved and used for the next file, so
columns that a file does not have are left out and reported. Only the phone number must be there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from callcamp.contacts.table import Row, looks_like_phone
from callcamp.errors import InvalidInput, LimitExceeded

MAX_VARIABLES = 100
MAX_NAME = 64
MAX_OTHERS = 9
"""Columns of further numbers of the same person, at most."""
_PHONE_NAMES = (
    *("phonenumber", "phone", "numtel", "telephone", "tel", "telephonenumber", "phoneline"),
    *("mobile", "mobilephone", "mobilenumber", "mobil", "cellphone", "cell", "gsm", "msisdn"),
    *("portable", "numerodetelephone", "numerotelephone", "telefono", "telefon", "telefone"),
    *("telefonnummer", "rufnummer", "handy", "handynummer", "celular", "movil", "cellulare"),
    *("callee", "e164", "contactnumber", "numero", "number", "nummer"),
)
"""Names of phone columns, letters and digits only, the surest first."""
_PHONE_PARTS = ("phone", "tel", "mobile", "telefon")
_KEYS = frozenset({"phone", "others", "variables", "rest"})


@dataclass(frozen=True, slots=True)
class Mapping:
    """What becomes of the columns.

    Args:
        phone: name of the column with the number to call.
        variables: name of a variable -> name of a column.
        rest: whether all other columns become variables too, under their own names.
        others: names of columns with further numbers of the same person, in the order in
            which they are tried.
    """

    phone: str
    variables: dict[str, str] = field(default_factory=dict)
    rest: bool = False
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.phone.strip():
            raise InvalidInput(
                "Say which column holds the phone number.", field="mapping.phone", value=self.phone
            )
        if len(self.variables) > MAX_VARIABLES:
            raise _too_many_variables(len(self.variables))
        if len(self.others) > MAX_OTHERS:
            raise LimitExceeded(
                f"There are {len(self.others)} columns of further numbers; give {MAX_OTHERS} at "
                "most.",
                limit="max_others",
                value=len(self.others),
            )
        if len({self.phone, *self.others}) <= len(self.others):
            raise InvalidInput(
                "A column of phone numbers is given twice; give each once.",
                field="mapping.others",
                value=list(self.others),
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping as JSON-able values, to be saved as a preset.

        ``others`` is there only when there are any.
        """
        whole = {"phone": self.phone, "variables": dict(self.variables), "rest": self.rest}
        return {**whole, "others": list(self.others)} if self.others else whole

    @classmethod
    def from_dict(cls, data: Any) -> Mapping:
        """Return the mapping that :meth:`as_dict` gave.

        Raises:
            InvalidInput: the data have another shape.
        """
        if not isinstance(data, dict) or not data.keys() <= _KEYS:
            raise InvalidInput(
                'A mapping is an object with "phone", "others", "variables" and "rest".',
                field="mapping",
            )
        phone, variables = data.get("phone"), data.get("variables", {})
        rest = data.get("rest", False)
        if not isinstance(phone, str):
            raise InvalidInput(
                "The mapping does not say which column holds the phone number.",
                field="mapping.phone",
            )
        if not isinstance(variables, dict) or not all(
            isinstance(text, str) for pair in variables.items() for text in pair
        ):
            raise InvalidInput(
                "The variables of a mapping are an object of variable and column names.",
                field="mapping.variables",
            )
        if not isinstance(rest, bool):
            raise InvalidInput("rest is true or false.", field="mapping.rest", value=rest)
        others = data.get("others", [])
        if not isinstance(others, list) or not all(
            isinstance(name, str) and name.strip() for name in others
        ):
            raise InvalidInput(
                "others is a list of names of columns with further numbers.",
                field="mapping.others",
            )
        return cls(phone, dict(variables), rest, tuple(others))


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping applied to the columns of one file.

    Args:
        phone: index of the phone column.
        variables: name of a variable and index of its column.
        unmapped: names of columns that are not used.
        ignored: variables whose column is not in the file.
        renamed: variables whose name had to be changed, with the name that was wanted.
        mapping: the mapping as it was applied.
        others: indexes of the columns with further numbers.
        missing_others: columns of further numbers that are not in the file.
    """

    phone: int
    variables: tuple[tuple[str, int], ...]
    unmapped: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]
    renamed: tuple[tuple[str, str], ...]
    mapping: Mapping
    others: tuple[int, ...] = ()
    missing_others: tuple[str, ...] = ()


def propose(columns: Sequence[str], head: Sequence[Row]) -> Mapping:
    """Return the mapping that fits by the look of it: a phone column, the rest variables.

    Raises:
        InvalidInput: no column looks like one of phone numbers.
    """
    plain = [_letters(name) for name in columns]
    shares = [_phone_share(head, i) for i in range(len(columns))]
    named = [plain.index(name) for name in _PHONE_NAMES if name in plain]
    named += [
        i
        for i, name in enumerate(plain)
        if i not in named and any(part in name for part in _PHONE_PARTS)
    ]
    likely = [i for i in named if shares[i] >= 0.5]
    by_values = [i for i, share in enumerate(shares) if share >= 0.5]
    by_values.sort(key=lambda i: -shares[i])
    for candidates in (likely, by_values, named):
        if candidates:
            return Mapping(columns[candidates[0]], rest=True)
    raise InvalidInput(
        f"No column looks like phone numbers; say which it is. There are: {_listed(columns)}.",
        field="mapping.phone",
        columns=list(columns),
    )


def resolve(mapping: Mapping, columns: Sequence[str]) -> Plan:
    """Apply a mapping to the columns of a file.

    Raises:
        InvalidInput: the file has no such phone column.
        LimitExceeded: there are more variables than a call can carry.
    """
    phone = _find(mapping.phone, columns)
    if phone is None:
        raise InvalidInput(
            f"There is no column {mapping.phone!r} for the phone number. There are: "
            f"{_listed(columns)}.",
            field="mapping.phone",
            value=mapping.phone,
            columns=list(columns),
        )
    taken: dict[str, int] = {}
    renamed: list[tuple[str, str]] = []
    ignored: list[tuple[str, str]] = []
    found = [(name, _find(name, columns)) for name in mapping.others]
    others = tuple(dict.fromkeys(i for _, i in found if i is not None and i != phone))
    used = {phone, *others}

    def take(wanted: str, column: int) -> None:
        name = variable_name(wanted, taken, column)
        if name != wanted:
            renamed.append((name, wanted))
        taken[name] = column
        used.add(column)

    for wanted, column_name in mapping.variables.items():
        column = _find(column_name, columns)
        if column is None:
            ignored.append((wanted, column_name))
        else:
            take(wanted, column)
    if mapping.rest:
        for i, name in enumerate(columns):
            if i not in used:
                take(name, i)
    if len(taken) > MAX_VARIABLES:
        raise _too_many_variables(len(taken))
    return Plan(
        phone=phone,
        variables=tuple(taken.items()),
        unmapped=tuple(name for i, name in enumerate(columns) if i not in used),
        ignored=tuple(ignored),
        renamed=tuple(renamed),
        mapping=mapping,
        others=others,
        missing_others=tuple(name for name, i in found if i is None),
    )


def variable_name(wanted: str, taken: dict[str, int], column: int) -> str:
    """Return a name that Asterisk takes for a variable, and that is not taken.

    Letters lose their accents; what is neither letter, digit nor underscore becomes one.
    """
    ascii_only = unicodedata.normalize("NFKD", wanted).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+|_{2,}", "_", ascii_only.strip()).strip("_")
    plain = wanted if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", wanted) else plain
    if not plain:
        plain = f"column_{column + 1}"
    if plain[0].isdigit():
        plain = f"_{plain}"
    plain = name = plain[:MAX_NAME]
    n = 2
    while name in taken:
        suffix = f"_{n}"
        name = plain[: MAX_NAME - len(suffix)] + suffix
        n += 1
    return name


def _too_many_variables(count: int) -> LimitExceeded:
    """Return the refusal of more variables than a call can carry."""
    return LimitExceeded(
        f"There are {count} variables; a call can carry {MAX_VARIABLES}. Map only the columns "
        "that are needed.",
        limit="max_variables",
        value=count,
    )


def _letters(name: str) -> str:
    """Return a name without accents, case and punctuation."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _phone_share(head: Sequence[Row], column: int) -> float:
    """Return the share of the cells of a column that look like phone numbers."""
    cells = [row[column].strip() for row in head if len(row) > column and row[column].strip()]
    return sum(map(looks_like_phone, cells)) / len(cells) if cells else 0.0


def _find(name: str, columns: Sequence[str]) -> int | None:
    """Return the index of a column by name; case and outer blanks matter only in doubt."""
    if name in columns:
        return list(columns).index(name)
    loose = [i for i, column in enumerate(columns) if _loose(column) == _loose(name)]
    return loose[0] if len(loose) == 1 else None


def _loose(name: str) -> str:
    """Return a name as it is compared when it is not there exactly."""
    return " ".join(name.split()).casefold()


def _listed(columns: Sequence[str]) -> str:
    """Return the names of columns for a sentence, not too many."""
    shown = ", ".join(repr(name[:60]) for name in columns[:30])
    return shown if len(columns) <= 30 else f"{shown} and {len(columns) - 30} more"
