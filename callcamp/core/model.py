"""The nouns: campaign, contact, attempt, trunk and the policies that hang on a campaign.

All are frozen values. Instants are aware UTC; durations carry their unit in the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from callcamp.core.outcome import MEANING, Disposition, Evidence
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import InvalidInput

DEFAULT_RETRY_ON: frozenset[Disposition] = frozenset(
    d for d, m in MEANING.items() if m.retryable and d is not Disposition.VOICEMAIL
)
"""Dispositions that are tried again unless a campaign says otherwise."""


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
class RetryPolicy:
    """When a contact that was not reached is called again.

    Args:
        max_attempts: calls to one contact at most, the first included.
        delay_s: pause from the end of an attempt to the next, in seconds.
        retry_on: dispositions after which another attempt is made.
    """

    max_attempts: int = 3
    delay_s: int = 1800
    retry_on: frozenset[Disposition] = DEFAULT_RETRY_ON

    def __post_init__(self) -> None:
        if not 1 <= self.max_attempts <= 100:
            raise InvalidInput(
                f"max_attempts is {self.max_attempts}; give a number from 1 to 100.",
                field="max_attempts",
                value=self.max_attempts,
            )
        if not 0 <= self.delay_s <= 90 * 86400:
            raise InvalidInput(
                f"retry_delay_s is {self.delay_s}; give 0 to 7776000 seconds (90 days).",
                field="retry_delay_s",
                value=self.delay_s,
            )


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """The hours of the day in which a campaign may place calls.

    Args:
        start: first minute, local time.
        end: first minute that is closed again, local time; equal to ``start`` means all
            day; smaller than ``start`` means that the window crosses midnight.
        zone: IANA name of the time zone the window is measured in.
        weekdays: days on which a window may start, Monday is 0.
    """

    start: time = time(9, 0)
    end: time = time(18, 0)
    zone: str = "UTC"
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """What a supervisor sets on a campaign.

    Args:
        name: shown to people; 1 to 200 characters.
        trunk_id: the trunk to call over.
        concurrency: calls at the same time at most ("seats").
        ring_timeout_s: how long a call may ring.
        retry: retry policy.
        window: daily window.
        default_region: ISO 3166 country for numbers written without one.
        caller_id: number shown to the called person (None: the trunk's own).
        prompt: sound played to a person, a name or path that Asterisk knows, no extension.
        machine_message: sound left after the beep of a voicemail (None: hang up).
        detect_machines: whether ``AMD()`` runs on answered calls.
        description: free text.
    """

    name: str
    trunk_id: int
    concurrency: int = 50
    ring_timeout_s: int = 30
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    window: DailyWindow = field(default_factory=DailyWindow)
    default_region: str = "US"
    caller_id: str | None = None
    prompt: str | None = None
    machine_message: str | None = None
    detect_machines: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored; ``version`` counts changes of its settings."""

    id: int
    status: CampaignStatus
    settings: CampaignSettings
    version: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to add; ``phone`` is E.164 with the plus sign."""

    phone: str
    variables: dict[str, str] = field(default_factory=dict)
    row: int | None = None


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to one number.

    Args:
        id: also the channel id in Asterisk; letters, digits and dashes.
        campaign_id: its campaign.
        contact_id: its contact.
        number: the E.164 number called.
        ordinal: 1 for the contact's first call.
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


@dataclass(frozen=True, slots=True)
class Claim:
    """A contact taken for a call: its attempt and what the call needs."""

    attempt: Attempt
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What the end of an attempt does to its contact.

    ``due_at`` is given with :attr:`ContactEvent.RETRY_SCHEDULED` and
    :attr:`ContactEvent.RELEASED`.
    """

    event: ContactEvent
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptChange:
    """Steps of one attempt to be committed.

    Args:
        attempt_id: the attempt.
        events: steps, in order, each through the attempt table.
        at: instant of the last step.
        rang_at: set when it rang.
        answered_at: set when it was answered.
        disposition: set when it ended.
        evidence: raw evidence, set when it ended.
        contact: what becomes of the contact, set when it ended or was released.
    """

    attempt_id: str
    events: tuple[AttemptEvent, ...]
    at: datetime
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    disposition: Disposition | None = None
    evidence: Evidence | None = None
    contact: ContactChange | None = None


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Counts of one campaign, kept up to date by the store.

    Args:
        contacts: contacts by status; statuses without contacts may be missing.
        attempts_ended: ended attempts by disposition.
        results: contacts that are completed or failed, by last disposition.
        live: live attempts by status.
    """

    contacts: dict[ContactStatus, int]
    attempts_ended: dict[Disposition, int]
    results: dict[Disposition, int]
    live: dict[AttemptStatus, int]

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
