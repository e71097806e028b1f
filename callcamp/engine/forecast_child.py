"""The process that simulates a forecast, so that calls in progress do not wait for it.

Run as a file, not as a module: the package of the engine need not be loaded for it. The job
comes as one JSON line on standard input; the result goes out as one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from callcamp.core.pacing import make_method
from callcamp.core.pacing.contract import ContactKind
from callcamp.errors import CallcampError
from callcamp.simulation import (
    Duration,
    Group,
    Lognormal,
    Measured,
    SimResult,
    Workload,
    simulate,
    simulate_unattended,
)


def workload_of(given: Mapping[str, Any]) -> Workload:
    """Return the workload that a job describes.

    Args:
        given: the fields of :class:`Workload`; durations as ``{"mean_s", "cv"}`` or
            ``{"values_s"}``, rates as ``[hour, ordinal, rate]``, groups as their fields.

    Raises:
        InvalidInput: a number is out of range.
    """
    values = dict(given)
    for name in ("ring", "talk", "wrap_up", "other_end"):
        values[name] = None if values[name] is None else _duration(values[name])
    values["rates"] = {ContactKind(hour, n): rate for hour, n, rate in values["rates"]}
    values["groups"] = tuple(Group(**one) for one in values["groups"])
    values["retry_pauses_s"] = tuple(tuple(row) for row in values["retry_pauses_s"])
    values["closed"] = tuple((start, end) for start, end in values["closed"])
    return Workload(**values)


def _duration(given: Mapping[str, Any]) -> Duration:
    if "values_s" in given:
        return Measured(given["values_s"])
    return Lognormal(given["mean_s"], given["cv"])


def run(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what came out for each seed, as the fields of :class:`SimResult`."""
    return [asdict(_simulate(job, seed)) for seed in job["seeds"]]


def _simulate(job: Mapping[str, Any], seed: int) -> SimResult:
    workload = workload_of(job["workload"])
    if job["method"] is None:
        return simulate_unattended(workload, job["cps"], seed)
    method = make_method(job["method"], pickup_rate=job["pickup_rate"], state=job["learnt"])
    return simulate(workload, method, seed)


def main() -> None:
    """Read the job and do it."""
    job = json.loads(sys.stdin.readline())
    try:
        answer: dict[str, Any] = {"results": run(job)}
    except CallcampError as error:
        answer = {"error": error.as_dict()}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
