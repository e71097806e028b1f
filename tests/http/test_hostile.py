"""What strangers send who want to hold callcamp up, or more than they may have."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from access_kit import PASSWORD, add_people, add_tokens, browser_of, browsing
from aiohttp import web
from aiohttp.test_utils import TestServer

from callcamp.core.permissions import Role
from callcamp.http import patience
from callcamp.http.app import make_app

API = "/api/v1/campaigns"


@pytest.fixture
async def server(engine):
    server = TestServer(make_app(engine, engine.settings))
    await server.start_server()
    yield server
    await server.close()


async def _dial(server):
    return await asyncio.open_connection(server.host, server.port)


def _head(path, *more):
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *more, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("path", "kind"),
    [(API, "application/json"), ("/login", "application/x-www-form-urlencoded")],
)
@pytest.mark.parametrize("begin", [b"", b"{"])
async def test_a_body_that_does_not_come_is_not_waited_for(server, monkeypatch, path, kind, begin):
    monkeypatch.setattr(patience, "GRACE_S", 0.02)
    monkeypatch.setattr(patience, "CHECK_S", 0.02)
    reader, writer = await _dial(server)
    writer.write(_head(path, f"Content-Type: {kind}", "Content-Length: 1000") + begin)
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The body came too slowly" in answer


async def test_a_body_that_comes_in_parts_is_read(engine, server, monkeypatch):
    monkeypatch.setattr(patience, "CHECK_S", 0.01)
    reader, writer = await _dial(server)
    body = b'{"settings": {}}'
    kind = "Content-Type: application/json"
    writer.write(_head(API, kind, f"Content-Length: {len(body)}", "Connection: close"))
    for at in range(len(body)):
        await asyncio.sleep(0.005)
        writer.write(body[at : at + 1])
    answer = await reader.read()
    writer.close()
    assert b"name is missing" in answer or b"trunk_id is missing" in answer


@pytest.mark.parametrize("path", [API, "/login"])
async def test_a_packed_body_that_is_none_is_told_and_no_crash(server, path, caplog):
    reader, writer = await _dial(server)
    kinds = {API: "application/json", "/login": "application/x-www-form-urlencoded"}
    writer.write(
        _head(path, f"Content-Type: {kinds[path]}", "Content-Encoding: gzip", "Content-Length: 7")
        + b"notgzip"
    )
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"cannot read this form" in answer
    assert not [one for one in caplog.records if "Unhandled" in one.message]


async def test_a_packed_body_is_measured_as_it_unpacks(engine, client):
    bomb = gzip.compress(b'{"settings": {"name": "' + b"a" * 30_000_000 + b'"}}')
    assert len(bomb) < 100_000
    answer = await client.post(
        API, data=bomb, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
    )
    assert answer.status == 413
    assert not await engine.store.campaigns()


@pytest.mark.parametrize("said", [b"", b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
async def test_a_connection_that_asks_nothing_is_closed(engine, said):
    app = make_app(engine, engine.settings)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        assert runner.server is not None
        async with patience.closing_silent(runner.server, app, 0.05), asyncio.timeout(60):
            host, port = runner.addresses[0][:2]
            polite = await asyncio.open_connection(host, port)
            ask = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            polite[1].write(ask)
            await polite[0].readuntil(b"</html>")
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(said)
            assert await reader.read() == b""
            writer.close()
            # One that has asked something may be quiet for the keep-alive time.
            polite[1].write(ask)
            assert (await polite[0].readuntil(b"</html>")).strip().startswith(b"HTTP/1.1 200")
            polite[1].close()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/users", {"name": "mallory", "password": PASSWORD, "role": "admin"}),
        ("/api/v1/tokens", {"name": "mallory", "scopes": ["admin"]}),
    ],
)
async def test_the_first_account_is_not_made_by_a_program(engine, client, path, body):
    answer = await client.post(path, json=body)
    assert answer.status == 403
    assert "callcamp init" in (await answer.json())["error"]["message"]
    assert not await engine.store.users()
    assert not await engine.access.tokens()


async def test_a_token_made_by_a_token_is_of_the_same_account(engine):
    people = await add_people(engine)
    tokens = await add_tokens(engine, people["ada"])
    await engine.access.add_user("eve", PASSWORD, role=Role.ADMIN)
    async with browsing(engine) as server, browser_of(server) as browser:
        bearer = {"Authorization": f"Bearer {tokens['admin']}"}
        made = await browser.client.post(
            "/api/v1/tokens", json={"name": "heir", "scopes": ["admin"]}, headers=bearer
        )
        assert made.status == 201
        heir = await made.json()
        assert heir["user_id"] == people["ada"]
        await engine.access.change_user(people["ada"], active=False)
        heirs = {"Authorization": f"Bearer {heir['token']}"}
        assert (await browser.client.get(API, headers=heirs)).status == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/users", {"name": "bob", "password": PASSWORD, "role": "agent"}),
        ("/api/v1/users/1/password", {"password": PASSWORD + "!"}),
    ],
)
async def test_no_quick_hash_of_a_password_is_kept(engine, monkeypatch, path, body):
    people = await add_people(engine)
    tokens = await add_tokens(engine, people["ada"])
    kept = []
    begin = engine.store.begin_reply

    async def note(*args, **kw):
        kept.append(args)
        return await begin(*args, **kw)

    monkeypatch.setattr(engine.store, "begin_reply", note)
    headers = {"Authorization": f"Bearer {tokens['admin']}", "Idempotency-Key": "once"}
    async with browsing(engine) as server, browser_of(server) as browser:
        done = await browser.client.post(path, json=body, headers=headers)
        assert done.status in {201, 204}
    assert not kept


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Forwarded-Proto", "CF-Connecting-IP", "True-Client-IP"]
)
async def test_whatever_a_proxy_leaves_shows_that_a_stranger_asks(engine, name):
    async with browsing(engine) as server, browser_of(server) as browser:
        assert (await browser.client.get("/trunks")).status == 200
        assert (await browser.client.get("/metrics")).status == 200
        for path in (API, "/metrics", "/readyz"):
            answer = await browser.client.get(path, headers={name: "https"})
            assert answer.status == 401
