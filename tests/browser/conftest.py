"""A real Chromium in front of the pages. In CI its absence is a failure, elsewhere a skip."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from web_fakes import FakeEngine, open_engine

from callcamp.http.app import make_app

# Long enough for a busy machine: a test that passes waits for none of it.
PATIENCE_MS = 60_000
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


def chromium() -> str:
    """Return the path of Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        reason = "there is no /usr/bin/chromium (Debian package: chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(f"BROWSER TESTS DO NOT RUN: {reason}")
    return path


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return another visitor's browser, as patient as all."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    return context


@dataclass
class Site:
    """The pages on a port of their own, and the engine behind them."""

    engine: FakeEngine
    url: str
    runner: web.AppRunner

    @property
    def app(self) -> web.Application:
        """The web application."""
        return self.runner.app


@dataclass
class Watched:
    """A tab, and everything that it complained about."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    foreseen: tuple[str, ...] = ()

    def foresee(self, *parts: str) -> None:
        """Let the tab complain of what the test is about to do: lines that hold one of these.

        Said before the act: a line comes when the browser likes, also after the last look.
        """
        self.foreseen += parts

    def unforeseen(self) -> list[str]:
        """Return the complaints that no test announced."""
        return [line for line in self.complaints if not any(p in line for p in self.foreseen)]


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
