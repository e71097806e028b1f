"""From facts to states: what Asterisk and attempts tell moves agents on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentFact,
    AgentLeft,
    AgentMissed,
    CallerLeft,
    CallerWaited,
    LegAnswered,
    LegEnded,
    LegRang,
    MemberSeen,
    PersonReached,
    ThirdLeft,
)
from callcamp.core.agent_settings import QUEUED
from callcamp.core.agents import MISSED_CALL, AgentEvent, AgentState, and_agent
from callcamp.core.pacing.contract import TalkEnded, WrapUpEnded
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptEvent
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.line import Line
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.worker import REFUSED, AgentCall, Worker
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError, SwitchTimeout
from callcamp.ports import CallGateway, Store
from callcamp.ports.switchboard import Switchboard

log = structlog.get_logger(__name__)

IN_USE = 2
"""Asterisk's device state of a phone that is in a call."""
QUEUE_LOOKS_S = 1.2
"""Within this time a queue has looked for a free agent: it does so once a second."""
SHORT_RING_S = 3.0
"""An agent's phone that rang no longer than this was not missed: the person's time was over."""
REFUSED_MOST = 3
"""Calls in a row that an agent's phone may refuse, or not answer in so short a time: at one that
nobody answers every contact would else be called for nobody."""


class Following:
    """The agents, and what follows for them from every fact.

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
        )
        self.line.on_unanswered = self._seek
        self.rooms: dict[int, tuple[int, Reason]] = {}
        """What :meth:`room` said last, by campaign."""
        self.left_legs: dict[str, str] = {}
        """Phones that agents left behind in a talk when they logged out, by attempt."""
        self.side_legs: set[str] = set()
        """Calls to phones that serve no contact: who listens to a talk, or tests a phone."""
        self._facts: asyncio.Queue[LegRang | LegAnswered | LegEnded] = asyncio.Queue()
        self._doing: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._read_at_s = float("-inf")
        tracker.on_agent_fact = self.note

    # What Asterisk tells.

    def note(self, fact: AgentFact) -> None:
        """Take in a fact about agents or waiting callers."""
        match fact:
            case MemberSeen():
                self._note_member(fact)
            case PersonReached():
                track = self.registry.get(fact.attempt_id)
                if track is not None and track.reached_at is None:
                    track.reached_at = self.clock.at(fact.at)
                    self.pace.note_person(track)
            case CallerWaited() | CallerLeft():
                self.queueing.note_caller(fact)
                if isinstance(fact, CallerWaited) and fact.announced:
                    self._seek(self.registry.get(fact.attempt_id))
                self._on_room()
            case AgentCalled():
                self._note_called(fact)
            case AgentMissed():
                self._note_missed(fact)
            case AgentConnected():
                self._note_connected(fact)
            case AgentLeft():
                self._note_left(fact)
            case ThirdLeft():
                self._note_third_left(fact)
            case LegRang() | LegAnswered() | LegEnded():
                self._facts.put_nowait(fact)

    def note_step(self, track: Track, event: AttemptEvent) -> None:
        """Take in what became of an attempt."""
        self.pace.note_step(track, event)
        if event not in {AttemptEvent.ENDED, AttemptEvent.NOT_PLACED}:
            if event is AttemptEvent.ANSWERED and (w := self.floor.of_attempt(track.attempt_id)):
                self.floor.touch(w)
            return
        self.queueing.forget_caller(track.attempt_id)
        self._end_left_leg(track.attempt_id)
        for worker in self.floor:
            if worker.offer is not None and worker.offer.attempt_id == track.attempt_id:
                self.line.withdraw(worker)
                self.floor.step(worker, AgentEvent.DECLINED, "withdrawn")
            elif worker.attempt_id == track.attempt_id:
                self._contact_gone(worker)
        self._on_room()

    def _note_member(self, fact: MemberSeen) -> None:
        self.queueing.note_member(fact)
        worker = self.floor.get(fact.agent_id)
        if worker is None or worker.device == fact.status:
            return
        was_free, worker.device = worker.is_free, fact.status
        self.floor.touch(worker)
        if worker.is_free and not was_free:
            self.became_free(worker)

    def _note_called(self, fact: AgentCalled) -> None:
        track, worker = self.registry.get(fact.attempt_id), self.floor.get(fact.agent_id)
        if track is None:
            return
        track.offered_to = fact.agent_id
        if worker is not None and worker.state is AgentState.READY and not worker.handed:
            worker.call = AgentCall(track, worker.campaign, channel_id=fact.channel_id)
            self.floor.step(worker, AgentEvent.RANG)

    def _note_missed(self, fact: AgentMissed) -> None:
        track, worker = self.registry.get(fact.attempt_id), self.floor.get(fact.agent_id)
        if track is not None and track.offered_to == fact.agent_id:
            track.offered_to = None
        if worker is None or worker.attempt_id != fact.attempt_id:
            return
        if worker.state is AgentState.RINGING:
            worker.call, worker.handed = None, False
            worker.refused += 1
            if fact.ring_s >= SHORT_RING_S or worker.refused >= REFUSED_MOST:
                worker.refused = 0
                reason = MISSED_CALL if fact.ring_s > 0 else REFUSED
                self.floor.step(worker, AgentEvent.MISSED, reason)
            else:
                if fact.ring_s == 0:
                    # Until Asterisk says otherwise: else the same call would be tried for ever.
                    worker.device = IN_USE
                self.floor.step(worker, AgentEvent.FREED)
            self.after_call(worker)

    def _note_connected(self, fact: AgentConnected) -> None:
        track = self.registry.get(fact.attempt_id)
        worker = self.floor.get(fact.agent_id) or self.floor.of_leg(fact.channel_id)
        if track is None or worker is None:
            return
        at = self.clock.at(fact.at)
        self._note_talker(track, worker.agent.id)
        track.agent_id, track.connected_at = worker.agent.id, track.connected_at or at
        self.queueing.forget_caller(fact.attempt_id)
        call = worker.call
        if call is None or call.track is not track:
            if call is not None and worker.state is AgentState.TALKING:
                log.warning("agent_has_two_calls", agent=worker.agent.name, **track.ids)
                return
            self._leave_for_another(worker)
            call = worker.call = AgentCall(track, worker.campaign)
        # Somebody may come back to an agent who notes the result already.
        call.ended_at, worker.wrap_up_until = None, None
        call.connected_at, call.channel_id = at, fact.channel_id
        worker.refused = 0
        if worker.may(AgentEvent.CONNECTED):
            if worker.state is AgentState.PAUSED:
                worker.pause_wanted = worker.reason
            worker.offer = None
            self.floor.step(worker, AgentEvent.CONNECTED)
        for other in self.floor:
            if other is not worker and other.attempt_id == fact.attempt_id:
                self._rings_no_more(other)
        self.queueing.wake()

    def _rings_no_more(self, worker: Worker) -> None:
        """Free an agent who was rung for a caller whom another one has got."""
        if worker.state is AgentState.RINGING:
            worker.call, worker.handed = None, False
            self.floor.step(worker, AgentEvent.FREED)
            if worker.leg is not None:
                self.do(self.line.hang_up_leg(worker))
            self.after_call(worker)

    def _note_talker(self, track: Track, agent_id: int) -> None:
        """Keep who talked, in order: the dialplan's evidence names the first one only."""
        known = track.evidence.agents
        if known is None:
            known = "" if track.agent_id is None else and_agent("", track.agent_id)
        track.evidence = replace(track.evidence, agents=and_agent(known, agent_id))

    def _leave_for_another(self, worker: Worker) -> None:
        """Give back what an agent was about to do: a call has come between, by a transfer."""
        if worker.offer is not None:
            self.line.withdraw(worker)
            self.floor.step(worker, AgentEvent.DECLINED, "another call came")
        elif worker.state is AgentState.DIALING and worker.call is not None:
            self.line.drop(worker.call.track)

    def _end_left_leg(self, attempt_id: str) -> None:
        leg = self.left_legs.pop(attempt_id, None)
        if leg is not None:
            self.do(self._end_channel(leg))

    async def _end_channel(self, channel_id: str) -> None:
        await self.switchboard.hang_up_channel(channel_id)

    def _note_left(self, fact: AgentLeft) -> None:
        if self.left_legs.get(fact.attempt_id, "") == fact.channel_id:
            self._end_left_leg(fact.attempt_id)
        worker = self.floor.get(fact.agent_id)
        if worker is None or worker.attempt_id != fact.attempt_id:
            worker = self.floor.of_attempt(fact.attempt_id)
        if worker is None or worker.state is not AgentState.TALKING or worker.call is None:
            return
        known = worker.call.channel_id
        other = fact.channel_id is not None and known is not None and fact.channel_id != known
        if other or worker.call.consulting:
            return
        self.talk_over(worker)

    def _note_third_left(self, fact: ThirdLeft) -> None:
        worker = self.floor.of_attempt(fact.attempt_id)
        if worker is None or worker.call is None or worker.call.channel_id != fact.channel_id:
            return
        if worker.call.consulting:
            self.consult_over(worker, worker.call)
            worker.call.on_hold = True

    # What follows from it.

    def consult_over(self, worker: Worker, call: AgentCall) -> None:
        """Note that an agent talks to nobody else any more; the contact may still wait."""
        call.consulting = ""
        self.registry.drop_outside(call.track.attempt_id)
        self.floor.touch(worker)

    def _contact_gone(self, worker: Worker) -> None:
        if worker.state is AgentState.TALKING:
            self.talk_over(worker)
        elif worker.state in {AgentState.RINGING, AgentState.DIALING}:
            ringing_leg = worker.leg is not None and not worker.leg.up
            worker.call, worker.handed = None, False
            self.floor.step(worker, AgentEvent.FREED)
            if ringing_leg:
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
            worker.call, worker.handed, track.offered_to = None, False, None
            self.queueing.forget_caller(track.attempt_id)
            self.floor.step(worker, AgentEvent.FREED)
            self.after_call(worker)

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
