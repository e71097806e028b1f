"""Texts that a spreadsheet program shows and never runs.

A cell of a CSV file that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is
taken for a formula, and formulas can fetch and send data. Such cells get an apostrophe in
front (OWASP, "CSV injection"). Numbers are let through: an E.164 number (``+33612345678``) or a
negative amount is no formula with an effect, and has to stay usable for the next import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"\+[0-9]{1,15}|-[0-9]{1,15}(?:[.,][0-9]{1,10})?", re.ASCII)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def csv_safe(text: str) -> str:
    """Return ``text`` such that no spreadsheet program takes it for a formula."""
    if text.startswith(_RISKY) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_row(cells: Iterable[str]) -> list[str]:
    """Return a row of safe cells."""
    return [csv_safe(cell) for cell in cells]


def xml_safe(text: str) -> str:
    """Return ``text`` without what a cell cannot hold: control characters, and too much."""
    return _ILLEGAL.sub("", text)[:32_767]
