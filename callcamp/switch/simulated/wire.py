"""AMI as bytes: actions read as Asterisk reads them, messages written as it writes them.

Measured on Asterisk 22.10.1; see ``docs/simulated-switch.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
"""What Asterisk 22 says first."""

MAX_LINE: Final = 1022
"""Longest line, in bytes without its line end, that Asterisk takes."""

MAX_HEADERS: Final = 128
"""Most headers of one action."""

Pairs = Iterable[tuple[str, str]]
"""Headers in their order."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action as it came; ``problem`` says why Asterisk would not even look at it."""

    headers: tuple[tuple[str, str], ...]
    problem: str | None = None

    def get(self, name: str) -> str:
        """Return the first header of this name in any case; empty when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def all(self, name: str) -> list[str]:
        """Return every header of this name."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]


class ActionReader:
    """Cuts a stream of bytes into actions.

    A line ends at LF, with or without a CR before it; a CR alone is part of the text. An
    empty line ends the action.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[Action]:
        """Yield the actions that ``data`` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line:
                self._too_long = self._too_long or len(line) > MAX_LINE
                self._lines.append(line)
            else:
                yield self._complete()

    def _complete(self) -> Action:
        lines, too_long = self._lines, self._too_long
        self._lines, self._too_long = [], False
        problem = None
        if too_long:
            problem = "Failed to parse message: line too long"
        elif len(lines) > MAX_HEADERS:
            problem = "Too many lines in message or allocation failure"
        return Action(tuple(_header(line) for line in lines[:MAX_HEADERS]), problem)


def _header(line: bytes) -> tuple[str, str]:
    # Asterisk passes bytes through; surrogateescape does the same for bytes that aren't UTF-8.
    # A bare CR inside a line vanishes in Asterisk's own parsing.
    name, _, value = line.decode("utf-8", "surrogateescape").replace("\r", "").partition(":")
    return name, value.lstrip(" \t")


def message(pairs: Pairs) -> bytes:
    """Write one response or event."""
    text = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return (text + "\r\n").encode("utf-8", "surrogateescape")


def split_arguments(text: str) -> list[str]:
    """Split at commas as Asterisk splits an argument list.

    Commas inside parentheses, brackets and double quotes don't split; quotes vanish; a
    backslash vanishes and makes the next character literal.
    """
    arguments: list[str] = []
    current: list[str] = []
    parentheses = brackets = 0
    quoted = False
    characters = iter(text)
    for one in characters:
        if one == "\\":
            current.append(next(characters, ""))
            continue
        if one == '"':
            quoted = not quoted
            continue
        if one == "," and not (parentheses or brackets or quoted):
            arguments.append("".join(current))
            current = []
            continue
        if one == "(":
            parentheses += 1
        elif one == ")":
            parentheses = max(0, parentheses - 1)
        elif one == "[":
            brackets += 1
        elif one == "]":
            brackets = max(0, brackets - 1)
        current.append(one)
    arguments.append("".join(current))
    return arguments


def variables_of(action: Action) -> list[tuple[str, str]]:
    """Return what the ``Variable`` headers of an Originate set, in the order of setting.

    One header may set several, and Asterisk sets them last first.
    """
    found = []
    for header in action.all("Variable"):
        for argument in split_arguments(header):
            name, equals, value = argument.partition("=")
            if equals and name:
                found.append((name, value))
    return found[::-1]
