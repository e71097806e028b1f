"""What a person does with their own account: password, one-time codes, sessions, API tokens."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from callcamp.core import totp
from callcamp.core.permissions import OF_SCOPE, TokenScope
from callcamp.errors import BadLogin, CallcampError, Conflict, InvalidInput, TooManyLogins
from callcamp.http.context import ENGINE, done, render
from callcamp.http.failures import say_when
from callcamp.http.login import farewell
from callcamp.http.pages import checked_post
from callcamp.http.peer import principal_of
from callcamp.http.qr import picture
from callcamp.http.sent import choice_of
from callcamp.http.words import ROLES

_SCOPES = {
    TokenScope.READ: "read",
    TokenScope.CONTACTS: "read, and feed contacts",
    TokenScope.MANAGE: "read, feed contacts and manage campaigns",
    TokenScope.ADMIN: "everything",
}
_MAX_DAYS = 3650
_REFUSED = (InvalidInput, Conflict, BadLogin)


async def page(request: web.Request) -> web.StreamResponse:
    """Show the account."""
    return await _page(request)


async def change_password(request: web.Request) -> web.StreamResponse:
    """Change the password; every session ends, this one too."""
    data = await checked_post(request)
    old, new, again = (str(data.get(key, "")) for key in ("old", "new", "again"))
    try:
        if new != again:
            raise InvalidInput("The new password was typed in two ways.", field="again", value="")
        await request.app[ENGINE].access.change_password(user_id(request), old, new)
    except (*_REFUSED, TooManyLogins) as problem:
        return await _page(request, problem=problem)
    raise farewell(request, "password")


async def log_out_everywhere(request: web.Request) -> web.StreamResponse:
    """End every session of the account."""
    await checked_post(request)
    await request.app[ENGINE].access.log_out_everywhere(user_id(request))
    raise farewell(request, "everywhere")


async def begin_totp(request: web.Request) -> web.StreamResponse:
    """Show a secret for one-time codes; nothing is kept until a code proves it was taken over."""
    await checked_post(request)
    secret, _ = await request.app[ENGINE].access.begin_totp(user_id(request))
    return await _page(request, totp_secret=secret)


async def confirm_totp(request: web.Request) -> web.StreamResponse:
    """Ask for one-time codes from now on."""
    data = await checked_post(request)
    secret, code = str(data.get("secret", "")), str(data.get("code", "")).strip()
    try:
        await request.app[ENGINE].access.confirm_totp(user_id(request), secret, code)
    except _REFUSED as problem:
        # A mistyped code is no reason to begin again: the app has the secret by now.
        kept = secret if problem.details.get("field") == "code" else ""
        return await _page(request, problem=problem, totp_secret=kept)
    return done(request, "/account")


async def disable_totp(request: web.Request) -> web.StreamResponse:
    """Ask for one-time codes no more, if the password is right."""
    data = await checked_post(request)
    try:
        await request.app[ENGINE].access.disable_own_totp(
            user_id(request), str(data.get("password", ""))
        )
    except (*_REFUSED, TooManyLogins) as problem:
        return await _page(request, problem=problem)
    return done(request, "/account")


async def create_token(request: web.Request) -> web.StreamResponse:
    """Make an API token and show it, this once."""
    data = await checked_post(request)
    engine, name = request.app[ENGINE], str(data.get("name", ""))
    try:
        days = days_of(str(data.get("days", "")))
        expires = None if days is None else engine.clock.now() + timedelta(days=days)
        secret, _ = await engine.access.create_token(
            user_id(request), name, {choice_of(data, "scope", TokenScope)}, expires
        )
    except _REFUSED as problem:
        return await _page(request, problem=problem)
    return await _page(request, token=secret)


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """Revoke a token of one's own."""
    await checked_post(request)
    await request.app[ENGINE].access.revoke_token(
        int(request.match_info["token_id"]), of_user=user_id(request)
    )
    return done(request, "/account")


def user_id(request: web.Request) -> int:
    """Return whose account this is about: of whoever is logged in, never of another."""
    found = principal_of(request).user_id
    if found is None:
        raise AssertionError("the route asks for an account")
    return found


def days_of(text: str) -> int | None:
    """Return for how many days a token holds; None for an empty field: until it is revoked.

    Raises:
        InvalidInput: it is no number of days from 1 to ten years.
    """
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MAX_DAYS):
        raise InvalidInput(
            f"days is {text[:40]!r}; give 1 to {_MAX_DAYS}, or leave it empty.",
            field="days",
            value=text[:40],
        )
    return int(text)


def _words(problem: CallcampError | None) -> str:
    if isinstance(problem, BadLogin):
        # It speaks of a log-in, whose form has a name and a code as well.
        return "That is not your password; nothing was changed."
    return problem.message if problem else ""


async def _page(
    request: web.Request,
    *,
    problem: CallcampError | None = None,
    token: str = "",
    totp_secret: str = "",
) -> web.Response:
    engine, principal, owner = request.app[ENGINE], principal_of(request), user_id(request)
    user = await engine.store.user(owner)
    uri = totp.uri(totp_secret, user.name) if totp_secret else ""
    response = render(
        request,
        "account.html",
        {
            "user": user,
            "sessions": await engine.access.sessions(owner),
            "this_session": principal.session_id,
            "tokens": await engine.access.tokens(owner),
            "scopes": {
                scope.value: words
                for scope, words in _SCOPES.items()
                if OF_SCOPE[scope] <= principal.permissions
            },
            "role": ROLES[user.role],
            "now": engine.clock.now(),
            "problem": _words(problem),
            "token": token,
            "totp_secret": totp_secret,
            "totp_uri": uri,
            "totp_picture": picture(uri, "The address below as a picture") if uri else "",
        },
        status=_status(problem),
    )
    return say_when(response, problem)


def _status(problem: CallcampError | None) -> int:
    if problem is None:
        return 200
    return 429 if isinstance(problem, TooManyLogins) else 400
