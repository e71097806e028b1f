"""``callcamp simulate``: what a pacing method would do with given agents and people."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import Annotated

import typer

from callcamp.cli.output import emit_json, pairs, share
from callcamp.cli.session import JsonOption, session
from callcamp.core.pacing import METHODS, make_method
from callcamp.simulation import Lognormal, SimResult, Workload
from callcamp.simulation import simulate as run

MethodName = Enum("MethodName", {name: name for name in METHODS}, type=str)  # type: ignore[misc]
_RING_CV = 0.5
_TALK_CV = 1.0
_WRAP_CV = 0.5


def simulate(
    context: typer.Context,
    agents: Annotated[int, typer.Option(help="Agents who take calls.")] = 10,
    answer_rate: Annotated[
        float, typer.Option(help="Share of calls that a person answers, 0 to 1.")
    ] = 0.3,
    ring_mean_s: Annotated[
        float, typer.Option(help="Mean time until a person answers, in seconds.")
    ] = 12.0,
    ring_timeout_s: Annotated[
        float, typer.Option(help="When a call is given up, in seconds.")
    ] = 25.0,
    talk_mean_s: Annotated[float, typer.Option(help="Mean talk time, in seconds.")] = 120.0,
    wrap_mean_s: Annotated[float, typer.Option(help="Mean wrap-up time, in seconds.")] = 15.0,
    connect_limit_s: Annotated[
        float, typer.Option(help="An answered call without an agent for so long is abandoned.")
    ] = 2.0,
    hours: Annotated[float, typer.Option(help="Hours to simulate.")] = 8.0,
    seed: Annotated[
        int, typer.Option(help="Of the random numbers; the same, the same result.")
    ] = 1,
    method: Annotated[
        MethodName, typer.Option(help="How calls are paced.")
    ] = MethodName.predictive,  # type: ignore[attr-defined]
    pickup_rate: Annotated[
        float, typer.Option(help="For the method ratio: the stated share of answered calls.")
    ] = 0.5,
    cap: Annotated[float, typer.Option(help="Largest share of abandoned calls, 0 to 1.")] = 0.03,
    json: JsonOption = False,
) -> None:
    """Try a pacing method in fast motion: occupancy, abandoned calls, calls per hour."""
    session(context).json = json
    workload = Workload(
        agents=agents,
        answer_rate=answer_rate,
        ring=Lognormal(ring_mean_s, _RING_CV, name="ring_mean_s"),
        ring_timeout_s=ring_timeout_s,
        talk=Lognormal(talk_mean_s, _TALK_CV, name="talk_mean_s"),
        wrap_up=Lognormal(wrap_mean_s, _WRAP_CV, name="wrap_mean_s"),
        connect_limit_s=connect_limit_s,
        hours=hours,
        cap=cap,
    )
    result = run(workload, make_method(method.value, pickup_rate=pickup_rate), seed)
    if json:
        emit_json({"method": method.value, "seed": seed, "agents": agents, **asdict(result)})
    else:
        _show(method.value, result)


def _show(method: str, result: SimResult) -> None:
    pairs(
        {
            "Method": method,
            "Occupancy": share(result.occupancy),
            "Abandoned": f"{share(result.abandon_rate)}, {result.abandoned:,} of "
            f"{result.answered:,} answered",
            "Worst excess": f"{result.worst_excess_calls:.1f} calls over the cap at any instant",
            "Calls": f"{result.calls:,}, {result.calls_per_hour:,.0f} an hour",
            "Talks": f"{result.talks_per_hour:,.0f} an hour",
        }
    )
