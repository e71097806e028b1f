"""Numbers and behaviours of the lab."""

from __future__ import annotations

import phonenumbers
import pytest

from callcamp.errors import LabError
from callcamp.lab import (
    ALL_BEHAVIOURS,
    BEHAVIOURS,
    LOAD,
    NUMBERS_PER_BEHAVIOUR,
    behaviour_of,
    load_number,
    number_for,
)


def test_every_number_of_every_behaviour_is_valid_and_distinct_and_leads_back() -> None:
    seen = set()
    for behaviour in ALL_BEHAVIOURS:
        for index in range(NUMBERS_PER_BEHAVIOUR):
            number = number_for(behaviour.slug, index)
            assert behaviour_of(number) == behaviour
            seen.add(number)
        assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    assert len(seen) == NUMBERS_PER_BEHAVIOUR * len(ALL_BEHAVIOURS)


def test_load_numbers_are_valid_and_answer() -> None:
    assert load_number(0) == "+33199000000"
    assert number_for("load", 9999) == "+33199009999"
    assert behaviour_of(load_number(1234)) is LOAD
    for index in (0, 9999):
        assert phonenumbers.is_valid_number(phonenumbers.parse(load_number(index)))


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "33261911000",
        "+33261919900",
        "+3326191100",
        "+332619110000",
        "+33261911a00",
        "+332619110\u0660\u0660",
        "+15551234567",
        "anonymous",
    ],
)
def test_other_numbers_have_no_behaviour(number: str) -> None:
    assert behaviour_of(number) is None


@pytest.mark.parametrize(
    ("slug", "index"), [("nobody", 0), ("busy", -1), ("busy", 400), ("load", 10_000)]
)
def test_what_the_lab_does_not_have_is_refused(slug: str, index: int) -> None:
    with pytest.raises(LabError):
        number_for(slug, index)


def test_slugs_and_codes_are_unique_and_dispositions_known() -> None:
    every = ALL_BEHAVIOURS
    assert len({one.slug for one in every}) == len({one.code for one in every}) == len(every)
    assert {one.disposition for one in BEHAVIOURS} == {
        "answered_person",
        "voicemail",
        "busy",
        "no_answer",
        "rejected",
        "invalid_number",
        "unavailable",
        "congestion",
        "hung_up",
        "timeout",
    }
