"""The engine's only clock; it can run faster than the world, for the simulated switch."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

GATHER_S = 0.05
"""How long work gathers under load, so that one transaction serves many calls."""


def utc_now() -> datetime:
    """Return the present instant, aware UTC."""
    return datetime.now(UTC)


def gathering_s(speed: float) -> float:
    """Return the real seconds that work gathers when the clock runs ``speed`` times as fast."""
    return max(GATHER_S / speed, 0.002)


class Clock:
    """Time as the engine sees it.

    Args:
        speed: engine seconds per real second.
        start: the engine's instant at the beginning (None: the real one).
    """

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        self.speed = speed
        self._real_origin = datetime.now(UTC)
        self._origin = self._real_origin if start is None else start
        self._origin_s = time.monotonic()
        self._skipped_s = 0.0
        self._is_real = speed == 1.0 and start is None

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        return self.at(datetime.now(UTC))

    def at(self, real: datetime) -> datetime:
        """Return the engine's instant for an instant of the real clock."""
        if self._is_real:
            return real
        return self._origin + (real - self._real_origin) * self.speed

    def monotonic_s(self) -> float:
        """Return engine seconds since some fixed point; never runs back."""
        return (time.monotonic() - self._origin_s) * self.speed + self._skipped_s

    async def sleep(self, seconds: float) -> None:
        """Sleep for engine seconds."""
        await asyncio.sleep(seconds / self.speed)

    def skip_to(self, instant: datetime) -> None:
        """Jump ahead to an instant; does nothing when that is not in the future.

        Only for a clock that is not the real one, while no call is in progress: whatever waits
        by :meth:`sleep` waits its time all the same.
        """
        ahead = instant - self.now()
        if ahead > timedelta(0):
            self._is_real = False
            self._origin += ahead
            self._skipped_s += ahead.total_seconds()
