"""What earlier calls tell a forecast: answer rates and times, measured or assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from callcamp.core.agents import AgentState
from callcamp.core.model import Attempt, Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.schedule import local_hour
from callcamp.core.states import AttemptStatus
from callcamp.ports import Store

ENOUGH_CALLS = 200
"""With fewer calls nothing is measured on them."""
ENOUGH_TIMES = 50
"""With fewer talks, or calls at an hour, these are not measured."""
MOST_CALLS = 5000
"""Calls that are read at most."""
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
    """

    figures: Mapping[str, Figure]
    rates: Sequence[tuple[int | None, int, float]]
    times: Mapping[str, Mapping[str, Any]]


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
    calls, basis = await _own(store, campaign.id), "this campaign"
    if len(calls) < ENOUGH_CALLS:
        calls, basis = await _others(store, campaign), "other campaigns"
    wrap_up = await _wrap_up(store, campaign, now)
    return measured(campaign, calls, basis, wrap_up, answer_rate)


def measured(
    campaign: Campaign,
    calls: Sequence[Attempt],
    basis: str,
    wrap_up: Figure | None = None,
    answer_rate: float | None = None,
) -> History:
    """Return what calls tell.

    Args:
        campaign: for which campaign.
        calls: ended calls; fewer than :data:`ENOUGH_CALLS` tell nothing.
        basis: whose calls they are.
        wrap_up: the mean wrap-up time, if it was measured.
        answer_rate: the answer rate to take instead.
    """
    settings, enough = campaign.settings, len(calls) >= ENOUGH_CALLS
    on = f"measured on {len(calls):,} calls of {basis}"
    people = [call for call in calls if call.disposition in _PERSON]
    others = [call for call in calls if call.disposition not in _PERSON]
    rings = _seconds((c.dialed_at, c.answered_at) for c in people)
    # Without agents a talk begins with the answer.
    attended = settings.agents.attended
    talks = _seconds((c.connected_at if attended else c.answered_at, c.ended_at) for c in people)
    ends = _seconds((c.dialed_at, c.ended_at) for c in others)
    figures: dict[str, Figure] = {}
    times: dict[str, Mapping[str, Any]] = {}
    rates: Sequence[tuple[int | None, int, float]] = ()
    if answer_rate is not None:
        figures["answer_rate"] = Figure(answer_rate, "given")
    elif enough:
        figures["answer_rate"] = Figure(len(people) / len(calls), on)
        rates = _rates(calls, settings.window.zone)
    else:
        figures["answer_rate"] = Figure(ASSUMED_ANSWER_RATE, "assumed")
    assumed_talk = ASSUMED_TALK if attended else ASSUMED_PROMPT
    cases: tuple[tuple[str, list[float], Mapping[str, Any], str], ...] = (
        ("ring", rings, ASSUMED_RING, "answered calls"),
        ("talk", talks, assumed_talk, "talks"),
        ("other_end", ends, {"values_s": [float(settings.ring_timeout_s)]}, "unanswered calls"),
    )
    for name, values, assumed, what in cases:
        if enough and len(values) >= ENOUGH_TIMES:
            times[name] = {"values_s": _spread(values)}
            told = f"measured on {len(values):,} {what} of {basis}"
            figures[f"{name}_s"] = Figure(sum(values) / len(values), told)
        else:
            times[name] = assumed
            mean_s = assumed.get("mean_s", float(settings.ring_timeout_s))
            figures[f"{name}_s"] = Figure(float(mean_s), "assumed")
    shown = wrap_up or Figure(float(settings.agents.wrap_up_s), "assumed: the campaign's setting")
    times["wrap_up"] = {"mean_s": max(0.1, shown.value), "cv": 0.5}
    if attended:
        figures["wrap_up_s"] = shown
    again = sum(call.disposition in settings.retry.retry_on for call in others)
    figures["retry_share"] = (
        Figure(again / len(others), on) if enough and others else Figure(1.0, "assumed")
    )
    return History(figures, rates, times)


def _rates(calls: Sequence[Attempt], zone: str) -> list[tuple[int | None, int, float]]:
    made: Counter[tuple[int | None, int]] = Counter()
    answered: Counter[tuple[int | None, int]] = Counter()
    for call in calls:
        hour = local_hour(call.dialed_at or call.claimed_at, zone)
        for kind in ((hour, call.round_ordinal), (None, call.round_ordinal)):
            made[kind] += 1
            answered[kind] += call.disposition in _PERSON
    kinds = sorted((k for k in made if made[k] >= ENOUGH_TIMES), key=lambda k: (k[0] or -1, k[1]))
    return [(hour, n, answered[hour, n] / made[hour, n]) for hour, n in kinds]


def _seconds(spans: Any) -> list[float]:
    return [
        (end - start).total_seconds()
        for start, end in spans
        if start is not None and end is not None and end >= start
    ]


def _spread(values: Sequence[float]) -> list[float]:
    """Return at most :data:`_VALUES` of the values that are spread as all of them."""
    ordered = sorted(min(value, 86_400.0) for value in values)
    step = max(1.0, len(ordered) / _VALUES)
    return [round(ordered[int((n + 0.5) * step)], 3) for n in range(int(len(ordered) / step))]


async def _own(store: Store, campaign_id: int, most: int = MOST_CALLS) -> list[Attempt]:
    found: list[Attempt] = []
    after_id = ""
    while len(found) < most:
        page = await store.attempts(campaign_id, after_id=after_id, limit=_PAGE)
        if not page:
            break
        after_id = page[-1].id
        found += [
            one
            for one in page
            if one.status is AttemptStatus.ENDED and one.dialed_at and one.disposition
        ]
    return found


async def _others(store: Store, campaign: Campaign) -> list[Attempt]:
    """Return calls of other campaigns, those with agents for one with, and so on."""
    found: list[Attempt] = []
    attended = campaign.settings.agents.attended
    alike = [
        one
        for one in await store.campaigns()
        if one.id != campaign.id and one.settings.agents.attended is attended
    ]
    for other in alike[:MOST_CAMPAIGNS]:
        found += await _own(store, other.id, 1000)
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
