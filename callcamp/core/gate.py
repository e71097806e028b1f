"""What the gate looks at, at the moment of a call, and what it says of each contact.

The store gathers a :class:`Batch` inside the transaction that claims; :mod:`callcamp.core.plan`
judges it. Nothing is called that the gate did not let through, and whoever it does not let
through gets a reason and an instant at which that could change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call to a number, of any campaign.

    Args:
        number: the number called.
        at: when it was dialled (or claimed, while it was not dialled yet).
        campaign_id: of which campaign.
        live: whether it is not settled yet.
        disposition: how it ended.
        talk_s: seconds from answer to end.
        refused: whether the person refused further calls (outcome that says so, or opt-out).
        conversation: whether it counts as a conversation with the person.
    """

    number: str
    at: datetime
    campaign_id: int
    live: bool = False
    disposition: Disposition | None = None
    talk_s: float | None = None
    refused: bool = False
    conversation: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent on record, valid unless revoked or expired.

    Args:
        phone: E.164.
        scope: what it is for, e.g. ``marketing``.
        source: where it comes from, in words.
        given_at: when it was given.
        expires_at: until when it holds (None: for ever).
        revoked_at: when it was revoked.
    """

    phone: str
    scope: str
    source: str
    given_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it is valid at ``now``."""
        return (
            self.given_at <= now
            and (self.expires_at is None or now < self.expires_at)
            and (self.revoked_at is None or now < self.revoked_at)
        )


@dataclass(frozen=True, slots=True)
class OutboundNumber:
    """A number that calls are placed from.

    Args:
        id: number in the store.
        phone: E.164.
        label: shown to people.
        active: whether it may be used.
        daily_cap: calls a day at most, over all campaigns (None: no cap); the day is the
            local one where the number is.
        resting_until: until when it rests because of its answer rate.
        rest_evidence: why it rests: its calls and answers and those of its pool.
    """

    id: int
    phone: str
    label: str = ""
    active: bool = True
    daily_cap: int | None = None
    resting_until: datetime | None = None
    rest_evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NumberUse:
    """Calls placed from an outbound number.

    Args:
        today: calls of its present local day, live ones included.
        calls: ended calls since it was last judged or rested.
        answered: how many of those were answered.
        last_used_at: when it was last used.
    """

    today: int = 0
    calls: int = 0
    answered: int = 0
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that is due, as the gate sees it.

    ``numbers`` are all its numbers; ``number_index`` is the one whose turn it is;
    ``callback_agent_id`` is the only agent who makes its callback, when one keeps it.
    """

    contact_id: int
    numbers: tuple[str, ...]
    number_index: int
    place: str
    attempts: int
    due_at: datetime
    callback_at: datetime | None = None
    callback_agent_id: int | None = None
    caller_number: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Candidates, oldest due first, and what is on record about their numbers.

    Args:
        now: the instant of the decision.
        room: how many calls may be let out at most.
        candidates: contacts that are due.
        calls: earlier and live calls by number, over all campaigns, within the look-back.
        suppressed: numbers that must not be called -> why (``do_not_call`` or ``excluded``).
        consents: consents on record by number.
        numbers: the deployment's outbound numbers.
        use: how the outbound numbers were used, by id.
        busy: all numbers of people with several numbers who are in a live call.
    """

    now: datetime
    room: int
    candidates: Sequence[Candidate]
    calls: Mapping[str, Sequence[PastCall]] = field(default_factory=dict)
    suppressed: Mapping[str, Reason] = field(default_factory=dict)
    consents: Mapping[str, Sequence[Consent]] = field(default_factory=dict)
    numbers: Sequence[OutboundNumber] = ()
    use: Mapping[int, NumberUse] = field(default_factory=dict)
    busy: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LetOut:
    """The contact is called now.

    Args:
        contact_id: the contact.
        number_index: which of its numbers is called.
        caller_number: the outbound number it is called from (None: the campaign's or trunk's).
        open_until: until when the hours last in which it may be called (None: no end).
        gate: what the decision rested on, kept with the attempt (JSON-able).
    """

    contact_id: int
    number_index: int
    caller_number: str | None
    open_until: datetime | None
    gate: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """The contact is not called now.

    Args:
        contact_id: the contact.
        reason: why.
        until: when that could change at the earliest (None: not by itself).
        skip: whether it is left out for good (status ``skipped``).
    """

    contact_id: int
    reason: Reason
    until: datetime | None = None
    skip: bool = False


Decision = LetOut | PassedOver
Judge = Callable[[Batch], Sequence[Decision]]
"""Judges a batch: one decision for each candidate it came to, in their order. It stops when
``room`` is used up or nothing more can go out."""
