"""One call for every free agent: the method that never abandons, and what others fall back to."""

from __future__ import annotations

from typing import Any

from callcamp.core.pacing.contract import PacingDecision, PacingFact, PacingSnapshot


def counted(number: float, thing: str) -> str:
    """Return so many things in words: ``1 call``, ``2 calls``."""
    return f"{number:,.0f} {thing}{'' if round(number) == 1 else 's'}"


def one_each(snapshot: PacingSnapshot, reason: str = "") -> PacingDecision:
    """Return one call for every free agent who has none on the way yet.

    Args:
        snapshot: what there is.
        reason: why no more than that, in words; empty where the method never wants more.
    """
    count = max(0, snapshot.free - snapshot.waiting - len(snapshot.ringing))
    numbers = {
        "free_agents": float(snapshot.free),
        "busy_agents": float(len(snapshot.busy)),
        "ringing_calls": float(len(snapshot.ringing)),
        "waiting_calls": float(snapshot.waiting),
    }
    rule = "1 call for every free agent"
    if not snapshot.agents:
        why = "no calls: no agent is there to take one"
    elif reason:
        why = f"{rule}: {reason}"
    elif count:
        why = f"{rule}: {counted(count, 'agent')} without one"
    elif snapshot.free:
        why = f"{rule}: each has one on the way"
    else:
        why = f"{rule}: all {counted(snapshot.agents, 'agent')} are busy"
    return PacingDecision(count, why, numbers)


def held_back(snapshot: PacingSnapshot) -> PacingDecision | None:
    """Return the decision where every method calls one contact per free agent, else None.

    That is so without agents, and where the cap is 0.
    """
    if not snapshot.agents:
        return one_each(snapshot)
    if snapshot.account.cap <= 0:
        return one_each(snapshot, "no call may be abandoned")
    return None


class Progressive:
    """One call for every free agent, always."""

    name = "progressive"

    def observe(self, fact: PacingFact) -> None:
        """Nothing is learnt."""

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Return one call for every free agent who has none on the way yet."""
        return held_back(snapshot) or one_each(snapshot)

    def state(self) -> dict[str, Any]:
        """Return nothing: there is nothing to keep."""
        return {}
