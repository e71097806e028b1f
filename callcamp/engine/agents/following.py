"""From facts to states: what Asterisk and attempts tell moves agents on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

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
from callcamp.core.agents import MISSED_CALL, AgentEvent, AgentState, and_agent
from callcamp.core.states import AttemptEvent
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.leaving import Leaving
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.side_legs import SideLegs
from callcamp.engine.agents.worker import REFUSED, AgentCall, Worker
from callcamp.engine.clock import Clock
from callcamp.engine.registry import Registry, Track
from callcamp.errors import CallcampError

log = structlog.get_logger(__name__)

IN_USE = 2
"""Asterisk's device state of a phone that is in a call."""
SHORT_RING_S = 3.0
"""An agent's phone that rang no longer than this was not missed: the person's time was over."""
REFUSED_MOST = 3
"""Calls in a row that an agent's phone may refuse, or not answer in so short a time: at one that
nobody answers every contact would else be called for nobody."""


class Following:
    """Takes in what Asterisk and attempts tell of agents; owns the order of what legs do.

    Args:
        floor: the agents.
        registry: the live attempts.
        clock: the engine's clock.
        pace: learns what becomes of calls.
        queueing: who is a member, and who waits.
        consequences: what follows for agents.
        leaving: what agents have left behind who logged out.
        side_legs: calls to phones that serve no contact.
        on_room: called when agents may be able to take more calls.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        registry: Registry,
        clock: Clock,
        pace: Pace,
        queueing: Queueing,
        consequences: Consequences,
        leaving: Leaving,
        side_legs: SideLegs,
        on_room: Callable[[], None],
    ) -> None:
        self._floor = floor
        self._registry = registry
        self._clock = clock
        self._pace = pace
        self._queueing = queueing
        self._consequences = consequences
        self._line = consequences.line
        self._leaving = leaving
        self._side_legs = side_legs
        self._on_room = on_room
        self._facts: asyncio.Queue[LegRang | LegAnswered | LegEnded] = asyncio.Queue()

    def note(self, fact: AgentFact) -> None:
        """Take in a fact about agents or waiting callers."""
        match fact:
            case MemberSeen():
                self._note_member(fact)
            case PersonReached():
                track = self._registry.get(fact.attempt_id)
                if track is not None and track.reached_at is None:
                    track.reached_at = self._clock.at(fact.at)
                    self._pace.note_person(track)
            case CallerWaited() | CallerLeft():
                self._queueing.note_caller(fact)
                if isinstance(fact, CallerWaited) and fact.announced:
                    self._consequences.seek(self._registry.get(fact.attempt_id))
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

    async def run_legs(self) -> None:
        """Carry out what follows from calls to agents' phones, in order, for ever."""
        while True:
            fact = await self._facts.get()
            try:
                await self._line.note(fact)
            except CallcampError as error:
                log.warning("agent_leg_not_noted", problem=error.message)
            if isinstance(fact, LegEnded):
                self._side_legs.end([fact.leg_id])
                self._queueing.wake()
                self._on_room()

    def note_step(self, track: Track, event: AttemptEvent) -> None:
        """Take in what became of an attempt."""
        self._pace.note_step(track, event)
        if event not in {AttemptEvent.ENDED, AttemptEvent.NOT_PLACED}:
            if event is AttemptEvent.ANSWERED and (w := self._floor.of_attempt(track.attempt_id)):
                self._floor.touch(w)
            return
        self._queueing.forget_caller(track.attempt_id)
        self._leaving.end_leg(track.attempt_id)
        for worker in self._floor:
            if worker.offer is not None and worker.offer.attempt_id == track.attempt_id:
                self._line.withdraw(worker)
                self._floor.step(worker, AgentEvent.DECLINED, "withdrawn")
            elif worker.attempt_id == track.attempt_id:
                self._consequences.contact_gone(worker)
        self._on_room()

    def _note_member(self, fact: MemberSeen) -> None:
        self._queueing.note_member(fact)
        worker = self._floor.get(fact.agent_id)
        if worker is None or worker.device == fact.status:
            return
        was_free, worker.device = worker.is_free, fact.status
        self._floor.touch(worker)
        if worker.is_free and not was_free:
            self._consequences.became_free(worker)

    def _note_called(self, fact: AgentCalled) -> None:
        track, worker = self._registry.get(fact.attempt_id), self._floor.get(fact.agent_id)
        if track is None:
            return
        if worker is None and track.connected_at is None:
            # Logged out in this moment; whom an agent sends a contact to need not be on shift.
            self._leaving.stop_ringing(track, fact.channel_id)
            return
        track.offered_to = fact.agent_id
        if worker is None:
            return
        call = worker.call
        if worker.state is AgentState.READY and not worker.handed:
            worker.call = AgentCall(track, worker.campaign, channel_id=fact.channel_id)
            self._floor.step(worker, AgentEvent.RANG)
        elif worker.state is AgentState.RINGING and call is not None and call.track is track:
            call.channel_id = fact.channel_id

    def _note_missed(self, fact: AgentMissed) -> None:
        track, worker = self._registry.get(fact.attempt_id), self._floor.get(fact.agent_id)
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
                self._floor.step(worker, AgentEvent.MISSED, reason)
            else:
                if fact.ring_s == 0:
                    # Until Asterisk says otherwise: else the same call would be tried for ever.
                    worker.device = IN_USE
                self._floor.step(worker, AgentEvent.FREED)
            self._consequences.after_call(worker)

    def _note_connected(self, fact: AgentConnected) -> None:
        track = self._registry.get(fact.attempt_id)
        worker = self._floor.get(fact.agent_id) or self._floor.of_leg(fact.channel_id)
        if track is None or worker is None:
            return
        at = self._clock.at(fact.at)
        self._note_talker(track, worker.agent.id)
        track.agent_id, track.connected_at = worker.agent.id, track.connected_at or at
        self._queueing.forget_caller(fact.attempt_id)
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
            self._floor.step(worker, AgentEvent.CONNECTED)
        for other in self._floor:
            same = other is not worker and other.attempt_id == fact.attempt_id
            if same and other.state is AgentState.RINGING:
                self._consequences.free(other)
        self._queueing.wake()

    def _note_talker(self, track: Track, agent_id: int) -> None:
        """Keep who talked, in order: the dialplan's evidence names the first one only."""
        known = track.evidence.agents
        if known is None:
            known = "" if track.agent_id is None else and_agent("", track.agent_id)
        track.evidence = replace(track.evidence, agents=and_agent(known, agent_id))

    def _leave_for_another(self, worker: Worker) -> None:
        """Give back what an agent was about to do: a call has come between, by a transfer."""
        if worker.offer is not None:
            self._line.withdraw(worker)
            self._floor.step(worker, AgentEvent.DECLINED, "another call came")
        elif worker.state is AgentState.DIALING and worker.call is not None:
            self._line.drop(worker.call.track)

    def _note_left(self, fact: AgentLeft) -> None:
        if fact.channel_id is not None:
            self._leaving.end_leg(fact.attempt_id, fact.channel_id)
        worker = self._floor.get(fact.agent_id)
        if worker is None or worker.attempt_id != fact.attempt_id:
            worker = self._floor.of_attempt(fact.attempt_id)
        if worker is None or worker.state is not AgentState.TALKING or worker.call is None:
            return
        known = worker.call.channel_id
        other = fact.channel_id is not None and known is not None and fact.channel_id != known
        if other or worker.call.consulting:
            return
        self._consequences.talk_over(worker)

    def _note_third_left(self, fact: ThirdLeft) -> None:
        worker = self._floor.of_attempt(fact.attempt_id)
        if worker is None or worker.call is None or worker.call.channel_id != fact.channel_id:
            return
        if worker.call.consulting:
            self._consequences.consult_over(worker, worker.call)
            worker.call.on_hold = True
