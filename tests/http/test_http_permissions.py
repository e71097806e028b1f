"""Every address, asked by everybody, against the table of permissions."""

from __future__ import annotations

import re
import sqlite3
from contextlib import AsyncExitStack, closing

import pytest
from access_kit import PEOPLE, add_people, add_tokens, browser_of, browsing
from aiohttp import web

from callcamp.core.permissions import (
    LOCAL,
    NOBODY,
    Permission,
    TokenScope,
    of_person,
    of_token,
)
from callcamp.http.app import make_app
from callcamp.http.auth import ASKED
from callcamp.http.routes import ROUTES

JSON = {"Accept": "application/json"}
# What moves when somebody merely looks: who used what when, and the words of the audit.
LOOKED = ("session", "token", "login", "audit", "sqlite_", "alembic")


AGENT_IN_PATH = re.compile(r"(?:(?<=/agents/)|(?<=/agent/))\{\w+:[^{}]*(?:\{[^{}]*\})?[^{}]*\}")


def concrete(path: str, campaign: int, agent: str = "999") -> str:
    """Return an address of a route's own: of the campaign, else of things that are not there.

    ``agent`` is the name of the agent, if it is about one: people may act as their own only.
    """
    path = AGENT_IN_PATH.sub(agent, path)
    path = path.replace("{fmt:xlsx|csv}", "csv")
    path = re.sub(r"\{campaign_id[^}]*\}+", str(campaign), path)
    path = re.sub(r"\{phone[^/]*\}", "+33612345678", path)
    path = re.sub(r"\{(?:job|preview_id)[^/]*\}", "0" * 32, path)
    return re.sub(r"\{\w+(?::[^{}]*(?:\{[^{}]*\})?[^{}]*)?\}", "999", path)


def everything(engine) -> dict[str, list[tuple[object, ...]]]:
    """Return what the database holds, but for who looked at it when."""
    path = engine.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for name in tables
            if name != "users" and not any(part in name for part in LOOKED)
        }


async def called(client, method: str, path: str, headers) -> tuple[int, str]:
    """Return the status and the id of the error, if it is one."""
    async with client.request(method, path, headers=headers, allow_redirects=False) as response:
        if response.status < 400 or method == "HEAD":
            if response.content_type != "text/event-stream":
                await response.read()
            return response.status, ""
        return response.status, (await response.json())["error"]["id"]


def test_no_address_is_without_a_permission(engine):
    app = make_app(engine, engine.settings)
    for route in app.router.routes():
        assert isinstance(app[ASKED][route], Permission), route
    addresses = [(route.method, route.path) for route in ROUTES]
    assert len(addresses) == len(set(addresses))
    public = {(r.method, r.path) for r in ROUTES if r.permission is Permission.PUBLIC}
    assert {("GET", "/login"), ("POST", "/login"), ("GET", "/healthz")} <= public
    assert all(method == "GET" or path == "/login" for method, path in public)


async def test_an_address_without_a_permission_is_closed(engine):
    app = make_app(engine, engine.settings)

    async def forgotten(_request: web.Request) -> web.Response:
        return web.Response(text="secret")

    app.router.add_get("/forgotten", forgotten)
    from aiohttp.test_utils import TestClient, TestServer

    async with TestClient(TestServer(app)) as client:
        response = await client.get("/forgotten")
        assert response.status == 500
        assert "secret" not in await response.text()


@pytest.fixture
async def callers(engine):
    """Everybody: a client, its headers, and what they may do."""
    people = await add_people(engine)
    tokens = await add_tokens(engine, people["ada"])
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(browsing(engine))
        callers = {}
        for name, (role, manages) in PEOPLE.items():
            browser = await stack.enter_async_context(browser_of(server))
            assert (await browser.log_in(name)).status == 303
            callers[name] = (browser.client, JSON, of_person(role, manages_campaigns=manages))
        for scope, token in tokens.items():
            browser = await stack.enter_async_context(browser_of(server))
            headers = {**JSON, "Authorization": f"Bearer {token}"}
            callers[f"token {scope}"] = (browser.client, headers, of_token({TokenScope(scope)}))
        browser = await stack.enter_async_context(browser_of(server))
        callers["nobody"] = (browser.client, JSON, NOBODY.permissions)
        yield callers


async def test_everybody_gets_what_the_table_says_and_no_more(engine, callers):
    campaign = await engine.campaign(contacts=2)
    # One that has run cannot be deleted, so it is there for all that follows.
    await engine.commands.start(campaign.id)
    before = everything(engine)
    for refused_first in (True, False):
        for name, (client, headers, allowed) in callers.items():
            for route in ROUTES:
                may = route.permission in allowed
                # What is refused must change nothing, so it comes before what is not.
                if may is refused_first or (not refused_first and route.path == "/logout"):
                    continue
                path = concrete(route.path, campaign.id, name if name in PEOPLE else "999")
                methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
                for method in methods:
                    status, error = await called(client, method, path, headers)
                    told = (name, method, path, status, error)
                    if may:
                        assert status != 401, told
                        assert error not in {"not_allowed", "log_in_needed"}, told
                        # No form without its token, whoever sends it; no cookie alone.
                        if method not in {"GET", "HEAD"} and (
                            name in PEOPLE or not path.startswith("/api/")
                        ):
                            assert error in {"stale_form", "invalid_input"}, told
                    else:
                        assert status == (401 if name == "nobody" else 403), told
                        wanted = "log_in_needed" if name == "nobody" else "not_allowed"
                        assert error == ("" if method == "HEAD" else wanted), told
        if refused_first:
            assert everything(engine) == before


async def test_people_change_nothing_without_the_token_of_their_page(engine, callers):
    campaign = await engine.campaign(contacts=2)
    before = everything(engine)
    for name in PEOPLE:
        client, headers, _ = callers[name]
        for route in ROUTES:
            if route.method != "GET" and route.path != "/logout":
                path = concrete(route.path, campaign.id)
                status, _ = await called(client, route.method, path, headers)
                assert status >= 400, (name, route)
    assert everything(engine) == before


async def test_without_accounts_this_machine_may_do_everything_but_have_an_account(engine):
    campaign = await engine.campaign(contacts=2)
    async with browsing(engine) as server, browser_of(server) as browser:
        for route in ROUTES:
            path = concrete(route.path, campaign.id)
            status, error = await called(browser.client, route.method, path, JSON)
            if route.permission in LOCAL.permissions:
                assert status != 401, path
                assert error not in {"not_allowed", "log_in_needed"}, path
            else:
                assert (status, error) == (403, "not_allowed"), path


async def test_without_accounts_nobody_else_may_do_anything(engine):
    campaign = await engine.campaign(contacts=2)
    before = everything(engine)
    ways = [
        ({"http_trusted_proxies": ["127.0.0.1"]}, {"X-Forwarded-For": "203.0.113.9"}),
        ({"http_trusted_proxies": ["127.0.0.1"]}, {}),  # a proxy that does not say for whom
        ({}, {"X-Forwarded-For": "203.0.113.9"}),  # one that callcamp was not told of
        ({}, {"X-Forwarded-For": "127.0.0.1"}),
        ({}, {"Forwarded": "for=203.0.113.9"}),
        ({"http_allowed_hosts": ["calls.example.com"]}, {"Host": "calls.example.com"}),
    ]
    for settings, headers in ways:
        async with browsing(engine, **settings) as server, browser_of(server) as browser:
            for route in ROUTES:
                if route.permission is not Permission.PUBLIC:
                    path = concrete(route.path, campaign.id)
                    got = await called(browser.client, route.method, path, {**JSON, **headers})
                    assert got == (401, "log_in_needed"), (path, headers)
    assert everything(engine) == before


async def test_buttons_that_one_may_not_use_are_not_shown(engine):
    await add_people(engine)
    campaign = await engine.campaign(contacts=2)
    async with browsing(engine) as server, AsyncExitStack() as stack:
        sue, max_, kim = [await stack.enter_async_context(browser_of(server)) for _ in range(3)]
        for browser, name in ((sue, "sue"), (max_, "max"), (kim, "kim")):
            await browser.log_in(name)
        for path in ("/", f"/campaigns/{campaign.id}"):
            looks, manages = await sue.text(path), await max_.text(path)
            for button in ("/start", "/edit"):
                assert f"/campaigns/{campaign.id}{button}" in manages
                assert f"/campaigns/{campaign.id}{button}" not in looks
            for page in (looks, manages):
                assert "/users" not in page
                assert "/trunks" not in page
        assert "/campaigns/new" not in await sue.text("/")
        assert "data-upload" not in await sue.text(f"/campaigns/{campaign.id}")
        account = await kim.text("/account")
        assert ">Campaigns<" not in account
        assert "kim" in account
        # The live stream is drawn once for all, and yet shows nobody what they may not use.
        for browser, shown in ((sue, False), (max_, True)):
            async with browser.client.get(f"/campaigns/{campaign.id}/live") as stream:
                await stream.content.readuntil(b"data: ")
                line = await stream.content.readuntil(b"\n\n")
                assert (b"/start" in line) is shown
