"""What follows for agents: wrap-up, the next call, a caller who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from callcamp.core.agent_events import LegAnswered, LegEnded, LegRang
from callcamp.core.agent_settings import QUEUED
from callcamp.core.agents import AgentEvent, AgentState
from callcamp.core.pacing.contract import TalkEnded, WrapUpEnded
from callcamp.core.reasons import Reason
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.line import Line
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.worker import AgentCall, Worker
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.engine.trouble import Trouble
from callcamp.errors import CallcampError, SwitchTimeout
from callcamp.ports import CallGateway, Store
from callcamp.ports.switchboard import Switchboard

log = structlog.get_logger(__name__)

QUEUE_LOOKS_S = 1.2
"""Within this time a queue has looked for a free agent: it does so once a second."""


class Consequences:
    """The agents, and what follows for them when a call, or a wait, begins or ends.

    Args:
        store: agents, shifts, and what pacing has learnt.
        gateway: ends calls.
        switchboard: the way to queues and phones.
        registry: the live attempts.
        tracker: takes back and ends attempts.
        book: the campaigns.
        live: told when what pages show has changed.
        clock: the engine's clock.
        dial: has a claimed attempt called; False when it must not be any more.
        on_room: called when agents may be able to take more calls.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        switchboard: Switchboard,
        registry: Registry,
        tracker: Tracker,
        book: CampaignBook,
        live: LiveFeed,
        clock: Clock,
        dial: Callable[[Track], Awaitable[bool]],
        on_room: Callable[[], None],
    ) -> None:
        self.store = store
        self.gateway = gateway
        self.switchboard = switchboard
        self.registry = registry
        self.tracker = tracker
        self.book = book
        self.clock = clock
        self._on_room = on_room
        self.floor = Floor(store, clock, live)
        self.queueing = Queueing(store, switchboard, self.floor)
        self.queueing.on_member = self.became_free
        self.pace = Pace(store, self.floor, registry, clock)
        self.line = Line(
            floor=self.floor,
            switchboard=switchboard,
            clock=clock,
            tracker=tracker,
            campaign=store.campaign,
            dial=dial,
            on_talk_over=self.talk_over,
            on_free=self.after_call,
            free=self.free,
        )
        self.line.on_unanswered = self._seek
        self.rooms: dict[int, tuple[int, Reason]] = {}
        """What :meth:`room` said last, by campaign."""
        self.left_legs: dict[str, str] = {}
        """Phones that agents left behind in a talk when they logged out, by attempt."""
        self.left_ringing: dict[str, str | None] = {}
        """Phones that ring for agents who have logged out: attempt and channel, if it is known."""
        self.side_legs: set[str] = set()
        """Calls to phones that serve no contact: who listens to a talk, or tests a phone."""
        self._facts: asyncio.Queue[LegRang | LegAnswered | LegEnded] = asyncio.Queue()
        self._doing: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._read_at_s = float("-inf")
        self._of_one: dict[int, Trouble] = {}

    def consult_over(self, worker: Worker, call: AgentCall) -> None:
        """Note that an agent talks to nobody else any more; the contact may still wait."""
        call.consulting = ""
        self.registry.drop_outside(call.track.attempt_id)
        self.floor.touch(worker)

    def _contact_gone(self, worker: Worker) -> None:
        if worker.state is AgentState.TALKING:
            self.talk_over(worker)
        elif worker.state in {AgentState.RINGING, AgentState.DIALING}:
            self.free(worker)

    def free(self, worker: Worker) -> None:
        """Let an agent who was called for a contact, and does not talk to it, be ready again."""
        rings = worker.leg is not None and not worker.leg.up
        worker.call, worker.handed = None, False
        self.floor.step(worker, AgentEvent.FREED)
        if rings:
            self.do(self.line.hang_up_leg(worker))
        self.after_call(worker)

    def talk_over(self, worker: Worker) -> None:
        """Note that an agent's part in a talk is over: wrap-up begins."""
        call, now = worker.call, self.clock.now()
        if call is None or worker.state is not AgentState.TALKING:
            return
        talked_s = (now - worker.since).total_seconds()
        call.ended_at, call.on_hold, call.muted, call.consulting = now, False, False, ""
        self.floor.step(worker, AgentEvent.HUNG_UP)
        self._leave_line(worker)
        fact = TalkEnded(self.clock.monotonic_s(), talked_s)
        self.pace.observe(worker.campaign.id, fact)
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
        elapsed_s = (self.clock.now() - worker.since).total_seconds()
        fact = WrapUpEnded(self.clock.monotonic_s(), elapsed_s)
        self.pace.observe(worker.campaign.id, fact)
        worker.call, worker.wrap_up_until, worker.handed = None, None, False
        if worker.pause_wanted is None:
            self.floor.step(worker, AgentEvent.WRAPPED_UP)
        self.after_call(worker)

    def after_call(self, worker: Worker) -> None:
        """Pause an agent who asked for it while busy, or find the next call."""
        if worker.pause_wanted is not None and worker.may(AgentEvent.PAUSED):
            reason, worker.pause_wanted = worker.pause_wanted, None
            self.floor.step(worker, AgentEvent.PAUSED, reason)
        self._leave_line(worker)
        self.became_free(worker)

    def campaigns_changed(self) -> None:
        """Take back what agents are offered, or called for, by campaigns that were paused."""
        for worker in self.floor:
            track = self.line.offered_to(worker)
            if track is None and worker.call is not None:
                track = worker.call.track
            if track is not None and not self.book.is_running(track.campaign_id, track.version):
                self.line.take_back(worker)

    def _leave_line(self, worker: Worker) -> None:
        """End the call to a phone that was only made for a callback: the queue calls it next."""
        if worker.on_line and worker.campaign.settings.agents.method in QUEUED:
            self.do(self.line.hang_up_leg(worker))

    def became_free(self, worker: Worker) -> None:
        """Give an agent who is free the caller who waits longest, if any; else let calls come."""
        if worker.is_free and worker.campaign.settings.agents.method in QUEUED:
            queue = self.queueing.known_queue(worker.campaign)
            for attempt_id in self.queueing.waiting(queue):
                track = self.registry.get(attempt_id)
                if track is None or track.offered_to is not None or track.is_over:
                    continue
                if not self._queue_serves(worker, track):
                    self._hand(worker, track)
                    break
        self.queueing.wake()
        self._on_room()

    def _seek(self, track: Track | None) -> None:
        """Give a caller who hears the announcement an agent who is free already, if any is."""
        workers = [] if track is None else self.floor.of_campaign(track.campaign_id)
        free = [w for w in workers if w.is_free]
        if free:
            self.became_free(min(free, key=lambda w: w.since))

    def _queue_serves(self, worker: Worker, track: Track) -> bool:
        """Tell whether the queue is about to find another agent for a caller.

        Handed over in the same moment, the caller would be pulled out of a talk.
        """
        if self.queueing.hears_announcement(track.attempt_id):
            return False
        waited_s = (self.clock.now() - (track.reached_at or self.clock.now())).total_seconds()
        others = self.floor.of_campaign(worker.campaign.id)
        return waited_s < QUEUE_LOOKS_S and any(w.is_free and w is not worker for w in others)

    def _hand(self, worker: Worker, track: Track) -> None:
        announced = self.queueing.hears_announcement(track.attempt_id)
        worker.call, worker.handed = AgentCall(track, worker.campaign), not announced
        track.offered_to = worker.agent.id
        self.floor.step(worker, AgentEvent.RANG)
        # The announcement goes on until the agent is there.
        way = self.line.call_for if announced else self._give
        self.do(way(worker, track))

    async def _give(self, worker: Worker, track: Track) -> None:
        try:
            given = await self.switchboard.give_to(
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
            self.queueing.forget_caller(track.attempt_id)
            self.free(worker)

    async def _stop_ringing(self, attempt_id: str, channel_id: str | None) -> None:
        """Have a phone ring no more for an agent who has logged out; the caller waits on.

        Without a link it is done when the link is back.
        """
        self.left_ringing[attempt_id] = channel_id
        if not await self.switchboard.stop_ringing(attempt_id, channel_id):
            log.info("agent_answered_after_log_out", attempt=attempt_id)
        del self.left_ringing[attempt_id]

    def do(self, work: Awaitable[None]) -> None:
        """Have something done in the background; a refusal of Asterisk is logged."""
        task = asyncio.create_task(_safely(work))
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)


async def _safely(work: Awaitable[None]) -> None:
    try:
        await work
    except CallcampError as error:
        log.warning("agent_work_failed", problem=error.message)
