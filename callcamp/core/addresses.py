"""Where an address is: subdivision and time zones of a state or a postal code.

Postal codes are read for the United States (states by the first three digits, USPS Publication
65 and Domestic Mail Manual L002; zones where 49 CFR part 71 splits a state), Canada (first
letter), Australia (Australia Post's ranges) and Spain (first two digits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from callcamp.core.area_codes import BY_PREFIX, Where
from callcamp.core.area_names import AREA_NAMES, TERRITORIES

ZONE_NAMES: tuple[str, ...] = ("time_zone", "timezone")
"""Variables that say in which time zone a contact is."""
STATE_NAMES: tuple[str, ...] = ("state", "province")
"""Variables that say in which state or province a contact is."""
POSTAL_NAMES: tuple[str, ...] = ("postal_code", "zip", "zip_code", "postcode")
"""Variables that hold its postal code."""
COUNTRY_NAMES: tuple[str, ...] = ("country",)
"""Variables that say in which country it is."""

_COUNTRY_IN_WORDS = {
    "australia": "AU",
    "aus": "AU",
    "canada": "CA",
    "can": "CA",
    "deutschland": "DE",
    "deu": "DE",
    "españa": "ES",
    "esp": "ES",
    "fra": "FR",
    "france": "FR",
    "gbr": "GB",
    "germany": "DE",
    "great britain": "GB",
    "ind": "IN",
    "india": "IN",
    "ita": "IT",
    "italia": "IT",
    "italy": "IT",
    "spain": "ES",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "uk": "GB",
    "united kingdom": "GB",
    "united states": "US",
    "united states of america": "US",
    "usa": "US",
}
_OTHER_NAMES = {
    "bavaria": "DE-BY",
    "catalunya": "ES-CT",
    "d.c.": "US-DC",
    "euskadi": "ES-PV",
    "hesse": "DE-HE",
    "illes balears": "ES-IB",
    "islas canarias": "ES-CN",
    "lower saxony": "DE-NI",
    "newfoundland": "CA-NL",
    "north rhine-westphalia": "DE-NW",
    "québec": "CA-QC",
    "rhineland-palatinate": "DE-RP",
    "saxony": "DE-SN",
    "saxony-anhalt": "DE-ST",
    "thuringia": "DE-TH",
    "us virgin islands": "US-VI",
    "washington d.c.": "US-DC",
    "washington dc": "US-DC",
    "yukon territory": "CA-YT",
}
# First three digits of a ZIP code -> state; military post (090-098, 340, 962-966) has none.
_ZIP_STATES = """
005 NY 006-007 PR 008 VI 009 PR 010-027 MA 028-029 RI 030-038 NH 039-049 ME 050-054 VT 055 MA
056-059 VT 060-069 CT 063 NY 070-089 NJ 100-149 NY 150-196 PA 197-199 DE 200 DC 201 VA 202-205 DC
205 MD 205 VA 206-219 MD 220-246 VA 247-268 WV 270-289 NC 290-299 SC 300-319 GA 320-339 FL
341-349 FL 350-369 AL 370-385 TN 386-397 MS 398-399 GA 400-427 KY 430-459 OH 460-479 IN 480-499 MI
500-528 IA 530-549 WI 550-567 MN 569 DC 570-577 SD 580-588 ND 590-599 MT 600-629 IL 630-658 MO
660-679 KS 680-693 NE 700-714 LA 716-729 AR 726 MO 730-732 OK 733 TX 734-749 OK 739 TX 750-799 TX
800-816 CO 820-834 WY 832-838 ID 840-847 UT 850-865 AZ 870-884 NM 885 TX 888 DC 889-898 NV
900-961 CA 967-968 HI 967 AS 969 GU 969 MP 970-979 OR 980-994 WA 995-999 AK
"""
# Which part of a split state a ZIP code is in; a code of both parts has all its zones.
_ZIP_ZONES = """
320-323 E 325 C 326-339 E 341-349 E
370-372 C 374 E 376 E 378-379 E 375 C 380-385 C
400 E 402-418 E 420-424 C 425 E
460-462 E 463-464 C 466-468 E 470-474 E 476-477 C 478 E
480-497 E
570-574 C 577 M 580-584 C 587-588 C
660-676 C 679 C 680-689 C 693 M
733 C 739 C 750-797 C 799 M 885 M
832-834 M 836-837 M 838 P
850-859 Ph 863-864 Ph
889-897 P
970-978 P
996-999 A
"""
_ZONE_OF = {
    "A": "America/Anchorage",
    "C": "America/Chicago",
    "E": "America/New_York",
    "M": "America/Denver",
    "P": "America/Los_Angeles",
    "Ph": "America/Phoenix",
}
_CANADA = {
    "A": "NL",
    "B": "NS",
    "C": "PE",
    "E": "NB",
    "G": "QC",
    "H": "QC",
    "J": "QC",
    "K": "ON",
    "L": "ON",
    "M": "ON",
    "N": "ON",
    "P": "ON",
    "R": "MB",
    "S": "SK",
    "T": "AB",
    "V": "BC",
    "X": "NT NU",
    "Y": "YT",
}
# Where the beginning of a Canadian code leaves one zone of those of its province.
_CANADA_ZONES = {
    "America/Regina": "S4 S7",
    "America/St_Johns": "A1",
    "America/Toronto": "G1 G2 G3 G5 G6 G7 G8 G9 H J K L M N P1 P2 P3 P4 P5 P6 P7",
    "America/Vancouver": "V3 V4 V5 V6 V7 V8 V9",
}
# The other Australian codes of a state have its capital's time.
_AUSTRALIA_ZONES = {
    "2880": "Australia/Adelaide",
    "2898": "Australia/Lord_Howe",
    "6443": "Australia/Eucla",
}
_CAPITAL_ZONES = {"AU-NSW": "Australia/Sydney", "AU-WA": "Australia/Perth"}
_AUSTRALIA = """
0200-0299 ACT 0800-0999 NT 0872 SA 0872 WA 1000-1999 NSW 2000-2599 NSW 2600-2618 ACT 2600-2619 NSW
2620-2898 NSW 2620 ACT 2899 NSW 2900-2920 ACT 2921-2999 NSW 3000-3999 VIC 4000-4999 QLD 5000-5999 SA
6000-6999 WA 7000-7999 TAS 8000-8999 VIC 9000-9999 QLD
"""
_SPAIN = """
AN 04 11 14 18 21 23 29 41 AR 22 44 50 AS 33 CB 39 CE 51 CL 05 09 24 34 37 40 42 47 49
CM 02 13 16 19 45 CN 35 38 CT 08 17 25 43 EX 06 10 GA 15 27 32 36 IB 07 MC 30 MD 28 ML 52 NC 31
PV 01 20 48 RI 26 VC 03 12 46
"""


Said = tuple[str, str, str]
"""What a contact's data say of its address: country, state, postal code; "" where nothing."""


def said_in(variables: Mapping[str, str]) -> tuple[str, Said]:
    """Return the time zone and the address that variables give ("" where they say nothing).

    Capitals in the names of variables do not matter.
    """
    zones, countries, states, postal = _telling(tuple(variables))
    return _first(zones, variables), (
        _first(countries, variables),
        _first(states, variables),
        _first(postal, variables),
    )


def tells(name: str) -> bool:
    """Tell whether a variable of this name says something of where a contact is."""
    return any(_telling((name,)))


@lru_cache(maxsize=256)
def _telling(names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the names of the variables that tell of each part of a place, in our order."""
    lower = {name.casefold(): name for name in reversed(names)}
    return tuple(
        tuple(lower[name] for name in known if name in lower)
        for known in (ZONE_NAMES, COUNTRY_NAMES, STATE_NAMES, POSTAL_NAMES)
    )


def _first(names: tuple[str, ...], variables: Mapping[str, str]) -> str:
    return next((value for name in names if (value := variables[name].strip())), "")


@lru_cache(maxsize=65_536)
def address_of(said: Said, number_country: str | None) -> Where:
    """Return where an address is; what is not understood counts as not given.

    Of an address that names no more than a country, only that is returned.

    Args:
        said: country, state and postal code.
        number_country: the country of the number: that of an address that names none.
    """
    country_text, state_text, postal = said
    country, territory = _country(country_text)
    here = country or number_country
    countries = [here] if here else ["US", "CA"]
    states = {s for c in countries if (s := _state(c, state_text)) is not None} | territory
    coded = [found for c in countries if (found := _postal(c, postal)) is not None]
    areas = {*states, *(area for found, _ in coded for area in found)}
    in_states = {zone for state in states for zone in AREA_NAMES[state][1]}
    in_codes = {zone for _, zones in coded for zone in zones}
    # A postal code tells more than the state that it is in.
    agree = states <= {area for found, _ in coded for area in found}
    zones = in_codes if coded and agree else in_states | in_codes
    if country is None and areas:
        country = number_country or next(iter(areas)).partition("-")[0]
    return country, tuple(sorted(areas)), tuple(sorted(zones))


def _country(text: str) -> tuple[str | None, set[str]]:
    """Return the country that a text names, and the subdivision that it is of the US."""
    plain = " ".join(text.split())
    code = _COUNTRY_IN_WORDS.get(plain.casefold(), plain.upper())
    if code in TERRITORIES:
        return "US", {f"US-{code}"}
    return (code, set()) if code in _zones_of_countries() else (None, set())


def _state(country: str, text: str) -> str | None:
    """Return the subdivision of a country that a text names, by code or in words."""
    plain = " ".join(text.split()).removesuffix(".")
    for code in (f"{country}-{plain.upper()}", plain.upper()):
        if code in AREA_NAMES and code.startswith(f"{country}-"):
            return code
    code = _areas_in_words().get((country, plain.casefold()), "")
    return code or None


@cache
def _areas_in_words() -> dict[tuple[str, str], str]:
    named = {(code[:2], name.casefold()): code for code, (name, _) in AREA_NAMES.items()}
    return named | {(code[:2], name): code for name, code in _OTHER_NAMES.items()}


@cache
def _zones_of_countries() -> dict[str, tuple[str, ...]]:
    zones: dict[str, dict[str, None]] = {}
    for country, _areas, there in BY_PREFIX.values():
        if country is not None:
            zones.setdefault(country, {}).update(dict.fromkeys(there))
    return {country: tuple(sorted(names)) for country, names in zones.items()}


def country_where(country: str | None) -> Where:
    """Return where somebody is of whom only the country is known; every zone it has."""
    return country, (), _zones_of_countries().get(country or "", ())


@lru_cache(maxsize=65_536)
def _postal(country: str, text: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return subdivisions and zones of a postal code, or None when it tells nothing."""
    code = re.sub(r"[ -]", "", text.upper())
    areas: tuple[str, ...] = ()
    zone: str | None = None
    match country:
        case "US" if re.fullmatch(r"\d{5}(\d{4})?", code, re.ASCII):
            areas, zone = _zip_areas().get(code[:3], ()), _zip_zones().get(code[:3])
        case "CA" if re.fullmatch(r"[A-Z]\d[A-Z]\d[A-Z]\d", code, re.ASCII):
            areas = tuple(f"CA-{a}" for a in _CANADA.get(code[0], "").split())
            zone = _canadian_zones().get(code[:1]) or _canadian_zones().get(code[:2])
        case "AU" if re.fullmatch(r"\d{3,4}", code, re.ASCII):
            areas, zone = _australian(code.zfill(4))
        case "ES" if re.fullmatch(r"\d{5}", code, re.ASCII):
            areas = _spanish_areas().get(code[:2], ())
        case _:
            return None
    if not areas:
        return None
    if zone is not None:
        return areas, (zone,)
    return areas, tuple(sorted({zone for area in areas for zone in AREA_NAMES[area][1]}))


def _ranges(table: str) -> list[tuple[int, int, str]]:
    words = table.split()
    found = []
    for span, what in zip(words[::2], words[1::2], strict=True):
        first, _, last = span.partition("-")
        found.append((int(first), int(last or first), what))
    return found


@cache
def _zip_areas() -> dict[str, tuple[str, ...]]:
    areas: dict[str, tuple[str, ...]] = {}
    for first, last, state in _ranges(_ZIP_STATES):
        for start in range(first, last + 1):
            areas[f"{start:03}"] = (*areas.get(f"{start:03}", ()), f"US-{state}")
    return areas


@cache
def _zip_zones() -> dict[str, str]:
    return {
        f"{start:03}": _ZONE_OF[zone]
        for first, last, zone in _ranges(_ZIP_ZONES)
        for start in range(first, last + 1)
    }


@cache
def _canadian_zones() -> dict[str, str]:
    return {start: zone for zone, starts in _CANADA_ZONES.items() for start in starts.split()}


def _australian(code: str) -> tuple[tuple[str, ...], str | None]:
    found = [a for first, last, a in _ranges(_AUSTRALIA) if first <= int(code) <= last]
    areas = tuple(dict.fromkeys(f"AU-{area}" for area in found))
    whole = _CAPITAL_ZONES.get(areas[0]) if len(areas) == 1 else None
    return areas, _AUSTRALIA_ZONES.get(code, whole)


@cache
def _spanish_areas() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    community = ""
    for word in _SPAIN.split():
        if word.isdigit():
            found[word] = (f"ES-{community}",)
        else:
            community = word
    return found
