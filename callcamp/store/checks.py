"""What may go into the records: numbers, names and texts, looked at where they come in."""

from __future__ import annotations

import re

from callcamp.errors import InvalidInput
from callcamp.store.columns import plain_text

MOST_NAME = 64
"""Characters of a name, at most."""
MOST_LABEL = 100
"""Characters of a label, at most."""
MOST_TEXT = 500
"""Characters of a reason or a source, at most."""

is_phone = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
"""Match an E.164 number with its plus sign."""


def phone(value: str, field: str = "phone") -> str:
    """Return a number.

    Raises:
        InvalidInput: it is not E.164.
    """
    if not is_phone(value):
        raise InvalidInput(
            f"{field} is {shown(value)}; give a number in E.164: a plus sign, the country code "
            "and the number, 7 to 15 digits, such as +33612345678.",
            field=field,
            value=shown(value),
        )
    return value


def name(value: str, field: str = "name") -> str:
    """Return a name: 1 to 64 printable characters, no blanks around them.

    Raises:
        InvalidInput: it is none.
    """
    if not 0 < len(value) <= MOST_NAME or not value.isprintable() or value != value.strip():
        raise InvalidInput(
            f"{field} is {shown(value)}; give 1 to {MOST_NAME} printable characters, and no "
            "blanks around them.",
            field=field,
            value=shown(value),
        )
    return value


def words(value: str, field: str, *, least: int = 0, most: int = MOST_TEXT) -> str:
    """Return a text of ``least`` to ``most`` characters.

    Raises:
        InvalidInput: it is shorter or longer, or holds what no database keeps.
    """
    if not least <= len(value) <= most:
        raise InvalidInput(
            f"{field} has {len(value)} characters; give {least} to {most}.",
            field=field,
            value=shown(value),
        )
    return plain_text(value, field)


def fitting(value: str, most: int = MOST_TEXT) -> str:
    """Return a text cut to ``most`` characters, without what no database keeps."""
    return "".join("?" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value[:most])


def shown(value: str) -> str:
    """Return the beginning of a hostile value, in characters that every screen can show."""
    return ascii(value if len(value) <= MOST_NAME else value[:MOST_NAME] + "...")
