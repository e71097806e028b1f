"""What a call script must be like, so that agents can work with it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from callcamp.core.scripts import CallScript, Element, ElementKind, ShowIf
from callcamp.errors import InvalidInput

ELEMENTS_MOST = 200
"""Elements of a script at most."""
QUESTIONS_MOST = 100
"""Of them those with an answer: a call carries so many variables."""
TEXT_MOST = 2000
"""Characters of what is read out or asked, at most."""
OPTIONS_MOST = 100
"""Closed choices of one element at most."""
OPTION_MOST = 200
"""Characters of a closed choice at most."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CLOSED = frozenset({ElementKind.CHOICE, ElementKind.CHOICES})
_YES_NO = ("yes", "no")


def check_script(script: CallScript, field: str = "agents.script") -> None:
    """Make sure that agents can work with a script.

    Args:
        script: the script.
        field: how messages name it; elements are named by their place, from 0.

    Raises:
        InvalidInput: naming the first element that is unusable, and its field.
    """
    if len(script.elements) > ELEMENTS_MOST:
        raise InvalidInput(
            f"{field}.elements has {len(script.elements)} entries; give {ELEMENTS_MOST} at most.",
            field=f"{field}.elements",
            value=len(script.elements),
        )
    questions = sum(element.kind is not ElementKind.SENTENCE for element in script.elements)
    if questions > QUESTIONS_MOST:
        raise InvalidInput(
            f"{field}.elements asks for {questions} answers; ask for {QUESTIONS_MOST} at most.",
            field=f"{field}.elements",
            value=questions,
        )
    before: dict[str, Element] = {}
    for place, element in enumerate(script.elements):
        where = f"{field}.elements.{place}"
        _check_text(f"{where}.text", element.text)
        _check_name(f"{where}.name", element, before)
        _check_options(f"{where}.options", element)
        if element.required and element.kind is ElementKind.SENTENCE:
            raise _unfit(f"{where}.required", True, "a sentence is read out and has no answer")
        if element.show_if is not None:
            _check_show_if(f"{where}.show_if", element.show_if, before)
        if element.name:
            before[element.name] = element


def _check_text(field: str, text: str) -> None:
    if not text.strip() or len(text) > TEXT_MOST or _CONTROLS.search(text):
        raise _unfit(field, text, f"give 1 to {TEXT_MOST} characters, without control characters")


def _check_name(field: str, element: Element, before: Mapping[str, Element]) -> None:
    name = element.name
    if element.kind is ElementKind.SENTENCE:
        if name:
            raise _unfit(field, name, "a sentence has no answer, so leave its name out")
        return
    if not _NAME.fullmatch(name) or name.upper().startswith("CC_"):
        raise _unfit(
            field,
            name,
            "give 1 to 64 letters, digits and underscores, no digit and no CC_ first: the "
            "variable in which the answer is kept",
        )
    if name in before:
        raise _unfit(field, name, "another element has this name; give each its own")


def _check_options(field: str, element: Element) -> None:
    options = element.options
    if element.kind not in _CLOSED:
        if options:
            words = f"only choice and choices have options, this is a {element.kind.value}"
            raise _unfit(field, ", ".join(options), words)
        return
    if not 1 <= len(options) <= OPTIONS_MOST:
        raise _unfit(field, len(options), f"give 1 to {OPTIONS_MOST} options to choose from")
    for option in options:
        if option != option.strip() or not option or len(option) > OPTION_MOST:
            words = f"give 1 to {OPTION_MOST} characters without blanks around them"
            raise _unfit(field, option, words)
        # What is chosen of several options is kept as one text, with semicolons between.
        if _LINE_CONTROLS.search(option) or ";" in option:
            raise _unfit(field, option, "give one line of text without semicolons")
    if len(set(options)) < len(options):
        double = next(one for one in options if options.count(one) > 1)
        raise _unfit(field, double, "give each option once")


def _check_show_if(field: str, show_if: ShowIf, before: Mapping[str, Element]) -> None:
    asked = before.get(show_if.name)
    if asked is None:
        known = ", ".join(before) or "none"
        raise _unfit(f"{field}.name", show_if.name, f"name an element that comes before: {known}")
    if not 1 <= len(show_if.values) <= OPTIONS_MOST:
        raise _unfit(
            f"{field}.values", len(show_if.values), "give the answers after which it is shown"
        )
    known_values = _YES_NO if asked.kind is ElementKind.CHECKBOX else asked.options
    for value in show_if.values:
        if known_values and value not in known_values:
            raise _unfit(
                f"{field}.values", value, f"{show_if.name} is answered with {_or(known_values)}"
            )
        if not value or len(value) > OPTION_MOST or _LINE_CONTROLS.search(value):
            raise _unfit(f"{field}.values", value, f"give 1 to {OPTION_MOST} characters each")


def _or(words: tuple[str, ...]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _unfit(field: str, value: object, advice: str) -> InvalidInput:
    shown = (
        repr(value[:80] + "…" if len(value) > 80 else value) if isinstance(value, str) else value
    )
    return InvalidInput(f"{field} is {shown}; {advice}.", field=field, value=value)
