"""The live state of one agent, as server-sent events for the agent's own page."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import web

from callcamp.engine.agents.views import AgentView
from callcamp.errors import CallcampError
from callcamp.http.agents_context import check_own
from callcamp.http.auth import still_allowed
from callcamp.http.context import CLOSING, ENGINE
from callcamp.http.rest.agents import live_out
from callcamp.http.stream import event_stream, unless_closing

MIN_PAUSE_S = 0.05
"""Between two pictures of an agent at least."""
HEARTBEAT_S = 10.0
"""A page that hears nothing for longer knows that it has lost the connection."""


async def stream(request: web.Request) -> web.StreamResponse:
    """Stream what the agent does: at once, and at every change."""
    name, desk = check_own(request, request.match_info["agent"]), request.app[ENGINE].agents
    desk.view(name)
    response = event_stream()
    sent: AgentView | None = None
    # Whoever goes away ends it, and so does the database; the page asks again.
    with contextlib.suppress(ConnectionResetError, CallcampError):
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        await response.write(b"retry: 1000\n\n")
        while not request.app[CLOSING].is_set() and await still_allowed(request):
            seen, view = desk.revision, desk.view(name)
            if view != sent:
                data = json.dumps(await _picture(request, view), separators=(",", ":"))
                await response.write(f"event: agent\ndata: {data}\n\n".encode())
                sent = view
            else:
                await response.write(b"event: still\ndata: here\n\n")
            await unless_closing(request, _other(request, name, view, seen), HEARTBEAT_S)
            await asyncio.sleep(MIN_PAUSE_S)
    return response


async def _other(request: web.Request, name: str, view: AgentView, seen: int) -> None:
    desk = request.app[ENGINE].agents
    while desk.view(name) == view:
        seen = await desk.wait(seen)


async def _picture(request: web.Request, view: AgentView) -> dict[str, Any]:
    engine = request.app[ENGINE]
    method = ""
    if view.campaign_id is not None:
        campaign = await engine.store.campaign(view.campaign_id)
        method = campaign.settings.agents.method.value
    return {
        **live_out(view).model_dump(mode="json"),
        "method": method,
        "now": engine.clock.now().isoformat(),
        "link_up": engine.link_up,
    }
