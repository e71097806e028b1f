"""People with accounts, programs with tokens, and the browsers and clients that they use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine, token_in

from callcamp.core.permissions import Role, TokenScope
from callcamp.http.app import make_app

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "ada": (Role.ADMIN, False),
    "sue": (Role.SUPERVISOR, False),
    "max": (Role.SUPERVISOR, True),
    "kim": (Role.AGENT, False),
}
"""Names of accounts: the role, and the right to manage campaigns."""

Client = TestClient[web.Request, web.Application]


async def add_people(engine: FakeEngine) -> dict[str, int]:
    """Add all of PEOPLE; returns their numbers."""
    return {
        name: (
            await engine.access.add_user(name, PASSWORD, role=role, manages_campaigns=manages)
        ).id
        for name, (role, manages) in PEOPLE.items()
    }


async def add_tokens(engine: FakeEngine, user_id: int) -> dict[str, str]:
    """Make a token of every scope; returns them by their scope."""
    return {
        scope.value: (await engine.access.create_token(user_id, scope.value, {scope}, None))[0]
        for scope in TokenScope
    }


class Browser:
    """A browser without scripts, with cookies of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def get(self, path: str, **kw: Any) -> Any:
        """Get a page as a browser does; no redirect is followed."""
        headers = {"Accept": "text/html", **kw.pop("headers", {})}
        return await self.client.get(path, allow_redirects=False, headers=headers, **kw)

    async def text(self, path: str) -> str:
        """Return a page."""
        response = await self.get(path)
        assert response.status == 200, (path, response.status)
        return await response.text()

    async def post(self, path: str, fields: dict[str, Any] | None = None, **kw: Any) -> Any:
        """Post a form of the page ``on`` with its token."""
        on = kw.pop("on", None) or "/login"
        page = await (await self.get(on)).text()
        data = {"csrf": token_in(page), **(fields or {})}
        headers = {"Accept": "text/html", **kw.pop("headers", {})}
        return await self.client.post(path, data=data, allow_redirects=False, headers=headers, **kw)

    async def log_in(self, name: str, password: str = PASSWORD, **fields: str) -> Any:
        """Fill in the log-in form."""
        return await self.post("/login", {"name": name, "password": password, **fields})

    def cookie(self, name: str = "callcamp") -> str:
        """Return what a cookie holds; empty when there is none."""
        for one in self.client.session.cookie_jar:
            if one.key == name:
                return str(one.value)
        return ""


@asynccontextmanager
async def browsing(engine: FakeEngine, **settings: Any) -> AsyncIterator[TestServer]:
    """Serve the pages with changed settings."""
    changed = engine.settings.model_validate(
        engine.settings.model_dump() | {"ami_secret": "x"} | settings
    )
    server = TestServer(make_app(engine, changed))
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def browser_of(server: TestServer) -> AsyncIterator[Browser]:
    """Yield a browser that nobody has used yet."""
    client: Client = TestClient(server)
    try:
        yield Browser(client)
    finally:
        await client.session.close()
