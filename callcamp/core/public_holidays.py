"""Public holidays of a country or of one of its subdivisions.

The dates are those of the ``holidays`` package (https://github.com/vacanza/holidays): days of
its category "public", with the days on which they are observed. It is only imported when
somebody asks for a holiday, for that takes about half a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache

from callcamp.errors import InvalidInput

_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
# Regions times years; a service that runs for years must not keep them all.
_YEARS_KEPT = 512


@lru_cache(maxsize=1024)
def check_holiday_region(text: str) -> str:
    """Return ``text`` as the code of a region whose public holidays are known.

    Args:
        text: an ISO 3166 country (``FR``) or an ISO 3166-2 subdivision of one (``US-CA``), in
            any case of letters.

    Raises:
        InvalidInput: there is no such region, or its holidays are not known.
    """
    region = text.strip().upper()
    country, _, subdivision = region.partition("-")
    if not _CODE.fullmatch(region):
        raise _refused(text, "give a country such as FR, or a subdivision such as US-CA.")
    if country not in _countries():
        raise _refused(text, f"no public holidays are known for country {country!r}.")
    if subdivision and subdivision not in _subdivisions(country):
        known = ", ".join(sorted(_subdivisions(country)))
        raise _refused(
            text,
            f"{country} has no such subdivision; give one of {known}, or {country} alone."
            if known
            else f"holidays of {country} are the same everywhere; give {country} alone.",
        )
    return region


def is_holiday(region: str, day: date) -> bool:
    """Tell whether ``day`` is a public holiday of ``region``.

    Raises:
        InvalidInput: there is no such region, or its holidays are not known.
    """
    return day in _holidays(check_holiday_region(region), day.year)


def holiday_name(region: str, day: date) -> str | None:
    """Return what ``day`` is called in ``region``, or None when it is no public holiday.

    The name is English where the package has it in English, else in the region's language.

    Raises:
        InvalidInput: there is no such region, or its holidays are not known.
    """
    return _holidays(check_holiday_region(region), day.year).get(day)


def _refused(text: str, what_to_do: str) -> InvalidInput:
    return InvalidInput(f"holidays is {text!r}: {what_to_do}", field="holidays", value=text)


@cache
def _countries() -> frozenset[str]:
    from holidays.registry import EntityLoader

    return frozenset(EntityLoader.get_country_codes(include_aliases=False))


@cache
def _subdivisions(country: str) -> frozenset[str]:
    from holidays import country_holidays

    # Some are no subdivisions by ISO 3166-2 but zones of school holidays, or towns.
    known = country_holidays(country).subdivisions
    return frozenset(one for one in known if _CODE.fullmatch(f"{country}-{one}"))


@lru_cache(maxsize=_YEARS_KEPT)
def _holidays(region: str, year: int) -> Mapping[date, str]:
    from holidays import country_holidays

    country, _, subdivision = region.partition("-")
    # Without a language the package would take that of the environment.
    return dict(country_holidays(country, subdiv=subdivision or None, years=year, language="en_US"))
