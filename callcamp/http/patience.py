"""How long callcamp waits for what a client begins to send, and when it hangs up.

Whoever opens connections and then says little or nothing would otherwise hold them, and with
them the files that the database and the link to Asterisk need, for as long as it likes.
"""

from __future__ import annotations

import asyncio
from asyncio import BaseTransport
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakSet

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler

from callcamp.errors import InvalidInput
from callcamp.http.security import Handler

GRACE_S = 30.0
"""Seconds for which a body may come as slowly as it likes."""
LEAST_BYTES_S = 1000
"""Bytes that have to come in every second after that, on average."""
CHECK_S = 5.0
"""How often that is looked at, in seconds."""
SILENT_S = 30.0
"""Seconds after which a connection without any whole request is closed, at least."""
SPOKEN: web.AppKey[WeakSet[BaseTransport]] = web.AppKey("spoken", WeakSet)
"""Connections that a whole request came over."""


@web.middleware
async def bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let whoever reads a body fail when that stops coming, and hang up afterwards.

    Raises:
        InvalidInput: where the body is read: it comes too slowly.
    """
    if request.transport is not None:
        request.app[SPOKEN].add(request.transport)
    content = request.content
    if content.is_eof():
        return await handler(request)
    watch = _Watch(content)
    try:
        response = await handler(request)
    finally:
        watch.stop()
    if content.exception() is not None:
        # There is no telling where the next request would begin.
        response.force_close()
        content.feed_eof()
    return response


class _Watch:
    """Looks at a body now and then until it is whole, or too late."""

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self._next = self._loop.call_later(CHECK_S, self._look)

    def stop(self) -> None:
        self._next.cancel()

    def _look(self) -> None:
        content, late_s = self._content, self._loop.time() - self._begun_s - GRACE_S
        if content.is_eof() or content.exception() is not None:
            return
        if late_s > 0 and content.total_bytes < late_s * LEAST_BYTES_S:
            content.set_exception(
                InvalidInput(
                    f"The body came too slowly: {content.total_bytes} bytes so far. Send it "
                    f"again, at {LEAST_BYTES_S} bytes a second or more.",
                    field="body",
                    value=content.total_bytes,
                )
            )
            return
        self._next = self._loop.call_later(CHECK_S, self._look)


@asynccontextmanager
async def closing_silent(
    server: web.Server, app: web.Application, silent_s: float = SILENT_S
) -> AsyncIterator[None]:
    """Close connections that send no whole request, for the time of a block.

    A connection that had one is closed by the server's own keep-alive time.

    Args:
        server: whose connections.
        app: what answers requests there.
        silent_s: how long one may be silent, at least; twice as long, at most.
    """
    task = asyncio.create_task(_close_silent(server, app, silent_s), name="callcamp-silent")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _close_silent(server: web.Server, app: web.Application, silent_s: float) -> None:
    before: set[RequestHandler] = set()
    while True:
        await asyncio.sleep(silent_s)
        spoken = app[SPOKEN]
        silent = {one for one in server.connections if one.transport not in spoken}
        for one in silent & before:
            one.force_close()
        before = silent - before
