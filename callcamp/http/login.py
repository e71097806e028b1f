"""Logging in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from callcamp.core.permissions import Principal, of_person
from callcamp.errors import BadLogin, CallcampError, CodeNeeded, TooManyLogins
from callcamp.http.auth import session_secret, set_session
from callcamp.http.context import ENGINE, home_of, render, wants_json
from callcamp.http.failures import say_when
from callcamp.http.pages import checked_post
from callcamp.http.peer import peer_of, principal_of

_MAX_NEXT = 2000
_MAX_AGENT = 200
_WORDS = {
    "password": "Your password was changed, and every session of yours has ended.",
    "everywhere": "You are logged out, here and everywhere else.",
    "out": "You are logged out.",
}


async def page(request: web.Request) -> web.StreamResponse:
    """Show the log-in form, or go on for those who are logged in."""
    principal = principal_of(request)
    if principal.user_id is not None:
        raise web.HTTPSeeOther(_onward(request, request.query.get("next", ""), principal))
    return await _page(request, request.query.get("next", ""))


async def log_in(request: web.Request) -> web.StreamResponse:
    """Begin a session: always a new one, whatever the browser had before."""
    data = await checked_post(request)
    name, password, code = (str(data.get(key, "")) for key in ("name", "password", "code"))
    following = str(data.get("next", ""))
    access, before = request.app[ENGINE].access, session_secret(request)
    try:
        secret, user = await access.log_in(
            name,
            password,
            code=code.strip() or None,
            address=peer_of(request).address,
            agent=_agent(request),
        )
    except (BadLogin, CodeNeeded, TooManyLogins) as problem:
        if wants_json(request):
            raise
        return await _page(request, following, name, problem)
    if before:
        await access.log_out(before)
    allowed = of_person(user.role, manages_campaigns=user.manages_campaigns)
    known = Principal(f"user:{user.name}", allowed, user.id)
    response = web.HTTPSeeOther(_onward(request, following, known))
    set_session(request, response, secret)
    raise response


async def log_out(request: web.Request) -> web.StreamResponse:
    """End this session."""
    await checked_post(request)
    await request.app[ENGINE].access.log_out(session_secret(request))
    raise farewell(request, "out")


def farewell(request: web.Request, word: str) -> web.HTTPSeeOther:
    """Return the way to the log-in page for somebody whose session is over."""
    response = web.HTTPSeeOther(f"/login?bye={word}")
    set_session(request, response, "")
    return response


def own_path(text: str) -> str:
    """Return ``text`` if it is a path of our own pages, else ``/``.

    Browsers take a backslash for a slash and leave tabs and line ends out, so whatever has
    one of them may lead elsewhere.
    """
    if (
        not text.startswith("/")
        or text.startswith("//")
        or len(text) > _MAX_NEXT
        or "\\" in text
        or not text.isprintable()
    ):
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    own = not parts.scheme and not parts.netloc and parts.path not in {"/login", "/logout"}
    return text if own else "/"


def _onward(request: web.Request, following: str, principal: Principal) -> str:
    """Return where somebody goes after the log-in: back, or where people like them begin."""
    path = own_path(following)
    return home_of(request, principal) if path == "/" else path


async def _page(
    request: web.Request, following: str, name: str = "", problem: CallcampError | None = None
) -> web.Response:
    status = 200
    if problem is not None:
        status = 429 if isinstance(problem, TooManyLogins) else 403
    response = render(
        request,
        "login.html",
        {
            "name": name[:_MAX_AGENT],
            "next": own_path(following),
            "problem": problem.message if problem else "",
            "needs_code": isinstance(problem, CodeNeeded),
            "word": _WORDS.get(request.query.get("bye", ""), ""),
            "has_users": await request.app[ENGINE].access.has_users(),
        },
        status=status,
    )
    return say_when(response, problem)


def _agent(request: web.Request) -> str:
    text = request.headers.get("User-Agent", "")
    return "".join(c for c in text if c.isprintable())[:_MAX_AGENT]
