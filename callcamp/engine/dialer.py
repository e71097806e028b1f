"""The dialer: wakes on events and on a slow tick, plans, claims, and hands calls to lanes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog

from callcamp.core.gate import Batch, Decision
from callcamp.core.model import Campaign, Claim, Trunk
from callcamp.core.plan import Plan
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import Gate, RuleSet
from callcamp.core.states import AttemptStatus
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock, gathering_s
from callcamp.engine.lane import Lane, ReadyCall
from callcamp.engine.lifecycle import Lifecycle
from callcamp.engine.live import LiveFeed
from callcamp.engine.orders import call_order, new_attempt_id
from callcamp.engine.planning import Planner
from callcamp.engine.registry import Registry, Track
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.tracker import Returned, Tracker
from callcamp.engine.vitals import TrunkVitals
from callcamp.errors import CallcampError, InvalidInput, NotFound, StoreError
from callcamp.ports import CallGateway, Store

log = structlog.get_logger(__name__)

TICK_S = 1.0
"""How often running campaigns are looked at when nothing happens."""


class Dialer:
    """Takes due contacts and has them called, within every limit.

    Args:
        store: where contacts are claimed.
        gateway: the way to Asterisk.
        registry: the live attempts.
        tracker: follows the attempts made here.
        book: the campaigns and trunks.
        rules: the rules of campaigns.
        lifecycle: moves campaigns on with the clock.
        live: what pages show.
        clock: the engine's clock.
        lease_s: how long a claim holds before its call is sent.
        may_dial: whether this engine is (still) the one that dials.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        registry: Registry,
        tracker: Tracker,
        book: CampaignBook,
        rules: RuleBook,
        lifecycle: Lifecycle,
        live: LiveFeed,
        clock: Clock,
        lease_s: float,
        may_dial: Callable[[], bool],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._registry = registry
        self._tracker = tracker
        self._book = book
        self._rules = rules
        self._lifecycle = lifecycle
        self._live = live
        self._clock = clock
        self._lease_s = lease_s
        self._may_dial = may_dial
        self._planner = Planner(
            store=store,
            gateway=gateway,
            registry=registry,
            tracker=tracker,
            book=book,
            lifecycle=lifecycle,
            may_dial=may_dial,
        )
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self._wake = asyncio.Event()
        self._open: set[int] = set()
        self._fresh = asyncio.Event()
        self._changes = 0
        self._doubtful_ids: list[str] = []
        self._served: dict[int, int] = {}
        self._held: dict[str, tuple[Claim, Campaign, Lane]] = {}
        self.desk: AgentDesk | None = None
        """The agents; set by the engine."""
        self._turns = itertools.count(1)

    def wake(self) -> None:
        """Look at running campaigns soon: something happened."""
        self._wake.set()

    def state(self) -> dict[str, Any]:
        """Return trunks that refuse calls or start no more, and what agents could take."""
        rooms = self.desk.rooms if self.desk is not None else {}
        lanes = [lane for lane, _ in self._lanes.values()]
        return {
            "trunks_refusing": [lane.trunk.id for lane in lanes if lane.blocked],
            "trunks_at_cps": [lane.trunk.id for lane in lanes if not lane.room()],
            "agents": {str(i): [n, why.value] for i, (n, why) in rooms.items()},
            "agents_ready": {
                str(i): sorted(self.desk.free_agents(i)) for i in rooms if self.desk is not None
            },
        }

    def vitals(self) -> tuple[TrunkVitals, ...]:
        """Return how the trunks' lanes are."""
        return tuple(
            lane.vitals(self._registry.on_trunk(lane.trunk.id)) for lane, _ in self._lanes.values()
        )

    def campaign_changed(self, campaign_id: int) -> None:
        """Read campaigns again soon: one was changed, or got contacts."""
        self._changes += 1
        self._fresh.clear()
        self.contacts_changed(campaign_id)

    def contacts_changed(self, campaign_id: int) -> None:
        """Look at a campaign soon: its contacts changed, and nothing else did.

        Campaigns are not read again for it: with contacts that come without end, by the
        interface, the lanes would never find what they know up to date.
        """
        self._planner.heads.pop(campaign_id, None)
        self._open.discard(campaign_id)
        self._wake.set()

    def everything_changed(self) -> None:
        """Read all again soon: something changed that any campaign may depend on."""
        self._planner.heads.clear()
        self.campaign_changed(0)

    def note_outside_call(self, trunk_id: int) -> None:
        """Let a call that an agent makes over a trunk take its turn in its calls a second."""
        if trunk_id in self._lanes:
            self._lanes[trunk_id][0].note_other_call()

    def contacts_returned(self, returned: Iterable[Returned]) -> None:
        """Take note of contacts whose attempts have settled, and when they are due again."""
        for contact in returned:
            self._open.discard(contact.campaign_id)
            heads = self._planner.heads.get(contact.campaign_id)
            if heads is not None and contact.due_at is not None:
                known = heads.get(contact.place)
                heads[contact.place] = min(known, contact.due_at) if known else contact.due_at
        self._wake.set()

    async def run(self) -> None:
        """Dial, for ever."""
        next_tick_s = 0.0
        try:
            while True:
                now_s = asyncio.get_running_loop().time()
                try:
                    if not self._fresh.is_set() or now_s >= next_tick_s:
                        next_tick_s = now_s + TICK_S
                        await self._read_again()
                    await self._look_at_all()
                except CallcampError as error:
                    log.error("dialer_held_up", problem=error.message)
                    await asyncio.sleep(TICK_S)
                looked_s = asyncio.get_running_loop().time()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._wake.wait()
                # Under load many things happen at once: one look takes them all together.
                gather_s = gathering_s(self._clock.speed)
                since_s = asyncio.get_running_loop().time() - looked_s
                if since_s < gather_s:
                    await asyncio.sleep(gather_s - since_s)
                self._wake.clear()
        finally:
            for _, task in self._lanes.values():
                task.cancel()

    async def close(self) -> None:
        """Give back what was claimed and not sent; :meth:`run` has to be over."""
        lanes, self._lanes = self._lanes, {}
        for lane, task in lanes.values():
            await lane.close(task)
        for track in self._registry:
            if track.status is AttemptStatus.CLAIMED:
                self._tracker.release(track)

    async def _read_again(self) -> None:
        """Read campaigns and trunks; while it does, no lane sends on what may be out of date."""
        self._planner.heads.clear()
        self._open.clear()
        self._planner.no_number.clear()
        changes, now = self._changes, self._clock.now()
        await self._find_doubtful_claims()
        await self._book.refresh(now)
        if await self._lifecycle.look(now):
            await self._book.refresh(now)
        self._planner.abandon_full = {
            campaign.id
            for campaign in self._book.running()
            if (rules := self._rules.try_of(campaign)) is not None
            and not await self._book.has_abandon_room(campaign, rules, now)
        }
        if self.desk is not None:
            self.desk.campaigns_changed()
        if changes == self._changes:
            self._fresh.set()

    async def _find_doubtful_claims(self) -> None:
        """Give back claims of which the database did not say whether it has them."""
        if not self._doubtful_ids:
            return
        doubtful = tuple(self._doubtful_ids)
        known = await self._store.attempt_context(doubtful)
        for attempt, _ in known.values():
            if attempt.status is AttemptStatus.CLAIMED and not self._registry.get(attempt.id):
                self._tracker.release(await self._book.follow(attempt))
        # Only now: what fails on the way is looked at again.
        self._doubtful_ids = self._doubtful_ids[len(doubtful) :]

    async def _look_at_all(self) -> None:
        # Whoever got calls last comes last: a turn that went round with every look could give
        # all free channels to the same campaign.
        for campaign in sorted(self._book.running(), key=lambda c: self._served.get(c.id, 0)):
            try:
                rules = self._rules.of(campaign)
                lane = self._lane(await self._book.trunk(campaign.settings.trunk_id))
                await self._look_at(campaign, rules, lane)
            except (NotFound, InvalidInput) as error:
                log.error("campaign_held_up", campaign=campaign.id, problem=error.message)
                self._live.note_plan(campaign.id, Plan(0, Reason.RULES_BROKEN))

    async def _look_at(self, campaign: Campaign, rules: RuleSet, lane: Lane) -> None:
        now = self._clock.now()
        plan = await self._planner.plan(campaign, rules, lane, now, self.desk)
        self._live.note_plan(campaign.id, plan)
        if plan.count and plan.places:
            claimed = await self._claim(campaign, rules, lane, plan, now)
            if claimed:
                self._served[campaign.id] = next(self._turns)
        if self._registry.in_campaign(campaign.id) or campaign.id in self._open:
            return
        if self.desk is not None and self.desk.has_work(campaign.id):
            return
        if await self._store.finish_if_done(campaign.id, now=now):
            log.info("campaign_completed", campaign=campaign.id)
            self._live.touch()
            self.campaign_changed(campaign.id)
        else:
            self._open.add(campaign.id)

    async def _claim(
        self, campaign: Campaign, rules: RuleSet, lane: Lane, plan: Plan, now: datetime
    ) -> list[Claim]:
        attempt_ids = [new_attempt_id() for _ in range(plan.count)]
        began_s = self._clock.monotonic_s()
        gates: list[Gate] = []
        free = None
        if self.desk is not None and campaign.settings.agents.attended:
            free = self.desk.free_agents(campaign.id)

        def judge(batch: Batch) -> list[Decision]:
            gates.append(Gate(rules, free))
            return gates[-1].judge(batch)

        try:
            claimed = await self._store.claim(
                campaign.id,
                attempt_ids,
                places=plan.places,
                judge=judge,
                look_back_s=rules.look_back_s,
                now=now,
                lease_until=now + timedelta(seconds=self._lease_of(campaign)),
                version=campaign.version,
            )
        except StoreError:
            self._doubtful_ids.extend(attempt_ids)
            raise
        if claimed.passed_over:
            log.info(
                "contacts_passed_over",
                campaign=campaign.id,
                **{reason.value: n for reason, n in claimed.passed_over.items()},
            )
        no_number = next((g.no_number for g in gates if g.no_number is not None), None)
        if no_number is not None:
            self._planner.no_number[campaign.id] = no_number
        # First of all: nobody else knows of these claims.
        if claimed.claims:
            await self._send_off(claimed.claims, campaign, lane, began_s)
        if claimed.more:
            self._wake.set()
        elif len(claimed.claims) < plan.count:
            self._planner.heads[campaign.id] = await self._store.heads(campaign.id)
        if not claimed.claims:
            plan = await self._planner.plan_again(campaign, rules, lane, now, self.desk)
            self._live.note_plan(campaign.id, plan)
        return claimed.claims

    async def _send_off(
        self, claims: list[Claim], campaign: Campaign, lane: Lane, began_s: float
    ) -> None:
        tracks = [Track.claimed(claim, lane.trunk.id, began_s) for claim in claims]
        for track in tracks:
            self._registry.add(track)
        at_once = list(zip(tracks, claims, strict=True))
        if self.desk is not None and campaign.settings.agents.attended:
            try:
                at_once = [
                    (track, claim)
                    for track, claim in at_once
                    if not await self._taken(track, claim, campaign, lane)
                ]
            except CallcampError:
                for track in tracks:
                    if track.status is AttemptStatus.CLAIMED and track.agent_id is None:
                        self._tracker.release(track)
                raise
        await self._order([t for t, _ in at_once], [c for _, c in at_once], campaign, lane)

    async def _taken(self, track: Track, claim: Claim, campaign: Campaign, lane: Lane) -> bool:
        """Tell whether an agent is brought to the phone first, or nobody is there for it."""
        self._held[track.attempt_id] = claim, campaign, lane
        if self.desk is not None and await self.desk.take(track, campaign):
            return True
        del self._held[track.attempt_id]
        return False

    async def dial(self, track: Track) -> bool:
        """Have a contact called whose agent is on the line now.

        Returns False when it must not be called any more; it was given back then.
        """
        claim, campaign, lane = self._held.pop(track.attempt_id)
        if track.status is not AttemptStatus.CLAIMED:
            return False
        await self._order([track], [claim], campaign, lane)
        return not track.is_over

    def forget_held(self, attempt_id: str) -> None:
        """Note that a contact that waited for its agent was given back."""
        self._held.pop(attempt_id, None)

    def _lease_of(self, campaign: Campaign) -> float:
        agents = campaign.settings.agents
        if not agents.attended:
            return self._lease_s
        # An agent may look at it first, and be called.
        return self._lease_s + agents.before_call_work_s + agents.agent_ring_timeout_s

    async def _order(
        self, tracks: list[Track], claims: list[Claim], campaign: Campaign, lane: Lane
    ) -> None:
        if not tracks:
            return
        sent_at = self._clock.now()
        try:
            allowed = await self._store.mark_dialing([t.attempt_id for t in tracks], now=sent_at)
        except CallcampError:
            # Whether it was noted or not: nothing was sent.
            for track in tracks:
                self._tracker.release(track)
            raise
        await self._hand_over(claims, campaign, lane, set(allowed), sent_at)

    async def _hand_over(
        self,
        claims: list[Claim],
        campaign: Campaign,
        lane: Lane,
        allowed: set[str],
        sent_at: datetime,
    ) -> None:
        for claim in claims:
            track = self._registry.get(claim.attempt.id)
            if track is None or track.status is not AttemptStatus.CLAIMED:
                continue
            if claim.attempt.id not in allowed:
                self._tracker.release(track)
                continue
            to_agent = {}
            if self.desk is not None and campaign.settings.agents.attended:
                to_agent = await self.desk.variables(campaign, track)
            track.status = AttemptStatus.DIALING
            track.sent_at = sent_at
            self._tracker.show(track, sent_at)
            lane.put(ReadyCall(track, call_order(claim, campaign, lane.trunk, to_agent)))

    def _lane(self, trunk: Trunk) -> Lane:
        if trunk.id not in self._lanes:
            lane = Lane(
                trunk=trunk,
                gateway=self._gateway,
                tracker=self._tracker,
                live=self._live,
                clock=self._clock,
                may_send=lambda track: (
                    self._may_dial() and self._book.is_running(track.campaign_id, track.version)
                ),
                fresh=self._fresh,
                on_room=self.wake,
            )
            self._lanes[trunk.id] = lane, asyncio.create_task(lane.run())
        lane, task = self._lanes[trunk.id]
        if task.done():
            raise RuntimeError(f"The lane of trunk {trunk.name} ended by itself.")
        lane.set_trunk(trunk)
        return lane
