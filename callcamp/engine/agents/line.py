"""Agents on the line: offers, calls to their phones, and contacts dialled once they are there."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from callcamp.core.agent_events import LegAnswered, LegEnded, LegRang
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import MISSED_CALL, AgentEvent, AgentState
from callcamp.core.model import Campaign
from callcamp.core.reasons import Reason
from callcamp.core.states import ATTEMPT, AttemptStatus, CampaignStatus
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.worker import (
    PHONE_GONE,
    AgentCall,
    Leg,
    Worker,
    as_offered,
    shown_to,
)
from callcamp.engine.clock import Clock
from callcamp.engine.registry import Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError, Conflict, SwitchTimeout, SwitchUnavailable
from callcamp.ports.switchboard import LegOrder, Switchboard
from callcamp.switch import leg_id

log = structlog.get_logger(__name__)


class Line:
    """Brings an agent to the phone first, and then the contact.

    Args:
        floor: the agents.
        switchboard: the way to their phones.
        clock: the engine's clock.
        tracker: takes back contacts that no agent takes.
        campaign: returns a campaign as it is now.
        dial: has a claimed attempt called; False when it must not be called any more.
        on_talk_over: called when an agent who talked has left the line.
        on_free: called when an agent has nothing to do any more.
        free: lets an agent who was called for a contact be ready again.
        on_unanswered: called with a contact who waits on, because the agent called for it did
            not answer.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        switchboard: Switchboard,
        clock: Clock,
        tracker: Tracker,
        campaign: Callable[[int], Awaitable[Campaign]],
        dial: Callable[[Track], Awaitable[bool]],
        on_talk_over: Callable[[Worker], None],
        on_free: Callable[[Worker], None],
        free: Callable[[Worker], None],
        on_unanswered: Callable[[Track], None],
    ) -> None:
        self._floor = floor
        self._switchboard = switchboard
        self._clock = clock
        self._tracker = tracker
        self._campaign = campaign
        self._dial = dial
        self._on_talk_over = on_talk_over
        self._on_free = on_free
        self._free = free
        self._on_unanswered = on_unanswered
        self._offered: dict[str, tuple[Track, Campaign]] = {}

    async def offer(self, worker: Worker, track: Track, campaign: Campaign) -> None:
        """Give an agent who is free a claimed contact: to look at first, or to be called for."""
        if campaign.settings.agents.method is DialMethod.PREVIEW:
            seconds = campaign.settings.agents.before_call_work_s
            worker.offer = as_offered(track, self._clock.now() + timedelta(seconds=seconds))
            self._offered[track.attempt_id] = track, campaign
            self._floor.step(worker, AgentEvent.OFFERED)
        else:
            await self._begin(worker, track, campaign)

    async def accept(self, worker: Worker) -> None:
        """Dial the contact that an agent is offered.

        Raises:
            Conflict: there is no offer (any more); or the campaign does not run as it did when
                it was made, or the agent's phone cannot be called: the contact is given back.
        """
        track = self.offered_to(worker)
        if track is not None:
            now = await self._campaign(track.campaign_id)
            if now.status is not CampaignStatus.RUNNING or now.version != track.version:
                self.take_back(worker)
                state = now.status.value
                state = f"is {state}" if state != CampaignStatus.RUNNING else "was changed"
                raise Conflict(
                    f"{now.settings.name} {state}; the contact was given back.", state=state
                )
        error = await self._begin(worker, *self._take_offer(worker))
        if error is not None:
            raise Conflict(f"{error.message} The contact was given back.", problem=error.id)

    def skip(self, worker: Worker, reason: str, *, after_s: float) -> None:
        """Give the offered contact back; it is due again ``after_s`` from now.

        Raises:
            Conflict: there is no offer (any more).
        """
        track, _ = self._take_offer(worker)
        self._floor.step(worker, AgentEvent.DECLINED, reason)
        track.hold = Reason.RETRY_WAITS
        self._give_back(track, after_s=after_s)

    def withdraw(self, worker: Worker) -> None:
        """Take back what an agent is offered, if anything, because the agent leaves or pauses."""
        if worker.offer is not None:
            track, _ = self._take_offer(worker)
            self._give_back(track)

    def take_back(self, worker: Worker) -> None:
        """Take back what an agent is offered, or is being called for: it is not wanted now."""
        if worker.offer is not None:
            self.withdraw(worker)
            self._floor.step(worker, AgentEvent.DECLINED, "withdrawn")
            self._on_free(worker)
        elif worker.call is not None and worker.call.track.status is AttemptStatus.CLAIMED:
            self.drop(worker.call.track)

    async def call_phone(self, worker: Worker, *, ring_timeout_s: int) -> None:
        """Call an agent's phone, so that the agent is on the line.

        Raises:
            Conflict: it is on the line, or being called.
        """
        if worker.leg is not None:
            raise Conflict(f"The phone of {worker.agent.name} is being called, or on the line.")
        leg = worker.leg = Leg(leg_id(worker.agent.id, secrets.token_hex(8)))
        order = LegOrder(
            leg.id,
            worker.agent.id,
            worker.interface,
            ring_timeout_s,
            caller_id=shown_to(worker.agent.phone, worker.campaign),
        )
        try:
            await self._switchboard.call_agent(order)
        except SwitchTimeout:
            # It may ring all the same; its events, or their absence, tell.
            log.warning("agent_call_in_doubt", agent=worker.agent.name)
        except CallcampError:
            worker.leg = None
            raise
        leg.sent = True
        self._floor.touch(worker)

    async def call_for(self, worker: Worker, track: Track) -> None:
        """Call the phone of an agent who is to talk to a contact who hears the announcement."""
        settings = worker.campaign.settings.agents
        try:
            await self.call_phone(worker, ring_timeout_s=settings.agent_ring_timeout_s)
        except CallcampError as error:
            log.warning("agent_not_called", **track.ids, problem=error.message)
            if worker.state is AgentState.RINGING and worker.attempt_id == track.attempt_id:
                track.offered_to = None
                if self._not_called(worker, error):
                    self._on_unanswered(track)

    def _not_called(self, worker: Worker, error: CallcampError) -> bool:
        """Note that a call to an agent's phone was not made; False when it is no fault of it."""
        if isinstance(error, SwitchUnavailable):
            # The next call comes when the link is back.
            self._free(worker)
            return False
        worker.call = None
        self._floor.step(worker, AgentEvent.MISSED, error.message)
        return True

    async def _join(self, worker: Worker, track: Track, leg: Leg) -> None:
        if await self._switchboard.join(track.attempt_id, leg.id):
            return
        if worker.state is AgentState.RINGING and worker.attempt_id == track.attempt_id:
            self._free(worker)

    async def note(self, fact: LegRang | LegAnswered | LegEnded) -> None:
        """Take in what became of a call to an agent's phone."""
        worker = self._floor.of_leg(fact.leg_id)
        if worker is None or worker.leg is None:
            return
        if isinstance(fact, LegEnded):
            self.leg_ended(worker)
            return
        worker.leg.rang = True
        if isinstance(fact, LegAnswered):
            worker.leg.up = True
            self._floor.touch(worker)
            call = worker.call
            if worker.state is not AgentState.RINGING or call is None:
                return
            if call.track.answered_at is None:
                await self._picked_up(worker, call.track)
            else:
                await self._join(worker, call.track, worker.leg)

    def leg_ended(self, worker: Worker, *, unseen: bool = False) -> None:
        """Note that an agent's phone is not on the line any more.

        Args:
            worker: whose phone.
            unseen: whether Asterisk only does not have the call: one of which nothing was heard
                was not missed.
        """
        leg, worker.leg = worker.leg, None
        self._floor.touch(worker)
        call = worker.call
        if call is None or worker.handed:
            return
        if worker.state in {AgentState.RINGING, AgentState.DIALING}:
            reason = MISSED_CALL if worker.state is AgentState.RINGING else PHONE_GONE
            if unseen and leg is not None and not leg.rang:
                self._free(worker)
            else:
                worker.call = None
                self._floor.step(worker, AgentEvent.MISSED, reason)
            if call.track.answered_at is None or call.track.offered_to != worker.agent.id:
                self.drop(call.track)
            else:
                # The queue, or another agent, is there for a contact who hears the announcement.
                call.track.offered_to = None
                self._on_unanswered(call.track)
        elif worker.state is AgentState.TALKING and leg is not None and call.channel_id == leg.id:
            self._on_talk_over(worker)

    def drop(self, track: Track) -> None:
        """Have nobody talk to this contact now: it is not called, or its call is ended."""
        track.unwanted = True
        if track.status is AttemptStatus.CLAIMED:
            self._give_back(track)
        elif track.status not in ATTEMPT.final():
            self._tracker.tidying.hang_up(track.attempt_id)

    async def hang_up_leg(self, worker: Worker) -> None:
        """End the call to an agent's phone, if there is one."""
        if worker.leg is not None:
            await self._switchboard.hang_up_channel(worker.leg.id)

    def offered_to(self, worker: Worker) -> Track | None:
        """Return the attempt that an agent is offered."""
        found = self._offered.get(worker.offer.attempt_id) if worker.offer else None
        return None if found is None else found[0]

    def _take_offer(self, worker: Worker) -> tuple[Track, Campaign]:
        found = self._offered.pop(worker.offer.attempt_id, None) if worker.offer else None
        worker.offer = None
        if found is None:
            raise Conflict(f"{worker.agent.name} is offered no contact now.")
        return found

    async def _begin(
        self, worker: Worker, track: Track, campaign: Campaign
    ) -> CallcampError | None:
        worker.call = AgentCall(track, campaign)
        track.agent_id = worker.agent.id
        if worker.on_line:
            await self._picked_up(worker, track)
            return None
        self._floor.step(worker, AgentEvent.RANG)
        if worker.leg is not None:
            return None
        try:
            await self.call_phone(
                worker, ring_timeout_s=campaign.settings.agents.agent_ring_timeout_s
            )
        except CallcampError as error:
            log.warning(
                "agent_not_called",
                **track.ids,
                agent=worker.agent.name,
                problem=error.message,
            )
            # Meanwhile the agent may have left, or the contact may be wanted no more.
            if worker.state is AgentState.RINGING and worker.attempt_id == track.attempt_id:
                self._not_called(worker, error)
            self._give_back(track)
            return error
        return None

    async def _picked_up(self, worker: Worker, track: Track) -> None:
        self._floor.step(worker, AgentEvent.PICKED_UP)
        track.leg_id = worker.leg.id if worker.leg is not None else None
        if not await self._dial(track) and worker.attempt_id == track.attempt_id:
            self._free(worker)

    def _give_back(self, track: Track, *, after_s: float = 0.0) -> None:
        self._offered.pop(track.attempt_id, None)
        if track.status not in ATTEMPT.final():
            self._tracker.release(track, after_s=after_s)
