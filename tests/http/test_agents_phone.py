"""The phone of the agent page: who is told its password, and what the page says before."""

from __future__ import annotations

import base64
import hashlib
import hmac
from contextlib import AsyncExitStack
from datetime import datetime

import pytest
from access_kit import add_people, add_tokens, browser_of, browsing
from pydantic import SecretStr, ValidationError
from web_fakes import FakeEngine, token_in

from callcamp.core.agents import AgentPhone, PhoneKind
from callcamp.engine.clock import utc_now
from callcamp.settings import Settings

WS = "wss://pbx.example.com:8089/ws"
KIM = "/api/v1/agents/kim/phone"


async def with_phones(engine: FakeEngine) -> None:
    engine.settings.phone_ws_url = WS
    for name in ("kim", "ada"):
        phone = AgentPhone(PhoneKind.BROWSER, name)
        await engine.store.save_agent(name, phone=phone, now=utc_now())


async def test_an_agent_is_told_its_own_phone_and_nobody_else_is(engine):
    await with_phones(engine)
    people = await add_people(engine)
    tokens = await add_tokens(engine, people["ada"])
    secret = await engine.store.phone_secret((await engine.store.agent("kim")).id)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(browsing(engine))
        for name in ("ada", "sue", "max", "kim", None):
            browser = await stack.enter_async_context(browser_of(server))
            if name is not None:
                await browser.log_in(name)
            response = await browser.client.get(KIM)
            text = await response.text()
            assert response.status == {"kim": 200, None: 401}.get(name, 403), name
            assert (secret in text) is (name == "kim"), name
            if name == "kim":
                assert response.headers["Cache-Control"] == "no-store"
                told = await response.json()
                assert told["ws_url"] == WS
                assert told["sip_uri"] == "sip:kim@callcamp.invalid"
                assert told["codecs"] == ["PCMU"]
                assert told["ice_servers"] == []
        for token in tokens.values():
            client = (await stack.enter_async_context(browser_of(server))).client
            headers = {"Authorization": f"Bearer {token}"}
            for method, path in (("GET", KIM), ("POST", f"{KIM}/secret")):
                response = await client.request(method, path, headers=headers)
                assert response.status == 403
                assert secret not in await response.text()


async def test_a_password_is_renewed_by_its_agent_only(engine):
    await with_phones(engine)
    await add_people(engine)
    agent = await engine.store.agent("kim")
    before = await engine.store.phone_secret(agent.id)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(browsing(engine))
        for name in ("ada", "kim"):
            browser = await stack.enter_async_context(browser_of(server))
            await browser.log_in(name)
            token = token_in(await browser.text("/account"))
            headers = {"X-CSRF-Token": token, "Idempotency-Key": "one"}
            response = await browser.client.post(f"{KIM}/secret", headers=headers)
            assert response.status == (200 if name == "kim" else 403)
            after = await engine.store.phone_secret(agent.id)
            assert (after != before) is (name == "kim")
        assert (await response.json())["password"] == after
        again = await browser.client.post(f"{KIM}/secret", headers=headers)
        assert (await again.json())["password"] != after, "an answer with a secret is not kept"


async def test_without_accounts_whoever_is_here_may_try_any_phone(engine, client):
    await with_phones(engine)
    response = await client.get(KIM)
    assert response.status == 200
    page = await (await client.get("/agent/phone")).text()
    assert 'data-source="/api/v1/agents/ada/phone"' in page
    page = await (await client.get("/agent/phone?agent=kim")).text()
    assert 'data-source="/api/v1/agents/kim/phone"' in page
    page = await (await client.get("/agent/phone?agent=<script>x")).text()
    assert "&lt;script&gt;x" in page
    assert "data-source" not in page


async def test_the_page_says_what_is_missing(engine, client):
    assert "set <code>phone_ws_url</code>" in await (await client.get("/agent/phone")).text()
    engine.settings.phone_ws_url = WS
    assert "callcamp agent add" in await (await client.get("/agent/phone")).text()


@pytest.mark.parametrize(
    ("phone", "active", "ws_url", "field"),
    [
        (AgentPhone(PhoneKind.SIP, "kim"), True, WS, "phone"),
        (AgentPhone(PhoneKind.BROWSER, "kim"), False, WS, "active"),
        (AgentPhone(PhoneKind.BROWSER, "kim"), True, "", "phone_ws_url"),
    ],
)
async def test_no_phone_is_said_with_the_reason(engine, client, *, phone, active, ws_url, field):
    engine.settings.phone_ws_url = ws_url
    await engine.store.save_agent("kim", phone=phone, active=active, now=utc_now())
    for method, path in (("GET", KIM), ("POST", f"{KIM}/secret")):
        response = await client.request(method, path)
        assert response.status == 409
        assert (await response.json())["error"]["details"]["field"] == field
    assert (await client.get("/api/v1/agents/nobody/phone")).status == 404


async def test_turn_servers_get_passwords_that_end(engine, client):
    await with_phones(engine)
    engine.settings.phone_ice_servers = ["stun:s.example.com", "turns:t.example.com:443"]
    engine.settings.phone_turn_secret = SecretStr("north")
    told = await (await client.get(KIM)).json()
    stun, turn = told["ice_servers"]
    assert stun == {"urls": "stun:s.example.com", "username": "", "credential": ""}
    until, name = turn["username"].split(":")
    assert name == "kim"
    ends = datetime.fromisoformat(told["expires_at"])
    assert int(until) == int(ends.timestamp())
    assert 0 < (ends - utc_now()).total_seconds() <= engine.settings.session_max_s
    proof = hmac.new(b"north", turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(proof).decode()
    assert "north" not in str(told)


async def test_pages_may_open_a_line_to_asterisk_and_nowhere_else(engine, client):
    policy = (await client.get("/")).headers["Content-Security-Policy"]
    assert "connect-src" not in policy
    for address in ("/ws", WS):
        engine.settings.phone_ws_url = address
        policy = (await client.get("/")).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'")
        allowed = [part for part in policy.split("; ") if part.startswith("connect-src")]
        assert allowed == (
            [] if address == "/ws" else ["connect-src 'self' wss://pbx.example.com:8089"]
        )
    assert "microphone=(self)" in (await client.get("/")).headers["Permissions-Policy"]


@pytest.mark.parametrize(
    "address", ["http://x/ws", "wss://x/ws; script-src *", "wss://x y", "ws", "//x\nA: b", "wss://"]
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValidationError):
        Settings(phone_ws_url=address)


@pytest.mark.parametrize("server", ["http://x", "turn:", "stun:a b", "turn:x;y"])
def test_a_server_that_is_none_is_refused(server):
    with pytest.raises(ValidationError):
        Settings(phone_ice_servers=[server])
