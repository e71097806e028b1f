"""What follows for agents: wrap-up, the next call, a caller who waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from callcamp.core.agent_settings import QUEUED
from callcamp.core.agents import AgentEvent, AgentState
from callcamp.core.model import Campaign
from callcamp.core.pacing.contract import TalkEnded, WrapUpEnded
from callcamp.engine.agents.background import Background
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.line import Line
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.worker import AgentCall, Worker
from callcamp.engine.clock import Clock
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError, SwitchTimeout
from callcamp.ports.switchboard import Switchboard

log = structlog.get_logger(__name__)

QUEUE_LOOKS_S = 1.2
"""Within this time a queue has looked for a free agent: it does so once a second."""


class Consequences:
    """Owns what comes next for an agent, and the line: the next call, the wrap-up, a pause.

    Args:
        floor: the agents.
        queueing: who waits for them.
        pace: learns how long talks and wrap-ups take.
        switchboard: the way to queues and phones.
        registry: the live attempts.
        tracker: takes back and ends attempts.
        clock: the engine's clock.
        campaign: returns a campaign as it is now.
        dial: has a claimed attempt called; False when it must not be any more.
        on_room: called when agents may be able to take more calls.
        background: does what nobody waits for.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        queueing: Queueing,
        pace: Pace,
        switchboard: Switchboard,
        registry: Registry,
        tracker: Tracker,
        clock: Clock,
        campaign: Callable[[int], Awaitable[Campaign]],
        dial: Callable[[Track], Awaitable[bool]],
        on_room: Callable[[], None],
        background: Background,
    ) -> None:
        self._floor = floor
        self._queueing = queueing
        self._pace = pace
        self._switchboard = switchboard
        self._registry = registry
        self._clock = clock
        self._on_room = on_room
        self._do = background.do
        self.line = Line(
            floor=floor,
            switchboard=switchboard,
            clock=clock,
            tracker=tracker,
            campaign=campaign,
            dial=dial,
            on_talk_over=self.talk_over,
            on_free=self.after_call,
            free=self.free,
            on_unanswered=self.seek,
        )
        queueing.on_member = self.became_free

    def consult_over(self, worker: Worker, call: AgentCall) -> None:
        """Note that an agent talks to nobody else any more; the contact may still wait."""
        call.consulting = ""
        self._registry.drop_outside(call.track.attempt_id)
        self._floor.touch(worker)

    def contact_gone(self, worker: Worker) -> None:
        """Note that the call with an agent's contact is over, whatever the agent did in it."""
        if worker.state is AgentState.TALKING:
            self.talk_over(worker)
        elif worker.state in {AgentState.RINGING, AgentState.DIALING}:
            self.free(worker)

    def free(self, worker: Worker) -> None:
        """Let an agent who was called for a contact, and does not talk to it, be ready again."""
        rings = worker.leg is not None and not worker.leg.up
        worker.call, worker.handed = None, False
        self._floor.step(worker, AgentEvent.FREED)
        if rings:
            self._do(self.line.hang_up_leg(worker))
        self.after_call(worker)

    def talk_over(self, worker: Worker) -> None:
        """Note that an agent's part in a talk is over: wrap-up begins."""
        call, now = worker.call, self._clock.now()
        if call is None or worker.state is not AgentState.TALKING:
            return
        talked_s = (now - worker.since).total_seconds()
        call.ended_at, call.on_hold, call.muted, call.consulting = now, False, False, ""
        self._floor.step(worker, AgentEvent.HUNG_UP)
        self.leave_line(worker)
        fact = TalkEnded(self._clock.monotonic_s(), talked_s)
        self._pace.observe(worker.campaign.id, fact)
        settings = call.campaign.settings.agents
        if call.noted:
            self.wrapped_up(worker)
        elif settings.outcome_required:
            worker.wrap_up_until = None
        else:
            worker.wrap_up_until = now + timedelta(seconds=settings.wrap_up_s)
            if settings.wrap_up_s == 0:
                self.wrapped_up(worker)

    def wrapped_up(self, worker: Worker) -> None:
        """End an agent's wrap-up: the next call may come, or the pause that was asked for."""
        if worker.state is not AgentState.WRAP_UP:
            worker.wrap_up_until = None
            return
        elapsed_s = (self._clock.now() - worker.since).total_seconds()
        fact = WrapUpEnded(self._clock.monotonic_s(), elapsed_s)
        self._pace.observe(worker.campaign.id, fact)
        worker.call, worker.wrap_up_until, worker.handed = None, None, False
        if worker.pause_wanted is None:
            self._floor.step(worker, AgentEvent.WRAPPED_UP)
        self.after_call(worker)

    def after_call(self, worker: Worker) -> None:
        """Pause an agent who asked for it while busy, or find the next call."""
        if worker.pause_wanted is not None and worker.may(AgentEvent.PAUSED):
            reason, worker.pause_wanted = worker.pause_wanted, None
            self._floor.step(worker, AgentEvent.PAUSED, reason)
        self.leave_line(worker)
        self.became_free(worker)

    def leave_line(self, worker: Worker) -> None:
        """End the call to a phone that was only made for a callback: the queue calls it next."""
        if worker.on_line and worker.campaign.settings.agents.method in QUEUED:
            self._do(self.line.hang_up_leg(worker))

    def became_free(self, worker: Worker) -> None:
        """Give an agent who is free the caller who waits longest, if any; else let calls come."""
        if worker.is_free and worker.campaign.settings.agents.method in QUEUED:
            queue = self._queueing.known_queue(worker.campaign)
            for attempt_id in self._queueing.waiting(queue):
                track = self._registry.get(attempt_id)
                if track is None or track.offered_to is not None or track.is_over:
                    continue
                if not self._queue_serves(worker, track):
                    self._hand(worker, track)
                    break
        self._queueing.wake()
        self._on_room()

    def seek(self, track: Track | None) -> None:
        """Give a caller who hears the announcement an agent who is free already, if any is."""
        workers = [] if track is None else self._floor.of_campaign(track.campaign_id)
        free = [w for w in workers if w.is_free]
        if free:
            self.became_free(min(free, key=lambda w: w.since))

    def _queue_serves(self, worker: Worker, track: Track) -> bool:
        """Tell whether the queue is about to find another agent for a caller.

        Handed over in the same moment, the caller would be pulled out of a talk.
        """
        if self._queueing.hears_announcement(track.attempt_id):
            return False
        waited_s = (self._clock.now() - (track.reached_at or self._clock.now())).total_seconds()
        others = self._floor.of_campaign(worker.campaign.id)
        return waited_s < QUEUE_LOOKS_S and any(w.is_free and w is not worker for w in others)

    def _hand(self, worker: Worker, track: Track) -> None:
        announced = self._queueing.hears_announcement(track.attempt_id)
        worker.call, worker.handed = AgentCall(track, worker.campaign), not announced
        track.offered_to = worker.agent.id
        self._floor.step(worker, AgentEvent.RANG)
        # The announcement goes on until the agent is there.
        way = self.line.call_for if announced else self._give
        self._do(way(worker, track))

    async def _give(self, worker: Worker, track: Track) -> None:
        try:
            given = await self._switchboard.give_to(
                track.attempt_id, worker.interface, worker.agent.id
            )
        except SwitchTimeout:
            return
        except CallcampError as error:
            log.warning("caller_not_given", **track.ids, problem=error.message)
            given = False
        if given or worker.attempt_id != track.attempt_id:
            return
        if worker.state is AgentState.RINGING:
            track.offered_to = None
            self._queueing.forget_caller(track.attempt_id)
            self.free(worker)
