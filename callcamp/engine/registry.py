"""The live attempts of this engine, in memory: what was seen, what is not committed yet."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callcamp.core.model import Attempt, Claim, Contact
from callcamp.core.outcome import Evidence
from callcamp.core.reasons import Reason
from callcamp.core.settle import Trace
from callcamp.core.states import ATTEMPT, AttemptEvent, AttemptStatus
from callcamp.ports import CallNote


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the called contact, for the rules that judge the end of its call.

    Args:
        place: where it is.
        numbers: all its numbers.
        number_index: which of them is called.
        variables: its data.
        callback: whether the call is an agreed callback.
        callback_agent_id: the only agent who makes that callback.
    """

    place: str = ""
    numbers: tuple[str, ...] = ()
    number_index: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)
    callback: bool = False
    callback_agent_id: int | None = None

    @classmethod
    def of(cls, contact: Contact, number: str) -> Person:
        """Return what is known of a contact that is called on ``number``."""
        numbers = contact.numbers
        index = numbers.index(number) if number in numbers else 0
        return cls(
            contact.place,
            numbers,
            index,
            contact.variables,
            contact.callback_at is not None,
            contact.callback_agent_id,
        )


@dataclass(slots=True)
class Track:
    """One live attempt as the tracker follows it.

    ``status`` is ahead of the store by the steps in ``pending``. ``sent_to`` is when the
    Asterisk was started that was given the order (None: not known). ``check_at`` is when an
    attempt in doubt is looked at again; ``failed_at`` is when Asterisk said that the order
    failed while no channel of it had been seen. ``open_until`` is when the hours end in which
    the call may be placed. ``version`` is that of the settings that let it out, and
    ``claimed_s`` when it was about to be claimed, by a clock that never runs back.

    With agents: ``reached_at`` is when a person began to wait for one, ``connected_at`` when
    ``agent_id`` was connected, ``leg_id`` the call to the agent's phone that waits for the
    contact, ``offered_to`` whom the queue rings. An ``unwanted`` attempt is not sent, and hung
    up when it was. ``notes`` is what agents have noted so far, by agent; it is in the store.
    """

    attempt_id: str
    campaign_id: int
    contact_id: int
    number: str
    ordinal: int
    trunk_id: int
    ring_timeout_s: int
    status: AttemptStatus
    claimed_at: datetime
    version: int = 0
    claimed_s: float = 0.0
    round_ordinal: int = 1
    caller_number: str | None = None
    open_until: datetime | None = None
    person: Person = field(default_factory=Person)
    sent_at: datetime | None = None
    sent_to: datetime | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    hung_up_at: datetime | None = None
    check_at: datetime | None = None
    failed_at: datetime | None = None
    evidence: Evidence = field(default_factory=Evidence)
    seen: bool = False
    watched: bool = True
    killed_by_restart: bool = False
    originate_ended: bool = False
    mended: int = 0
    agent_id: int | None = None
    connected_at: datetime | None = None
    reached_at: datetime | None = None
    leg_id: str | None = None
    offered_to: int | None = None
    unwanted: bool = False
    hold: Reason | None = None
    notes: dict[int, CallNote] = field(default_factory=dict)
    pending: list[AttemptEvent] = field(default_factory=list)

    @classmethod
    def of(cls, attempt: Attempt, trunk_id: int, person: Person, *, watched: bool) -> Track:
        """Follow an attempt; ``watched`` is whether every event since dialling is seen."""
        return cls(
            attempt_id=attempt.id,
            campaign_id=attempt.campaign_id,
            contact_id=attempt.contact_id,
            number=attempt.number,
            ordinal=attempt.ordinal,
            trunk_id=trunk_id,
            ring_timeout_s=attempt.ring_timeout_s,
            status=attempt.status,
            claimed_at=attempt.claimed_at,
            version=attempt.settings_version,
            round_ordinal=attempt.round_ordinal,
            caller_number=attempt.caller_number,
            person=person,
            sent_at=attempt.dialed_at,
            rang_at=attempt.rang_at,
            answered_at=attempt.answered_at,
            seen=attempt.rang_at is not None or attempt.answered_at is not None,
            watched=watched,
            agent_id=attempt.agent_id,
            connected_at=attempt.connected_at,
        )

    @classmethod
    def claimed(cls, claim: Claim, trunk_id: int, claimed_s: float) -> Track:
        """Follow an attempt that was claimed just now; ``claimed_s`` is when that began."""
        person = Person(
            claim.place,
            claim.numbers,
            claim.number_index,
            claim.variables,
            claim.callback,
            claim.callback_agent_id,
        )
        track = cls.of(claim.attempt, trunk_id, person, watched=True)
        track.open_until, track.claimed_s = claim.open_until, claimed_s
        return track

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, or was never placed."""
        return self.status in ATTEMPT.final()

    @property
    def ids(self) -> dict[str, int | str]:
        """What a line of the log about this attempt names."""
        return {
            "campaign": self.campaign_id,
            "contact": self.contact_id,
            "attempt": self.attempt_id,
        }

    def step(self, event: AttemptEvent) -> bool:
        """Take a step if the table has it; False when it has not (a late or double event)."""
        if not ATTEMPT.allows(self.status, event):
            return False
        self.status = ATTEMPT.advance(self.status, event)
        self.pending.append(event)
        return True

    def trace(self, asked_at: datetime) -> Trace:
        """Return what is known, for settling by what Asterisk was asked at ``asked_at``."""
        return Trace(
            self.status,
            self.sent_at,
            self.seen,
            killed_by_restart=self.killed_by_restart,
            sent_to=self.sent_to,
            order_failed=self.failed_at is not None and self.failed_at < asked_at,
        )

    def deadline(self, margin_s: float, max_call_s: float) -> datetime | None:
        """Return when silence on this attempt becomes suspicious."""
        if self.check_at is not None:
            return self.check_at
        return self.limit(margin_s, max_call_s)

    def limit(self, margin_s: float, max_call_s: float) -> datetime | None:
        """Return until when its call may go on at most."""
        if self.answered_at is not None:
            return self.answered_at + timedelta(seconds=max_call_s)
        if self.sent_at is not None:
            return self.sent_at + timedelta(seconds=self.ring_timeout_s + margin_s)
        return None


class Registry:
    """Live attempts by id, with counts per campaign and trunk.

    An attempt counts until its end is committed, so limits are never exceeded.
    """

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}
        self._per_campaign: Counter[int] = Counter()
        self._per_trunk: Counter[int] = Counter()
        self._outside: dict[str, int] = {}
        self._watched: dict[str, asyncio.Event] = {}

    def __iter__(self) -> Iterator[Track]:
        return iter(list(self._tracks.values()))

    def __len__(self) -> int:
        return len(self._tracks)

    def add(self, track: Track) -> None:
        """Follow an attempt."""
        self._tracks[track.attempt_id] = track
        self._per_campaign[track.campaign_id] += 1
        self._per_trunk[track.trunk_id] += 1

    def get(self, attempt_id: str) -> Track | None:
        """Return the attempt, or None when it is not followed (any more)."""
        return self._tracks.get(attempt_id)

    def remove(self, attempt_id: str) -> None:
        """Stop following an attempt."""
        track = self._tracks.pop(attempt_id, None)
        if track is not None:
            _one_less(self._per_campaign, track.campaign_id)
            _one_less(self._per_trunk, track.trunk_id)
        self.drop_outside(attempt_id)
        watched = self._watched.pop(attempt_id, None)
        if watched is not None:
            watched.set()

    def add_outside(self, attempt_id: str, trunk_id: int) -> None:
        """Count one more call on a trunk: an agent calls a number for this attempt's contact."""
        self.drop_outside(attempt_id)
        if attempt_id in self._tracks:
            self._outside[attempt_id] = trunk_id
            self._per_trunk[trunk_id] += 1

    def drop_outside(self, attempt_id: str) -> None:
        """Count such a call no more, if there is one."""
        trunk_id = self._outside.pop(attempt_id, None)
        if trunk_id is not None:
            _one_less(self._per_trunk, trunk_id)

    async def settled(self, attempt_id: str) -> None:
        """Return once an attempt is not followed any more: its end is committed."""
        if attempt_id in self._tracks:
            await self._watched.setdefault(attempt_id, asyncio.Event()).wait()

    def in_campaign(self, campaign_id: int) -> int:
        """Return how many attempts of a campaign are live."""
        return self._per_campaign[campaign_id]

    def on_trunk(self, trunk_id: int) -> int:
        """Return how many attempts on a trunk are live, with agents' own calls to numbers."""
        return self._per_trunk[trunk_id]

    def outside_calls(self) -> dict[int, int]:
        """Return how many calls to numbers agents make, by trunk; a trunk without is left out."""
        return dict(Counter(self._outside.values()))


def _one_less(counts: Counter[int], key: int) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


def route(stored: AttemptStatus, wanted: AttemptStatus) -> list[AttemptEvent]:
    """Return the fewest steps of the attempt table from one state to another."""
    ways: dict[AttemptStatus, list[AttemptEvent]] = {stored: []}
    for state in (queue := [stored]):
        for (source, event), target in ATTEMPT.table.items():
            if source is state and target not in ways:
                ways[target] = [*ways[state], event]
                queue.append(target)
    return ways.get(wanted, [])
