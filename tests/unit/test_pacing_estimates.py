"""What pacing learns: chances of an answer, ring times, durations, and tails of sums."""

from __future__ import annotations

from itertools import pairwise, product
from math import log
from operator import itemgetter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcamp.core.pacing.agents import Agents, middle_s, place_of
from callcamp.core.pacing.chances import AnswerChance
from callcamp.core.pacing.contract import BusyPhase, ContactKind
from callcamp.core.pacing.crowd import Crowd, most
from callcamp.core.pacing.durations import Durations
from callcamp.core.pacing.ringing import Ringing
from callcamp.core.pacing.tails import at_least, few_missing
from callcamp.core.pacing.terms import term

PLAIN = ContactKind()
CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=9)


def by_hand(chances: list[float], count: int) -> float:
    """Return how likely at least ``count`` happen, by looking at all that can happen."""
    found = 0.0
    for outcome in product((0, 1), repeat=len(chances)):
        if sum(outcome) >= count:
            likely = 1.0
            for happens, chance in zip(outcome, chances, strict=True):
                likely *= chance if happens else 1 - chance
            found += likely
    return found


@settings(max_examples=50, deadline=None)
@given(CHANCES, st.integers(0, 9))
def test_exact_tails_are_exact(chances: list[float], missing: int) -> None:
    tail = sum(few_missing(chances, missing))
    assert tail == pytest.approx(by_hand(chances, len(chances) - missing), abs=1e-9)


def test_tails_of_many_are_close_to_exact() -> None:
    chances = [0.05 + 0.9 * n / 60 for n in range(60)]
    variances = [p * (1 - p) for p in chances]
    moments = sum(chances), sum(variances), sum(p * (1 - p) * (1 - 2 * p) for p in chances)
    for count in range(22, 42):
        exact = sum(few_missing(chances, 60 - count))
        assert at_least(count, *moments) == pytest.approx(exact, abs=0.001)
    assert at_least(3, 3.0, 0.0, 0.0) == 1.0
    assert at_least(4, 3.0, 0.0, 0.0) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=30), st.integers(0, 5))
def test_a_crowd_with_room_for_all_has_no_risk(chances: list[float], spare: int) -> None:
    terms = [(term([chance, chance]), 1) for chance in chances]
    crowd = Crowd(terms, len(chances) + 1 + spare, [0.5, 0.5], term([0.1, 0.3]))
    for joined in range(spare + 1):
        assert crowd.risk(joined) == 0
    risks = [crowd.risk(joined) for joined in range(spare + 1, spare + 20)]
    assert all(risk > 0 or len(chances) > 8 for risk in risks)
    assert all(later >= sooner - 0.02 for sooner, later in pairwise(risks))
    assert crowd.risk(spare + 3, beyond=2) <= crowd.risk(spare + 3) + 1e-9


@given(st.integers(0, 500), st.integers(0, 20))
def test_the_most_that_fits(limit: int, start: int) -> None:
    assert most(lambda joined: joined < limit, start) == max(limit, start)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.7])
def test_the_answer_rate_is_learnt_and_followed(rate: float) -> None:
    random, chance = Random(1), AnswerChance()
    for _ in range(2000):
        chance.add(random.random() < rate, PLAIN)
    assert chance.of(PLAIN) == pytest.approx(rate, abs=0.04)
    for _ in range(300):
        chance.add(random.random() < 0.5, PLAIN)
    assert chance.of(PLAIN) == pytest.approx(0.5, abs=0.15)


def test_hour_and_number_of_the_call_are_told_apart() -> None:
    random, chance = Random(2), AnswerChance()
    rates = {
        ContactKind(hour, ordinal): base * again
        for hour, base in ((9, 0.15), (18, 0.5))
        for ordinal, again in ((1, 1.0), (3, 0.5))
    }
    for _ in range(1500):
        for kind, rate in rates.items():
            chance.add(random.random() < rate, kind)
    for kind, rate in rates.items():
        assert chance.of(kind) == pytest.approx(rate, abs=0.07)
    assert chance.of(ContactKind(18, 1)) > 2 * chance.of(ContactKind(9, 1))
    assert chance.of_level(chance.level(PLAIN)) == pytest.approx(chance.of(PLAIN), abs=0.02)


def test_durations_are_learnt() -> None:
    random, talk = Random(3), Durations(80.0, 0.9)
    seen = [random.expovariate(1 / 60) for _ in range(3000)]
    for duration_s in seen:
        talk.add(duration_s)
    for nonsense in (-1.0, float("nan"), float("inf")):
        talk.add(nonsense)
    for second in (5, 30, 60, 120, 240):
        share = sum(duration_s > second for duration_s in seen) / len(seen)
        assert talk.above(second) == pytest.approx(share, abs=0.03)
    assert talk.mean_s == pytest.approx(60, rel=0.08)
    assert talk.above(0) == 1
    assert 0 <= talk.above(1e9) < 0.001


@given(st.floats(0, 19_000))
def test_places_of_elapsed_time_are_close(elapsed_s: float) -> None:
    middle = middle_s(place_of(elapsed_s))
    assert middle == pytest.approx(elapsed_s, rel=0.04, abs=0.51)


@given(st.floats(0, 30_000))
def test_coarse_places_are_the_middle_one_of_three(elapsed_s: float) -> None:
    place = place_of(elapsed_s, coarse=True)
    assert place % 3 == 1
    assert abs(place - place_of(elapsed_s)) <= 1


def test_elapsed_times_beyond_all_measure_have_a_place() -> None:
    assert place_of(1e9) == place_of(20_000)
    assert place_of(-5) == 0
    assert place_of(-5, coarse=True) == 1


def test_who_wraps_up_is_free_sooner_than_who_talks() -> None:
    agents = Agents((3.0, 10.0, 27.0))
    talking = agents.still_busy(BusyPhase.TALKING, place_of(5)).chances
    wrapping = agents.still_busy(BusyPhase.WRAP_UP, place_of(5)).chances
    for chances in (talking, wrapping):
        assert list(chances) == sorted(chances, reverse=True)
    assert all(talks > wraps for talks, wraps in zip(talking, wrapping, strict=True))
    forever = agents.still_busy(BusyPhase.WRAP_UP, place_of(1e7)).chances
    assert forever == (1.0, 1.0, 1.0)


def test_what_rings_long_is_answered_less() -> None:
    random, ringing, at_s = Random(4), Ringing((1.0, 5.0, 25.0)), 0.0
    for _ in range(1500):
        person = random.random() < 0.3
        at_s += 1
        ringing.add(
            at_s, min(random.lognormvariate(log(11), 0.4), 24.9) if person else 25.0, person, PLAIN
        )
    assert ringing.add(at_s, float("nan"), True, PLAIN) == 0
    level = ringing.chance.level(PLAIN)
    fresh, late = (ringing.answered(level, place).chances for place in (0, 44))
    assert fresh[-1] == pytest.approx(0.3, abs=0.05)
    assert late[-1] < 0.08
    assert list(fresh) == sorted(fresh)
    assert 0 < ringing.answered(level, 10_000).chances[-1] <= 1
    assert sum(ringing.weights()) == pytest.approx(1)


def test_a_chance_is_as_new_as_the_last_result() -> None:
    chance, other = AnswerChance(), AnswerChance()
    before = chance.of(PLAIN)
    chance.add(False, PLAIN)
    assert chance.of(PLAIN) < before
    other.restore(chance.state())
    assert other.of(PLAIN) == chance.of(PLAIN)
    chance.restore(AnswerChance().state())
    assert chance.of(PLAIN) == before


def test_answers_that_come_first_do_not_mislead() -> None:
    ringing = Ringing((1.0, 5.0, 25.0))
    ends = [(n % 40 / 4 + 5.0, True) for n in range(300)] + [(25.0, False)] * 700
    for elapsed_s, person in sorted(ends):
        assert 0.3 < ringing.chance.of(PLAIN) < 0.6
        ringing.add(elapsed_s, elapsed_s, person, PLAIN)
    ringing.add(60.0, 25.0, False, PLAIN)
    assert ringing.chance.of(PLAIN) == pytest.approx(0.3, abs=0.03)


def test_short_talks_that_end_first_do_not_mislead() -> None:
    agents = Agents((3.0, 27.0))
    talks = sorted(float(n) for n in range(1, 241, 2))
    assert [agents.talked(talk_s, talk_s) for talk_s in talks if talk_s < 200] == [0] * 100
    assert sum(agents.talked(1000.0, talk_s) for talk_s in talks[100:]) > 100
    assert agents.talk.mean_s == pytest.approx(120, rel=0.1)
    assert agents.talked(1001.0, float("nan")) == 0


def test_talks_are_learnt_when_all_that_began_before_them_have_ended() -> None:
    agents = Agents((3.0, 27.0))
    for began_s, ended_s in ((0.0, 12.0), (3.0, 9.0), (6.0, 14.0), (8.0, 15.0)):
        assert agents.talked(ended_s, ended_s - began_s) == 0
    # The one that began at 5 s still runs: it may be a long one.
    assert agents.compared(15.0, [10.0, 1.0]) == 2
    assert agents.compared(15.0, [10.0, 1.0]) == 0
    assert agents.compared(20.0, [6.0]) == 2
    assert agents.talk.mean_s < 110


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50)), max_size=12),
    st.lists(st.integers(0, 300), max_size=12),
)
def test_the_oldest_running_talk_that_is_waited_for_decides(
    talks: list[tuple[int, int]], running_s: list[int]
) -> None:
    agents = Agents((3.0, 27.0))
    for began_s, lasted_s in talks:
        # Nothing is learnt of these before they are compared: all are too young.
        assert agents.talked(float(began_s + lasted_s), float(lasted_s)) == 0
    hold_s = 2 * agents.talk.mean_s
    oldest_s = max((one_s for one_s in running_s if one_s <= hold_s), default=0)
    learnt = sum(began_s + 0.5 <= 151 - oldest_s for began_s, _ in talks)
    assert agents.compared(151.0, map(float, running_s)) == learnt


def test_one_very_long_talk_holds_no_other_up() -> None:
    agents = Agents((3.0, 27.0))
    agents.talked(900.0, 20.0)
    assert agents.compared(900.0, [890.0]) == 1


def test_many_talks_that_are_learnt_in_turn_are_learnt_as_they_are() -> None:
    random, agents = Random(5), Agents((3.0, 27.0))
    began = [4.0 * n for n in range(400)]
    talks = sorted(((at_s, at_s + random.expovariate(1 / 60)) for at_s in began), key=itemgetter(1))
    for began_s, ended_s in talks:
        agents.talked(ended_s, ended_s - began_s)
        running = [ended_s - since for since, until in talks if since < ended_s < until]
        agents.compared(ended_s, running)
    lasted = [ended_s - began_s for began_s, ended_s in talks]
    assert agents.talk.mean_s == pytest.approx(sum(lasted) / 400, rel=0.15)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.builds(ContactKind, st.integers(0, 2), st.integers(1, 3)), max_size=9))
def test_of_a_mix_each_counts_as_often_as_it_is_there(kinds: list[ContactKind]) -> None:
    chance = AnswerChance()
    for n in range(200):
        chance.add(n % 3 == 0, ContactKind(n % 3, 1 + n % 2))
    each = [chance.of(kind) for kind in kinds] or [chance.of(PLAIN)]
    assert chance.of_mix(kinds) == pytest.approx(sum(each) / len(each))
    assert chance.of_mix([*kinds, *kinds]) == pytest.approx(chance.of_mix(kinds))
