"""Orders about single channels over AMI: read, set, send elsewhere."""

from __future__ import annotations

import asyncio

from callcamp.errors import SwitchRefused
from callcamp.switch.borders import is_gone
from callcamp.switch.keeper import SessionKeeper
from callcamp.switch.wire import Headers

MOVES_TRIED = 20
"""How often a channel that is on its way is asked again."""
MOVE_AGAIN_S = 0.05
"""How long to wait before that."""


class Moves:
    """What can be asked about a channel; a channel that is gone is no error.

    Args:
        keeper: has the session.
    """

    def __init__(self, keeper: SessionKeeper) -> None:
        self._keeper = keeper

    async def _send_to(self, attempt_id: str, context: str, **variables: str) -> bool:
        return await self._set(attempt_id, variables) and await self._redirect(attempt_id, context)

    async def _redirect(self, channel_id: str, context: str, exten: str = "s") -> bool:
        where = (("Context", context), ("Exten", exten), ("Priority", "1"))
        return await self._move(("Channel", channel_id), *where)

    async def _move(self, *headers: tuple[str, str]) -> bool:
        """Redirect; False when the channel is gone."""
        for _ in range(MOVES_TRIED):
            try:
                await self._ask("Redirect", *headers)
            except SwitchRefused as error:
                # It ends, or is still on its way to where it was redirected a moment ago.
                if "not up" in str(error.details.get("answer", "")).lower():
                    await asyncio.sleep(MOVE_AGAIN_S)
                    continue
                if is_gone(error):
                    return False
                raise
            return True
        return False

    async def _set(self, channel_id: str, variables: dict[str, str]) -> bool:
        for name, value in variables.items():
            headers = (("Channel", channel_id), ("Variable", name), ("Value", value))
            if not await self._if_there("Setvar", *headers):
                return False
        return True

    async def _get(self, channel_id: str, variable: str) -> str:
        """Return a variable of a channel; empty when there is no such channel."""
        try:
            items = await self._ask("Getvar", ("Channel", channel_id), ("Variable", variable))
        except SwitchRefused as error:
            if is_gone(error):
                return ""
            raise
        return items[0].get("Value", "")

    async def _global(self, name: str) -> str:
        items = await self._ask("Getvar", ("Variable", name))
        return items[0].get("Value", "")

    async def _set_global(self, name: str, value: str) -> None:
        await self._ask("Setvar", ("Variable", name), ("Value", value))

    async def _if_there(self, action: str, *headers: tuple[str, str]) -> bool:
        try:
            await self._ask(action, *headers)
        except SwitchRefused as error:
            if is_gone(error):
                return False
            raise
        return True

    async def _ask(
        self, action: str, *headers: tuple[str, str], many: bool = False
    ) -> list[Headers]:
        return await self._keeper.up().request(action, headers, many=many)
