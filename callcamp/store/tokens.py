"""Tokens for programs, found by their hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from callcamp.core.permissions import TokenScope
from callcamp.errors import Conflict, NotFound
from callcamp.ports import ApiToken, User
from callcamp.store import access, audit, checks
from callcamp.store import access_tables as a

_t = a.api_token.c
_COLUMNS = (
    _t.id,
    _t.name,
    _t.user_id,
    _t.scopes,
    _t.prefix,
    _t.created_at,
    _t.expires_at,
    _t.last_used_at,
    _t.revoked_at,
)


def add(connection: Connection, token: ApiToken, token_hash: str) -> ApiToken:
    """Keep a token under its hash; returns it with its number.

    Raises:
        Conflict: there is one of that name that is not revoked.
        NotFound: there is no such account.
        InvalidInput: the name is none.
    """
    if token.user_id is not None:
        access.user(connection, token.user_id)
    values = {
        "name": checks.name(token.name),
        "token_hash": token_hash,
        "user_id": token.user_id,
        "scopes": sorted(token.scopes),
        "prefix": token.prefix,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
    try:
        with connection.begin_nested():
            token_id = connection.execute(insert(a.api_token).returning(_t.id), values).scalar_one()
    except IntegrityError:
        raise Conflict(
            f"There is a token {token.name!r} already; revoke it, or choose another name.",
            field="name",
            value=token.name,
        ) from None
    added = _one(connection, token_id)
    _note(connection, "token.created", added, before=None, after=_told(added), now=token.created_at)
    return added


def by_hash(connection: Connection, token_hash: str) -> tuple[ApiToken, User | None] | None:
    """Return a token with the account that made it."""
    kept = checks.fitting(token_hash)
    row = connection.execute(select(*_COLUMNS).where(_t.token_hash == kept)).one_or_none()
    if row is None:
        return None
    found = _token(row)
    return found, None if found.user_id is None else access.user(connection, found.user_id)


def note_used(connection: Connection, token_id: int, now: datetime) -> None:
    """Note that a token was used."""
    connection.execute(update(a.api_token).where(_t.id == token_id).values(last_used_at=now))


def tokens(connection: Connection, user_id: int | None) -> list[ApiToken]:
    """Return the tokens of an account, or all, newest first."""
    statement = select(*_COLUMNS).order_by(_t.id.desc())
    if user_id is not None:
        statement = statement.where(_t.user_id == user_id)
    return [_token(row) for row in connection.execute(statement)]


def revoke(connection: Connection, token_id: int, now: datetime) -> None:
    """Revoke a token; nothing happens when it is already.

    Raises:
        NotFound: there is none.
    """
    one = _one(connection, token_id)
    still = (_t.id == token_id, _t.revoked_at.is_(None))
    if connection.execute(update(a.api_token).where(*still).values(revoked_at=now)).rowcount:
        _note(connection, "token.revoked", one, before=_told(one), after=None, now=now)


def revoke_all(connection: Connection, user_id: int, now: datetime) -> None:
    """Revoke every token of an account."""
    held = (_t.user_id == user_id, _t.revoked_at.is_(None))
    for token_id in list(connection.scalars(select(_t.id).where(*held))):
        revoke(connection, token_id, now)


def _one(connection: Connection, token_id: int) -> ApiToken:
    row = connection.execute(select(*_COLUMNS).where(_t.id == token_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no token {token_id}.", kind="token", key=token_id)
    return _token(row)


def _token(row: Any) -> ApiToken:
    values = dict(row._mapping)  # noqa: SLF001 - the public way to a row's names
    values["scopes"] = frozenset(map(TokenScope, row.scopes))
    return ApiToken(**values)


def _told(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "scopes": token.scopes,
        "user_id": token.user_id,
        "expires_at": token.expires_at,
    }


def _note(
    connection: Connection, action: str, token: ApiToken, *, before: Any, after: Any, now: datetime
) -> None:
    audit.note(
        connection,
        action=action,
        kind="token",
        subject=token.name,
        before=before,
        after=after,
        now=now,
    )
