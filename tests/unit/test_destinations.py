"""Which numbers outside agents may call."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from callcamp.core.destinations import fitting_entry, is_allowed

PARIS, LONDON = "+33142685300", "+442079460018"
PREMIUM, SHARED = "+33899123456", "+33810123456"
JAMAICA = "+18765230123"


def example(region: str, kind: int) -> str:
    number = phonenumbers.example_number_for_type(region, kind)
    assert number is not None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("entries", "allowed", "refused"),
    [
        ([], [], [PARIS, LONDON, PREMIUM]),
        ([PARIS], [PARIS], [LONDON, PARIS[:-1] + "1"]),
        (["+33 1 42 68 53 00"], [PARIS], [LONDON]),
        (["+3314268*"], [PARIS], ["+33142695300", LONDON]),
        (["+33 1 42 68*"], [PARIS], ["+33142695300"]),
        (["FR"], [PARIS, "+33612345678"], [LONDON, PREMIUM, SHARED]),
        (["fr", "GB"], [PARIS, LONDON], [PREMIUM, JAMAICA]),
        (["FR", PREMIUM], [PARIS, PREMIUM], [SHARED]),
        (["FR", "+3381*"], [SHARED], [PREMIUM]),
        (["US"], ["+12125550101"], [JAMAICA, "+19005550123"]),
        (["", "X", "*", "+*", "0142685300"], [], [PARIS]),
    ],
)
def test_a_list_allows_what_it_names(
    entries: list[str], allowed: list[str], refused: list[str]
) -> None:
    assert [n for n in [*allowed, *refused] if is_allowed(n, entries)] == allowed


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_a_country_never_stands_for_its_premium_numbers(region: str) -> None:
    if phonenumbers.example_number_for_type(region, PhoneNumberType.PREMIUM_RATE) is not None:
        assert not is_allowed(example(region, PhoneNumberType.PREMIUM_RATE), [region])


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.text(max_size=12))
def test_what_is_no_entry_allows_nothing(region: str, entry: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if fitting_entry(entry) is None:
        assert not is_allowed(text, [entry])


@given(st.text(max_size=30))
def test_the_form_of_an_entry_stays_as_it_is(entry: str) -> None:
    fit = fitting_entry(entry)
    assert fit is None or fitting_entry(fit) == fit
