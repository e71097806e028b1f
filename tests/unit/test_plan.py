"""How many contacts may be taken, and what holds the campaign back."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.model import Campaign, CampaignSettings, DailyWindow
from callcamp.core.plan import Hold, Plan, Snapshot, decide
from callcamp.core.states import CampaignStatus

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 2, tzinfo=UTC)


def snapshot(
    status: CampaignStatus = CampaignStatus.RUNNING,
    *,
    concurrency: int = 10,
    live: int = 0,
    trunk_live: int = 0,
    trunk_max: int | None = None,
    trunk_refuses: bool = False,
    cps_room: int = 100,
    link_up: bool = True,
    due: int = 100,
) -> Snapshot:
    settings = CampaignSettings(name="c", trunk_id=1, concurrency=concurrency)
    campaign = Campaign(1, status, settings, 1, NOON)
    return Snapshot(campaign, live, trunk_live, trunk_max, trunk_refuses, cps_room, link_up, due)


@pytest.mark.parametrize("status", [s for s in CampaignStatus if s is not CampaignStatus.RUNNING])
def test_only_running_campaigns_call(status: CampaignStatus) -> None:
    assert decide(snapshot(status), NOON) == Plan(0, Hold.NOT_RUNNING)


def test_without_a_link_nothing_is_taken() -> None:
    assert decide(snapshot(link_up=False), NOON) == Plan(0, Hold.LINK_DOWN)


def test_outside_the_hours_it_says_when_they_open() -> None:
    assert decide(snapshot(), NIGHT) == Plan(
        0, Hold.OUTSIDE_HOURS, datetime(2026, 3, 2, 9, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("values", "count", "hold"),
    [
        ({}, 10, Hold.CONCURRENCY),
        ({"live": 4}, 6, Hold.CONCURRENCY),
        ({"live": 12}, 0, Hold.CONCURRENCY),
        ({"cps_room": 3}, 3, Hold.CPS),
        ({"cps_room": -1}, 0, Hold.CPS),
        ({"due": 2}, 2, Hold.NOTHING_DUE),
        ({"due": 0}, 0, Hold.NOTHING_DUE),
        ({"due": 0, "cps_room": 0, "live": 10}, 0, Hold.NOTHING_DUE),
        ({"trunk_max": 20, "trunk_live": 18}, 2, Hold.TRUNK_FULL),
        ({"trunk_max": 20, "trunk_live": 25}, 0, Hold.TRUNK_FULL),
        ({"trunk_max": None, "trunk_live": 9999}, 10, Hold.CONCURRENCY),
    ],
)
def test_the_tightest_limit_wins_and_is_named(
    values: dict[str, int], count: int, hold: Hold
) -> None:
    assert decide(snapshot(**values), NOON) == Plan(count, hold)


@given(
    concurrency=st.integers(1, 500),
    live=st.integers(0, 600),
    trunk_live=st.integers(0, 600),
    trunk_max=st.none() | st.integers(1, 600),
    cps=st.integers(-5, 600),
    due=st.integers(0, 600),
)
def test_no_limit_is_ever_exceeded(
    *, concurrency: int, live: int, trunk_live: int, trunk_max: int | None, cps: int, due: int
) -> None:
    plan = decide(
        snapshot(
            concurrency=concurrency,
            live=live,
            trunk_live=trunk_live,
            trunk_max=trunk_max,
            cps_room=cps,
            due=due,
        ),
        NOON,
    )
    assert plan.count >= 0
    assert plan.count <= max(0, concurrency - live)
    assert plan.count <= max(0, cps)
    assert plan.count <= due
    assert trunk_max is None or plan.count <= max(0, trunk_max - trunk_live)
    assert plan.hold is not None


def test_a_window_that_never_opens_has_no_next_instant() -> None:
    settings = CampaignSettings(
        name="c", trunk_id=1, window=DailyWindow(time(9), time(18), weekdays=frozenset())
    )
    campaign = Campaign(1, CampaignStatus.RUNNING, settings, 1, NOON)
    assert decide(Snapshot(campaign, 0, 0, None, False, 9, True, 9), NOON) == Plan(
        0, Hold.OUTSIDE_HOURS
    )
