"""Simulated time: a heap of things to do, run in order, as fast as wanted.

One loop timer stands for the whole heap, so thousands of calls cost no task each. While a
callback runs, :attr:`Timeline.now` is the instant that it was due, not the instant at which
the busy machine got to it: what calls say of themselves is then the same in every run.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from callcamp.errors import InvalidInput


class Timer:
    """One thing to do later; :meth:`cancel` takes it back."""

    __slots__ = ("_arguments", "_callback")

    def __init__(self, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._callback: Callable[..., None] | None = callback
        self._arguments = arguments

    def cancel(self) -> None:
        """Don't do it; harmless when it was done already."""
        self._callback = None
        self._arguments = ()

    def fire(self) -> None:
        """Do it, once."""
        callback, arguments = self._callback, self._arguments
        self.cancel()
        if callback is not None:
            callback(*arguments)


class Timeline:
    """A clock that runs ``speed`` times as fast as the real one, and its timers.

    Args:
        speed: simulated seconds per real second.

    Raises:
        InvalidInput: the speed is not positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise InvalidInput("The speed must be more than 0.", field="speed", value=speed)
        self._speed = speed
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._epoch = time.time()
        self._started = 0.0
        self._now = 0.0
        self._running = False

    @property
    def now(self) -> float:
        """Simulated seconds since :meth:`start`; never goes back."""
        return self._now

    @property
    def epoch(self) -> float:
        """Simulated seconds since 1970; the start is the real time of the start."""
        return self._epoch + self._now

    def start(self) -> None:
        """Start the clock in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._epoch = time.time()

    def stop(self) -> None:
        """Forget all timers and stop the clock."""
        self.clear()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        self._loop = None

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()

    def after(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Run ``callback`` in so many simulated seconds; equal instants keep their order."""
        timer = Timer(callback, arguments)
        heapq.heappush(self._heap, (self._now + max(0.0, delay_s), next(self._sequence), timer))
        if not self._running:
            self._arm()
        return timer

    def catch_up(self) -> None:
        """Run all that is due by now; call it before acting on something from outside."""
        if self._loop is None or self._running:
            return
        target = (self._loop.time() - self._started) * self._speed
        self._running = True
        try:
            while self._heap and self._heap[0][0] <= target:
                due, _, timer = heapq.heappop(self._heap)
                self._now = max(self._now, due)
                timer.fire()
        finally:
            self._running = False
        self._now = max(self._now, target)
        self._arm()

    def _arm(self) -> None:
        if self._loop is None or not self._heap:
            return
        at = self._started + self._heap[0][0] / self._speed
        if self._wake is not None:
            if self._wake_at <= at:
                return
            self._wake.cancel()
        self._wake_at = at
        self._wake = self._loop.call_at(at, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self.catch_up()
