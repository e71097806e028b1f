"""The demo with agents: what it takes, and one small run from start to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from callcamp.core.agent_settings import DialMethod
from callcamp.demo import DemoOptions
from callcamp.demo.staff import AgentsAccount, talks_with_agents
from callcamp.errors import InvalidInput
from callcamp.switch.simulated import CalleeScript


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
