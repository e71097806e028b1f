"""The pages over a real store, a real live feed and the real use-cases; no dialer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine, open_engine, token_in

from callcamp.http.app import make_app


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    async with open_engine(tmp_path) as engine:
        yield engine


@pytest.fixture
async def client(
    engine: FakeEngine,
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    server = TestServer(make_app(engine, engine.settings))
    async with TestClient(server) as client:
        yield client


Post = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
async def post(client: TestClient[web.Request, web.Application]) -> Post:
    """Post a form as a browser without scripts does: with the token, no redirect followed."""

    async def send(path: str, fields: Mapping[str, object] | None = None, **kw: Any) -> Any:
        token = token_in(await (await client.get("/trunks")).text())
        pairs = [("csrf", token)]
        for name, value in (fields or {}).items():
            pairs += [(name, str(v)) for v in (value if isinstance(value, list) else [value])]
        return await client.post(path, data=pairs, allow_redirects=False, **kw)

    return send
