"""The right to be the one engine that dials on a database."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from callcamp.engine.clock import utc_now
from callcamp.errors import Conflict, StoreError
from callcamp.ports import Store

log = structlog.get_logger(__name__)

ENGINE_TTL_S = 15.0
"""How long a silent engine keeps others from taking its place."""
STATE_LOOK_EVERY_S = 0.5


class EngineRight:
    """Holds the right, by the real clock, and leaves word of the engine's state with it.

    Args:
        store: where the right is kept.
        state: returns what other processes want to know of the engine, JSON-able.
        news: returns what of it they have to know soon after it has changed.
    """

    def __init__(
        self,
        store: Store,
        *,
        state: Callable[[], Mapping[str, Any]],
        news: Callable[[], object],
    ) -> None:
        self._store = store
        self._state = state
        self._news = news
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        """Under what name it is held."""
        self._held_until_s = 0.0
        self._told: object = None

    async def take(self) -> None:
        """Take it; from an engine of this machine that has died, at once.

        Raises:
            Conflict: another engine has it.
        """
        other = await self._take_or_renew()
        if other is not None and _died_here(other):
            await self._store.release_engine(other)
            other = await self._take_or_renew()
        if other is not None:
            raise Conflict(
                f"Another callcamp engine ({other}) works on this database. Stop it first, "
                f"or wait {ENGINE_TTL_S:g} s if it has just died.",
                holder=other,
            )

    def holds(self) -> bool:
        """Tell whether nobody else can have taken the database over yet."""
        return asyncio.get_running_loop().time() < self._held_until_s

    async def keep(self) -> None:
        """Renew it, for ever.

        Raises:
            Conflict: another engine has taken it.
        """
        while True:
            for _ in range(max(1, round(ENGINE_TTL_S / 3 / STATE_LOOK_EVERY_S))):
                await asyncio.sleep(STATE_LOOK_EVERY_S)
                if self._told != self._news():
                    break
            try:
                other = await self._take_or_renew()
            except StoreError as error:
                log.error("engine_right_not_renewed", problem=error.message)
                continue
            if other is not None:
                raise Conflict(
                    f"Another callcamp engine ({other}) took this database over.", holder=other
                )

    async def release(self) -> None:
        """Give it back, if this engine has it."""
        await self._store.release_engine(self.holder)

    async def _take_or_renew(self) -> str | None:
        asked_s = asyncio.get_running_loop().time()
        self._told = self._news()
        other = await self._store.hold_engine(
            self.holder, now=utc_now(), ttl_s=ENGINE_TTL_S, state=self._state()
        )
        if other is None:
            self._held_until_s = asked_s + ENGINE_TTL_S
        return other


def _died_here(holder: str) -> bool:
    """Tell whether ``holder`` was a process of this machine that is gone."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
