"""Calls to phones that serve no contact: who listens to a talk, or tests a phone."""

from __future__ import annotations

from collections.abc import Collection

from callcamp.errors import CallcampError, SwitchTimeout
from callcamp.ports.switchboard import LegOrder, Switchboard


class SideLegs:
    """Owns these calls, so that nobody takes them for phones that were left on the line.

    Args:
        switchboard: the way to phones.
    """

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._ids: set[str] = set()

    @property
    def ids(self) -> frozenset[str]:
        """The channel ids of those that ring or are up."""
        return frozenset(self._ids)

    async def call(self, order: LegOrder) -> None:
        """Call a phone.

        Raises:
            SwitchTimeout: it may ring.
            CallcampError: it does not.
        """
        self._ids.add(order.leg_id)
        try:
            await self._switchboard.call_agent(order)
        except SwitchTimeout:
            raise
        except CallcampError:
            self._ids.discard(order.leg_id)
            raise

    def end(self, gone: Collection[str]) -> None:
        """Note that calls are over; others than these are not touched."""
        self._ids.difference_update(gone)
