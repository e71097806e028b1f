"""The lanes of all trunks, and when none of them may send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from callcamp.core.model import Trunk
from callcamp.engine.clock import Clock
from callcamp.engine.forbidden import Forbidden
from callcamp.engine.lane import Lane
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.engine.vitals import TrunkVitals
from callcamp.ports import CallGateway


class Lanes:
    """One lane for each trunk that calls were made over.

    Args:
        gateway: where calls are ordered.
        registry: the live attempts.
        tracker: told when a call was not placed or is in doubt.
        forbidden: numbers that were suppressed meanwhile.
        live: counts placed calls.
        clock: the engine's clock.
        may_send: whether a campaign still wants its call sent, under the same settings.
        on_room: called when a lane can take more.
    """

    def __init__(
        self,
        *,
        gateway: CallGateway,
        registry: Registry,
        tracker: Tracker,
        forbidden: Forbidden,
        live: LiveFeed,
        clock: Clock,
        may_send: Callable[[Track], bool],
        on_room: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._registry = registry
        self._tracker = tracker
        self._forbidden = forbidden
        self._live = live
        self._clock = clock
        self._may_send = may_send
        self._on_room = on_room
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self._fresh = asyncio.Event()

    def hold(self) -> None:
        """Send nothing until :meth:`let_go`: what campaigns allow may be out of date."""
        self._fresh.clear()

    def let_go(self) -> None:
        """Send again: what campaigns allow was read just now."""
        self._fresh.set()

    @property
    def held(self) -> bool:
        """Whether nothing is sent; see :meth:`hold`."""
        return not self._fresh.is_set()

    def of(self, trunk: Trunk) -> Lane:
        """Return the lane of a trunk, with the trunk's limits as they are now."""
        if trunk.id not in self._lanes:
            lane = Lane(
                trunk=trunk,
                gateway=self._gateway,
                tracker=self._tracker,
                forbidden=self._forbidden,
                live=self._live,
                clock=self._clock,
                may_send=self._may_send,
                fresh=self._fresh,
                on_room=self._on_room,
            )
            self._lanes[trunk.id] = lane, asyncio.create_task(lane.run())
        lane, task = self._lanes[trunk.id]
        if task.done():
            raise RuntimeError(f"The lane of trunk {trunk.name} ended by itself.")
        lane.set_trunk(trunk)
        return lane

    def note_outside_call(self, trunk_id: int) -> None:
        """Let a call that an agent makes over a trunk take its turn in its calls a second."""
        if trunk_id in self._lanes:
            self._lanes[trunk_id][0].note_other_call()

    def state(self) -> dict[str, Any]:
        """Return trunks that refuse calls or start no more, and calls that agents make over them.

        JSON-able.
        """
        lanes = [lane for lane, _ in self._lanes.values()]
        outside = self._registry.outside_calls()
        return {
            "outside_calls": {str(trunk_id): n for trunk_id, n in outside.items()},
            "trunks_refusing": [lane.trunk.id for lane in lanes if lane.blocked],
            "trunks_at_cps": [lane.trunk.id for lane in lanes if not lane.room()],
        }

    def vitals(self) -> tuple[TrunkVitals, ...]:
        """Return how the lanes are."""
        return tuple(
            lane.vitals(self._registry.on_trunk(lane.trunk.id)) for lane, _ in self._lanes.values()
        )

    def stop(self) -> None:
        """Send nothing any more; :meth:`close` has to follow."""
        for _, task in self._lanes.values():
            task.cancel()

    async def close(self) -> None:
        """Give back every call that was not sent."""
        lanes, self._lanes = self._lanes, {}
        for lane, task in lanes.values():
            await lane.close(task)
