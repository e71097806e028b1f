"""The state tables of campaign, contact and attempt.

A state changes only through :meth:`Machine.advance`. The tables are data: the diagrams in
``docs/architecture.md`` are drawn from them, and the tests walk every pair of state and event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from callcamp.errors import IllegalTransition


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELED = "canceled"


class CampaignEvent(StrEnum):
    """What can happen to a campaign.

    ``finished``: no contact is left to call. ``expired``: its day or its end date is over, or
    somebody completed it by hand; contacts still waiting are canceled. ``stopped`` is final.
    """

    STARTED = "started"
    QUEUED = "queued"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    FINISHED = "finished"
    EXPIRED = "expired"
    REOPENED = "reopened"


class ContactStatus(StrEnum):
    """Where a contact of a campaign stands.

    ``pending`` waits for its (next) call, ``in_progress`` has a live attempt, ``completed``
    was tried with a true result, ``failed`` could not be tried for technical reasons,
    ``skipped`` is left out on purpose, ``canceled`` was still waiting when the campaign
    was stopped.
    """

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"


class ContactEvent(StrEnum):
    """What can happen to a contact.

    ``held``: it was due and may not be called yet, so it waits for another instant.
    """

    CLAIMED = "claimed"
    RELEASED = "released"
    RETRY_SCHEDULED = "retry_scheduled"
    FINISHED = "finished"
    GAVE_UP = "gave_up"
    EXCLUDED = "excluded"
    CANCELED = "canceled"
    REOPENED = "reopened"
    HELD = "held"


class AttemptStatus(StrEnum):
    """Where an attempt (one call to one number) stands.

    ``claimed``: the contact is taken, nothing was sent. ``dialing``: the order to call may
    have gone out. ``ringing`` and ``answered``: as Asterisk said. ``unknown``: it may have
    been called, and nobody knows yet. ``ended``: settled, with a disposition.
    ``released``: settled, no call was ever placed, so it does not count as an attempt.
    """

    CLAIMED = "claimed"
    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    UNKNOWN = "unknown"
    ENDED = "ended"
    RELEASED = "released"


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    SENT = "sent"
    RANG = "rang"
    ANSWERED = "answered"
    ENDED = "ended"
    DOUBTED = "doubted"
    NOT_PLACED = "not_placed"


S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


_SHOWN = {"expired": "completed"}
"""Events whose names are not the words of the commands that people give."""


@dataclass(frozen=True, slots=True)
class Machine(Generic[S, E]):
    """A state machine as a table.

    Args:
        name: what the states belong to, for messages.
        initial: the state that a new thing has.
        table: ``{(state, event): next state}``; whatever is not in it is illegal.
    """

    name: str
    initial: S
    table: Mapping[tuple[S, E], S]

    def advance(self, state: S, event: E) -> S:
        """Return the state after ``event``.

        Raises:
            IllegalTransition: the table has no such step.
        """
        try:
            return self.table[state, event]
        except KeyError:
            able = " or ".join(sorted(s.value for s in self.sources(event)))
            done = _SHOWN.get(event.value, event.value)
            one = f"{'An' if self.name[0] in 'aeiou' else 'A'} {self.name}"
            raise IllegalTransition(
                f"{one} that is {state.value} cannot be {done}; one that is {able} can.",
                machine=self.name,
                state=state.value,
                event=event.value,
                legal=sorted(e.value for s, e in self.table if s == state),
            ) from None

    def allows(self, state: S, event: E) -> bool:
        """Tell whether ``event`` is legal in ``state``."""
        return (state, event) in self.table

    def sources(self, event: E) -> frozenset[S]:
        """Return the states in which ``event`` is legal."""
        return frozenset(s for s, e in self.table if e == event)

    def final(self) -> frozenset[S]:
        """Return the states that nothing leaves."""
        leaving = {s for s, _ in self.table}
        return frozenset(s for s in type(self.initial) if s not in leaving)


_C, _CE = CampaignStatus, CampaignEvent
CAMPAIGN: Machine[CampaignStatus, CampaignEvent] = Machine(
    "campaign",
    _C.DRAFT,
    {
        (_C.DRAFT, _CE.STARTED): _C.RUNNING,
        (_C.DRAFT, _CE.QUEUED): _C.QUEUED,
        (_C.DRAFT, _CE.STOPPED): _C.CANCELED,
        (_C.QUEUED, _CE.STARTED): _C.RUNNING,
        (_C.QUEUED, _CE.PAUSED): _C.PAUSED,
        (_C.QUEUED, _CE.STOPPED): _C.CANCELED,
        (_C.QUEUED, _CE.EXPIRED): _C.COMPLETED,
        (_C.RUNNING, _CE.PAUSED): _C.PAUSED,
        (_C.RUNNING, _CE.STOPPED): _C.CANCELED,
        (_C.RUNNING, _CE.FINISHED): _C.COMPLETED,
        (_C.RUNNING, _CE.EXPIRED): _C.COMPLETED,
        (_C.PAUSED, _CE.RESUMED): _C.RUNNING,
        (_C.PAUSED, _CE.QUEUED): _C.QUEUED,
        (_C.PAUSED, _CE.STOPPED): _C.CANCELED,
        (_C.PAUSED, _CE.EXPIRED): _C.COMPLETED,
        (_C.COMPLETED, _CE.REOPENED): _C.RUNNING,
    },
)

_K, _KE = ContactStatus, ContactEvent
CONTACT: Machine[ContactStatus, ContactEvent] = Machine(
    "contact",
    _K.PENDING,
    {
        (_K.PENDING, _KE.CLAIMED): _K.IN_PROGRESS,
        (_K.PENDING, _KE.HELD): _K.PENDING,
        (_K.PENDING, _KE.RETRY_SCHEDULED): _K.PENDING,
        (_K.PENDING, _KE.FINISHED): _K.COMPLETED,
        (_K.PENDING, _KE.EXCLUDED): _K.SKIPPED,
        (_K.COMPLETED, _KE.EXCLUDED): _K.SKIPPED,
        (_K.FAILED, _KE.EXCLUDED): _K.SKIPPED,
        (_K.PENDING, _KE.CANCELED): _K.CANCELED,
        (_K.IN_PROGRESS, _KE.RELEASED): _K.PENDING,
        (_K.IN_PROGRESS, _KE.RETRY_SCHEDULED): _K.PENDING,
        (_K.IN_PROGRESS, _KE.FINISHED): _K.COMPLETED,
        (_K.IN_PROGRESS, _KE.GAVE_UP): _K.FAILED,
        (_K.IN_PROGRESS, _KE.CANCELED): _K.CANCELED,
        (_K.COMPLETED, _KE.REOPENED): _K.PENDING,
        (_K.FAILED, _KE.REOPENED): _K.PENDING,
        (_K.SKIPPED, _KE.REOPENED): _K.PENDING,
    },
)

_A, _AE = AttemptStatus, AttemptEvent
ATTEMPT: Machine[AttemptStatus, AttemptEvent] = Machine(
    "attempt",
    _A.CLAIMED,
    {
        (_A.CLAIMED, _AE.SENT): _A.DIALING,
        (_A.CLAIMED, _AE.NOT_PLACED): _A.RELEASED,
        (_A.DIALING, _AE.RANG): _A.RINGING,
        (_A.DIALING, _AE.ANSWERED): _A.ANSWERED,
        (_A.DIALING, _AE.ENDED): _A.ENDED,
        (_A.DIALING, _AE.NOT_PLACED): _A.RELEASED,
        (_A.DIALING, _AE.DOUBTED): _A.UNKNOWN,
        (_A.RINGING, _AE.ANSWERED): _A.ANSWERED,
        (_A.RINGING, _AE.ENDED): _A.ENDED,
        (_A.RINGING, _AE.DOUBTED): _A.UNKNOWN,
        (_A.ANSWERED, _AE.ENDED): _A.ENDED,
        (_A.ANSWERED, _AE.DOUBTED): _A.UNKNOWN,
        (_A.UNKNOWN, _AE.RANG): _A.RINGING,
        (_A.UNKNOWN, _AE.ANSWERED): _A.ANSWERED,
        (_A.UNKNOWN, _AE.ENDED): _A.ENDED,
        (_A.UNKNOWN, _AE.NOT_PLACED): _A.RELEASED,
    },
)

LIVE_ATTEMPT: frozenset[AttemptStatus] = frozenset(_A) - ATTEMPT.final()
"""Attempts that keep their contact from being called again."""
