"""Numbers that were suppressed just now, while calls to them were made ready."""

from __future__ import annotations

import math
from collections.abc import Iterable

from callcamp.engine.clock import Clock
from callcamp.engine.registry import Track

FORBIDDEN_FOR_S = 300.0
"""How long a number that was suppressed just now is kept in mind; claims made later see it."""


class Forbidden:
    """Numbers to which no call may be sent any more.

    Args:
        clock: the engine's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s: dict[tuple[int | None, str | None], float] = {}

    def add(self, campaign_id: int | None, phones: Iterable[str] | None) -> None:
        """Send no call to these numbers any more, also none that waits for its turn.

        Of one campaign, or of any (None). Without numbers (None) it is every number: whoever
        waits is judged again.
        """
        # Suppressed while the clock is put back, a number must not look as if claimed later.
        now_s = self._clock.monotonic_s()
        kept = {k: s for k, s in self._since_s.items() if now_s - s < FORBIDDEN_FOR_S}
        kept.update(((campaign_id, phone), now_s) for phone in (phones or ()))
        if phones is None:
            kept[campaign_id, None] = now_s
        self._since_s = kept

    def covers(self, track: Track) -> bool:
        """Tell whether the number of an attempt was suppressed after the attempt was made."""
        return any(
            self._since_s.get((campaign_id, phone), -math.inf) >= track.claimed_s
            for campaign_id in (None, track.campaign_id)
            for phone in (None, track.number)
        )
