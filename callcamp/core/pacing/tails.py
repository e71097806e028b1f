"""How likely many of several independent things happen: tails of the Poisson-binomial.

Source: Y. Hong, "On computing the distribution function for the Poisson binomial
distribution", 2013: the recursion is exact, the refined normal approximation corrects for
skewness.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, exp, pi, sqrt

_SQRT_2 = sqrt(2.0)
_DENSITY_0 = 1 / sqrt(2 * pi)


def few_missing(chances: Sequence[float], most: int) -> list[float]:
    """Return how likely 0, 1, ... ``most`` of the things do *not* happen, exactly.

    Args:
        chances: the probability of each thing.
        most: the largest number of missing things that is asked for, 0 or more.

    Returns:
        ``most + 1`` probabilities. All but ``n`` of ``len(chances)`` things happen with the
        ``n``-th of them, so the sum of the first ones is the upper tail of the number of
        things that happen.
    """
    missing = [1.0] + [0.0] * most
    for chance in chances:
        missing = one_more(missing, chance)
    return missing


def one_more(missing: list[float], chance: float) -> list[float]:
    """Return what :func:`few_missing` would with one more thing of that probability."""
    fails = 1.0 - chance
    before = 0.0
    after = []
    for here in missing:
        after.append(here * chance + before * fails)
        before = here
    return after


def at_least(count: float, mean: float, variance: float, third: float) -> float:
    """Return about how likely at least ``count`` of many things happen.

    Args:
        count: how many.
        mean: the sum of the probabilities ``p``.
        variance: the sum of ``p (1 - p)``.
        third: the sum of ``p (1 - p) (1 - 2 p)``.

    Returns:
        A probability from 0 to 1: the normal tail with half a thing of continuity, corrected
        for skewness.
    """
    if variance < 1e-9:
        return 1.0 if mean >= count - 0.5 else 0.0
    root = sqrt(variance)
    z = (count - 0.5 - mean) / root
    square = z * z
    skewed = third / (6 * variance * root) * (square - 1)
    tail = erfc(z / _SQRT_2) / 2 + skewed * _DENSITY_0 * exp(-square / 2)
    # Half the cost of min and max: this is what a decision for many agents mostly does.
    return 0.0 if tail < 0 else 1.0 if tail > 1 else tail
