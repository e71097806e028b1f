"""The nouns: campaign, contact, attempt, trunk and the policies that hang on a campaign.

All are frozen values. Instants are aware UTC; durations carry their unit in the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from callcamp.core.legal import CallCap
from callcamp.core.outcome import MEANING, Disposition, Evidence
from callcamp.core.policies import ActionRule, Condition, Match, Scope
from callcamp.core.reasons import Reason
from callcamp.core.rules import check_conditions, check_policy
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)

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

    :func:`callcamp.core.rules.retry_rules` writes the policy out as the one ordered list of
    rules that decides.

    Args:
        max_attempts: calls to one contact at most, the first included.
        delay_s: pause from the end of an attempt to the next, in seconds.
        retry_on: dispositions after which another attempt is made.
        growth: factor by which the pause grows with every further attempt (1: fixed).
        delay_most_s: longest pause that growth may lead to.
        delays_s: another pause after these dispositions.
        retry_on_outcomes: custom dispositions after which another attempt is made.
        stop_after_talk_s: a connected call longer than this ends all redials (None: off).
        redial_under_talk_s: a connected call shorter than this is redialled (None: off).
        until_success: a call that the success rules do not count is tried again.
        next_number_delay_s: pause before the contact's next number, when it has several.
        rules: further rules, in order; the first that decides wins.
    """

    max_attempts: int = 3
    delay_s: int = 1800
    retry_on: frozenset[Disposition] = DEFAULT_RETRY_ON
    growth: float = 1.0
    delay_most_s: int = 7 * 86400
    delays_s: Mapping[Disposition, int] = field(default_factory=dict)
    retry_on_outcomes: tuple[str, ...] = ()
    stop_after_talk_s: float | None = None
    redial_under_talk_s: float | None = None
    until_success: bool = False
    next_number_delay_s: int = 0
    rules: tuple[ActionRule, ...] = ()

    def __post_init__(self) -> None:
        check_policy(self)


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
    weekdays: frozenset[int] = frozenset(range(6))


class HoursKind(StrEnum):
    """Whether a rule opens hours or closes them."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


@dataclass(frozen=True, slots=True)
class HoursRule:
    """Hours opened or closed on a weekday, or on a date or a range of dates.

    Args:
        kind: include or exclude.
        weekday: the weekday it is for, Monday is 0; or else
        first_day: the first date it is for, and
        last_day: the last one (None: only the first).
        start: first minute, local time of the campaign's zone.
        end: first minute that it is not for any more; equal to ``start``: the whole day;
            smaller: it crosses midnight.
    """

    kind: HoursKind
    weekday: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    start: time = time(0)
    end: time = time(0)


class UnknownZone(StrEnum):
    """What to do with a contact whose time zone cannot be told."""

    CAMPAIGN_ZONE = "campaign_zone"
    REVIEW = "review"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class ContactHours:
    """Hours in the contact's own time, beside those of the legal presets.

    Args:
        start: first minute, the contact's local time (None: only the law's hours count).
        end: first minute that is closed again.
        unknown_zone: what to do when the contact's zone cannot be told and its own time
            matters.
    """

    start: time | None = None
    end: time | None = None
    unknown_zone: UnknownZone = UnknownZone.REVIEW


class CampaignMode(StrEnum):
    """How long a campaign goes on.

    ``single_day`` stops when its first day's hours are over, ``multi_day`` goes on the next
    working day until every contact is done, ``always_on`` never completes by itself and
    takes contacts while it runs.
    """

    SINGLE_DAY = "single_day"
    MULTI_DAY = "multi_day"
    ALWAYS_ON = "always_on"


class Rotation(StrEnum):
    """How the outbound number of a call is chosen among those of the pool that may be used."""

    EVEN = "even"
    SAME = "same"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class NumberPool:
    """The outbound numbers of a campaign and how they are rotated.

    Args:
        numbers: E.164 numbers of the deployment's outbound numbers; empty: the campaign's
            ``caller_id``, or the trunk's own.
        rotation: ``even`` spreads calls evenly; ``same`` keeps the number for a contact, and
            ``local`` prefers one of the contact's area; both spread the rest evenly.
        rest_under: a number rests when its answer rate is under this share of its pool's
            (0: never).
        rest_after_calls: how many calls a number needs before it is judged.
        rest_s: how long it rests.
    """

    numbers: tuple[str, ...] = ()
    rotation: Rotation = Rotation.EVEN
    rest_under: float = 0.0
    rest_after_calls: int = 50
    rest_s: int = 86400


@dataclass(frozen=True, slots=True)
class SuccessRules:
    """When a conversation counts as a success.

    Args:
        match: whether all conditions have to hold, or any.
        conditions: over call facts and variables; empty: answered by a person.
    """

    match: Match = Match.ALL
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        check_conditions(self.conditions)


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
        mode: how long it goes on.
        starts_at: when it may start at the earliest (None: when somebody starts it).
        ends_at: when it ends, done or not.
        hours: inclusions and exclusions on top of ``window``.
        holidays: public holidays on which it rests, each a country or a subdivision of one
            (``FR``, ``US-CA``).
        contact_hours: hours in the contact's own time.
        legal: ids of the legal presets that hold; the strictest wins.
        success: when a conversation counts as a success.
        pool: outbound numbers.
        frequency: caps of its own on calls to one number, over all campaigns.
        callbacks: whether callbacks that are agreed in a call are made.
        sticky_exclusion: whether an excluded contact stays so when it is added again.
        opt_out_key: key by which a called person opts out (None: no key).
        opt_out_scope: where an opt-out holds.
        opt_out_outcomes: custom dispositions that opt the contact out.
        dnc_lists: names of the imported do-not-call lists that are checked.
        dnc_exemption: why no such list has to be checked, when a preset asks for one.
        consent_scope: only contacts with a valid consent of this scope are called.
        filter: the saved filter by which contacts were chosen, for the record.
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
    mode: CampaignMode = CampaignMode.SINGLE_DAY
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    hours: tuple[HoursRule, ...] = ()
    holidays: tuple[str, ...] = ()
    contact_hours: ContactHours = field(default_factory=ContactHours)
    legal: tuple[str, ...] = ()
    success: SuccessRules = field(default_factory=SuccessRules)
    pool: NumberPool = field(default_factory=NumberPool)
    frequency: tuple[CallCap, ...] = ()
    callbacks: bool = False
    sticky_exclusion: bool = False
    opt_out_key: str | None = None
    opt_out_scope: Scope = Scope.GLOBAL
    opt_out_outcomes: tuple[str, ...] = ()
    dnc_lists: tuple[str, ...] = ()
    dnc_exemption: str = ""
    consent_scope: str | None = None
    filter: str | None = None


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
    """

    attempt: Attempt
    variables: dict[str, str]
    open_until: datetime | None = None
    place: str = ""
    numbers: tuple[str, ...] = ()
    number_index: int = 0
    callback: bool = False


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What the end of an attempt does to its contact.

    Args:
        event: the step of the contact table.
        due_at: given with :attr:`ContactEvent.RETRY_SCHEDULED` and
            :attr:`ContactEvent.RELEASED`.
        hold: why it waits until ``due_at`` (None: it does not, it is due).
        callback: whether ``due_at`` is an agreed callback.
        number_index: which of its numbers is called next (None: as it is).
        variables: variables to set on the contact.
    """

    event: ContactEvent
    due_at: datetime | None = None
    hold: Reason | None = None
    callback: bool = False
    number_index: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """A number that must not be called any more.

    Args:
        phone: E.164.
        reason: in words, e.g. ``opted out by keypad``.
        source: who says so: ``keypad``, ``outcome``, ``api``, ``cli``, ``list:NAME``.
        campaign_id: only in this campaign (None: everywhere).
        expires_at: until when (None: for ever).
    """

    phone: str
    reason: str
    source: str
    campaign_id: int | None = None
    expires_at: datetime | None = None


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
        outcome: custom disposition.
        success: verdict of the success rules, set when it ended.
        decided_by: the success rule that decided.
        rule: the retry rule that decided.
        variables: variables to keep on the attempt.
        refused: whether the person refused further calls.
        suppress: numbers that must not be called any more, from this commit on.
    """

    attempt_id: str
    events: tuple[AttemptEvent, ...]
    at: datetime
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    disposition: Disposition | None = None
    evidence: Evidence | None = None
    contact: ContactChange | None = None
    outcome: str | None = None
    success: bool | None = None
    decided_by: str | None = None
    rule: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False
    suppress: tuple[NewSuppression, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """What is learnt of an attempt after it has ended: its outcome, a callback, variables.

    Args:
        attempt_id: the attempt; it has ended.
        outcome: custom disposition.
        success: verdict of the success rules with what is known now.
        decided_by: the success rule that decided.
        rule: the retry rule that decides now.
        refused: whether the person refused further calls.
        variables: variables to keep on the attempt.
        contact_variables: variables to set on the contact, whatever becomes of it.
        contact: what becomes of the contact now (None: it stays as it is).
        suppress: numbers that must not be called any more.
    """

    attempt_id: str
    outcome: str | None = None
    success: bool | None = None
    decided_by: str | None = None
    rule: str | None = None
    refused: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    contact_variables: Mapping[str, str] = field(default_factory=dict)
    contact: ContactChange | None = None
    suppress: tuple[NewSuppression, ...] = ()


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
