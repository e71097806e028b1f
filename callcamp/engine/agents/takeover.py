"""What an engine that died has left in Asterisk: talks of agents, and phones on the line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from callcamp.core.agent_events import AgentConnected, CallerWaited, LegAnswered
from callcamp.core.agent_settings import ON_THE_LINE, QUEUED, DialMethod
from callcamp.core.agents import AgentEvent, AgentState
from callcamp.core.model import Campaign
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.worker import Leg, Worker
from callcamp.engine.clock import utc_now
from callcamp.engine.registry import Registry, Track
from callcamp.ports import CallGateway, LiveCall
from callcamp.ports.switchboard import Switchboard, TalkView
from callcamp.switch import agent_of_leg, is_leg_id

log = structlog.get_logger(__name__)


class TakeOver:
    """Finds it and takes it up.

    Args:
        floor: the agents.
        registry: the live attempts.
        gateway: tells which channels there are.
        switchboard: the way to phones.
        on_fact: called with a talk, an answer of a phone, or a contact who hears the
            announcement, that nobody had told of.
        on_talk_over: called with an agent whose phone has left the talk meanwhile.
        on_line_gone: called with an agent whose phone has left before the contact answered.
        on_not_called: called with an agent for whom a contact waits, and whose phone is not called.
        campaign: returns a campaign.
        queue_of: returns the queue where contacts of a campaign meet agents.
    """

    def __init__(
        self,
        floor: Floor,
        registry: Registry,
        gateway: CallGateway,
        switchboard: Switchboard,
        *,
        on_fact: Callable[[AgentConnected | LegAnswered | CallerWaited], None],
        on_talk_over: Callable[[Worker], None],
        on_line_gone: Callable[[Worker], None],
        on_not_called: Callable[[Worker], None],
        campaign: Callable[[int], Awaitable[Campaign]],
        queue_of: Callable[[Campaign], Awaitable[str | None]],
    ) -> None:
        self._floor = floor
        self._registry = registry
        self._gateway = gateway
        self._switchboard = switchboard
        self._on_fact = on_fact
        self._on_talk_over = on_talk_over
        self._on_line_gone = on_line_gone
        self._on_not_called = on_not_called
        self._campaign = campaign
        self._queue_of = queue_of
        self._looked = False

    async def catch_up(self, left: Collection[str] = ()) -> set[str]:
        """Learn which channels agents talk on, and end phones on the line that nobody uses.

        Nobody uses the phone of an agent who logged out while there was no link.

        Args:
            left: phones that nobody on shift uses, and that are to stay: of agents who have
                logged out and still talk, and of who listens to a talk.

        Returns:
            The ids of all channels that there are.

        Raises:
            CallcampError: Asterisk does not answer, or another callcamp has its agents there; to
                be tried again.
        """
        await self._switchboard.hold_agents()
        sent = {w.agent.id: w.leg for w in self._floor if w.leg is not None and w.leg.sent}
        calls = await self._gateway.live_calls()
        channels = set(calls)
        for worker in self._floor:
            self._look_at_leg(worker, sent.get(worker.agent.id), calls)
            await self._take_up(worker, channels)
        await self._find_talks(channels)
        if not self._looked:
            for worker in self._floor:
                await self._take_up_line(worker, channels)
            self._looked = True
        await self._find_announced()
        legs = {one for one in channels if agent_of_leg(one) is not None}
        await self._end_unused(legs.difference(left))
        for worker in self._floor:
            if worker.campaign.settings.agents.method not in QUEUED:
                worker.queued = True
        return channels

    def _look_at_leg(self, worker: Worker, leg: Leg | None, calls: Mapping[str, LiveCall]) -> None:
        """Learn what became of a call to an agent's phone that was made before the link was cut."""
        if leg is None or worker.leg is not leg:
            return
        found = calls.get(leg.id)
        if found is None:
            self._on_line_gone(worker)
        elif found.state == "Up" and not leg.up:
            # Nobody heard the answer, and the agent sits there in silence.
            self._on_fact(LegAnswered(leg.id, utc_now()))

    async def _take_up(self, worker: Worker, channels: set[str]) -> None:
        call = worker.call
        if worker.state is not AgentState.TALKING or call is None or call.channel_id is not None:
            return
        talk = await self._switchboard.talk_of(call.track.attempt_id)
        if worker.call is not call or worker.state is not AgentState.TALKING:
            return
        # A phone on the line stays there when its agent's part in the talk is over.
        on_line = talk is not None and is_leg_id(talk.channel_id)
        if talk is None or talk.channel_id not in channels or (on_line and talk.agent_id is None):
            self._on_talk_over(worker)
            return
        call.channel_id = talk.channel_id
        if not talk.on_hold:
            call.consulting = ""
        call.on_hold = talk.on_hold and not call.consulting
        if on_line:
            worker.leg = Leg(talk.channel_id, up=True)
        self._take_up_outside(call.track, talk)
        self._floor.touch(worker)

    def _take_up_outside(self, track: Track, talk: TalkView) -> None:
        """Count an agent's call to a number outside on its trunk again."""
        if talk.outside:
            self._registry.add_outside(track.attempt_id, track.trunk_id)

    async def _find_talks(self, channels: set[str]) -> None:
        """Find the talks that began while nobody listened."""
        for track in list(self._registry):
            known = track.agent_id is not None or self._floor.of_campaign(track.campaign_id)
            if track.answered_at is None or not known:
                continue
            worker = self._floor.of_attempt(track.attempt_id)
            if worker is not None and worker.state is AgentState.TALKING:
                continue
            talk = await self._switchboard.talk_of(track.attempt_id)
            if talk is not None:
                self._take_up_outside(track, talk)
            if talk is not None and talk.agent_id is None and track.connected_at is None:
                # Sent on by an agent: nobody waits for one. When they met is not known better.
                track.connected_at = track.answered_at
            if talk is None or talk.agent_id is None or talk.channel_id not in channels:
                continue
            found = self._floor.get(talk.agent_id)
            if found is None or found.state is AgentState.TALKING or track.is_over:
                continue
            log.info("agent_found_talking", **track.ids, agent=found.agent.name)
            self._on_fact(
                AgentConnected(track.attempt_id, talk.agent_id, utc_now(), talk.channel_id)
            )
            if found.call is not None:
                found.call.on_hold = talk.on_hold
            if is_leg_id(talk.channel_id):
                found.leg = Leg(talk.channel_id, up=True)

    async def _take_up_line(self, worker: Worker, channels: set[str]) -> None:
        """Find the phone on which an agent waits for a contact that is being called."""
        before = worker.state
        if before not in {AgentState.RINGING, AgentState.DIALING} or worker.leg is not None:
            return
        legs = sorted(one for one in channels if agent_of_leg(one) == worker.agent.id)
        for leg in legs:
            if await self._switchboard.is_up(leg) and worker.state is before:
                self._found_on_line(worker, Leg(leg, up=True, rang=True, sent=True))
                return
        if legs and before is AgentState.RINGING and worker.state is before:
            # The phone rings on.
            self._found_on_line(worker, Leg(legs[0], rang=True, sent=True))
            return
        by_phone = worker.campaign.settings.agents.method in ON_THE_LINE
        if worker.state is before and (by_phone or before is AgentState.DIALING):
            self._on_line_gone(worker)

    def _found_on_line(self, worker: Worker, leg: Leg) -> None:
        worker.leg = leg
        self._floor.touch(worker)
        if worker.call is not None and self._is_waited_for(worker):
            worker.call.track.offered_to = worker.agent.id
            if leg.up:
                self._on_fact(LegAnswered(leg.id, utc_now()))
        elif leg.up and worker.state is AgentState.RINGING:
            self._floor.step(worker, AgentEvent.PICKED_UP)

    async def _find_announced(self) -> None:
        """Find who hears the announcement: an agent is sought for them at once."""
        for track in list(self._registry):
            if track.answered_at is None or track.connected_at is not None or track.is_over:
                continue
            campaign = await self._campaign(track.campaign_id)
            if campaign.settings.agents.method is not DialMethod.CLIENT_FIRST:
                continue
            queue = await self._queue_of(campaign)
            if not await self._switchboard.hears_announcement(track.attempt_id) or queue is None:
                continue
            worker = self._floor.of_attempt(track.attempt_id)
            is_rung = worker is not None and worker.state is AgentState.RINGING
            if worker is not None and is_rung and worker.leg is None and track.offered_to is None:
                self._on_not_called(worker)
            heard = CallerWaited(track.attempt_id, utc_now(), queue, announced=True)
            self._on_fact(heard)

    def _is_waited_for(self, worker: Worker) -> bool:
        """Tell whether an agent's phone is called for somebody who has answered already."""
        call = worker.call
        queued = worker.campaign.settings.agents.method in QUEUED
        return queued and call is not None and call.track.answered_at is not None

    async def _end_unused(self, legs: set[str]) -> None:
        unused = legs - {worker.leg.id for worker in self._floor if worker.leg is not None}
        if not unused:
            return
        for track in list(self._registry):
            # Its agent has logged out, but talks on.
            if track.answered_at is not None and self._floor.of_attempt(track.attempt_id) is None:
                talk = await self._switchboard.talk_of(track.attempt_id)
                if talk is not None and talk.agent_id is not None:
                    unused.discard(talk.channel_id)
        for leg in sorted(unused):
            log.info("agent_leg_left_over", leg=leg, agent=agent_of_leg(leg))
            await self._switchboard.hang_up_channel(leg)
