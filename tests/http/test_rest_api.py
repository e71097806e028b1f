"""The API as programs use it: shapes, versions, keys, cursors, errors; and its description."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from access_kit import PASSWORD, browser_of, browsing
from aiohttp import FormData
from openapi_spec_validator import validate
from rest_kit import serve
from web_fakes import FakeEngine, token_in

from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.permissions import Permission, Role, TokenScope
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import AttemptEvent, ContactEvent
from callcamp.http.rest import live as live_module
from callcamp.http.rest.table import REST_ROUTES, described
from callcamp.http.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
V1 = "/api/v1"
NEW = {"settings": {"name": "Spring", "trunk_id": 1, "prompt": "hello"}}


async def _error(response: Any, status: int, field: str | None = None) -> dict[str, Any]:
    body = await response.json()
    assert response.status == status, body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"id", "message", "details"}
    if field is not None:
        assert body["error"]["details"]["field"] == field
    return body["error"]


def test_the_description_is_valid_and_whole() -> None:
    document = described()
    validate(document)
    told = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    assert told == {(r.method, r.template) for r in REST_ROUTES}
    served = {(r.method, r.path, r.permission) for r in ROUTES if r.path.startswith("/api/")}
    assert served == {(r.method, r.path, r.permission) for r in REST_ROUTES}
    names = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    for methods in document["paths"].values():
        for operation in methods.values():
            assert set(operation["tags"]) <= tags
            assert operation["summary"]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def test_every_reference_of_the_description_leads_somewhere() -> None:
    schemas = described()["components"]["schemas"]
    led = {
        reference.removeprefix("#/components/schemas/") for reference in _references(described())
    }
    assert led - schemas.keys() == set()
    # A name with a module in it: two models have the same one.
    assert [name for name in schemas if "__" in name] == []


def test_the_ways_in_are_told() -> None:
    document = described()
    schemes = document["components"]["securitySchemes"]
    cookies = {one["name"] for one in schemes.values() if one.get("in") == "cookie"}
    assert cookies == {"callcamp", "__Host-callcamp"}
    assert schemes["token"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            ways = [set(way) for way in operation["security"]]
            if path == "/api/openapi.json":
                assert ways == []
                continue
            page = set() if method == "get" else {"page"}
            assert ways == [{"token"}, {"session"} | page, {"session_https"} | page, set()]


async def test_a_browser_comes_in_as_the_description_says(engine):
    await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
    campaign = await engine.campaign(contacts=1)
    schemes = described()["components"]["securitySchemes"]
    async with browsing(engine) as server, browser_of(server) as browser:
        await browser.log_in("ada")
        assert browser.cookie(schemes["session"]["name"])
        where = f"{V1}/campaigns/{campaign.id}/start"
        token = token_in(await browser.text("/account"))
        await _error(await browser.client.post(where), 403)
        sent = await browser.client.post(where, headers={schemes["page"]["name"]: token})
        assert sent.status == 200


def test_only_the_description_is_open_to_everybody() -> None:
    assert [r.path for r in REST_ROUTES if r.permission is Permission.PUBLIC] == [
        "/api/openapi.json"
    ]


async def test_the_description_and_its_page_are_served(client, engine):
    document = await (await client.get("/api/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    page = await (await client.get("/api")).text()
    assert "/api/v1/campaigns/{campaign_id}/contacts/batch" in page
    for path in document["paths"]:
        assert path in page


async def test_a_campaign_is_made_changed_and_copied(client, engine):
    await engine.campaign()
    made = await client.post(f"{V1}/campaigns", json=NEW)
    assert made.status == 201
    where = made.headers["Location"]
    assert (await made.json())["settings"]["name"] == "Spring"
    shown = await client.get(where)
    assert shown.headers["ETag"] == '"1"'
    change = {"settings": {"concurrency": 7}}
    await _error(await client.patch(where, json=change), 428, "If-Match")
    stale = await client.patch(where, json=change, headers={"If-Match": '"9"'})
    assert (await _error(stale, 412))["details"]["version"] == 1
    changed = await client.patch(where, json=change, headers={"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    assert (await changed.json())["settings"]["concurrency"] == 7
    again = await client.patch(where, json=change, headers={"If-Match": '"1"'})
    await _error(again, 412)
    versions = await (await client.get(f"{where}/versions")).json()
    assert [one["version"] for one in versions["items"]] == [1, 2]
    copy = await client.post(f"{where}/clone", json={"name": "Summer"})
    assert copy.status == 201
    assert copy.headers["Location"] != where
    audit = await (await client.get(f"{where}/audit", params={"limit": "1"})).json()
    assert audit["items"][0]["action"] == "campaign.changed"
    assert audit["next"]


async def test_what_a_campaign_lacks_is_told(client, engine):
    campaign = await engine.campaign()
    path = f"{V1}/campaigns/{campaign.id}"
    assert "contacts" in (await (await client.get(f"{path}/missing")).json())["missing"]
    refused = await _error(await client.post(f"{path}/start"), 409)
    assert "contacts" in refused["details"]["missing"]
    why = await (await client.get(f"{path}/why", params={"at": "2027-01-04T10:00:00Z"})).json()
    assert why["campaign"]["hold"] == "not_started"
    assert why["campaign"]["at"] == "2027-01-04T10:00:00Z"
    assert (await (await client.get(f"{path}/report")).json())["calls"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"phoneLine": "+33612345678", "content": {"inputVariables": {"name": "Ada"}}},
        {"phone": "+33 6 12 34 56 78", "variables": {"name": "Ada"}},
    ],
)
async def test_a_contact_is_added_in_either_shape(client, engine, body):
    campaign = await engine.campaign()
    path = f"{V1}/campaigns/{campaign.id}/contacts"
    added = await client.post(path, json=body)
    assert added.status == 201
    told = await added.json()
    assert told["added"] == 1
    assert told["contact"]["phone"] == "+33612345678"
    assert told["contact"]["variables"] == {"name": "Ada"}
    assert (await (await client.get(added.headers["Location"])).json()) == told["contact"]
    again = await client.post(path, json=body)
    assert again.status == 200
    assert (await again.json())["duplicates"] == 1


async def test_a_thousand_contacts_go_in_one_request_all_or_none(client, engine):
    campaign = await engine.campaign()
    path = f"{V1}/campaigns/{campaign.id}/contacts/batch"
    long = {"text": "x" * 400}
    many = [{"phone": f"+3361234{n:04}", "variables": long} for n in range(1000)]
    wrong = [*many[:-1], {"phone": "nobody"}]
    await _error(await client.post(path, json={"contacts": wrong}), 400, "contacts[999].phone")
    assert (await engine.store.counts(campaign.id)).total == 0
    assert (await (await client.post(path, json={"contacts": many})).json())["added"] == 1000
    await _error(await client.post(path, json={"contacts": [*many, many[0]]}), 400, "contacts")


async def test_a_contact_is_excluded_and_deleted_only_where_it_belongs(client, engine):
    campaign, other = await engine.campaign(contacts=2), await engine.campaign("Other")
    first, second = await engine.store.contacts(campaign.id)
    await _error(await client.get(f"{V1}/campaigns/{other.id}/contacts/{first.id}"), 404)
    await _error(await client.delete(f"{V1}/campaigns/{other.id}/contacts/{first.id}"), 404)
    path = f"{V1}/campaigns/{campaign.id}/contacts"
    out = await client.post(f"{path}/{first.id}/exclude", json={"reason": "asked"})
    assert (await out.json())["hold"] == "excluded"
    assert (await client.delete(f"{path}/{second.id}")).status == 204
    listed = await (await client.get(f"{path}?fields=id,status")).json()
    assert listed["items"] == [{"id": first.id, "status": "skipped"}]
    assert (await (await client.delete(path)).json())["deleted"] == 1


async def test_a_request_with_a_key_is_done_once(client, engine):
    await engine.campaign()
    headers = {"Idempotency-Key": "one"}
    first = await client.post(f"{V1}/campaigns", json=NEW, headers=headers)
    again = await client.post(f"{V1}/campaigns", json=NEW, headers=headers)
    assert (again.status, await again.json()) == (201, await first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = {"settings": {**NEW["settings"], "name": "Other"}}
    await _error(await client.post(f"{V1}/campaigns", json=other, headers=headers), 409)
    assert len(await engine.store.campaigns()) == 2
    # What failed is not kept.
    await _error(
        await client.post(f"{V1}/campaigns/9/start", headers={"Idempotency-Key": "x"}), 404
    )
    await _error(
        await client.post(f"{V1}/campaigns/9/start", headers={"Idempotency-Key": "x"}), 404
    )
    await _error(
        await client.post(f"{V1}/campaigns", json=NEW, headers={"Idempotency-Key": ""}), 400
    )


async def test_a_key_whose_request_is_under_way_waits_for_nobody(client, engine, monkeypatch):
    await engine.campaign()
    going, go_on, done = asyncio.Event(), asyncio.Event(), engine.commands.create_campaign

    async def slow(settings):
        going.set()
        await go_on.wait()
        return await done(settings)

    monkeypatch.setattr(engine.commands, "create_campaign", slow)
    headers = {"Idempotency-Key": "two"}
    first = asyncio.create_task(client.post(f"{V1}/campaigns", json=NEW, headers=headers))
    await going.wait()
    await _error(await client.post(f"{V1}/campaigns", json=NEW, headers=headers), 409)
    go_on.set()
    assert (await first).status == 201
    assert (await client.post(f"{V1}/campaigns", json=NEW, headers=headers)).status == 201
    assert len(await engine.store.campaigns()) == 2


async def test_a_crash_leaves_no_key_behind(client, engine, monkeypatch):
    await engine.campaign()

    async def crash(*_):
        raise RuntimeError("no")

    headers = {"Idempotency-Key": "three"}
    with monkeypatch.context() as patch:
        patch.setattr(engine.commands, "create_campaign", crash)
        assert (await client.post(f"{V1}/campaigns", json=NEW, headers=headers)).status == 500
    assert (await client.post(f"{V1}/campaigns", json=NEW, headers=headers)).status == 201


@pytest.mark.parametrize(
    ("send", "status", "field"),
    [
        ({"json": {"phone": 5}}, 400, "phone"),
        ({"json": {"phone": "+33612345678", "colour": "red"}}, 400, "colour"),
        ({"json": {"phone": "+33612345678", "variables": {"a": 1}}}, 400, "variables.a"),
        ({"json": {"phoneLine": "+33612345678", "content": {"x": 1}}}, 400, "content.x"),
        ({"json": {}}, 400, "phone"),
        ({"json": []}, 400, None),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "body"),
        ({"data": b'"\xff"', "headers": {"Content-Type": "application/json"}}, 400, "body"),
        (
            {
                "data": b'{"phone": "\\ud800"}',
                "headers": {"Content-Type": "application/json"},
            },
            400,
            None,
        ),
        ({"data": b"[" * 20000, "headers": {"Content-Type": "application/json"}}, 400, "body"),
        ({"data": b"x"}, 415, "Content-Type"),
        ({"json": {"phone": "x" * 300_000}}, 413, None),
    ],
)
async def test_bodies_that_do_not_fit_are_refused_and_named(client, engine, send, status, field):
    campaign = await engine.campaign()
    await _error(await client.post(f"{V1}/campaigns/{campaign.id}/contacts", **send), status, field)
    assert (await engine.store.counts(campaign.id)).total == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=1_0", "limit"),
        ("colour=red", "colour"),
        ("cursor=x!", "cursor"),
        ("cursor=MTI", "cursor"),
        ("fields=no", "fields"),
        ("fields=", "fields"),
        ("status=gone", "status"),
    ],
)
async def test_queries_that_do_not_fit_are_refused_and_named(client, engine, query, field):
    campaign = await engine.campaign()
    await _error(await client.get(f"{V1}/campaigns/{campaign.id}/contacts?{query}"), 400, field)


@pytest.mark.parametrize(
    "at", ["1700000000", "2026-12-24", "2026-12-24T09:00:00", "9999-12-31T23:59:59-01:00"]
)
async def test_instants_have_an_offset(client, engine, at):
    campaign = await engine.campaign()
    path = f"{V1}/campaigns/{campaign.id}/why"
    await _error(await client.get(path, params={"at": at}), 400, "at")


async def test_records_are_kept_and_told(client, engine):
    await engine.campaign()
    number = {"phone": "+33123456789", "label": "Paris"}
    assert (await client.post(f"{V1}/numbers", json=number)).status == 200
    rest = {"until": "2099-01-01T00:00:00Z"}
    rested = await client.post(f"{V1}/numbers/+33123456789/rest", json=rest)
    assert (await rested.json())["resting_until"] == rest["until"]
    assert (await client.post(f"{V1}/numbers/+33123456789/wake")).status == 200
    assert [n["label"] for n in (await (await client.get(f"{V1}/numbers")).json())["items"]] == [
        "Paris"
    ]
    assert (await client.delete(f"{V1}/numbers/+33123456789")).status == 204

    out = {"phones": ["+33123456789"], "reason": "asked"}
    assert (await (await client.post(f"{V1}/suppressions", json=out)).json())["added"] == 1
    listed = await (await client.get(f"{V1}/suppressions")).json()
    assert [one["source"] for one in listed["items"]] == ["api"]
    off = await client.delete(f"{V1}/suppressions", params={"phone": "+33123456789"})
    assert off.status == 204

    consent = {"phone": "+33123456789", "scope": "sales", "source": "web form"}
    assert (await client.post(f"{V1}/consents", json=consent)).status == 200
    gone = {"phone": "+33123456789", "scope": "sales"}
    assert (await client.post(f"{V1}/consents/revoke", json=gone)).status == 204
    kept = await client.get(f"{V1}/consents", params={"phone": "+33123456789"})
    assert (await kept.json())["items"][0]["revoked_at"]

    assert (await client.post(f"{V1}/outcomes", json={"name": "sold"})).status == 200
    assert (await (await client.get(f"{V1}/outcomes")).json())["items"][0]["label"] == "Sold"
    trunk = {"name": "b", "dial_string": "PJSIP/{number}@b", "cps": 2.5}
    assert (await (await client.post(f"{V1}/trunks", json=trunk)).json())["cps"] == 2.5
    assert len((await (await client.get(f"{V1}/trunks")).json())["items"]) == 2
    assert (await (await client.get(f"{V1}/legal-presets")).json())["items"]
    assert (await (await client.get(f"{V1}/dnc-lists")).json())["items"] == []
    await _error(await client.delete(f"{V1}/dnc-lists/none"), 404)


async def test_people_are_chosen_by_filters(client, engine):
    campaign = await engine.campaign()
    for n, city in enumerate(("Paris", "Rome", "Paris")):
        person = {"phone": f"+3361234567{n}", "variables": {"city": city}}
        assert (await client.post(f"{V1}/directory/contacts", json=person)).status == 200
    saved = {"name": "paris", "conditions": ["city = Paris"]}
    assert (await client.post(f"{V1}/filters", json=saved)).status == 200
    shown = await (await client.get(f"{V1}/filters/paris")).json()
    assert shown["conditions"] == [{"name": "city", "operator": "=", "value": "Paris"}]
    await _error(await client.get(f"{V1}/filters/rome"), 404)
    tried = await client.post(f"{V1}/directory/preview", json={"name": "paris"})
    assert (await tried.json())["count"] == 2
    added = await client.post(
        f"{V1}/campaigns/{campaign.id}/contacts/from-directory", json={"filter": "paris"}
    )
    assert (await added.json())["added"] == 2
    chosen = await client.get(f"{V1}/directory/contacts", params={"filter": "paris", "limit": "1"})
    page = await chosen.json()
    assert len(page["items"]) == 1
    assert page["next"]
    known = await (await client.get(f"{V1}/directory/contacts/+33612345670")).json()
    assert known["person"]["variables"] == {"city": "Paris"}
    assert (await client.delete(f"{V1}/directory/contacts/+33612345670")).status == 204
    assert (await client.delete(f"{V1}/filters/paris")).status == 204


async def test_a_file_is_previewed_confirmed_and_undone(client, engine):
    campaign = await engine.campaign()

    def form(**texts: str) -> FormData:
        data = FormData()
        data.add_field("file", b"tel;name\n+33612345678;Ada\n", filename="people.csv")
        for name, text in texts.items():
            data.add_field(name, text)
        return data

    made = await client.post(
        f"{V1}/imports",
        data=form(campaign_id=str(campaign.id), mapping='{"phone": "tel", "rest": true}'),
    )
    assert made.status == 201
    where = made.headers["Location"]
    preview = await made.json()
    assert preview["report"]["valid"] == 1
    assert "token" not in preview["report"]
    confirmed = await (await client.post(f"{where}/confirm")).json()
    assert (confirmed["status"], confirmed["added"]) == ("confirmed", 1)
    await _error(await client.post(f"{where}/confirm"), 409)
    assert (await (await client.delete(where)).json())["deleted"] == 1
    listed = await client.get(f"{V1}/imports", params={"campaign_id": str(campaign.id)})
    assert [one["status"] for one in (await listed.json())["items"]] == ["undone"]
    await _error(await client.post(f"{V1}/imports", data=form()), 400, "campaign_id")
    twice = form(campaign_id="1", header="maybe")
    await _error(await client.post(f"{V1}/imports", data=twice), 400, "header")
    await _error(await client.post(f"{V1}/imports", json={}), 415)
    uploads = engine.settings.data_dir / "uploads"
    assert not list(uploads.iterdir())


async def test_a_campaign_is_exported(client, engine):
    campaign = await engine.campaign(contacts=2)
    sent = await client.get(f"{V1}/campaigns/{campaign.id}/export.csv")
    assert sent.status == 200
    assert sent.headers["Content-Type"].startswith("text/csv")
    assert "+12025550001" in await sent.text()


async def test_the_page_of_a_campaign_has_the_line_for_programs(client, engine):
    campaign = await engine.campaign()
    page = await (await client.get(f"/campaigns/{campaign.id}")).text()
    assert f"/api/v1/campaigns/{campaign.id}/contacts" in page
    assert "phoneLine" in page
    assert "Authorization: Bearer" in page


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    token = {}

    async def prepare(engine: FakeEngine) -> None:
        await engine.campaign("Spring", 1)
        await engine.campaign("Summer")
        user = await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
        made = await engine.access.create_token(user.id, "docs", {TokenScope.ADMIN}, None)
        token["value"] = made[0]

    with serve(tmp_path, prepare) as served:
        done = subprocess.run(
            ["bash", "-c", script],
            env={"CALLCAMP": served.url, "TOKEN": token["value"], "PATH": "/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    assert served.statuses.keys() <= {200, 201}
    assert (tmp_path / "calls.csv").exists()


async def test_accounts_and_tokens_are_kept_over_the_api(client, engine):
    bob = {"name": "Bob", "password": PASSWORD, "role": "supervisor"}
    # The first account is not made over the network.
    await _error(await client.post(f"{V1}/users", json=bob), 403)
    admin = await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
    # With the first account everybody has to say who they are.
    await _error(await client.get(f"{V1}/users"), 401)
    secret, _ = await engine.access.create_token(admin.id, "root", {TokenScope.ADMIN}, None)
    headers = {"Authorization": f"Bearer {secret}"}
    made = await client.post(f"{V1}/users", json=bob, headers=headers)
    body = await made.json()
    assert (made.status, body["name"], body["manages_campaigns"]) == (201, "bob", False)
    path = f"{V1}/users/{body['id']}"
    changed = await client.patch(path, json={"manages_campaigns": True}, headers=headers)
    assert (await changed.json())["manages_campaigns"] is True
    await _error(
        await client.patch(f"{V1}/users/{admin.id}", json={"active": False}, headers=headers), 409
    )
    await _error(
        await client.post(
            f"{V1}/users",
            json={"name": "eve", "password": "short", "role": "admin"},
            headers=headers,
        ),
        400,
        "password",
    )
    token = await client.post(
        f"{V1}/tokens", json={"name": "crm", "scopes": ["contacts"]}, headers=headers
    )
    shown = await token.json()
    assert token.status == 201
    mine = {"Authorization": f"Bearer {shown['token']}"}
    assert (await client.get(f"{V1}/campaigns", headers=mine)).status == 200
    await _error(await client.get(f"{V1}/tokens", headers=mine), 403)
    listed = await (await client.get(f"{V1}/tokens", headers=headers)).text()
    assert shown["token"] not in listed
    assert (await client.delete(f"{V1}/tokens/{shown['id']}", headers=headers)).status == 204
    await _error(await client.get(f"{V1}/campaigns", headers=mine), 401)


async def test_an_account_is_shown_with_its_log_ins_and_has_its_codes_turned_off(client, engine):
    ada = await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
    bob = await engine.access.add_user("bob", PASSWORD, role=Role.SUPERVISOR)
    session, _ = await engine.access.log_in(
        "bob", PASSWORD, code=None, address="192.0.2.7", agent="Lynx"
    )
    await engine.store.set_totp(bob.id, "JBSWY3DPEHPK3PXP", now=datetime.now(UTC))
    secret, _ = await engine.access.create_token(ada.id, "root", {TokenScope.ADMIN}, None)
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"{V1}/users/{bob.id}"
    assert (await (await client.get(path, headers=headers)).json())["has_totp"] is True
    held = await client.get(f"{path}/sessions", headers=headers)
    (one,) = (await held.json())["items"]
    assert (one["address"], one["agent"]) == ("192.0.2.7", "Lynx")
    # Neither the secret of the session nor what it is kept under.
    assert set(one) == {"created_at", "seen_at", "address", "agent"}
    assert session not in await held.text()
    assert (await client.delete(f"{path}/codes", headers=headers)).status == 204
    assert (await (await client.get(path, headers=headers)).json())["has_totp"] is False
    for gone in (f"{V1}/users/99", f"{V1}/users/99/sessions"):
        await _error(await client.get(gone, headers=headers), 404)
    await _error(await client.delete(f"{V1}/users/99/codes", headers=headers), 404)


async def test_a_token_of_another_account_may_no_more_than_that_account(client, engine):
    ada = await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
    sue = await engine.access.add_user("sue", PASSWORD, role=Role.SUPERVISOR)
    secret, _ = await engine.access.create_token(ada.id, "root", {TokenScope.ADMIN}, None)
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"name": "crm", "scopes": ["manage"], "user_id": sue.id}
    await _error(await client.post(f"{V1}/tokens", json=body, headers=headers), 400, "scopes")
    body["scopes"] = ["read"]
    made = await client.post(f"{V1}/tokens", json=body, headers=headers)
    assert (made.status, (await made.json())["user_id"]) == (201, sue.id)
    body = {"name": "x", "scopes": ["read"], "user_id": 99}
    await _error(await client.post(f"{V1}/tokens", json=body, headers=headers), 404)


async def test_contacts_are_found_by_what_they_wait_for(client, engine):
    campaign = await engine.campaign(contacts=3)
    path = f"{V1}/campaigns/{campaign.id}/contacts"
    first, *_ = (await (await client.get(path)).json())["items"]
    await client.post(f"{path}/{first['id']}/exclude", json={"reason": "asked"})
    found = await (await client.get(path, params={"reason": "excluded"})).json()
    assert [one["id"] for one in found["items"]] == [first["id"]]
    await _error(await client.get(path, params={"reason": "whim"}), 400, "reason")


async def test_a_legal_preset_is_shown_whole(client, engine):
    listed = (await (await client.get(f"{V1}/legal-presets")).json())["items"]
    shown = await (await client.get(f"{V1}/legal-presets/us-tsr")).json()
    assert shown in listed
    assert shown["hours"]["weekdays"][0] == ["08:00-21:00"]
    assert shown["abandon"]["cap"] == 0.03
    await _error(await client.get(f"{V1}/legal-presets/nowhere"), 404)


async def test_an_answer_that_shows_a_secret_is_kept_under_no_key(client, engine):
    admin = await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
    secret, _ = await engine.access.create_token(admin.id, "root", {TokenScope.ADMIN}, None)
    key = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "once"}
    tokens = [
        await (
            await client.post(f"{V1}/tokens", json={"name": n, "scopes": ["read"]}, headers=key)
        ).json()
        for n in ("a", "b")
    ]
    assert tokens[0]["token"] != tokens[1]["token"]


async def test_webhooks_are_kept_over_the_api(client, engine):
    await _error(
        await client.post(f"{V1}/webhooks", json={"url": "http://127.0.0.1:9/x"}), 400, "url"
    )
    url = "https://8.8.8.8/x"
    made = await client.post(f"{V1}/webhooks", json={"url": url, "events": ["campaign.started"]})
    body = await made.json()
    assert (made.status, body["url"], body["events"]) == (201, url, ["campaign.started"])
    path = f"{V1}/webhooks/{body['id']}"
    changed = await (await client.patch(path, json={"active": False, "events": []})).json()
    assert changed["active"] is False
    assert len(changed["events"]) > 1
    assert (await (await client.get(path)).json())["url"] == url
    listed = await (await client.get(f"{V1}/webhooks")).text()
    assert body["secret"] not in listed
    again = await client.post(f"{path}/renew-secret", headers={"Idempotency-Key": "once"})
    renewed = await again.json()
    assert (again.status, renewed["id"]) == (200, body["id"])
    assert renewed["secret"] not in {"", body["secret"]}
    assert await engine.store.webhook_secret(body["id"]) == renewed["secret"]
    assert (await (await client.get(f"{path}/deliveries")).json())["items"] == []
    assert (await client.delete(path)).status == 204
    await _error(await client.delete(path), 404)


async def test_what_goes_on_is_watched_as_events(client, engine):
    campaign = await engine.campaign(contacts=1)
    await engine.commands.start(campaign.id)
    async with client.get(f"{V1}/live") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")

        async def event() -> dict[str, Any]:
            lines = [(await response.content.readline()).decode() for _ in range(3)]
            assert (lines[0], lines[2]) == ("event: stats\n", "\n")
            return json.loads(lines[1].removeprefix("data: "))

        first = await event()
        assert [(c["id"], c["status"]) for c in first["items"]] == [(campaign.id, "running")]
        await engine.commands.pause(campaign.id)
        while (await event())["items"]:
            pass
    async with client.get(f"{V1}/live", params={"campaign_id": campaign.id}) as response:
        await response.content.readline()
        line = (await response.content.readline()).decode()
        assert json.loads(line.removeprefix("data: "))["items"][0]["status"] == "paused"
    await _error(await client.get(f"{V1}/live", params={"campaign_id": 99}), 404)


async def test_a_stop_ends_what_is_watched_at_once(client, engine, monkeypatch):
    """Also when nothing happens and no sign of life is due for long."""
    monkeypatch.setattr(live_module, "MIN_PAUSE_S", 3600.0)
    monkeypatch.setattr(live_module, "HEARTBEAT_S", 3600.0)
    await engine.campaign()
    async with client.get(f"{V1}/live") as first, asyncio.timeout(60):
        assert (await first.content.readline()) == b"event: stats\n"
        await client.app.shutdown()
        rest = await first.content.read()
    assert rest.count(b"event:") == 0
    async with client.get(f"{V1}/live") as second, asyncio.timeout(60):
        assert await second.content.read() == b""


async def test_callbacks_that_are_to_come_are_listed(client, engine):
    campaign = await engine.campaign(contacts=2, callbacks=True)
    await engine.commands.start(campaign.id)
    now = datetime.now(UTC)
    claimed = await engine.store.claim(
        campaign.id,
        ["a-1"],
        places=None,
        judge=RuleSet(campaign.settings).judge,
        look_back_s=0,
        now=now,
        lease_until=now + timedelta(seconds=60),
    )
    await engine.store.mark_dialing(["a-1"], now=now)
    await engine.store.apply(
        [
            AttemptChange(
                "a-1",
                (AttemptEvent.ENDED,),
                now,
                disposition=Disposition.ANSWERED_PERSON,
                evidence=Evidence(answered=True),
                contact=ContactChange(ContactEvent.FINISHED),
            )
        ]
    )
    assert (await (await client.get(f"{V1}/callbacks")).json())["items"] == []
    at = now + timedelta(hours=2)
    await engine.commands.set_outcome("a-1", outcome="later", callback_at=at)
    for query in ({}, {"campaign_id": campaign.id}):
        (one,) = (await (await client.get(f"{V1}/callbacks", params=query)).json())["items"]
        assert one["id"] == claimed.claims[0].attempt.contact_id
        assert datetime.fromisoformat(one["callback_at"]) == at
    await _error(await client.get(f"{V1}/callbacks", params={"campaign_id": 99}), 404)
