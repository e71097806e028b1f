"""What a legal preset is: the numbers of one law, as data.

The presets themselves are files in ``callcamp/legal/``. They are starting points and no legal
advice. :mod:`callcamp.core.compliance` applies them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of a day, local time; ``end`` is the first minute that is out again.

    ``end`` at 00:00 is midnight at the end of the day; a span never crosses it.
    """

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class WeekHours:
    """The hours in which a person may be called, by day, in the person's own time.

    Args:
        weekdays: hours of Monday (first) to Sunday; an empty tuple is a closed day.
        holiday: hours of a public holiday (None: those of its weekday).
        holiday_eve: hours of the day before a public holiday (None: those of its weekday).
    """

    weekdays: tuple[tuple[Span, ...], ...]
    holiday: tuple[Span, ...] | None = None
    holiday_eve: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class CallCap:
    """So many calls in so much time.

    Args:
        calls: calls at most.
        window_s: in how many seconds, rolling.
        answered_only: whether only calls that were picked up count.
    """

    calls: int
    window_s: int
    answered_only: bool = False


class CoolOffAfter(StrEnum):
    """After what a contact is left alone for some time."""

    CONVERSATION = "conversation"
    REFUSAL = "refusal"
    ABANDONED = "abandoned"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class CoolOff:
    """How long a contact is left alone after something."""

    after: CoolOffAfter
    seconds: int


class AbandonWindow(StrEnum):
    """Over what the share of abandoned calls is taken."""

    ROLLING_DAYS = "rolling_days"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_MONTH = "calendar_month"


@dataclass(frozen=True, slots=True)
class AbandonRule:
    """The cap on abandoned calls.

    Args:
        cap: abandoned calls, as a share of those answered by a person; 0 means that no call
            may be placed without an agent for it.
        window: over what.
        days: of ``rolling_days``: how many.
        connect_within_s: how soon an agent has to be there after the end of the greeting.
    """

    cap: float
    window: AbandonWindow = AbandonWindow.ROLLING_DAYS
    days: int = 30
    connect_within_s: float = 2.0


@dataclass(frozen=True, slots=True)
class LegalPreset:
    """One law's numbers.

    Args:
        id: name of its file, e.g. ``us-tsr``.
        title: shown to people.
        places: whom it protects: countries (``US``) and subdivisions (``US-FL``).
        source: where the numbers stand, e.g. ``16 CFR 310.4``.
        checked_on: when somebody last looked there.
        verified: whether the numbers were read in the primary text.
        notes: what the preset does not say in numbers.
        hours: when people may be called (None: the law says nothing).
        holidays: countries or subdivisions whose public holidays count (``{country}`` is the
            contact's own).
        caps: caps on calls to one person.
        cool_offs: how long a person is left alone, and after what.
        abandon: the cap on abandoned calls.
        min_ring_s: how long a call has to ring before it may be given up.
        safe_harbour: what the message after an abandoned call has to say; empty: none needed.
        opt_out_needed: whether calls have to offer an opt-out by key or voice.
        dnc_max_age_days: how old a copy of a do-not-call register may be (None: none needed).
        consent_needed: whether a consent must be on record.
        caller_id_needed: whether a caller ID has to be shown.
        mobile_caller_id: whether a mobile number may be shown.
        records_kept_days: how long records of calls are kept.
    """

    id: str
    title: str
    places: tuple[str, ...]
    source: str
    checked_on: date
    verified: bool = False
    notes: tuple[str, ...] = ()
    hours: WeekHours | None = None
    holidays: tuple[str, ...] = ()
    caps: tuple[CallCap, ...] = ()
    cool_offs: tuple[CoolOff, ...] = ()
    abandon: AbandonRule | None = None
    min_ring_s: int | None = None
    safe_harbour: tuple[str, ...] = field(default_factory=tuple)
    opt_out_needed: bool = False
    dnc_max_age_days: int | None = None
    consent_needed: bool = False
    caller_id_needed: bool = False
    mobile_caller_id: bool = True
    records_kept_days: int | None = None
