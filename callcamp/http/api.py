"""The JSON side, first version: campaigns, their contacts and calls, and the buttons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from aiohttp import web

from callcamp.core.model import Attempt, Campaign, Contact
from callcamp.core.numbers import RefusedNumber, normalise
from callcamp.core.states import CampaignStatus, ContactStatus
from callcamp.errors import InvalidInput
from callcamp.http.context import ENGINE, campaign_id

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

S = TypeVar("S", CampaignStatus, ContactStatus)


async def campaigns(request: web.Request) -> web.StreamResponse:
    """List campaigns with their counts and rates, newest first."""
    text = request.query.get("status")
    status = _one_of(CampaignStatus, "status", text) if text else None
    stats = await request.app[ENGINE].commands.all_stats(status)
    return web.json_response({"items": [s.as_dict() for s in stats], "next": None})


async def campaign(request: web.Request) -> web.StreamResponse:
    """Return one campaign with its settings."""
    return web.json_response(
        campaign_dict(await request.app[ENGINE].store.campaign(campaign_id(request)))
    )


async def stats(request: web.Request) -> web.StreamResponse:
    """Return one campaign's counts, rates and what holds it back."""
    found = await request.app[ENGINE].commands.stats(campaign_id(request))
    return web.json_response(found.as_dict())


async def contacts(request: web.Request) -> web.StreamResponse:
    """List contacts by number in the store; ``phone`` and ``status`` narrow it down."""
    engine, number = request.app[ENGINE], campaign_id(request)
    found = await engine.store.campaign(number)
    text, phone = request.query.get("status"), request.query.get("phone")
    wanted = None
    if phone:
        normal = normalise(phone, found.settings.default_region)
        if isinstance(normal, RefusedNumber):
            raise InvalidInput(
                f"phone is {phone!r}, which cannot be a number: {normal.problem.value}.",
                field="phone",
                value=phone,
            )
        wanted = normal
    limit = _limit(request)
    items = await engine.store.contacts(
        number,
        status=_one_of(ContactStatus, "status", text) if text else None,
        phone=wanted,
        after_id=_cursor(request),
        limit=limit + 1,
    )
    return _page([contact_dict(c) for c in items], limit)


async def attempts(request: web.Request) -> web.StreamResponse:
    """List attempts by id; ids sort by time."""
    engine, number = request.app[ENGINE], campaign_id(request)
    await engine.store.campaign(number)
    limit = _limit(request)
    items = await engine.store.attempts(
        number, after_id=request.query.get("cursor", ""), limit=limit + 1
    )
    return _page([attempt_dict(a) for a in items], limit)


def move(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler of start, pause, resume or stop."""

    async def handler(request: web.Request) -> web.StreamResponse:
        moved = await getattr(request.app[ENGINE].commands, name)(campaign_id(request))
        return web.json_response(campaign_dict(moved))

    return handler


async def health(request: web.Request) -> web.StreamResponse:
    """Tell that the process answers, and how the link to Asterisk is."""
    engine = request.app[ENGINE]
    return web.json_response({"status": "ok", "link_up": engine.link_up})


def campaign_dict(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign as JSON-able values."""
    settings, retry, window = campaign.settings, campaign.settings.retry, campaign.settings.window
    return {
        "id": campaign.id,
        "status": campaign.status.value,
        "version": campaign.version,
        "created_at": _instant(campaign.created_at),
        "started_at": _instant(campaign.started_at),
        "ended_at": _instant(campaign.ended_at),
        "name": settings.name,
        "description": settings.description,
        "trunk_id": settings.trunk_id,
        "concurrency": settings.concurrency,
        "ring_timeout_s": settings.ring_timeout_s,
        "default_region": settings.default_region,
        "caller_id": settings.caller_id,
        "prompt": settings.prompt,
        "machine_message": settings.machine_message,
        "detect_machines": settings.detect_machines,
        "max_attempts": retry.max_attempts,
        "retry_delay_s": retry.delay_s,
        "retry_on": sorted(d.value for d in retry.retry_on),
        "window": {
            "start": f"{window.start:%H:%M}",
            "end": f"{window.end:%H:%M}",
            "zone": window.zone,
            "weekdays": sorted(window.weekdays),
        },
    }


def contact_dict(contact: Contact) -> dict[str, Any]:
    """Return a contact as JSON-able values."""
    return {
        "id": contact.id,
        "phone": contact.phone,
        "variables": contact.variables,
        "status": contact.status.value,
        "calls_made": contact.attempts,
        "due_at": _instant(contact.due_at),
        "disposition": contact.disposition and contact.disposition.value,
        "last_attempt_at": _instant(contact.last_attempt_at),
        "import_id": contact.import_id,
    }


def attempt_dict(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as JSON-able values."""
    return {
        "id": attempt.id,
        "contact_id": attempt.contact_id,
        "number": attempt.number,
        "ordinal": attempt.ordinal,
        "status": attempt.status.value,
        "settings_version": attempt.settings_version,
        "claimed_at": _instant(attempt.claimed_at),
        "dialed_at": _instant(attempt.dialed_at),
        "rang_at": _instant(attempt.rang_at),
        "answered_at": _instant(attempt.answered_at),
        "ended_at": _instant(attempt.ended_at),
        "disposition": attempt.disposition and attempt.disposition.value,
        "evidence": attempt.evidence,
    }


def _page(items: list[dict[str, Any]], limit: int) -> web.Response:
    shown = items[:limit]
    more = str(shown[-1]["id"]) if len(items) > limit else None
    return web.json_response({"items": shown, "next": more})


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
        raise InvalidInput(f"limit: give 1 to {MAX_LIMIT}.", field="limit", value=text)
    return int(text)


def _cursor(request: web.Request) -> int:
    text = request.query.get("cursor", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidInput("cursor: give back what next said.", field="cursor", value=text)
    return int(text)


def _one_of(kind: type[S], field: str, text: str) -> S:
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput(
            f"{field} is {text!r}; give one of {', '.join(kind)}.", field=field, value=text
        ) from None


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
