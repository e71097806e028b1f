"""The bounded queue between the reader of AMI, which must never wait, and the tracker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from callcamp.core.agent_events import AgentFact
from callcamp.core.events import CallEvent, EventsLost, LinkDown, LinkUp, SwitchEvent


class EventQueue:
    """Events in order, for one reader: ``async for event in queue`` until :meth:`close`.

    When it is full, events of calls are dropped and counted until the reader has taken half
    of it; then one :class:`EventsLost` stands where the gap is. One wide gap, so one
    reconciliation. Changes of the link are never dropped.

    Args:
        limit: most events kept.

    Attributes:
        on_taken: gets, of every event that the reader takes, the seconds since it was read from
            Asterisk.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[SwitchEvent | AgentFact] = deque()
        self._lost = 0
        self._closed = False
        self.on_taken: Callable[[float], None] | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, event: CallEvent | AgentFact) -> None:
        """Add an event of a call or an agent, or drop and count it; never waits."""
        if self._lost or len(self._events) >= self._limit:
            self._lost += 1
            return
        self._events.append(event)
        self._wake()

    def put_link(self, event: LinkUp | LinkDown) -> None:
        """Add a change of the link, always."""
        self._note_gap()
        self._events.append(event)
        self._wake()

    def close(self) -> None:
        """End the reader, after what is in the queue."""
        self._note_gap()
        self._closed = True
        self._wake()

    def __len__(self) -> int:
        return len(self._events)

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> SwitchEvent | AgentFact:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("the events of a gateway are for one reader")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._events.popleft()
        if self._lost and len(self._events) <= self._limit // 2:
            self._note_gap()
        if self.on_taken is not None:
            self.on_taken((datetime.now(UTC) - event.at).total_seconds())
        return event

    def _note_gap(self) -> None:
        if self._lost:
            self._events.append(EventsLost(datetime.now(UTC), self._lost))
            self._lost = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
