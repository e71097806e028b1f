"""How an engine is: what health checks and metrics ask of it, read from memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callcamp.core.states import ATTEMPT, AttemptStatus
from callcamp.engine.registry import Track


@dataclass(frozen=True, slots=True)
class TrunkVitals:
    """How one trunk's lane is.

    Args:
        trunk_id: the trunk.
        cps_limit: new calls a second that it may start at most.
        placed: calls sent since the engine was started.
        ready: calls that wait in the lane for their turn.
        live: attempts on the trunk that are not settled.
        refusing: whether Asterisk refused its calls a moment ago, so that none is sent.
    """

    trunk_id: int
    cps_limit: float
    placed: int
    ready: int
    live: int
    refusing: bool


@dataclass(frozen=True, slots=True)
class Vitals:
    """How an engine is.

    Args:
        running: whether every task of it runs.
        holds_right: whether it is still the one engine that may dial on this database.
        synced: whether its attempts and Asterisk's calls agree, so that it may dial.
        live: attempts that are not settled.
        backlog: what waits for the tracker, by queue: ``uncommitted`` attempts with steps the
            store does not have yet, ``closing`` ones hung up and not judged yet,
            ``undeleted`` entries of Asterisk's outbox that are committed.
        unsettled_s: how long ago the attempt ended, or should have, that has waited longest to
            be settled, in the engine's seconds; 0 when none waits.
        trunks: the trunks that calls were sent over.
    """

    running: bool = True
    holds_right: bool = True
    synced: bool = True
    live: int = 0
    backlog: Mapping[str, int] = field(default_factory=dict)
    unsettled_s: float = 0.0
    trunks: tuple[TrunkVitals, ...] = ()


def oldest_unsettled_s(
    tracks: Iterable[Track], now: datetime, *, margin_s: float, max_call_s: float
) -> float:
    """Return how long the longest of the attempts has waited to be settled, in seconds.

    An attempt waits from its hang-up, or from the order if nobody knows its fate, or from the
    end of the time that its call may take at most.

    Args:
        tracks: the live attempts.
        now: the present instant.
        margin_s: how long past its ring time an order may show no sign.
        max_call_s: the longest call.
    """
    waits = (
        (now - since).total_seconds()
        for track in tracks
        if (since := _since(track, margin_s, max_call_s)) is not None
    )
    return max(0.0, max(waits, default=0.0))


def _since(track: Track, margin_s: float, max_call_s: float) -> datetime | None:
    if track.hung_up_at is not None:
        return track.hung_up_at
    if track.status is AttemptStatus.UNKNOWN or track.status in ATTEMPT.final():
        return track.sent_at or track.claimed_at
    return track.limit(margin_s, max_call_s)
