"""The application on a real socket, in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from web_fakes import FakeEngine, open_engine

from callcamp.http.app import make_app
from callcamp.http.server import Runner


@dataclass
class Served:
    """An application that answers at ``url``.

    Args:
        url: where.
        statuses: how many answers had each status.
    """

    url: str
    statuses: Counter[int] = field(default_factory=Counter)


@contextmanager
def serve(folder: Path, prepare: Callable[[FakeEngine], Awaitable[None]]) -> Iterator[Served]:
    """Run the application over a fresh database until the block ends."""
    ready, served = threading.Event(), Served("")
    problems: list[BaseException] = []
    state: dict[str, object] = {}

    async def main() -> None:
        stop = asyncio.Event()
        state["stop"], state["loop"] = stop, asyncio.get_running_loop()
        async with open_engine(folder) as engine:
            await prepare(engine)
            app = make_app(engine, engine.settings)

            async def count(_request: web.Request, response: web.StreamResponse) -> None:
                served.statuses[response.status] += 1

            app.on_response_prepare.append(count)
            runner = Runner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            served.url = "http://{}:{}".format(*runner.addresses[0][:2])
            ready.set()
            await stop.wait()
            await runner.cleanup()

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as problem:  # noqa: BLE001
            problems.append(problem)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    try:
        if problems:
            raise problems[0]
        yield served
    finally:
        if "loop" in state and not problems:
            state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join()
    if problems:
        raise problems[0]
