"""What is simulated, and what comes out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, isfinite, log, sqrt
from random import Random
from typing import Protocol

from callcamp.core.pacing.contract import ContactKind
from callcamp.errors import InvalidInput

_AFTER_S = 1e-6
"""Just after an edge: hours and seconds round differently."""


class Duration(Protocol):
    """A distribution of durations in seconds."""

    def draw(self, random: Random) -> float:
        """Return one duration."""
        ...


class Lognormal:
    """Durations whose logarithm is normal.

    Args:
        mean_s: mean in seconds, over 0.
        cv: standard deviation divided by the mean, 0 or more.
        name: what the mean is called in an error.

    Raises:
        InvalidInput: A number is out of range.
    """

    def __init__(self, mean_s: float, cv: float, name: str = "mean_s") -> None:
        _check(name, mean_s, 0.001, 86_400)
        _check("cv", cv, 0, 10)
        variance = log(1 + cv * cv)
        self.mean_s, self.cv = mean_s, cv
        self._mean, self._spread = log(mean_s) - variance / 2, sqrt(variance)

    def draw(self, random: Random) -> float:
        """Return one duration."""
        return exp(random.gauss(self._mean, self._spread))


class Measured:
    """Durations that were measured; each is as likely as any other.

    Args:
        values_s: seconds, at least one.

    Raises:
        InvalidInput: There is none, or one is negative or no number.
    """

    def __init__(self, values_s: Sequence[float]) -> None:
        if not values_s:
            raise InvalidInput("values_s: no duration is given.", field="values_s", value=[])
        for value in values_s:
            _check("values_s", value, 0, 86_400)
        self._values_s = tuple(values_s)

    def draw(self, random: Random) -> float:
        """Return one duration."""
        return self._values_s[int(random.random() * len(self._values_s))]


@dataclass(frozen=True, slots=True)
class Group:
    """Contacts that are alike.

    Args:
        contacts: how many, over 0.
        hours_ahead: how far their clocks are ahead of ``Workload.start_hour``.
        ordinal: the number of their first call in this run; 1 if they were never called.
        calls: calls they had before this run; they count towards ``most_attempts``.
    """

    contacts: int
    hours_ahead: int = 0
    ordinal: int = 1
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """A campaign to simulate.

    Args:
        agents: agents at the start.
        agent_steps: ``(hours since the start, agents)``, rising: agents who leave do so as soon
            as they are free.
        hours: how long it may run.
        answer_rate: chance that a person answers before the call is given up, 0 to 1, where
            nothing below says otherwise.
        rate_steps: ``(hours since the start, answer rate)``, rising: later answer rates.
        rates: answer rate by kind of contact; a kind that is not there is looked up without
            its hour, then without its ordinal.
        ring: seconds until a person answers, of which those under ``ring_timeout_s`` are taken.
        ring_timeout_s: when a call is given up.
        other_end: seconds until calls that no person answers end by themselves (busy, machine);
            None: they ring until given up.
        talk: seconds that agent and contact talk.
        wrap_up: seconds that the agent needs after.
        connect_limit_s: an answered call without an agent for so long is abandoned.
        cap: lawful share of abandoned calls; the method is told.
        groups: the contacts; empty: as many as are needed, never called before.
        shuffled: whether those of all groups are called in a random order, as most lists come;
            else they are mixed as evenly as can be.
        most_attempts: calls to a contact at most, while nobody answers.
        retry_after_s: seconds after the end of a call until the next one to that contact, where
            ``retry_pauses_s`` does not say otherwise.
        retry_pauses_s: the same after the first call, the second and so on (the last of them:
            after all later ones); of each row every value is as likely as any other.
        start_hour: hour of the day at the start, 0 to 23; None: hours are not known.
        lines: calls at the same time at most; None: no limit.
        retry_share: chance that a call that no person answered is followed by another one.
        closed: ``(from, to)`` in hours since the start, rising, not touching: no call starts
            then, and agents only finish what they are at.
        end_known: whether the method is told when the account closes, at the end of the hours.
    """

    agents: int = 10
    agent_steps: tuple[tuple[float, int], ...] = ()
    hours: float = 8.0
    answer_rate: float = 0.3
    rate_steps: tuple[tuple[float, float], ...] = ()
    rates: Mapping[ContactKind, float] = field(default_factory=dict)
    ring: Duration = field(default_factory=lambda: Lognormal(12.0, 0.5))
    ring_timeout_s: float = 25.0
    other_end: Duration | None = None
    talk: Duration = field(default_factory=lambda: Lognormal(120.0, 1.0))
    wrap_up: Duration = field(default_factory=lambda: Lognormal(15.0, 0.5))
    connect_limit_s: float = 2.0
    cap: float = 0.03
    groups: tuple[Group, ...] = ()
    shuffled: bool = False
    most_attempts: int = 1
    retry_after_s: float = 3600.0
    retry_pauses_s: tuple[tuple[float, ...], ...] = ()
    start_hour: int | None = None
    lines: int | None = None
    retry_share: float = 1.0
    closed: tuple[tuple[float, float], ...] = ()
    end_known: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        _check("agents", self.agents, 1, 2000)
        _check("hours", self.hours, 0.01, 1000)
        _check("ring_timeout_s", self.ring_timeout_s, 1, 300)
        _check("connect_limit_s", self.connect_limit_s, 0, 60)
        _check("cap", self.cap, 0, 1)
        _check("most_attempts", self.most_attempts, 1, 1000)
        _check("retry_after_s", self.retry_after_s, 0, 1e7)
        for pauses in self.retry_pauses_s:
            _check("retry_pauses_s", len(pauses), 1, 1000)
            for pause_s in pauses:
                _check("retry_pauses_s", pause_s, 0, 1e7)
        _check("start_hour", self.start_hour or 0, 0, 23)
        _check("retry_share", self.retry_share, 0, 1)
        _check("lines", 1 if self.lines is None else self.lines, 1, 100_000)
        for rate in (
            self.answer_rate,
            *(rate for _, rate in self.rate_steps),
            *self.rates.values(),
        ):
            _check("answer_rate", rate, 0, 1)
        for _, agents in self.agent_steps:
            _check("agents", agents, 0, 2000)
        for group in self.groups:
            _check("contacts", group.contacts, 1, 10_000_000)


@dataclass(frozen=True, slots=True)
class SimResult:
    """What came out.

    Args:
        occupancy: share of the agents' time spent in talk and wrap-up.
        abandon_rate: abandoned / answered; 0 when nothing was answered.
        calls: calls started.
        answered: calls that a person answered.
        abandoned: of those, how many got no agent within the limit.
        worst_excess_calls: largest ``abandoned - cap * answered`` at any instant; calls over
            the cap. Never under 0, for that is where it starts.
        final_excess_calls: the same at the end; negative under the cap.
        calls_per_hour: calls started in an hour.
        talks_per_hour: contacts who got an agent in an hour.
        duration_s: until the last contact was through, or all of the time.
        contacts_through: contacts who need no further call (0 without groups).
        contacts_left: those who do.
        agent_hours: time that agents were there.
        most_lines: most calls that rang, waited or talked at the same time.
        decisions: how often the method was asked.
    """

    occupancy: float
    abandon_rate: float
    calls: int
    answered: int
    abandoned: int
    worst_excess_calls: float
    final_excess_calls: float
    calls_per_hour: float
    talks_per_hour: float
    duration_s: float
    contacts_through: int
    contacts_left: int
    agent_hours: float
    most_lines: int
    decisions: int


def opens_at(workload: Workload, now_s: float) -> float | None:
    """Return when a workload that is closed now opens again, in seconds; None: it is open."""
    if not workload.closed:
        return None
    hours = now_s / 3600
    index = bisect_right(workload.closed, (hours, float("inf"))) - 1
    if index < 0 or hours >= workload.closed[index][1]:
        return None
    return max(now_s, workload.closed[index][1] * 3600) + _AFTER_S


def open_s_left(workload: Workload, now_s: float) -> float:
    """Return how many seconds of calling a workload has left."""
    end_s = workload.hours * 3600
    shut_s = sum(
        max(0.0, min(until * 3600, end_s) - max(since * 3600, now_s))
        for since, until in workload.closed
    )
    return max(0.0, end_s - now_s - shut_s)


def _check(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number out of range.

    Raises:
        InvalidInput: It is.
    """
    if not isfinite(value) or not least <= value <= most:
        raise InvalidInput(
            f"{name}: {value:g} is not from {least:g} to {most:g}.", field=name, value=value
        )
