"""The simulation itself: events in the order of time, and a method that is asked at each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import copy
from functools import partial
from heapq import heappop, heappush

from callcamp.core.pacing.contract import (
    RECENT_CALLS,
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
from callcamp.simulation.people import Contact, Fate, People
from callcamp.simulation.workload import SimResult, Workload, open_s_left, opens_at

_TICK_S = 1.0
_QUARTERS = 4


def simulate(
    workload: Workload, method: PacingMethod, seed: int = 1, *, people: People | None = None
) -> SimResult:
    """Run a campaign in fast motion.

    The method is asked at every event and once a second, as the engine does it. Calls that
    are on their way when the time is up count as started, and nothing else.

    Args:
        workload: agents, people and times.
        method: a new pacing method, such as from ``make_method``; it learns.
        seed: of the random numbers. The same workload, method and seed give the same result;
            the n-th call of a seed meets the same person under every method.
        people: who is called (None: people as the workload has them).

    Returns:
        What came out.
    """
    return _Run(workload, method, people or People(workload, seed)).run()


class _Call:
    """A call from its start to the end of the wrap-up."""

    __slots__ = ("answered", "contact", "fate", "kind", "started_s")

    def __init__(self, contact: Contact, kind: ContactKind, fate: Fate, started_s: float) -> None:
        self.contact = contact
        self.kind = kind
        self.fate = fate
        self.started_s = started_s


class _Run:
    """One run."""

    def __init__(self, workload: Workload, method: PacingMethod, people: People) -> None:
        self.workload = workload
        self.method = method
        self.people = people
        self.now = 0.0
        self.end_s = workload.hours * 3600
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.sequence = 0
        self.ringing: dict[_Call, None] = {}
        self.waiting: deque[_Call] = deque()
        self.busy: dict[_Call, tuple[BusyPhase, float]] = {}
        self.agents = workload.agents
        self.wanted = workload.agents
        self.calls = self.answered = self.abandoned = self.talks = self.decisions = 0
        self.worst = 0.0
        self.most_lines = 0
        self.busy_s = self.agent_s = 0.0
        self.ringing_as: dict[tuple[ContactKind, int], RingingCall] = {}
        self.busy_as: dict[tuple[BusyPhase, int], BusyAgent] = {}
        self.recent: deque[Contact] = deque(maxlen=RECENT_CALLS)
        self.kinds: tuple[ContactKind, ...] = ()
        self.kinds_until_s = 0.0

    def run(self) -> SimResult:
        workload = self.workload
        for hours, agents in workload.agent_steps:
            self.at(hours * 3600, partial(self.staff, agents))
        self.at(0.0, self.tick)
        while self.events and self.events[0][0] < self.end_s:
            at_s, _, happens = heappop(self.events)
            self.pass_time(at_s)
            happens()
            if workload.groups and not self.people.left and not self.busy:
                break
            self.dial()
        else:
            self.pass_time(self.end_s)
        hours = self.now / 3600
        return SimResult(
            occupancy=self.busy_s / self.agent_s if self.agent_s else 0.0,
            abandon_rate=self.abandoned / self.answered if self.answered else 0.0,
            calls=self.calls,
            answered=self.answered,
            abandoned=self.abandoned,
            worst_excess_calls=self.worst,
            final_excess_calls=self.abandoned - workload.cap * self.answered,
            calls_per_hour=self.calls / hours,
            talks_per_hour=self.talks / hours,
            duration_s=self.now,
            contacts_through=self.people.through,
            contacts_left=self.people.left,
            agent_hours=self.agent_s / 3600,
            most_lines=self.most_lines,
            decisions=self.decisions,
        )

    def at(self, at_s: float, happens: Callable[[], None]) -> None:
        self.sequence += 1
        heappush(self.events, (at_s, self.sequence, happens))

    def pass_time(self, to_s: float) -> None:
        passed = to_s - self.now
        self.busy_s += passed * len(self.busy)
        closed = opens_at(self.workload, self.now) is not None
        self.agent_s += passed * (len(self.busy) if closed else self.agents)
        self.now = to_s

    def tick(self) -> None:
        self.at(opens_at(self.workload, self.now) or self.now + _TICK_S, self.tick)

    def staff(self, agents: int) -> None:
        self.wanted = agents
        if agents > self.agents:
            self.agents = agents
            self.hand_over()
        else:
            self.let_go()

    def let_go(self) -> None:
        """Agents who are to leave do so when they are free."""
        self.agents = max(self.wanted, min(self.agents, len(self.busy)))

    def dial(self) -> None:
        first = self.people.first(self.now)
        if first is None or opens_at(self.workload, self.now) is not None:
            return
        self.decisions += 1
        count = self.method.decide(self.snapshot(first)).count
        if self.workload.lines is not None:
            used = len(self.ringing) + len(self.waiting) + len(self.busy)
            count = min(count, self.workload.lines - used)
        for _ in range(count):
            contact = self.people.take(self.now)
            if contact is None:
                break
            kind = self.people.kind(contact, self.now)
            # As it is now: its number will be another when it is called again.
            self.recent.append(copy(contact))
            self.kinds_until_s = 0.0
            fate = self.people.fate(kind, self.now)
            call = _Call(contact, kind, fate, self.now)
            self.calls += 1
            self.ringing[call] = None
            self.at(self.now + fate.ring_s, partial(self.ring_ended, call))
        lines = len(self.ringing) + len(self.waiting) + len(self.busy)
        self.most_lines = max(self.most_lines, lines)

    def snapshot(self, first: Contact) -> PacingSnapshot:
        now = self.now
        calls, busy = self.ringing_as, self.busy_as
        ringing = []
        for call in self.ringing:
            key = (call.kind, int((now - call.started_s) * _QUARTERS))
            found = calls.get(key)
            if found is None:
                found = calls[key] = RingingCall((key[1] + 0.5) / _QUARTERS, call.kind)
            ringing.append(found)
        working = []
        for phase, since in self.busy.values():
            place = (phase, int((now - since) * _QUARTERS))
            agent = busy.get(place)
            if agent is None:
                agent = busy[place] = BusyAgent(phase, (place[1] + 0.5) / _QUARTERS)
            working.append(agent)
        return PacingSnapshot(
            now_s=now,
            free=self.agents - len(self.busy),
            busy=tuple(working),
            waiting=len(self.waiting),
            ringing=tuple(ringing),
            account=Account(self.answered, self.abandoned, self.workload.cap),
            next_kinds=self.next_kinds(first),
            closes_in_s=open_s_left(self.workload, now) if self.workload.end_known else None,
            contacts_left=self.contacts_left(),
        )

    def next_kinds(self, first: Contact) -> tuple[ContactKind, ...]:
        """Return what the engine would take the next contacts to be: as the last ones were."""
        if self.now >= self.kinds_until_s:
            kind = self.people.kind
            self.kinds = tuple(kind(one, self.now) for one in self.recent or (first,))
            self.kinds_until_s = (self.now // 3600 + 1) * 3600
        return self.kinds

    def contacts_left(self) -> int | None:
        """Return who may still be called, besides those who are called now; None: no list."""
        if not self.workload.groups:
            return None
        return max(0, self.people.left - len(self.ringing) - len(self.waiting) - len(self.busy))

    def ring_ended(self, call: _Call) -> None:
        del self.ringing[call]
        person = call.fate.person
        self.method.observe(RingEnded(self.now, call.fate.ring_s, person, call.kind))
        if not person:
            self.people.give_back(call.contact, self.now, done=False)
            return
        self.answered += 1
        self.waiting.append(call)
        self.at(self.now + self.workload.connect_limit_s, partial(self.gave_up, call))
        self.hand_over()

    def hand_over(self) -> None:
        while self.waiting and len(self.busy) < self.agents:
            call = self.waiting.popleft()
            self.talks += 1
            self.busy[call] = (BusyPhase.TALKING, self.now)
            self.at(self.now + call.fate.talk_s, partial(self.talk_ended, call))

    def gave_up(self, call: _Call) -> None:
        if call not in self.waiting:
            return
        self.waiting.remove(call)
        self.abandoned += 1
        self.worst = max(self.worst, self.abandoned - self.workload.cap * self.answered)
        self.people.give_back(call.contact, self.now, done=True)

    def talk_ended(self, call: _Call) -> None:
        self.busy[call] = (BusyPhase.WRAP_UP, self.now)
        self.method.observe(TalkEnded(self.now, call.fate.talk_s))
        self.at(self.now + call.fate.wrap_up_s, partial(self.wrap_up_ended, call))

    def wrap_up_ended(self, call: _Call) -> None:
        del self.busy[call]
        self.method.observe(WrapUpEnded(self.now, call.fate.wrap_up_s))
        self.people.give_back(call.contact, self.now, done=True)
        self.let_go()
        self.hand_over()
