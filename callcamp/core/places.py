"""Where a contact may be: country, subdivisions and time zones, from its address and numbers.

More than one zone, or subdivision, means that it may be in any: whoever asks has to take care
of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from zoneinfo import available_timezones

from callcamp.core.addresses import address_of, country_where, said_in
from callcamp.core.area_codes import BY_PREFIX, LONGEST_PREFIX, Where
from callcamp.errors import InvalidInput

_NOWHERE: Where = (None, (), ())
_NORTH_AMERICA = BY_PREFIX["1"]
# Sets of zones that are too long to write down are written as the calling code that has them.
_LONG_SET = 4
_SET_OF_CODE = {
    f"+{prefix}": zones
    for prefix, (_, _, zones) in BY_PREFIX.items()
    if len(prefix) <= 3 and len(zones) >= _LONG_SET
}
_CODE_OF_SET = {zones: code for code, zones in reversed(_SET_OF_CODE.items())}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contact may be.

    Args:
        country: ISO 3166 country (None: not known, or its address and number disagree).
        areas: ISO 3166-2 subdivisions in which it may be; empty: not known.
        zones: IANA time zones in which it may be; empty: not known.
    """

    country: str | None = None
    areas: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "areas", tuple(sorted(set(self.areas))))
        object.__setattr__(self, "zones", tuple(sorted(set(self.zones))))

    @property
    def key(self) -> str:
        """The place in one short text, the same for the same place; "" when nothing is known.

        ``US;US-FL;America/Chicago,America/New_York``; all the zones of a calling code are
        written ``+61``.
        """
        if self == Place():
            return ""
        zones = _CODE_OF_SET.get(self.zones) or ",".join(self.zones)
        return f"{self.country or ''};{','.join(self.areas)};{zones}"

    @classmethod
    def parse(cls, key: str) -> Place:
        """Return the place that :attr:`key` wrote.

        Raises:
            InvalidInput: it is not such a text.
        """
        if not key:
            return cls()
        parts = key.split(";")
        if len(parts) != 3:
            raise InvalidInput(
                f"place is {key!r}; give COUNTRY;SUBDIVISIONS;ZONES, such as "
                "US;US-FL;America/New_York.",
                field="place",
                value=key,
            )
        country, areas, zones = parts
        return cls(country or None, _split(areas), _SET_OF_CODE.get(zones) or _split(zones))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def place_of(phone: str, variables: Mapping[str, str], others: Sequence[str] = ()) -> Place:
    """Return where a contact may be.

    A time zone in its variables (``time_zone``, ``timezone``) wins over its address (``state``,
    ``postal_code`` or ``zip``, ``country``), and that over its numbers. An address within what
    the numbers leave open decides; when they disagree, both are possible. A zone that does not
    exist, or an abbreviation such as ``EST``, counts as not given, like any part of an address
    that is not understood.

    Args:
        phone: E.164 with the plus sign.
        variables: the contact's data by name.
        others: its further numbers.
    """
    zone, said = said_in(variables)
    number = _joined([where_number(each) for each in (phone, *others)])
    return _place(number, address_of(said, number[0]), zone)


class PlaceFinder:
    """:func:`place_of` for many contacts, as the text that is stored."""

    def __init__(self) -> None:
        self._keys: dict[tuple[Where, Where, str], str] = {}
        self._by_beginning: dict[str, str] = {}

    def __call__(self, phone: str, variables: Mapping[str, str], others: Sequence[str] = ()) -> str:
        """Return :attr:`Place.key` of where a contact may be; arguments as :func:`place_of`."""
        if variables or others:
            return self._found(phone, variables, others)
        # Of the number only its beginning matters, and half a million have few of those.
        beginning = phone[: 1 + LONGEST_PREFIX]
        known = self._by_beginning.get(beginning)
        if known is None:
            if len(self._by_beginning) >= _MOST_KEPT:
                self._by_beginning.clear()
            known = self._by_beginning[beginning] = self._found(phone, variables, others)
        return known

    def _found(self, phone: str, variables: Mapping[str, str], others: Sequence[str]) -> str:
        number = where_number(phone)
        if others:
            number = _joined([number, *map(where_number, others)])
        address, zone = _NOWHERE, ""
        if variables:
            zone, said = said_in(variables)
            address = address_of(said, number[0])
        known = self._keys.get((number, address, zone))
        if known is None:
            # Files may say anything; the cache must not keep it all.
            if len(self._keys) >= _MOST_KEPT:
                self._keys.clear()
            known = self._keys[number, address, zone] = _place(number, address, zone).key
        return known


_MOST_KEPT = 100_000


def where_number(phone: str) -> Where:
    """Return where a number is: country, subdivisions, time zones; all that is possible.

    Numbers that move about within a country, and those of no place at all, are everywhere.
    """
    if phone[:2] == "+1":
        return BY_PREFIX.get(phone[1:5]) or _NORTH_AMERICA
    for end in range(LONGEST_PREFIX + 1, 1, -1):
        where = BY_PREFIX.get(phone[1:end])
        if where is not None:
            return where
    return _NOWHERE


def _place(number: Where, address: Where, zone: str) -> Place:
    country, areas, zones = _combined(number, address)
    named = zone_or_none(zone)
    return Place(country, areas, (named,) if named else zones)


def _joined(places: Sequence[Where]) -> Where:
    """Return where somebody may be who may be in any of these places."""
    if len(places) == 1:
        return places[0]
    countries = {country for country, _, _ in places}
    return (
        countries.pop() if len(countries) == 1 else None,
        _union(areas for _, areas, _ in places),
        _union(zones for _, _, zones in places),
    )


def _union(sets: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for each in sets for one in each))


def _combined(number: Where, address: Where) -> Where:
    """Return where somebody may be with this number and this address.

    The address decides where it is within what the number leaves open, and where the number
    is of no country; else both are possible.
    """
    if address == _NOWHERE:
        return number
    elsewhere = address[2] or country_where(address[0])[2]
    if number in {_NOWHERE, _NORTH_AMERICA}:
        return address[0], address[1], elsewhere
    if address[0] is None or number[0] == address[0]:
        return number[0], _narrowed(number[1], address[1]), _narrowed(number[2], address[2])
    # The number and the address are of two countries.
    return None, _union((number[1], address[1])), _union((number[2], elsewhere))


def _narrowed(wide: tuple[str, ...], told: tuple[str, ...]) -> tuple[str, ...]:
    if not told:
        return wide
    return told if not wide or set(told) <= set(wide) else _union((wide, told))


@lru_cache(maxsize=4096)
def zone_or_none(text: str) -> str | None:
    """Return the IANA zone that a text names, or None when it names none for certain.

    Abbreviations such as ``EST`` name a zone without summer time, which is hardly what whoever
    wrote it meant; they count as none.
    """
    return _zone_names().get("_".join(text.split()).casefold())


@cache
def _zone_names() -> dict[str, str]:
    names = {name for name in available_timezones() if "/" in name} | {"GMT", "UTC"}
    return {name.casefold(): name for name in names}
