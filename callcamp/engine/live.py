"""What goes on now, in memory: calls in progress, pace, holds, and a change counter."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcamp.core.plan import Plan
from callcamp.core.states import AttemptStatus


@dataclass(frozen=True, slots=True)
class LiveCallView:
    """A call in progress, as shown; ``since`` is when it reached ``status``."""

    attempt_id: str
    campaign_id: int
    contact_id: int
    number: str
    status: AttemptStatus
    since: datetime


class LiveFeed:
    """Calls in progress and a counter that moves with every change.

    Watchers wait for the counter, then read what they show; a slow watcher misses
    in-between states, never the last one, and costs the engine nothing.
    """

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, LiveCallView]] = {}
        self._placed: dict[int, deque[datetime]] = {}
        self._plans: dict[int, Plan] = {}
        self._changed = asyncio.Event()
        self.version = 0
        """Counts changes; see :meth:`wait`."""

    def touch(self) -> None:
        """Note that something that pages show has changed."""
        self.version += 1
        self._changed.set()

    async def wait(self, seen: int) -> int:
        """Return the version as soon as it is not ``seen`` any more."""
        while self.version == seen:
            self._changed.clear()
            await self._changed.wait()
        return self.version

    def put(self, view: LiveCallView) -> None:
        """Show a call, or its new state."""
        self._calls.setdefault(view.campaign_id, {})[view.attempt_id] = view
        self.touch()

    def drop(self, campaign_id: int, attempt_id: str) -> None:
        """Stop showing a call."""
        calls = self._calls.get(campaign_id, {})
        calls.pop(attempt_id, None)
        if not calls:
            self._calls.pop(campaign_id, None)
        self.touch()

    def calls(self, campaign_id: int | None = None) -> list[LiveCallView]:
        """Return the calls in progress, of one campaign or of all, oldest first."""
        if campaign_id is not None:
            return list(self._calls.get(campaign_id, {}).values())
        return [view for calls in self._calls.values() for view in calls.values()]

    def note_placed(self, campaign_id: int, at: datetime) -> None:
        """Count a call that was placed."""
        self._placed.setdefault(campaign_id, deque()).append(at)
        self.calls_per_minute(campaign_id, at)

    def calls_per_minute(self, campaign_id: int, now: datetime) -> int:
        """Return how many calls were placed in the last 60 seconds."""
        placed = self._placed.get(campaign_id)
        if not placed:
            return 0
        while placed and placed[0] < now - timedelta(seconds=60):
            placed.popleft()
        return len(placed)

    def note_plan(self, campaign_id: int, plan: Plan) -> None:
        """Keep the dialer's last decision."""
        if self._plans.get(campaign_id) != plan:
            self._plans[campaign_id] = plan
            self.touch()

    def tidy(self, running: Collection[int], now: datetime) -> None:
        """Forget decisions on campaigns that run no more, and who placed no call lately."""
        self._plans = {i: plan for i, plan in self._plans.items() if i in running}
        for campaign_id in list(self._placed):
            if not self.calls_per_minute(campaign_id, now):
                del self._placed[campaign_id]

    def plan(self, campaign_id: int) -> Plan | None:
        """Return the dialer's last decision on a campaign, if it made one."""
        return self._plans.get(campaign_id)
