"""Pacing methods by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from callcamp.core.pacing.adaptive import Adaptive, Tuning
from callcamp.core.pacing.budget import Budget
from callcamp.core.pacing.contract import PacingMethod
from callcamp.core.pacing.predictive import Predictive
from callcamp.core.pacing.progressive import Progressive
from callcamp.core.pacing.ratio import Ratio
from callcamp.errors import InvalidInput

METHODS = ("progressive", "ratio", "adaptive", "predictive")
"""Names of all methods."""


def make_method(
    name: str,
    *,
    pickup_rate: float = 0.5,
    state: Mapping[str, Any] | None = None,
    tuning: Tuning | None = None,
    budget: Budget | None = None,
) -> PacingMethod:
    """Return a new pacing method.

    Args:
        name: one of :data:`METHODS`.
        pickup_rate: for ``ratio``, the stated share of calls that a person answers.
        state: what the method's ``state()`` returned before, of this name or another; what is
            unknown or broken is ignored.
        tuning: parameters of ``adaptive``.
        budget: parameters of ``predictive``.

    Raises:
        InvalidInput: There is no such method, or the pickup rate is not over 0 and up to 1.
    """
    makers: dict[str, Callable[[], PacingMethod]] = {
        "progressive": Progressive,
        "ratio": lambda: Ratio(pickup_rate),
        "adaptive": lambda: Adaptive(tuning, state),
        "predictive": lambda: Predictive(budget, state),
    }
    if name not in makers:
        raise InvalidInput(
            f"method: {name!r} is none; use one of {', '.join(METHODS)}.",
            field="method",
            value=name,
        )
    if not 0 < pickup_rate <= 1:
        raise InvalidInput(
            f"pickup_rate: {pickup_rate!r} is not over 0 and up to 1; 0.5 says that every "
            "second contact answers.",
            field="pickup_rate",
            value=pickup_rate,
        )
    return makers[name]()
