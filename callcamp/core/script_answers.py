"""Answers to a call script: which elements are shown, what is read out, what may be answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from callcamp.core.scripts import CallScript, Element, ElementKind
from callcamp.errors import InvalidInput

YES, NO = "yes", "no"
"""Answers of a checkbox."""
BETWEEN = "; "
"""Stands between the options that were chosen of several."""
LINE_BETWEEN = " / "
"""Stands between the lines of an answer of several lines: a variable of a call has one line."""
TEXT_MOST, LONG_TEXT_MOST = 400, 800
"""Bytes of an answer in UTF-8, at most: of one line, and of several lines."""
MISSING = "…"
"""Is read out in place of a variable that the contact does not have."""

_VARIABLE = re.compile(r"\{([^{}\n]{1,64})\}")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with the contact's data in place of ``{name}``.

    What comes of it is plain text: data of a contact is put in once and not looked at again.

    Args:
        text: as written in the script.
        variables: the contact's data by name.
    """
    return _VARIABLE.sub(lambda found: variables.get(found[1].strip(), "") or MISSING, text)


def chosen(answer: str) -> list[str]:
    """Return the options that an answer to ``choices`` holds."""
    return [part for part in (one.strip() for one in answer.split(";")) if part]


def shown(script: CallScript, answers: Mapping[str, str]) -> list[Element]:
    """Return the elements that are shown after these answers, in order.

    An element that hangs on an answer is hidden as long as the element asked about is hidden,
    whatever was answered before.

    Args:
        script: the script.
        answers: answers by element name, as far as there are any.
    """
    return list(_shown(script.elements, answers))


def _shown(elements: Sequence[Element], answers: Mapping[str, str]) -> Iterator[Element]:
    asked: dict[str, Element] = {}
    for element in elements:
        show_if = element.show_if
        if show_if is not None:
            before = asked.get(show_if.name)
            if before is None or not _values(before, answers) & set(show_if.values):
                continue
        if element.name:
            asked[element.name] = element
        yield element


def _values(element: Element, answers: Mapping[str, str]) -> set[str]:
    answer = answers.get(element.name, "")
    if element.kind is ElementKind.CHECKBOX:
        return {YES if answer == YES else NO}
    return set(chosen(answer)) if element.kind is ElementKind.CHOICES else {answer}


def check_answers(
    script: CallScript, answers: Mapping[str, str], *, unfinished: bool = False
) -> None:
    """Make sure that answers are ones that the script asks for, and all that it requires.

    A checkbox that is required has to be ticked.

    Args:
        script: the script.
        answers: answers by element name; an empty one is none.
        unfinished: whether those that are required may be missing.

    Raises:
        InvalidInput: naming the first element that is answered wrongly, or not at all.
    """
    visible = {element.name: element for element in shown(script, answers) if element.name}
    known = {element.name for element in script.elements if element.name}
    for name, answer in answers.items():
        if name not in known:
            raise _unfit(name, answer, "the script of this campaign does not ask for it")
        if name not in visible and answer:
            raise _unfit(name, answer, "after the other answers this is not asked; leave it out")
    for name, element in visible.items():
        answer = answers.get(name, "")
        if not unfinished and element.required and _is_missing(element, answer):
            wanted = "tick it" if element.kind is ElementKind.CHECKBOX else "give an answer"
            raise _unfit(name, answer, f"{wanted}: the script requires it")
        if answer:
            _check(element, answer)


def _is_missing(element: Element, answer: str) -> bool:
    return answer != YES if element.kind is ElementKind.CHECKBOX else not answer.strip()


def _check(element: Element, answer: str) -> None:
    name = element.name
    match element.kind:
        case ElementKind.CHECKBOX:
            if answer not in {YES, NO}:
                raise _unfit(name, answer, f"give {YES} or {NO}")
        case ElementKind.CHOICE:
            if answer not in element.options:
                raise _unfit(name, answer, f"give one of: {', '.join(element.options)}")
        case ElementKind.CHOICES:
            wrong = [one for one in chosen(answer) if one not in element.options]
            if wrong or len(set(chosen(answer))) < len(chosen(answer)):
                options = ", ".join(element.options)
                raise _unfit(name, answer, f"give each once, with semicolons between: {options}")
        case ElementKind.TEXT:
            _check_text(name, answer, TEXT_MOST)
        case _:
            _check_text(name, answer, LONG_TEXT_MOST)


def _check_text(name: str, answer: str, most: int) -> None:
    if _CONTROLS.search(answer) or len(answer.encode()) > most:
        raise _unfit(name, answer, f"give text of at most {most} bytes without control characters")


def _unfit(name: str, answer: str, advice: str) -> InvalidInput:
    shown_answer = ascii(answer if len(answer) <= 80 else answer[:80] + "...")
    told = f"is {shown_answer}" if answer else "is missing"
    return InvalidInput(
        f"The answer to {name} {told}; {advice}.", field=f"answers.{name}", value=shown_answer
    )
