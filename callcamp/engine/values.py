"""What single values must be like: texts, numbers, sounds, names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sized

from callcamp.errors import InvalidInput

MAX_RULES = 200
"""Rules, conditions or numbers in one list, at most."""
_SOUND = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,63}")


def check_sound(field: str, sound: str | None) -> None:
    """Make sure that ``sound`` can be the name of a sound; None is no sound.

    Raises:
        InvalidInput: it cannot.
    """
    if sound is not None and (".." in sound or not _SOUND.fullmatch(sound)):
        raise InvalidInput(
            f"{field} is {shorten(sound)}; give the name of a sound that Asterisk knows, "
            "without extension: letters, digits and . _ - / only, and no `..`.",
            field=field,
            value=sound,
        )


def check_slug(field: str, name: str) -> None:
    """Make sure that ``name`` can be the name of a custom disposition.

    Raises:
        InvalidInput: it is not.
    """
    if not _SLUG.fullmatch(name):
        raise InvalidInput(
            f"{field} has {shorten(name)}; a custom disposition is written in lower case "
            "letters, digits and underscores, such as callback_requested.",
            field=field,
            value=name,
        )


def check_count(field: str, values: Sized, most: int = MAX_RULES) -> None:
    """Make sure that a list has at most ``most`` entries.

    Raises:
        InvalidInput: it has more.
    """
    if len(values) > most:
        raise InvalidInput(
            f"{field} has {len(values)} entries; give {most} at most.",
            field=field,
            value=len(values),
        )


def check_text(field: str, value: str, limit: int) -> None:
    """Make sure that ``value`` is one line of text that is not blank.

    Raises:
        InvalidInput: it is blank, too long, or holds control characters.
    """
    if not value.strip() or len(value) > limit or has_odd_characters(value):
        raise InvalidInput(
            f"{field} is {shorten(value)}; give 1 to {limit} characters on one line.",
            field=field,
            value=value,
        )


def has_odd_characters(value: str) -> bool:
    """Tell whether a text has line ends or other control characters."""
    # Cs: halves of a character, as they come from bytes that are no text; no page can hold them.
    return any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in value)


def shorten(value: str, most: int = 80) -> str:
    """Return ``value`` quoted for a message, cut when it is long."""
    return repr(value if len(value) <= most else f"{value[:most]}…")


def check_range(field: str, value: float, low: float, high: float) -> None:
    """Make sure that a number is not outside its range.

    Raises:
        InvalidInput: it is.
    """
    if not low <= value <= high:
        raise InvalidInput(
            f"{field} is {value}; give a number from {low} to {high}.", field=field, value=value
        )
