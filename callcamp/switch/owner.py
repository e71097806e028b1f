"""Which callcamp has its agents on an Asterisk: two would undo each other's queue members.

Members are named by the agent's number, which another database gives to somebody else. So who
works with the queues says so in a global variable of Asterisk, again and again; it is gone when
Asterisk starts anew. Somebody else's is respected until it has stood still for a while.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from callcamp.errors import Conflict

GLOBAL = "CALLCAMP_AGENTS_OF"
"""The global variable: who, a colon, and a number that grows."""
DEAD_AFTER_S = 25.0
"""Whose number has not grown for so long is gone."""

_INSTANCE = re.compile(r"[0-9a-z-]{1,40}", re.ASCII)


class AgentsOwner:
    """Says that this callcamp has its agents on an Asterisk, and looks whether another does.

    Args:
        instance: a name of this callcamp that stays over restarts, as small letters, digits and
            dashes; empty: there is no other, and nothing is said.
        read: returns a global variable; empty when it is not set.
        write: sets one.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        instance: str,
        read: Callable[[str], Awaitable[str]],
        write: Callable[[str, str], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        if instance and _INSTANCE.fullmatch(instance) is None:
            raise ValueError(f"{instance!r} is no name of an instance")
        self._instance = instance
        self._read = read
        self._write = write
        self._clock = clock
        self._beat = 0
        self._seen: tuple[str, float] | None = None
        self._owns = False

    async def hold(self) -> None:
        """Say again that this callcamp has its agents here; to be done every ten seconds or so.

        Raises:
            Conflict: another callcamp says so, too, and is alive or was so a moment ago.
            SwitchUnavailable: Asterisk cannot be asked.
        """
        if not self._instance:
            return
        found = await self._read(GLOBAL)
        holder = found.partition(":")[0]
        if holder not in {"", self._instance} and not self._stands_still(found):
            self._owns = False
            raise Conflict(
                f"Another callcamp ({holder}) has its agents on this Asterisk, and two would "
                "undo each other's queues. Stop one of them, or give each an Asterisk of its "
                f"own. One that is gone is replaced after {DEAD_AFTER_S:.0f} seconds.",
                holder=holder,
            )
        self._seen = None
        self._beat += 1
        await self._write(GLOBAL, f"{self._instance}:{self._beat}")
        self._owns = True

    async def let_go(self) -> None:
        """Let another callcamp have its agents here from now on.

        Raises:
            SwitchUnavailable: Asterisk cannot be asked.
        """
        if self._owns:
            self._owns = False
            await self._write(GLOBAL, "")

    def _stands_still(self, found: str) -> bool:
        now_s = self._clock()
        if self._seen is None or self._seen[0] != found:
            self._seen = found, now_s
        return now_s - self._seen[1] >= DEAD_AFTER_S
