"""A real Chromium in front of the pages. In CI its absence is a failure, elsewhere a skip."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, async_playwright, expect

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from browser_kit import PATIENCE_MS, Site, Watched, chromium, new_context
from web_fakes import FakeEngine, open_engine

from callcamp.http.app import make_app

expect.set_options(timeout=PATIENCE_MS)

# One loop for all, as the browser lives in it.
of_all = pytest_asyncio.fixture(loop_scope="session")

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests here that share the browser in the browser's loop; all others come as well."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@of_all
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    async with open_engine(tmp_path) as engine:
        yield engine


@of_all
async def site(engine: FakeEngine) -> AsyncIterator[Site]:
    runner = web.AppRunner(make_app(engine, engine.settings), handler_cancellation=True)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        port = runner.addresses[0][1]
        yield Site(engine, f"http://127.0.0.1:{port}", runner)
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The Chromium of all tests of this process: each start costs seconds."""
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        await browser.close()


@of_all
async def tab(browser: Browser) -> AsyncIterator[Watched]:
    """A tab that notes script errors, refused content and dialogs; the test fails on any."""
    context = await new_context(browser)
    page = await context.new_page()
    watched = Watched(page, context)
    page.on("console", lambda m: m.type == "error" and watched.complaints.append(m.text))
    page.on("pageerror", lambda e: watched.complaints.append(str(e)))
    page.on("dialog", lambda d: watched.complaints.append(f"dialog: {d.message}"))
    yield watched
    await context.close()
    assert watched.unforeseen() == []
