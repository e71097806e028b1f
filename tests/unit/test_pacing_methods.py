"""What every pacing method promises, and what the simple ones do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.pacing import METHODS, make_method
from callcamp.core.pacing.adaptive import Adaptive, Tuning
from callcamp.core.pacing.budget import Budget
from callcamp.core.pacing.contract import (
    Account,
    BusyAgent,
    BusyPhase,
    ContactKind,
    PacingMethod,
    PacingSnapshot,
    RingEnded,
    RingingCall,
    TalkEnded,
    WrapUpEnded,
)
from callcamp.core.pacing.predictive import Predictive
from callcamp.errors import InvalidInput

KINDS = st.builds(ContactKind, st.none() | st.integers(0, 23), st.integers(1, 9))
TIMES = st.floats(0, 4000)
SNAPSHOTS = st.builds(
    PacingSnapshot,
    now_s=st.floats(0, 1e6),
    free=st.integers(0, 12),
    busy=st.lists(st.builds(BusyAgent, st.sampled_from(BusyPhase), TIMES), max_size=12).map(tuple),
    waiting=st.integers(0, 4),
    ringing=st.lists(st.builds(RingingCall, TIMES, KINDS), max_size=15).map(tuple),
    account=st.builds(
        Account, st.integers(0, 3000), st.integers(0, 90), st.sampled_from([0, 0.03])
    ),
    next_kinds=st.lists(KINDS, max_size=5).map(tuple),
)


def taught(rate: float = 0.3, calls: int = 400) -> Predictive:
    """Return the method that learns, with a past of calls behind it."""
    method = Predictive()
    for n in range(calls):
        person = int((n + 1) * rate) > int(n * rate)
        method.observe(RingEnded(5.0 * n, 6.0 + n % 12 if person else 25.0, person))
        if person:
            method.observe(TalkEnded(5.0 * n, 30.0 + (n * 37) % 240))
            method.observe(WrapUpEnded(5.0 * n, 8.0 + n % 14))
    return method


TAUGHT = {
    **{name: make_method(name) for name in METHODS},
    "predictive": taught(),
}


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=40, deadline=None)
@given(snapshot=SNAPSHOTS)
def test_asking_twice_changes_nothing(name: str, snapshot: PacingSnapshot) -> None:
    method = TAUGHT[name]
    first = method.decide(snapshot)
    assert method.decide(snapshot) == first
    assert first.count >= 0
    assert first.why
    assert json.dumps({**first.numbers})


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=40, deadline=None)
@given(snapshot=SNAPSHOTS)
def test_without_a_cap_it_is_one_call_for_each_free_agent(
    name: str, snapshot: PacingSnapshot
) -> None:
    decided = TAUGHT[name].decide(snapshot)
    one_each = max(0, snapshot.free - snapshot.waiting - len(snapshot.ringing))
    if snapshot.account.cap == 0 or not snapshot.agents:
        assert decided.count == one_each
    if not snapshot.agents:
        assert decided.count == 0


@settings(max_examples=60, deadline=None)
@given(snapshot=SNAPSHOTS)
def test_what_learns_never_calls_less_than_one_for_each_free_agent(
    snapshot: PacingSnapshot,
) -> None:
    decided = TAUGHT["predictive"].decide(snapshot)
    one_each = max(0, snapshot.free - snapshot.waiting - len(snapshot.ringing))
    assert decided.count >= one_each
    left = snapshot.account.cap * snapshot.account.persons - snapshot.account.abandoned
    if left <= 0:
        assert decided.count == one_each


def test_a_stated_pickup_rate_of_half_is_two_calls_for_a_free_agent() -> None:
    method = make_method("ratio", pickup_rate=0.5)
    account = Account(1000, 0)
    assert method.decide(PacingSnapshot(0, 3, account=account)).count == 6
    ringing = (RingingCall(2.0),) * 4
    assert method.decide(PacingSnapshot(0, 3, ringing=ringing, account=account)).count == 2
    third = make_method("ratio", pickup_rate=0.3)
    assert third.decide(PacingSnapshot(0, 3, account=account)).count == 10


def test_a_stated_pickup_rate_keeps_to_the_cap() -> None:
    method = make_method("ratio", pickup_rate=0.5)
    spent = method.decide(PacingSnapshot(0, 3, account=Account(100, 3)))
    assert spent.count == 3
    assert "3 of 100 answered calls were abandoned" in spent.why
    assert method.decide(PacingSnapshot(0, 3, account=Account(100, 2))).count == 6


def test_an_adaptive_level_rises_while_agents_wait_and_falls_over_the_cap() -> None:
    method = Adaptive(Tuning(intensity=10))
    for second in range(60):
        rising = method.decide(PacingSnapshot(second, 10, account=Account(100, 0)))
    assert rising.numbers["level"] > 1.5
    assert rising.count > 10
    assert Adaptive(Tuning(intensity=10), method.state()).state() == method.state()
    for second in range(60, 90):
        fallen = method.decide(PacingSnapshot(second, 10, account=Account(100, 4)))
    assert fallen.count == 10
    assert method.state() == {"level": 1.0}


@pytest.mark.parametrize("level", [None, "2", 0.5, 99, float("nan"), [2.0], True])
def test_a_broken_level_is_ignored(level: object) -> None:
    assert Adaptive(state={"level": level}).state() == {"level": 1.0}


def test_names_and_rates_are_checked() -> None:
    for name in METHODS:
        assert make_method(name).name == name
    with pytest.raises(InvalidInput, match="progressive, ratio, adaptive, predictive"):
        make_method("psychic")
    for rate in (0.0, -1.0, 1.1, float("nan")):
        with pytest.raises(InvalidInput, match="pickup_rate"):
            make_method("ratio", pickup_rate=rate)


def busy_room(persons: int, abandoned: int, **more: object) -> PacingSnapshot:
    """Return 20 agents, 2 of them free, with 4 calls on their way."""
    busy = tuple(BusyAgent(BusyPhase.TALKING, 10.0 + 15 * n) for n in range(14))
    wraps = tuple(BusyAgent(BusyPhase.WRAP_UP, 4.0 * n) for n in range(4))
    values = {
        "busy": busy + wraps,
        "ringing": tuple(RingingCall(5.0 * n) for n in range(4)),
        "account": Account(persons, abandoned),
        **more,
    }
    return PacingSnapshot(1000.0, 2, **values)  # type: ignore[arg-type]


def test_more_in_the_account_is_more_calls_and_none_is_one_each() -> None:
    method = taught()
    counts = [method.decide(busy_room(1000, n)).count for n in (0, 20, 26, 29, 30, 40)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 5
    assert counts[-2:] == [0, 0]
    assert "40 of 1,000 answered calls were abandoned" in method.decide(busy_room(1000, 40)).why


def test_fewer_answers_are_more_calls() -> None:
    counts = [taught(rate).decide(busy_room(1000, 20)).count for rate in (0.6, 0.3, 0.1)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_a_failed_trunk_does_not_bring_calls_without_end() -> None:
    method = taught()
    for second in range(2000):
        method.observe(RingEnded(2000.0 + second, 0.1, False))
    decided = method.decide(PacingSnapshot(0, 10, account=Account(1000, 0)))
    assert 10 < decided.count <= 80


def test_waiting_calls_and_free_agents_count() -> None:
    method = taught()
    fewer = method.decide(busy_room(1000, 20, waiting=2)).count
    assert fewer < method.decide(busy_room(1000, 20)).count


def test_new_calls_are_as_mixed_as_the_next_contacts() -> None:
    method, rare, often = Predictive(), ContactKind(9, 3), ContactKind(18, 1)
    for n in range(1200):
        kind = (rare, often)[n % 2]
        person = n % (20 if kind is rare else 3) < 2
        method.observe(RingEnded(5.0 * n, 6.0 + n % 12 if person else 25.0, person, kind))
        method.observe(TalkEnded(5.0 * n, 30.0 + (n * 37) % 240))
        method.observe(WrapUpEnded(5.0 * n, 8.0 + n % 14))
    mixes = ((often,), (often, rare), (rare, often), (rare, rare, often), (rare,))
    asked = [method.decide(busy_room(1000, 15, next_kinds=mix, ringing=())) for mix in mixes]
    counts = [one.count for one in asked]
    assert counts == sorted(counts)
    assert counts[0] < counts[1] == counts[2] < counts[-1]
    expected = [one.numbers["answer_probability"] for one in asked]
    assert expected[1] == pytest.approx((expected[0] + expected[-1]) / 2)


def test_the_decision_says_what_it_rests_on() -> None:
    decided = taught().decide(busy_room(1000, 20))
    assert "2 agents free" in decided.why
    assert "4 ringing calls" in decided.why
    assert decided.numbers["answer_probability"] == pytest.approx(0.3, abs=0.04)
    assert decided.numbers["next_risk"] > decided.numbers["allowed_risk"]
    assert decided.again_in_s == 1.0


def test_it_says_where_there_is_little_to_gain() -> None:
    decided = taught().decide(PacingSnapshot(0, 2, account=Account(1000, 0)))
    assert decided.count == 2
    assert "fewer than 3 agents" in decided.why
    decided = Predictive().decide(PacingSnapshot(0, 8, account=Account(1000, 0)))
    assert decided.count == 8
    assert "0 answers and 0 talks learnt so far" in decided.why


def test_what_was_learnt_is_kept_over_a_restart() -> None:
    method = taught()
    kept = json.loads(json.dumps(method.state()))
    again = make_method("predictive", state=kept)
    for abandoned in (0, 20, 29):
        snapshot = busy_room(1000, abandoned)
        assert again.decide(snapshot).count == method.decide(snapshot).count


def _break(kept: dict[str, object], path: list[str], value: object) -> None:
    here = kept
    for name in path[:-1]:
        here = here[name]  # type: ignore[assignment]
    here[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["persons"], -1),
        (["persons"], "x"),
        (["ringing"], None),
        (["ringing", "answers"], [1.0]),
        (["ringing", "answers"], [0.0] * 240),
        (["ringing", "others"], [float("nan")] * 240),
        (["ringing", "chance"], 7),
        (["ringing", "chance", "base"], [0.0, -1.0]),
        (["ringing", "chance", "base"], [1e9, 1.0]),
        (["ringing", "chance", "hours"], []),
        (["ringing", "chance", "ordinals"], {}),
        (["agents"], []),
        (["agents", "talk"], None),
        (["agents", "talk", "moments"], [0.0, 1.0, 1.0]),
        (["agents", "wrap_up", "counts"], [True] * 120),
        (["agents", "wrap_up", "counts"], [1e300] * 120),
    ],
)
def test_a_broken_memory_is_none(path: list[str], value: object) -> None:
    kept = json.loads(json.dumps(taught().state()))
    _break(kept, path, value)
    assert make_method("predictive", state=kept).state() == Predictive().state()


@pytest.mark.parametrize("state", [{"level": 2.0}, {}, None, [], "x"])
def test_the_memory_of_another_method_is_none(state: object) -> None:
    method: PacingMethod = make_method("predictive", state=state)  # type: ignore[arg-type]
    assert method.state() == Predictive().state()


@settings(max_examples=100, deadline=None)
@given(
    agents=st.integers(3, 300),
    persons=st.integers(1, 5000),
    to_earn=st.floats(0, 200),
    more=st.floats(0, 50),
)
def test_the_budget_spends_more_the_more_there_is_and_the_nearer_the_end(
    agents: int, persons: int, to_earn: float, more: float
) -> None:
    budget, account = Budget(), Account(persons, 0)
    risk = budget.risk(account, agents, to_earn)
    assert 0 < risk <= budget.most_risk
    assert budget.risk(account, agents, to_earn + more) <= risk
    assert budget.risk(Account(persons + 100, 0), agents, to_earn) >= risk
    spent = Account(100, 3 + persons)
    assert budget.risk(spent, agents, to_earn) == 0
    assert budget.payable(spent, agents, to_earn) == 0


@settings(max_examples=100, deadline=None)
@given(agents=st.integers(3, 300), persons=st.integers(1, 5000), to_earn=st.floats(-5, 200))
def test_what_is_counted_on_is_sure_and_at_the_end_a_call_is_left(
    agents: int, persons: int, to_earn: float
) -> None:
    budget, account = Budget(), Account(persons, 0)
    left = budget.left(account)
    calls = budget.payable(account, agents, to_earn)
    assert 0 <= calls <= max(0.0, left + min(budget.most_ahead, to_earn if to_earn > 0 else 0.0))
    assert budget.payable(account, agents, 0.0) <= max(0.0, left - budget.at_end)
    assert budget.payable(account, agents, None) <= left
    assert budget.payable(account, agents + 50, to_earn) <= calls


def test_a_list_that_runs_dry_earns_no_more_than_its_contacts() -> None:
    method = taught()
    earned = [
        method.decide(busy_room(1000, 22, closes_in_s=86_400.0, contacts_left=left)).numbers[
            "budget_calls_to_earn"
        ]
        for left in (0, 100, 1_000_000, None)
    ]
    assert earned[0] == 0
    assert 0 < earned[1] <= 100 * 0.03
    assert earned[1] < earned[2] == earned[3]


def test_the_account_is_spent_before_it_closes() -> None:
    method = taught()
    counts = [
        method.decide(busy_room(1000, 22, closes_in_s=left_s)).count
        for left_s in (None, 86_400.0, 900.0)
    ]
    assert counts[0] <= counts[2]
    assert counts[1] < counts[2]
    told = method.decide(busy_room(1000, 22, closes_in_s=900.0)).numbers
    assert told["account_closes_in_s"] == 900.0
    assert told["budget_calls_to_earn"] < 4
