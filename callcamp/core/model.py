"""The nouns: campaign, contact, attempt, trunk, and what is counted of them.

All are frozen values. Instants are aware UTC; durations carry their unit in the name. What is
set on a campaign is in :mod:`callcamp.core.campaign_settings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import (
    AttemptStatus,
    CampaignStatus,
    ContactStatus,
)


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way out of Asterisk.

    Args:
        id: number in the store.
        name: name shown to people.
        dial_string: channel to originate, with ``{number}`` for the E.164 number, e.g.
            ``PJSIP/{number}@carrier``.
        cps: most new calls per second.
        max_channels: most calls at the same time over all campaigns (None: no limit).
    """

    id: int
    name: str
    dial_string: str
    cps: float
    max_channels: int | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored; ``version`` counts changes of its settings.

    ``started_at`` is its very first start (what is locked after the first run stays locked);
    ``run_at`` is the last start or re-opening, from which a Single Day is counted.
    """

    id: int
    status: CampaignStatus
    settings: CampaignSettings
    version: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to add.

    Args:
        phone: E.164 with the plus sign.
        variables: data by name.
        row: row of the file it came from.
        others: further numbers of the same person, tried after ``phone``, in order.
    """

    phone: str
    variables: dict[str, str] = field(default_factory=dict)
    row: int | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of a campaign.

    Args:
        id: number in the store.
        campaign_id: the campaign it belongs to.
        phone: E.164 with the plus sign.
        variables: data from the file or API, by name.
        status: where it stands.
        attempts: calls placed so far (ended ones).
        due_at: earliest instant of the next call, while pending.
        disposition: how the last attempt ended.
        import_id: the import that brought it, if any.
        last_attempt_at: when the last attempt ended.
        others: further numbers, tried after ``phone``, in order.
        number_index: which of ``(phone, *others)`` is called next.
        place: where it is, as :func:`callcamp.core.places.place_of` tells it.
        hold: why it waits, or why it was skipped (None: it is due, or has a result).
        callback_at: the callback that was agreed, while it is to come.
        callback_agent_id: the only agent who makes that callback (None: anyone).
        success: whether its last conversation was a success (None: not judged yet).
        outcome: its last custom disposition.
        caller_number: the outbound number that it was last called from.
        round_base: calls placed before it was last re-opened; they count no more towards
            ``max_attempts``.
    """

    id: int
    campaign_id: int
    phone: str
    variables: dict[str, str]
    status: ContactStatus
    attempts: int
    due_at: datetime | None
    disposition: Disposition | None
    import_id: int | None
    last_attempt_at: datetime | None
    others: tuple[str, ...] = ()
    number_index: int = 0
    place: str = ""
    hold: Reason | None = None
    callback_at: datetime | None = None
    callback_agent_id: int | None = None
    success: bool | None = None
    outcome: str | None = None
    caller_number: str | None = None
    round_base: int = 0

    @property
    def numbers(self) -> tuple[str, ...]:
        """All its numbers, in the order in which they are tried."""
        return (self.phone, *self.others)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to one number.

    Args:
        id: also the channel id in Asterisk; letters, digits and dashes.
        campaign_id: its campaign.
        contact_id: its contact.
        number: the E.164 number called.
        ordinal: 1 for the contact's first call.
        round_ordinal: the same, counted from when the contact was last re-opened.
        status: where it stands.
        settings_version: version of the campaign's settings that let it out.
        ring_timeout_s: ring timeout it was placed with.
        claimed_at: when the contact was taken.
        lease_until: until when the claim holds while nothing was sent.
        dialed_at: when the order to call was about to be sent.
        rang_at: when it rang.
        answered_at: when it was answered.
        ended_at: when it was settled.
        disposition: how it ended.
        evidence: what that rests on.
        caller_number: the outbound number it was placed from.
        gate: what the gate at the moment of the call rested on.
        outcome: custom disposition that a bot or an agent gave.
        success: the verdict of the success rules.
        decided_by: the success rule that decided, in words.
        rule: the retry rule that decided what became of the contact.
        variables: what was filled in during the conversation.
        refused: whether the person refused further calls in it.
        agent_id: the agent who got it.
        connected_at: when that agent was connected.
    """

    id: str
    campaign_id: int
    contact_id: int
    number: str
    ordinal: int
    status: AttemptStatus
    settings_version: int
    ring_timeout_s: int
    claimed_at: datetime
    lease_until: datetime
    dialed_at: datetime | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    disposition: Disposition | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    caller_number: str | None = None
    gate: dict[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    success: bool | None = None
    decided_by: str | None = None
    rule: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    round_ordinal: int = 1
    agent_id: int | None = None
    connected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A contact taken for a call: its attempt and what the call needs.

    Args:
        attempt: the attempt.
        variables: the contact's data.
        open_until: when the hours end in which the call may be placed (None: never).
        place: where the contact is.
        numbers: all its numbers.
        number_index: which of them is called.
        callback: whether it is an agreed callback.
        callback_agent_id: the only agent who makes that callback (None: anyone).
    """

    attempt: Attempt
    variables: dict[str, str]
    open_until: datetime | None = None
    place: str = ""
    numbers: tuple[str, ...] = ()
    number_index: int = 0
    callback: bool = False
    callback_agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """Which contacts of a campaign are meant; all that is given has to hold.

    Args:
        ids: these (None: any).
        statuses: in one of these states.
        dispositions: whose last call ended so.
        success: whose last conversation was (not) a success.
    """

    ids: frozenset[int] | None = None
    statuses: frozenset[ContactStatus] | None = None
    dispositions: frozenset[Disposition] | None = None
    success: bool | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Pending contacts of one place that wait for the same reason.

    Args:
        place: where they are.
        reason: why they wait (None: they are due).
        count: how many there are.
        due: how many of them are due at the instant that was asked for.
        next_due_at: when the next of the others is due (None: none of them ever is).
    """

    place: str
    reason: Reason | None
    count: int
    due: int
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Counts of one campaign, kept up to date by the store.

    Args:
        contacts: contacts by status; statuses without contacts may be missing.
        attempts_ended: ended attempts by disposition.
        results: contacts that are completed or failed, by last disposition.
        live: live attempts by status.
        successes: contacts with a result whose last conversation was a success.
        waiting: pending contacts by reason; those that are simply due are under None.
        skipped: skipped contacts by reason.
    """

    contacts: dict[ContactStatus, int]
    attempts_ended: dict[Disposition, int]
    results: dict[Disposition, int]
    live: dict[AttemptStatus, int]
    successes: int = 0
    waiting: dict[Reason | None, int] = field(default_factory=dict)
    skipped: dict[Reason | None, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Contacts in the campaign."""
        return sum(self.contacts.values())

    @property
    def done(self) -> int:
        """Contacts that need nothing more."""
        open_ = {ContactStatus.PENDING, ContactStatus.IN_PROGRESS}
        return sum(n for status, n in self.contacts.items() if status not in open_)

    @property
    def calls_made(self) -> int:
        """Attempts that ended; live ones are not counted yet."""
        return sum(self.attempts_ended.values())

    @property
    def calls_answered(self) -> int:
        """Ended attempts that the far end picked up."""
        return sum(n for d, n in self.attempts_ended.items() if MEANING[d].answered)
