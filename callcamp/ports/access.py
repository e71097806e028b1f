"""The contract of accounts, sessions, API tokens and failed log-ins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callcamp.core.permissions import Role, TokenScope


@dataclass(frozen=True, slots=True)
class User:
    """An account; secrets are never in its text.

    Args:
        id: number in the store.
        name: log-in name, lower case; unique.
        role: the role.
        manages_campaigns: of a supervisor: the right "manage campaigns".
        active: whether it may log in.
        has_totp: whether a one-time code is asked for as well.
        created_at: when it was made.
        last_login_at: when it last logged in.
    """

    id: int
    name: str
    role: Role
    manages_campaigns: bool
    active: bool
    has_totp: bool
    created_at: datetime
    last_login_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that holds.

    Args:
        id: SHA-256 of the cookie's value, hex; the value itself is kept nowhere.
        user_id: whose.
        created_at: when it began.
        seen_at: when it was last used.
        address: from where it began.
        agent: what browser said it was, cut to 200 characters.
    """

    id: str
    user_id: int
    created_at: datetime
    seen_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token for programs; only its hash is kept.

    Args:
        id: number in the store.
        name: shown to people; unique.
        user_id: who made it.
        scopes: what it may do.
        prefix: its first characters, to tell it by.
        created_at: when it was made.
        expires_at: until when it holds (None: until revoked).
        last_used_at: when it was last used, to the minute.
        revoked_at: when it was revoked.
    """

    id: int
    name: str
    user_id: int | None
    scopes: frozenset[TokenScope]
    prefix: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class AccessRecords(Protocol):
    """What is kept of accounts. Every method is one transaction; changes are audited.

    Password hashes, TOTP secrets and token hashes go in and out as they are, never into the
    audit, a log or an error.
    """

    async def add_user(
        self,
        name: str,
        password_hash: str,
        *,
        role: Role,
        manages_campaigns: bool = False,
        now: datetime,
    ) -> User:
        """Add an account.

        Raises:
            Conflict: there is one of that name.
        """
        ...

    async def change_user(
        self,
        user_id: int,
        *,
        role: Role | None = None,
        manages_campaigns: bool | None = None,
        active: bool | None = None,
        now: datetime,
    ) -> User:
        """Change an account (None: as it is); one made inactive loses its sessions and tokens.

        Raises:
            Conflict: it would leave no active administrator.
        """
        ...

    async def set_password(self, user_id: int, password_hash: str, *, now: datetime) -> None:
        """Change a password; every session of the account ends."""
        ...

    async def replace_hash(self, user_id: int, old_hash: str, new_hash: str) -> bool:
        """Keep the same password hashed anew; False: it was changed meanwhile, nothing is done.

        Sessions go on, and it is not audited: nothing has changed for anybody.
        """
        ...

    async def set_totp(self, user_id: int, secret: str | None, *, now: datetime) -> None:
        """Ask for one-time codes made with ``secret`` from now on (None: no more)."""
        ...

    async def users(self) -> list[User]:
        """Return all accounts by name."""
        ...

    async def user(self, user_id: int) -> User:
        """Return one account."""
        ...

    async def credentials(self, name: str) -> tuple[User, str, str | None, int] | None:
        """Return an account, its password hash, its TOTP secret and the last code's time step.

        The step is 0 when no code was used. None: there is no such account.
        """
        ...

    async def note_totp_step(self, user_id: int, step: int) -> bool:
        """Note that the code of a time step was used; False when it, or a later one, was."""
        ...

    async def add_session(self, session: Session) -> None:
        """Keep a session, and note the log-in with its account."""
        ...

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        """Return a session with its account, whatever their age and state."""
        ...

    async def touch_session(self, session_id: str, *, now: datetime) -> None:
        """Note that a session was used."""
        ...

    async def end_sessions(
        self, *, session_id: str | None = None, user_id: int | None = None, now: datetime
    ) -> int:
        """End one session, or all of an account; returns how many."""
        ...

    async def sessions(self, user_id: int) -> list[Session]:
        """Return the sessions of an account, last used first."""
        ...

    async def purge_sessions(self, *, idle_since: datetime, begun_before: datetime) -> int:
        """Delete sessions idle since, or begun before, an instant; returns how many."""
        ...

    async def add_token(self, token: ApiToken, token_hash: str) -> ApiToken:
        """Keep a token (its ``id`` is given here) under its hash.

        Raises:
            Conflict: there is one of that name that is not revoked.
        """
        ...

    async def token_by_hash(self, token_hash: str) -> tuple[ApiToken, User | None] | None:
        """Return a token, whatever its state, with the account that made it."""
        ...

    async def note_token_used(self, token_id: int, *, now: datetime) -> None:
        """Note that a token was used."""
        ...

    async def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """Return the tokens of an account, or all, newest first."""
        ...

    async def revoke_token(self, token_id: int, *, now: datetime) -> None:
        """Revoke a token; nothing happens when it is already.

        Raises:
            NotFound: there is none.
        """
        ...

    async def note_login_failed(self, key: str, *, address: str = "", now: datetime) -> None:
        """Count a failed log-in of a key.

        One of ``name:…`` is audited with the name tried and the address, one of ``token:…``
        (a token that is none) with the address; one of ``address:…`` is only counted.
        """
        ...

    async def failed_logins(self, keys: list[str], *, since: datetime) -> dict[str, int]:
        """Return how many log-ins failed since, by key (see above; none: left out)."""
        ...

    async def clear_failed_logins(self, key: str) -> None:
        """Forget the failed log-ins of a key."""
        ...
