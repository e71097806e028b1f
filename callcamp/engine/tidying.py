"""What is left to do in Asterisk once an attempt is settled, or must end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from callcamp.errors import CallcampError
from callcamp.ports import CallGateway

log = structlog.get_logger(__name__)


class Tidying:
    """Deletes committed entries from Asterisk's outbox, and ends calls; whoever orders waits not.

    Args:
        gateway: the way to Asterisk.
    """

    def __init__(self, gateway: CallGateway) -> None:
        self._gateway = gateway
        self._to_delete: list[str] = []
        self._to_hang_up: list[str] = []
        self._wake = asyncio.Event()

    @property
    def undeleted(self) -> int:
        """How many entries wait to be deleted."""
        return len(self._to_delete)

    def delete_entries(self, attempt_ids: Iterable[str]) -> None:
        """Have entries deleted from Asterisk's outbox, when it can be reached."""
        self._to_delete.extend(attempt_ids)
        self._wake.set()

    def hang_up(self, attempt_id: str) -> None:
        """Have the call of an attempt ended; its end comes as an event."""
        self._to_hang_up.append(attempt_id)
        self._wake.set()

    async def run(self) -> None:
        """Do what was ordered, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            ids, self._to_delete = self._to_delete, []
            calls, self._to_hang_up = self._to_hang_up, []
            try:
                if ids:
                    await self._gateway.delete_from_outbox(ids)
                for attempt_id in calls:
                    await self._gateway.hang_up(attempt_id)
            except CallcampError as error:
                # The next resync deletes what is left and finds what is still too long.
                log.warning("switch_not_tidied", problem=error.message, entries=len(ids))
