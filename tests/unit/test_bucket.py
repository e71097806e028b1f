"""The calls-per-second limit: never exceeded in any second, and evenly spread."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.pacing.bucket import Bucket

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


@given(st.floats(0.1, 200), st.lists(st.floats(0, 20), min_size=1, max_size=300))
def test_no_sliding_second_holds_more_than_the_rate(rate: float, arrivals: list[float]) -> None:
    assert most_in_a_second(greedy(Bucket(rate), arrivals)) <= ceil(rate)


@given(st.integers(1, 200), st.lists(st.floats(0, 5), min_size=1, max_size=300))
def test_nor_with_a_rate_that_changes(rate: int, arrivals: list[float]) -> None:
    half = len(arrivals) // 2
    arrivals = sorted(arrivals)
    bucket, now, started = Bucket(rate), 0.0, []
    for i, arrival in enumerate(arrivals):
        bucket = bucket.with_rate(max(1, rate // 2)) if i >= half else bucket
        now = max(now, arrival)
        now += bucket.wait_s(now)
        bucket = bucket.take(now)
        started.append(now)
    assert most_in_a_second(started) <= rate


@pytest.mark.parametrize("rate", [0.5, 1, 7, 50, 200])
def test_under_load_starts_are_evenly_spread_and_reach_the_rate(rate: float) -> None:
    started = greedy(Bucket(rate), [0.0] * 400)
    gaps = [b - a for a, b in pairwise(started)]
    assert gaps == pytest.approx([1 / rate] * 399)
    assert started[-1] == pytest.approx(399 / rate)


def test_idle_time_is_not_saved_up() -> None:
    bucket = Bucket(10).take(0)
    assert bucket.wait_s(1000) == 0
    assert bucket.take(1000).wait_s(1000) == pytest.approx(0.1)


def test_a_burst_is_let_out_at_once_and_no_more() -> None:
    assert greedy(Bucket(2, burst=3), [10.0] * 5) == pytest.approx([10, 10, 10, 10.5, 11])


@given(st.floats(0.5, 100), st.integers(1, 5), st.floats(0, 3), st.integers(0, 20), st.floats(0, 5))
def test_room_is_what_may_really_start(
    rate: float, burst: int, horizon_s: float, taken: int, now: float
) -> None:
    bucket = Bucket(rate, burst)
    for _ in range(taken):
        bucket = bucket.take(now)
    at, count, after = now, 0, bucket
    while (at := at + after.wait_s(at)) <= now + horizon_s:
        after, count = after.take(at), count + 1
    # one call more or less at the very edge is rounding
    assert abs(bucket.room(now, horizon_s) - count) <= 1
    assert bucket.room(now, horizon_s) >= 0


def test_the_same_rate_is_the_same_bucket() -> None:
    bucket = Bucket(5)
    assert bucket.with_rate(5) is bucket
    assert bucket.with_rate(6) == Bucket(6)
