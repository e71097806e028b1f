"""The live board of agents, what supervisors do from it, and the page of active campaigns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from callcamp.core.states import CampaignStatus
from callcamp.engine.agents.views import AgentView
from callcamp.errors import NotFound
from callcamp.http.agents_context import own_name, phone_of, supervision_of
from callcamp.http.board_regions import ACTIVE, board_topic, by_presence
from callcamp.http.context import ENGINE, REGIONS, done, render
from callcamp.http.pages import checked_post
from callcamp.http.sent import text_of
from callcamp.http.stream import stream_topic
from callcamp.ports.switchboard import SpyMode

Order = Callable[[web.Request, str, str], Awaitable[AgentView]]
"""What a button asks for: the request, the agent's name, and a text that goes with it."""
DEFAULT_REASON = "paused by a supervisor"


async def board(request: web.Request) -> web.StreamResponse:
    """Show all agents, or those of one campaign."""
    engine, number = request.app[ENGINE], chosen_campaign(request)
    campaigns = [
        one
        for one in await engine.store.campaigns()
        if one.settings.agents.attended or one.id == number
    ]
    if number and number not in {one.id for one in campaigns}:
        raise NotFound(f"There is no campaign {number}.", kind="campaign", key=number)
    regions = request.app[REGIONS]
    frame = await regions.board.board_frame(number)
    here, away = by_presence(await regions.board.views(number))
    phones = await engine.store.agents()
    own = own_name(request)
    return render(
        request,
        "board.html",
        {
            "campaigns": campaigns,
            "chosen": number,
            "here": here,
            "away": away,
            "regions": {"banner": regions.banner(), **frame.regions},
            "phones": [agent for agent in phones if agent.active],
            "own": own,
            "has_phone": not own or any(agent.name == own for agent in phones),
            "reason": DEFAULT_REASON,
        },
    )


async def board_stream(request: web.Request) -> web.StreamResponse:
    """Stream the board."""
    number = chosen_campaign(request)
    if number:
        await request.app[ENGINE].store.campaign(number)
    return await stream_topic(request, board_topic(number))


async def active(request: web.Request) -> web.StreamResponse:
    """Show the campaigns that run: calls, agents, pace, abandoned calls."""
    regions = request.app[REGIONS]
    stats = await request.app[ENGINE].commands.all_stats(CampaignStatus.RUNNING)
    frame = regions.board.active_frame(stats)
    return render(
        request,
        "active.html",
        {"stats": stats, "regions": {"banner": regions.banner(), **frame.regions}},
    )


async def active_stream(request: web.Request) -> web.StreamResponse:
    """Stream the page of active campaigns."""
    return await stream_topic(request, ACTIVE)


async def _listen(request: web.Request, name: str, _text: str) -> AgentView:
    return await _spy(request, name, SpyMode.LISTEN)


async def _whisper(request: web.Request, name: str, _text: str) -> AgentView:
    return await _spy(request, name, SpyMode.WHISPER)


async def _barge(request: web.Request, name: str, _text: str) -> AgentView:
    return await _spy(request, name, SpyMode.BARGE)


async def _spy(request: web.Request, name: str, mode: SpyMode) -> AgentView:
    phone = phone_of(request, await _field(request, "phone_of"))
    return await supervision_of(request).spy(name, mode, phone)


async def _take_over(request: web.Request, name: str, _text: str) -> AgentView:
    phone = phone_of(request, await _field(request, "phone_of"))
    return await supervision_of(request).take_over(name, phone)


async def _pause(request: web.Request, name: str, reason: str) -> AgentView:
    return await supervision_of(request).pause(name, reason or DEFAULT_REASON)


async def _log_out(request: web.Request, name: str, _text: str) -> AgentView:
    return await supervision_of(request).log_out(name)


ORDERS: dict[str, tuple[Order, str]] = {
    "listen": (_listen, "Your phone is called; you hear the talk of {name}."),
    "whisper": (_whisper, "Your phone is called; only {name} will hear you."),
    "barge": (_barge, "Your phone is called; both will hear you."),
    "take-over": (_take_over, "The contact of {name} is sent to your phone."),
    "pause": (_pause, "{name} is paused, or will be when the call is over."),
    "log-out": (_log_out, "{name} is logged out."),
}
"""The buttons of the board: what they do, and what is said then."""


def order(action: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler of a button of the board."""
    do, words = ORDERS[action]

    async def handler(request: web.Request) -> web.StreamResponse:
        await checked_post(request)
        name = request.match_info["agent"]
        await do(request, name, await _field(request, "reason"))
        return done(request, "/board", words.format(name=name))

    return handler


def chosen_campaign(request: web.Request) -> int:
    """Return the campaign that the query names; 0: none.

    Raises:
        NotFound: what it names cannot be a campaign.
    """
    text = request.query.get("campaign", "").strip()
    if not text:
        return 0
    if text.isascii() and text.isdigit() and len(text) < 16 and int(text):
        return int(text)
    raise NotFound(f"There is no campaign {text[:40]!a}.", kind="campaign", key=ascii(text[:40]))


async def _field(request: web.Request, name: str) -> str:
    return text_of(await request.post(), name)
