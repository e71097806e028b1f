"""An event loop whose time passes only when nobody has anything to do.

What takes the machine time takes the campaign none, so an engine and a simulated switch on one
such loop behave as on an infinitely quick machine, whatever else that has to do.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from callcamp.engine.clock import Clock

T = TypeVar("T")
_LOOK_S = 0.05


class _Selector(selectors.DefaultSelector):
    """Asks for what is ready, and lets time pass instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0
        self.busy = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; time passes when nothing is and nobody works elsewhere."""
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.busy or timeout is None:
            return super().select(_LOOK_S)
        self.passed_s += timeout
        return super().select(0)


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own, which does the work of threads itself."""

    def __init__(self) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._waits.passed_s

    def run_in_executor(
        self,
        executor: Executor | None,  # noqa: ARG002 - the loop's own thread does it
        func: Callable[..., T],
        *args: Any,
    ) -> asyncio.Future[T]:
        """Run a function at once, in no time, and not in a thread."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            done.set_exception(error)
        return done

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let no time pass for a block, which waits for another process."""
        self._waits.busy += 1
        try:
            yield
        finally:
            self._waits.busy -= 1


class FastClock(Clock):
    """The engine's clock on a :class:`FastLoop`.

    Args:
        loop: the loop.
        start: the instant at which it begins, aware UTC.
    """

    def __init__(self, loop: FastLoop, start: datetime) -> None:
        super().__init__(1.0, start)
        self._loop = loop
        self._start = start
        self._ahead_s = 0.0

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        return self._start + timedelta(seconds=self._loop.time() + self._ahead_s)

    def at(self, real: datetime) -> datetime:  # noqa: ARG002 - see below
        """Return the present: nothing that the machine does takes time."""
        return self.now()

    def monotonic_s(self) -> float:
        """Return seconds since the start."""
        return self._loop.time() + self._ahead_s

    def skip_to(self, instant: datetime) -> None:
        """Jump ahead to an instant; does nothing when that is not in the future."""
        self._ahead_s += max(0.0, (instant - self.now()).total_seconds())


def run_fast(make: Callable[[FastLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on a fast loop of its own; ``make`` makes it for the loop."""
    loop = FastLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(make(loop))
