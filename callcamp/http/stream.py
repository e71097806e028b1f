"""The live stream of a page, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from aiohttp import web

from callcamp.core.permissions import Principal
from callcamp.engine.clock import Clock
from callcamp.errors import CallcampError
from callcamp.http.auth import still_allowed
from callcamp.http.context import CLOSING, ENGINE, HUB, campaign_id, rights_of, shown_to
from callcamp.http.hub import LIST, Change
from callcamp.http.peer import principal_of

T = TypeVar("T")
CHECK_S = 15.0
"""How long a stream goes on at most once its session has ended."""


def event_stream() -> web.StreamResponse:
    """Return the answer that server-sent events go out in."""
    return web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )


async def unless_closing(
    request: web.Request, work: Coroutine[Any, Any, T], within_s: float
) -> T | None:
    """Return what comes of ``work``; None when callcamp stops, or time is up, before it is done.

    Raises:
        Exception: what ``work`` raised.
    """
    task = asyncio.create_task(work)
    stop = asyncio.create_task(request.app[CLOSING].wait())
    try:
        await asyncio.wait({task, stop}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stop.cancel()


async def list_stream(request: web.Request) -> web.StreamResponse:
    """Stream the campaign list."""
    return await stream_topic(request, LIST)


async def campaign_stream(request: web.Request) -> web.StreamResponse:
    """Stream one campaign."""
    number = campaign_id(request)
    await request.app[ENGINE].store.campaign(number)
    return await stream_topic(request, number)


async def stream_topic(request: web.Request, topic: int) -> web.StreamResponse:
    """Stream a topic of the hub.

    Raises:
        TooBusy: too many streams are open.
        CallcampError: what drawing raised, e.g. that there is no such campaign.
    """
    response = event_stream()
    if request.method == "HEAD":
        # What follows a HEAD on the same connection must not be a stream that nobody reads.
        with contextlib.suppress(ConnectionResetError):
            await response.prepare(request)
        return response
    # Every connection starts with the full state, so Last-Event-ID has nothing to say.
    number, loop = 0, asyncio.get_running_loop()
    check_at = loop.time() + CHECK_S
    try:
        async with aclosing(request.app[HUB].watch(topic)) as changes:
            async for regions in changes:
                if loop.time() >= check_at:
                    if not await still_allowed(request):
                        break
                    check_at = loop.time() + CHECK_S
                if not response.prepared:
                    await response.prepare(request)
                    await response.write(b"retry: 2000\n\n")
                if regions is None:
                    await response.write(b": still here\n\n")
                    continue
                number += 1
                data = _encoded(principal_of(request), regions, request.app[ENGINE].clock)
                await response.write(b"id: %d\nevent: regions\ndata: %b\n\n" % (number, data))
    except ConnectionResetError:
        return response
    except CallcampError:
        # Once the stream has begun it can only end; the page asks again and is told why.
        if not response.prepared:
            raise
    if not response.prepared:
        raise web.HTTPServiceUnavailable
    return response


def _encoded(principal: Principal, change: Change, clock: Clock) -> bytes:
    """Return a change as this person may see it; encoded once for all who may see the same.

    With it goes ``clock``: the engine's instant, and how many of its seconds a second has, so
    that a page counts by that clock and not by its own.
    """
    rights = rights_of(principal)
    if rights not in change.encoded:
        shown = shown_to(principal, change)
        head = json.dumps(shown, separators=(",", ":")).encode().removesuffix(b"}")
        change.encoded[rights] = head + b"," if shown else head
    # Never kept: who opens a page later gets the same change, but at another instant.
    told = f"{clock.now().isoformat(timespec='milliseconds')} {clock.speed:g}"
    return b'%b"clock":"%b"}' % (change.encoded[rights], told.encode())
