"""A token bucket as a value: calls per second of a trunk, never exceeded, evenly spread.

Source: the generic cell rate algorithm, ITU-T I.371 (virtual scheduling form).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit of ``rate`` calls per second.

    ``next_s`` is the instant (seconds of a monotonic clock) at which the next call is due.
    With ``burst`` 1 calls are ``1 / rate`` apart: no window of a second ever holds more
    than ``rate`` of them (rounded up). Idle time is never saved up beyond ``burst``.
    """

    rate: float
    burst: int = 1
    next_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next call may start; 0 when it may start now."""
        return max(0.0, self.next_s - (self.burst - 1) / self.rate - now_s)

    def take(self, now_s: float) -> Bucket:
        """Return the bucket after a call was started at ``now_s``.

        The caller checks :meth:`wait_s` first; taking early only delays what comes after.
        """
        return Bucket(self.rate, self.burst, max(self.next_s, now_s) + 1.0 / self.rate)

    def room(self, now_s: float, horizon_s: float) -> int:
        """Return how many calls may start within ``horizon_s`` seconds from ``now_s``."""
        ahead_s = max(0.0, self.next_s - now_s)
        return max(0, floor((horizon_s - ahead_s) * self.rate) + self.burst)

    def with_rate(self, rate: float) -> Bucket:
        """Return the same bucket with another rate."""
        return self if rate == self.rate else Bucket(rate, self.burst, self.next_s)
