"""Dial ahead of agents who will be free, by as much as the abandon account can pay for.

For each of several instants ``t`` ahead, ``S(t)`` counts who will need an agent by then: calls
that wait, ringing calls that are answered by ``t``, and agents who are still busy as long
after as an answered call may wait. One more call finds nobody if ``S(t)`` is at least the
number of agents when it is answered. Its risk is the chance of that, weighted with when calls
are answered. Calls are started while the risk is no more than what the account allows. With
none allowed that is exactly one call for every free agent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from callcamp.core.pacing.agents import Agents, place_of
from callcamp.core.pacing.budget import Budget
from callcamp.core.pacing.contract import (
    BusyPhase,
    PacingDecision,
    PacingFact,
    PacingSnapshot,
    RingEnded,
    TalkEnded,
    WrapUpEnded,
)
from callcamp.core.pacing.crowd import Crowd, most
from callcamp.core.pacing.durations import numbers, parts
from callcamp.core.pacing.progressive import counted, held_back, one_each
from callcamp.core.pacing.ringing import BIN_S, Ringing
from callcamp.core.pacing.terms import Term

INSTANTS_S = (1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0, 20.0, 25.0)
CONNECT_LIMIT_S = 2.0
LEAST_AGENTS = 3
FIRST_TALKS = 5
"""Answers and talks to learn before it looks ahead; one for every ten agents if that is more."""
TICK_S = 1.0
MOST_PER_AGENT = 8
"""Calls on their way for each agent, at most: when a trunk fails nobody seems to answer, and
all who do once it is back would be too many."""
_PLENTY = 100
_OPEN_HORIZON_S = 4 * 3600.0
"""How far ahead answers are counted while nobody knows when the account closes."""
_AT_WORK = 0.8
_LAST_CALL_S = 25.0
"""What is started later is not answered before the end."""
_SOON = 6
_FEW_GROUPS = 60
_FEW_CALLS = 150
_MERGED = 3


class Predictive:
    """The method that learns and looks ahead.

    Args:
        budget: how the account is spent.
        state: what :meth:`state` returned before; anything else is ignored.
    """

    name = "predictive"

    def __init__(self, budget: Budget | None = None, state: object = None) -> None:
        self._budget = budget or Budget()
        self._new()
        if state:
            self._restore(state)

    def _new(self) -> None:
        self._persons = self._talks = 0
        self.ringing = Ringing(INSTANTS_S)
        self.agents = Agents(tuple(instant + CONNECT_LIMIT_S for instant in INSTANTS_S))

    def observe(self, fact: PacingFact) -> None:
        """Learn from a fact."""
        if isinstance(fact, RingEnded):
            self._persons += self.ringing.add(fact.at_s, fact.elapsed_s, fact.person, fact.kind)
        elif isinstance(fact, TalkEnded):
            self._talks += self.agents.talked(fact.at_s, fact.elapsed_s)
        elif isinstance(fact, WrapUpEnded):
            self.agents.wrap_up.add(fact.elapsed_s)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Return how many calls the account can pay the risk of."""
        if held := held_back(snapshot):
            return held
        if snapshot.agents < LEAST_AGENTS:
            return one_each(
                snapshot, f"with fewer than {LEAST_AGENTS} agents there is little to gain from more"
            )
        self._talks += self.agents.compared(
            snapshot.now_s,
            (one.elapsed_s for one in snapshot.busy if one.phase is BusyPhase.TALKING),
        )
        if min(self._persons, self._talks) < max(FIRST_TALKS, snapshot.agents // 10):
            return one_each(
                snapshot,
                f"{counted(self._persons, 'answer')} and {counted(self._talks, 'talk')} learnt so "
                "far, too few to look ahead",
            )
        return self._ahead(snapshot)

    def _ahead(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Return how many calls the account can pay the risk of, by looking ahead."""
        account, budget = snapshot.account, self._budget
        chance = self.ringing.chance
        busy, calls = self._busy(snapshot), self._calls(snapshot)
        answers = chance.of_mix(snapshot.next_kinds)
        crowd = Crowd(
            [*busy, *calls],
            snapshot.agents - snapshot.waiting,
            self.ringing.weights(),
            self.ringing.answered(chance.level_of(answers), 0),
        )
        to_earn = self._to_earn(snapshot, answers)
        allowed = budget.risk(account, snapshot.agents, to_earn)
        left = budget.left(account)
        known = snapshot.closes_in_s is not None
        beyond = budget.payable(account, snapshot.agents, to_earn if known else None)

        def fits(joined: int) -> bool:
            return crowd.risk(joined) <= allowed and (
                beyond >= _PLENTY
                or (
                    crowd.risk(joined, beyond) <= budget.last_risk
                    and crowd.risk(joined, beyond + 1) <= budget.worse_risk
                )
            )

        sure = max(0, snapshot.free - snapshot.waiting - len(snapshot.ringing))
        room = MOST_PER_AGENT * snapshot.agents - snapshot.waiting - len(snapshot.ringing)
        count = min(most(fits, sure), max(room, sure))
        numbers = {
            **one_each(snapshot).numbers,
            "answer_probability": answers,
            "answers_expected": sum(t.chances[-1] * n for t, n in calls),
            "agents_free_soon": len(snapshot.busy) - sum(t.chances[_SOON] * n for t, n in busy),
            "talk_mean_s": self.agents.talk.mean_s,
            "wrap_up_mean_s": self.agents.wrap_up.mean_s,
            "next_risk": crowd.risk(count),
            "allowed_risk": allowed,
            "budget_calls": left,
            "budget_calls_to_earn": to_earn,
        }
        if snapshot.closes_in_s is not None:
            numbers["account_closes_in_s"] = snapshot.closes_in_s
        return PacingDecision(count, _why(snapshot, numbers), numbers, TICK_S)

    def _to_earn(self, snapshot: PacingSnapshot, chance: float) -> float:
        """Return how many calls the answers still to come will add to the account.

        Of a list each contact is counted once: what those who are called again earn is not sure.

        Args:
            snapshot: what there is.
            chance: how likely one of its contacts answers.
        """
        left_s = _OPEN_HORIZON_S
        if snapshot.closes_in_s is not None:
            left_s = max(0.0, snapshot.closes_in_s - _LAST_CALL_S)
        each_s = self.agents.talk.mean_s + self.agents.wrap_up.mean_s
        answers = _AT_WORK * snapshot.agents * left_s / each_s
        if snapshot.contacts_left is not None:
            answers = min(answers, chance * snapshot.contacts_left)
        return snapshot.account.cap * answers

    def _busy(self, snapshot: PacingSnapshot) -> list[tuple[Term, int]]:
        """Return who may still be busy, alike ones together."""
        talking = BusyPhase.TALKING
        # Wrap-ups are the negative ones: one list is quicker than a list of pairs.
        seconds = Counter(
            [
                int(agent.elapsed_s) if agent.phase is talking else ~int(agent.elapsed_s)
                for agent in snapshot.busy
            ]
        )
        coarse = len(seconds) > _FEW_GROUPS
        alike: defaultdict[tuple[bool, int], int] = defaultdict(int)
        for second, times in seconds.items():
            talks = second >= 0
            alike[talks, place_of(second if talks else ~second, coarse)] += times
        return [
            (self.agents.still_busy(talking if talks else BusyPhase.WRAP_UP, place), times)
            for (talks, place), times in alike.items()
        ]

    def _calls(self, snapshot: PacingSnapshot) -> list[tuple[Term, int]]:
        """Return which calls may be answered, alike ones together."""
        chance, answered = self.ringing.chance, self.ringing.answered
        many = len(snapshot.ringing) > _FEW_CALLS
        width_s = _MERGED * BIN_S if many else BIN_S
        alike = Counter([(call.kind, int(call.elapsed_s / width_s)) for call in snapshot.ringing])
        kinds = {kind for kind, _ in alike}
        if not many:
            levels = {kind: chance.level(kind) for kind in kinds}
            return [(answered(levels[kind], place), n) for (kind, place), n in alike.items()]
        # With very many calls those of an age are counted with their mean chance: the mean
        # stays right, and the variance is off by less than the estimate is.
        chances = {kind: chance.of(kind) for kind in kinds}
        sums: defaultdict[int, float] = defaultdict(float)
        counts: defaultdict[int, int] = defaultdict(int)
        for (kind, place), times in alike.items():
            sums[place] += times * chances[kind]
            counts[place] += times
        return [
            (answered(chance.level_of(sums[place] / times), _MERGED * place + 1), times)
            for place, times in counts.items()
        ]

    def state(self) -> dict[str, Any]:
        """Return what was learnt."""
        return {
            "persons": self._persons,
            "talks": self._talks,
            "ringing": self.ringing.state(),
            "agents": self.agents.state(),
        }

    def _restore(self, state: object) -> None:
        """Take kept state; what is broken leaves the method as new."""
        try:
            kept = parts(state)
            counts = numbers([kept.get("persons"), kept.get("talks")], 2)
            self._persons, self._talks = map(int, counts)
            self.ringing.restore(kept.get("ringing"))
            self.agents.restore(kept.get("agents"))
        except ValueError:
            self._new()


def _why(snapshot: PacingSnapshot, numbers: dict[str, float]) -> str:
    """Say in words what a decision rests on."""
    risk, allowed, left = (numbers[name] for name in ("next_risk", "allowed_risk", "budget_calls"))
    if left <= 0:
        return (
            f"1 call for every free agent: {snapshot.account.abandoned} of "
            f"{counted(snapshot.account.persons, 'answered call')} were abandoned, "
            f"and {snapshot.account.cap:.1%} may be"
        )
    return (
        f"{counted(snapshot.free, 'agent')} free and about {numbers['agents_free_soon']:.1f} more "
        f"within {INSTANTS_S[_SOON] + CONNECT_LIMIT_S:.0f} s, about "
        f"{numbers['answers_expected']:.1f} of {counted(len(snapshot.ringing), 'ringing call')} "
        f"will be answered; one call more would find nobody with {risk:.1%}, {allowed:.1%} is "
        f"affordable"
    )
