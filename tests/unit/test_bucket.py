"""The calls-per-second limit: never exceeded in any second, and evenly spread."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.pacing.bucket import CATCH_UP_S, Bucket, smooth

# Instants are floats: a window is held to be shorter than a second by this much.
NS = 1e-9


def greedy(bucket: Bucket, arrivals: list[float]) -> list[float]:
    """Start a call at each arrival, or as soon after it as the bucket lets it out."""
    now, started = 0.0, []
    for arrival in sorted(arrivals):
        now = max(now, arrival)
        now += bucket.wait_s(now)
        bucket = bucket.take(now)
        started.append(now)
    return started


def most_in_a_second(started: list[float]) -> int:
    return max(bisect_left(started, at + 1 - NS) - i for i, at in enumerate(started))


@given(st.floats(0.1, 600), st.lists(st.floats(0, 20), min_size=1, max_size=300))
def test_no_sliding_second_holds_more_than_the_rate(rate: float, arrivals: list[float]) -> None:
    assert most_in_a_second(greedy(smooth(rate), arrivals)) <= ceil(rate)


@given(st.integers(50, 1000), st.lists(st.floats(0, 0.02), min_size=100, max_size=1500))
def test_nor_when_timers_are_late(rate: int, lateness: list[float]) -> None:
    bucket, now, started = smooth(rate), 0.0, []
    for late in lateness:
        now += bucket.wait_s(now) + late
        while bucket.wait_s(now) == 0:
            bucket = bucket.take(now)
            started.append(now)
    assert most_in_a_second(started) <= rate


@given(st.integers(2, 200), st.lists(st.floats(0, 5), min_size=1, max_size=300))
def test_nor_with_a_rate_that_changes(rate: int, arrivals: list[float]) -> None:
    half = len(arrivals) // 2
    bucket, now, started = smooth(rate), 0.0, []
    for i, arrival in enumerate(sorted(arrivals)):
        bucket = smooth(max(1, rate // 2)).after(bucket) if i == half else bucket
        now = max(now, arrival)
        now += bucket.wait_s(now)
        bucket = bucket.take(now)
        started.append(now)
    assert most_in_a_second(started) <= rate


@pytest.mark.parametrize("rate", [0.5, 1, 7, 49])
def test_under_load_starts_are_evenly_spread_and_reach_the_rate(rate: float) -> None:
    started = greedy(smooth(rate), [0.0] * 400)
    gaps = [b - a for a, b in pairwise(started)]
    assert gaps == pytest.approx([1 / rate] * 399)


@pytest.mark.parametrize("rate", [50, 400])
def test_a_fast_trunk_makes_up_for_late_timers_and_nearly_reaches_its_rate(rate: float) -> None:
    bucket, now, started = smooth(rate), 0.0, []
    while now < 10:
        now += bucket.wait_s(now) + 0.001
        while bucket.wait_s(now) == 0:
            bucket = bucket.take(now)
            started.append(now)
    assert len(started) / 10 == pytest.approx(rate, rel=CATCH_UP_S + 0.005)


def test_idle_time_is_not_saved_up() -> None:
    bucket = smooth(10).take(0)
    assert bucket.wait_s(1000) == 0
    assert bucket.take(1000).wait_s(1000) == pytest.approx(0.1)
