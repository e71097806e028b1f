"""Forecasts held against what came of them: campaigns that are forecast, and then run.

Engine and simulated switch are on one event loop whose time passes only when nobody has
anything to do, so what comes out depends on nothing but the code.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from database_kit import current_database

from benchmarks.forecast_runs import LUNCH, OFFICE, Compared, Kind, Rig, attended, compare
from callcamp.core.agent_settings import DialMethod
from callcamp.core.campaign_settings import RetryPolicy
from callcamp.engine import dialer
from callcamp.switch.simulated import CalleeModel

PEOPLE = CalleeModel(
    answer=0.4,
    machine=0.0,
    amd_error=0.0,
    ring_mean_s=6.0,
    conversation_mean_s=20.0,
    conversation_cv=0.5,
)
# Nothing but computing: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(900)
UNATTENDED = (
    Kind("lines", 70, {"concurrency": 10}, before=200),
    Kind(
        "growing pauses",
        60,
        {"concurrency": 10, "retry": RetryPolicy(max_attempts=3, delay_s=900, growth=2.0)},
    ),
    Kind(
        "a break",
        80,
        {
            "concurrency": 2,
            "retry": RetryPolicy(max_attempts=2, delay_s=600),
            "window": OFFICE,
            "hours": LUNCH,
        },
    ),
)
ATTENDED = (
    Kind("progressive", 80, attended(DialMethod.PROGRESSIVE), agents=8, before=200),
    Kind("predictive", 150, attended(DialMethod.PREDICTIVE), agents=8),
)


def test_campaigns_come_to_what_their_forecasts_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without agents nothing is decided at a tick that a call's end would not bring as well.
    monkeypatch.setattr(dialer, "TICK_S", 10.0)
    for one in compare(UNATTENDED, Rig(tmp_path, current_database(), PEOPLE)):
        check(one)


def test_campaigns_with_agents_do_as_well(tmp_path: Path) -> None:
    for one in compare(ATTENDED, Rig(tmp_path, current_database(), PEOPLE)):
        check(one)


def check(one: Compared) -> None:
    forecast, run = one.forecast, one.run
    told = f"{one.kind.name}: said {forecast.as_dict()}, was {run}"
    assert forecast.history.figures["answer_rate"].basis.startswith("measured on"), told
    assert abs(one.time_error) < 0.15, told
    assert abs(one.calls_error) < 0.15, told
    assert abs(one.rate_error) < 0.15, told
    assert abs(one.occupancy_error) < 0.08, told
    assert abs(one.abandon_error) < 0.03, told
