"""All who may need an agent soon, and how likely they are too many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

from callcamp.core.pacing.tails import at_least, few_missing, one_more
from callcamp.core.pacing.terms import Term, total

EXACT_TERMS = 8
"""Up to so many, tails are exact; the correction for skewness is good enough above."""
_SPARE = 12


class Crowd:
    """Ringing calls and busy agents at some instants, and new calls that join them.

    Args:
        terms: each term and how often it is there.
        room: agents that those who wait already leave for others.
        weights: how likely a new call is answered at each instant; they sum to 1.
        new: a new call.
    """

    def __init__(
        self,
        terms: Sequence[tuple[Term, int]],
        room: int,
        weights: Sequence[float],
        new: Term,
    ) -> None:
        self._terms = terms
        self._room = room
        self._weights = weights
        self._new = new
        self.size = sum(times for _, times in terms)
        self._missing: list[list[list[float]]] = []
        self._exact = self.size <= EXACT_TERMS
        self._summed: list[float] = []
        self._summed_of = -1
        self._moments = [] if self._exact else total(terms, len(weights))

    def risk(self, joined: int, beyond: int = 0) -> float:
        """Return how likely a new call finds nobody, answered when new calls are.

        Args:
            joined: new calls that were started before it.
            beyond: so many others find nobody either.
        """
        # All of them together are too few.
        if self.size + joined < self._room + beyond:
            return 0.0
        if self._exact and joined <= EXACT_TERMS:
            return self._exact_risk(joined, beyond)
        n = len(self._weights)
        summed = self._with(joined)
        needed = repeat(float(self._room + beyond))
        tails = map(at_least, needed, summed[:n], summed[n : 2 * n], summed[2 * n :])
        return sum([weight * tail for weight, tail in zip(self._weights, tails, strict=False)])

    def _with(self, joined: int) -> list[float]:
        """Return the moments of all with so many new calls; the last ones are kept."""
        if not self._moments:
            self._moments = total(self._terms, len(self._weights))
        if joined != self._summed_of:
            pairs = zip(self._moments, self._new.moments, strict=True)
            self._summed, self._summed_of = [a + joined * b for a, b in pairs], joined
        return self._summed

    def _exact_risk(self, joined: int, beyond: int) -> float:
        """Return the risk from the exact distribution of how many do not need an agent."""
        allowed = self.size + joined - self._room - beyond + 1
        steps = self._missing
        if not steps or allowed > len(steps[0][0]):
            self._missing = steps = [self._first(allowed + _SPARE)]
        while len(steps) <= joined:
            steps.append(
                [
                    one_more(missing, chance)
                    for missing, chance in zip(steps[-1], self._new.chances, strict=True)
                ]
            )
        return sum(
            weight * sum(missing[:allowed])
            for weight, missing in zip(self._weights, steps[joined], strict=True)
        )

    def _first(self, length: int) -> list[list[float]]:
        """Return for each instant how likely 0, 1, ... of those there need no agent."""
        return [
            few_missing(
                [one.chances[i] for one, times in self._terms for _ in range(times)], length - 1
            )
            for i in range(len(self._weights))
        ]


def most(fits: Callable[[int], bool], start: int) -> int:
    """Return the first number from ``start`` on that does not fit; all above do not either.

    Args:
        fits: whether a number fits.
        start: the smallest number to look at.
    """
    # Most decisions are for none or a few: those cost least so.
    low, step = start, 1
    while fits(low + step - 1):
        low += step
        step *= 2
    high = low + step - 1
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            low = middle + 1
        else:
            high = middle
    return low
