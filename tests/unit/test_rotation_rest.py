"""Which outbound numbers rest because too few of their calls are answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.campaign_settings import NumberPool, Rotation
from callcamp.core.gate import NumberUse, OutboundNumber
from callcamp.core.resting import judge_pools, judge_rest, wilson_interval

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
PHONES = tuple(f"+3314268530{n}" for n in range(6))
NUMBERS = [OutboundNumber(i, phone) for i, phone in enumerate(PHONES, 1)]


def pool(count: int = 3, under: float = 0.5, after: int = 50, rest_s: int = 3600) -> NumberPool:
    return NumberPool(PHONES[:count], Rotation.EVEN, under, after, rest_s)


def use(*pairs: tuple[int, int]) -> dict[int, NumberUse]:
    return {
        i: NumberUse(calls=calls, answered=answered) for i, (calls, answered) in enumerate(pairs, 1)
    }


# R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=6e-5)


def test_a_number_far_under_its_pool_rests_with_the_evidence() -> None:
    (rest,) = judge_rest(pool(), NUMBERS, use((200, 10), (200, 80), (100, 40)), NOW)
    assert (rest.number_id, rest.until) == (1, NOW + timedelta(hours=1))
    evidence = rest.evidence
    assert json.loads(json.dumps(evidence)) == evidence
    assert (evidence["calls"], evidence["answered"], evidence["share"]) == (200, 10, 0.05)
    assert (evidence["pool_calls"], evidence["pool_answered"]) == (300, 120)
    assert evidence["pool_share"] == pytest.approx(0.4)
    assert evidence["share_at_most"] == pytest.approx(0.08963, abs=1e-4)
    assert evidence["pool_share_at_least"] == pytest.approx(0.34618, abs=1e-4)
    assert (evidence["rest_under"], evidence["judged_at"]) == (0.5, "2026-03-02T15:00:00Z")


@pytest.mark.parametrize(
    "pairs",
    [
        ((49, 0), (200, 80), (100, 40)),
        ((200, 0), (29, 20), (20, 15)),
        ((60, 8), (200, 80), (100, 40)),
        ((200, 80), (200, 80), (100, 40)),
        ((200, 0), (200, 0), (100, 0)),
        (),
    ],
    ids=["few calls", "few others", "in doubt", "equal", "nobody answers", "none"],
)
def test_without_proof_it_does_not(pairs: tuple[tuple[int, int], ...]) -> None:
    assert judge_rest(pool(), NUMBERS, use(*pairs), NOW) == []


def test_just_enough_calls_are_enough() -> None:
    pairs = ((50, 0), (25, 20), (25, 15))
    assert [r.number_id for r in judge_rest(pool(), NUMBERS, use(*pairs), NOW)] == [1]


def test_a_pool_that_does_not_rest_its_numbers_is_not_judged() -> None:
    assert judge_rest(pool(under=0.0), NUMBERS, use((200, 0), (200, 80)), NOW) == []


def test_numbers_outside_the_pool_neither_count_nor_rest() -> None:
    assert judge_rest(pool(2), NUMBERS, use((0, 0), (200, 80), (200, 0)), NOW) == []


def test_no_calls_needed_is_still_one() -> None:
    pairs = ((0, 0), (200, 80))
    assert judge_rest(pool(2, after=0), NUMBERS, use(*pairs), NOW) == []


def test_the_worst_goes_first_and_one_that_can_be_used_stays() -> None:
    some = [
        NUMBERS[0],
        NUMBERS[1],
        OutboundNumber(3, PHONES[2], resting_until=NOW + timedelta(1)),
        OutboundNumber(4, PHONES[3], daily_cap=300),
        OutboundNumber(5, PHONES[4], active=False),
    ]
    used = use((300, 9), (300, 6), (0, 0), (900, 600), (500, 0))
    used[4] = NumberUse(today=300, calls=900, answered=600)
    assert [r.number_id for r in judge_rest(pool(5), some, used, NOW)] == [2]
    used[4] = NumberUse(today=299, calls=900, answered=600)
    assert [r.number_id for r in judge_rest(pool(5), some, used, NOW)] == [2, 1]


def test_a_number_that_another_pool_cannot_do_without_goes_on() -> None:
    used = use((200, 10), (200, 80), (100, 40))
    other = NumberPool((PHONES[0], PHONES[5]))
    some = [*NUMBERS[:5], OutboundNumber(6, PHONES[5], active=False)]
    assert judge_rest(pool(), some, used, NOW, shared_with=[other]) == []
    assert len(judge_rest(pool(), NUMBERS, used, NOW, shared_with=[other])) == 1
    assert judge_pools({7: pool(), 8: other}, some, used, NOW) == []
    assert [(key, r.number_id) for key, r in judge_pools({7: pool()}, some, used, NOW)] == [(7, 1)]


def test_pools_that_share_numbers_rest_them_once_and_each_keeps_one() -> None:
    used = use((300, 9), (300, 6), (900, 600))
    three, two = pool(3), pool(2, under=0.99, after=1)
    found = judge_pools({1: three, 2: two, 3: three}, NUMBERS, used, NOW)
    assert [(key, rest.number_id) for key, rest in found] == [(1, 2)]


counts = st.integers(0, 400).flatmap(
    lambda calls: st.integers(0, calls).map(lambda answered: (calls, answered))
)


pool_values = st.builds(
    NumberPool,
    st.lists(st.sampled_from(PHONES), unique=True, max_size=6).map(tuple),
    st.just(Rotation.EVEN),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.just(10),
)


@settings(max_examples=200)
@given(st.lists(counts, max_size=6), st.lists(pool_values, max_size=4))
def test_no_pool_is_ever_left_without_a_number(
    pairs: list[tuple[int, int]], pools: list[NumberPool]
) -> None:
    resting = [
        r.number_id for _, r in judge_pools(dict(enumerate(pools)), NUMBERS, use(*pairs), NOW)
    ]
    assert len(resting) == len(set(resting))
    for one in pools:
        left = {n.phone for n in NUMBERS if n.id not in resting} & set(one.numbers)
        assert left or not one.numbers


@settings(max_examples=300)
@given(
    st.lists(counts, max_size=6),
    st.lists(st.sampled_from(["awake", "inactive", "resting", "capped"]), min_size=6, max_size=6),
    st.integers(1, 6),
    st.sampled_from([0.3, 0.8, 1.0]),
)
def test_a_pool_always_keeps_a_number_that_can_be_used(
    pairs: list[tuple[int, int]], kinds: list[str], count: int, under: float
) -> None:
    some = [
        OutboundNumber(
            i,
            PHONES[i - 1],
            active=kind != "inactive",
            daily_cap=0 if kind == "capped" else None,
            resting_until=NOW + timedelta(1) if kind == "resting" else None,
        )
        for i, kind in enumerate(kinds, 1)
    ]
    rests = judge_rest(pool(count, under, 10), some, use(*pairs), NOW)
    awake = {i for i, kind in enumerate(kinds, 1) if kind == "awake" and i <= count}
    resting = {rest.number_id for rest in rests}
    assert not rests or awake - resting
    assert all(kinds[i - 1] in {"awake", "capped"} and i <= count for i in resting)
    assert len(resting) == len(rests)
    for rest in rests:
        one = rest.evidence
        assert one["share"] <= one["share_at_most"] < under * one["pool_share_at_least"]
        assert one["pool_share_at_least"] <= one["pool_share"]
        assert min(one["calls"], one["pool_calls"]) >= 10
