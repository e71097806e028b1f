"""Who makes a request, and whether they may: the two middlewares before every handler.

A program shows a token (``Authorization: Bearer …``), a browser the cookie of its session. As
long as nobody has an account, whoever is on this machine may do everything.
"""

from __future__ import annotations

from urllib.parse import urlencode

import structlog
from aiohttp import web

from callcamp.core.permissions import LOCAL, NOBODY, Permission, Principal
from callcamp.errors import CallcampError, StoreError, TooManyLogins
from callcamp.http.context import CSRF, ENGINE, home_of
from callcamp.http.csrf import HEADER
from callcamp.http.peer import (
    PRINCIPAL,
    cookie_name,
    peer_of,
    principal_of,
    set_cookie,
)
from callcamp.http.security import SAFE_METHODS, Handler
from callcamp.ports import acting_as

log = structlog.get_logger(__name__)

ASKED: web.AppKey[dict[web.AbstractRoute, Permission]] = web.AppKey("asked", dict)
COOKIE = "callcamp"
"""Name of the session's cookie; over https ``__Host-`` comes before it."""
_BEARER = "bearer "
_MAX_SECRET = 200


class LogInNeeded(CallcampError):
    """Nobody is logged in, or the token is not good; details name what was ``needed``."""

    id = "log_in_needed"


class NotAllowed(CallcampError):
    """Somebody is known but may not do this; details name what is ``needed``."""

    id = "not_allowed"


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who makes a request, and have its changes audited as theirs."""
    asked = request.app[ASKED].get(request.match_info.route)
    if isinstance(request.match_info.route.resource, web.StaticResource):
        return await handler(request)
    try:
        principal = await _principal(request)
    except StoreError:
        # That the process lives, and the log-in page's own words, need no database.
        if asked is not Permission.PUBLIC:
            raise
        principal = NOBODY
    request[PRINCIPAL] = principal
    with acting_as(_actor(request, principal)):
        return await handler(request)


@web.middleware
async def permit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through that may do what its address is for.

    Raises:
        LogInNeeded: nobody is known; a browser is sent to the log-in page instead.
        NotAllowed: somebody is known who may not; from the first page a browser is sent to the
            one where people like them begin.
        StaleForm: a script uses the API with a browser's cookie, without the page's token.
    """
    if request.match_info.http_exception is not None:
        # There is no such address; that may be told to anybody.
        return await handler(request)
    permission = request.app[ASKED][request.match_info.route]
    principal = principal_of(request)
    if not principal.may(permission):
        if principal is not NOBODY:
            home = home_of(request, principal)
            if request.path == "/" != home and "text/html" in request.headers.get("Accept", ""):
                raise web.HTTPSeeOther(home)
            raise _not_allowed(principal, permission)
        if "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther(log_in_address(request))
        raise LogInNeeded(
            "Log in first, or send a token: “Authorization: Bearer …”.", needed=permission.value
        )
    if (
        principal.session_id is not None
        and request.path.startswith("/api/")
        and request.method not in SAFE_METHODS
    ):
        request.app[CSRF].check(request, request.headers.get(HEADER, ""))
    return await handler(request)


def refuse_local(request: web.Request) -> None:
    """Let nobody make accounts and tokens who is only on this machine.

    Whoever makes the first of them owns callcamp: that is done on its own terminal.

    Raises:
        NotAllowed: nobody has an account yet.
    """
    if principal_of(request) is LOCAL:
        raise NotAllowed(
            "The first account is made on this machine: run `callcamp init`.",
            needed=Permission.ADMINISTER.value,
        )


def log_in_address(request: web.Request) -> str:
    """Return the address of the log-in page, which leads back to what was asked for."""
    if request.method not in SAFE_METHODS or request.path == "/":
        return "/login"
    return f"/login?{urlencode({'next': request.path_qs})}"


def session_secret(request: web.Request) -> str:
    """Return what the session's cookie holds; empty when there is none."""
    value = request.cookies.get(cookie_name(request, COOKIE), "")
    return value if len(value) <= _MAX_SECRET else ""


def set_session(request: web.Request, response: web.StreamResponse, secret: str) -> None:
    """Give the browser its session; an empty secret takes it away."""
    set_cookie(request, response, COOKIE, secret)


async def still_allowed(request: web.Request) -> bool:
    """Tell whether whoever opened a stream may still see it: sessions end, rights change."""
    permission = request.app[ASKED][request.match_info.route]
    try:
        return (await _principal(request)).may(permission)
    except (LogInNeeded, TooManyLogins):
        return False


async def _principal(request: web.Request) -> Principal:
    access, peer = request.app[ENGINE].access, peer_of(request)
    bearer = _bearer(request)
    if bearer is not None:
        # A program that shows a token is taken for that token or for nobody at all.
        known = await access.principal_of_token(bearer) if len(bearer) <= _MAX_SECRET else None
        if known is None:
            await access.note_bad_token(peer.address)
            raise LogInNeeded(
                "This token is not good: it is unknown, expired or revoked. Make another one.",
                needed="token",
            )
        return known
    secret = session_secret(request)
    known = await access.principal_of_session(secret) if secret else None
    if known is not None:
        return known
    return LOCAL if peer.is_local and not await access.has_users() else NOBODY


def _bearer(request: web.Request) -> str | None:
    values = request.headers.getall("Authorization", [])
    bearers = [value for value in values if value.lower().startswith(_BEARER)]
    if not bearers:
        return None
    # Two of them are a trick: neither is good.
    return bearers[0][len(_BEARER) :].strip() if len(values) == 1 else ""


def _actor(request: web.Request, principal: Principal) -> str:
    if principal is LOCAL or principal is NOBODY:
        kind = "api" if request.path.startswith("/api/") else "page"
        return f"{kind}:{peer_of(request).address}"
    return principal.actor


def _not_allowed(principal: Principal, permission: Permission) -> NotAllowed:
    if principal is LOCAL:
        text = "This is for people with an account. Make the first with `callcamp init`."
    elif permission is Permission.OWN_ACCOUNT:
        text = "A token is no account: log in with a name and a password for this."
    else:
        text = f"This needs the right “{permission.value}”, which {principal.actor} does not have."
    return NotAllowed(text, needed=permission.value)
