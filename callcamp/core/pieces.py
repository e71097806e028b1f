"""Pieces of a day: half-open ranges of microseconds since its midnight, and sums with them.

Only whole numbers, so that an edge is exact. A piece may go on past the end of its day, to
the end of the next one at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

Piece = tuple[int, int]
"""First microsecond that is in, and first one that is out again; never empty."""

Pieces = tuple[Piece, ...]
"""Pieces in order, which neither touch nor overlap."""

DAY_US = 86_400_000_000
"""Microseconds of a day."""

NOTHING: Pieces = ()
"""No time at all."""

WHOLE_DAY: Pieces = ((0, DAY_US),)
"""From midnight to midnight."""


def piece(start: time, end: time) -> Piece:
    """Return the time from ``start`` to ``end`` of a local clock.

    ``end`` equal to ``start`` is the whole day from midnight to midnight; a smaller ``end``
    is that of the next day.
    """
    low, high = _since_midnight_us(start), _since_midnight_us(end)
    if low == high:
        return (0, DAY_US)
    return (low, high if low < high else high + DAY_US)


def united(pieces: Iterable[Piece]) -> Pieces:
    """Return the time that is in at least one of ``pieces``, which come in any order."""
    done: list[Piece] = []
    for low, high in sorted(pieces):
        if done and low <= done[-1][1]:
            done[-1] = (done[-1][0], max(high, done[-1][1]))
        else:
            done.append((low, high))
    return tuple(done)


def without(pieces: Pieces, cuts: Iterable[Piece]) -> Pieces:
    """Return the time of ``pieces`` that is in none of ``cuts``."""
    for cut_low, cut_high in cuts:
        left: list[Piece] = []
        for low, high in pieces:
            left += [
                (a, b) for a, b in ((low, min(high, cut_low)), (max(low, cut_high), high)) if a < b
            ]
        pieces = tuple(left)
    return pieces


def on_day(pieces: Pieces) -> Pieces:
    """Return the part of ``pieces`` that is on the day they begin on."""
    return tuple((low, min(high, DAY_US)) for low, high in pieces if low < DAY_US)


def on_next_day(pieces: Pieces) -> Pieces:
    """Return the part of ``pieces`` that is on the day after, counted from its midnight."""
    return tuple(
        (max(low, DAY_US) - DAY_US, high - DAY_US) for low, high in pieces if high > DAY_US
    )


def _since_midnight_us(clock: time) -> int:
    seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
    return seconds * 1_000_000 + clock.microsecond
