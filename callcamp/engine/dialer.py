"""The dialer: wakes on events and on a slow tick, plans, claims, and hands calls to lanes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from callcamp.core.model import Campaign, Claim, Trunk
from callcamp.core.plan import Plan, Snapshot, decide
from callcamp.core.states import AttemptStatus
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock, gathering_s
from callcamp.engine.lane import Lane, ReadyCall
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError, InvalidInput, NotFound, StoreError
from callcamp.ports import CallGateway, CallOrder, Store
from callcamp.switch import ATTEMPT_PREFIX

log = structlog.get_logger(__name__)

TICK_S = 1.0
"""How often running campaigns are looked at when nothing happens."""
_counter = itertools.count(secrets.randbits(16))


def new_attempt_id() -> str:
    """Return a fresh attempt id; ids sort by the time they were made."""
    moment_ms, turn = time.time_ns() // 1_000_000, next(_counter) & 0xFFFFF
    return f"{ATTEMPT_PREFIX}{moment_ms:012x}-{turn:05x}{secrets.token_hex(5)}"


def call_order(claim: Claim, campaign: Campaign, trunk: Trunk) -> CallOrder:
    """Return the order for a claimed contact."""
    settings, attempt = campaign.settings, claim.attempt
    return CallOrder(
        attempt_id=attempt.id,
        channel=trunk.dial_string.replace("{number}", attempt.number),
        ring_timeout_s=settings.ring_timeout_s,
        caller_id=settings.caller_id,
        variables={
            "CC_CAMPAIGN": str(campaign.id),
            "CC_CONTACT": str(attempt.contact_id),
            "CC_DETECT": "1" if settings.detect_machines else "0",
            "CC_PROMPT": settings.prompt or "",
            "CC_MACHINE_MESSAGE": settings.machine_message or "",
            **{f"CC_VAR_{name}": value for name, value in claim.variables.items()},
        },
    )


class Dialer:
    """Takes due contacts and has them called, within every limit.

    Args:
        store: where contacts are claimed.
        gateway: the way to Asterisk.
        registry: the live attempts.
        tracker: follows the attempts made here.
        book: the campaigns and trunks.
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
        self._live = live
        self._clock = clock
        self._lease_s = lease_s
        self._may_dial = may_dial
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self._wake = asyncio.Event()
        self._idle: dict[int, datetime | None] = {}
        self._open: set[int] = set()
        self._fresh = asyncio.Event()
        self._changes = 0
        self._doubtful_ids: list[str] = []
        self._served: dict[int, int] = {}
        self._turns = itertools.count(1)

    def wake(self) -> None:
        """Look at running campaigns soon: something happened."""
        self._wake.set()

    def campaign_changed(self, campaign_id: int) -> None:
        """Read campaigns again soon: one was changed, or got contacts."""
        self._idle.pop(campaign_id, None)
        self._open.discard(campaign_id)
        self._changes += 1
        self._fresh.clear()
        self._wake.set()

    def contacts_returned(self) -> None:
        """Look again for due contacts: ended attempts may have made some due."""
        self._idle.clear()
        self._open.clear()
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
        self._idle.clear()
        self._open.clear()
        changes = self._changes
        await self._find_doubtful_claims()
        await self._book.refresh()
        if changes == self._changes:
            self._fresh.set()

    async def _find_doubtful_claims(self) -> None:
        """Give back claims of which the database did not say whether it has them."""
        if not self._doubtful_ids:
            return
        known = await self._store.attempt_context(self._doubtful_ids)
        self._doubtful_ids.clear()
        for attempt, _ in known.values():
            if attempt.status is AttemptStatus.CLAIMED and not self._registry.get(attempt.id):
                campaign = await self._book.campaign(attempt.campaign_id)
                track = Track.of(attempt, campaign.settings.trunk_id, watched=False)
                self._registry.add(track)
                self._tracker.release(track)

    async def _look_at_all(self) -> None:
        # Whoever got calls last comes last: a turn that went round with every look could give
        # all free channels to the same campaign.
        for campaign in sorted(self._book.running(), key=lambda c: self._served.get(c.id, 0)):
            try:
                lane = self._lane(await self._book.trunk(campaign.settings.trunk_id))
                await self._look_at(campaign, lane)
            except (NotFound, InvalidInput) as error:
                log.error("campaign_held_up", campaign=campaign.id, problem=error.message)

    async def _look_at(self, campaign: Campaign, lane: Lane) -> None:
        now = self._clock.now()
        plan = self._plan(campaign, lane, now)
        self._live.note_plan(campaign.id, plan)
        if plan.count:
            claims = await self._claim(campaign, lane, plan.count, now)
            if claims:
                self._served[campaign.id] = next(self._turns)
            if len(claims) < plan.count:
                await self._nothing_more_due(campaign, lane)
        if self._registry.in_campaign(campaign.id) or campaign.id in self._open:
            return
        if await self._store.finish_if_done(campaign.id, now=now):
            log.info("campaign_completed", campaign=campaign.id)
            self._live.touch()
            self.campaign_changed(campaign.id)
        else:
            self._open.add(campaign.id)

    def _plan(self, campaign: Campaign, lane: Lane, now: datetime) -> Plan:
        trunk = lane.trunk
        due_at = self._idle.get(campaign.id, now)
        return decide(
            Snapshot(
                campaign=campaign,
                live=self._registry.in_campaign(campaign.id),
                trunk_live=self._registry.on_trunk(trunk.id),
                trunk_max=trunk.max_channels,
                trunk_refuses=lane.blocked,
                cps_room=lane.room(),
                link_up=self._gateway.link_up and self._tracker.synced and self._may_dial(),
                due=campaign.settings.concurrency if due_at and due_at <= now else 0,
            ),
            now,
        )

    async def _nothing_more_due(self, campaign: Campaign, lane: Lane) -> None:
        self._idle[campaign.id] = await self._store.next_due_at(campaign.id)
        self._live.note_plan(campaign.id, self._plan(campaign, lane, self._clock.now()))

    async def _claim(
        self, campaign: Campaign, lane: Lane, count: int, now: datetime
    ) -> list[Claim]:
        attempt_ids = [new_attempt_id() for _ in range(count)]
        lease_until = now + timedelta(seconds=self._lease_s)
        try:
            claims = await self._store.claim(
                campaign.id, attempt_ids, now=now, lease_until=lease_until
            )
        except StoreError:
            self._doubtful_ids.extend(attempt_ids)
            raise
        if not claims:
            return claims
        trunk = lane.trunk
        tracks = [Track.of(claim.attempt, trunk.id, watched=True) for claim in claims]
        for track in tracks:
            self._registry.add(track)
        sent_at = self._clock.now()
        try:
            allowed = await self._store.mark_dialing([t.attempt_id for t in tracks], now=sent_at)
        except CallcampError:
            # Whether it was noted or not: nothing was sent.
            for track in tracks:
                self._tracker.release(track)
            raise
        self._hand_over(claims, campaign, lane, set(allowed), sent_at)
        return claims

    def _hand_over(
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
            track.status = AttemptStatus.DIALING
            track.sent_at = sent_at
            self._tracker.show(track, sent_at)
            lane.put(ReadyCall(track, call_order(claim, campaign, lane.trunk)))

    def _lane(self, trunk: Trunk) -> Lane:
        if trunk.id not in self._lanes:
            lane = Lane(
                trunk=trunk,
                gateway=self._gateway,
                tracker=self._tracker,
                live=self._live,
                clock=self._clock,
                may_send=lambda campaign_id: (
                    self._may_dial() and self._book.is_running(campaign_id)
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
