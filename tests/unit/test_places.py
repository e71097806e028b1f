"""Where contacts may be: by zone, address and number, and the text that is stored of it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from callcamp.core.addresses import address_of, country_where
from callcamp.core.area_codes import BY_PREFIX
from callcamp.core.area_names import AREA_NAMES
from callcamp.core.places import Place, PlaceFinder, place_of, where_number, zone_or_none
from callcamp.errors import InvalidInput

ROOT = Path(__file__).resolve().parents[2]
EAST, CENTRAL, MOUNTAIN = "America/New_York", "America/Chicago", "America/Denver"
PACIFIC = "America/Los_Angeles"


def test_the_geocoder_is_not_imported_at_run_time() -> None:
    code = (
        "import sys, callcamp.core.places, callcamp.engine.legal;"
        "sys.exit(any('geodata' in m or 'geocoder' in m for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("phone", "key"),
    [
        ("+13055550100", f"US;US-FL;{EAST}"),
        ("+18505550100", f"US;US-FL;{CENTRAL},{EAST}"),
        ("+14485550100", f"US;US-FL;{CENTRAL},{EAST}"),
        ("+16895550100", f"US;US-FL;{EAST}"),
        ("+16055550100", f"US;US-SD;{CENTRAL},{MOUNTAIN}"),
        ("+12035550100", f"US;US-CT;{EAST}"),
        ("+12085550100", f"US;US-ID;{MOUNTAIN},{PACIFIC}"),
        ("+17875550100", "US;US-PR;America/Puerto_Rico"),
        ("+18765550100", "JM;;America/Jamaica"),
        ("+18005550100", ";;+1"),
        ("+19995550100", ";;+1"),
        ("+15145550100", "CA;CA-QC;America/Toronto"),
        ("+19025550100", "CA;CA-NS,CA-PE;America/Halifax"),
        ("+442079460000", "GB;;Europe/London"),
        ("+447700900123", "GB;;Europe/London"),
        ("+33142345678", "FR;;Europe/Paris"),
        ("+34612345678", "ES;;Atlantic/Canary,Europe/Madrid"),
        ("+34922345678", "ES;;Atlantic/Canary"),
        ("+34912345678", "ES;;Europe/Madrid"),
        ("+61412345678", "AU;;+61"),
        ("+61291234567", "AU;;Australia/Sydney"),
        ("+61731234567", "AU;;Australia/Brisbane,Australia/Sydney"),
        ("+61891234567", "AU;;Australia/Adelaide,Australia/Darwin,Australia/Perth"),
        ("+77011234567", "KZ;;Asia/Almaty"),
        ("+74951234567", "RU;;Europe/Moscow"),
        ("+79161234567", "RU;;+7"),
        ("+80012345678", ""),
        ("", ""),
    ],
)
def test_a_number_tells_of_a_place(phone: str, key: str) -> None:
    place = place_of(phone, {})
    assert place.key == key
    assert Place.parse(key) == place
    assert PlaceFinder()(phone, {}) == key


def test_numbers_of_no_place_and_mobiles_of_wide_countries_have_many_zones() -> None:
    assert len(place_of("+18005550100", {}).zones) == 20
    assert {EAST, "Pacific/Honolulu", "Pacific/Guam", "America/St_Johns"} <= set(
        place_of("+18885550100", {}).zones
    )
    assert {"Australia/Darwin", "Australia/Eucla", "Indian/Cocos"} <= set(
        place_of("+61412345678", {}).zones
    )


NAMED = [name for name in sorted(available_timezones()) if "/" in name]
DAYS = [datetime(2015, 1, 4, tzinfo=UTC) + timedelta(days=14 * n) for n in range(390)]


def times(zone: str) -> tuple[timedelta | None, ...]:
    return tuple(day.astimezone(ZoneInfo(zone)).utcoffset() for day in DAYS)


# The library has these wrong, or has more of them than there are: 689 is Orlando, numbers of
# +1 907 reach Hawaii for one exchange, Yukon has no summer time, Recife is not far to the west,
# Kazakhstan has one time.
WRONG_IN_LIBRARY = ("+1689", "+1907", "+1867", "+1879", "+5581", "+7")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_number_has_every_zone_that_the_library_gives_it(data: st.DataObject) -> None:
    region = data.draw(st.sampled_from(["US", "CA", "AU", "BR", "ES", "PT", "ID", "NZ", "GB"]))
    example = phonenumbers.example_number_for_type(
        region, data.draw(st.sampled_from([0, 1, 2])) if region != "US" else 2
    )
    assert example is not None
    digits = list(str(example.national_number))
    for index in data.draw(st.sets(st.integers(0, len(digits) - 1))):
        digits[index] = data.draw(st.sampled_from("0123456789"))
    number = phonenumbers.PhoneNumber(example.country_code, int("".join(digits)))
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Of a country that it has no zones for, the library gives those of all that share its code.
    elsewhere = phonenumbers.region_code_for_number(number) != region
    if elsewhere or phone.startswith(WRONG_IN_LIBRARY):
        return
    ours = {times(zone) for zone in where_number(phone)[2]}
    theirs = {times(z) for z in time_zones_for_number(number) if z != UNKNOWN_TIMEZONE}
    assert theirs <= ours, phone


@pytest.mark.parametrize(
    ("phone", "variables", "key"),
    [
        # the number leaves it open, the address tells
        ("+18505550100", {"zip": "32501"}, f"US;US-FL;{CENTRAL}"),
        ("+61412345678", {"state": "Victoria"}, "AU;AU-VIC;Australia/Sydney"),
        ("+61412345678", {"postcode": "2000"}, "AU;AU-NSW;Australia/Sydney"),
        ("+61412345678", {"postcode": "2880"}, "AU;AU-NSW;Australia/Adelaide"),
        ("+34612345678", {"postal_code": "35001"}, "ES;ES-CN;Atlantic/Canary"),
        ("+34612345678", {"postal_code": "28001"}, "ES;ES-MD;Europe/Madrid"),
        ("+18005550100", {"state": "WA"}, f"US;US-WA;{PACIFIC}"),
        ("+18005550100", {"state": "ON", "zip": "K1A 0B1"}, "CA;CA-ON;America/Toronto"),
        ("+18005550100", {"country": "Canada", "state": "AB"}, "CA;CA-AB;America/Edmonton"),
        ("+80012345678", {"country": "France"}, "FR;;Europe/Paris"),
        ("+491701234567", {"state": "Bayern"}, "DE;DE-BY;Europe/Berlin"),
        ("+491701234567", {"state": "BY"}, "DE;DE-BY;Europe/Berlin"),
        # a ZIP code tells more than its state
        ("+13055550100", {"state": "FL"}, f"US;US-FL;{CENTRAL},{EAST}"),
        ("+13055550100", {"state": "FL", "zip": "33101-1234"}, f"US;US-FL;{EAST}"),
        ("+13055550100", {"state": "FL", "zip": "32401"}, f"US;US-FL;{CENTRAL},{EAST}"),
        # they disagree: both
        ("+13055550100", {"state": "CA"}, f"US;US-CA,US-FL;{PACIFIC},{EAST}"),
        ("+13055550100", {"zip": "90210"}, f"US;US-CA,US-FL;{PACIFIC},{EAST}"),
        (
            "+13055550100",
            {"state": "FL", "zip": "90210"},
            f"US;US-CA,US-FL;{CENTRAL},{PACIFIC},{EAST}",
        ),
        ("+13055550100", {"country": "FR"}, f";US-FL;{EAST},Europe/Paris"),
        (
            "+13055550100",
            {"country": "CA", "state": "ON", "zip": "M5V 2T6"},
            f";CA-ON,US-FL;{EAST},America/Toronto",
        ),
        # a country that both agree on narrows nothing and widens nothing
        ("+13055550100", {"country": "USA"}, f"US;US-FL;{EAST}"),
        ("+18005550100", {"country": "PR"}, "US;US-PR;America/Puerto_Rico"),
        # an explicit zone is the only one, wherever the rest points
        ("+13055550100", {"time_zone": "America/Boise"}, "US;US-FL;America/Boise"),
        ("+13055550100", {"timezone": "america/los angeles"}, f"US;US-FL;{PACIFIC}"),
        (
            "+13055550100",
            {"time_zone": "Europe/Paris", "state": "CA"},
            "US;US-CA,US-FL;Europe/Paris",
        ),
        # what is not understood counts as not given
        ("+13055550100", {"time_zone": "EST"}, f"US;US-FL;{EAST}"),
        ("+13055550100", {"time_zone": "Mars/Olympus"}, f"US;US-FL;{EAST}"),
        ("+13055550100", {"state": "Atlantis", "zip": "1"}, f"US;US-FL;{EAST}"),
        ("+13055550100", {"country": "Atlantis"}, f"US;US-FL;{EAST}"),
        ("+13055550100", {"zip": "09012"}, f"US;US-FL;{EAST}"),
        ("+390612345678", {"state": "CA"}, "IT;;Europe/Rome"),
        ("+33142345678", {"zip": "75001"}, "FR;;Europe/Paris"),
        # capitals and blanks do not matter
        ("+13055550100", {"Time_Zone": " America/Chicago "}, f"US;US-FL;{CENTRAL}"),
        ("+13055550100", {"State": " florida ", "ZIP": "33101"}, f"US;US-FL;{EAST}"),
    ],
)
def test_zone_then_address_then_number(phone: str, variables: dict[str, str], key: str) -> None:
    assert place_of(phone, variables).key == key
    assert PlaceFinder()(phone, variables) == key


def test_a_person_with_several_numbers_may_be_where_any_of_them_is() -> None:
    both = place_of("+13055550100", {}, ("+14155550100",))
    assert both == Place("US", ("US-CA", "US-FL"), (PACIFIC, EAST))
    assert place_of("+13055550100", {}, ("+33142345678",)).country is None
    assert PlaceFinder()("+13055550100", {}, ("+14155550100",)) == both.key


@pytest.mark.parametrize(
    ("said", "areas", "zones"),
    [
        (("US", "", "00501"), ("US-NY",), (EAST,)),
        (("US", "", "06390"), ("US-CT", "US-NY"), (EAST,)),
        (("US", "", "88510"), ("US-TX",), (MOUNTAIN,)),
        (("US", "", "79901"), ("US-TX",), (MOUNTAIN,)),
        (("US", "", "77001"), ("US-TX",), (CENTRAL,)),
        (("US", "", "85001"), ("US-AZ",), ("America/Phoenix",)),
        (("US", "", "86515"), ("US-AZ",), (MOUNTAIN, "America/Phoenix")),
        (("US", "", "37402"), ("US-TN",), (EAST,)),
        (("US", "", "37347"), ("US-TN",), (CENTRAL, EAST)),
        (("US", "", "99546"), ("US-AK",), ("America/Adak", "America/Anchorage")),
        (("US", "", "96799"), ("US-AS", "US-HI"), ("Pacific/Honolulu", "Pacific/Pago_Pago")),
        (("CA", "", "A1C 5S7"), ("CA-NL",), ("America/St_Johns",)),
        (("CA", "", "G4T 1A1"), ("CA-QC",), ("America/Halifax", "America/Toronto")),
        (
            ("CA", "", "X0A0H0"),
            ("CA-NT", "CA-NU"),
            ("America/Edmonton", "America/Toronto", "America/Winnipeg"),
        ),
        (("AU", "", "800"), ("AU-NT",), ("Australia/Darwin",)),
        (("AU", "", "2620"), ("AU-ACT", "AU-NSW"), None),
        (("AU", "", "6443"), ("AU-WA",), ("Australia/Eucla",)),
        (("ES", "", "08001"), ("ES-CT",), ("Europe/Madrid",)),
    ],
)
def test_postal_codes(
    said: tuple[str, str, str], areas: tuple[str, ...], zones: tuple[str, ...] | None
) -> None:
    country, found, there = address_of(said, None)
    assert (country, found) == (said[0], areas)
    assert zones is None or there == zones


def test_every_area_is_of_a_known_country_and_has_zones_that_exist() -> None:
    for code, (name, zones) in AREA_NAMES.items():
        assert name
        assert zones
        assert set(zones) <= set(NAMED)
        assert country_where(code[:2])[2]
    # Names of the same time are one name, or an address would seem to disagree with a number.
    for country in ("US", "CA", "AU"):
        names = {z for code, (_, zones) in AREA_NAMES.items() if code[:2] == country for z in zones}
        assert len({times(name) for name in names}) == len(names)
        ours = {z for c, areas, zones in BY_PREFIX.values() if c == country for z in zones}
        same = {times(z): z for z in ours}
        assert all(same.get(times(name), name) == name for name in names), country


def test_a_zone_is_found_whatever_its_capitals_and_an_abbreviation_is_none() -> None:
    assert zone_or_none("EUROPE/paris") == "Europe/Paris"
    assert zone_or_none("utc") == "UTC"
    assert zone_or_none("US/Eastern") == "US/Eastern"
    for text in ("", "EST", "PST8PDT", "Factory", "../etc/passwd", "Europe", "Europe/Paris\0"):
        assert zone_or_none(text) is None


@given(
    country=st.sampled_from([None, "US", "AU", "FR"]),
    areas=st.lists(st.sampled_from(sorted(AREA_NAMES)), max_size=3),
    zones=st.one_of(
        st.lists(st.sampled_from(NAMED), max_size=5),
        st.sampled_from([list(BY_PREFIX[code][2]) for code in ("1", "61", "7", "55", "33")]),
    ),
)
def test_a_place_is_written_so_that_it_can_be_read_again(
    country: str | None, areas: list[str], zones: list[str]
) -> None:
    place = Place(country, tuple(areas), tuple(zones))
    assert Place.parse(place.key) == place
    assert Place(country, tuple(reversed(areas)), tuple(reversed(zones))).key == place.key
    assert Place.parse("") == Place()


@pytest.mark.parametrize("text", ["US", "US;US-FL", "a;b;c;d"])
def test_a_text_that_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="place"):
        Place.parse(text)


def test_places_are_few_and_short() -> None:
    finder = PlaceFinder()
    keys = {finder(f"+1{code}5550100", {}) for code in range(200, 1000)}
    assert len(keys) < 130
    assert max(map(len, keys)) < 120


variables_of_contacts = st.dictionaries(
    st.sampled_from(["state", "zip", "country", "time_zone", "postal_code", "City", "Zip"]),
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(["FL", "CA", "33101", "K1A 0B1", "USA", "fr", "Europe/Rome", "2000"]),
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    phone=st.one_of(
        st.from_regex(r"\+[1-9][0-9]{6,13}", fullmatch=True),
        st.sampled_from(["+13055550100", "+61412345678", "+18005550100", "+34612345678"]),
    ),
    variables=variables_of_contacts,
)
def test_the_finder_says_what_place_of_says_and_nothing_is_lost(
    phone: str, variables: dict[str, str]
) -> None:
    place = place_of(phone, variables)
    finder = PlaceFinder()
    assert finder(phone, variables) == finder(phone, variables) == place.key
    assert Place.parse(place.key) == place
    if where_number(phone)[2]:
        assert place.zones


def test_a_full_cache_of_places_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callcamp.core.places._MOST_KEPT", 2)
    finder = PlaceFinder()
    for _ in range(2):
        for phone in ("+13055550100", "+14155550100", "+33142345678", "+4930123456"):
            assert finder(phone, {}) == place_of(phone, {}).key
