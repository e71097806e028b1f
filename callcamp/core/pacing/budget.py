"""What the abandon account can pay for: how much risk one more call may take."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from callcamp.core.pacing.contract import Account


@dataclass(frozen=True, slots=True)
class Budget:
    """How the account is spent.

    The account holds ``cap * persons - abandoned`` calls that may still be abandoned. The
    price of risk follows it: more in the account than the reserve, more risk; less, less.

    Args:
        reserve: calls that the account should hold.
        reserve_per_agent: further ones for each agent: with more calls on their way a sudden
            change costs more before it is noticed.
        slope: how strongly the risk follows the account, by call.
        most_risk: no call takes more than this risk.
        last_risk: largest risk that a call is abandoned which the account could not pay.
    """

    reserve: float = 2.5
    reserve_per_agent: float = 0.06
    slope: float = 0.25
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
        reserve = self.reserve + self.reserve_per_agent * agents
        exponent = min(self.slope * (left - reserve), 20.0)
        return min(account.cap * exp(exponent), self.most_risk)
