"""A learnt distribution of durations, and what it says of those that go on."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import erfc, exp, isfinite, log, log1p, sqrt
from typing import Any

_PER_FOLD = 12
"""Bins for each e-fold of a time."""
_BINS = 120
"""The last bin holds whatever lasts longer than about six hours."""
_EDGES = [exp(n / _PER_FOLD) - 1 for n in range(_BINS + 1)]
_SQRT_2 = sqrt(2.0)
_LEAST_S = 0.2
_GROWTH = 1.05


class Durations:
    """A fading distribution of durations in seconds.

    Bins of equal ratio hold what was seen. A lognormal with the same mean and spread of the
    logarithms, worth ``shape_weight`` observations, smooths them and reaches where nothing
    was seen yet.

    Args:
        median_s: median before anything was seen.
        spread: standard deviation of the logarithm before anything was seen.
        prior: how many observations that is worth.
        memory: how many observations are remembered; older ones fade.
        shape_weight: observations that the lognormal is worth beside the bins.
    """

    def __init__(
        self,
        median_s: float,
        spread: float,
        *,
        prior: float = 20.0,
        memory: float = 1500.0,
        shape_weight: float = 40.0,
    ) -> None:
        self._keep = 1 - 1 / memory
        self._shape_weight = shape_weight
        self._counts = [0.0] * _BINS
        mean = log(median_s)
        self._moments = [prior, prior * mean, prior * (mean * mean + spread * spread)]
        self._since_look = 0.0
        self.version = 0
        self.mean_s = median_s
        self._above: list[float] = []
        self._refresh()

    def add(self, duration_s: float) -> None:
        """Learn one duration; what is none (negative, not finite) is ignored."""
        if not isfinite(duration_s) or duration_s < 0:
            return
        keep = self._keep
        self._counts = [count * keep for count in self._counts]
        self._counts[min(int(log1p(duration_s) * _PER_FOLD), _BINS - 1)] += 1.0
        value = log(max(duration_s, _LEAST_S))
        for power, moment in enumerate((1.0, value, value * value)):
            self._moments[power] = self._moments[power] * keep + moment
        self._since_look += 1
        if self._since_look >= (_GROWTH - 1) * self._moments[0]:
            self._refresh()

    def above(self, duration_s: float) -> float:
        """Return the share of durations that are longer, from 0 to 1."""
        if duration_s <= 0:
            return 1.0
        place = log1p(duration_s) * _PER_FOLD
        at = int(place)
        if at >= _BINS:
            return self._above[-1]
        low = self._above[at]
        return low + (self._above[at + 1] - low) * (place - at)

    def _refresh(self) -> None:
        """Draw the curve again from what was learnt until now."""
        weight, total, squares = self._moments
        mean = total / weight
        spread = sqrt(max(squares / weight - mean * mean, 0.01))
        seen = sum(self._counts)
        fitted = self._shape_weight / (seen + self._shape_weight)
        binned = (1 - fitted) / seen if seen else 0.0
        below = [0.0, *accumulate(self._counts)]
        self._above = [
            binned * (seen - under)
            + fitted * erfc((log(max(edge, 1e-9)) - mean) / (spread * _SQRT_2)) / 2
            for edge, under in zip(_EDGES, below, strict=True)
        ]
        steps = zip(pairwise(_EDGES), pairwise(self._above), strict=True)
        self.mean_s = sum((right - left) * (high + low) / 2 for (left, right), (high, low) in steps)
        self._since_look = 0.0
        self.version += 1

    def state(self) -> dict[str, Any]:
        """Return what was learnt, for :meth:`restore`."""
        return {
            "counts": [round(count, 4) for count in self._counts],
            "moments": [round(moment, 6) for moment in self._moments],
        }

    def restore(self, kept: object) -> None:
        """Take what :meth:`state` returned before.

        Raises:
            ValueError: It is not that.
        """
        kept = parts(kept)
        counts = numbers(kept.get("counts"), _BINS)
        moments = numbers(kept.get("moments"), 3, least=None)
        if moments[0] <= 0 or moments[2] < 0:
            raise ValueError("durations: no weight")
        self._counts, self._moments = counts, moments
        self._refresh()


def numbers(value: object, count: int, least: float | None = 0.0) -> list[float]:
    """Return a list of so many finite numbers from kept state.

    Raises:
        ValueError: It is something else, or one is under ``least``.
    """
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"not a list of {count} numbers")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int | float) or not isfinite(one):
            raise ValueError("not a finite number")
        if abs(one) > 1e15 or (least is not None and one < least):
            raise ValueError("number out of range")
    return [float(one) for one in value]


def parts(value: object) -> dict[str, Any]:
    """Return an object from kept state.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what is kept may be anything
    return value
