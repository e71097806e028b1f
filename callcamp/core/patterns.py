"""Regular expressions that cannot run for long, whatever they are and whatever they read.

Both sides are foreign: patterns come from whoever may edit a campaign, texts from files of
contacts. Python's :mod:`re` backtracks, so a pattern such as ``(a+)+$`` can take years. It is
used all the same, as it is far faster than a matcher written in Python, on a part of its
language whose worst case can be counted beforehand: no group is repeated, nothing looks back or
ahead, and the ways in which a pattern can be tried on a text are multiplied out; one with too
many is refused. Only the first :data:`TEXT_MOST` characters of a text are looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache

from callcamp.errors import InvalidInput

PATTERN_MOST = 100
"""Characters of a pattern at most."""
TEXT_MOST = 160
"""Characters of a text that are looked at."""
STEPS_MOST = 33_000_000
"""Steps that a pattern may take at most, as counted. The count is several times what is really
needed: of 30,000 patterns made up to be slow, the slowest took 0.1 s."""

_CLASSES = frozenset("dDwWsS")
_CONTROLS = frozenset("tnr")
_REPEAT = re.compile(r"([*+?]|\{([0-9]{1,3})(?:(,)([0-9]{0,3}))?\})\??")


def found(pattern: str, text: str) -> bool:
    """Tell whether ``pattern`` is found in ``text``, upper or lower case.

    A pattern that :func:`compiled` refuses is found nowhere.
    """
    try:
        return compiled(pattern).search(text[:TEXT_MOST]) is not None
    except InvalidInput:
        return False


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern, ready to be searched for.

    Raises:
        InvalidInput: it is no pattern, or uses what is not allowed, or could take too long.
    """
    if not 0 < len(pattern) <= PATTERN_MOST:
        raise _refused(pattern, f"it has {len(pattern)} characters; give 1 to {PATTERN_MOST}")
    reader = _Reader(pattern)
    cost, atoms, branches = reader.alternatives()
    if reader.at < len(pattern):
        raise _refused(pattern, "a ) closes nothing")
    starts = 1 if pattern.startswith("^") and branches == 1 else TEXT_MOST
    if cost * atoms * starts > STEPS_MOST:
        raise _refused(
            pattern,
            "it could take too long; start it with ^, or repeat fewer things with * + ? {} or |",
        )
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise _refused(pattern, str(error)) from None


class _Reader:
    """Reads a pattern and counts: the ways to try it, and how many characters one way reads."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def alternatives(self) -> tuple[int, int, int]:
        """Read branches up to the closing bracket or the end; ways, characters, branches."""
        cost, atoms, branches = 0, 0, 0
        while True:
            ways, read = self._branch()
            cost, atoms, branches = cost + ways, atoms + read, branches + 1
            if self._peek() != "|":
                return cost, max(atoms, 1), branches
            self.at += 1

    def _branch(self) -> tuple[int, int]:
        cost, atoms = 1, 0
        while self._peek() not in {"", "|", ")"}:
            single, ways, read = self._atom()
            low, high = self._repeat()
            if high == 1:
                ways += 1 - low
            elif single:
                ways, read = high - low + 1, max(low, 1)
            else:
                raise _refused(self.pattern, "a group or an anchor cannot be repeated")
            cost, atoms = cost * ways, atoms + read
        return cost, atoms

    def _atom(self) -> tuple[bool, int, int]:
        """Read one thing; whether it is a single character, its ways, its characters."""
        char = self._next()
        if char == "(":
            if self._peek() == "?":
                self.at += 1
                if self._next() != ":":
                    raise _refused(self.pattern, "of all (?… only (?: can be used")
            ways, read, _ = self.alternatives()
            if self._next() != ")":
                raise _refused(self.pattern, "a ( is not closed")
            return False, ways, read
        if char == "[":
            self._set()
        elif char == "\\":
            return self._escape(inside=False), 1, 1
        elif char in "^$":
            return False, 1, 1
        elif char in "*+?{}":
            raise _refused(self.pattern, f"{char} repeats nothing; write \\{char} to look for it")
        return True, 1, 1

    def _repeat(self) -> tuple[int, int]:
        if self._peek() not in {"*", "+", "?", "{"}:
            return 1, 1
        found = _REPEAT.match(self.pattern, self.at)
        if found is None:
            raise _refused(self.pattern, "write {2}, {2,} or {2,5}, and \\{ to look for a {")
        self.at = found.end()
        if self._peek() in {"*", "+", "?", "{"}:
            raise _refused(self.pattern, "what is repeated cannot be repeated again")
        sign, low, comma, high = found.groups()
        if not low:
            return {"*": (0, TEXT_MOST), "+": (1, TEXT_MOST), "?": (0, 1)}[sign]
        least = int(low)
        most = int(high) if high else TEXT_MOST if comma else least
        if max(least, most) > TEXT_MOST or most < least:
            raise _refused(self.pattern, f"{found[0]} is not within 0 and {TEXT_MOST}")
        return least, most

    def _set(self) -> None:
        if self._peek() == "^":
            self.at += 1
        first = True
        while (char := self._next()) != "]" or first:
            first = False
            if char == "":
                raise _refused(self.pattern, "a [ is not closed")
            if char == "\\":
                self._escape(inside=True)
            elif char == "[" or (char in "-&~|" and self._peek() == char):
                raise _refused(self.pattern, f"write \\{char} for a {char} between [ and ]")

    def _escape(self, *, inside: bool) -> bool:
        """Read what follows a backslash; whether it is a single character."""
        char = self._next()
        if char in {"b", "B"} and not inside:
            return False
        if char in _CLASSES | _CONTROLS or (char and not char.isalnum()):
            return True
        raise _refused(self.pattern, f"\\{char} cannot be used")

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _next(self) -> str:
        char = self._peek()
        self.at += 1
        return char


def _refused(pattern: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"The pattern {pattern!r} cannot be used: {why}.", field="value", value=pattern
    )
