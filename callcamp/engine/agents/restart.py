"""The agents after a start: what an earlier engine left is taken up where it was."""

from __future__ import annotations

from datetime import timedelta

from callcamp.core.agents import Agent, AgentEvent, AgentSpan, AgentState
from callcamp.core.model import Campaign
from callcamp.core.states import AttemptStatus
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.noting import Noting
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.worker import OVER, AgentCall, Worker, reach
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.registry import Person, Registry, Track
from callcamp.errors import NotFound
from callcamp.ports import LiveShift, Store

BACK_S = 20.0
"""How much of the wrap-up an agent has after a start at least: the page has to come back."""
STARTED_AGAIN = "callcamp was started again"
"""Reason of the pause of whoever was doing what is over now."""
_BEFORE_TALK = frozenset({AgentState.RINGING, AgentState.DIALING})
_WITH_RESULT = frozenset({AgentState.TALKING, AgentState.WRAP_UP})


class Restart:
    """Takes up shifts; see :meth:`restore`.

    Args:
        store: where shifts are kept.
        registry: the live attempts.
        book: the campaigns.
        clock: the engine's clock.
        floor: the agents.
        noting: what was noted of calls.
        consequences: ends wrap-ups whose time is over.
        queueing: settles the queues afterwards.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        book: CampaignBook,
        clock: Clock,
        floor: Floor,
        noting: Noting,
        consequences: Consequences,
        queueing: Queueing,
    ) -> None:
        self._store = store
        self._registry = registry
        self._book = book
        self._clock = clock
        self._floor = floor
        self._noting = noting
        self._consequences = consequences
        self._queueing = queueing

    async def restore(self) -> None:
        """Take up the shifts that an earlier engine left, and what was noted of calls.

        Who was ready or paused is so again. Who talked talks, and who noted a result has the
        rest of the time for it. Who was called, or on the line for a contact, stays so until
        Asterisk tells. For everybody else it is never a call unasked: they are paused.
        """
        await self._floor.read_agents()
        await self._noting.pick_up()
        for live in await self._store.live_shifts():
            agent = self._floor.known(live.shift.agent_id)
            campaign = await self._book.campaign(live.shift.campaign_id)
            call = None if agent is None else await self._call_of(agent, campaign, live)
            if agent is None or (campaign.status in OVER and call is None):
                over = AgentSpan(
                    live.shift.agent_id,
                    campaign.id,
                    AgentState.OFFLINE,
                    self._clock.now(),
                    reason="the campaign is over",
                )
                await self._store.note_spans([over])
                continue
            worker = Worker(agent, await reach(agent, self._book), campaign, live.span.began_at)
            worker.state, worker.reason = live.span.state, live.span.reason
            worker.call, worker.pause_wanted = call, live.in_hand.pause_wanted
            # Takes no call before Asterisk has said what the phone does.
            worker.queued = False
            self._floor.put(worker, live.in_hand)
            self._go_on(worker, live)
        self._queueing.wake(sync=True)

    async def _call_of(self, agent: Agent, campaign: Campaign, live: LiveShift) -> AgentCall | None:
        """Return the call that an agent was left with, if there is still something to do for it."""
        span = live.span
        track = self._registry.get(span.attempt_id or "")
        if track is not None and track.is_over:
            return None
        if track is not None and span.state in _BEFORE_TALK:
            return AgentCall(track, campaign)
        if span.state not in _WITH_RESULT or span.attempt_id is None:
            return None
        outcome = None
        if track is None:
            try:
                attempt = await self._store.attempt(span.attempt_id)
                contact = await self._store.contact(attempt.contact_id)
            except NotFound:
                return None
            if attempt.status is not AttemptStatus.ENDED:
                return None
            person, outcome = Person.of(contact, attempt.number), attempt.outcome
            track = Track.of(attempt, campaign.settings.trunk_id, person, watched=False)
        call = AgentCall(track, campaign, connected_at=track.connected_at)
        if span.state is AgentState.TALKING:
            call.connected_at = span.began_at
        noted = track.notes.get(agent.id)
        call.noted = noted is not None or outcome is not None
        call.outcome = outcome if noted is None else noted.outcome
        return call

    def _go_on(self, worker: Worker, live: LiveShift) -> None:
        call = worker.call
        if worker.state in {AgentState.READY, AgentState.PAUSED}:
            return
        if call is None:
            self._pause_again(worker)
        elif worker.state in _WITH_RESULT and (
            call.track.is_over or worker.state is AgentState.WRAP_UP
        ):
            self._note_result_again(worker, call)
        elif worker.state is AgentState.TALKING:
            track = call.track
            track.agent_id, track.connected_at = (
                worker.agent.id,
                track.connected_at or live.span.began_at,
            )
            call.consulting, call.muted = live.in_hand.consulting, live.in_hand.muted

    def _pause_again(self, worker: Worker) -> None:
        if worker.state is AgentState.TALKING:
            self._floor.step(worker, AgentEvent.HUNG_UP)
        reason, worker.pause_wanted = worker.pause_wanted or STARTED_AGAIN, None
        if worker.may(AgentEvent.PAUSED):
            self._floor.step(worker, AgentEvent.PAUSED, reason)

    def _note_result_again(self, worker: Worker, call: AgentCall) -> None:
        """Let an agent note the result of a talk that is over; what was away counts little."""
        now, settings = self._clock.now(), call.campaign.settings.agents
        ended_at = now if worker.state is AgentState.TALKING else worker.since
        if worker.state is AgentState.TALKING:
            self._floor.step(worker, AgentEvent.HUNG_UP)
        call.ended_at = ended_at
        if call.noted or (settings.wrap_up_s == 0 and not settings.outcome_required):
            self._consequences.wrapped_up(worker)
        elif not settings.outcome_required:
            least_s = min(settings.wrap_up_s, BACK_S)
            worker.wrap_up_until = max(
                ended_at + timedelta(seconds=settings.wrap_up_s), now + timedelta(seconds=least_s)
            )
