"""Alive, ready, and how it is doing; and that the dashboard asks for what there is."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from access_kit import PASSWORD, add_people, add_tokens
from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families
from web_fakes import FakeEngine

from callcamp.core.states import CampaignEvent
from callcamp.core.webhooks import EventType
from callcamp.engine.vitals import TrunkVitals, Vitals
from callcamp.errors import StoreError
from callcamp.http import operations
from callcamp.http.auth import COOKIE
from callcamp.settings import Settings

Client = TestClient[web.Request, web.Application]
ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "docker" / "grafana-dashboard.json"
RULES = ROOT / "docker" / "prometheus-rules.yml"
ADDRESSES = ("/readyz", "/metrics")


async def test_alive_says_nothing_but_that(client: Client) -> None:
    response = await client.get("/healthz")
    assert response.status == 200
    assert await response.json() == {"status": "ok", "link_up": True}


async def test_ready_names_every_check(client: Client) -> None:
    response = await client.get("/readyz")
    said = await response.json()
    assert response.status == 200, said
    assert said["status"] == "ready"
    assert set(said["checks"]) == {
        "database",
        "engine",
        "lease",
        "link",
        "synced",
        "unsettled",
        "webhooks",
    }
    assert all(check["ok"] and check["problem"] is None for check in said["checks"].values())
    assert said["checks"]["webhooks"] == {
        "ok": True,
        "problem": None,
        "waiting": 0,
        "age_s": 0,
        "most_s": 600,
    }
    assert said["checks"]["unsettled"] == {"ok": True, "problem": None, "age_s": 0, "most_s": 120}


@pytest.mark.parametrize(
    ("check", "vitals"),
    [
        ("engine", Vitals(running=False)),
        ("lease", Vitals(holds_right=False)),
        ("synced", Vitals(synced=False)),
        ("unsettled", Vitals(unsettled_s=121)),
    ],
)
async def test_not_ready_names_what_is_wrong(
    client: Client, engine: FakeEngine, check: str, vitals: Vitals
) -> None:
    engine.fares = vitals
    response = await client.get("/readyz")
    said = await response.json()
    assert response.status == 503
    assert said["status"] == "not ready"
    assert [name for name, one in said["checks"].items() if not one["ok"]] == [check]
    assert said["checks"][check]["problem"]


async def test_not_ready_without_a_link(client: Client, engine: FakeEngine) -> None:
    engine.link_up, engine.link_problem = False, "Asterisk is shutting down."
    response = await client.get("/readyz")
    assert response.status == 503
    assert (await response.json())["checks"]["link"]["problem"] == "Asterisk is shutting down."
    assert (await client.get("/healthz")).status == 200


async def test_events_that_wait_too_long_are_a_warning_that_stops_no_call(
    client: Client, engine: FakeEngine
) -> None:
    campaign = await engine.campaign(contacts=1)
    now = engine.clock.now()
    for _ in range(2):
        await engine.store.add_webhook(
            "https://example.com/", "whsec_x", EventType, campaign_id=campaign.id, now=now
        )
    early = now - timedelta(seconds=300)
    await engine.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=early)
    response = await client.get("/readyz")
    said = await response.json()
    assert (response.status, said["status"]) == (200, "ready")
    assert said["checks"]["webhooks"]["waiting"] == 2
    assert said["checks"]["webhooks"]["age_s"] >= 300
    engine.settings.webhook_late_s = 299
    response = await client.get("/readyz")
    said = await response.json()
    assert (response.status, said["status"]) == (200, "degraded")
    assert [name for name, one in said["checks"].items() if not one["ok"]] == ["webhooks"]
    assert "`callcamp webhook deliveries 1`" in said["checks"]["webhooks"]["problem"]
    assert "example.com" not in await (await client.get("/metrics")).text()
    engine.link_up = False
    response = await client.get("/readyz")
    assert (response.status, (await response.json())["status"]) == (503, "not ready")


async def test_not_ready_with_a_database_that_fails_or_hangs(
    client: Client, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise StoreError("The database is at revision 0001, this version needs 0009.")

    monkeypatch.setattr(engine.store, "check", fails)
    response = await client.get("/readyz")
    assert response.status == 503
    assert "0009" in (await response.json())["checks"]["database"]["problem"]

    async def hangs() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(operations, "STORE_PATIENCE_S", 0.01)
    monkeypatch.setattr(engine.store, "check", hangs)
    response = await client.get("/readyz")
    assert response.status == 503
    assert "not answered" in (await response.json())["checks"]["database"]["problem"]


async def test_metrics_are_prometheus_text(client: Client, engine: FakeEngine) -> None:
    response = await client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(await response.text()))
    assert {f.name for f in families} > {"callcamp_engine_up", "callcamp_loop_lag_seconds"}


@pytest.mark.parametrize("path", ADDRESSES)
async def test_others_need_a_log_in(client: Client, engine: FakeEngine, path: str) -> None:
    # A proxy that nobody trusts stands between: it may ask for anybody.
    headers = {"X-Forwarded-For": "198.51.100.7"}
    response = await client.get(path, headers=headers)
    assert response.status == 401
    assert "callcamp_engine_up" not in await response.text()
    assert (await client.get("/healthz", headers=headers)).status == 200
    engine.settings.metrics_public = "always"
    assert (await client.get(path, headers=headers)).status == 200


@pytest.mark.parametrize("path", ADDRESSES)
async def test_never_public_asks_this_machine_too(
    client: Client, engine: FakeEngine, path: str
) -> None:
    engine.settings.metrics_public = "never"
    # As long as nobody has an account, this machine may do everything.
    assert (await client.get(path)).status == 200
    people = await add_people(engine)
    tokens = await add_tokens(engine, people["ada"])
    assert (await client.get(path)).status == 401
    bearer = {"Authorization": f"Bearer {tokens['read']}"}
    assert (await client.get(path, headers=bearer)).status == 200


@pytest.mark.parametrize("path", ADDRESSES)
async def test_an_agent_may_not_read_them(client: Client, engine: FakeEngine, path: str) -> None:
    engine.settings.metrics_public = "never"
    await add_people(engine)
    secret, _ = await engine.access.log_in(
        "kim", PASSWORD, code=None, address="127.0.0.1", agent="a browser"
    )
    cookie = {"Cookie": f"{COOKIE}={secret}"}
    response = await client.get(path, headers=cookie)
    assert response.status == 403
    assert "callcamp_engine_up" not in await response.text()


def test_metrics_are_for_this_machine_by_default() -> None:
    assert Settings().metrics_public == "loopback"


async def test_the_docs_name_the_metrics_and_checks_that_there_are(client: Client) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = {
        f"callcamp{name}" if name.startswith("_") else name
        for row in rows
        for name in re.findall(r"`((?:callcamp)?_\w+)`", row)
    }
    text = await (await client.get("/metrics")).text()
    there = set(re.findall(r"^# TYPE (callcamp_\w+)", text, re.MULTILINE))
    # When a counter or a histogram was made is no metric of ours.
    assert told == {name for name in there if not name.endswith("_created")}
    checks = (await (await client.get("/readyz")).json())["checks"]
    assert {f"`{name}`" for name in checks} <= {row.strip() for row in rows}


def test_the_docs_name_lines_of_the_log_that_there_are() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("| line | level | means |")[2].partition("\n\n")[0]
    names = re.findall(
        r"`([a-z_.]+)`", " ".join(row.split("|")[1] for row in table.split("\n")[2:])
    )
    assert len(names) > 10
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "callcamp").rglob("*.py")]
    assert [name for name in names if not any(f'"{name}"' in one for one in sources)] == []


async def test_the_dashboard_asks_only_for_metrics_that_exist(
    client: Client, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await engine.campaign(contacts=1)
    await engine.commands.start(campaign.id)
    engine.fares = replace(
        engine.fares,
        backlog={"uncommitted": 0},
        trunks=(TrunkVitals(1, 10.0, 0, 0, 0, refusing=False),),
    )
    text = await (await client.get("/metrics")).text()
    there = set(re.findall(r"^# TYPE (callcamp_\w+)", text, re.MULTILINE))
    suffixes = {f"{name}{end}" for name in there for end in ("_bucket", "_sum", "_count")}
    known = there | suffixes | {f"{name}_total" for name in there}
    asked = set(_expressions(json.loads(DASHBOARD.read_text(encoding="utf-8"))))
    asked.add(RULES.read_text(encoding="utf-8"))
    wanted = {name for one in asked for name in re.findall(r"\bcallcamp_\w+", one)}
    assert len(wanted) > 15
    assert wanted <= known, wanted - known


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert board["title"] == "callcamp"
    assert board["schemaVersion"] >= 36
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        if panel["type"] != "row":
            assert panel["targets"]
            assert all(t["expr"] and t["refId"] for t in panel["targets"])
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def _expressions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"expr", "definition", "query"} and isinstance(value, str):
                yield value
            else:
                yield from _expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _expressions(value)
