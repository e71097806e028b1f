"""What this engine sees of Asterisk: since when they talk, and whether its attempts agree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime


class Sight:
    """The engine's sight of Asterisk; only while they agree is dialling safe.

    Args:
        on_agreed: called when attempts and Asterisk agree again.
    """

    def __init__(self, on_agreed: Callable[[], None]) -> None:
        self._on_agreed = on_agreed
        self._asked = asyncio.Event()
        self._agrees = False
        self._losses = 0
        self._switch_started_at: datetime | None = None
        self._linked_at: datetime | None = None

    @property
    def agrees(self) -> bool:
        """Whether attempts and Asterisk agree."""
        return self._agrees

    @property
    def losses(self) -> int:
        """Counts whatever makes a comparison with Asterisk that is under way worthless."""
        return self._losses

    @property
    def switch_started_at(self) -> datetime | None:
        """When the Asterisk we talk to was started; None: not known."""
        return self._switch_started_at

    @property
    def linked_at(self) -> datetime | None:
        """Since when we talk to it; None: never yet."""
        return self._linked_at

    def link_up(self, at: datetime, switch_started_at: datetime | None) -> bool:
        """Note that we talk to Asterisk since ``at``; tells whether it was restarted meanwhile."""
        before = self._switch_started_at
        self._switch_started_at = switch_started_at or before
        self._linked_at = at
        return None not in (before, switch_started_at) and before != switch_started_at

    def lose(self) -> None:
        """Note that Asterisk may have done what nobody saw."""
        self._agrees = False
        self._losses += 1

    def ask(self) -> None:
        """Have attempts compared with Asterisk."""
        self._asked.set()

    async def asked(self) -> None:
        """Return as soon as a comparison is asked for."""
        await self._asked.wait()

    def take(self) -> bool:
        """Tell whether a comparison is asked for; it is not any more."""
        was_asked = self._asked.is_set()
        self._asked.clear()
        return was_asked

    def agreed(self, losses: int) -> bool:
        """Note the end of a comparison that began with so many losses; tells whether it counts."""
        if losses != self._losses:
            return False
        self._agrees = True
        self._on_agreed()
        return True
