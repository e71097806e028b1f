"""The page on which an agent works, and what it asks for beside the agent's live state."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiohttp import web

from callcamp.core.agents import Agent, PhoneKind
from callcamp.engine.agents.transfers import transfer_targets
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.worksheet import Worksheets
from callcamp.errors import InvalidInput
from callcamp.http.agents_context import check_own, own_name, roster_of
from callcamp.http.context import ENGINE, SETTINGS, render

_LONGEST = 40
"""Characters of a date and time, at most."""


async def own_page(request: web.Request) -> web.StreamResponse:
    """Show the page of the agent with the account's name; without accounts, a choice."""
    own, agents = own_name(request), await roster_of(request).agents()
    if not own:
        active = [one for one in agents if one.active]
        return render(request, "agent_choice.html", {"agents": active})
    mine = [one for one in agents if one.name == own]
    return _page(request, mine[0]) if mine else render(request, "agent_missing.html", {"name": own})


async def page(request: web.Request) -> web.StreamResponse:
    """Show the page of one agent, to that agent."""
    return _page(request, await roster_of(request).agent(_name(request)))


def _page(request: web.Request, agent: Agent) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    context = {
        "agent": agent,
        "browser_phone": agent.phone.kind is PhoneKind.BROWSER,
        "reachable": bool(settings.phone_ws_url),
        "reasons": settings.agent_pause_reasons,
    }
    return render(request, "agent.html", context)


async def desk(request: web.Request) -> web.Response:
    """Answer with the campaigns to choose from and the agent's own statistics."""
    name = _name(request)
    agent = await roster_of(request).agent(name)
    since = _instant(request, "since")
    begin, _end, rows = await roster_of(request).work(since=since, name=name)
    return web.json_response(
        {
            "campaigns": [asdict(one) for one in await _sheets(request).campaigns(agent.id)],
            "since": begin.isoformat(),
            "work": rows[0].as_dict() if rows else None,
        }
    )


async def targets(request: web.Request) -> web.Response:
    """Answer with the agents and queues to which a contact can be sent, and if numbers can."""
    engine = request.app[ENGINE]
    found = await transfer_targets(engine.agents, engine.store, _name(request))
    return web.json_response(asdict(found))


async def call(request: web.Request) -> web.Response:
    """Answer with what the agent sees of the call that the agent works on."""
    sheet = await _sheets(request).call(_view(request), request.match_info["attempt"])
    told = asdict(sheet)
    for past in told["history"]:
        past["at"] = past["at"].isoformat()
    return web.json_response(told)


async def callback(request: web.Request) -> web.Response:
    """Answer whether a callback can be made at a date and time of where the contact is."""
    view = _view(request)
    found = await _sheets(request).callback(view, request.match_info["attempt"], _local(request))
    told: dict[str, Any] = asdict(found)
    told["at"] = found.at.isoformat()
    told["next_at"] = None if found.next_at is None else found.next_at.isoformat()
    return web.json_response(told)


def _name(request: web.Request) -> str:
    return check_own(request, request.match_info["agent"])


def _view(request: web.Request) -> AgentView:
    return request.app[ENGINE].agents.view(_name(request))


def _sheets(request: web.Request) -> Worksheets:
    engine = request.app[ENGINE]
    return Worksheets(engine.store, engine.commands.rules, engine.clock.now)


def _instant(request: web.Request, field: str) -> datetime | None:
    text = request.query.get(field)
    if text is None:
        return None
    at = _parsed(text, field)
    if at.tzinfo is None:
        raise _unfit(field, text, "2026-11-23T00:00:00+01:00")
    return at


def _local(request: web.Request) -> datetime:
    text = request.query.get("local", "")
    at = _parsed(text, "local")
    if at.tzinfo is not None:
        raise _unfit("local", text, "2026-11-23T09:00")
    return at


def _parsed(text: str, field: str) -> datetime:
    try:
        if len(text) > _LONGEST:
            raise ValueError(text)
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _unfit(field, text, "2026-11-23T09:00") from error


def _unfit(field: str, text: str, example: str) -> InvalidInput:
    shown = ascii(text[:_LONGEST])
    return InvalidInput(
        f"{field} is {shown}; give a date and time such as {example}.", field=field, value=shown
    )
