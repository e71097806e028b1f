"""One shape for every figure."""

from __future__ import annotations

from typing import Any

Figures = dict[str, dict[str, Any]]


def at_least(value: float, floor: float, aim: float, unit: str, **more: Any) -> dict[str, Any]:
    """Return a figure that should be no smaller than ``aim`` times its floor."""
    return _figure((value, floor), aim, value >= aim * floor, unit, more)


def at_most(value: float, floor: float, aim: float, unit: str, **more: Any) -> dict[str, Any]:
    """Return a figure that should be no larger than ``aim`` times its floor."""
    return _figure((value, floor), aim, value <= aim * floor, unit, more)


def _figure(
    pair: tuple[float, float], aim: float, holds: bool, unit: str, more: dict[str, Any]
) -> dict[str, Any]:
    value, floor = pair
    return {
        "value": round(value, 4),
        "floor": round(floor, 4),
        "ratio": round(value / floor, 3),
        "aim": aim,
        "holds": holds,
        "unit": unit,
        **more,
    }
