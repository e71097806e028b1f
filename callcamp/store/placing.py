"""Where contacts are, as the store keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from callcamp.core.addresses import COUNTRY_NAMES, POSTAL_NAMES, STATE_NAMES, ZONE_NAMES
from callcamp.core.area_codes import LONGEST_PREFIX
from callcamp.core.places import PlaceFinder


@cache
def _finder() -> PlaceFinder:
    return PlaceFinder()


def place_key(phone: str, variables: Mapping[str, str], others: Sequence[str] = ()) -> str:
    """Return where a contact may be, see :class:`callcamp.core.places.Place`."""
    return _finder()(phone, variables, others)


@cache
def _telling() -> Callable[[str], object]:
    names = (*ZONE_NAMES, *STATE_NAMES, *POSTAL_NAMES, *COUNTRY_NAMES)
    return re.compile("|".join(f'"{re.escape(name)}"' for name in names)).search


def place_of_json(phone: str, variables: str, others: str | None) -> str:
    """Return :func:`place_key` of a contact whose data are still JSON.

    Reads the JSON only when it may tell something of the place: an import has half a million
    contacts. Of the number only its beginning matters then.
    """
    if others or _telling()(variables):
        return place_key(phone, json.loads(variables), json.loads(others) if others else ())
    beginning = phone[: 1 + LONGEST_PREFIX]
    known = _by_beginning.get(beginning)
    if known is None:
        if len(_by_beginning) >= _MOST_KEPT:
            _by_beginning.clear()
        known = _by_beginning[beginning] = place_key(phone, {})
    return known


_by_beginning: dict[str, str] = {}
_MOST_KEPT = 100_000
