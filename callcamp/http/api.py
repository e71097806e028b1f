"""Whether callcamp answers, for whoever watches over it."""

from __future__ import annotations

from aiohttp import web

from callcamp.http.context import ENGINE


async def health(request: web.Request) -> web.StreamResponse:
    """Tell that the process answers, and how the link to Asterisk is."""
    engine = request.app[ENGINE]
    return web.json_response({"status": "ok", "link_up": engine.link_up})
