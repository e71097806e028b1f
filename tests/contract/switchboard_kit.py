"""Two switches with agents' phones, for the contract of the switchboard."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import pytest
from gateway_fixtures import (
    BACKENDS,
    TRUNK,
    Follower,
    Ground,
    asterisk_ground,
    following,
    lab,
)

from callcamp.core.agent_events import AgentConnected, AgentLeft, LegAnswered, MemberSeen
from callcamp.core.events import CallEnded
from callcamp.lab import behaviour_of
from callcamp.lab.agents import PHONE_KINDS, agent_interface
from callcamp.lab.behaviours import Talk
from callcamp.ports import CallOrder
from callcamp.ports.switchboard import LegOrder, SpyMode
from callcamp.switch import leg_id
from callcamp.switch.ami import AmiGateway
from callcamp.switch.simulated import CalleeScript, PhoneScript, SimulatedSwitch, script_for
from callcamp.switch.switchboard import AmiSwitchboard

__all__ = ["Floor", "floor", "lab"]

SPEED = 10.0
_BY_KIND = {
    "": PhoneScript(after_s=0.0),
    "speaks": PhoneScript(after_s=0.0),
    "late": PhoneScript(after_s=1.5),
    "leaves": PhoneScript(after_s=0.0, stays_s=3.0),
    "silent": PhoneScript(after_s=None),
    "busy": PhoneScript(refuses=486),
}
PHONES = {
    agent_interface(index, kind.slug): _BY_KIND[kind.slug]
    for kind in PHONE_KINDS
    for index in range(1, kind.count + 1)
}
_agents = count(1)
_queues = count(1)


def callee(number: str) -> CalleeScript | None:
    """What the lab's SIPp does, for the simulated switch."""
    one = behaviour_of(number)
    if one is None:
        return None
    if isinstance(one, Talk):
        return script_for(one.slug, ring_s=one.ring_s, talk_s=one.talk_s)
    return script_for(one.slug, one.failure)


@dataclass(slots=True)
class Floor:
    """A switch with agents, the gateway to it and what that has told."""

    ground: Ground
    gateway: AmiGateway
    follower: Follower

    @property
    def board(self) -> AmiSwitchboard:
        return self.gateway.switchboard

    def contact(self, slug: str = "person", **variables: str) -> CallOrder:
        """An order without machine detection, so that both switches take the same time."""
        return self.ground.order(slug, **{"CC_DETECT": "0", "CC_PROMPT": "", **variables})

    def queued(
        self, queue: str, wait_s: int = 5, slug: str = "person", *, announce: bool = False
    ) -> CallOrder:
        return self.contact(
            slug,
            CC_ROUTE="queue",
            CC_QUEUE=queue,
            CC_QUEUE_WAIT_S=str(wait_s),
            CC_ABANDON_FROM="greeting",
            CC_NO_AGENT="",
            CC_ANNOUNCE=self.ground.message if announce else "",
        )

    def new_queue(self) -> str:
        """A queue that no other test of this session uses."""
        return f"callcamp-{next(_queues) % 40 + 1}"

    def new_agent(self) -> int:
        return next(_agents)

    async def member(
        self, queue: str, interface: str, agent_id: int, *, paused: bool = False
    ) -> None:
        """Make an agent a member, and wait until the switch has said so."""
        await self.board.add_member(queue, interface, agent_id, paused=paused, reason="")

        def seen() -> bool:
            return any(
                isinstance(one, MemberSeen) and one.agent_id == agent_id and one.member
                for one in self.follower.events
            )

        await self.follower.until(seen)

    async def leg(
        self,
        interface: str,
        agent_id: int,
        *,
        spy_on: str | None = None,
        spy_mode: SpyMode | None = None,
        ring_timeout_s: int = 10,
    ) -> str:
        """Call an agent's phone and wait until the agent is on the line."""
        one = leg_id(agent_id, uuid4().hex)
        order = LegOrder(one, agent_id, interface, ring_timeout_s, "Shop", spy_on, spy_mode)
        await self.board.call_agent(order)
        await self.told(LegAnswered, leg_id=one)
        return one

    async def told(self, kind: type, times: int = 1, **fields: object) -> object:
        """Wait for the ``times``-th fact of a kind with these fields; return it."""

        def fitting() -> list[object]:
            return [
                one
                for one in self.follower.events
                if isinstance(one, kind)
                and all(getattr(one, name) == value for name, value in fields.items())
            ]

        await self.follower.until(lambda: len(fitting()) >= times)
        return fitting()[times - 1]

    async def talking(self, order: CallOrder, times: int = 1) -> str:
        """Wait until contact and agent talk; return the agent's channel."""
        fact = await self.told(AgentConnected, times, attempt_id=order.attempt_id)
        assert isinstance(fact, AgentConnected)
        return fact.channel_id

    async def left(self, order: CallOrder, channel_id: str) -> AgentLeft:
        fact = await self.told(AgentLeft, attempt_id=order.attempt_id, channel_id=channel_id)
        assert isinstance(fact, AgentLeft)
        return fact

    async def over(self, order: CallOrder) -> None:
        await self.told(CallEnded, attempt_id=order.attempt_id)


@contextlib.asynccontextmanager
async def _simulated() -> AsyncIterator[Ground]:
    switch = SimulatedSwitch(by_number=callee, phones=PHONES, speed=SPEED, trunks=[TRUNK])
    async with switch:
        yield Ground(
            name="simulated",
            host=switch.host,
            port=switch.port,
            username=switch.username,
            secret=switch.secret,
            prompt="prompt",
            message="message",
            witness=switch.witness,
            restart=switch.restart,
        )


@pytest.fixture(params=BACKENDS)
async def floor(request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    """A switch with agents' phones, whichever it is."""
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "asterisk":
            ground = asterisk_ground(request.getfixturevalue("lab"))
        else:
            ground = await stack.enter_async_context(_simulated())
        gateway, follower = await stack.enter_async_context(following(ground))
        one = Floor(ground, gateway, follower)
        yield one
        for name in await gateway.live_calls():
            await one.board.hang_up_channel(name)
        for queue in (await one.board.queues()).values():
            for member in queue.members:
                await one.board.remove_member(queue.name, member.interface)
