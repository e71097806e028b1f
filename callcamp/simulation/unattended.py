"""A campaign without agents in fast motion: limited by lines and calls per second."""

from __future__ import annotations

from heapq import heappop, heappush

from callcamp.errors import InvalidInput
from callcamp.simulation.people import Contact, Fate, People
from callcamp.simulation.workload import SimResult, Workload, opens_at


def simulate_unattended(workload: Workload, cps: float, seed: int = 1) -> SimResult:
    """Run a campaign without agents in fast motion.

    A call takes a line from its start to its end; a person listens for a draw of
    ``workload.talk``. Agents, their times and the cap do not matter.

    Args:
        workload: people and times; it needs ``groups`` and ``lines``.
        cps: new calls a second at most, over 0.
        seed: of the random numbers. The same arguments give the same result.

    Returns:
        What came out; nothing is abandoned, and nobody is occupied.

    Raises:
        InvalidInput: the workload has no groups or no lines, or ``cps`` is not over 0.
    """
    if not workload.groups or workload.lines is None or not cps > 0:
        raise InvalidInput(
            "workload: without agents it needs groups, lines and a cps over 0.",
            field="workload",
            value=None,
        )
    people, end_s = People(workload, seed), workload.hours * 3600
    live: list[tuple[float, int, Contact, Fate]] = []
    now = last_s = 0.0
    calls = answered = most_lines = 0
    while people.left and now < end_s:
        while live and live[0][0] <= now:
            last_s, _, contact, fate = heappop(live)
            answered += fate.person
            people.give_back(contact, last_s, done=fate.person)
        opens_s = opens_at(workload, now)
        # Calls end also while it is closed, so that what follows them is noted in order.
        waits_s = opens_s
        if waits_s is None:
            waits_s = people.next_at(now) if len(live) < workload.lines else live[0][0]
        if waits_s is None or waits_s > now:
            ends_s = live[0][0] if live else None
            following = [at for at in (waits_s, ends_s) if at is not None]
            if not following:
                break
            now = min(following)
            continue
        taken = people.take(now)
        if taken is None:
            break
        kind = people.kind(taken, now)
        fate = people.fate(kind, now)
        calls += 1
        heappush(live, (now + fate.ring_s + fate.talk_s * fate.person, calls, taken, fate))
        most_lines = max(most_lines, len(live))
        now += 1 / cps
    hours = max(last_s, 1.0) / 3600
    return SimResult(
        occupancy=0.0,
        abandon_rate=0.0,
        calls=calls,
        answered=answered,
        abandoned=0,
        worst_excess_calls=0.0,
        final_excess_calls=0.0,
        calls_per_hour=calls / hours,
        talks_per_hour=answered / hours,
        duration_s=min(end_s, last_s) if not people.left else end_s,
        contacts_through=people.through,
        contacts_left=people.left,
        agent_hours=0.0,
        most_lines=most_lines,
        decisions=calls,
    )
