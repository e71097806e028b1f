"""The agents' desk: facts from Asterisk and from attempts move agents from state to state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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
)
from callcamp.core.agent_settings import ON_THE_LINE, QUEUED, DialMethod
from callcamp.core.agents import AgentEvent, AgentState
from callcamp.core.model import Campaign
from callcamp.core.pacing.contract import TalkEnded, WrapUpEnded
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import ATTEMPT, AttemptEvent, CampaignStatus
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.line import Line
from callcamp.engine.agents.pace import Pace, PacingView
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.worker import MISSED, AgentCall, Worker
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError, SwitchTimeout
from callcamp.ports import CallGateway, Store
from callcamp.ports.switchboard import Switchboard

log = structlog.get_logger(__name__)

TICK_S = 0.5
READ_AGENTS_EVERY_S = 5.0
RING_GRACE_S = 10.0
"""How long an agent may seem to ring past the ring timeout before that is held for lost."""
OVER = frozenset({CampaignStatus.COMPLETED, CampaignStatus.CANCELED})
"""Campaigns that nobody works for any more."""
IN_USE = 2
"""Asterisk's device state of a phone that is in a call."""
CALLBACK_PAUSE_S = 60.0
"""How long a callback waits whose own agent is not free."""


class DeskCore:
    """What the desk knows and does by itself; :class:`AgentDesk` adds what people ask of it.

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
            dial=dial,
            on_talk_over=self.talk_over,
            on_free=self.after_call,
        )
        self.rooms: dict[int, tuple[int, Reason]] = {}
        """What :meth:`room` said last, by campaign."""
        self._facts: asyncio.Queue[LegRang | LegAnswered | LegEnded] = asyncio.Queue()
        self._doing: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._read_at_s = float("-inf")
        tracker.on_agent_fact = self.note

    # What the dialer asks.

    async def room(
        self, campaign: Campaign, rules: RuleSet, *, healthy: bool
    ) -> tuple[int | None, Reason]:
        """Return how many contacts may be taken for a campaign's agents, and why no more.

        None: the campaign has no agents.
        """
        if not campaign.settings.agents.attended:
            return None, Reason.NO_AGENT
        room = self.rooms[campaign.id] = await self.pace.room(campaign, rules, healthy=healthy)
        return room

    async def variables(self, campaign: Campaign, track: Track) -> dict[str, str]:
        """Return the channel variables that lead an answered contact to an agent."""
        settings = campaign.settings.agents
        if track.leg_id is not None:
            return {
                "CC_ROUTE": "leg",
                "CC_LEG": track.leg_id,
                "CC_AGENT": f"cc-agent-{track.agent_id}",
                "CC_DETECT": "0",
                "CC_NO_AGENT": settings.safe_harbour or "",
            }
        client_first = settings.method is DialMethod.CLIENT_FIRST
        wait_s = settings.wait_most_s if client_first else settings.connect_limit_s
        message = settings.no_agent_message if client_first else settings.safe_harbour
        return {
            "CC_ROUTE": "queue",
            "CC_QUEUE": await self.queueing.queue_of(campaign) or "",
            "CC_QUEUE_WAIT_S": str(max(1, int(wait_s))),
            "CC_ABANDON_FROM": settings.abandon_from.value,
            "CC_ANNOUNCE": (settings.announcement or "") if client_first else "",
            "CC_NO_AGENT": message or settings.safe_harbour or "",
            "CC_MUSIC": settings.music,
        }

    async def take(self, track: Track, campaign: Campaign) -> bool:
        """Give a claimed contact to an agent, when it needs one before it is dialled.

        Returns False when it may be dialled at once.
        """
        owner = track.person.callback_agent_id
        if owner is None and campaign.settings.agents.method not in ON_THE_LINE:
            return False
        free = [w for w in self.floor.of_campaign(campaign.id) if w.is_free and not w.handed]
        if owner is not None:
            free = [w for w in free if w.agent.id == owner]
        if not free:
            track.hold = Reason.CALLBACK_WAITS if owner is not None else Reason.NO_AGENT
            self.tracker.release(track, after_s=CALLBACK_PAUSE_S if owner is not None else 0.0)
            return True
        # Who has waited longest; who is on the line already before all others.
        worker = min(free, key=lambda w: (not w.on_line, w.since))
        await self.line.offer(worker, track, campaign)
        return True

    def has_work(self, campaign_id: int) -> bool:
        """Tell whether an agent still talks to a contact of a campaign, or notes the result."""
        return any(w.call is not None for w in self.floor.of_campaign(campaign_id))

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
                self._on_room()
            case AgentCalled():
                self._note_called(fact)
            case AgentMissed():
                self._note_missed(fact)
            case AgentConnected():
                self._note_connected(fact)
            case AgentLeft():
                self._note_left(fact)
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
            if fact.ring_s > 0:
                self.floor.step(worker, AgentEvent.MISSED, MISSED)
            else:
                # Until Asterisk says otherwise: else the same call would be tried without end.
                worker.device = IN_USE
                self.floor.step(worker, AgentEvent.FREED)
            self.after_call(worker)

    def _note_connected(self, fact: AgentConnected) -> None:
        track = self.registry.get(fact.attempt_id)
        worker = self.floor.get(fact.agent_id) or self.floor.of_leg(fact.channel_id)
        if track is None or worker is None:
            return
        at = self.clock.at(fact.at)
        track.agent_id, track.connected_at = worker.agent.id, track.connected_at or at
        self.queueing.forget_caller(fact.attempt_id)
        call = worker.call
        if call is None or call.track is not track:
            if call is not None and worker.state is AgentState.TALKING:
                log.warning("agent_has_two_calls", agent=worker.agent.name, **track.ids)
                return
            call = worker.call = AgentCall(track, worker.campaign)
        call.connected_at, call.channel_id = at, fact.channel_id
        if worker.may(AgentEvent.CONNECTED):
            if worker.state is AgentState.PAUSED:
                worker.pause_wanted = worker.reason
            worker.offer = None
            self.floor.step(worker, AgentEvent.CONNECTED)
        self.queueing.wake()

    def _note_left(self, fact: AgentLeft) -> None:
        worker = self.floor.of_attempt(fact.attempt_id)
        if worker is None or worker.state is not AgentState.TALKING or worker.call is None:
            return
        known = worker.call.channel_id
        other = fact.channel_id is not None and known is not None and fact.channel_id != known
        if other or worker.call.consulting:
            return
        self.talk_over(worker)

    # What follows from it.

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
        self.became_free(worker)

    def became_free(self, worker: Worker) -> None:
        """Give an agent who is free the caller who waits longest, if any; else let calls come."""
        if worker.is_free and worker.campaign.settings.agents.method in QUEUED:
            queue = self.queueing.known_queue(worker.campaign)
            for attempt_id in self.queueing.waiting(queue):
                track = self.registry.get(attempt_id)
                if track is not None and track.offered_to is None and not track.is_over:
                    self._hand(worker, track)
                    break
        self.queueing.wake()
        self._on_room()

    def _hand(self, worker: Worker, track: Track) -> None:
        worker.call, worker.handed = AgentCall(track, worker.campaign), True
        track.offered_to = worker.agent.id
        self.floor.step(worker, AgentEvent.RANG)
        self.do(self._give(worker, track))

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

    # Tasks.

    def do(self, work: Awaitable[None]) -> None:
        """Have something done in the background; a refusal of Asterisk is logged."""

        async def safely() -> None:
            try:
                await work
            except CallcampError as error:
                log.warning("agent_work_failed", problem=error.message)

        task = asyncio.create_task(safely())
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def close(self) -> None:
        """Write down what is known; agents stay on shift for the next engine."""
        for task in self._doing:
            task.cancel()
        await asyncio.gather(*self._doing, return_exceptions=True)
        await self.floor.write()
        await self.pace.keep(every_s=0.0)

    def leave(self, worker: Worker, reason: str) -> None:
        """End an agent's shift; what the agent was about to talk to is given back."""
        self.line.withdraw(worker)
        call, leg = worker.call, worker.leg
        talks = worker.state is AgentState.TALKING
        if call is not None and worker.state in {AgentState.RINGING, AgentState.DIALING}:
            worker.call = None
            # A caller in the queue stays there for another agent.
            if call.track.connected_at is None and call.track.answered_at is None:
                self.line.drop(call.track)
        self.floor.step(worker, AgentEvent.LOGGED_OUT, reason)
        if leg is not None and not talks:
            self.do(self._end_channel(leg.id))
        self.queueing.wake()

    async def _end_channel(self, channel_id: str) -> None:
        await self.switchboard.hang_up_channel(channel_id)

    def changed(self) -> None:
        """Read agents again soon: they were changed."""
        self._read_at_s = float("-inf")
        self._changed.set()

    def link_changed(self) -> None:
        """Ask Asterisk again for all that matters: it was away."""
        self.queueing.wake(sync=True)
        for worker in self.floor:
            if worker.leg is not None:
                self.do(self._look_for_leg(worker))

    async def _look_for_leg(self, worker: Worker) -> None:
        if worker.leg is not None and not await self.switchboard.is_up(worker.leg.id):
            self.line.leg_ended(worker)
            self.after_call(worker)

    async def run_legs(self) -> None:
        """Carry out what follows from calls to agents' phones, in order, for ever."""
        while True:
            fact = await self._facts.get()
            try:
                await self.line.note(fact)
            except CallcampError as error:
                log.warning("agent_leg_not_noted", problem=error.message)
            if isinstance(fact, LegEnded):
                self._on_room()

    async def run_clock(self) -> None:
        """Look at what time alone changes, for ever."""
        while True:
            try:
                await self.tick()
            except CallcampError as error:
                log.warning("agents_not_looked_at", problem=error.message)
            self._changed.clear()
            try:
                async with asyncio.timeout(TICK_S / self.clock.speed):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def tick(self) -> None:
        """End wrap-ups and previews whose time is over; settle what events did not settle."""
        now = self.clock.now()
        if self.clock.monotonic_s() - self._read_at_s >= READ_AGENTS_EVERY_S:
            self._read_at_s = self.clock.monotonic_s()
            await self._read()
        for worker in self.floor:
            if worker.wrap_up_until is not None and worker.wrap_up_until <= now:
                self.wrapped_up(worker)
            elif worker.offer is not None and worker.offer.dial_at <= now:
                await self.line.accept(worker)
            elif worker.call is not None and self._is_stale(worker, worker.call):
                self._contact_gone(worker)
        await self.pace.keep()

    def _is_stale(self, worker: Worker, call: AgentCall) -> bool:
        if worker.state not in {AgentState.RINGING, AgentState.DIALING, AgentState.TALKING}:
            return False
        if call.track.status in ATTEMPT.final():
            return True
        patience_s = worker.campaign.settings.agents.agent_ring_timeout_s + RING_GRACE_S
        too_long = self.clock.now() - worker.since > timedelta(seconds=patience_s)
        return worker.state is AgentState.RINGING and too_long

    async def _read(self) -> None:
        await self.floor.read_agents()
        allowed: dict[int, set[int]] = {}
        for worker in self.floor:
            campaign = worker.campaign = await self.book.campaign(worker.campaign.id)
            if campaign.id not in allowed:
                agents = await self.store.campaign_agents(campaign.id)
                allowed[campaign.id] = {agent.id for agent in agents if agent.active}
            if worker.call is not None:
                continue
            if campaign.status in OVER:
                self.leave(worker, "the campaign is over")
            elif worker.agent.id not in allowed[campaign.id]:
                self.leave(worker, "no longer an agent of the campaign")

    def pacing(self, campaign_id: int) -> PacingView | None:
        """Return what a campaign's pacing did last (None: nothing yet)."""
        return self.pace.view(campaign_id)
