"""Compare attempts with Asterisk: after a start, a cut link, a restart, or long silence."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog

from callcamp.core.outcome import Evidence
from callcamp.core.settle import Settled, doubt_ends_at, settle
from callcamp.core.states import ATTEMPT, AttemptEvent, AttemptStatus
from callcamp.engine.clock import Clock
from callcamp.engine.ending import END_NOT_SEEN, NO_CHANNEL_PAUSE_S, SWITCH_RESTARTED
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError
from callcamp.ports import CallGateway, LiveCall, Store

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


class Reconciler:
    """Settles attempts that events alone do not settle.

    Args:
        store: to know which entries of the outbox are committed already.
        gateway: where to ask.
        registry: the live attempts.
        tracker: takes what was found; it alone ends attempts.
        clock: the engine's clock.
        margin_s: how long a sent order may take to show itself, and the silence allowed
            past an attempt's own limits.
        max_call_s: longest call; past it the channel is hung up.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        registry: Registry,
        tracker: Tracker,
        clock: Clock,
        margin_s: float,
        max_call_s: float,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._registry = registry
        self._tracker = tracker
        self._sight = tracker.sight
        self._clock = clock
        self._margin_s = margin_s
        self._max_call_s = max_call_s

    async def run(self) -> None:
        """Resync when asked to, and look at overdue attempts, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._sight.asked()
            if not self._gateway.link_up:
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            full = self._sight.take()
            try:
                if full:
                    await self.resync()
                elif overdue := self.overdue():
                    await self.compare(overdue)
            except CallcampError as error:
                log.warning("resync_failed", problem=error.message)
                if full:
                    self._sight.ask()
                    await asyncio.sleep(LOOK_EVERY_S)

    def overdue(self) -> list[Track]:
        """Return the attempts that have been silent for too long."""
        now = self._clock.now()
        return [
            track
            for track in self._registry
            if track.status not in ATTEMPT.final()
            and (at := track.deadline(self._margin_s, self._max_call_s)) is not None
            and at <= now
        ]

    async def resync(self) -> None:
        """Compare every attempt with Asterisk and clean the outbox of committed ends."""
        before = self._sight.losses
        box = await self.compare(list(self._registry))
        strangers = [i for i in box if self._registry.get(i) is None]
        if strangers:
            known = await self._store.attempt_context(strangers)
            settled = [i for i, (a, _) in known.items() if a.status in ATTEMPT.final()]
            self._tracker.tidying.delete_entries(settled)
        if self._sight.agreed(before):
            log.info("synced", live=len(self._registry), outbox=len(box))

    async def compare(self, tracks: list[Track]) -> dict[str, Evidence]:
        """Settle ``tracks`` by Asterisk's channels and outbox; returns the outbox."""
        asked_at = self._clock.now()
        # A call that ends between the two answers is in the outbox, never in neither.
        channels = await self._gateway.live_calls()
        box = await self._gateway.outbox()
        for track in tracks:
            if self._registry.get(track.attempt_id) is not track:
                continue
            if track.status in ATTEMPT.final() or track.hung_up_at is not None:
                continue
            # What the dialer is about to send is not in Asterisk, and is not lost either.
            if track.sent_at is None or track.sent_at >= asked_at:
                continue
            self._settle(track, channels.get(track.attempt_id), box, asked_at)
        return box

    def _settle(
        self,
        track: Track,
        channel: LiveCall | None,
        box: dict[str, Evidence],
        asked_at: datetime,
    ) -> None:
        verdict = settle(
            track.trace(asked_at),
            is_live=channel is not None,
            outbox=box.get(track.attempt_id),
            switch_started_at=self._sight.switch_started_at,
            now=asked_at,
            margin_s=self._margin_s,
            linked_at=self._sight.linked_at,
        )
        log.info("settled", **track.ids, verdict=verdict.value)
        match verdict:
            case Settled.STILL_LIVE:
                self._found_live(track, channel)
            case Settled.ENDED:
                self._tracker.end(track, box[track.attempt_id])
            case Settled.DIED_WITH_SWITCH:
                self._tracker.end(track, Evidence(detail=SWITCH_RESTARTED))
            case Settled.END_NOT_SEEN:
                self._tracker.end(track, Evidence(detail=END_NOT_SEEN))
            case Settled.NEVER_PLACED:
                self._never_placed(track)
            case Settled.DOUBT:
                sent_at = track.sent_at or asked_at
                until = doubt_ends_at(sent_at, self._sight.linked_at, self._margin_s)
                self._tracker.doubt(track, until)

    def _never_placed(self, track: Track) -> None:
        if track.failed_at is None:
            self._tracker.release(track)
        else:
            log.error("no_channel", **track.ids)
            self._tracker.release(track, after_s=NO_CHANNEL_PAUSE_S)

    def _found_live(self, track: Track, channel: LiveCall | None) -> None:
        now = self._clock.now()
        track.seen = True
        if channel is not None and channel.state == "Up" and track.answered_at is None:
            track.answered_at = now
            self._tracker.step(track, AttemptEvent.ANSWERED, now)
        elif channel is not None and channel.state in {"Ring", "Ringing"}:
            track.rang_at = track.rang_at or now
            self._tracker.step(track, AttemptEvent.RANG, now)
        # Only now: a call whose answer nobody saw has all the time of an answered one.
        limit = track.limit(self._margin_s, self._max_call_s)
        too_long = limit is not None and limit <= now
        if too_long:
            log.warning("call_too_long", **track.ids)
            self._tracker.tidying.hang_up(track.attempt_id)
        again = too_long or track.status is AttemptStatus.UNKNOWN
        track.check_at = now + timedelta(seconds=self._margin_s) if again else None
