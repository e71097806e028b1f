"""Draw where phone numbers are: ``python -m callcamp.cli.draw_places callcamp/core/area_codes.py``.

What numbers tell of a place comes from libphonenumber (the ``phonenumbers`` package): the time
zones of its number prefixes and the states of its area codes. To read those takes seconds, so
the answer is kept in a module; a test fails when it is stale.
"""

from __future__ import annotations

import random
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA

from callcamp.core.area_names import AREA_NAMES, TERRITORIES

# Zones that differ on none of these days are taken for one zone. The years behind keep those
# apart that only lately came to the same time: they may part again, or did so by a law that
# the machine's time zones do not know yet.
_DAYS = [datetime(2015, 1, 4, tzinfo=UTC) + timedelta(days=7 * n) for n in range(780)]
_AREA_IN_WORDS = {
    **{name: code for code, (name, _zones) in AREA_NAMES.items()},
    "British Colombia": "CA-BC",
    "Northwest Territories/Nunavut/Yukon": "CA-NT CA-NU CA-YT",
    "Nova Scotia/Prince Edward Island": "CA-NS CA-PE",
    "Washington D.C.": "US-DC",
    "Washington State": "US-WA",
}
# Where an area code reaches into a zone that the metadata does not give it.
_ADDED_ZONES = {
    "America/Adak": "1907",
    "America/Chicago": "1423 1448 1574 1606 1807",
    "America/Denver": "1402 1432 1458 1531 1541 1620 1701 1775 1785",
    "America/Edmonton": "1236 1250 1257 1306 1474 1639 1672 1778",
    "America/Punta_Arenas": "56",
    "America/Regina": "1306 1474 1639",
    "America/Winnipeg": "1306 1474 1639",
    "America/Halifax": "1367 1418 1581 1709 1879",
    "America/Fort_Nelson": "1236 1250 1257 1672 1778",
    "America/Whitehorse": "1867",
    "America/Los_Angeles": "1208 1986",
    "America/Sao_Paulo": "5591 5593 5594",
    "America/New_York": "1219 1270 1364 1812 1906 1930",
    "Australia/Brisbane": "617",
    "Australia/Darwin": "61 6185 6186 6187 6188 6189",
}
# Overlays of an area code are where it is, whatever the metadata says of each.
_OVERLAYS = ("1208 1986", "1270 1364", "1306 1474 1639", "1812 1930", "1850 1448")
# Where the metadata is wrong: 689 is Orlando's, as 407 is.
_CORRECTED = {"1689": {"America/New_York"}}
# The metadata gives this zone to much of the mainland; only here is it right.
_ONLY_UNDER = {"America/Noronha": "55813619"}
# Mobiles that the metadata takes to be of one place, and that are not.
_EVERYWHERE = ("628",)
# All of Kazakhstan, mobiles included, has had one time since 1 March 2024.
_WHOLE = {"76": ("KZ", "Asia/Almaty"), "77": ("KZ", "Asia/Almaty")}
_GEOGRAPHIC = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.UNKNOWN,
}
_USE = Counter(z for zones in TIMEZONE_DATA.values() if len(zones) == 1 for z in zones)
_SAMPLES = (0, 600, 200, 80)
_SAMPLES_OF_LONG_PREFIXES = 40
_WIDTH = 100
# Digits of an area code abroad, at most: what is narrower only adds to what the area has.
_AREA_DIGITS = {55: 2, 61: 2}
_AREA_DIGITS_ELSEWHERE = 3

# The names that addresses have for a time: an address that says the same is to look the same.
_NAMED = {
    country: [z for code, (_, zones) in AREA_NAMES.items() if code[:2] == country for z in zones]
    for country in ("US", "CA")
}

_Entry = tuple[str, tuple[str, ...], tuple[str, ...]]


def table() -> str:
    """Return the table of :mod:`callcamp.core.area_codes` as the library's data say it now.

    Each entry is ``COUNTRY AREAS ZONES PREFIX…``; a dash stands for nothing known.
    """
    found: dict[str, _Entry] = {}
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        if regions[0] != "001":
            found |= _north_america() if code == 1 else _country(code, regions[0])
    return _written(_without_repeats(found))


def _north_america() -> dict[str, _Entry]:
    """Return the area codes of +1; numbers of no area are everywhere.

    Within an area code numbers move freely, so it has every zone that any part of it has.
    """
    found: dict[str, _Entry] = {"1": ("-", (), _merged(_zones_under("1"), _NAMED["US"]))}
    names = _area_names()
    for area_code in range(200, 1000):
        region = _region_of_area_code(area_code)
        if region is None:
            continue
        prefix = f"1{area_code}"
        together = next((o.split() for o in _OVERLAYS if prefix in o), [prefix])
        zones = {zone for one in together for zone in _zones_under(one) | _added(one)}
        zones = _CORRECTED.get(prefix, zones)
        areas: tuple[str, ...] = ()
        if region in TERRITORIES:
            region, areas = "US", (f"US-{region}",)
        elif region in {"US", "CA"}:
            areas = tuple(_AREA_IN_WORDS[names[prefix]].split())
        lawful = {zone for area in areas for zone in AREA_NAMES[area][1]}
        merged = _merged(zones, _NAMED.get(region, ()))
        found[prefix] = (region, areas, tuple(z for z in merged if not areas or z in lawful))
    return found


def _region_of_area_code(area_code: int) -> str | None:
    numbers = [
        PhoneNumber(country_code=1, national_number=int(f"{area_code}{rest}"))
        for rest in ("2345678", "3334444", "6667777")
    ]
    regions = {r for n in numbers if (r := phonenumbers.region_code_for_number(n))}
    kinds = {phonenumbers.number_type(n) for n in numbers}
    return regions.pop() if len(regions) == 1 and kinds <= _GEOGRAPHIC else None


def _area_names() -> dict[str, str]:
    """Return the state or province of each area code, in libphonenumber's words."""
    from phonenumbers.geodata import GEOCODE_DATA

    by_code = {code[3:]: name for code, (name, _) in AREA_NAMES.items() if code[:2] in {"US", "CA"}}
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for prefix, texts in GEOCODE_DATA.items():
        text = texts.get("en", "")
        if prefix.startswith("1") and len(prefix) >= 4 and text:
            _place, comma, short = text.rpartition(", ")
            name = by_code.get(short, "") if comma else text
            if name in _AREA_IN_WORDS:
                votes[prefix[:4]][name] += 1000 if len(prefix) == 4 else 1
    return {prefix: names.most_common(1)[0][0] for prefix, names in votes.items()}


def _country(code: int, region: str) -> dict[str, _Entry]:
    """Return the prefixes of a calling code: the whole country, then what is narrower."""
    whole = str(code)
    everywhere = _merged(_zones_under(whole) | _added(whole))
    lawful = _merged(_zones_of_country().get(region, ()))
    if len(everywhere) == 1 and len(lawful) == 1:
        # libphonenumber names zones of other countries that only had the same time once.
        everywhere = lawful
    found: dict[str, _Entry] = {whole: (region, (), everywhere)}
    if len(everywhere) > 1:
        digits = _AREA_DIGITS.get(code, _AREA_DIGITS_ELSEWHERE)
        for prefix, zones in reversed(_areas(whole, digits).items()):
            narrow = _merged(zones, everywhere)
            for part, is_there in _parts(code, prefix, len(whole) + digits):
                found.setdefault(part, (region, (), narrow if is_there else everywhere))
    for prefix in _EVERYWHERE:
        if prefix.startswith(whole):
            found = {p: e for p, e in found.items() if not p.startswith(prefix)}
    for prefix, (country, zone) in _WHOLE.items():
        if prefix.startswith(whole):
            found = {p: e for p, e in found.items() if not p.startswith(prefix)}
            found[prefix] = (country, (), (zone,))
    return found


def _parts(code: int, prefix: str, longest: int) -> Iterator[tuple[str, bool]]:
    """Yield a prefix, and its parts when it is mixed, with whether it says where a number is."""
    kinds = _kinds(code, prefix)
    yield prefix, kinds == {True}
    if kinds == {True, False} and len(prefix) < longest:
        for digit in "0123456789":
            yield from _parts(code, prefix + digit, longest)


def _areas(whole: str, digits: int) -> dict[str, set[str]]:
    """Return the zones of each prefix under a calling code.

    What is narrower than an area code only adds to the zones of the area: the metadata has
    slips there, and numbers move within an area.
    """
    known = sorted((p for p in TIMEZONE_DATA if p.startswith(whole) and p != whole), key=len)
    found: dict[str, set[str]] = {}
    for prefix in known:
        area = prefix[: len(whole) + digits]
        if len(prefix) > len(area):
            if area not in found:
                shorter = (area[:n] for n in range(len(area) - 1, len(whole), -1))
                parent = next((found[p] for p in shorter if p in found), None)
                found[area] = (_zones_under(area) if parent is None else parent) | _added(area)
            found[prefix] = found[area] | _zones_of(prefix)
        elif zones := _zones_of(prefix):
            found[prefix] = zones | _added(prefix)
    return found


def _kinds(code: int, prefix: str) -> set[bool]:
    """Tell whether there are numbers that begin so that are, and that are not, of a place.

    Found out by trying numbers, as many as the prefix is short.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    metadata = [m for r in regions if (m := PhoneMetadata.metadata_for_region(r, None))]
    lengths = {
        length
        for m in metadata
        for kind in (m.fixed_line, m.mobile)
        if kind is not None
        for length in kind.possible_length
    }
    start = prefix[len(str(code)) :]
    found: set[bool] = set()
    tries = _SAMPLES[len(start)] if len(start) < len(_SAMPLES) else _SAMPLES_OF_LONG_PREFIXES
    digits = random.Random(prefix)  # noqa: S311 - the same numbers each time, no secret
    for length in sorted(length for length in lengths if length > len(start)):
        for _ in range(tries):
            rest = "".join(digits.choices("0123456789", k=length - len(start)))
            number = PhoneNumber(country_code=code, national_number=int(start + rest))
            kind = phonenumbers.number_type(number)
            if kind != PhoneNumberType.UNKNOWN:
                found.add(is_number_type_geographical(kind, code))
    return found


def _zones_under(prefix: str) -> set[str]:
    return {z for p, zones in TIMEZONE_DATA.items() if p.startswith(prefix) for z in zones}


def _zones_of(prefix: str) -> set[str]:
    """Return the zones that the metadata gives a prefix, those left out that are slips."""
    return {
        zone
        for zone in TIMEZONE_DATA[prefix]
        if prefix.startswith(_ONLY_UNDER.get(zone, "")) or _ONLY_UNDER[zone].startswith(prefix)
    }


def _added(prefix: str) -> set[str]:
    return {zone for zone, prefixes in _ADDED_ZONES.items() if prefix in prefixes.split()}


def _merged(zones: Iterable[str], names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return one zone for each that has its own time; ``names`` are taken before others."""
    kept: dict[tuple[timedelta | None, ...], str] = {}
    for zone in sorted(zones, key=lambda z: (-_USE[z], z)):
        kept.setdefault(_times(zone), zone)
    named = {_times(name): name for name in reversed(names)}
    return tuple(sorted(named.get(times, zone) for times, zone in kept.items()))


@cache
def _zones_of_country() -> dict[str, list[str]]:
    """Return the zones of each country, as the time zone database lists them."""
    zones: dict[str, list[str]] = defaultdict(list)
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab")
    for line in table.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _where, zone, *_comment = line.split("\t")
            zones[country].append(zone)
    return zones


@cache
def _times(zone: str) -> tuple[timedelta | None, ...]:
    # Of the kept library, not of the machine: the table is to be the same everywhere.
    with resources.files("tzdata").joinpath("zoneinfo", zone).open("rb") as file:
        there = ZoneInfo.from_file(file)
    return tuple(day.astimezone(there).utcoffset() for day in _DAYS)


def _without_repeats(found: dict[str, _Entry]) -> dict[str, _Entry]:
    """Leave out prefixes that say what a shorter one says."""
    kept: dict[str, _Entry] = {}
    for prefix in sorted(found, key=len):
        shorter = (prefix[:n] for n in range(len(prefix) - 1, 0, -1))
        parent = next((kept[p] for p in shorter if p in kept), None)
        if parent != found[prefix]:
            kept[prefix] = found[prefix]
    return kept


def _written(found: dict[str, _Entry]) -> str:
    groups: dict[_Entry, list[str]] = defaultdict(list)
    for prefix, entry in found.items():
        groups[entry].append(prefix)
    lines = [""]
    for (country, areas, zones), prefixes in sorted(groups.items()):
        head = f"{country} {','.join(areas) or '-'} {','.join(zones) or '-'}"
        text = f"{head} {' '.join(sorted(prefixes))}"
        if lines[-1] and len(lines[-1]) + len(text) < _WIDTH - 5:
            lines[-1] += f" | {text}"
        else:
            lines[-1] += " |" if lines[-1] else ""
            lines += textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines[1:])


def redraw(module: str) -> str:
    """Return the text of :mod:`callcamp.core.area_codes` with its table drawn anew."""
    head, _, rest = module.partition('_TABLE = """\\\n')
    _old, _, tail = rest.partition('\n"""')
    return f'{head}_TABLE = """\\\n{table()}\n"""{tail}'


def main(path: Path) -> None:
    """Draw the table of a module anew."""
    path.write_text(redraw(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
