"""What one decision of the predictive method costs with 500 agents and 1,500 ringing calls."""

from __future__ import annotations

import statistics
import sys
import time
from random import Random

from benchmarks.figures import Figures, at_most
from callcamp.core.pacing.contract import (
    Account,
    BusyAgent,
    BusyPhase,
    ContactKind,
    PacingSnapshot,
    RingEnded,
    RingingCall,
    TalkEnded,
    WrapUpEnded,
)
from callcamp.core.pacing.predictive import Predictive

NAME = "pacing"
SECONDS = 3
AGENTS, FREE, RINGING = 500, 12, 1500
NEXT = 40
LIMIT_MS = 1.0
DECISIONS = 200
# A call that ends between two decisions, as in life: it lets nothing be kept for the next.
FACTS_BETWEEN = 1


def _snapshot(random: Random, now_s: float) -> PacingSnapshot:
    busy = [
        BusyAgent(
            BusyPhase.TALKING if random.random() < 0.89 else BusyPhase.WRAP_UP,
            random.expovariate(1 / 60),
        )
        for _ in range(AGENTS - FREE)
    ]
    ringing = [
        RingingCall(
            25 * random.random(), ContactKind(random.randrange(9, 12), random.randint(1, 4))
        )
        for _ in range(RINGING)
    ]
    account = Account(20_000, 580)
    kinds = tuple(ContactKind(random.randrange(9, 12), random.randint(1, 4)) for _ in range(NEXT))
    return PacingSnapshot(now_s, FREE, tuple(busy), 0, tuple(ringing), account, kinds)


def _fact(random: Random, now_s: float) -> RingEnded:
    # So few answers that 1,500 calls on their way are not too many.
    person = random.random() < 0.06
    kind = ContactKind(random.randrange(9, 12), random.randint(1, 4))
    return RingEnded(now_s, random.uniform(4, 20) if person else 25.0, person, kind)


async def run() -> Figures:
    """Decide on a new snapshot each time, with facts learnt between."""
    random = Random(1)
    method = Predictive()
    for second in range(20_000):
        method.observe(_fact(random, second))
    for second in range(1500):
        method.observe(TalkEnded(second, random.lognormvariate(4.4, 0.8)))
        method.observe(WrapUpEnded(second, random.lognormvariate(2.6, 0.5)))
    taken = []
    for decision in range(DECISIONS):
        snapshot = _snapshot(random, 20_000.0 + decision)
        for _ in range(FACTS_BETWEEN):
            method.observe(_fact(random, snapshot.now_s))
        started = time.process_time()
        method.decide(snapshot)
        taken.append(1000 * (time.process_time() - started))
    return {
        "pacing_decision_ms_at_500_agents": at_most(
            statistics.quantiles(taken, n=10)[0],
            LIMIT_MS,
            1.0,
            "ms of CPU, quickest tenth (floor: the limit)",
        )
    }


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
