"""The pages on agents: who they are, for which campaigns they work, and what they did."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from callcamp.core.agents import PhoneKind
from callcamp.errors import CallcampError, Conflict, InvalidInput, NotFound
from callcamp.http.agents_context import roster_of
from callcamp.http.board import chosen_campaign
from callcamp.http.context import ENGINE, campaign_id, done, render
from callcamp.http.pages import checked_post
from callcamp.http.sent import choice_of, text_of, texts_of

KINDS: dict[str, str] = {
    PhoneKind.BROWSER: "Phone of the agent page",
    PhoneKind.SIP: "Desk phone (PJSIP endpoint)",
    PhoneKind.EXTERNAL: "External number",
}
"""Words for how an agent is reached."""
FIELDS = ("name", "display_name", "phone", "address", "trunk")


async def page(request: web.Request) -> web.StreamResponse:
    """Show all agents."""
    return await _page(request)


async def add(request: web.Request) -> web.StreamResponse:
    """Add an agent."""
    data = await checked_post(request)
    given = {field: text_of(data, field) for field in FIELDS}
    try:
        await roster_of(request).save_agent(
            given["name"], **_phone(data, given), display_name=given["display_name"], new=True
        )
    except (InvalidInput, NotFound, Conflict) as problem:
        return await _page(request, problem, given)
    return done(request, "/agents")


async def change(request: web.Request) -> web.StreamResponse:
    """Change an agent's name for people, phone, and whether it may log in."""
    data = await checked_post(request)
    given = {field: text_of(data, field) for field in FIELDS}
    try:
        await roster_of(request).save_agent(
            request.match_info["agent"],
            **_phone(data, given),
            display_name=given["display_name"],
            active=bool(text_of(data, "active")),
            new=False,
        )
    except InvalidInput as problem:
        return await _page(request, problem)
    return done(request, "/agents")


async def delete(request: web.Request) -> web.StreamResponse:
    """Delete an agent who has never worked."""
    await checked_post(request)
    try:
        await roster_of(request).delete_agent(request.match_info["agent"])
    except Conflict as problem:
        return await _page(request, problem)
    return done(request, "/agents")


def _phone(data: MultiMapping[object], given: dict[str, str]) -> dict[str, Any]:
    kind = choice_of(data, "phone", PhoneKind)
    external = kind is PhoneKind.EXTERNAL
    return {
        "kind": kind,
        "address": given["address"] or None,
        "trunk": (given["trunk"] or None) if external else None,
    }


async def _page(
    request: web.Request, problem: CallcampError | None = None, given: dict[str, str] | None = None
) -> web.Response:
    engine, roster = request.app[ENGINE], roster_of(request)
    agents = await roster.agents()
    campaigns = {one.id: one.settings.name for one in await engine.store.campaigns()}
    live = {view.agent.name: view for view in engine.agents.views()}
    accounts = {user.name for user in await engine.access.users()}
    return render(
        request,
        "agents.html",
        {
            "agents": agents,
            "live": live,
            "works_for": {
                agent.name: {
                    number: campaigns.get(number, "")
                    for number in await roster.campaigns_of(agent.name)
                }
                for agent in agents
            },
            "accounts": accounts,
            "kinds": KINDS,
            "trunks": await engine.commands.trunks(),
            "problem": problem.message if problem else "",
            "field": problem.details.get("field") if problem else None,
            "given": given or dict.fromkeys(FIELDS, ""),
        },
        status=400 if problem else 200,
    )


async def join(request: web.Request) -> web.StreamResponse:
    """Let agents work for a campaign."""
    data = await checked_post(request)
    await roster_of(request).add_to_campaign(campaign_id(request), texts_of(data, "agent"))
    return done(request, f"/campaigns/{campaign_id(request)}#agents")


async def leave(request: web.Request) -> web.StreamResponse:
    """Let an agent not work for a campaign any more."""
    await checked_post(request)
    number = campaign_id(request)
    await roster_of(request).remove_from_campaign(number, [request.match_info["agent"]])
    return done(request, f"/campaigns/{number}#agents")


async def report(request: web.Request) -> web.StreamResponse:
    """Show what agents did in a period: whole days, in UTC."""
    engine, query = request.app[ENGINE], request.query
    today = engine.clock.now().date()
    number, problem = chosen_campaign(request), ""
    try:
        first = _day("since", query.get("since", ""), today)
        last = _day("until", query.get("until", ""), max(first, today))
        since, until, rows = await roster_of(request).work(
            since=_midnight(first),
            until=_midnight(last + timedelta(days=1)),
            campaign_id=number or None,
            per_campaign=bool(query.get("per_campaign")),
        )
    except InvalidInput as error:
        first = last = today
        since, until, rows, problem = engine.clock.now(), engine.clock.now(), [], error.message
    asked = {"since": _stamp(since), "until": _stamp(until)}
    if number:
        asked["campaign_id"] = str(number)
    if query.get("per_campaign"):
        asked["per_campaign"] = "true"
    return render(
        request,
        "agents_report.html",
        {
            "rows": rows,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "problem": problem,
            "per_campaign": bool(query.get("per_campaign")),
            "campaigns": [c for c in await engine.store.campaigns() if c.settings.agents.attended],
            "chosen": number,
            "file_query": urlencode(asked),
        },
        status=400 if problem else 200,
    )


def _day(field: str, text: str, otherwise: date) -> date:
    if not text:
        return otherwise
    try:
        found = date.fromisoformat(text)
        if 2000 <= found.year < 3000:
            return found
    except ValueError:
        pass
    raise InvalidInput(
        f"{field} is {text[:40]!r}; give a day, such as 2026-12-24.", field=field, value=text[:40]
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
