"""Where contacts are, as the store keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from callcamp.core.addresses import COUNTRY_NAMES, POSTAL_NAMES, STATE_NAMES, ZONE_NAMES
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
    return re.compile("|".join(f'"{re.escape(name)}"' for name in names), re.IGNORECASE).search


def place_of_json(phone: str, variables: str, others: str | None) -> str:
    """Return :func:`place_key` of a contact whose data are still JSON.

    Reads the JSON only when it may tell something of the place: an import has half a million
    contacts.
    """
    if others or _telling()(variables):
        return place_key(phone, json.loads(variables), json.loads(others) if others else ())
    return place_key(phone, {})
