"""What an engine that died has left in Asterisk: talks of agents, and phones on the line."""

from __future__ import annotations

from collections.abc import Callable, Collection

import structlog

from callcamp.core.agent_settings import QUEUED
from callcamp.core.agents import AgentState
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.worker import Leg, Worker
from callcamp.engine.registry import Registry
from callcamp.ports import CallGateway
from callcamp.ports.switchboard import Switchboard
from callcamp.switch import agent_of_leg, is_leg_id

log = structlog.get_logger(__name__)


class TakeOver:
    """Finds it and takes it up.

    Args:
        floor: the agents.
        registry: the live attempts.
        gateway: tells which channels there are.
        switchboard: the way to phones.
    """

    def __init__(
        self, floor: Floor, registry: Registry, gateway: CallGateway, switchboard: Switchboard
    ) -> None:
        self._floor = floor
        self._registry = registry
        self._gateway = gateway
        self._switchboard = switchboard
        self._looked = False

    async def catch_up(
        self, on_talk_over: Callable[[Worker], None], left: Collection[str] = ()
    ) -> None:
        """Learn which channels agents talk on; the first time, end phones that nobody uses.

        Args:
            on_talk_over: called with an agent whose phone has left the talk meanwhile.
            left: phones of agents who have logged out and still talk.

        Raises:
            CallcampError: Asterisk does not answer; to be tried again.
        """
        channels = set(await self._gateway.live_calls())
        for worker in self._floor:
            await self._take_up(worker, channels, on_talk_over)
        if not self._looked:
            legs = {one for one in channels if agent_of_leg(one) is not None}
            await self._end_unused(legs.difference(left))
            self._looked = True
        for worker in self._floor:
            if worker.campaign.settings.agents.method not in QUEUED:
                worker.queued = True

    async def _take_up(
        self, worker: Worker, channels: set[str], on_talk_over: Callable[[Worker], None]
    ) -> None:
        call = worker.call
        if worker.state is not AgentState.TALKING or call is None or call.channel_id is not None:
            return
        talk = await self._switchboard.talk_of(call.track.attempt_id)
        if worker.call is not call or worker.state is not AgentState.TALKING:
            return
        if talk is None or talk.channel_id not in channels:
            on_talk_over(worker)
            return
        call.channel_id, call.on_hold = talk.channel_id, talk.on_hold
        if is_leg_id(talk.channel_id):
            worker.leg = Leg(talk.channel_id, up=True)
        self._floor.touch(worker)

    async def _end_unused(self, legs: set[str]) -> None:
        unused = legs - {worker.leg.id for worker in self._floor if worker.leg is not None}
        if not unused:
            return
        for track in list(self._registry):
            # Its agent has logged out, but talks on.
            if track.answered_at is not None and self._floor.of_attempt(track.attempt_id) is None:
                talk = await self._switchboard.talk_of(track.attempt_id)
                unused.discard("" if talk is None else talk.channel_id)
        for leg in sorted(unused):
            log.info("agent_leg_left_over", leg=leg, agent=agent_of_leg(leg))
            await self._switchboard.hang_up_channel(leg)
