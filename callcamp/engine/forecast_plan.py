"""How a forecast is simulated, and what its results mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from callcamp.core.agent_settings import ON_THE_LINE, DialMethod
from callcamp.core.model import Campaign, Trunk
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.retry import pause_s
from callcamp.core.ruleset import RuleSet
from callcamp.engine.history import History
from callcamp.engine.open_hours import OpenHours

_DECISIONS = 8_000
_CALLS = 10_000
_MOST_HOURS = 1000.0
_MOST_LEVEL = 0.8
_PARTS = 40
_PAUSES = 30


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest, the middle and the highest of what the simulations gave."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a campaign would do.

    Args:
        campaign: the campaign.
        begins_at: when its hours are open first (None: never).
        total: contacts in all.
        to_call: contacts that would be called; with ``excluded`` they add up to the total.
        excluded: contacts by the reason why they would not.
        agents: for how many agents (None: the campaign has none).
        history: what it rests on.
        scaled: the share of the contacts that was simulated; 1: all.
        seeds: of the random numbers.
        ends: when the last contact is done, earliest, likely and latest (None: it does not
            get through).
        closes_at: when the campaign's day or date is over (None: not by the clock).
        left: contacts that are not done by then.
        calls: calls in all.
        calls_per_hour: calls in an open hour.
        abandoned: share of abandoned calls among those answered by a person (None: no agents).
        occupancy: share of the agents' time in talk and wrap-up (None: no agents).
        notes: what was simplified, as sentences.
    """

    campaign: Campaign
    begins_at: datetime | None
    total: int
    to_call: int
    excluded: Mapping[Reason, int]
    agents: int | None
    history: History
    scaled: float = 1.0
    seeds: tuple[int, ...] = ()
    ends: tuple[datetime | None, datetime | None, datetime | None] = (None, None, None)
    closes_at: datetime | None = None
    left: Range = Range(0, 0, 0)
    calls: Range = Range(0, 0, 0)
    calls_per_hour: Range = Range(0, 0, 0)
    abandoned: Range | None = None
    occupancy: Range | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        earliest, likely, latest = (at and at.isoformat() for at in self.ends)
        return {
            "campaign_id": self.campaign.id,
            "method": self.campaign.settings.agents.method.value,
            "begins_at": self.begins_at and self.begins_at.isoformat(),
            "contacts": self.total,
            "to_call": self.to_call,
            "excluded": {
                reason.value: {"count": n, "text": REASON_MEANING[reason].text}
                for reason, n in sorted(self.excluded.items(), key=lambda one: (-one[1], one[0]))
            },
            "agents": self.agents,
            "ends_at": {"earliest": earliest, "likely": likely, "latest": latest},
            "closes_at": self.closes_at and self.closes_at.isoformat(),
            "left": asdict(self.left),
            "calls": asdict(self.calls),
            "calls_per_hour": asdict(self.calls_per_hour),
            "abandoned": self.abandoned and asdict(self.abandoned),
            "occupancy": self.occupancy and asdict(self.occupancy),
            "rests_on": {name: asdict(one) for name, one in self.history.figures.items()},
            "scaled": self.scaled,
            "seeds": list(self.seeds),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """How a forecast is simulated, and what its results mean.

    Args:
        forecast: what is known before.
        rules: the campaign's rules.
        trunk: its trunk.
        hours: when it may call, up to its end.
        retried: contacts that were called before.
        learnt: what the pacing method has learnt of the campaign so far (None: nothing).
    """

    forecast: Forecast
    rules: RuleSet
    trunk: Trunk
    hours: OpenHours
    retried: int
    learnt: Mapping[str, Any] | None = None

    def job(self, seeds: Sequence[int]) -> dict[str, Any]:
        """Return the job for the child process."""
        forecast = self.forecast
        campaign, history = forecast.campaign, forecast.history
        settings, agents = campaign.settings, forecast.agents
        method, times = settings.agents.method, {k: dict(v) for k, v in history.times.items()}
        share = self._share()
        whole = share == 1
        lines = min(settings.concurrency, self.trunk.max_channels or settings.concurrency)
        ring_timeout_s = float(settings.ring_timeout_s)
        if agents is None:
            # Here a call takes its line however it ends; a machine may be talked to for longer.
            ring_timeout_s = 300.0
        if method is DialMethod.PREVIEW:
            work_s = settings.agents.before_call_work_s
            ring_timeout_s += work_s
            times["ring"], times["other_end"] = (
                _later(times[name], work_s) for name in ("ring", "other_end")
            )
        begins_at = self.hours.spans[0][0]
        measured = history.figures["other_end_s"].basis != "assumed"
        workload = {
            "agents": agents or 1,
            "hours": min(
                _MOST_HOURS, self.hours.last_s(_MOST_HOURS) / 3600 if whole else _MOST_HOURS
            ),
            "answer_rate": history.figures["answer_rate"].value,
            "rates": [list(one) for one in history.rates] if whole else self._any_hour(),
            "ring": times["ring"],
            "ring_timeout_s": min(300.0, ring_timeout_s),
            "other_end": times["other_end"] if measured or agents is None else None,
            "talk": times["talk"],
            "wrap_up": times["wrap_up"],
            "connect_limit_s": min(60.0, self._patience_s()),
            "cap": self._cap(),
            "groups": self._groups(share),
            "most_attempts": settings.retry.max_attempts,
            "retry_pauses_s": self._pauses(share),
            "retry_share": history.figures["retry_share"].value,
            "start_hour": begins_at.astimezone(self.rules.calendar.zone).hour if whole else None,
            "lines": lines,
            "closed": self.hours.closed_hours(_MOST_HOURS) if whole else [],
        }
        return {
            "method": None if agents is None else pacing_name(method),
            "pickup_rate": settings.agents.pickup_rate,
            "learnt": self.learnt,
            "cps": self.trunk.cps,
            "seeds": list(seeds),
            "share": share,
            "workload": workload,
        }

    def read(self, results: Sequence[Mapping[str, Any]], job: Mapping[str, Any]) -> Forecast:
        """Return the forecast with what came out of the simulations.

        Args:
            results: fields of :class:`callcamp.simulation.SimResult`, for every seed.
            job: what was simulated.
        """
        forecast, share = self.forecast, job["share"]
        ends: list[datetime | None] = []
        left: list[float] = []
        calls: list[float] = []
        rates: list[float] = []
        for one in results:
            open_s = one["duration_s"] / share
            if share == 1:
                open_s = self.hours.open_s_at(one["duration_s"])
            done = one["contacts_left"] == 0
            at = self.hours.at(open_s) if done else None
            part = 1.0
            if done and at is None:
                part = self.hours.total_s / open_s
            ends.append(at)
            left.append(
                round(forecast.to_call * (1 - part))
                if done
                else round(one["contacts_left"] / share)
            )
            calls.append(round(one["calls"] / share * part))
            rates.append(round(one["calls"] / share / max(open_s, 1.0) * 3600, 1))
        attended = forecast.agents is not None
        known = sorted((at is None, at or forecast.begins_at) for at in ends)
        shown = [None if none else at for none, at in known]
        return Forecast(
            forecast.campaign,
            forecast.begins_at,
            forecast.total,
            forecast.to_call,
            forecast.excluded,
            forecast.agents,
            forecast.history,
            scaled=share,
            seeds=tuple(job["seeds"]),
            ends=(shown[0], shown[len(shown) // 2], shown[-1]),
            closes_at=self.hours.ends_at,
            left=_range(left),
            calls=_range(calls),
            calls_per_hour=_range(rates),
            abandoned=_range([one["abandon_rate"] for one in results]) if attended else None,
            occupancy=_range([one["occupancy"] for one in results]) if attended else None,
            notes=forecast.notes,
        )

    def _share(self) -> float:
        """Return which share of the contacts is simulated, so that it takes seconds."""
        forecast = self.forecast
        history, settings = forecast.history, forecast.campaign.settings
        rate = max(0.01, history.figures["answer_rate"].value)
        again = (1 - rate) * history.figures["retry_share"].value
        per_contact = sum(again**n for n in range(min(50, settings.retry.max_attempts)))
        calls = forecast.to_call * per_contact
        if forecast.agents is None:
            return min(1.0, _CALLS / calls)
        talk_s = history.figures["talk_s"].value + history.figures["wrap_up_s"].value
        calls_per_s = forecast.agents * _MOST_LEVEL / max(1.0, talk_s) / rate
        # A decision a second, and one for every step of a call; it takes longer with more agents.
        steps = calls / calls_per_s + calls * 3
        share = (
            _DECISIONS / steps
            if pacing_name(settings.agents.method) == "predictive"
            else (5 * _DECISIONS / steps)
        )
        return min(1.0, max(share, 200 / forecast.to_call))

    def _groups(self, share: float) -> list[dict[str, int]]:
        fresh = self.forecast.to_call - self.retried
        most = self.forecast.campaign.settings.retry.max_attempts
        groups = [
            {"contacts": round(fresh * share)},
            {"contacts": round(self.retried * share), "ordinal": 2, "calls": min(1, most - 1)},
        ]
        return [one for one in groups if one["contacts"]] or [{"contacts": 1}]

    def _pauses(self, share: float) -> list[list[float]]:
        """Return the pauses after each call, as often as the results that they follow."""
        policy, history = self.forecast.campaign.settings.retry, self.forecast.history
        known: dict[float, float] = {}

        def simulated(delay_s: float) -> float:
            if share == 1:
                return delay_s
            if delay_s not in known:
                known[delay_s] = self.hours.open_part_s(delay_s) * share
            return known[delay_s]

        return [
            [
                simulated(float(pause_s(policy, disposition, ordinal)))
                for disposition, part in sorted(history.again.items())
                for _ in range(max(1, round(part * _PARTS)))
            ]
            for ordinal in range(1, max(2, min(policy.max_attempts, _PAUSES)))
        ]

    def _any_hour(self) -> list[list[Any]]:
        """Return the answer rates without those of single hours: scaled time has no hours."""
        return [list(one) for one in self.forecast.history.rates if one[0] is None]

    def _patience_s(self) -> float:
        settings = self.forecast.campaign.settings.agents
        if settings.method is DialMethod.CLIENT_FIRST:
            return float(settings.wait_most_s)
        return settings.connect_limit_s

    def _cap(self) -> float:
        settings = self.forecast.campaign.settings
        caps = [rule.cap for rule in self.rules.rules.abandons]
        margin = 0.9 if settings.detect_machines else 1.0
        return min([*caps, settings.agents.abandon_cap]) * margin


def pacing_name(method: DialMethod) -> str:
    """Return the pacing method that stands for a way of dialling in a simulation."""
    one_each = ON_THE_LINE | {DialMethod.CLIENT_FIRST}
    return DialMethod.PROGRESSIVE.value if method in one_each else method.value


def _later(times: Mapping[str, Any], by_s: float) -> dict[str, Any]:
    if "values_s" in times:
        return {"values_s": [value + by_s for value in times["values_s"]]}
    return {"mean_s": times["mean_s"] + by_s, "cv": times["cv"]}


def _range(values: Sequence[float]) -> Range:
    ordered = sorted(round(value, 4) for value in values)
    return Range(ordered[0], ordered[len(ordered) // 2], ordered[-1])
