"""One trunk's way out: a short queue of calls ready to go, sent evenly under its CPS."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from callcamp.core.model import Trunk
from callcamp.core.outcome import Evidence
from callcamp.core.pacing.bucket import Bucket, smooth
from callcamp.core.states import ATTEMPT, AttemptStatus
from callcamp.engine.clock import Clock
from callcamp.engine.ending import UNSENDABLE
from callcamp.engine.forbidden import Forbidden
from callcamp.engine.live import LiveFeed
from callcamp.engine.registry import Track
from callcamp.engine.tracker import Tracker
from callcamp.engine.vitals import TrunkVitals
from callcamp.errors import InvalidInput, SwitchRefused, SwitchTimeout, SwitchUnavailable
from callcamp.ports import CallGateway, CallOrder

log = structlog.get_logger(__name__)

LOOK_AHEAD_S = 0.2
"""How much of its CPS a lane keeps ready, so that commits never hold calls up."""
READY_MOST_S = 1.0
"""How long before its turn a call may be made ready; a slow trunk's next call waits unclaimed,
for one that is committed as sent cannot be told from one that was, if the engine dies."""
REFUSED_PAUSE_S = 5.0
REFUSED_PAUSE_MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class ReadyCall:
    """A call whose attempt is committed as ``dialing`` and that may be sent."""

    track: Track
    order: CallOrder


class Lane:
    """Sends calls over one trunk.

    Args:
        trunk: the trunk.
        gateway: where calls are ordered.
        tracker: told when a call was not placed or is in doubt.
        forbidden: numbers that were suppressed meanwhile.
        live: counts placed calls.
        clock: the engine's clock.
        may_send: whether a campaign still wants its call sent, under the same settings.
        fresh: set while what ``may_send`` says is not out of date.
        on_room: called when the lane can take more.
    """

    def __init__(
        self,
        *,
        trunk: Trunk,
        gateway: CallGateway,
        tracker: Tracker,
        forbidden: Forbidden,
        live: LiveFeed,
        clock: Clock,
        may_send: Callable[[Track], bool],
        fresh: asyncio.Event,
        on_room: Callable[[], None],
    ) -> None:
        self.trunk = trunk
        self._gateway = gateway
        self._tracker = tracker
        self._forbidden = forbidden
        self._live = live
        self._clock = clock
        self._may_send = may_send
        self._fresh = fresh
        self._on_room = on_room
        self._bucket: Bucket = smooth(trunk.cps)
        self._queue: deque[ReadyCall] = deque()
        self._unsent: dict[str, Track] = {}
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._placed = 0
        self._blocked_until_s = 0.0
        self._refused_pause_s = REFUSED_PAUSE_S

    def set_trunk(self, trunk: Trunk) -> None:
        """Take changed limits over; the spacing of calls already sent is kept."""
        if trunk.cps != self.trunk.cps:
            self._bucket = smooth(trunk.cps).after(self._bucket)
        self.trunk = trunk

    def room(self) -> int:
        """Return how many more calls may be made ready now."""
        now_s = self._clock.monotonic_s()
        if self.blocked or self._bucket.wait_s(now_s) > READY_MOST_S * self._clock.speed:
            return 0
        return max(0, math.ceil(self.trunk.cps * LOOK_AHEAD_S) - len(self._queue))

    def note_other_call(self) -> None:
        """Space the next call from one that went out over the trunk another way."""
        self._bucket = self._bucket.take(self._clock.monotonic_s())

    @property
    def blocked(self) -> bool:
        """Whether Asterisk refused calls on this trunk a moment ago."""
        return self._clock.monotonic_s() < self._blocked_until_s

    def vitals(self, live: int) -> TrunkVitals:
        """Return how the lane is, with ``live`` attempts on its trunk."""
        return TrunkVitals(
            self.trunk.id, self.trunk.cps, self._placed, len(self._queue), live, self.blocked
        )

    def put(self, call: ReadyCall) -> None:
        """Take a call to send as soon as the trunk's CPS allows it."""
        self._queue.append(call)
        self._unsent[call.track.attempt_id] = call.track
        self._wake.set()

    async def close(self, task: asyncio.Task[None]) -> None:
        """End ``task``, which runs :meth:`run`, and give back every call that was not sent."""
        tasks = [task, *self._sending]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._queue.clear()
        for track in list(self._unsent.values()):
            self._give_back(track)

    async def run(self) -> None:
        """Send calls as they become ready, evenly, for ever."""
        try:
            while True:
                while not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                wait_s = self._bucket.wait_s(self._clock.monotonic_s())
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                    continue
                if not self._fresh.is_set():
                    await self._fresh.wait()
                    continue
                self._send(self._queue.popleft())
                # The call goes out now, so the next one is spaced from its true instant.
                await asyncio.sleep(0)
                if self.room():
                    self._on_room()
        finally:
            for task in self._sending:
                task.cancel()

    def _send(self, call: ReadyCall) -> None:
        track = call.track
        if track.status in ATTEMPT.final() or not self._is_wanted(track):
            self._give_back(track)
            return
        task = asyncio.create_task(self._place(call))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _give_back(self, track: Track) -> None:
        self._unsent.pop(track.attempt_id, None)
        if track.status not in ATTEMPT.final():
            self._tracker.release(track)

    def _is_wanted(self, track: Track) -> bool:
        return (
            not self.blocked
            and not track.unwanted
            and self._tracker.synced
            and track.status is AttemptStatus.DIALING
            and (track.open_until is None or self._clock.now() < track.open_until)
            and not self._forbidden.covers(track)
            and self._may_send(track)
        )

    async def _place(self, call: ReadyCall) -> None:
        track = call.track
        if not self._fresh.is_set() or not self._is_wanted(track):
            self._give_back(track)
            return
        self._unsent.pop(track.attempt_id, None)
        self._bucket = self._bucket.take(self._clock.monotonic_s())
        track.sent_at = self._clock.now()
        track.sent_to = self._tracker.sight.switch_started_at
        self._placed += 1
        log.debug("call_sent", **track.ids, trunk=self.trunk.name)
        self._live.note_placed(track.campaign_id, track.sent_at)
        try:
            await self._gateway.originate(call.order)
        except SwitchUnavailable:
            self._tracker.release(track)
        except SwitchRefused as error:
            log.error(
                "call_refused",
                **track.ids,
                trunk=self.trunk.name,
                problem=error.message,
            )
            self.back_off()
            self._tracker.release(track, after_s=self._refused_pause_s)
        except SwitchTimeout:
            self._tracker.doubt_originate(track)
        except InvalidInput as error:
            log.error("call_unsendable", **track.ids, problem=error.message)
            self._tracker.end(track, Evidence(detail=UNSENDABLE))
        except Exception:
            log.exception("call_not_sent", **track.ids)
            self._tracker.doubt_originate(track)
        else:
            self._refused_pause_s = REFUSED_PAUSE_S

    def back_off(self) -> None:
        """Send nothing for a while, longer each time, because calls are refused."""
        if not self.blocked:
            self._blocked_until_s = self._clock.monotonic_s() + self._refused_pause_s
            self._refused_pause_s = min(2 * self._refused_pause_s, REFUSED_PAUSE_MOST_S)
