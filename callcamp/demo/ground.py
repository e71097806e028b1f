"""What the demo dials into: the lab's real Asterisk, or the simulated switch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from callcamp.demo.options import DemoOptions
from callcamp.demo.staff import PHONE, talks_with_agents
from callcamp.engine.clock import Clock
from callcamp.lab import behaviour_of, lab_down, lab_status, lab_up, witness, witness_mark
from callcamp.lab.behaviours import Talk as TimedBehaviour
from callcamp.switch.simulated import (
    CalleeScript,
    PhoneScript,
    SimulatedSwitch,
    Talk,
    refuses,
    script_for,
)

LAB_NAME = "demo"


@dataclass(slots=True)
class Ground:
    """A switch to dial into and its witness.

    Args:
        text: what it is, for people.
        ami_host: where its manager interface is.
        ami_port: the port of that.
        ami_username: the user to log in as.
        ami_secret: the user's secret.
        dial_string: the trunk to the callees.
        prompt: sound for people.
        machine_message: sound for voicemails.
        mark: start of this demo in the witness's log.
        owns_lab: whether the lab goes down when the demo has finished.
        clock: the engine's clock.
        witness: calls per number since a mark.
        talks: which agent's phone talked to whom.
        finished: whether the demo has; one that was cut off needs its lab to go on, calls in
            progress included.
    """

    text: str
    ami_host: str
    ami_port: int
    ami_username: str
    ami_secret: str
    dial_string: str
    prompt: str
    machine_message: str
    mark: int
    owns_lab: bool
    clock: Clock
    witness: Callable[[int], dict[str, int]]
    talks: Callable[[], list[Talk]] = list
    finished: bool = False


@contextlib.asynccontextmanager
async def ground_for(
    options: DemoOptions, say: Callable[[str], None], *, owns_lab: bool = False, go_on: bool = False
) -> AsyncIterator[Ground]:
    """Bring up what the demo dials into for the time of a block.

    A lab that was up before stays up, unless an earlier demo that was cut off brought it up
    (``owns_lab``). With ``go_on`` a lab that is brought up remembers what it was called.

    Raises:
        LabError: the lab cannot be built or started here; says what to do.
    """
    async with _simulated(options) if options.simulated else _lab(say, owns_lab, go_on) as ground:
        yield ground


@contextlib.asynccontextmanager
async def _lab(say: Callable[[str], None], owns_lab: bool, go_on: bool) -> AsyncIterator[Ground]:
    owns_lab = owns_lab or not (await asyncio.to_thread(lab_status, LAB_NAME)).running
    info = await asyncio.to_thread(lab_up, LAB_NAME, progress=say, go_on=go_on)
    ground = Ground(
        text=f"Asterisk {info.asterisk_version} with SIPp callees",
        ami_host=info.ami_host,
        ami_port=info.ami_port,
        ami_username=info.ami_username,
        ami_secret=info.ami_secret,
        dial_string=f"PJSIP/{{number}}@{info.trunk}",
        prompt=info.prompt_sound,
        machine_message=info.machine_message_sound,
        mark=witness_mark(info),
        owns_lab=owns_lab,
        clock=Clock(),
        witness=lambda since: witness(info, since),
    )
    try:
        yield ground
    finally:
        if owns_lab and ground.finished:
            await asyncio.to_thread(lab_down, LAB_NAME)


@contextlib.asynccontextmanager
async def _simulated(options: DemoOptions) -> AsyncIterator[Ground]:
    async with SimulatedSwitch(
        by_number=_callee_with_agents if options.agents else _callee,
        phones=_phone,
        seed=1,
        speed=options.speed,
    ) as switch:
        yield Ground(
            text=f"the simulated switch at {options.speed:g} times real time",
            ami_host=switch.host,
            ami_port=switch.port,
            ami_username=switch.username,
            ami_secret=switch.secret,
            dial_string="PJSIP/{number}@callcamp-lab",
            prompt="hello-world",
            machine_message="vm-goodbye",
            mark=0,
            owns_lab=False,
            clock=Clock(options.speed),
            witness=lambda _since: switch.witness(),
            talks=switch.talks,
        )


def _callee(number: str) -> CalleeScript | None:
    behaviour = behaviour_of(number)
    if behaviour is None:
        # SIPp refuses numbers that the lab does not know in the same way.
        return refuses(404)
    if isinstance(behaviour, TimedBehaviour):
        return script_for(behaviour.slug, ring_s=behaviour.ring_s, talk_s=behaviour.talk_s)
    return script_for(behaviour.slug, behaviour.failure)


def _callee_with_agents(number: str) -> CalleeScript | None:
    script = _callee(number)
    return None if script is None else talks_with_agents(number, script)


def _phone(interface: str) -> PhoneScript | None:
    return PHONE if interface.startswith("PJSIP/agent-") else None
