"""Which busy agents will still be busy when a call is answered."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from math import exp, isfinite, log
from typing import Any

from callcamp.core.pacing.contract import BusyPhase
from callcamp.core.pacing.durations import Durations, parts
from callcamp.core.pacing.terms import Term, term

_FINE_S = 32
_PER_FOLD = 16
_SECONDS = 20_000
"""Whoever is busy for longer is in the last interval."""
_ALMOST_NONE = 1e-7
_HOLD_MEANS = 2.0
_HOLD_MOST_S = 900.0
_SAME_S = 0.5
"""Running talks are told less exactly than those that have ended."""


def _place(elapsed_s: float) -> int:
    if elapsed_s < _FINE_S:
        return int(elapsed_s)
    return _FINE_S + int(log(elapsed_s / _FINE_S) * _PER_FOLD)


_PLACES = [_place(second + 0.5) for second in range(_SECONDS)]
_MERGED = 3
_COARSE_PLACES = [place - place % _MERGED + 1 for place in _PLACES]


def place_of(elapsed_s: float, coarse: bool = False) -> int:
    """Return in which small interval an elapsed time is: a second, later a sixteenth.

    Args:
        elapsed_s: seconds; what is negative counts as 0.
        coarse: three intervals count as one, that in the middle.
    """
    second = int(elapsed_s)
    places = _COARSE_PLACES if coarse else _PLACES
    return places[second] if 0 <= second < _SECONDS else places[0 if second < 0 else -1]


def middle_s(place: int) -> float:
    """Return the middle of what :func:`place_of` numbers, in seconds."""
    if place < _FINE_S:
        return place + 0.5
    return _FINE_S * exp((place - _FINE_S + 0.5) / _PER_FOLD)


class Agents:
    """Talk and wrap-up, learnt, and the chance of each busy agent to stay busy.

    Args:
        ends_s: the instants asked for, in seconds from now, rising.
    """

    def __init__(self, ends_s: tuple[float, ...]) -> None:
        self.talk = Durations(80.0, 0.9)
        self.wrap_up = Durations(12.0, 0.6)
        self._ends_s = ends_s
        self._middles_s = [
            (left + right) / 2 for left, right in zip((0.0, *ends_s), ends_s, strict=False)
        ]
        self._held: list[tuple[float, float]] = []
        self._wraps: list[list[float]] = []
        self._cache: dict[tuple[BusyPhase, int], Term] = {}
        self._version = (-1, -1)

    def talked(self, at_s: float, elapsed_s: float) -> int:
        """Take a talk that ended.

        Short talks end first, so those that have ended since agents began are shorter than
        all are. A talk is learnt when all that began before it have ended (see
        :meth:`compared`), or when those that began with it will mostly have.

        Args:
            at_s: when it ended.
            elapsed_s: how long it lasted, in seconds.

        Returns:
            How many talks were learnt from now.
        """
        if not (isfinite(at_s) and isfinite(elapsed_s)) or elapsed_s < 0:
            return 0
        heappush(self._held, (at_s - elapsed_s, elapsed_s))
        return self._learn(at_s - self._hold_s)

    def compared(self, now_s: float, running_s: Iterable[float]) -> int:
        """Learn the talks that began before the oldest of those that still run.

        All that began in that time have ended, long ones too.

        Args:
            now_s: the present instant.
            running_s: how long the running talks have lasted, in seconds.

        Returns:
            How many talks were learnt.
        """
        if not self._held:
            return 0
        hold_s, first_s = self._hold_s, self._held[0][0]
        oldest_s = 0.0
        for one_s in running_s:
            # Talks that last much longer than others hold nothing up.
            if oldest_s < one_s <= hold_s:
                if now_s - one_s - _SAME_S < first_s:
                    return 0
                oldest_s = one_s
        return self._learn(now_s - oldest_s - _SAME_S)

    @property
    def _hold_s(self) -> float:
        return min(_HOLD_MEANS * self.talk.mean_s, _HOLD_MOST_S)

    def _learn(self, before_s: float) -> int:
        """Learn the talks that ended and began by then; return how many."""
        learnt = 0
        while self._held and self._held[0][0] <= before_s:
            self.talk.add(heappop(self._held)[1])
            learnt += 1
        return learnt

    def still_busy(self, phase: BusyPhase, place: int) -> Term:
        """Return the chances, at the instants, of an agent of that phase and place."""
        version = (self.talk.version, self.wrap_up.version)
        if version != self._version:
            self._version = version
            self._cache.clear()
            above = self.wrap_up.above
            self._wraps = [
                [above(end - middle) for middle in self._middles_s[: n + 1]]
                for n, end in enumerate(self._ends_s)
            ]
        found = self._cache.get((phase, place))
        if found is None:
            found = self._cache[phase, place] = term(self._chances(phase, middle_s(place)))
        return found

    def _chances(self, phase: BusyPhase, elapsed_s: float) -> list[float]:
        """Return how likely each instant finds the agent busy, given what has elapsed."""
        above = self.talk.above if phase is BusyPhase.TALKING else self.wrap_up.above
        alive = above(elapsed_s)
        if alive < _ALMOST_NONE:
            # Longer than anything known: nothing says that it will end soon.
            return [1.0] * len(self._ends_s)
        left = [min(above(elapsed_s + end) / alive, 1.0) for end in self._ends_s]
        if phase is BusyPhase.WRAP_UP:
            return left
        ended = [before - after for before, after in zip((1.0, *left), left, strict=False)]
        return [
            min(rest + sum(a * b for a, b in zip(ended, wraps, strict=False)), 1.0)
            for rest, wraps in zip(left, self._wraps, strict=True)
        ]

    def state(self) -> dict[str, Any]:
        """Return what was learnt, for :meth:`restore`."""
        return {"talk": self.talk.state(), "wrap_up": self.wrap_up.state()}

    def restore(self, kept: object) -> None:
        """Take what :meth:`state` returned before.

        Raises:
            ValueError: It is not that.
        """
        kept = parts(kept)
        self.talk.restore(kept.get("talk"))
        self.wrap_up.restore(kept.get("wrap_up"))
