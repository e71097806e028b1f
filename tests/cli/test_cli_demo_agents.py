"""The demo with agents: what it takes, and one small run from start to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from web_fakes import open_engine

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentPhone, PhoneKind
from callcamp.core.changes import AttemptChange
from callcamp.core.gate import LetOut
from callcamp.core.states import AttemptEvent
from callcamp.demo import DemoOptions
from callcamp.demo.staff import AgentsAccount, account, talks_with_agents
from callcamp.engine.clock import utc_now
from callcamp.errors import InvalidInput
from callcamp.switch.simulated import CalleeScript, Talk

if TYPE_CHECKING:
    from callcamp.engine import Engine


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"agents": 3}, "agents"),
        ({"agents": -1, "simulated": True}, "agents"),
        ({"agents": 101, "simulated": True}, "agents"),
        ({"agents": 3, "simulated": True, "method": DialMethod.UNATTENDED}, "method"),
    ],
)
def test_what_the_demo_cannot_do_is_refused(fields: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        DemoOptions(**fields)  # type: ignore[arg-type]
    assert refused.value.details["field"] == named


def test_a_callee_talks_for_the_same_time_in_every_run() -> None:
    script = CalleeScript(after_s=2.0)
    once, again = (talks_with_agents("+33261911000", script) for _ in range(2))
    assert once == again
    assert once.after_s == 2.0
    assert once.conversation_s
    assert once.conversation_s != talks_with_agents("+33261911001", script).conversation_s


def test_no_person_is_no_abandoned_person() -> None:
    nobody = AgentsAccount(2, 0, 0, 0, None, [])
    assert nobody.abandon_rate == 0
    assert "busy" not in nobody.as_text()
    assert AgentsAccount(2, 3, 3, 1, 0.5, []).as_dict()["abandon_rate"] == 0.25


async def test_a_long_demo_counts_its_last_calls_as_well(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        kim = await engine.store.save_agent(
            "kim", phone=AgentPhone(PhoneKind.SIP, "kim"), now=utc_now()
        )
        campaign = await engine.campaign("Long", 1001, concurrency=1001)
        await engine.commands.start(campaign.id)
        now, ids = utc_now(), [f"call-{n:04}" for n in range(1001)]
        for some in (ids[n : n + 200] for n in range(0, 1001, 200)):
            await engine.store.claim(
                campaign.id,
                some,
                places=None,
                judge=lambda b: [LetOut(c.contact_id, 0, None, None) for c in b.candidates],
                look_back_s=86400,
                now=now,
                lease_until=now + timedelta(minutes=1),
            )
        await engine.store.mark_dialing(ids, now=now)
        last = AttemptChange(
            ids[-1], (AttemptEvent.ANSWERED,), now, connected_at=now, agent_id=kim.id
        )
        await engine.store.apply([last])
        assert len(await engine.store.attempts(campaign.id, limit=2000)) == 1001
        (called,) = await engine.store.attempts(campaign.id, after_id=ids[-2])
        talk = Talk("PJSIP/kim", called.number, 0.0)
        told = await account(cast("Engine", engine), campaign.id, [talk])
    assert (told.connected, told.disagreements) == (1, [])


def test_a_demo_with_agents_agrees_with_its_switch(tmp_path: Path) -> None:
    command = "-m callcamp demo --simulated --speed 40 --contacts 20 --agents 4 --exit --json"
    done = subprocess.run(
        [sys.executable, *command.split(), "--method", "progressive"],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["agrees"]
    assert told["agents"]["agents"] == 4
    assert told["agents"]["talks"] == told["agents"]["connected"] > 3
    assert told["agents"]["disagreements"] == []
