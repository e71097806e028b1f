"""Facts from the switch, in the past tense.

A gateway gives these out in the order in which they came. ``attempt_id`` is the channel id
that callcamp chose when it placed the call. ``at`` is the aware UTC instant of reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from callcamp.core.outcome import Evidence


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link to Asterisk works.

    ``switch_started_at`` changes when Asterisk was restarted (None: not known).
    """

    at: datetime
    switch_started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link to Asterisk is lost; calls go on without us seeing them."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Events were dropped because the reader was too far behind; reconcile."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class CallCreated:
    """Asterisk made the channel of an attempt, so the call goes out."""

    attempt_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallRang:
    """The far end rings."""

    attempt_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The far end answered."""

    attempt_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OriginateEnded:
    """Asterisk's final word on the order to call (``OriginateResponse``).

    ``reason`` is Asterisk's number: 4 answered, 3 our ring timeout, 0 anything else.
    """

    attempt_id: str
    at: datetime
    success: bool
    reason: int


@dataclass(frozen=True, slots=True)
class EvidenceSeen:
    """Some evidence on an attempt: the dial status, or what the hangup handler wrote."""

    attempt_id: str
    at: datetime
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The channel of an attempt is gone; ``evidence`` has its cause."""

    attempt_id: str
    at: datetime
    evidence: Evidence


CallEvent: TypeAlias = (
    CallCreated | CallRang | CallAnswered | OriginateEnded | EvidenceSeen | CallEnded
)
SwitchEvent: TypeAlias = LinkUp | LinkDown | EventsLost | CallEvent
