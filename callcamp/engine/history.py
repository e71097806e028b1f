"""What earlier calls tell a forecast: answer rates and times, measured or assumed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from callcamp.core.agents import AgentState
from callcamp.core.model import Attempt, Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.schedule import local_hour
from callcamp.core.states import AttemptStatus
from callcamp.ports import Store

ENOUGH_CALLS = 200
"""With fewer calls nothing is measured on them; with fewer of its own, others count too."""
ENOUGH_TIMES = 50
"""With fewer talks, or calls at an hour, these are not measured."""
MOST_CALLS = 5000
"""Calls that are read at most, the newest."""
MOST_OF_ONE = 1000
"""Of these, calls of one other campaign."""
MOST_CAMPAIGNS = 50
"""Other campaigns that are looked at, the newest first."""
LOOK_BACK = timedelta(days=30)
"""How old shifts may be whose wrap-up times count."""
_PAGE = 250
_VALUES = 400
_PERSON = frozenset({Disposition.ANSWERED_PERSON, Disposition.ABANDONED})
ASSUMED_ANSWER_RATE = 0.3
ASSUMED_RING = {"mean_s": 12.0, "cv": 0.5}
ASSUMED_TALK = {"mean_s": 120.0, "cv": 1.0}
ASSUMED_PROMPT = {"mean_s": 30.0, "cv": 0.5}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a forecast rests on.

    Args:
        value: the number: a share, or the mean of a time in seconds.
        basis: ``assumed``, ``given``, or what it was measured on, in words.
    """

    value: float
    basis: str


@dataclass(frozen=True, slots=True)
class History:
    """What earlier calls tell.

    Args:
        figures: ``answer_rate``, ``ring_s``, ``talk_s``, ``wrap_up_s``, ``retry_share``.
        rates: ``(hour, ordinal, answer rate)``; an hour of None is any, on the campaign's clock.
        times: ``ring``, ``talk``, ``wrap_up`` and ``other_end`` as the simulation takes them.
        again: of the unanswered calls that are called again, the share of each result.
    """

    figures: Mapping[str, Figure]
    rates: Sequence[tuple[int | None, int, float]]
    times: Mapping[str, Mapping[str, Any]]
    again: Mapping[Disposition, float]


async def history_of(
    store: Store, campaign: Campaign, now: datetime, answer_rate: float | None = None
) -> History:
    """Return what the calls of a campaign tell, else those of others, else what is assumed.

    Args:
        store: where the calls are.
        campaign: for which campaign.
        now: the instant.
        answer_rate: the answer rate to take instead of a measured one.
    """
    own = await _newest(store, campaign.id, MOST_CALLS)
    others = await _others(store, campaign) if len(own) < ENOUGH_CALLS else []
    wrap_up = await _wrap_up(store, campaign, now)
    return measured(campaign, own, others, wrap_up, answer_rate)


def measured(
    campaign: Campaign,
    own: Sequence[Attempt],
    others: Sequence[Attempt] = (),
    wrap_up: Figure | None = None,
    answer_rate: float | None = None,
) -> History:
    """Return what calls tell.

    Those of other campaigns count together as much as the campaign lacks to
    :data:`ENOUGH_CALLS` of its own, so they fade out as it goes on.

    Args:
        campaign: for which campaign.
        own: its ended calls.
        others: ended calls of campaigns like it.
        wrap_up: the mean wrap-up time, if it was measured.
        answer_rate: the answer rate to take instead.
    """
    settings = campaign.settings
    sample = _Sample.of(own, others)
    people, unreached = sample.split()
    attended = settings.agents.attended
    figures: dict[str, Figure] = {}
    times: dict[str, Mapping[str, Any]] = {}
    rates: Sequence[tuple[int | None, int, float]] = ()
    if answer_rate is not None:
        figures["answer_rate"] = Figure(answer_rate, "given")
    elif sample.enough:
        figures["answer_rate"] = Figure(people.weight / sample.weight, sample.basis("calls"))
        rates = _rates(sample, settings.window.zone)
    else:
        figures["answer_rate"] = Figure(ASSUMED_ANSWER_RATE, "assumed")
    # Without agents a talk begins with the answer.
    spans: tuple[tuple[str, _Sample, _Span, Mapping[str, Any], str], ...] = (
        ("ring", people, lambda c: (c.dialed_at, c.answered_at), ASSUMED_RING, "answered calls"),
        (
            "talk",
            people,
            lambda c: (c.connected_at if attended else c.answered_at, c.ended_at),
            ASSUMED_TALK if attended else ASSUMED_PROMPT,
            "talks",
        ),
        (
            "other_end",
            unreached,
            lambda c: (c.dialed_at, c.ended_at),
            {"values_s": [float(settings.ring_timeout_s)]},
            "unanswered calls",
        ),
    )
    for name, part, span, assumed, what in spans:
        timed = part.timed(span)
        if sample.enough and len(timed.calls) >= ENOUGH_TIMES:
            times[name] = {"values_s": timed.spread(span)}
            figures[f"{name}_s"] = Figure(timed.mean(span), timed.basis(what))
        else:
            times[name] = assumed
            mean_s = assumed.get("mean_s", float(settings.ring_timeout_s))
            figures[f"{name}_s"] = Figure(float(mean_s), "assumed")
    shown = wrap_up or Figure(float(settings.agents.wrap_up_s), "assumed: the campaign's setting")
    times["wrap_up"] = {"mean_s": max(0.1, shown.value), "cv": 0.5}
    if attended:
        figures["wrap_up_s"] = shown
    again = defaultdict[Disposition, float](float)
    for call, weight in unreached.calls:
        if call.disposition is not None and call.disposition in settings.retry.retry_on:
            again[call.disposition] += weight
    figures["retry_share"] = Figure(1.0, "assumed")
    if sample.enough and unreached.calls:
        part_again = sum(again.values()) / unreached.weight
        figures["retry_share"] = Figure(part_again, sample.basis("calls"))
    if not sample.enough:
        again.clear()
    if not again:
        again[Disposition.NO_ANSWER] = 1.0
    total = sum(again.values())
    return History(figures, rates, times, {d: weight / total for d, weight in again.items()})


_Span = Callable[[Attempt], tuple[datetime | None, datetime | None]]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Calls, and what each counts.

    Args:
        calls: the calls with their weights.
        own: how many of them are of the campaign itself; these come first.
    """

    calls: Sequence[tuple[Attempt, float]]
    own: int

    @classmethod
    def of(cls, own: Sequence[Attempt], others: Sequence[Attempt]) -> _Sample:
        lacking = max(0, ENOUGH_CALLS - len(own))
        if not lacking:
            others = ()
        each = lacking / len(others) if others else 0.0
        calls = [(call, 1.0) for call in own] + [(call, each) for call in others]
        return cls(calls, len(own))

    @property
    def enough(self) -> bool:
        return len(self.calls) >= ENOUGH_CALLS

    @property
    def weight(self) -> float:
        return sum(weight for _, weight in self.calls)

    def split(self) -> tuple[_Sample, _Sample]:
        """Return the calls that a person answered, and the rest."""
        return (
            self.where(lambda call: call.disposition in _PERSON),
            self.where(lambda call: call.disposition not in _PERSON),
        )

    def where(self, fits: Callable[[Attempt], bool]) -> _Sample:
        found = [n for n, (call, _) in enumerate(self.calls) if fits(call)]
        return _Sample([self.calls[n] for n in found], sum(n < self.own for n in found))

    def timed(self, span: _Span) -> _Sample:
        """Return the calls that have both ends of a span."""
        return self.where(lambda call: _seconds(*span(call)) is not None)

    def mean(self, span: _Span) -> float:
        """Return the mean of a span that all have, in seconds."""
        spent = sum((_seconds(*span(call)) or 0.0) * weight for call, weight in self.calls)
        return spent / self.weight

    def spread(self, span: _Span) -> list[float]:
        """Return at most :data:`_VALUES` seconds that are spread as the spans of all."""
        rows = sorted(
            (min(_seconds(*span(call)) or 0.0, 86_400.0), weight) for call, weight in self.calls
        )
        alike = len({weight for _, weight in rows}) == 1
        count = min(_VALUES, len(rows)) if alike else _VALUES
        passed = list(accumulate(weight for _, weight in rows))
        marks = ((n + 0.5) / count * passed[-1] for n in range(count))
        places = (min(bisect_right(passed, mark), len(rows) - 1) for mark in marks)
        return [round(rows[place][0], 3) for place in places]

    def basis(self, what: str) -> str:
        """Return in words what was measured on."""
        others = len(self.calls) - self.own
        if not others:
            return f"measured on {self.own:,} {what} of this campaign"
        if not self.own:
            return f"measured on {others:,} {what} of other campaigns"
        return f"measured on {self.own:,} {what} of this campaign and {others:,} of others"


def _rates(sample: _Sample, zone: str) -> list[tuple[int | None, int, float]]:
    calls = Counter[tuple[int | None, int]]()
    made = defaultdict[tuple[int | None, int], float](float)
    answered = defaultdict[tuple[int | None, int], float](float)
    for call, weight in sample.calls:
        hour = local_hour(call.dialed_at or call.claimed_at, zone)
        for kind in ((hour, call.round_ordinal), (None, call.round_ordinal)):
            calls[kind] += 1
            made[kind] += weight
            answered[kind] += weight * (call.disposition in _PERSON)
    kinds = sorted((k for k in calls if calls[k] >= ENOUGH_TIMES), key=_order)
    return [(hour, n, answered[hour, n] / made[hour, n]) for hour, n in kinds]


def _order(kind: tuple[int | None, int]) -> tuple[int, int]:
    return (-1 if kind[0] is None else kind[0], kind[1])


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds()


async def _newest(store: Store, campaign_id: int, most: int) -> list[Attempt]:
    """Return the newest ended calls of a campaign."""
    found: list[Attempt] = []
    before_id = ""
    for _ in range(2 * most // _PAGE):
        page = await store.newest_attempts(campaign_id, before_id=before_id, limit=_PAGE)
        found += [
            one
            for one in page
            if one.status is AttemptStatus.ENDED and one.dialed_at and one.disposition
        ]
        if len(page) < _PAGE or len(found) >= most:
            break
        before_id = page[-1].id
    return found[:most]


async def _others(store: Store, campaign: Campaign) -> list[Attempt]:
    """Return the newest calls of campaigns like this one, those most like it first."""
    found: list[Attempt] = []
    ours = campaign.settings
    alike = [
        one
        for one in await store.campaigns()
        if one.id != campaign.id
        and one.settings.agents.attended is ours.agents.attended
        # Without it, machines count as people.
        and one.settings.detect_machines is ours.detect_machines
    ]
    alike.sort(key=lambda one: one.settings.trunk_id != ours.trunk_id)
    for other in alike[:MOST_CAMPAIGNS]:
        found += await _newest(store, other.id, MOST_OF_ONE)
        if len(found) >= MOST_CALLS:
            break
    return found


async def _wrap_up(store: Store, campaign: Campaign, now: datetime) -> Figure | None:
    if not campaign.settings.agents.attended:
        return None
    for campaign_id, whose in ((campaign.id, "this campaign"), (None, "other campaigns")):
        works = await store.agent_work(since=now - LOOK_BACK, until=now, campaign_id=campaign_id)
        calls = sum(work.calls for work in works)
        if calls >= ENOUGH_TIMES:
            spent_s = sum(work.seconds.get(AgentState.WRAP_UP, 0.0) for work in works)
            return Figure(spent_s / calls, f"measured on {calls:,} talks of {whose}")
    return None
