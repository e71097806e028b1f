"""How log-ins that failed hold back the next ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.throttle import PER_ACCOUNT, PER_ADDRESS, WINDOW_S, Throttle, neighbourhood


def test_a_few_failures_are_free_and_then_pauses_double() -> None:
    assert [PER_ACCOUNT.pause_s(n) for n in range(4, 10)] == [0, 5, 10, 20, 40, 80]
    assert [PER_ADDRESS.pause_s(n) for n in (0, 19, 20, 21)] == [0, 0, 5, 10]


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_failures_never_wait_less_and_never_longer_than_the_longest(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert 0 <= PER_ACCOUNT.pause_s(low) <= PER_ACCOUNT.pause_s(high) <= WINDOW_S


def test_a_day_of_guessing_an_account_comes_to_few_guesses() -> None:
    limit, failures, now = PER_ACCOUNT, list[float](), 0.0
    while now < 86_400:
        lately = [at for at in failures if at > now - WINDOW_S]
        pause = limit.pause_s(len(lately))
        if lately and now < lately[-1] + pause:
            now = lately[-1] + pause
            continue
        failures.append(now)
        now += 0.1
    assert len(failures) < 1_500


def test_a_throttle_may_be_stricter() -> None:
    assert Throttle(0, 1, 3).pause_s(0) == 1
    assert Throttle(0, 1, 3).pause_s(5) == 3


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_neighbours_count_as_one(address: str, counts_as: str) -> None:
    assert neighbourhood(address) == counts_as
