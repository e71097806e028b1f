"""What the abandon account can pay for: how much risk one more call may take."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

from callcamp.core.pacing.contract import Account


@dataclass(frozen=True, slots=True)
class Budget:
    """How the account is spent.

    The account holds ``cap * persons - abandoned`` calls that may still be abandoned. The risk
    that a call may take follows it: at the reserve it is the cap, an e-fold more for each
    reserve above, and below in proportion. The reserve grows with the root of the agents, as
    chance and the cost of a sudden change do.

    Args:
        reserve: calls that the account should hold, for one agent.
        most_risk: no call takes more than this risk.
        last_risk: largest risk that a call is abandoned which the account could not pay.
    """

    reserve: float = 1.8
    most_risk: float = 0.15
    last_risk: float = 0.002

    def left(self, account: Account) -> float:
        """Return how many calls may still be abandoned; negative over the cap."""
        return account.cap * account.persons - account.abandoned

    def risk(self, account: Account, agents: int) -> float:
        """Return the largest risk that the next call may find no agent, from 0 to 1."""
        left = self.left(account)
        if left <= 0:
            return 0.0
        fullness = left / (self.reserve * sqrt(agents))
        share = fullness if fullness < 1 else exp(min(fullness - 1, 20.0))
        return min(account.cap * share, self.most_risk)
