"""Forecasts beside what came of them: campaigns of several kinds on the simulated switch.

Every kind is forecast from what an earlier campaign to the same people measured, and then run,
once for each seed, on an engine whose time passes only when nobody has anything to do. The error
of a figure is how far the forecast's likely value is from what came of it.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from datetime import datetime
from pathlib import Path
from statistics import mean

import structlog

from benchmarks.figures import Figures, at_most
from benchmarks.forecast_runs import (
    LUNCH,
    OFFICE,
    PARIS,
    Compared,
    Kind,
    Rig,
    attended,
    compare,
)
from callcamp.core.agent_settings import DialMethod
from callcamp.core.campaign_settings import RetryPolicy
from callcamp.store import migrate
from callcamp.switch.simulated import CalleeModel

NAME = "forecast"
SECONDS = 600
SEEDS = (1, 2, 3)
AIM = 0.1
PEOPLE = CalleeModel(
    answer=0.4,
    machine=0.0,
    amd_error=0.0,
    ring_mean_s=8.0,
    conversation_mean_s=30.0,
    conversation_cv=0.7,
)
FRIDAY = datetime(2027, 3, 19, 17, 30, tzinfo=PARIS)
KINDS = (
    Kind("lines: 15 at once", 400, {"concurrency": 15}, before=250),
    Kind("calls a second: 2", 400, {"concurrency": 200}, cps=2.0, before=250),
    Kind(
        "3 attempts, pauses of 20 and 40 min",
        200,
        {"concurrency": 15, "retry": RetryPolicy(max_attempts=3, delay_s=1200, growth=2.0)},
        before=250,
    ),
    Kind(
        "lunch in between, 2 attempts",
        300,
        {
            "concurrency": 3,
            "retry": RetryPolicy(max_attempts=2, delay_s=1800),
            "window": OFFICE,
            "hours": LUNCH,
        },
        before=250,
    ),
    Kind(
        "over a weekend, 2 attempts",
        300,
        {
            "concurrency": 3,
            "retry": RetryPolicy(max_attempts=2, delay_s=600),
            "window": OFFICE,
        },
        before=250,
        begins=FRIDAY,
    ),
    Kind("6 agents, progressive", 400, attended(DialMethod.PROGRESSIVE), agents=6, before=250),
    Kind("10 agents, agent first", 400, attended(DialMethod.AGENT_FIRST), agents=10, before=250),
    Kind("10 agents, predictive", 800, attended(DialMethod.PREDICTIVE), agents=10, before=250),
)


async def run() -> Figures:
    """Forecast and run every kind with every seed."""
    found = await asyncio.to_thread(measured)
    worst = {kind.name: _mean(found[kind.name]) for kind in KINDS}
    figures: Figures = {}
    for name, aim in (("time", AIM), ("calls", AIM), ("rate", AIM), ("occupancy", 0.05)):
        errors = {kind: round(errors[name], 4) for kind, errors in worst.items()}
        figures[f"forecast_{name}_error"] = at_most(
            max(abs(error) for error in errors.values()), 1.0, aim, "share", kinds=errors
        )
    errors = {kind: round(errors["abandon"], 4) for kind, errors in worst.items()}
    figures["forecast_abandon_error"] = at_most(
        max(abs(error) for error in errors.values()), 1.0, 0.01, "share", kinds=errors
    )
    return figures


def measured() -> dict[str, list[Compared]]:
    """Return every kind with what came of each seed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found: dict[str, list[Compared]] = {}
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.sqlite3"
        migrate(f"sqlite:///{empty}")
        database = empty.read_bytes()
        for kind in KINDS:
            found[kind.name] = [
                compare([kind], Rig(Path(folder), database, PEOPLE, seed))[0] for seed in SEEDS
            ]
    return found


def _mean(runs: list[Compared]) -> dict[str, float]:
    names = ("time", "calls", "rate", "occupancy", "abandon")
    return {name: mean(getattr(one, f"{name}_error") for one in runs) for name in names}


def table(found: dict[str, list[Compared]]) -> list[str]:
    """Return the table of the documentation, a line each."""
    heads = "| campaign | open minutes | calls | calls an hour | occupancy % | abandoned % |"
    lines = [heads, "|---|---|---|---|---|---|"]
    for name, runs in found.items():
        pairs = [
            _pair([(one.said_s / 60, one.run.open_s / 60) for one in runs], 1),
            _pair([(one.forecast.calls.likely, one.run.calls) for one in runs], 0),
            _pair(
                [(one.forecast.calls_per_hour.likely, one.run.calls_per_hour) for one in runs], 0
            ),
        ]
        with_agents = [one for one in runs if one.run.occupancy is not None]
        pairs += [
            _pair([(one.said(what) * 100, one.was(what) * 100) for one in with_agents], 1)
            for what in ("occupancy", "abandoned")
        ]
        lines.append(f"| {name} | {' | '.join(pairs)} |")
    return lines


def _pair(rows: list[tuple[float, float]], digits: int) -> str:
    return ", ".join(f"{said:,.{digits}f} / {was:,.{digits}f}" for said, was in rows)


if __name__ == "__main__":
    print("\n".join(table(measured())))
