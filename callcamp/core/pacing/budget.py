"""What the abandon account can pay for: how much risk one more call may take."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from callcamp.core.pacing.contract import Account

_LOW_POWER = 0.7
_SPEND_POWER = 0.6
_LESS_POWER = 0.7
_FEW_AGENTS = 5


@dataclass(frozen=True, slots=True)
class Budget:
    """How the account is spent.

    The account holds ``cap * persons - abandoned`` calls that may still be abandoned. The risk
    that a call may take is the cap, less while the account is under its reserve, and more the
    more is in it beside what will still be earned: ``(1 + left / to earn) ** 0.6`` times. So
    what was saved is spent by the time the account closes. Both follow the root of the agents,
    as chance and the cost of a sudden change do.

    An even risk talks more than one that follows the account closely, because each further
    abandoned call buys less: the exponents are what a dynamic programme over the account and
    the time left came to for 5 agents.

    Args:
        reserve: calls that the account should hold, for one agent.
        rest: calls for one agent beside which, at the very end, what is left is counted.
        most_risk: no call takes more than this risk.
        last_risk: largest risk that more calls are abandoned than can be paid.
        worse_risk: the same for one more than that: what is unlike all that was learnt, such as
            an answer rate that doubles, shows in it first.
        most_ahead: calls that may be earned back, at most, with up to five agents.
        less_ahead: how many fewer that are with more agents, times ``(agents / 5) ** 0.7 - 1``:
            many lose several calls at a time. From 11 agents on some are kept back instead.
        sure_share: share of what is expected to be earned that is counted on.
        at_end: calls that must be left in the account when it closes.
    """

    reserve: float = 2.0
    rest: float = 0.45
    most_risk: float = 0.15
    last_risk: float = 1e-4
    worse_risk: float = 1e-8
    most_ahead: float = 0.6
    less_ahead: float = 0.83
    sure_share: float = 0.5
    at_end: float = 0.7

    def left(self, account: Account) -> float:
        """Return how many calls may still be abandoned; negative over the cap."""
        return account.cap * account.persons - account.abandoned

    def risk(self, account: Account, agents: int, to_earn: float) -> float:
        """Return the largest risk that the next call may find no agent, from 0 to 1.

        Args:
            account: the account.
            agents: agents who work or could.
            to_earn: calls that the answers still to come will add to the account.
        """
        left = self.left(account)
        if left <= 0:
            return 0.0
        root = sqrt(agents)
        low = pow(min(left / (self.reserve * root), 1.0), _LOW_POWER)
        more = pow(1 + left / (max(to_earn, 0.0) + self.rest * root), _SPEND_POWER)
        return float(min(account.cap * low * more, self.most_risk))

    def payable(self, account: Account, agents: int, to_earn: float | None) -> int:
        """Return how many abandoned calls can be paid.

        Args:
            account: the account.
            agents: agents who work or could.
            to_earn: calls that it will still earn; None: nobody knows when it closes, so
                nothing is counted on.
        """
        left = self.left(account)
        if left <= 0:
            return 0
        grown = max(0.0, pow(agents / _FEW_AGENTS, _LESS_POWER) - 1)
        ahead = self.most_ahead - self.less_ahead * grown
        sure = 0.0 if to_earn is None else self.sure_share * max(to_earn, 0.0) - self.at_end
        return max(0, int(left + min(ahead, sure)))
