"""The pages over a real store, a real live feed and the real use-cases; no dialer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine

from callcamp.engine.commands import Commands
from callcamp.engine.live import LiveFeed
from callcamp.http.app import make_app
from callcamp.settings import Settings
from callcamp.store import SqlStore, migrate


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    url = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    migrate(url)
    store = SqlStore(url)
    await store.open()
    live = LiveFeed()
    settings = Settings(data_dir=tmp_path / "data")
    yield FakeEngine(store, Commands(store, live=live), live, settings=settings)
    await store.close()


@pytest.fixture
async def client(
    engine: FakeEngine,
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    server = TestServer(make_app(engine, engine.settings))
    async with TestClient(server) as client:
        yield client
