"""The contract of pacing methods: a snapshot goes in, how many calls now and why comes out.

All times are seconds; instants are seconds of one clock that never runs back. Methods that
learn are told facts by :meth:`PacingMethod.observe` and can be kept over restarts by
:meth:`PacingMethod.state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeAlias

RECENT_CALLS = 40
"""Calls started last: those who are called next are taken to be as mixed as they are."""


class BusyPhase(StrEnum):
    """What keeps an agent from taking a call, when it will be over by itself."""

    TALKING = "talking"
    WRAP_UP = "wrap_up"


class ContactKind(NamedTuple):
    """What may tell one call's chance of an answer from another's.

    Args:
        hour: hour of the day at the contact's place, 0 to 23 (None: not known).
        ordinal: 1 for the contact's first call.
    """

    hour: int | None = None
    ordinal: int = 1


@dataclass(frozen=True, slots=True)
class RingingCall:
    """A call that was started and has neither been answered nor ended.

    Args:
        elapsed_s: seconds since it was started.
        kind: see :class:`ContactKind`.
    """

    elapsed_s: float
    kind: ContactKind = field(default_factory=ContactKind)


@dataclass(frozen=True, slots=True)
class BusyAgent:
    """An agent who works and will be free again.

    Args:
        phase: talking or in wrap-up.
        elapsed_s: seconds since that phase began.
    """

    phase: BusyPhase
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Account:
    """The abandon account of a campaign over its legal window.

    Args:
        persons: calls answered by a person.
        abandoned: of those, how many got no agent in time.
        cap: largest lawful share of abandoned calls; 0 forces one call per free agent.
    """

    persons: int = 0
    abandoned: int = 0
    cap: float = 0.03


@dataclass(frozen=True, slots=True)
class PacingSnapshot:
    """All that a decision rests on.

    Args:
        now_s: the present instant.
        free: agents who could take a call now.
        busy: agents who work on a call.
        waiting: answered calls that have no agent yet (being listened to for a machine, or
            waiting in the queue).
        ringing: calls on their way.
        account: the abandon account.
        next_kinds: kinds of contacts, each as often as it is there, as mixed as those who are
            called next are taken to be. Empty: nothing is known of them.
        closes_in_s: seconds of calling until the account closes for good: what it holds then is
            lost, and it must not be overdrawn. None: that does not happen, or is not known.
        contacts_left: contacts who may still be called, without those who are called now. None:
            not known.
    """

    now_s: float
    free: int
    busy: tuple[BusyAgent, ...] = ()
    waiting: int = 0
    ringing: tuple[RingingCall, ...] = ()
    account: Account = field(default_factory=Account)
    next_kinds: tuple[ContactKind, ...] = ()
    closes_in_s: float | None = None
    contacts_left: int | None = None

    @property
    def agents(self) -> int:
        """Agents who work or could."""
        return self.free + len(self.busy)


@dataclass(frozen=True, slots=True)
class PacingDecision:
    """How many calls to start now.

    Args:
        count: how many, 0 or more.
        why: one short sentence in words for supervisors, such as ``1 call for every free
            agent: 3 calls answered so far, too few to risk an abandoned one``.
        numbers: the numbers behind it by name (units in the names), for the page and the log.
        again_in_s: when to decide again if nothing happens (None: only when something does).
    """

    count: int
    why: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    again_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class RingEnded:
    """A call was answered, or ended without.

    Args:
        at_s: when.
        elapsed_s: seconds since it was started.
        person: whether a person answered (False: no answer, busy, machine, failed).
        kind: see :class:`ContactKind`.
    """

    at_s: float
    elapsed_s: float
    person: bool
    kind: ContactKind = field(default_factory=ContactKind)


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """An agent and a contact have talked for ``elapsed_s``."""

    at_s: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """An agent was done with a call ``elapsed_s`` after it had ended."""

    at_s: float
    elapsed_s: float


PacingFact: TypeAlias = RingEnded | TalkEnded | WrapUpEnded


class PacingMethod(Protocol):
    """One way to decide how many calls start now."""

    @property
    def name(self) -> str:
        """The method's name: ``progressive``, ``ratio``, ``adaptive``, ``predictive``."""
        ...

    def observe(self, fact: PacingFact) -> None:
        """Learn from a fact; methods that do not learn ignore it."""
        ...

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Decide how many calls start now; asking twice changes nothing."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what was learnt, JSON-able, for the factory of the method."""
        ...
