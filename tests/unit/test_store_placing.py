"""Where contacts are, told from what an import has of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core import places
from callcamp.core.area_codes import BY_PREFIX
from callcamp.core.places import PlaceFinder, place_of
from callcamp.store import placing

PREFIXES = st.sampled_from(sorted(BY_PREFIX))
PHONES = st.builds(
    lambda prefix, rest: f"+{prefix}{rest}"[:16], PREFIXES, st.text("0123456789", min_size=9)
)
DATA = st.dictionaries(
    st.sampled_from(["name", "state", "State", "ZIP", "zip", "country", "timezone", "Time_Zone"]),
    st.sampled_from(["", "CA", "Florida", "33101", "DE", "Asia/Tokyo", 'say "state"', "É"]),
)


@given(phone=PHONES, variables=DATA, others=st.lists(PHONES, max_size=2), ascii_only=st.booleans())
def test_an_import_finds_the_place_that_the_rules_find(
    phone: str, variables: dict[str, str], others: list[str], ascii_only: bool
) -> None:
    told = json.dumps(variables, ensure_ascii=ascii_only)
    found = placing.place_of_json(phone, told, json.dumps(others) if others else None)
    assert found == placing.place_key(phone, variables, others)
    assert found == place_of(phone, variables, others).key


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_MOST_KEPT", 3)
    find = PlaceFinder()
    phones = ["+33612345678", "+12125551234", "+13055551234", "+442079460000", "+33612345678"]
    for phone in phones:
        assert find(phone, {}) == place_of(phone, {}).key
        assert len(find._by_beginning) <= 3
