"""What a supervisor sets on a campaign: retries, hours, numbers, success, compliance.

All are frozen values. Instants are aware UTC; durations carry their unit in the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from callcamp.core.agent_settings import AgentSettings
from callcamp.core.legal import CallCap
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.policies import ActionRule, Condition, Match, Scope
from callcamp.core.rules import check_conditions, check_policy

DEFAULT_RETRY_ON: frozenset[Disposition] = frozenset(
    d for d, m in MEANING.items() if m.retryable and d is not Disposition.VOICEMAIL
)
"""Dispositions that are tried again unless a campaign says otherwise."""


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
        agents: how it works with agents.
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
    agents: AgentSettings = field(default_factory=AgentSettings)
