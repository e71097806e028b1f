"""Answers to call scripts: what is shown, what is read out, what is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.contacts.mapping import MAX_VARIABLES
from callcamp.contacts.rows import MAX_VALUE_BYTES
from callcamp.core.script_answers import (
    BETWEEN,
    LINE_BETWEEN,
    LONG_TEXT_MOST,
    MISSING,
    TEXT_MOST,
    check_answers,
    chosen,
    fill,
    shown,
)
from callcamp.core.script_checks import check_script
from callcamp.core.scripts import CallScript, Element, ElementKind, ShowIf
from callcamp.engine.variables import check_variables
from callcamp.errors import InvalidInput

K = ElementKind
SCRIPT = CallScript(
    (
        Element(K.SENTENCE, "Hello {first}!"),
        Element(K.CHOICE, "Do you have a car?", "car", ("yes", "no", "soon"), required=True),
        Element(K.TEXT, "Which one?", "make", required=True, show_if=ShowIf("car", ("yes",))),
        Element(K.CHECKBOX, "Is it insured?", "insured", show_if=ShowIf("car", ("yes", "soon"))),
        Element(K.LONG_TEXT, "Why not?", "why", show_if=ShowIf("insured", ("no",))),
        Element(K.CHOICES, "What matters?", "matters", ("price", "service", "a, b")),
        Element(K.SENTENCE, "We are cheap.", show_if=ShowIf("matters", ("price",))),
    )
)


def names(**answers: str) -> list[str]:
    return [element.name or element.text for element in shown(SCRIPT, answers)]


def refused(**answers: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        check_answers(SCRIPT, answers)
    field: str = caught.value.details["field"]
    assert field.removeprefix("answers.") in caught.value.message
    return field


def test_what_is_shown_follows_the_answers() -> None:
    assert names() == ["Hello {first}!", "car", "matters"]
    assert names(car="no") == names()
    assert names(car="soon") == ["Hello {first}!", "car", "insured", "why", "matters"]
    assert names(car="yes", insured="yes") == [
        "Hello {first}!",
        "car",
        "make",
        "insured",
        "matters",
    ]
    assert names(matters="service; price")[-1] == "We are cheap."
    assert names(matters="service")[-1] == "matters"


def test_what_hangs_on_something_hidden_is_hidden() -> None:
    # "insured" was answered before the agent went back and changed the first answer.
    assert names(car="no", insured="no") == ["Hello {first}!", "car", "matters"]


def test_answers_that_the_script_asks_for_are_taken() -> None:
    check_answers(SCRIPT, {"car": "no"})
    check_answers(SCRIPT, {"car": "no", "make": "", "matters": f"price{BETWEEN}a, b"})
    check_answers(SCRIPT, {"car": "yes", "make": "Škoda 李", "insured": "yes"})
    check_answers(SCRIPT, {"car": "soon", "insured": "no", "why": f"dear{LINE_BETWEEN}slow"})
    check_answers(CallScript(), {})


def test_what_is_required_is_asked_for_while_it_is_shown() -> None:
    assert refused() == "answers.car"
    assert refused(car="yes") == "answers.make"
    assert refused(car="yes", make=" ") == "answers.make"
    must = CallScript((Element(K.CHECKBOX, "I have read it out", "read", required=True),))
    for answers in ({}, {"read": ""}, {"read": "no"}):
        with pytest.raises(InvalidInput, match="tick it"):
            check_answers(must, answers)
    check_answers(must, {"read": "yes"})


@pytest.mark.parametrize(
    ("field", "answers"),
    [
        ("nothing", {"car": "no", "nothing": "x"}),
        ("nothing", {"car": "no", "nothing": ""}),
        ("make", {"car": "no", "make": "Fiat"}),
        ("car", {"car": "maybe"}),
        ("insured", {"car": "soon", "insured": "perhaps"}),
        ("matters", {"car": "no", "matters": "price; colour"}),
        ("matters", {"car": "no", "matters": "price; price"}),
        ("make", {"car": "yes", "make": "x" * (TEXT_MOST + 1)}),
        ("make", {"car": "yes", "make": "é" * (TEXT_MOST // 2 + 1)}),
        ("make", {"car": "yes", "make": "a\nb"}),
        ("make", {"car": "yes", "make": "a\0b"}),
        ("make", {"car": "yes", "make": "half \ud83d"}),
        ("why", {"car": "soon", "why": "x" * (LONG_TEXT_MOST + 1)}),
    ],
)
def test_answers_that_are_none_are_refused(field: str, answers: dict[str, str]) -> None:
    assert refused(**answers) == f"answers.{field}"


def test_hostile_answers_are_not_repeated_as_they_are() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_answers(SCRIPT, {"car": "\x1b[31m\ud83d" + "x" * 1000})
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 250


def test_texts_hold_the_data_of_the_contact() -> None:
    variables = {"first": "Zoë", "last name": "O'Hara", "empty": ""}
    assert fill("Hello {first} { last name }!", variables) == "Hello Zoë O'Hara!"
    assert fill("{empty}{other}", variables) == MISSING * 2
    assert fill("{} {a\nb} 3 < 4 {{first}}", variables) == "{} {a\nb} 3 < 4 {Zoë}"


@given(st.text(max_size=20), st.text(max_size=20))
def test_data_is_put_in_once_and_as_it_is(value: str, other: str) -> None:
    hostile = f"{{other}}{value}"
    assert fill("<{x}>", {"x": hostile, "other": other}) == f"<{hostile}>"


answers_of = st.dictionaries(
    st.sampled_from(["car", "make", "insured", "why", "matters"]),
    st.sampled_from(["yes", "no", "soon", "price", "price; service", "", "Fiat"]),
)


@given(answers_of)
def test_hidden_answers_change_nothing_that_is_shown(answers: dict[str, str]) -> None:
    visible = {element.name for element in shown(SCRIPT, answers)}
    kept = {name: answer for name, answer in answers.items() if name in visible}
    assert shown(SCRIPT, kept) == shown(SCRIPT, answers)


@given(answers_of)
def test_what_is_taken_can_be_a_variable_of_a_call(answers: dict[str, str]) -> None:
    try:
        check_answers(SCRIPT, answers)
    except InvalidInput:
        return
    check_variables(answers)
    assert answers["car"] in {"yes", "no", "soon"}


def test_the_longest_answer_fits_into_a_variable() -> None:
    assert max(TEXT_MOST, LONG_TEXT_MOST) <= MAX_VALUE_BYTES
    check_variables({"why": "x" * LONG_TEXT_MOST})


def test_chosen_options_are_read_back() -> None:
    assert chosen(f"price{BETWEEN}a, b") == ["price", "a, b"]
    assert chosen("") == chosen(" ; ") == []


def test_a_script_asks_no_more_than_a_call_can_carry() -> None:
    def script(questions: int) -> CallScript:
        asked = [Element(K.TEXT, "?", f"q{n}") for n in range(questions)]
        return CallScript((*asked, Element(K.SENTENCE, "Goodbye.")))

    check_script(script(MAX_VARIABLES))
    check_variables({f"q{n}": "x" for n in range(MAX_VARIABLES)})
    with pytest.raises(InvalidInput, match="101 answers"):
        check_script(script(MAX_VARIABLES + 1))


def test_an_unfinished_note_may_miss_answers_but_has_no_wrong_ones() -> None:
    check_answers(SCRIPT, {"matters": "price"}, unfinished=True)
    with pytest.raises(InvalidInput):
        check_answers(SCRIPT, {"car": "perhaps"}, unfinished=True)
