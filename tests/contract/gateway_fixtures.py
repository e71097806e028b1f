"""The two switches that the gateway's contract runs against, and tools to watch it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import pytest

from callcamp.core.events import CallEnded, EvidenceSeen, OriginateEnded, SwitchEvent
from callcamp.core.outcome import Evidence
from callcamp.errors import LabError
from callcamp.lab import (
    Ami,
    LabInfo,
    behaviour_of,
    lab_down,
    lab_up,
    number_for,
    restart_asterisk,
    witness,
    witness_mark,
)
from callcamp.ports import CallGateway, CallOrder
from callcamp.switch import ATTEMPT_PREFIX
from callcamp.switch.ami import AmiGateway, Backoff
from callcamp.switch.simulated import CalleeScript, SimulatedSwitch, script_for

RING_S = 8
PATIENCE_S = 60
TRUNK = "callcamp-lab"
LAB_NAME = f"contract-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
BACKENDS = ["simulated", pytest.param("asterisk", marks=pytest.mark.asterisk)]
_indexes = count(7)


@dataclass(frozen=True, slots=True)
class Ground:
    """A switch with callees, whichever it is."""

    name: str
    host: str
    port: int
    username: str
    secret: str
    prompt: str
    message: str
    witness: Callable[[], dict[str, int]]
    restart: Callable[[], Awaitable[object]]

    def order(self, slug: str, **variables: str) -> CallOrder:
        """An order to a number of its own whose callee behaves like ``slug``."""
        return self.order_to(number_for(slug, next(_indexes)), **variables)

    def order_to(self, number: str, trunk: str = TRUNK, **variables: str) -> CallOrder:
        return CallOrder(
            attempt_id=f"{ATTEMPT_PREFIX}{uuid4().hex}",
            channel=f"PJSIP/{number}@{trunk}",
            ring_timeout_s=RING_S,
            variables={
                "CC_DETECT": "1",
                "CC_PROMPT": self.prompt,
                "CC_MACHINE_MESSAGE": self.message,
                **variables,
            },
        )

    def calls_to(self, order: CallOrder) -> int:
        return self.witness().get(order.channel.removeprefix("PJSIP/").partition("@")[0], 0)

    async def getvar(self, channel: str, *names: str) -> dict[str, str]:
        """Read variables of a channel over an AMI session of its own."""

        def read() -> dict[str, str]:
            with Ami(self.host, self.port, self.username, self.secret) as ami:
                return {
                    name: ami.action("Getvar", Channel=channel, Variable=name)["Value"]
                    for name in names
                }

        return await asyncio.to_thread(read)


def callee(number: str) -> CalleeScript | None:
    """What the lab's SIPp does, for the simulated switch."""
    behaviour = behaviour_of(number)
    return None if behaviour is None else script_for(behaviour.slug, behaviour.failure)


@contextlib.asynccontextmanager
async def simulated_ground(speed: float = 20.0) -> AsyncIterator[Ground]:
    async with SimulatedSwitch(by_number=callee, speed=speed, trunks=[TRUNK]) as switch:
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


def asterisk_ground(info: LabInfo) -> Ground:
    mark = witness_mark(info)
    return Ground(
        name="asterisk",
        host=info.ami_host,
        port=info.ami_port,
        username=info.ami_username,
        secret=info.ami_secret,
        prompt=info.prompt_sound,
        message=info.machine_message_sound,
        witness=lambda: witness(info, mark),
        restart=lambda: asyncio.to_thread(restart_asterisk, info),
    )


class Line:
    """A TCP relay between gateway and switch that can be cut, frozen and listened to."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._server: asyncio.Server | None = None
        self.port = 0
        self.to_switch = bytearray()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse new connections and cut those that are there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        for connection in self._connections.values():
            for writer in connection.writers:
                writer.transport.abort()

    def freeze(self, direction: str) -> None:
        """Swallow what goes ``up`` (to the switch) or ``down``, on connections that are there."""
        for connection in self._connections.values():
            connection.frozen.add(direction)

    async def close(self) -> None:
        await self.shut()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = self._connections[task] = _Connection({writer})
        try:
            with contextlib.suppress(OSError):
                up_reader, up_writer = await asyncio.open_connection(*self._target)
                connection.writers.add(up_writer)
                relays = {
                    asyncio.create_task(self._relay(connection, "up", reader, up_writer)),
                    asyncio.create_task(self._relay(connection, "down", up_reader, writer)),
                }
                await asyncio.wait(relays, return_when=asyncio.FIRST_COMPLETED)
                for relay in relays:
                    relay.cancel()
                await asyncio.gather(*relays, return_exceptions=True)
        finally:
            del self._connections[task]
            for one in connection.writers:
                one.close()

    async def _relay(
        self,
        connection: _Connection,
        direction: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if direction in connection.frozen:
                    continue
                if direction == "up":
                    self.to_switch += data
                writer.write(data)
                await writer.drain()


@dataclass(slots=True)
class _Connection:
    writers: set[asyncio.StreamWriter]
    frozen: set[str] = field(default_factory=set)


class Follower:
    """Reads a gateway's events and remembers them all."""

    def __init__(self, gateway: CallGateway) -> None:
        self.events: list[SwitchEvent] = []
        self._grew = asyncio.Condition()
        self._task = asyncio.create_task(self._read(gateway))

    async def _read(self, gateway: CallGateway) -> None:
        async for event in gateway.events():
            async with self._grew:
                self.events.append(event)
                self._grew.notify_all()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; looks again at each event."""
        async with asyncio.timeout(PATIENCE_S), self._grew:
            await self._grew.wait_for(is_so)

    def kinds(self) -> list[type[SwitchEvent]]:
        return [type(event) for event in self.events]

    def of(self, attempt_id: str) -> list[SwitchEvent]:
        return [one for one in self.events if getattr(one, "attempt_id", None) == attempt_id]

    async def saw(self, kind: type[SwitchEvent], attempt_id: str | None = None) -> None:
        def seen() -> bool:
            events = self.events if attempt_id is None else self.of(attempt_id)
            return any(isinstance(event, kind) for event in events)

        await self.until(seen)

    async def over(self, *attempt_ids: str) -> None:
        """Wait until calls have ended and their orders have been answered."""
        for attempt_id in attempt_ids:
            await self.saw(OriginateEnded, attempt_id)
            await self.saw(CallEnded, attempt_id)

    def evidence(self, attempt_id: str) -> Evidence:
        """All that the events said of a call."""
        evidence = Evidence()
        for event in self.of(attempt_id):
            if isinstance(event, EvidenceSeen | CallEnded):
                evidence = evidence.merged(event.evidence)
            elif isinstance(event, OriginateEnded):
                evidence = evidence.merged(Evidence(originate_reason=event.reason))
        return evidence

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def gateway_to(ground: Ground, *, port: int | None = None, secret: str | None = None) -> AmiGateway:
    """A gateway that notices trouble soon."""
    return AmiGateway(
        host=ground.host,
        port=ground.port if port is None else port,
        username=ground.username,
        secret=ground.secret if secret is None else secret,
        connect_timeout_s=10.0,
        action_timeout_s=3.0,
        ping_interval_s=0.5,
        event_queue=10_000,
        backoff=Backoff(first_s=0.05, cap_s=0.3),
    )


@contextlib.asynccontextmanager
async def following(
    ground: Ground, port: int | None = None
) -> AsyncIterator[tuple[AmiGateway, Follower]]:
    """A started gateway and the follower of its events."""
    gateway = gateway_to(ground, port=port)
    follower = Follower(gateway)
    try:
        await gateway.start()
        yield gateway, follower
    finally:
        await gateway.close()
        await follower.close()


@pytest.fixture(scope="session")
def lab() -> Iterator[LabInfo]:
    """A lab of our own for the session; where that cannot be, say so loudly."""
    try:
        info = lab_up(LAB_NAME)
    except LabError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must test against a real Asterisk: {error.message}")
        pytest.skip(f"!!! THE GATEWAY WAS NOT TESTED AGAINST A REAL ASTERISK: {error.message}")
    assert info.trunk == TRUNK
    yield info
    lab_down(LAB_NAME)


@pytest.fixture(params=BACKENDS)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "asterisk":
        yield asterisk_ground(request.getfixturevalue("lab"))
    else:
        async with simulated_ground() as one:
            yield one


@pytest.fixture
async def line(ground: Ground) -> AsyncIterator[Line]:
    one = Line(ground.host, ground.port)
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def linked(ground: Ground, line: Line) -> AsyncIterator[tuple[AmiGateway, Follower]]:
    async with following(ground, line.port) as pair:
        yield pair
