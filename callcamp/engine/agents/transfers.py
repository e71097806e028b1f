"""Where an agent can send a contact: to whom, into which queue, and out to a number or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from callcamp.core.agents import AgentState
from callcamp.engine.agents.views import AgentView
from callcamp.ports import Store
from callcamp.ports.switchboard import QueueView


class AtWork(Protocol):
    """The agents, and the queues of Asterisk."""

    def view(self, name: str) -> AgentView:
        """Return an agent now."""
        ...

    def views(self) -> list[AgentView]:
        """Return all agents, by name."""
        ...

    async def queues(self) -> dict[str, QueueView]:
        """Return every queue of Asterisk by name."""
        ...


@dataclass(frozen=True, slots=True)
class Colleague:
    """Another agent.

    Args:
        name: the agent's name.
        label: how people call the agent.
        state: what the agent does now.
    """

    name: str
    label: str
    state: AgentState


@dataclass(frozen=True, slots=True)
class TransferTargets:
    """Where a contact can go.

    Args:
        agents: all others who are active, whatever they do now.
        queues: names of all queues of Asterisk.
        numbers: whether the agent's campaign lets contacts be sent to numbers outside.
    """

    agents: tuple[Colleague, ...]
    queues: tuple[str, ...]
    numbers: bool


async def transfer_targets(at_work: AtWork, store: Store, name: str) -> TransferTargets:
    """Return where an agent can send a contact.

    Args:
        at_work: the agents of this engine.
        store: what is remembered.
        name: the agent.

    Raises:
        NotFound: there is no such agent.
        SwitchError: Asterisk does not tell its queues.
    """
    own = at_work.view(name)
    numbers = False
    if own.campaign_id is not None:
        campaign = await store.campaign(own.campaign_id)
        numbers = bool(campaign.settings.agents.transfer_numbers)
    others = tuple(
        Colleague(view.agent.name, view.agent.display_name or view.agent.name, view.state)
        for view in at_work.views()
        if view.agent.active and view.agent.name != own.agent.name
    )
    return TransferTargets(others, tuple(sorted(await at_work.queues())), numbers)
