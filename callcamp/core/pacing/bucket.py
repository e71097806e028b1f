"""A token bucket as a value: calls per second of a trunk, never exceeded, evenly spread.

Source: the generic cell rate algorithm, ITU-T I.371 (virtual scheduling form).
"""

from __future__ import annotations

from dataclasses import dataclass

CATCH_UP_S = 0.02
"""How much lateness of a timer may be made up for, in seconds."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Calls ``interval_s`` apart, where a late one lets the next follow sooner.

    Args:
        interval_s: seconds between two calls on average.
        tolerance_s: how far a call may run ahead of its even place.
        due_s: even place of the next call, in seconds of a monotonic clock.
    """

    interval_s: float
    tolerance_s: float = 0.0
    due_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next call may start; 0 when it may start now."""
        return max(0.0, self.due_s - self.tolerance_s - now_s)

    def take(self, now_s: float) -> Bucket:
        """Return the bucket after a call was started at ``now_s``.

        The caller checks :meth:`wait_s` first; taking early only delays what comes after.
        """
        due_s = max(self.due_s, now_s) + self.interval_s
        return Bucket(self.interval_s, self.tolerance_s, due_s)

    def after(self, other: Bucket) -> Bucket:
        """Return this bucket with the next call no sooner than ``other`` allows."""
        return Bucket(self.interval_s, self.tolerance_s, max(self.due_s, other.due_s))


def smooth(cps: float) -> Bucket:
    """Return the bucket of a trunk: no second ever holds more than ``cps`` calls.

    With a tolerance, n calls take at least ``(n - 1) * interval - tolerance`` seconds, so
    the interval is stretched by as much: a half-open second holds at most ``cps`` of them
    (1 where ``cps`` is under 1). Slow trunks need no tolerance: their timers are exact enough.
    """
    tolerance_s = CATCH_UP_S if cps * CATCH_UP_S >= 1 else 0.0
    return Bucket((1.0 + tolerance_s) / cps, tolerance_s)
