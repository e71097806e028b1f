"""What is answered before there is a request: bytes that are no HTTP, and odd expectations.

aiohttp answers those itself, in plain words of its own that repeat what was sent. Here they get
the shape and the headers of every other answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestHandler

from callcamp.http.security import HEADERS

_UNREADABLE = (
    "callcamp cannot read this request: its first line, a header, or what it says of its body is "
    "not as HTTP has it, or too long."
)

# None is taken, though not by the type of the parameter.
_NO_LOG: Any = None


class Runner(web.AppRunner):
    """Runs an application; what cannot be read is answered as errors are everywhere.

    Args:
        app: the application; its handlers are cancelled when their clients go away.
    """

    def __init__(self, app: web.Application) -> None:
        super().__init__(app, handler_cancellation=True, access_log=None)

    # Of aiohttp's names that begin with an underscore this is the one that is used: which class
    # speaks with a connection can be said nowhere else. A test fails when it is gone.
    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server())


class _Server(web.Server):
    """A server whose connections are :class:`_Connection`."""

    def __init__(self, like: web.Server) -> None:
        super().__init__(
            like.request_handler,
            request_factory=like.request_factory,
            handler_cancellation=like.handler_cancellation,
        )
        self._own_loop = asyncio.get_running_loop()

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._own_loop, access_log=_NO_LOG)


class _Connection(RequestHandler):
    """A connection that answers bytes which are no HTTP as other errors are answered."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        # It logs, and raises when part of an answer has been sent.
        super().handle_error(request, status, exc, message)
        if status < 500:
            response = problem(status, "bad_request", _UNREADABLE)
        else:
            response = problem(status, "internal", "Something went wrong inside callcamp.")
        # There is no telling where the next request would begin.
        response.force_close()
        return response


async def expectation(request: web.Request) -> web.StreamResponse | None:
    """Answer a header ``Expect``: go on, or refuse what nobody knows."""
    if request.version != HttpVersion11:
        return None
    if request.headers.get("Expect", "").lower() != "100-continue":
        return problem(417, "expectation_failed", "callcamp knows no Expect but 100-continue.")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # Those bytes are no part of the answer that is yet to begin.
    request.writer.output_size = 0
    return None


def problem(status: int, error_id: str, message: str) -> web.Response:
    """Return an error in the one shape, with the headers of every answer."""
    error = {"id": error_id, "message": message, "details": {}}
    headers = {**HEADERS, "Cache-Control": "no-store"}
    return web.json_response({"error": error}, status=status, headers=headers)
