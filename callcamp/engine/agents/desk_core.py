"""The agents' desk towards the dialer and the clock."""

from __future__ import annotations

import asyncio
import functools
from datetime import datetime, timedelta

import structlog

from callcamp.core.agent_events import LegEnded
from callcamp.core.agent_settings import ON_THE_LINE, DialMethod
from callcamp.core.agents import AgentEvent, AgentState
from callcamp.core.model import Campaign
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.ruleset import CALLBACK_AGENT_PAUSE_S, RuleSet
from callcamp.core.states import ATTEMPT, AttemptStatus, CampaignStatus
from callcamp.engine.agents.following import Following
from callcamp.engine.agents.lack import lack_of_agents
from callcamp.engine.agents.outside import OutsideCalls
from callcamp.engine.agents.pace import PacingView
from callcamp.engine.agents.takeover import TakeOver
from callcamp.engine.agents.worker import AgentCall, Worker
from callcamp.engine.registry import Track
from callcamp.engine.trouble import Trouble
from callcamp.errors import CallcampError

log = structlog.get_logger(__name__)

TICK_S = 0.5
READ_AGENTS_EVERY_S = 5.0
RING_GRACE_S = 10.0
"""How long an agent may seem to ring past the ring timeout before that is held for lost."""
OVER = frozenset({CampaignStatus.COMPLETED, CampaignStatus.CANCELED})
"""Campaigns that nobody works for any more."""


class DeskCore(Following):
    """What the desk does by itself; :class:`AgentDesk` adds what people ask of it."""

    _to_catch_up = False

    @functools.cached_property
    def _trouble(self) -> Trouble:
        return Trouble("agents_not_looked_at")

    @functools.cached_property
    def _catch_up_trouble(self) -> Trouble:
        return Trouble("agents_not_caught_up")

    @functools.cached_property
    def takeover(self) -> TakeOver:
        """What an engine that died has left in Asterisk."""
        return TakeOver(
            self.floor,
            self.registry,
            self.gateway,
            self.switchboard,
            on_fact=self.note,
            on_talk_over=self.talk_over,
            on_line_gone=self._line_gone,
            on_not_called=self.free,
            campaign=self.book.campaign,
            queue_of=self.queueing.queue_of,
        )

    def _line_gone(self, worker: Worker) -> None:
        self.line.leg_ended(worker, unseen=True)
        self.after_call(worker)

    @functools.cached_property
    def outside(self) -> OutsideCalls:
        """Agents' calls to numbers outside."""
        return OutsideCalls(self.store, self.book, self.registry, self.clock)

    async def room(
        self, campaign: Campaign, rules: RuleSet, *, healthy: bool
    ) -> tuple[int | None, Reason]:
        """Return how many contacts may be taken for a campaign's agents, and why no more.

        None: the campaign has no agents.
        """
        if not campaign.settings.agents.attended:
            return None, Reason.NO_AGENT
        count, why = await self.pace.room(campaign, rules, healthy=healthy)
        if not count and why is Reason.NO_AGENT:
            why = lack_of_agents(
                self.floor.of_campaign(campaign.id),
                queue_missing=self.queueing.is_missing(campaign),
            )
        self.rooms[campaign.id] = count, why
        return count, why

    def rest(self, campaign: Campaign, hold: Reason | None) -> None:
        """Note that nobody can be called for a campaign's agents, however many are free."""
        if hold is not None:
            self.pace.rest(campaign, f"nothing is called: {REASON_MEANING[hold].text}")

    def free_agents(self, campaign_id: int) -> frozenset[int]:
        """Return the ids of a campaign's agents who could take a call now."""
        free = (w for w in self.floor.of_campaign(campaign_id) if w.is_free and not w.handed)
        return frozenset(worker.agent.id for worker in free)

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
            "CC_AGENT_RING_S": str(settings.agent_ring_timeout_s),
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
            track.hold = Reason.CALLBACK_AGENT if owner is not None else Reason.NO_AGENT
            after_s = CALLBACK_AGENT_PAUSE_S if owner is not None else 0.0
            self.tracker.release(track, after_s=after_s)
            return True
        # Who has waited longest; who is on the line already before all others.
        worker = min(free, key=lambda w: (not w.on_line, w.since))
        await self.line.offer(worker, track, campaign)
        return True

    def has_work(self, campaign_id: int) -> bool:
        """Tell whether an agent still talks to a contact of a campaign, or notes the result."""
        return any(w.call is not None for w in self.floor.of_campaign(campaign_id))

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
        waits: Track | None = None
        if call is not None and worker.state in {AgentState.RINGING, AgentState.DIALING}:
            worker.call = None
            if call.track.connected_at is None and call.track.answered_at is None:
                self.line.drop(call.track)
            elif worker.state is AgentState.RINGING:
                waits = call.track
        self.floor.step(worker, AgentEvent.LOGGED_OUT, reason)
        if call is not None and waits is not None:
            # A caller stays in the queue, or with the announcement, for another agent.
            waits.offered_to = None
            if leg is None:
                self.do(self._stop_ringing(waits.attempt_id, call.channel_id))
            self._seek(waits)
        if leg is not None and not talks:
            self.do(self._end_channel(leg.id))
        elif talks and call is not None and call.channel_id is not None:
            if leg is not None:
                self.left_legs[call.track.attempt_id] = leg.id
            self.do(self._bring_back(call, call.channel_id))
        self.queueing.wake()

    async def _bring_back(self, call: AgentCall, channel_id: str) -> None:
        # Nobody could do it any more once the agent is off shift: the person would wait for ever.
        if call.consulting:
            await self.switchboard.cancel_consult(call.track.attempt_id, channel_id)
        elif call.on_hold:
            await self.switchboard.unhold(call.track.attempt_id, channel_id)

    def changed(self) -> None:
        """Read agents again soon: they were changed."""
        self._read_at_s = float("-inf")
        self._changed.set()

    def link_changed(self) -> None:
        """Ask Asterisk again for all that matters: it was away."""
        self.queueing.wake(sync=True)
        self._to_catch_up = True
        self.changed()

    def agents_allowed(self) -> None:
        """Look what Asterisk has: another callcamp has its agents there no more."""
        self._to_catch_up = True
        self._changed.set()

    async def run_legs(self) -> None:
        """Carry out what follows from calls to agents' phones, in order, for ever."""
        while True:
            fact = await self._facts.get()
            try:
                await self.line.note(fact)
            except CallcampError as error:
                log.warning("agent_leg_not_noted", problem=error.message)
            if isinstance(fact, LegEnded):
                self.side_legs.discard(fact.leg_id)
                self.queueing.wake()
                self._on_room()

    async def run_clock(self) -> None:
        """Look at what time alone changes, for ever."""
        self.queueing.on_allowed = self.agents_allowed
        while True:
            # Before: what changes meanwhile is looked at again.
            self._changed.clear()
            try:
                await self.tick()
                self._trouble.over()
            except CallcampError as error:
                self._trouble.met(error)
            try:
                async with asyncio.timeout(TICK_S / self.clock.speed):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def tick(self) -> None:
        """End wrap-ups and previews whose time is over; settle what events did not settle."""
        now = self.clock.now()
        if self._to_catch_up:
            await self._catch_up()
        if self.clock.monotonic_s() - self._read_at_s >= READ_AGENTS_EVERY_S:
            self._read_at_s = self.clock.monotonic_s()
            await self._read()
        for worker in self.floor:
            try:
                await self._look_at(worker, now)
            except CallcampError as error:
                # What is wrong with one agent holds no other up.
                name = worker.agent.name
                trouble = Trouble("agent_not_looked_at", agent=name)
                self._of_one.setdefault(worker.agent.id, trouble).met(error)
            else:
                if (known := self._of_one.pop(worker.agent.id, None)) is not None:
                    known.over()
        await self.pace.keep()

    async def _catch_up(self) -> None:
        try:
            before = set(self.side_legs)
            channels = await self.takeover.catch_up({*self.left_legs.values(), *before})
            self.side_legs -= before - channels
            for attempt_id, channel_id in list(self.left_ringing.items()):
                await self._stop_ringing(attempt_id, channel_id)
        except CallcampError as error:
            # What time alone ends must end all the same.
            self._catch_up_trouble.met(error)
            return
        self._catch_up_trouble.over()
        self._to_catch_up = False
        for worker in self.floor:
            self.became_free(worker)

    async def _look_at(self, worker: Worker, now: datetime) -> None:
        if worker.wrap_up_until is not None and worker.wrap_up_until <= now:
            self.wrapped_up(worker)
        elif worker.offer is not None and worker.offer.dial_at <= now:
            await self.line.accept(worker)
        elif worker.call is not None and self._is_stale(worker, worker.call):
            if worker.call.track.status is AttemptStatus.CLAIMED:
                # Nobody else would ever give it back.
                self.line.drop(worker.call.track)
            else:
                self._contact_gone(worker)

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
            else:
                # The method may be another one by now, whose queue rings no phone that is in use.
                self._leave_line(worker)
        await self._let_go()
        await self._ask_phones()

    async def _let_go(self) -> None:
        """Forget what campaigns, calls and agents have left that are over."""
        on_shift = {worker.agent.id for worker in self.floor}
        self._of_one = {i: one for i, one in self._of_one.items() if i in on_shift}
        self.left_legs = {i: leg for i, leg in self.left_legs.items() if self.registry.get(i)}
        self.left_ringing = {i: one for i, one in self.left_ringing.items() if self.registry.get(i)}
        worked_for = {worker.campaign.id for worker in self.floor}
        for campaign_id in self.pace.campaigns | self.rooms.keys():
            campaign = await self.book.campaign(campaign_id)
            if campaign.status is not CampaignStatus.RUNNING:
                self.rooms.pop(campaign_id, None)
            in_use = campaign_id in worked_for or self.registry.in_campaign(campaign_id)
            if campaign.status in OVER and not in_use:
                await self.pace.let_go(campaign_id)

    async def _ask_phones(self) -> None:
        """Ask whether calls would reach the phones of which no queue tells."""
        asked = [
            worker
            for worker in self.floor
            if worker.campaign.settings.agents.method in ON_THE_LINE and worker.leg is None
        ]
        if not asked or not self.gateway.link_up:
            return
        states = await self.switchboard.phone_states([worker.interface for worker in asked])
        for worker in asked:
            was, worker.reachable = worker.reachable, states.get(worker.interface)
            if was != worker.reachable:
                self.floor.touch(worker)
                self._on_room()

    def pacing(self, campaign_id: int) -> PacingView | None:
        """Return what a campaign's pacing did last (None: nothing yet)."""
        return self.pace.view(campaign_id)
