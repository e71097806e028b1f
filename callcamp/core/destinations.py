"""Which numbers outside an agent may send a contact to, or talk to while a contact waits.

An entry of the list is a number (``+33142685300``), the beginning of numbers
(``+3314268*``), or a country (``FR``). A country stands for its numbers except premium-rate and
shared-cost ones: who means those names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from callcamp.core.numbers import RefusedNumber, normalise

_PREFIX = re.compile(r"\+[1-9][0-9]{1,14}\*", re.ASCII)
_REGION = re.compile(r"[A-Z]{2}", re.ASCII)
_COSTLY = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})


def fitting_entry(text: str) -> str | None:
    """Return an entry of the list in its one form; None: it means no numbers.

    Args:
        text: as somebody wrote it: blanks, and small letters of a country, are allowed.
    """
    bare = text.strip()
    if bare.upper() in phonenumbers.SUPPORTED_REGIONS:
        return bare.upper()
    beginning = re.sub(r"[ ().-]", "", bare)
    if _PREFIX.fullmatch(beginning):
        return beginning
    number = normalise(bare, None)
    return None if isinstance(number, RefusedNumber) else number


def is_allowed(number: str, entries: Iterable[str]) -> bool:
    """Tell whether a list of entries has a number.

    Args:
        number: E.164, a number that exists.
        entries: what is allowed; what is no entry allows nothing.
    """
    allowed = [entry for entry in map(fitting_entry, entries) if entry is not None]
    parsed = phonenumbers.parse(number, None)
    return any(_has(entry, number, parsed) for entry in allowed)


def _has(entry: str, number: str, parsed: PhoneNumber) -> bool:
    if _REGION.fullmatch(entry):
        region = phonenumbers.region_code_for_number(parsed)
        return region == entry and phonenumbers.number_type(parsed) not in _COSTLY
    if entry.endswith("*"):
        return number.startswith(entry[:-1])
    return number == entry
