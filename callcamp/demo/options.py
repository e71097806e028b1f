"""What the demo can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from callcamp.core.agent_settings import DialMethod
from callcamp.errors import InvalidInput

MOST_CONTACTS = 1_100
MOST_AGENTS = 100


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the demo can be told.

    Args:
        contacts: how many contacts to call.
        concurrency: calls at the same time.
        exit: end when the campaign has, instead of going on to serve the page.
        json: print one JSON object and nothing else on standard output.
        simulated: use the simulated switch; nothing needs to be installed.
        speed: how much faster than the world the simulated switch runs.
        fresh: start anew even when an earlier demo was cut off in the middle.
        port: port of the page; 0 picks a free one.
        agents: how many agents take the calls (0: the campaign plays its prompt).
        method: how calls and agents come together.
        folder: where the demo keeps its database (None: in the user's cache).
    """

    contacts: int = 300
    concurrency: int = 20
    exit: bool = False
    json: bool = False
    simulated: bool = False
    speed: float = 1.0
    fresh: bool = False
    port: int = 0
    agents: int = 0
    method: DialMethod = DialMethod.PREDICTIVE
    folder: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.contacts <= MOST_CONTACTS:
            raise InvalidInput(
                f"contacts is {self.contacts}; the lab has people for 1 to {MOST_CONTACTS}.",
                field="contacts",
                value=self.contacts,
            )
        if not 1 <= self.concurrency <= 200:
            raise InvalidInput(
                f"concurrency is {self.concurrency}; give 1 to 200 for the demo.",
                field="concurrency",
                value=self.concurrency,
            )
        if self.speed != 1.0 and not self.simulated:
            raise InvalidInput(
                "speed works with --simulated only: a real Asterisk keeps real time.",
                field="speed",
                value=self.speed,
            )
        if self.agents and not self.simulated:
            raise InvalidInput(
                "agents works with --simulated only.", field="agents", value=self.agents
            )
        if not 0 <= self.agents <= MOST_AGENTS:
            raise InvalidInput(
                f"agents is {self.agents}; give 0 to {MOST_AGENTS}.",
                field="agents",
                value=self.agents,
            )
        if self.method is DialMethod.UNATTENDED:
            raise InvalidInput(
                "method is unattended; without agents leave it out.",
                field="method",
                value=self.method.value,
            )
        if not 0.1 <= self.speed <= 200:
            raise InvalidInput(
                f"speed is {self.speed}; give 0.1 to 200.", field="speed", value=self.speed
            )
