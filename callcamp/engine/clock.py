"""The engine's only clock; it can run faster than the world, for the simulated switch."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

GATHER_S = 0.05
"""How long work gathers under load, so that one transaction serves many calls."""


def gathering_s(speed: float) -> float:
    """Return the real seconds that work gathers when the clock runs ``speed`` times as fast."""
    return max(GATHER_S / speed, 0.002)


class Clock:
    """Time as the engine sees it.

    Args:
        speed: engine seconds per real second.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin = datetime.now(UTC)
        self._origin_s = time.monotonic()

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        return self.at(datetime.now(UTC))

    def at(self, real: datetime) -> datetime:
        """Return the engine's instant for an instant of the real clock."""
        if self.speed == 1.0:
            return real
        return self._origin + (real - self._origin) * self.speed

    def monotonic_s(self) -> float:
        """Return engine seconds since some fixed point; never runs back."""
        return (time.monotonic() - self._origin_s) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Sleep for engine seconds."""
        await asyncio.sleep(seconds / self.speed)
