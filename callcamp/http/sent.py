"""The fields of a form as they were sent."""

from __future__ import annotations

from multidict import MultiMapping


def text_of(data: MultiMapping[object], field: str) -> str:
    """Return a field without blanks around it; empty when it is missing or no text."""
    value = data.get(field, "")
    return value.strip() if isinstance(value, str) else ""


def texts_of(data: MultiMapping[object], field: str) -> list[str]:
    """Return all values of a field that are texts, as they were sent."""
    return [value for value in data.getall(field, []) if isinstance(value, str)]
