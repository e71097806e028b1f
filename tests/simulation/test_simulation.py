"""The simulation: it counts right, meets the same people again, and pacing keeps its promises."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest

from callcamp.core.pacing import make_method
from callcamp.core.pacing.budget import Budget
from callcamp.core.pacing.contract import (
    ContactKind,
    PacingDecision,
    PacingFact,
    PacingSnapshot,
    RingEnded,
    RingingCall,
    TalkEnded,
    WrapUpEnded,
)
from callcamp.errors import InvalidInput
from callcamp.simulation import (
    Group,
    Lognormal,
    Measured,
    People,
    SimResult,
    Workload,
    simulate,
)

SHORT = Workload(
    agents=6, hours=0.5, talk=Lognormal(45.0, 1.0), wrap_up=Lognormal(8.0, 0.5), answer_rate=0.4
)


class Reckless:
    """Keeps so many calls ringing, whatever happens; notes what it is told."""

    name = "reckless"

    def __init__(self, ringing: int) -> None:
        self.ringing = ringing
        self.facts: list[PacingFact] = []
        self.snapshots: list[PacingSnapshot] = []

    def observe(self, fact: PacingFact) -> None:
        self.facts.append(fact)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        self.snapshots.append(snapshot)
        return PacingDecision(max(0, self.ringing - len(snapshot.ringing)), "because")

    def state(self) -> dict[str, Any]:
        return {}


def paced(workload: Workload, name: str = "predictive", seed: int = 1) -> SimResult:
    return simulate(workload, make_method(name, pickup_rate=0.4), seed)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_learns_talks_more_and_keeps_to_the_cap(seed: int) -> None:
    learnt, simple = paced(SHORT, seed=seed), paced(SHORT, "progressive", seed=seed)
    assert learnt.occupancy > simple.occupancy + 0.03
    assert learnt.abandon_rate <= SHORT.cap
    assert learnt.final_excess_calls <= 0
    assert learnt.worst_excess_calls <= 2
    assert simple.abandoned == 0


@pytest.mark.parametrize(
    "change",
    [
        {"answer_rate": 0.2, "rate_steps": ((0.15, 0.5), (0.3, 0.2))},
        {"agent_steps": ((0.15, 3), (0.3, 6))},
    ],
)
def test_sudden_changes_cost_little(change: dict[str, Any]) -> None:
    ran = paced(dataclasses.replace(SHORT, **change))
    assert ran.final_excess_calls <= 0
    assert ran.worst_excess_calls <= 2


def test_when_all_agents_leave_the_calls_stop() -> None:
    ran = paced(dataclasses.replace(SHORT, agent_steps=((0.25, 0),)))
    half = paced(dataclasses.replace(SHORT, hours=0.25))
    assert ran.worst_excess_calls <= 2
    assert half.calls <= ran.calls <= half.calls + 40


def test_without_a_risk_allowed_it_is_one_call_for_each_free_agent() -> None:
    never = make_method("predictive", budget=Budget(most_risk=0.0))
    assert simulate(SHORT, never, 1) == paced(SHORT, "progressive")
    no_cap = dataclasses.replace(SHORT, cap=0.0)
    assert paced(no_cap).abandoned == 0


@pytest.mark.parametrize("name", ["progressive", "ratio", "adaptive", "predictive"])
def test_the_same_seed_gives_the_same_result(name: str) -> None:
    workload = dataclasses.replace(SHORT, hours=0.2)
    assert paced(workload, name) == paced(workload, name)
    assert paced(workload, name) != paced(workload, name, seed=2)


@pytest.mark.parametrize("end_known", [True, False])
@pytest.mark.parametrize("contacts", [0, 150])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_run_ends_over_the_cap(seed: int, contacts: int, end_known: bool) -> None:
    groups = (Group(contacts),) if contacts else ()
    ran = paced(dataclasses.replace(SHORT, groups=groups, end_known=end_known), seed=seed)
    assert (ran.contacts_left == 0) == bool(contacts) or not contacts
    assert ran.final_excess_calls <= 0
    assert ran.worst_excess_calls <= 2


def test_a_wrong_end_breaks_nothing() -> None:
    class Misled:
        """The method, told an end that comes and goes."""

        name = "misled"

        def __init__(self) -> None:
            self.method = make_method("predictive")
            self.observe, self.state = self.method.observe, self.method.state
            self.told = 0

        def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
            self.told += 1
            wrong = (0.0, 60.0, None, 36_000.0)[self.told // 500 % 4]
            return self.method.decide(dataclasses.replace(snapshot, closes_in_s=wrong))

    for seed in (1, 2):
        ran = simulate(SHORT, Misled(), seed)
        assert ran.worst_excess_calls <= 2
        assert ran.occupancy > paced(SHORT, "progressive", seed=seed).occupancy


def test_what_is_told_of_the_end_is_the_time_to_call() -> None:
    method = Reckless(1)
    simulate(dataclasses.replace(SHORT, closed=((0.1, 0.3), (0.45, 0.9))), method, 1)
    told = [(s.now_s, s.closes_in_s) for s in method.snapshots]
    assert told[0] == (0.0, pytest.approx(0.25 * 3600))
    for now_s, left_s in told:
        shut_s = 0.0 if now_s > 0.2 * 3600 else 0.2 * 3600
        assert left_s == pytest.approx(0.45 * 3600 - now_s - shut_s)
    unknown = Reckless(1)
    simulate(dataclasses.replace(SHORT, hours=0.01, end_known=False), unknown, 1)
    assert {s.closes_in_s for s in unknown.snapshots} == {None}


def test_what_is_told_of_a_list_is_who_may_still_be_called() -> None:
    method = Reckless(1)
    simulate(dataclasses.replace(SHORT, answer_rate=0.9, groups=(Group(40),)), method, 1)
    told = [s.contacts_left for s in method.snapshots if s.contacts_left is not None]
    assert len(told) == len(method.snapshots)
    assert told[0] == 40
    assert min(told) < 5
    falls = [before - after for before, after in pairwise(told)]
    assert all(0 <= fall <= 1 for fall in falls)
    endless = Reckless(1)
    simulate(dataclasses.replace(SHORT, hours=0.01), endless, 1)
    assert {s.contacts_left for s in endless.snapshots} == {None}


def test_new_calls_are_told_as_mixed_as_the_last_ones() -> None:
    method = Reckless(5)
    half = (Group(1000), Group(1000, hours_ahead=3, ordinal=2))
    workload = dataclasses.replace(SHORT, hours=1.1, groups=half, start_hour=8)
    simulate(workload, method, 1)
    first, late = method.snapshots[0].next_kinds, method.snapshots[-1].next_kinds
    assert first == (ContactKind(8, 1),)
    assert len(late) == 40
    assert set(late) == {ContactKind(9, 1), ContactKind(12, 2)}
    assert max(len(snapshot.next_kinds) for snapshot in method.snapshots) == 40


def test_a_shuffled_list_has_the_same_contacts_in_another_order() -> None:
    groups = (Group(60), Group(30, hours_ahead=6), Group(10, ordinal=2))
    lists = []
    for seed, shuffled in ((1, False), (2, False), (1, True), (1, True), (2, True)):
        workload = dataclasses.replace(SHORT, groups=groups, shuffled=shuffled)
        people = People(workload, seed)
        lists.append([(c.hours_ahead, c.ordinal) for _ in range(100) if (c := people.take(0.0))])
    even, again, mixed, the_same, other = lists
    assert even == again != mixed == the_same != other
    assert sorted(even) == sorted(mixed) == sorted(other)


def test_short_talks_are_soon_known_to_be_short() -> None:
    short = Workload(
        agents=20,
        hours=0.06,
        answer_rate=0.5,
        talk=Lognormal(12.0, 0.7),
        wrap_up=Lognormal(3.0, 0.5),
        end_known=False,
    )
    more = [paced(short, seed=seed).calls for seed in (1, 2, 3)]
    each = [paced(short, "progressive", seed=seed).calls for seed in (1, 2, 3)]
    assert sum(more) > 1.05 * sum(each)


def test_all_methods_meet_the_same_people() -> None:
    few, many = Reckless(1), Reckless(4)
    workload = Workload(agents=50, hours=0.1, talk=Measured([1.0]), wrap_up=Measured([0.0]))
    simulate(workload, few, 3)
    simulate(workload, many, 3)
    times = [
        sorted(f.elapsed_s for f in one.facts if isinstance(f, RingEnded) and f.person)[:3]
        for one in (few, many)
    ]
    assert set(times[0]) & {f.elapsed_s for f in many.facts if isinstance(f, RingEnded)}


def test_what_it_counts_adds_up() -> None:
    method = Reckless(30)
    ran = simulate(SHORT, method, 5)
    persons = sum(isinstance(fact, RingEnded) and fact.person for fact in method.facts)
    assert ran.answered == persons
    assert ran.abandoned > 50
    assert ran.abandon_rate == ran.abandoned / ran.answered
    assert ran.worst_excess_calls >= ran.final_excess_calls > 25
    assert ran.final_excess_calls == pytest.approx(ran.abandoned - 0.03 * ran.answered)
    assert 0.9 < ran.occupancy <= 1
    assert ran.agent_hours == pytest.approx(3)
    assert ran.decisions == len(method.snapshots)
    talked = sum(isinstance(fact, TalkEnded) for fact in method.facts)
    wrapped = sum(isinstance(fact, WrapUpEnded) for fact in method.facts)
    assert 0 <= talked - wrapped <= 6
    assert all(s.agents == 6 and s.free >= 0 for s in method.snapshots)


def test_an_agent_who_is_free_in_time_saves_the_call() -> None:
    always = Workload(
        agents=1,
        hours=0.05,
        answer_rate=1.0,
        ring=Measured([1.0]),
        talk=Measured([0.5]),
        wrap_up=Measured([0.0]),
    )
    assert simulate(always, Reckless(1), 1).abandoned == 0
    slow = dataclasses.replace(always, talk=Measured([30.0]))
    assert simulate(slow, Reckless(1), 1).abandoned > 10


def test_agents_leave_when_they_are_free_and_return() -> None:
    method = Reckless(20)
    workload = dataclasses.replace(SHORT, agent_steps=((0.1, 2), (0.3, 6)))
    ran = simulate(workload, method, 1)
    agents = [snapshot.agents for snapshot in method.snapshots]
    assert {2, 6} < set(agents)
    assert agents[-1] == 6
    assert 1.5 < ran.agent_hours < 3


def test_a_list_is_called_until_it_is_through() -> None:
    workload = dataclasses.replace(
        SHORT,
        groups=(Group(60), Group(30, hours_ahead=6)),
        start_hour=20,
        most_attempts=3,
        retry_after_s=120.0,
        other_end=Lognormal(8.0, 0.5),
    )
    method = Reckless(3)
    ran = simulate(workload, method, 1)
    assert (ran.contacts_through, ran.contacts_left) == (90, 0)
    assert ran.duration_s < 1800
    assert 90 < ran.calls <= 270
    kinds = {fact.kind for fact in method.facts if isinstance(fact, RingEnded)}
    assert {kind.ordinal for kind in kinds} == {1, 2, 3}
    assert {kind.hour for kind in kinds} == {20, 2}


def test_rates_of_kinds_count_and_lines_are_a_limit() -> None:
    never = {ContactKind(None, 1): 0.0, ContactKind(9, 2): 1.0}
    workload = dataclasses.replace(
        SHORT, rates=never, start_hour=9, groups=(Group(5000),), lines=4, hours=0.3
    )
    ran = simulate(workload, Reckless(30), 1)
    assert ran.answered == 0
    assert ran.most_lines == 4
    again = dataclasses.replace(
        workload, groups=(Group(50),), most_attempts=2, retry_after_s=1.0, lines=None
    )
    assert simulate(again, Reckless(30), 1).answered > 0


def test_knowing_hour_and_number_of_a_call_is_worth_something() -> None:
    workload = Workload(
        agents=20,
        hours=0.5,
        rates={ContactKind(9, 1): 0.1, ContactKind(18, 1): 0.7},
        start_hour=9,
        groups=(Group(9000), Group(9000, hours_ahead=9)),
        talk=Lognormal(30.0, 1.0),
        wrap_up=Lognormal(5.0, 0.5),
    )

    class Blind:
        """The same method, not told."""

        name = "blind"

        def __init__(self) -> None:
            self.method = make_method("predictive")

        def observe(self, fact: PacingFact) -> None:
            if isinstance(fact, RingEnded):
                fact = dataclasses.replace(fact, kind=ContactKind())
            self.method.observe(fact)

        def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
            ringing = tuple(RingingCall(call.elapsed_s) for call in snapshot.ringing)
            plain = dataclasses.replace(snapshot, ringing=ringing, next_kinds=())
            return self.method.decide(plain)

        def state(self) -> dict[str, Any]:
            return {}

    # In half an hour the end would be near all the time, and the account more than the people.
    workload = dataclasses.replace(workload, end_known=False)
    told = sum(paced(workload, seed=seed).occupancy for seed in (1, 2))
    assert told > sum(simulate(workload, Blind(), seed).occupancy for seed in (1, 2)) + 0.005


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agents", 0),
        ("hours", 0.0),
        ("hours", float("nan")),
        ("answer_rate", 1.01),
        ("ring_timeout_s", 0.0),
        ("connect_limit_s", -1.0),
        ("cap", 2.0),
        ("most_attempts", 0),
        ("retry_after_s", -1.0),
        ("start_hour", 24),
        ("lines", 0),
        ("groups", (Group(0),)),
        ("agent_steps", ((1.0, -1),)),
        ("rate_steps", ((1.0, 7.0),)),
        ("rates", {ContactKind(): -0.1}),
    ],
)
def test_what_cannot_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        Workload(**{field: value})  # type: ignore[arg-type]
    assert refused.value.details["field"]


def test_durations_are_checked() -> None:
    for wrong in (0.0, -1.0, float("inf")):
        with pytest.raises(InvalidInput, match="talk_mean_s"):
            Lognormal(wrong, 1.0, name="talk_mean_s")
    with pytest.raises(InvalidInput, match="cv"):
        Lognormal(1.0, -1.0)
    with pytest.raises(InvalidInput, match="no duration"):
        Measured([])
    with pytest.raises(InvalidInput, match="values_s"):
        Measured([1.0, -2.0])
