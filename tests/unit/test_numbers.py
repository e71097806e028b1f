"""Phone numbers, and that the fast way never disagrees with libphonenumber."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from callcamp.core import numbers
from callcamp.core.numbers import Normaliser, NumberProblem, RefusedNumber, check_region, normalise
from callcamp.errors import InvalidInput

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("1-416-555-0123", "CA", "+14165550123"),
        ("06 6982 1234", "IT", "+390669821234"),
        ("tel:+33612345678", "US", "+33612345678"),
        ("", "FR", NumberProblem.EMPTY),
        ("  ", "FR", NumberProblem.EMPTY),
        ("hello", "FR", NumberProblem.NOT_A_NUMBER),
        ("0612345678", None, NumberProblem.NO_COUNTRY),
        ("+999123456", "FR", NumberProblem.NO_COUNTRY),
        ("+331", "FR", NumberProblem.TOO_SHORT),
        ("12", "FR", NumberProblem.TOO_SHORT),
        ("5550123", "US", NumberProblem.TOO_SHORT),
        ("06123456789", "FR", NumberProblem.TOO_LONG),
        ("0690000000", "FR", NumberProblem.NOT_VALID),
        ("+33612345678 ext. 5", "FR", NumberProblem.NOT_VALID),
        ("+33" + "6" * 40, "FR", NumberProblem.TOO_LONG),
        ("6" * 300, "FR", NumberProblem.TOO_LONG),
    ],
)
def test_numbers_as_people_write_them(
    text: str, region: str | None, expected: str | NumberProblem
) -> None:
    wanted = RefusedNumber(text, expected) if isinstance(expected, NumberProblem) else expected
    assert normalise(text, region) == wanted
    assert Normaliser(region)(text) == wanted


def test_a_region_is_checked() -> None:
    assert check_region("fr") == "FR"
    with pytest.raises(InvalidInput):
        check_region("XX")


def _written(rng: random.Random, region: str) -> str:
    """Return a number, right or nearly right, in one of the ways in which people write it."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None
    example_number = phonenumbers.example_number_for_type(region, rng.randrange(10))
    if example_number is None:
        example_number = phonenumbers.example_number(region)
        assert example_number is not None
    digits = list(phonenumbers.national_significant_number(example_number))
    for _ in range(rng.choice((0, 1, 2, 4, 8))):
        digits[rng.randrange(len(digits))] = rng.choice("0123456789")
    if rng.random() < 0.1:
        digits.insert(rng.randrange(len(digits)), rng.choice("0123456789"))
    elif rng.random() < 0.1:
        digits.pop()
    national, code = "".join(digits), str(metadata.country_code)
    prefix = metadata.national_prefix or ""
    start = rng.choice(
        ("", prefix, f"+{code}", f"+{code}{prefix}", code, f"00{code}", f"011{code}", "0", "1", "+")
    )
    text = start + national
    if rng.random() < 0.5:
        text = "".join(c + (rng.choice(" -.()/\u00a0") if rng.random() < 0.2 else "") for c in text)
    return text


@pytest.mark.parametrize("part", range(6))
def test_the_fast_way_agrees_in_every_region(part: int) -> None:
    rng = random.Random(part)
    for region in REGIONS[part::6]:
        texts = [
            _written(rng, region if rng.random() < 0.6 else rng.choice(REGIONS)) for _ in range(60)
        ]
        for asked in (region, None):
            got = Normaliser(asked).many(texts)
            assert got == [normalise(text, asked) for text in texts]


def test_numbers_as_most_people_write_them_go_the_fast_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numbers, "normalise", None)
    good = {
        "FR": ["0612345678", "06 12 34 56 78", "+33 6 12 34 56 78", "+33(0)612345678"],
        "US": ["2025550123", "(202) 555-0123", "1-202-555-0123", "+1 202 555 0123"],
        "GB": ["07400 123456", "+44 7400 123456", "020 7946 0123"],
        "AU": ["0412 345 678", "+61 412 345 678", "(02) 9374 4000"],
        "DE": ["030 123456", "+49 30 123456", "0049 30 123456", "0151/12345678"],
        "IN": ["98765 43210", "+91-98765-43210", "0091 98765 43210"],
    }
    for region, texts in good.items():
        assert all(isinstance(got, str) for got in Normaliser(region).many(texts))
    refused = Normaliser("FR").many(["0690000000", "+33690000000"])
    assert all(isinstance(got, RefusedNumber) for got in refused)


@settings(max_examples=300)
@given(
    st.text(alphabet="0123456789+-.() /x#;\u00a0\n٣９", max_size=24),
    st.sampled_from([None, *REGIONS]),
)
@example("+0033612345678", "FR")
@example("00027711234569", "CV")
@example("0690845073", "FR")
def test_the_fast_way_agrees_on_anything(text: str, region: str | None) -> None:
    assert Normaliser(region)(text) == normalise(text, region)


def test_a_line_break_in_one_text_does_not_shift_the_others() -> None:
    texts = ["0612345678", "06123\n45678", "+33612345678"]
    assert Normaliser("FR").many(texts) == [normalise(text, "FR") for text in texts]
    assert Normaliser("FR").many([]) == []


def test_a_region_whose_prefix_rewrites_numbers_is_left_to_the_library() -> None:
    texts = ["011 15 2345 6789", "+54 9 11 2345 6789", "0 11 2345-6789", "00 54 11 2345 6789"]
    assert Normaliser("AR").many(texts) == [normalise(text, "AR") for text in texts]


def test_what_is_no_number_fills_no_memory() -> None:
    normalise_ = Normaliser("FR")
    for first in range(0x100, 0x100 + 3000):
        assert isinstance(normalise_(f"+{chr(first)}ab"), RefusedNumber)
    kept = numbers._calling_code.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize <= kept.maxsize
