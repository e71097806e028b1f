"""From switch events to committed facts. Only the tracker ends an attempt.

Events are noted in memory as they come; what changed is committed in batches, and only then
is an end deleted from Asterisk's outbox. Nothing that was not committed is ever forgotten:
when the database fails, the same changes are tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from callcamp.core.agent_events import AgentFact
from callcamp.core.changes import AttemptChange
from callcamp.core.events import (
    CallAnswered,
    CallCreated,
    CallEnded,
    CallRang,
    EventsLost,
    EvidenceSeen,
    LinkDown,
    LinkUp,
    OriginateEnded,
    SwitchEvent,
)
from callcamp.core.outcome import Evidence
from callcamp.core.states import ATTEMPT, AttemptEvent, AttemptStatus
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock, gathering_s
from callcamp.engine.ending import as_change, end_as_written
from callcamp.engine.forbidden import Forbidden
from callcamp.engine.live import LiveCallView, LiveFeed
from callcamp.engine.registry import Registry, Track, route
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.sight import Sight
from callcamp.engine.tidying import Tidying
from callcamp.errors import CallcampError
from callcamp.ports import Applied, CallGateway, Store

log = structlog.get_logger(__name__)

TICK_S = 0.25
"""How often closing and overdue attempts are looked at."""
CLOSING_GRACE_S = 1.0
"""How long a hung-up call waits for the OriginateResponse that tells why."""
MOST_MENDS = 3
"""How often an attempt whose change the store refuses is led on from where the store has it."""
RETRY_PAUSE_S = 1.0
"""How long a commit that failed waits before it is tried again."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A contact whose attempt has settled; ``due_at`` when it is called again (None: never)."""

    campaign_id: int
    place: str
    due_at: datetime | None


class Tracker:
    """Follows every live attempt to its end.

    Args:
        store: where ends are committed.
        gateway: where events come from and outbox entries are deleted.
        registry: the live attempts.
        book: the campaigns.
        rules: their rules, which decide what becomes of their contacts.
        live: what pages show.
        clock: the engine's clock.
        sight: told when what Asterisk does may go unseen.
        forbidden: told of numbers that a call has suppressed.
        margin_s: how long a sent order may take to show itself.
        on_committed: called after attempts were settled, to wake the dialer.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        registry: Registry,
        book: CampaignBook,
        rules: RuleBook,
        live: LiveFeed,
        clock: Clock,
        sight: Sight,
        forbidden: Forbidden,
        margin_s: float,
        on_committed: Callable[[list[Returned]], None],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._registry = registry
        self._book = book
        self._rules = rules
        self._live = live
        self._clock = clock
        self.tidying = Tidying(gateway)
        """Deletes what was committed, and ends calls."""
        self._margin_s = margin_s
        self._on_committed = on_committed
        self.sight = sight
        """What this engine sees of Asterisk."""
        self._forbidden = forbidden
        self.on_step: Callable[[Track, AttemptEvent], None] = lambda _track, _event: None
        """Called with every step of an attempt, before it is committed."""
        self.on_agent_fact: Callable[[AgentFact], None] = lambda _fact: None
        """Called with every fact about agents."""
        self._dirty: dict[str, Track] = {}
        self._closing: dict[str, Track] = {}
        self._wake = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether attempts and Asterisk agree, so that dialling is safe."""
        return self.sight.agrees

    def backlog(self) -> dict[str, int]:
        """Return what waits for the tracker; see :class:`callcamp.engine.vitals.Vitals`."""
        return {
            "uncommitted": len(self._dirty),
            "closing": len(self._closing),
            "undeleted": self.tidying.undeleted,
        }

    async def read_events(self) -> None:
        """Note events as they come, until the gateway closes."""
        async for event in self._gateway.events():
            try:
                self.note(event)
            except Exception:
                track = self._registry.get(getattr(event, "attempt_id", ""))
                ids = {} if track is None else track.ids
                log.exception("event_not_noted", **ids, event_type=type(event).__name__)
                self._want_resync()

    def note(self, event: SwitchEvent | AgentFact) -> None:
        """Take one fact in; whatever it changes is committed soon."""
        if isinstance(event, AgentFact):
            self.on_agent_fact(event)
            return
        match event:
            case LinkUp():
                self._note_link_up(event)
            case LinkDown():
                log.warning("link_down", reason=event.reason)
                self._lose_sight()
                self._live.touch()
            case EventsLost():
                log.error("events_lost", count=event.count)
                self._lose_sight()
                self._want_resync()
            case _:
                track = self._registry.get(event.attempt_id)
                if track is not None and track.status not in ATTEMPT.final():
                    self._note_call(track, event, self._clock.at(event.at))

    def _note_link_up(self, event: LinkUp) -> None:
        log.info("link_up", switch_started_at=str(event.switch_started_at))
        up_at = self._clock.at(event.at)
        if self.sight.link_up(up_at, event.switch_started_at):
            log.warning("switch_restarted", started_at=str(event.switch_started_at))
            for track in self._registry:
                track.killed_by_restart = track.sent_at is not None and track.sent_at < up_at
        self._want_resync()
        self._live.touch()

    def _note_call(
        self,
        track: Track,
        event: CallCreated | CallRang | CallAnswered | OriginateEnded | EvidenceSeen | CallEnded,
        at: datetime,
    ) -> None:
        match event:
            case CallCreated():
                track.seen = True
                if track.unwanted:
                    # Ordered before anybody knew that its agent had gone.
                    self.tidying.hang_up(track.attempt_id)
            case CallRang():
                track.seen = True
                track.rang_at = track.rang_at or at
                self.step(track, AttemptEvent.RANG, at)
            case CallAnswered():
                track.seen = True
                track.answered_at = track.answered_at or at
                self.step(track, AttemptEvent.ANSWERED, at)
            case EvidenceSeen():
                track.evidence = track.evidence.merged(event.evidence)
            case OriginateEnded():
                track.originate_ended = True
                track.evidence = track.evidence.merged(Evidence(originate_reason=event.reason))
                if event.success:
                    track.seen = True
                    track.answered_at = track.answered_at or at
                    self.step(track, AttemptEvent.ANSWERED, at)
                elif not track.seen and track.failed_at is None:
                    # Events can get lost: only Asterisk itself can say that there was no call.
                    track.failed_at = at
                    track.check_at = at + timedelta(seconds=CLOSING_GRACE_S)
                self._end_if_complete(track)
            case CallEnded():
                track.seen = True
                track.hung_up_at = at
                track.evidence = track.evidence.merged(event.evidence)
                self._end_if_complete(track)

    def _end_if_complete(self, track: Track) -> None:
        if track.hung_up_at is None:
            return
        if track.originate_ended or track.answered_at is not None or not track.watched:
            self.end(track)
        else:
            self._closing[track.attempt_id] = track

    def step(self, track: Track, event: AttemptEvent, at: datetime) -> None:
        """Take a step of the attempt table, show it, and have it committed."""
        if track.step(event):
            self._mark(track)
            self.show(track, at)
            self.on_step(track, event)

    def show(self, track: Track, at: datetime) -> None:
        """Show the state that an attempt reached at ``at``."""
        self._live.put(
            LiveCallView(
                track.attempt_id,
                track.campaign_id,
                track.contact_id,
                track.number,
                track.status,
                at,
            )
        )

    def end(self, track: Track, evidence: Evidence | None = None) -> None:
        """End an attempt with what is known of it."""
        if evidence is not None:
            track.evidence = track.evidence.merged(evidence)
        self._closing.pop(track.attempt_id, None)
        if track.hung_up_at is None:
            track.hung_up_at = end_as_written(track, track.evidence, self._clock.now())
        self.step(track, AttemptEvent.ENDED, track.hung_up_at)

    def release(self, track: Track, *, after_s: float = 0.0) -> None:
        """Give the contact back: no call was placed. It is due again ``after_s`` from now."""
        self._closing.pop(track.attempt_id, None)
        now = self._clock.now()
        track.check_at = now + timedelta(seconds=after_s)
        self.step(track, AttemptEvent.NOT_PLACED, now)

    def doubt(self, track: Track, check_at: datetime) -> None:
        """Note that nobody knows whether the call went out; look again at ``check_at``."""
        track.check_at = check_at
        self.step(track, AttemptEvent.DOUBTED, self._clock.now())

    def doubt_originate(self, track: Track) -> None:
        """Note that an order got no answer; signs of the call settle it, else a later look."""
        if track.status is AttemptStatus.DIALING and not track.seen:
            self.doubt(track, self._clock.now() + timedelta(seconds=self._margin_s))

    async def commit_forever(self) -> None:
        """Commit what changed, in batches, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            if self._wake.is_set():
                await asyncio.sleep(gathering_s(self._clock.speed))
            self._wake.clear()
            self._close_overdue()
            await self.commit()

    async def commit(self) -> None:
        """Commit every change noted so far.

        When the database fails, the changes stay and are tried again at the next call.
        """
        dirty, self._dirty = self._dirty, {}
        batch = {i: (t, t.pending) for i, t in dirty.items() if t.pending}
        if not batch:
            return
        for track, _ in batch.values():
            track.pending = []
        try:
            changes = [await self._change(t, tuple(steps)) for t, steps in batch.values()]
            applied = await self._store.apply(changes)
        except BaseException as error:
            for track, steps in batch.values():
                track.pending = steps + track.pending
                self._dirty[track.attempt_id] = track
            if not isinstance(error, CallcampError):
                raise
            log.error("commit_failed", problem=error.message, attempts=len(batch))
            await asyncio.sleep(RETRY_PAUSE_S)
            self._wake.set()
            return
        for result, change in zip(applied, changes, strict=True):
            track = batch[result.attempt_id][0]
            if result.problem is not None:
                self._mend(track, result)
            elif change.disposition is not None:
                log.debug("call_ended", **track.ids, disposition=change.disposition.value)
            for item in change.suppress:
                self._forbidden.add(item.campaign_id, (item.phone,))
        settled = [
            Returned(track.campaign_id, track.person.place, change.contact.due_at)
            for (track, _), change in zip(batch.values(), changes, strict=True)
            if change.contact is not None
        ]
        self._forget_final([track for track, _ in batch.values()], settled)

    def _mend(self, track: Track, result: Applied) -> None:
        """Bring a refused attempt to its end from where the store has it.

        A commit that seemed to fail may have happened; its steps are refused the second time.
        """
        track.mended += 1
        if result.status is None or result.status in ATTEMPT.final():
            log.warning("settled_before", **track.ids, problem=result.problem)
            track.status, track.pending = result.status or AttemptStatus.RELEASED, []
        elif track.mended <= MOST_MENDS:
            log.warning("change_refused", **track.ids, problem=result.problem)
            track.pending = route(result.status, track.status)
            if track.pending:
                self._mark(track)
        else:
            # Its entry stays in the outbox, and the next start picks it up.
            log.error("attempt_given_up", **track.ids, problem=result.problem)
            self._registry.remove(track.attempt_id)
            self._live.drop(track.campaign_id, track.attempt_id)

    async def _change(self, track: Track, steps: tuple[AttemptEvent, ...]) -> AttemptChange:
        campaign = await self._book.campaign(track.campaign_id)
        rules, outcomes = self._rules.try_of(campaign), {}
        if track.notes and AttemptEvent.ENDED in steps:
            outcomes = {one.name: one for one in await self._store.outcomes()}
        change = as_change(track, steps, campaign, rules, self._clock.now(), outcomes=outcomes)
        wanted = any(note.callback_at for note in track.notes.values())
        if wanted and change.contact is not None and not change.contact.callback:
            # How the call ended forbids it; what else was noted still holds.
            log.warning("callback_not_made", **track.ids, rule=change.rule)
        return change

    def _forget_final(self, tracks: list[Track], settled: list[Returned]) -> None:
        final = [
            t
            for t in tracks
            if t.status in ATTEMPT.final()
            and not t.pending
            and self._registry.get(t.attempt_id) is t
        ]
        for track in final:
            self._registry.remove(track.attempt_id)
            self._live.drop(track.campaign_id, track.attempt_id)
        ended = [t.attempt_id for t in final if t.status is AttemptStatus.ENDED]
        if ended:
            self.tidying.delete_entries(ended)
        if final:
            self._on_committed(settled)

    def _close_overdue(self) -> None:
        """End hung-up calls whose last event does not come."""
        limit = self._clock.now() - timedelta(seconds=CLOSING_GRACE_S)
        for track in list(self._closing.values()):
            if track.status in ATTEMPT.final():
                self._closing.pop(track.attempt_id, None)
            elif track.hung_up_at is not None and track.hung_up_at <= limit:
                self.end(track)

    def _mark(self, track: Track) -> None:
        self._dirty[track.attempt_id] = track
        self._wake.set()

    def _lose_sight(self) -> None:
        self.sight.lose()
        for track in self._registry:
            track.watched = False

    def _want_resync(self) -> None:
        self.sight.lose()
        self.sight.ask()
