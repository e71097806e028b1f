"""Patterns: what Python finds is found, and none can run for long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.patterns import PATTERN_MOST, STEPS_MOST, TEXT_MOST, compiled, found
from callcamp.errors import InvalidInput


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\+33[67]",
        r"^[A-Z]+-\d+$",
        r"\d+-\d+",
        r"^\w+@\w+\.\w+$",
        r"(mr|mrs|ms) [a-z]{2,20}",
        r"(?:a|b)?c",
        r"^(?:Paris|Lyon)$",
        r"[]a]",
        r"[^]a-z\]\-]",
        r"\.\*\(",
        r"a{3}",
        r"a{2,}?",
        r"\bfoo\b",
        r"x(y(z)?)?",
        "é+",
    ],
)
def test_ordinary_patterns_can_be_used(pattern: str) -> None:
    assert compiled(pattern).pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a" * (PATTERN_MOST + 1),
        "(a+)+$",
        "(a|aa)*b",
        "(a*){3}",
        "((a?)?)+",
        "a?" * 33 + "a" * 33,
        ".*.*.*x",
        r"\w+\w+\w+x",
        "(a|a)" * 20,
        r"(a)\1",
        "(?=a)b",
        "(?<=a)b",
        "(?P<n>a)",
        "(?i)a",
        "(?#x)",
        "(?",
        "(a",
        "a)",
        "[a",
        "[[a]",
        "[a&&b]",
        "[b-a]",
        "*a",
        "^*",
        "^{2}",
        r"\b+",
        "a**",
        "a++",
        "a{2}{3}",
        "a{,3}",
        "a{x}",
        "a{5,2}",
        "a{1,999}",
        "a}",
        r"\Z",
        r"\9",
        r"\x41",
        r"[\b]",
        "\\",
    ],
)
def test_what_could_take_long_or_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compiled(pattern)
    assert refused.value.details["field"] == "value"
    assert not found(pattern, "a" * 50)


def test_upper_and_lower_case_are_the_same_and_only_the_beginning_is_looked_at() -> None:
    assert found("PARIS", "in paris")
    assert found("x$", "y" * (TEXT_MOST - 1) + "x")
    assert not found("x", "y" * TEXT_MOST + "x")


pieces = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "^", "$", "|", "(", ")", "(?:", "*", "+", "?",
     "{2}", "{1,3}", "{0,}", "[", "]", "\\", "-", "a|", "é"]
)  # fmt: skip


@given(st.lists(pieces, max_size=12).map("".join), st.text("ab1-é\n", max_size=12))
@settings(max_examples=300)
def test_whatever_is_accepted_is_what_python_takes_it_for(pattern: str, text: str) -> None:
    try:
        mine = compiled(pattern)
    except InvalidInput:
        assert not found(pattern, text)
        return
    assert found(pattern, text) is (re.search(pattern, text, re.IGNORECASE) is not None)
    assert mine.flags & re.IGNORECASE


@given(st.text(max_size=20))
@settings(max_examples=300)
def test_any_text_is_either_a_pattern_or_refused(pattern: str) -> None:
    try:
        usable = compiled(pattern).pattern == pattern
    except InvalidInput as error:
        usable = error.details["value"] == pattern
    assert usable


def test_the_dearest_kind_of_pattern_that_is_accepted_is_within_the_count() -> None:
    # Two repeats that overlap, tried from every start: text³ ways times its characters.
    assert TEXT_MOST**3 * 8 <= STEPS_MOST
    assert not found("a+a+" + "a" * 5 + "x", "a" * TEXT_MOST)
    with pytest.raises(InvalidInput):
        compiled("a+a+a+x")
