"""A real Chromium and its tabs, as the tests of the pages use them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page
from web_fakes import FakeEngine

PATIENCE_MS = 60_000
"""Long enough for a busy machine: a test that passes waits for none of it."""


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
