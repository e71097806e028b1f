"""Agents from the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli_runner import Cli
from test_cli_basics import cli  # noqa: F401 - a fixture
from test_cli_lists import camp, with_campaign  # noqa: F401 - fixtures

from callcamp.core.agents import AgentSpan, AgentState
from callcamp.store import SqlStore


def work(folder: Path, agent_id: int) -> None:
    """Have an agent work for campaign 1: an hour of talk, then a pause that goes on."""

    async def note() -> None:
        store = SqlStore(f"sqlite:///{folder}/callcamp-data/callcamp.sqlite3")
        await store.open()
        try:
            now = datetime.now(UTC)
            begun = AgentSpan(agent_id, 1, AgentState.TALKING, now - timedelta(hours=2))
            await store.begin_shift(agent_id, 1, begun)
            lunch = AgentSpan(
                agent_id, 1, AgentState.PAUSED, now - timedelta(hours=1), reason="lunch"
            )
            await store.note_spans([lunch])
        finally:
            await store.close()

    asyncio.run(note())


def test_agents_are_added_listed_changed_and_deleted(camp: Cli) -> None:  # noqa: F811
    assert "No agents" in camp("agent", "list").out
    added = camp("agent", "add", "anna", "--display-name", "\x1b[31mAnna", "--json", code=2)
    assert added.json["error"]["details"]["field"] == "display_name"
    ran = camp("agent", "add", "anna", "--display-name", "Anna Ö")
    assert ran.out == "Added the agent anna (browser anna).\n"
    assert "callcamp agent join" in ran.err
    made = camp("agent", "add", "bob", "--phone", "sip", "--address", "desk-7", "--campaign", "1",
                "--json").json  # fmt: skip
    assert made == {
        "name": "bob",
        "display_name": "",
        "active": True,
        "phone": {"kind": "sip", "address": "desk-7", "trunk_id": None},
        "campaigns": [1],
    }
    assert camp("agent", "add", "bob", code=2).err.startswith("Error: There is an agent bob")
    far = camp(
        "agent", "add", "gus", "--phone", "external", "--address", "202 555 0188",
        "--region", "US", "--json",
    ).json  # fmt: skip
    assert far["phone"] == {"kind": "external", "address": "+12025550188", "trunk_id": 1}
    listed = camp("agent", "list", "--json").json["items"]
    assert [one["name"] for one in listed] == ["anna", "bob", "gus"]
    assert [one["name"] for one in camp("agent", "list", "--campaign", "1", "--json").json["items"]
            ] == ["bob"]  # fmt: skip
    text = camp("agent", "list").out
    assert "Anna Ö" in text
    assert "sip desk-7" in text
    changed = camp("agent", "change", "bob", "--inactive", "--address", "desk-8").out
    assert changed == "The agent bob is inactive (sip desk-8).\n"
    shown = camp("agent", "show", "bob").out
    assert "inactive" in shown
    assert camp("agent", "show", "bob", "--json").json["phone"]["address"] == "desk-8"
    assert camp("agent", "remove", "bob", "--yes").out == "Deleted the agent bob.\n"
    camp("agent", "show", "bob", code=1)
    camp("agent", "change", "bob", "--active", code=1)
    camp("agent", "remove", "bob", "--yes", "--json", code=1)
    camp("agent", "add", "x", "--campaign", "999", code=1)


def test_agents_join_and_leave(camp: Cli) -> None:  # noqa: F811
    for name in ("anna", "bob"):
        camp("agent", "add", name)
    assert camp("agent", "join", "1", "anna", "bob").out == "Added 2 agents to campaign 1.\n"
    again = camp("agent", "join", "1", "anna", "--json").json
    assert again == {"campaign_id": 1, "added": 0}
    assert camp("agent", "leave", "1", "anna").out == "Removed 1 agent from campaign 1.\n"
    assert camp("agent", "leave", "1", "anna", "--json").json["removed"] == 0
    camp("agent", "join", "999", "anna", code=1)
    camp("agent", "join", "1", "nobody", code=1)
    camp("agent", "join", "1", code=2)


def test_the_report(camp: Cli, tmp_path: Path) -> None:  # noqa: F811
    camp("agent", "add", "anna", "--campaign", "1")
    assert "Nobody was logged in" in camp("agent", "report").out
    work(tmp_path, 1)
    text = camp("agent", "report").out
    assert "anna" in text
    assert "100.0%" in text
    (row,) = camp("agent", "report", "anna", "--campaign", "1", "--per-campaign", "--json").json[
        "items"
    ]
    assert row["seconds"]["talking"] == 3600
    assert row["pauses"]["lunch"] >= 3600
    assert row["campaign_id"] == 1
    assert "CAMPAIGN" in camp("agent", "report", "--per-campaign").out
    assert camp("agent", "report", "--since", "2020-01-01", "--until", "2020-01-02").code == 0
    camp("agent", "report", "--since", "2020-01-01", code=2)
    camp("agent", "report", "--since", "noon", code=2)
    camp("agent", "report", "nobody", code=1)
    assert "inactive instead" in camp("agent", "remove", "anna", "--yes", code=1).err


def test_every_setting_of_agents_is_set_by_its_path(camp: Cli, tmp_path: Path) -> None:  # noqa: F811
    camp("outcome", "set", "sold")
    script = {"elements": [{"kind": "checkbox", "name": "car", "text": "Has a car"}]}
    values = {
        "method": "predictive",
        "queue": "renewals",
        "pickup_rate": 0.4,
        "abandon_cap": 0.02,
        "connect_limit_s": 1.5,
        "abandon_from": "answer",
        "safe_harbour": "callcamp/sorry",
        "announcement": "callcamp/moment",
        "no_agent_message": "callcamp/later",
        "wait_most_s": 90,
        "callback_after_s": 900,
        "music": "quiet",
        "before_call_work_s": 30,
        "agent_ring_timeout_s": 20,
        "wrap_up_s": 45,
        "outcomes": ["sold"],
        "outcome_required": True,
        "transfer_numbers": ["+33142685300", "FR"],
        "script": script,
    }
    sets = []
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        sets += ["--set", f"agents.{name}={text}"]
    camp("campaign", "edit", "1", *sets)
    shown = camp("campaign", "show", "1", "--json").json["settings"]["agents"]
    element = {
        "kind": "checkbox", "text": "Has a car", "name": "car", "options": [], "required": False,
        "show_if": None,
    }  # fmt: skip
    assert shown == {**values, "script": {"elements": [element]}}
    file = tmp_path / "settings.toml"
    file.write_text("[agents]\nmethod = 'preview'\nbefore_call_work_s = 5\n")
    camp("campaign", "edit", "1", "--settings", str(file))
    shown = camp("campaign", "show", "1", "--json").json["settings"]["agents"]
    assert (shown["method"], shown["before_call_work_s"], shown["queue"]) == (
        "preview",
        5,
        "renewals",
    )
    wrong = camp("campaign", "edit", "1", "--set", "agents.method=magic", "--json", code=2)
    assert wrong.json["error"]["details"]["field"] == "agents.method"
    wrong = camp("campaign", "edit", "1", "--set", "agents.pickup_rate=0", "--json", code=2)
    assert wrong.json["error"]["details"]["field"] == "agents.pickup_rate"
    text = camp("campaign", "show", "1").out
    assert "preview, a script of 1 element, wrap-up 45 s" in text
    made = camp("campaign", "create", "More", "--method", "client_first", "--json").json
    assert made["settings"]["agents"]["method"] == "client_first"
    assert "client first, a queue of callcamp's own, wrap-up" in camp("campaign", "show", "2").out
    like = camp("campaign", "create", "Talk", "--like", "telephone", "--json").json
    assert like["settings"]["agents"]["method"] == "preview"
    refused = camp("campaign", "start", "1", "--json", code=1)
    assert "agents" in refused.json["error"]["details"]["missing"]
