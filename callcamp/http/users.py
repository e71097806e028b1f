"""The administrators' page on accounts and on everybody's tokens."""

from __future__ import annotations

from aiohttp import web

from callcamp.core.permissions import Role
from callcamp.errors import CallcampError, Conflict, InvalidInput
from callcamp.http.auth import refuse_local
from callcamp.http.context import ENGINE, done, render
from callcamp.http.pages import checked_post
from callcamp.http.sent import choice_of
from callcamp.http.words import ROLES


async def page(request: web.Request) -> web.StreamResponse:
    """Show all accounts."""
    return await _page(request)


async def add(request: web.Request) -> web.StreamResponse:
    """Add an account."""
    data = await checked_post(request)
    refuse_local(request)
    try:
        await request.app[ENGINE].access.add_user(
            str(data.get("name", "")),
            str(data.get("password", "")),
            role=choice_of(data, "role", Role),
            manages_campaigns=bool(data.get("manages_campaigns")),
        )
    except (InvalidInput, Conflict) as problem:
        return await _page(request, problem, str(data.get("name", "")))
    return done(request, "/users")


async def change(request: web.Request) -> web.StreamResponse:
    """Change an account's role and rights, or switch it off and on."""
    data = await checked_post(request)
    try:
        await request.app[ENGINE].access.change_user(
            _number(request),
            role=choice_of(data, "role", Role),
            manages_campaigns=bool(data.get("manages_campaigns")),
            active=bool(data.get("active")),
        )
    except (InvalidInput, Conflict) as problem:
        return await _page(request, problem)
    return done(request, "/users")


async def reset_password(request: web.Request) -> web.StreamResponse:
    """Give an account another password; its sessions end."""
    data = await checked_post(request)
    try:
        await request.app[ENGINE].access.reset_password(
            _number(request), str(data.get("password", ""))
        )
    except InvalidInput as problem:
        return await _page(request, problem)
    return done(request, "/users")


async def log_out(request: web.Request) -> web.StreamResponse:
    """End every session of an account."""
    await checked_post(request)
    await request.app[ENGINE].access.log_out_everywhere(_number(request))
    return done(request, "/users")


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """Revoke anybody's token."""
    await checked_post(request)
    await request.app[ENGINE].access.revoke_token(int(request.match_info["token_id"]))
    return done(request, "/users")


def _number(request: web.Request) -> int:
    return int(request.match_info["user_id"])


async def _page(
    request: web.Request, problem: CallcampError | None = None, name: str = ""
) -> web.Response:
    access = request.app[ENGINE].access
    users = await access.users()
    return render(
        request,
        "users.html",
        {
            "users": users,
            "names": {user.id: user.name for user in users},
            "roles": {role.value: words for role, words in ROLES.items()},
            "tokens": [token for token in await access.tokens(None) if token.revoked_at is None],
            "problem": problem.message if problem else "",
            "name": name[:64],
        },
        status=400 if problem else 200,
    )
