"""callcamp is killed while agents talk, on a real Asterisk; the callees are the witness."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import agents_process
import pytest
from agents_process import NOTE
from lab_kit import lab_named, lab_settings, until

from callcamp.app import run_engine
from callcamp.core.agents import AgentState
from callcamp.engine import Engine
from callcamp.engine.agents.views import AgentCallView
from callcamp.lab import Ami, LabInfo, number_for, witness, witness_mark
from callcamp.store import migrate

pytestmark = [
    pytest.mark.faults,
    pytest.mark.asterisk,
    pytest.mark.strict,
    pytest.mark.timeout(180),
]

S = AgentState


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    with lab_named("agent-faults") as info:
        yield info


def started(lab: LabInfo, folder: Path, phones: list[str]) -> subprocess.Popen[bytes]:
    """Run a callcamp of its own under which two agents get to talk."""
    ami = (str(lab.ami_port), lab.ami_username, lab.ami_secret)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, agents_process.__file__, str(folder)),
                *(*ami, lab.trunk, lab.prompt_sound, *phones),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )


async def kill_in_the_middle(lab: LabInfo, folder: Path, phones: list[str]) -> str:
    """Kill that one as soon as both talk; returns amy's call."""
    process, ready = started(lab, folder, phones), folder / "ready"
    try:
        await until(
            "two agents talk",
            lambda: process.poll() is not None or (ready.exists() and ready.read_text()),
        )
        assert process.poll() is None, (folder / "log").read_text(errors="replace")
    finally:
        process.kill()
        process.wait()
    return ready.read_text()


def hang_up(lab: LabInfo, attempt_id: str) -> None:
    """End a call while callcamp is away."""
    with Ami(lab.ami_host, lab.ami_port, lab.ami_username, lab.ami_secret) as ami:
        ami.action("Hangup", Channel=attempt_id)


def call_of(engine: Engine, name: str) -> AgentCallView:
    call = engine.agents.view(name).call
    assert call is not None
    return call


async def test_a_kill_during_talks_takes_nothing_from_agents_or_contacts(
    lab: LabInfo, tmp_path: Path
) -> None:
    settings = lab_settings(lab, tmp_path)
    migrate(settings.database_url)
    mark = witness_mark(lab)
    phones = [number_for("person", 60), number_for("person", 61)]
    of_amy = await kill_in_the_middle(lab, tmp_path, phones)
    await asyncio.to_thread(hang_up, lab, of_amy)
    async with run_engine(settings) as engine:
        desk, board = engine.agents, engine.gateway.switchboard
        await until("amy is paused", lambda: desk.view("amy").state is S.PAUSED)
        assert (desk.view("amy").reason, desk.view("amy").pause_wanted) == ("lunch", None)
        await until("ben talks", lambda: call_of(engine, "ben").channel_id is not None)
        of_ben = call_of(engine, "ben")
        assert desk.view("ben").state is S.TALKING
        assert (of_ben.noted, of_ben.consulting, of_ben.on_hold) == (False, "cyd", False)
        await desk.cancel_consult("ben")
        talk = await board.talk_of(of_ben.attempt_id)
        assert talk is not None
        assert (talk.on_hold, talk.agent_id) == (False, desk.view("ben").agent.id)
        await desk.finish("ben", of_ben.attempt_id, NOTE)
        await desk.hang_up("ben")

        async def is_over() -> bool:
            return not await engine.store.live_attempts()

        await until("both calls have ended", is_over)
        for call in (of_amy, of_ben.attempt_id):
            attempt = await engine.store.attempt(call)
            assert (attempt.outcome, attempt.variables) == (NOTE.outcome, NOTE.answers)
        assert await engine.store.call_notes() == []
        assert Counter(witness(lab, mark)) == Counter(phones)
