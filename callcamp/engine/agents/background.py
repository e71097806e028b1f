"""What is done for agents while nobody waits for it: orders to Asterisk, notes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import structlog

from callcamp.errors import CallcampError

log = structlog.get_logger(__name__)


class Background:
    """Owns the tasks that nobody waits for; what Asterisk refuses is in the log."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, work: Awaitable[None]) -> None:
        """Have something done; a refusal of Asterisk is logged."""
        task = asyncio.create_task(_safely(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is not done yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _safely(work: Awaitable[None]) -> None:
    try:
        await work
    except CallcampError as error:
        log.warning("agent_work_failed", problem=error.message)
