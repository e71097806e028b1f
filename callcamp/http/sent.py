"""The fields of a form as they were sent."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from multidict import MultiMapping

from callcamp.errors import InvalidInput

C = TypeVar("C", bound=StrEnum)


def text_of(data: MultiMapping[object], field: str) -> str:
    """Return a field without blanks around it; empty when it is missing or no text."""
    value = data.get(field, "")
    return value.strip() if isinstance(value, str) else ""


def texts_of(data: MultiMapping[object], field: str) -> list[str]:
    """Return all values of a field that are texts, as they were sent."""
    return [value for value in data.getall(field, []) if isinstance(value, str)]


def choice_of(data: MultiMapping[object], field: str, choices: type[C]) -> C:
    """Return what was chosen in a field.

    Raises:
        InvalidInput: it is none of the choices.
    """
    text = text_of(data, field)
    try:
        return choices(text)
    except ValueError:
        raise InvalidInput(
            f"{field} is {text[:40]!r}; choose one of {', '.join(choices)}.",
            field=field,
            value=text[:40],
        ) from None
