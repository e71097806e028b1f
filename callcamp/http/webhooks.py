"""The administrators' pages on webhooks: where events are sent to, and what came of them."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiDictProxy

from callcamp.core.states import CAMPAIGN
from callcamp.core.webhooks import EVENT_MEANING, EventType
from callcamp.errors import CallcampError, Conflict, InvalidInput
from callcamp.http.context import ENGINE, done, render
from callcamp.http.pages import checked_post
from callcamp.ports import DeliveryStatus

_LISTED = 50
_REFUSED = (InvalidInput, Conflict)
_STATUS = {
    DeliveryStatus.PENDING: "Waits",
    DeliveryStatus.DELIVERED: "Taken",
    DeliveryStatus.GIVEN_UP: "Given up",
}
_Form = MultiDictProxy[str | bytes | bytearray | web.FileField]


async def page(request: web.Request) -> web.StreamResponse:
    """Show all webhooks."""
    return await _page(request)


async def add(request: web.Request) -> web.StreamResponse:
    """Add a webhook, and show its secret, this once."""
    data = await checked_post(request)
    try:
        secret, made = await request.app[ENGINE].webhooks.add(
            _url(data), _events(data), campaign_of(str(data.get("campaign", "")))
        )
    except _REFUSED as problem:
        return await _page(request, problem, _url(data))
    return await _one(request, made.id, secret=secret)


async def show(request: web.Request) -> web.StreamResponse:
    """Show one webhook and its last deliveries."""
    return await _one(request, _number(request))


async def change(request: web.Request) -> web.StreamResponse:
    """Change where a webhook leads, what it is told, and whether it is told at all."""
    data = await checked_post(request)
    number = _number(request)
    try:
        await request.app[ENGINE].webhooks.change(
            number, url=_url(data), events=_events(data), active=bool(data.get("active"))
        )
    except _REFUSED as problem:
        return await _one(request, number, problem=problem)
    return done(request, f"/webhooks/{number}")


async def test(request: web.Request) -> web.StreamResponse:
    """Send a ping now, and tell what came of it."""
    await checked_post(request)
    number = _number(request)
    came = await request.app[ENGINE].webhooks.test(number)
    said = came.problem or f"answered {came.status}"
    return await _one(request, number, tested=f"Ping: {said} in {came.ms} ms.", ok=came.ok)


async def renew_secret(request: web.Request) -> web.StreamResponse:
    """Give a webhook a new secret and show it, this once."""
    await checked_post(request)
    number = _number(request)
    secret, _ = await request.app[ENGINE].webhooks.renew_secret(number)
    return await _one(request, number, secret=secret)


async def remove(request: web.Request) -> web.StreamResponse:
    """Delete a webhook, with what waits for it."""
    await checked_post(request)
    await request.app[ENGINE].webhooks.remove(_number(request))
    return done(request, "/webhooks")


async def redeliver(request: web.Request) -> web.StreamResponse:
    """Have a delivery sent again."""
    await checked_post(request)
    again = await request.app[ENGINE].webhooks.redeliver(int(request.match_info["delivery_id"]))
    return done(request, f"/webhooks/{again.webhook_id}")


def campaign_of(text: str) -> int | None:
    """Return the number of a campaign; None for an empty field: all of them.

    Raises:
        InvalidInput: it is no number.
    """
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidInput(
            f"campaign is {text[:40]!r}; give its number, or leave it empty.",
            field="campaign",
            value=text[:40],
        )
    return int(text)


def _number(request: web.Request) -> int:
    return int(request.match_info["webhook_id"])


def _url(data: _Form) -> str:
    return str(data.get("url", "")).strip()


def _events(data: _Form) -> list[str]:
    return [str(name) for name in data.getall("event", [])]


async def _page(
    request: web.Request, problem: CallcampError | None = None, url: str = ""
) -> web.Response:
    engine = request.app[ENGINE]
    campaigns = await engine.store.campaigns()
    return render(
        request,
        "webhooks.html",
        {
            "webhooks": await engine.webhooks.list(),
            "queues": {one.webhook_id: one for one in await engine.webhooks.queues()},
            "names": {one.id: one.settings.name for one in campaigns},
            "open": [one for one in campaigns if one.status not in CAMPAIGN.final()],
            "events": EVENT_MEANING,
            "problem": problem.message if problem else "",
            "url": url[:500],
        },
        status=400 if problem else 200,
    )


async def _one(
    request: web.Request,
    webhook_id: int,
    *,
    problem: CallcampError | None = None,
    secret: str = "",
    tested: str = "",
    ok: bool = True,
) -> web.Response:
    webhooks = request.app[ENGINE].webhooks
    webhook = await webhooks.show(webhook_id)
    return render(
        request,
        "webhook.html",
        {
            "webhook": webhook,
            "all_events": webhook.events == frozenset(EventType),
            "deliveries": await webhooks.deliveries(webhook_id, limit=_LISTED),
            "listed": _LISTED,
            "statuses": _STATUS,
            "events": EVENT_MEANING,
            "problem": problem.message if problem else "",
            "secret": secret,
            "tested": tested,
            "ok": ok,
        },
        status=400 if problem else 200,
    )
