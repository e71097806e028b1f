"""What time alone changes for agents, and what has to be asked for now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from callcamp.core.agent_events import AgentFact
from callcamp.core.agent_settings import ON_THE_LINE
from callcamp.core.agents import AgentState
from callcamp.core.states import ATTEMPT, AttemptStatus, CampaignStatus
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.leaving import Leaving
from callcamp.engine.agents.matching import Matching
from callcamp.engine.agents.pace import Pace
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.side_legs import SideLegs
from callcamp.engine.agents.takeover import TakeOver
from callcamp.engine.agents.worker import OVER, AgentCall, Worker
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.registry import Registry
from callcamp.engine.trouble import Trouble
from callcamp.errors import CallcampError
from callcamp.ports import CallGateway, Store
from callcamp.ports.switchboard import Switchboard

TICK_S = 0.5
READ_AGENTS_EVERY_S = 5.0
RING_GRACE_S = 10.0
"""How long an agent may seem to ring past the ring timeout before that is held for lost."""


class Rounds:
    """Looks at every agent, again and again; owns what is to be looked at next.

    Args:
        store: who the agents of a campaign are.
        gateway: tells which channels there are.
        switchboard: tells what phones do.
        registry: the live attempts.
        book: the campaigns.
        clock: the engine's clock.
        floor: the agents.
        queueing: who is a member, and who waits.
        pace: keeps what was learnt.
        consequences: what follows for agents.
        leaving: ends shifts of campaigns that are over.
        side_legs: calls to phones that serve no contact.
        matching: forgets campaigns that are over.
        on_fact: takes in what nobody had told of.
        on_room: called when agents may be able to take more calls.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        switchboard: Switchboard,
        registry: Registry,
        book: CampaignBook,
        clock: Clock,
        floor: Floor,
        queueing: Queueing,
        pace: Pace,
        consequences: Consequences,
        leaving: Leaving,
        side_legs: SideLegs,
        matching: Matching,
        on_fact: Callable[[AgentFact], None],
        on_room: Callable[[], None],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._switchboard = switchboard
        self._registry = registry
        self._book = book
        self._clock = clock
        self._floor = floor
        self._queueing = queueing
        self._pace = pace
        self._consequences = consequences
        self._line = consequences.line
        self._leaving = leaving
        self._side_legs = side_legs
        self._matching = matching
        self._on_room = on_room
        self._takeover = TakeOver(
            floor,
            registry,
            gateway,
            switchboard,
            on_fact=on_fact,
            on_talk_over=consequences.talk_over,
            on_line_gone=self._line_gone,
            on_not_called=consequences.free,
            campaign=book.campaign,
            queue_of=queueing.queue_of,
        )
        queueing.on_allowed = self._agents_allowed
        self._changed = asyncio.Event()
        self._read_at_s = float("-inf")
        self._to_catch_up = False
        self._trouble = Trouble("agents_not_looked_at")
        self._catch_up_trouble = Trouble("agents_not_caught_up")
        self._of_one: dict[int, Trouble] = {}

    def changed(self) -> None:
        """Read agents again soon: they were changed."""
        self._read_at_s = float("-inf")
        self._changed.set()

    def link_changed(self) -> None:
        """Ask Asterisk again for all that matters: it was away."""
        self._queueing.wake(sync=True)
        self._to_catch_up = True
        self.changed()

    async def run_clock(self) -> None:
        """Look at what time alone changes, for ever."""
        while True:
            # Before: what changes meanwhile is looked at again.
            self._changed.clear()
            try:
                await self.tick()
                self._trouble.over()
            except CallcampError as error:
                self._trouble.met(error)
            try:
                async with asyncio.timeout(TICK_S / self._clock.speed):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def tick(self) -> None:
        """End wrap-ups and previews whose time is over; settle what events did not settle."""
        now = self._clock.now()
        if self._to_catch_up:
            await self._catch_up()
        if self._clock.monotonic_s() - self._read_at_s >= READ_AGENTS_EVERY_S:
            self._read_at_s = self._clock.monotonic_s()
            await self._read()
        for worker in self._floor:
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
        await self._pace.keep()

    def _agents_allowed(self) -> None:
        """Look what Asterisk has: another callcamp has its agents there no more."""
        self._to_catch_up = True
        self._changed.set()

    async def _catch_up(self) -> None:
        try:
            before = self._side_legs.ids
            channels = await self._takeover.catch_up(self._leaving.legs | before)
            self._side_legs.end(before - channels)
            await self._leaving.stop_left()
        except CallcampError as error:
            # What time alone ends must end all the same.
            self._catch_up_trouble.met(error)
            return
        self._catch_up_trouble.over()
        self._to_catch_up = False
        for worker in self._floor:
            self._consequences.became_free(worker)

    async def _look_at(self, worker: Worker, now: datetime) -> None:
        if worker.wrap_up_until is not None and worker.wrap_up_until <= now:
            self._consequences.wrapped_up(worker)
        elif worker.offer is not None and worker.offer.dial_at <= now:
            await self._line.accept(worker)
        elif worker.call is not None and self._is_stale(worker, worker.call):
            if worker.call.track.status is AttemptStatus.CLAIMED:
                # Nobody else would ever give it back.
                self._line.drop(worker.call.track)
            else:
                self._consequences.contact_gone(worker)

    def _is_stale(self, worker: Worker, call: AgentCall) -> bool:
        if worker.state not in {AgentState.RINGING, AgentState.DIALING, AgentState.TALKING}:
            return False
        if call.track.status in ATTEMPT.final():
            return True
        patience_s = worker.campaign.settings.agents.agent_ring_timeout_s + RING_GRACE_S
        too_long = self._clock.now() - worker.since > timedelta(seconds=patience_s)
        return worker.state is AgentState.RINGING and too_long

    async def _read(self) -> None:
        await self._floor.read_agents()
        allowed: dict[int, set[int]] = {}
        for worker in self._floor:
            campaign = worker.campaign = await self._book.campaign(worker.campaign.id)
            if campaign.id not in allowed:
                agents = await self._store.campaign_agents(campaign.id)
                allowed[campaign.id] = {agent.id for agent in agents if agent.active}
            if worker.call is not None:
                continue
            if campaign.status in OVER:
                self._leaving.leave(worker, "the campaign is over")
            elif worker.agent.id not in allowed[campaign.id]:
                self._leaving.leave(worker, "no longer an agent of the campaign")
            else:
                # The method may be another one by now, whose queue rings no phone that is in use.
                self._consequences.leave_line(worker)
        await self._let_go()
        await self._ask_phones()

    async def _let_go(self) -> None:
        """Forget what campaigns, calls and agents have left that are over."""
        on_shift = {worker.agent.id for worker in self._floor}
        self._of_one = {i: one for i, one in self._of_one.items() if i in on_shift}
        self._leaving.forget_over()
        worked_for = {worker.campaign.id for worker in self._floor}
        for campaign_id in self._pace.campaigns | self._matching.rooms.keys():
            campaign = await self._book.campaign(campaign_id)
            if campaign.status is not CampaignStatus.RUNNING:
                self._matching.rooms.pop(campaign_id, None)
            in_use = campaign_id in worked_for or self._registry.in_campaign(campaign_id)
            if campaign.status in OVER and not in_use:
                await self._pace.let_go(campaign_id)

    async def _ask_phones(self) -> None:
        """Ask whether calls would reach the phones of which no queue tells."""
        asked = [
            worker
            for worker in self._floor
            if worker.campaign.settings.agents.method in ON_THE_LINE and worker.leg is None
        ]
        if not asked or not self._gateway.link_up:
            return
        states = await self._switchboard.phone_states([worker.interface for worker in asked])
        for worker in asked:
            was, worker.reachable = worker.reachable, states.get(worker.interface)
            if was != worker.reachable:
                self._floor.touch(worker)
                self._on_room()

    def _line_gone(self, worker: Worker) -> None:
        self._line.leg_ended(worker, unseen=True)
        self._consequences.after_call(worker)
