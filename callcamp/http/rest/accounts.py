"""Accounts and API tokens, for administrators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from callcamp.core.permissions import Permission, Role, TokenScope
from callcamp.http.auth import refuse_local
from callcamp.http.peer import principal_of
from callcamp.http.rest.fields import Id, In, Instant, Line64, Moment, Out, Page, Query
from callcamp.http.rest.route import Call, Reply, RestRoute

_V1 = "/api/v1"
_USER = _V1 + "/users/{user_id:[0-9]{1,15}}"
_TOKEN = _V1 + "/tokens/{token_id:[0-9]{1,15}}"
_ADMIN = Permission.ADMINISTER
Password = Annotated[
    SecretStr,
    Field(min_length=10, max_length=200, examples=["correct horse battery staple"]),
]
RoleIn = Annotated[Role, Field(strict=False)]
ScopeIn = Annotated[TokenScope, Field(strict=False)]


class UserOut(Out):
    """An account."""

    id: int
    name: str
    role: Role
    manages_campaigns: bool
    active: bool
    has_totp: bool
    created_at: Moment
    last_login_at: Moment | None


class UsersPage(Page[UserOut]):
    """All accounts by name."""


class UserIn(In):
    """An account to add."""

    name: Line64
    password: Password
    role: RoleIn
    manages_campaigns: bool = False


class UserChange(In):
    """What to change of an account; what is left out stays as it is."""

    role: RoleIn | None = None
    manages_campaigns: bool | None = None
    active: bool | None = None


class NewPassword(In):
    """A password that takes the place of the one before; every session of the account ends."""

    password: Password


class SessionOut(Out):
    """A log-in that holds: since when, last used when, from where, with what browser."""

    created_at: Moment
    seen_at: Moment
    address: str
    agent: str


class SessionsPage(Page[SessionOut]):
    """The log-ins of an account that hold, last used first."""


class TokenOut(Out):
    """An API token, without its secret."""

    id: int
    name: str
    user_id: int | None
    scopes: list[TokenScope]
    prefix: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    revoked_at: Moment | None


class TokensPage(Page[TokenOut]):
    """All API tokens, newest first."""


class TokenIn(In):
    """An API token to make."""

    name: Line64
    scopes: Annotated[list[ScopeIn], Field(min_length=1, max_length=4)]
    expires_at: Instant | None = None
    user_id: Annotated[
        Id | None,
        Field(description="Whose token it is; left out: of the account that asks for it."),
    ] = None


class TokenMade(TokenOut):
    """An API token just made: its secret is shown here and never again."""

    token: str


async def users(call: Call[Query, None]) -> Reply:
    """List accounts."""
    found = await call.engine.access.users()
    return Reply(UsersPage(items=[UserOut.model_validate(user) for user in found]))


async def add_user(call: Call[Query, UserIn]) -> Reply:
    """Add an account."""
    refuse_local(call.request)
    body = call.body
    user = await call.engine.access.add_user(
        body.name,
        body.password.get_secret_value(),
        role=body.role,
        manages_campaigns=body.manages_campaigns,
    )
    return Reply(UserOut.model_validate(user), 201)


async def user(call: Call[Query, None]) -> Reply:
    """Show an account."""
    return Reply(UserOut.model_validate(await call.engine.access.user(call.id("user_id"))))


async def sessions(call: Call[Query, None]) -> Reply:
    """List the log-ins of an account."""
    found = await call.engine.access.user(call.id("user_id"))
    held = await call.engine.access.sessions(found.id)
    return Reply(SessionsPage(items=[SessionOut.model_validate(one) for one in held]))


async def codes_off(call: Call[Query, None]) -> Reply:
    """Ask an account for no more one-time codes."""
    await call.engine.access.disable_totp(call.id("user_id"))
    return Reply(status=204)


async def change_user(call: Call[Query, UserChange]) -> Reply:
    """Change an account."""
    body = call.body
    user = await call.engine.access.change_user(
        call.id("user_id"),
        role=body.role,
        manages_campaigns=body.manages_campaigns,
        active=body.active,
    )
    return Reply(UserOut.model_validate(user))


async def reset_password(call: Call[Query, NewPassword]) -> Reply:
    """Give an account another password."""
    await call.engine.access.reset_password(
        call.id("user_id"), call.body.password.get_secret_value()
    )
    return Reply(status=204)


async def log_out(call: Call[Query, None]) -> Reply:
    """End every session of an account."""
    await call.engine.access.log_out_everywhere(call.id("user_id"))
    return Reply(status=204)


async def tokens(call: Call[Query, None]) -> Reply:
    """List API tokens."""
    found = await call.engine.access.tokens()
    return Reply(TokensPage(items=[TokenOut.model_validate(token) for token in found]))


async def create_token(call: Call[Query, TokenIn]) -> Reply:
    """Make an API token, of an account, or of the one that asks or whose token asks for it."""
    refuse_local(call.request)
    body, who = call.body, principal_of(call.request)
    own = who.maker_id if who.user_id is None else who.user_id
    secret, token = await call.engine.access.create_token(
        own if body.user_id is None else body.user_id,
        body.name,
        body.scopes,
        body.expires_at,
    )
    shown = TokenOut.model_validate(token).model_dump()
    return Reply(TokenMade(**shown, token=secret), 201)


async def revoke_token(call: Call[Query, None]) -> Reply:
    """Revoke an API token."""
    await call.engine.access.revoke_token(call.id("token_id"))
    return Reply(status=204)


ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", f"{_V1}/users", users, _ADMIN, "List accounts", UsersPage),
    RestRoute(
        "POST", f"{_V1}/users", add_user, _ADMIN, "Add an account", UserOut, body=UserIn,
        status=201, secret=True,
    ),
    RestRoute("GET", _USER, user, _ADMIN, "Show an account", UserOut),
    RestRoute("PATCH", _USER, change_user, _ADMIN, "Change an account", UserOut, body=UserChange),
    RestRoute(
        "POST", f"{_USER}/password", reset_password, _ADMIN, "Give an account another password",
        body=NewPassword, status=204, secret=True,
    ),
    RestRoute(
        "POST", f"{_USER}/log-out", log_out, _ADMIN, "End every session of an account", status=204
    ),
    RestRoute(
        "GET", f"{_USER}/sessions", sessions, _ADMIN, "List the log-ins of an account",
        SessionsPage,
    ),
    RestRoute(
        "DELETE", f"{_USER}/codes", codes_off, _ADMIN,
        "Ask an account for no more one-time codes, as when its phone is lost", status=204,
    ),
    RestRoute("GET", f"{_V1}/tokens", tokens, _ADMIN, "List API tokens", TokensPage),
    RestRoute(
        "POST", f"{_V1}/tokens", create_token, _ADMIN, "Make an API token, shown only here",
        TokenMade, body=TokenIn, status=201, secret=True,
    ),
    RestRoute("DELETE", _TOKEN, revoke_token, _ADMIN, "Revoke an API token", status=204),
)  # fmt: skip
