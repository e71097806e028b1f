"""A level of lines per agent that is corrected every 15 seconds, as VICIdial does it.

The method looks back, never ahead: it raises the level while agents wait, lowers it while
calls do, and drops it to 1 while more calls were abandoned than allowed. It is here to
compare with, and for people who know it.

Source: VICIdial's ``AST_VDadapt.pl`` (dial method ADAPT_HARD_LIMIT), in our own words.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import floor
from typing import Any

from callcamp.core.pacing.contract import Account, PacingDecision, PacingFact, PacingSnapshot
from callcamp.core.pacing.progressive import counted, held_back, one_each


@dataclass(frozen=True, slots=True)
class Tuning:
    """The parameters of VICIdial's adaptive methods.

    Args:
        cap_share: share of the cap above which the level drops to 1.
        most_level: highest level of lines per agent.
        intensity: how strongly the level follows, from -40 to 40; 10 more doubles the step.
        target_waiting: agents who should wait for a call at any time (negative: calls that
            should wait for an agent).
        every_s: seconds between two corrections.
        look_back_s: seconds over which waiting agents and calls are averaged.
    """

    cap_share: float = 1.0
    most_level: float = 3.0
    intensity: float = 0.0
    target_waiting: float = 0.0
    every_s: float = 15.0
    look_back_s: float = 60.0


class Adaptive:
    """Lines per agent at a level that follows the last minute.

    Args:
        tuning: its parameters; the default is VICIdial's own.
        state: what :meth:`state` returned before; anything else is ignored.
    """

    name = "adaptive"

    def __init__(self, tuning: Tuning | None = None, state: object = None) -> None:
        self._tuning = tuning or Tuning()
        self._level = 1.0
        self._samples: deque[tuple[float, float]] = deque()
        self._corrected_s: float | None = None
        kept = state.get("level") if isinstance(state, dict) else None
        if isinstance(kept, int | float) and 1 <= kept <= self._tuning.most_level:
            self._level = float(kept)

    def observe(self, fact: PacingFact) -> None:
        """Nothing is learnt from single calls."""

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """Return how many lines are missing to the level; correct it when it is time."""
        self._follow(snapshot)
        if held := held_back(snapshot):
            return held
        account = snapshot.account
        if self._over(account):
            return one_each(
                snapshot,
                f"{account.abandoned} of {counted(account.persons, 'answered call')} were "
                f"abandoned, more than {self._tuning.cap_share * account.cap:.1%}",
            )
        # Agents at work are lines too, so a level of 1 is one call for every free agent.
        lines = floor(self._level * snapshot.agents + 1e-9)
        used = len(snapshot.busy) + snapshot.waiting + len(snapshot.ringing)
        why = (
            f"{counted(lines, 'line')} for {counted(snapshot.agents, 'agent')} at a level of "
            f"{self._level:.2f}, {used:,} in use"
        )
        numbers = {**one_each(snapshot).numbers, "level": self._level}
        return PacingDecision(max(0, lines - used), why, numbers, self._tuning.every_s)

    def _follow(self, snapshot: PacingSnapshot) -> None:
        """Note who waits now, and correct the level when it is time; once per instant."""
        now, tuning, samples = snapshot.now_s, self._tuning, self._samples
        if not samples or now >= samples[-1][0] + 1:
            samples.append((now, float(snapshot.free - snapshot.waiting)))
            while samples[0][0] < now - tuning.look_back_s:
                samples.popleft()
        if self._corrected_s is None:
            self._corrected_s = now
        if now < self._corrected_s + tuning.every_s or not snapshot.agents:
            return
        self._corrected_s = now
        waiting = sum(value for _, value in samples) / len(samples)
        step = (waiting - tuning.target_waiting) / snapshot.agents
        level = self._level * (1 + step * 2 ** (tuning.intensity / 10))
        if self._over(snapshot.account):
            level = 1.0
        self._level = min(max(level, 1.0), tuning.most_level)

    def _over(self, account: Account) -> bool:
        return account.abandoned > self._tuning.cap_share * account.cap * account.persons

    def state(self) -> dict[str, Any]:
        """Return the level."""
        return {"level": self._level}
