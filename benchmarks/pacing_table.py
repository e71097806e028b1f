"""Draw the tables of ``docs/pacing.md``: ``python -m benchmarks.pacing_table [--seeds 3] ...``.

All methods meet the same people: the n-th call of a seed has the same fate under each.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

from callcamp.core.pacing import make_method
from callcamp.core.pacing.adaptive import Tuning
from callcamp.core.pacing.contract import (
    ContactKind,
    PacingDecision,
    PacingFact,
    PacingMethod,
    PacingSnapshot,
    RingEnded,
)
from callcamp.simulation import Group, Lognormal, SimResult, Workload, simulate

Maker = Callable[[], PacingMethod]
_TUNING_SEED = 100
_ANSWER_RATE = 0.3
_HEADS = (
    (
        "| agents | method | occupancy % | each seed | most abandoned % | worst excess, calls |\n"
        "|---|---|---|---|---|---|"
    ),
    (
        "| agents | list | told % | not told % | more | most abandoned % | worst excess, calls "
        "| at the end |\n|---|---|---|---|---|---|---|---|"
    ),
)


def ours() -> PacingMethod:
    """Return the method that learns."""
    return make_method("predictive")


class Blind:
    """The method that learns, not told what kind of contact it calls."""

    name = "predictive, blind"

    def __init__(self) -> None:
        self._method = ours()

    def observe(self, fact: PacingFact) -> None:
        """Learn from a fact, whatever kind it is of."""
        self._method.observe(
            replace(fact, kind=ContactKind()) if isinstance(fact, RingEnded) else fact
        )

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Decide as if all calls were alike."""
        ringing = tuple(replace(call, kind=ContactKind()) for call in snapshot.ringing)
        return self._method.decide(replace(snapshot, ringing=ringing, next_kinds=()))

    def state(self) -> dict[str, Any]:
        """Return what was learnt."""
        return self._method.state()


def tuned(agents: int) -> Tuning:
    """Return the parameters of ``adaptive`` with the highest occupancy under the cap.

    They are looked for on a seed of their own, so that the others are new to them.
    """
    best, most = Tuning(), 0.0
    workload = Workload(agents=agents, hours=8 if agents <= 20 else 3)
    grid = itertools.product((-20.0, -10.0, 0.0), (-0.5, 0.0, 0.5, 1.0), (0.6, 0.85), (1.3, 3.0))
    for intensity, waiting, share, level in grid:
        tuning = Tuning(share, level, intensity, waiting)
        ran = simulate(workload, make_method("adaptive", tuning=tuning), _TUNING_SEED)
        if ran.abandon_rate <= workload.cap and ran.occupancy > most:
            best, most = tuning, ran.occupancy
    return best


def row(name: str, workload: Workload, maker: Maker, seeds: Sequence[int]) -> list[SimResult]:
    """Simulate, print a row, and return the results."""
    ran = [simulate(workload, maker(), seed) for seed in seeds]
    each = " / ".join(f"{100 * one.occupancy:.1f}" for one in ran)
    most = max(one.abandon_rate for one in ran)
    worst = max(one.worst_excess_calls for one in ran)
    occupancy = mean(one.occupancy for one in ran)
    print(
        f"| {workload.agents} | {name} | {100 * occupancy:.1f} | {each} | {100 * most:.2f} "
        f"| {worst:.1f} |",
        flush=True,
    )
    return ran


def _methods(tuning: Tuning) -> dict[str, Maker]:
    return {
        "progressive": lambda: make_method("progressive"),
        "ratio, pickup rate 30 %": lambda: make_method("ratio", pickup_rate=_ANSWER_RATE),
        "adaptive, default": lambda: make_method("adaptive"),
        "adaptive, best-tuned": lambda: make_method("adaptive", tuning=tuning),
        "predictive": ours,
    }


def shocks(agents: int) -> dict[str, Workload]:
    """Return workloads in which something changes suddenly, or is unlike the others."""
    half = agents // 2
    return {
        "answer rate 0.2 -> 0.5 -> 0.2": Workload(
            agents=agents, answer_rate=0.2, rate_steps=((3.0, 0.5), (5.0, 0.2))
        ),
        "half of the agents leave and return": Workload(
            agents=agents, agent_steps=((3.0, half), (5.0, agents))
        ),
        "talk of 45 s": Workload(agents=agents, talk=Lognormal(45.0, 1.0)),
        "talk of 300 s": Workload(agents=agents, talk=Lognormal(300.0, 1.0)),
    }


def mixed(agents: int) -> dict[str, Workload]:
    """Return lists whose contacts answer differently by hour and number of the call."""
    halves = {
        ContactKind(hour, ordinal): rate * again
        for hour, rate in enumerate([0.1] * 12 + [0.5] * 12)
        for ordinal, again in ((1, 1.0), (2, 0.6), (3, 0.4))
    }
    extreme = Workload(
        agents=agents,
        rates=halves,
        start_hour=10,
        groups=(Group(200_000), Group(200_000, hours_ahead=12), Group(100_000, 12, 2)),
    )
    hours = [0.25] * 9 + [0.3] * 3 + [0.36] * 5 + [0.55] * 4 + [0.4] * 3
    day = {
        ContactKind(hour, ordinal): rate * again
        for hour, rate in enumerate(hours)
        for ordinal, again in ((1, 1.0), (2, 0.7), (3, 0.5))
    }
    zones = tuple(Group(100_000, ahead, ordinal) for ahead in (0, 6) for ordinal in (1, 3))
    return {
        "two zones": Workload(agents=agents, rates=day, start_hour=9, groups=zones, shuffled=True),
        "halves": replace(extreme, shuffled=True),
        "halves, in turn": extreme,
    }


def told(name: str, workload: Workload, seeds: Sequence[int]) -> None:
    """Print what it is worth to be told the kinds of contacts, person by person the same."""
    ran, blind = ([simulate(workload, maker(), seed) for seed in seeds] for maker in (ours, Blind))
    more = [100 * (a.occupancy - b.occupancy) for a, b in zip(ran, blind, strict=True)]
    error = stdev(more) / len(more) ** 0.5 if len(more) > 1 else 0.0
    worst = max(one.worst_excess_calls for one in ran)
    over = max(one.final_excess_calls for one in ran)
    print(
        f"| {workload.agents} | {name} | {100 * mean(one.occupancy for one in ran):.1f} "
        f"| {100 * mean(one.occupancy for one in blind):.1f} | {mean(more):+.2f} ± {error:.2f} "
        f"| {100 * max(one.abandon_rate for one in ran):.2f} | {worst:.1f} | {over:.1f} |",
        flush=True,
    )


def main(argv: list[str] | None = None) -> int:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing_table", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[5, 10, 20, 50, 100])
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1 on")
    parser.add_argument("--part", choices=("methods", "shocks", "mixed"), default="methods")
    parser.add_argument("--only", help="this method, or list")
    asked = parser.parse_args(argv)
    seeds = range(1, asked.seeds + 1)
    print(_HEADS[asked.part == "mixed"])
    for agents in asked.sizes:
        if asked.part == "methods":
            workload = Workload(agents=agents)
            best = tuned(agents) if asked.only in {None, "adaptive, best-tuned"} else Tuning()
            for name, maker in _methods(best).items():
                if asked.only in {None, name}:
                    row(name, workload, maker, seeds)
            if asked.only is None:
                print(f"tuned for {agents}: {best}", file=sys.stderr)
        elif asked.part == "shocks":
            for name, workload in shocks(agents).items():
                row(name, workload, ours, seeds)
        else:
            for name, workload in mixed(agents).items():
                if asked.only in {None, name}:
                    told(name, workload, seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
