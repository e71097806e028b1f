"""``Idempotency-Key``: the same request sent twice is done once, and answered twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from callcamp.errors import Conflict, InvalidInput
from callcamp.http.context import ENGINE
from callcamp.ports import current_actor
from callcamp.ports.replies import KeptReply

KEPT_FOR = timedelta(hours=24)
"""How long an answer is kept."""
_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_HEADERS = ("Location", "ETag")
# What was begun goes on to its end, and its answer is kept, when the client goes away.
_going: set[asyncio.Task[web.StreamResponse]] = set()


async def with_key(
    request: web.Request,
    key: str,
    digest: str,
    act: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Do what is asked unless it was done under this key, and answer what was answered then.

    Args:
        request: the request.
        key: what the client named it.
        digest: hash of address and body.
        act: does it.

    Raises:
        InvalidInput: the key is unusable.
        Conflict: the key was used for another request, or the first is still under way.
    """
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "Idempotency-Key: give 1 to 200 printable ASCII characters without blanks.",
            field="Idempotency-Key",
            value=key,
        )
    task = asyncio.create_task(_once(request, key, digest, act))
    _going.add(task)
    task.add_done_callback(_going.discard)
    return await asyncio.shield(task)


async def _once(
    request: web.Request, key: str, digest: str, act: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    engine, actor = request.app[ENGINE], current_actor()
    now = engine.clock.now()
    known = await engine.store.begin_reply(actor, key, digest, now=now, since=now - KEPT_FOR)
    if known is not None:
        return _again(known, key, digest)
    try:
        done = await act()
    except BaseException:
        await engine.store.forget_reply(actor, key)
        raise
    if not isinstance(done, web.Response) or done.status >= 400:
        # Nothing was done, or it is a file: the same key may try again.
        await engine.store.forget_reply(actor, key)
        return done
    headers = {name: done.headers[name] for name in _HEADERS if name in done.headers}
    kept = KeptReply(digest, done.status, headers, done.text or "")
    await engine.store.keep_reply(actor, key, kept)
    return done


def _again(known: KeptReply, key: str, digest: str) -> web.Response:
    if known.digest != digest:
        raise Conflict(
            "This Idempotency-Key was used for another request; choose a new one.",
            field="Idempotency-Key",
            value=key,
        )
    if known.status is None:
        raise Conflict(
            "The first request with this Idempotency-Key is still under way, or callcamp was "
            "stopped in its midst. Ask for what it was to change before you try a new key.",
            field="Idempotency-Key",
            value=key,
        )
    response = web.Response(
        status=known.status,
        text=known.body or None,
        content_type="application/json" if known.body else None,
        headers=known.headers,
    )
    response.headers["Idempotent-Replayed"] = "true"
    return response
