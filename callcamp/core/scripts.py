"""Call scripts: what an agent says and asks, and what of it is kept.

A script is an ordered list of elements. Answers become variables of the call, under the name of
their element.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ElementKind(StrEnum):
    """What an element of a script is.

    ``sentence`` is read out and asks nothing; ``text`` takes free text, ``long_text`` lines of
    it; ``checkbox`` is yes or no; ``choice`` takes one of its options, ``choices`` any of them.
    """

    SENTENCE = "sentence"
    TEXT = "text"
    LONG_TEXT = "long_text"
    CHECKBOX = "checkbox"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class ShowIf:
    """An element is shown only after an earlier answer.

    Args:
        name: the earlier element.
        values: answers after which it is shown (a checkbox answers ``yes`` or ``no``).
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a script.

    Args:
        kind: what it is.
        text: what is read out or asked; ``{name}`` stands for a variable of the contact.
        name: under which the answer is kept; a variable's name, unique in the script; empty
            for sentences.
        options: the closed choices.
        required: whether it has to be answered while it is shown.
        show_if: when it is shown (None: always).
    """

    kind: ElementKind
    text: str
    name: str = ""
    options: tuple[str, ...] = ()
    required: bool = False
    show_if: ShowIf | None = None


@dataclass(frozen=True, slots=True)
class CallScript:
    """The elements of a script, in order; none: no script."""

    elements: tuple[Element, ...] = ()
