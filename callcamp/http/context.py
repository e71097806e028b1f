"""What the handlers share: the application's keys, and how they answer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from callcamp.core.permissions import Permission, Principal
from callcamp.errors import InvalidInput
from callcamp.http import peer
from callcamp.http.csrf import Csrf
from callcamp.http.hub import Hub
from callcamp.http.needs import EngineLike
from callcamp.http.regions import Regions

ENGINE: web.AppKey[EngineLike] = web.AppKey("engine")
SETTINGS = peer.SETTINGS
REGIONS = web.AppKey("regions", Regions)
HUB = web.AppKey("hub", Hub)
CSRF = web.AppKey("csrf", Csrf)
CLOSING = web.AppKey("closing", asyncio.Event)
"""Set when callcamp stops: streams that would go on for ever end then."""
HOMES: web.AppKey[tuple[tuple[str, Permission], ...]] = web.AppKey("homes", tuple)
"""Where people begin, best first, and what each of these pages asks for."""


def campaign_id(request: web.Request) -> int:
    """Return the campaign's number out of the path."""
    return int(request.match_info["campaign_id"])


# What aiohttp raises: bad boundary, headers or encoding, and text that is not in its charset.
_UNREADABLE = (
    ValueError,
    LookupError,
    RuntimeError,
    AssertionError,
    HttpProcessingError,
    web.RequestPayloadError,
    zlib.error,
)


@contextmanager
def readable() -> Iterator[None]:
    """Tell a body that is not what its headers say from a fault of ours.

    Raises:
        InvalidInput: the body in this block cannot be read.
    """
    try:
        yield
    except _UNREADABLE as error:
        raise InvalidInput(
            "callcamp cannot read this form; send it as a browser does, in UTF-8.",
            field="body",
        ) from error


def wants_json(request: web.Request) -> bool:
    """Tell whether the answer goes to a program: the API, or our own script."""
    return request.path.startswith("/api/") or "application/json" in request.headers.get(
        "Accept", ""
    )


def render(
    request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """Render a page with what every page needs: the form token, the link's state, and who looks.

    Templates ask ``may("manage_campaigns")`` before they show a button.
    """
    engine, principal = request.app[ENGINE], peer.principal_of(request)
    if "regions" in context:
        context = {**context, "regions": shown_to(principal, context["regions"])}
    token, cookie = request.app[CSRF].issue(request)
    response = aiohttp_jinja2.render_template(
        template,
        request,
        {
            "csrf": token,
            "principal": principal,
            "home": home_of(request, principal),
            "path": request.path,
            "may": lambda permission: principal.may(Permission(permission)),
            # Why Asterisk cannot be reached names hosts: that is nothing for strangers.
            "link_up": engine.link_up or not principal.may(Permission.VIEW),
            "link_problem": engine.link_problem,
            **context,
        },
        status=status,
    )
    if cookie is not None:
        request.app[CSRF].set_cookie(request, response, cookie)
    return response


def shown_to(principal: Principal, regions: Mapping[str, str]) -> dict[str, str]:
    """Return live regions without the buttons that a person may not use.

    Regions are drawn once for everybody who looks, with all their buttons.
    """
    manages, supervises = rights_of(principal)
    return {
        name: ""
        if (not manages and (name == "actions" or name.endswith("-row_actions")))
        or (not supervises and name.endswith("-supervise"))
        else html
        for name, html in regions.items()
    }


def rights_of(principal: Principal) -> tuple[bool, bool]:
    """Return whether somebody may manage campaigns, and supervise agents: what regions show."""
    return (
        principal.may(Permission.MANAGE_CAMPAIGNS),
        principal.may(Permission.SUPERVISE_AGENTS),
    )


def home_of(request: web.Request, principal: Principal) -> str:
    """Return the page where somebody begins: the first that they may see."""
    allowed = (path for path, permission in request.app[HOMES] if principal.may(permission))
    return next(allowed, "/")


def done(request: web.Request, location: str, message: str = "") -> web.StreamResponse:
    """Answer a form that did what it should: a redirect, or a word to our own script."""
    if wants_json(request):
        return web.json_response({"location": location, "message": message})
    raise web.HTTPSeeOther(location)
