"""When calls are answered: how long people take, how long the others ring, and how many answer.

A ringing call has two possible ends that compete: an answer, or anything else. What is left
of either depends on how long it has rung already.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import accumulate, pairwise
from math import erfc, isfinite, log, sqrt
from typing import Any

from callcamp.core.pacing.chances import AnswerChance
from callcamp.core.pacing.contract import ContactKind
from callcamp.core.pacing.durations import numbers, parts
from callcamp.core.pacing.terms import Term, term

BIN_S = 0.5
_BINS = 240
_SQRT_2 = sqrt(2.0)
_ALMOST_NONE = 1e-7
_GROWTH = 0.05
_HOLD_FIRST_S = 30.0
_HOLD_MOST_S = 90.0
_HOLD_LESS = 0.999
_MARGIN_S = 2.0


class _Curve:
    """A fading histogram of ring times with half-second bins."""

    def __init__(self, prior: list[float], memory: float) -> None:
        self.counts = prior
        self._keep = 1 - 1 / memory
        self._since_look = 0.0
        self.version = 0
        self.below: list[float] = []
        self.refresh()

    def add(self, elapsed_s: float) -> None:
        keep = self._keep
        self.counts = [count * keep for count in self.counts]
        self.counts[min(int(elapsed_s / BIN_S), _BINS - 1)] += 1.0
        self._since_look += 1
        if self._since_look >= _GROWTH * sum(self.counts):
            self.refresh()

    def refresh(self) -> None:
        total = sum(self.counts)
        self.below = [0.0, *(count / total for count in accumulate(self.counts))]
        self._since_look = 0.0
        self.version += 1

    def until(self, elapsed_s: float) -> float:
        """Return the share that has ended by then."""
        place = elapsed_s / BIN_S
        at = int(place)
        if at >= _BINS:
            return 1.0
        low = self.below[at]
        return low + (self.below[at + 1] - low) * (place - at)


def _answer_prior(weight: float) -> list[float]:
    """Return ring times of people before any was seen: median 10 s, widely spread."""

    def below(seconds: float) -> float:
        return erfc((log(10.0) - log(max(seconds, 1e-6))) / (0.7 * _SQRT_2)) / 2

    edges = [below(n * BIN_S) for n in range(_BINS + 1)]
    edges[-1] = 1.0
    return [weight * (after - before) for before, after in pairwise(edges)]


def _other_prior(weight: float) -> list[float]:
    """Return ring times of calls without an answer before any was seen: up to a minute."""
    return [weight / _BINS] * _BINS


class Ringing:
    """Ring times and answer chances, learnt, and the chance of each call to be answered.

    Args:
        instants_s: the instants asked for, in seconds from now, rising.
    """

    def __init__(self, instants_s: tuple[float, ...]) -> None:
        self._instants_s = instants_s
        self._answers = _Curve(_answer_prior(10.0), 3000.0)
        self._others = _Curve(_other_prior(10.0), 3000.0)
        self.chance = AnswerChance()
        self._cache: dict[tuple[int, int], Term] = {}
        self._version = (-1, -1)
        self._held: list[tuple[int, int, bool, ContactKind]] = []
        self._number = 0
        self._hold_s = _HOLD_FIRST_S
        self._weights: list[float] = []
        self._weights_of = -1

    def add(self, at_s: float, elapsed_s: float, person: bool, kind: ContactKind) -> int:
        """Learn how a call ended; what is no time is ignored.

        People answer sooner than calls are given up, so results as they come are mostly
        answers after calls were started, and mostly none later. The chance of an answer is
        learnt of each call as long after its start as the longest ring.

        Args:
            at_s: when it ended.
            elapsed_s: seconds since it was started.
            person: whether a person answered.
            kind: what may tell its chance.

        Returns:
            How many answers the chance was learnt from now.
        """
        if not (isfinite(elapsed_s) and isfinite(at_s)) or elapsed_s < 0:
            return 0
        (self._answers if person else self._others).add(elapsed_s)
        if not person:
            self._hold_s = min(max(elapsed_s, self._hold_s * _HOLD_LESS), _HOLD_MOST_S)
        # Calls that were started together are learnt in no order: answers came first.
        self._number = (self._number * 5 + 12_345) % 65_536
        heappush(self._held, (int(at_s - elapsed_s), self._number, person, kind))
        persons = 0
        while self._held and self._held[0][0] <= at_s - self._hold_s - _MARGIN_S:
            _, _, answered, its_kind = heappop(self._held)
            self.chance.add(answered, its_kind)
            persons += answered
        return persons

    def answered(self, level: int, place: int) -> Term:
        """Return the chances at the instants of a call to be answered.

        Args:
            level: the call's :meth:`AnswerChance.level`.
            place: whole half seconds since it was started.
        """
        version = (self._answers.version, self._others.version)
        if version != self._version:
            self._version = version
            self._cache.clear()
        found = self._cache.get((level, place))
        if found is None:
            elapsed_s = (place + 0.5) * BIN_S if place else 0.0
            chances = self._chances(self.chance.of_level(level), elapsed_s)
            found = self._cache[level, place] = term(chances)
        return found

    def _chances(self, chance: float, elapsed_s: float) -> list[float]:
        answers, others = self._answers.until, self._others.until
        until_now = answers(elapsed_s)
        alive = chance * (1 - until_now) + (1 - chance) * (1 - others(elapsed_s))
        if alive < _ALMOST_NONE:
            # Longer than anything known: it may be answered as any other call.
            return [chance] * len(self._instants_s)
        return [
            min(chance * (answers(elapsed_s + t) - until_now) / alive, 1.0)
            for t in self._instants_s
        ]

    def weights(self) -> list[float]:
        """Return the share of answers that come nearest to each instant; they sum to 1."""
        if self._weights_of != self._answers.version:
            self._weights_of = self._answers.version
            middles = [(left + right) / 2 for left, right in pairwise(self._instants_s)]
            below = [0.0, *map(self._answers.until, middles), 1.0]
            self._weights = [after - before for before, after in pairwise(below)]
        return self._weights

    def state(self) -> dict[str, Any]:
        """Return what was learnt, for :meth:`restore`."""
        return {
            "answers": [round(count, 4) for count in self._answers.counts],
            "others": [round(count, 4) for count in self._others.counts],
            "chance": self.chance.state(),
        }

    def restore(self, kept: object) -> None:
        """Take what :meth:`state` returned before.

        Raises:
            ValueError: It is not that.
        """
        kept = parts(kept)
        for curve, name in ((self._answers, "answers"), (self._others, "others")):
            counts = numbers(kept.get(name), _BINS)
            if sum(counts) <= 0:
                raise ValueError("ring times: no weight")
            curve.counts = counts
            curve.refresh()
        self.chance.restore(kept.get("chance"))
