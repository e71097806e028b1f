"""A fixed number of calls for every free agent, from a stated pickup rate.

A pickup rate of 50 % says that every second contact does not answer: two calls are made for
each free agent.
"""

from __future__ import annotations

from typing import Any

from callcamp.core.pacing.contract import PacingDecision, PacingFact, PacingSnapshot
from callcamp.core.pacing.progressive import counted, held_back, one_each


class Ratio:
    """Free agents divided by the pickup rate, while the account can pay for an abandoned call.

    Args:
        pickup_rate: stated share of calls that a person answers, over 0 and up to 1.
    """

    name = "ratio"

    def __init__(self, pickup_rate: float) -> None:
        self._pickup_rate = pickup_rate

    def observe(self, fact: PacingFact) -> None:
        """Nothing is learnt: the rate is what was stated."""

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Return how many calls are missing to what the pickup rate asks for."""
        if held := held_back(snapshot):
            return held
        account = snapshot.account
        left = account.cap * account.persons - account.abandoned
        # From a cap of 1 on every call may be abandoned: there is nothing to save up for.
        if left < 1 and account.cap < 1:
            return one_each(
                snapshot,
                f"{account.abandoned} of {counted(account.persons, 'answered call')} were "
                f"abandoned, and {account.cap:.1%} may be",
            )
        # A hair more, so that 3 / 0.3 is 10 and not 9.
        wanted = int((snapshot.free - snapshot.waiting) / self._pickup_rate + 1e-9)
        count = max(0, wanted - len(snapshot.ringing))
        why = (
            f"{counted(wanted, 'call')} for {counted(snapshot.free, 'free agent')} at a pickup "
            f"rate of {self._pickup_rate:.0%}, {len(snapshot.ringing):,} on the way"
        )
        numbers = {
            **one_each(snapshot).numbers,
            "pickup_rate": self._pickup_rate,
            "budget_calls": left,
        }
        return PacingDecision(count, why, numbers)

    def state(self) -> dict[str, Any]:
        """Return nothing: there is nothing to keep."""
        return {}
