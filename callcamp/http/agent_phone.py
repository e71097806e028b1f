"""The page on which a browser phone is tried: does it register, is there sound both ways."""

from __future__ import annotations

from aiohttp import web

from callcamp.core.agents import PhoneKind
from callcamp.core.permissions import LOCAL
from callcamp.http.context import ENGINE, SETTINGS, render
from callcamp.http.peer import principal_of

_USER = "user:"


async def page(request: web.Request) -> web.StreamResponse:
    """Show the phone of whoever looks; as long as nobody has an account, of any agent."""
    principal = principal_of(request)
    agents = [
        agent
        for agent in await request.app[ENGINE].store.agents()
        if agent.active and agent.phone.kind is PhoneKind.BROWSER
    ]
    if principal is LOCAL:
        wanted = request.query.get("agent", agents[0].name if agents else "")
    else:
        wanted = principal.actor.removeprefix(_USER)
        agents = [agent for agent in agents if agent.name == wanted]
    return render(
        request,
        "phone.html",
        {
            "agents": agents,
            "agent": next((agent for agent in agents if agent.name == wanted), None),
            "wanted": wanted,
            "reachable": bool(request.app[SETTINGS].phone_ws_url),
        },
    )
