"""From a claim to its trunk's lane: at once, or when the contact's agent is on the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from callcamp.core.model import Campaign, Claim
from callcamp.core.states import AttemptStatus
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.clock import Clock
from callcamp.engine.lane import Lane, ReadyCall
from callcamp.engine.orders import call_order
from callcamp.engine.registry import Registry, Track
from callcamp.engine.tracker import Tracker
from callcamp.errors import CallcampError
from callcamp.ports import Store


class _Bound(NamedTuple):
    track: Track
    claim: Claim


class Departures:
    """Leads claimed contacts to their lanes.

    Args:
        store: where calls are noted before they are sent.
        registry: the live attempts.
        tracker: told to give back what is not called.
        desk: the agents, who may have to be on the line first.
        clock: the engine's clock.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        tracker: Tracker,
        desk: AgentDesk,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._tracker = tracker
        self._desk = desk
        self._clock = clock
        self._held: dict[str, tuple[_Bound, Campaign, Lane]] = {}

    async def send_off(
        self, claims: Sequence[Claim], campaign: Campaign, lane: Lane, began_s: float
    ) -> None:
        """Follow contacts claimed just now, and have them called.

        Args:
            claims: the contacts; nobody else knows of them.
            campaign: theirs.
            lane: where their calls go out.
            began_s: when they were about to be claimed; see :class:`Track`.
        """
        bound = [_Bound(Track.claimed(claim, lane.trunk.id, began_s), claim) for claim in claims]
        for track, _ in bound:
            self._registry.add(track)
        at_once = bound
        if campaign.settings.agents.attended:
            try:
                at_once = [each for each in bound if not await self._taken(each, campaign, lane)]
            except CallcampError:
                for track, _ in bound:
                    if track.status is AttemptStatus.CLAIMED and track.agent_id is None:
                        self._tracker.release(track)
                raise
        await self._order(at_once, campaign, lane)

    async def dial(self, track: Track) -> bool:
        """Have a contact called whose agent is on the line now.

        Returns False when it must not be called any more; it was given back then.
        """
        bound, campaign, lane = self._held.pop(track.attempt_id)
        if track.status is not AttemptStatus.CLAIMED:
            return False
        await self._order([bound], campaign, lane)
        return not track.is_over

    def forget(self, attempt_id: str) -> None:
        """Note that a contact that may have waited for its agent was given back, or is over."""
        self._held.pop(attempt_id, None)

    def give_back(self) -> None:
        """Give back every contact that is not called yet; nothing may be on its way then."""
        for track in self._registry:
            if track.status is AttemptStatus.CLAIMED:
                self._tracker.release(track)

    async def _taken(self, bound: _Bound, campaign: Campaign, lane: Lane) -> bool:
        """Tell whether an agent is brought to the phone first, or nobody is there for it."""
        self._held[bound.track.attempt_id] = bound, campaign, lane
        if await self._desk.take(bound.track, campaign):
            return True
        del self._held[bound.track.attempt_id]
        return False

    async def _order(self, calls: Sequence[_Bound], campaign: Campaign, lane: Lane) -> None:
        if not calls:
            return
        try:
            # First: nothing may come between the note and the lane.
            ways = [await self._way_of(track, campaign) for track, _ in calls]
            sent_at = self._clock.now()
            ids = [track.attempt_id for track, _ in calls]
            allowed = set(await self._store.mark_dialing(ids, now=sent_at))
        except CallcampError:
            # Whether it was noted or not: nothing was sent.
            for track, _ in calls:
                self._tracker.release(track)
            raise
        for call, way in zip(calls, ways, strict=True):
            if call.track.status is not AttemptStatus.CLAIMED:
                continue
            if call.track.attempt_id in allowed:
                self._hand_over(call, way, campaign, lane, sent_at)
            else:
                self._tracker.release(call.track)

    async def _way_of(self, track: Track, campaign: Campaign) -> Mapping[str, str]:
        """Return the channel variables that lead to an agent, if the campaign has agents."""
        if not campaign.settings.agents.attended:
            return {}
        return await self._desk.variables(campaign, track)

    def _hand_over(
        self,
        call: _Bound,
        way: Mapping[str, str],
        campaign: Campaign,
        lane: Lane,
        sent_at: datetime,
    ) -> None:
        track = call.track
        track.status = AttemptStatus.DIALING
        track.sent_at = sent_at
        self._tracker.show(track, sent_at)
        lane.put(ReadyCall(track, call_order(call.claim, campaign, lane.trunk, way)))
