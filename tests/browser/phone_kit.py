"""Browser phones over the lab's real Asterisk: pages, phones, and a line that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from callcamp.lab import Ami, LabInfo

FAKE_MEDIA = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # A machine may have no network but the loopback.
    "--allow-loopback-in-peer-connection",
]
"""How Chromium has a microphone that beeps once a second, and asks nobody."""


@contextlib.contextmanager
def manager(lab: LabInfo) -> Iterator[Ami]:
    """Yield a session at the lab's manager interface."""
    with Ami(lab.ami_host, lab.ami_port, lab.ami_username, lab.ami_secret) as ami:
        yield ami


@contextlib.asynccontextmanager
async def chromium_with_microphone(path: str) -> AsyncIterator[Browser]:
    """Yield a Chromium with a pretend microphone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FAKE_MEDIA)
        yield browser
        await browser.close()


class Wire:
    """A TCP line to Asterisk that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._whole = True
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Close every connection, and take no new one."""
        self._whole = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Take connections again."""
        self._whole = True

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        there = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, there[1]}

        async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    to.write(data)
                    await to.drain()
            to.transport.abort()

        for pair in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(pump(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def state_is(page: Page, state: str, timeout_ms: int = 60_000) -> None:
    """Wait until the phone of a page is in a state."""
    await page.wait_for_function(
        "state => window.callcampPhone?.state === state", arg=state, timeout=timeout_ms
    )


async def stats(page: Page) -> dict[str, Any] | None:
    """Return what the phone knows of the sound of its call."""
    found: dict[str, Any] | None = await page.evaluate("window.callcampPhone.stats()")
    return found


async def packets_flow(page: Page, more: int = 40) -> dict[str, Any]:
    """Wait until so many packets more have gone and come."""
    before = await stats(page) or {"sent": 0, "received": 0}
    await page.wait_for_function(
        """async ([sent, received]) => {
             const now = await window.callcampPhone.stats();
             return now && now.sent >= sent && now.received >= received;
           }""",
        arg=[before["sent"] + more, before["received"] + more],
        polling=200,
        timeout=60_000,
    )
    found = await stats(page)
    assert found is not None
    return found
