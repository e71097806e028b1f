"""What is no HTTP, or hardly: answered in the shape and with the headers of every other error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from callcamp.http.app import make_app
from callcamp.http.security import HEADERS
from callcamp.http.server import Runner

HOST = b"Host: 127.0.0.1\r\n"


@pytest.fixture
async def port(engine) -> AsyncIterator[int]:
    runner = Runner(make_app(engine, engine.settings))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def spoken(port: int, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes; return status, headers by their small names, and body of the last answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    whole = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head, _, body = whole[whole.rindex(b"HTTP/1.") :].partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


BROKEN = [
    b"<script>alert(1)</script>\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"A b: c\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X%d: y\r\n" % n for n in range(300)) + b"\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: many\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nab",
    b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" + b"nonsense\r\n\r\n",
]


@pytest.mark.parametrize("sent", BROKEN)
async def test_what_cannot_be_read_is_answered_like_any_error(port, engine, sent):
    status, headers, body = await spoken(port, sent)
    assert status == 400
    error = json.loads(body)["error"]
    assert (error["id"], error["details"]) == ("bad_request", {})
    # Nothing of what was sent is repeated.
    assert b"script" not in body
    assert b"nonsense" not in body
    assert headers["content-type"].startswith("application/json")
    for name, value in HEADERS.items():
        assert headers[name.lower()] == value
    assert headers["cache-control"] == "no-store"


async def test_what_nobody_can_do_is_refused_as_such(port):
    ask = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\nExpect: %b\r\n\r\n"
    status, headers, body = await spoken(port, ask % b"<b>200-ok</b>")
    assert status == 417
    assert json.loads(body)["error"]["id"] == "expectation_failed"
    assert b"<b>" not in body
    assert headers["x-content-type-options"] == "nosniff"


async def test_whoever_waits_for_a_go_on_gets_it_once(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"name": "sold"}'
    writer.write(
        b"POST /api/v1/outcomes HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
        b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    assert await asyncio.wait_for(reader.readline(), 20) == b"HTTP/1.1 100 Continue\r\n"
    assert await reader.readline() == b"\r\n"
    writer.write(body)
    assert await asyncio.wait_for(reader.readline(), 20) == b"HTTP/1.1 200 OK\r\n"
    assert b'"Sold"' in await asyncio.wait_for(reader.read(), 20)
    writer.close()


async def test_a_fault_before_and_after_everything_else_tells_nothing(engine, monkeypatch):
    app = make_app(engine, engine.settings)

    async def broken(_request: web.Request, _response: web.StreamResponse) -> None:
        raise RuntimeError("the secret is 42")

    app.on_response_prepare.insert(0, broken)
    runner = Runner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ask = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(ask)
        whole = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    finally:
        await runner.cleanup()
    assert b"42" not in whole
    assert b"RuntimeError" not in whole
