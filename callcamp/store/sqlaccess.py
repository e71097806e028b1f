"""The accounts of :mod:`callcamp.ports`, on SQLite or PostgreSQL: a part of the store."""

from __future__ import annotations

from datetime import datetime

from callcamp.core.permissions import Role
from callcamp.ports import ApiToken, Session, User
from callcamp.store import access, tokens
from callcamp.store.database import Database


class AccessSql:
    """Accounts, sessions, tokens, failed log-ins; fulfils :class:`callcamp.ports.AccessRecords`."""

    _db: Database

    async def add_user(
        self,
        name: str,
        password_hash: str,
        *,
        role: Role,
        manages_campaigns: bool = False,
        now: datetime,
    ) -> User:
        """Add an account."""
        return await self._db.write(
            access.add,
            name,
            password_hash,
            role=role,
            manages_campaigns=manages_campaigns,
            now=now,
        )

    async def change_user(
        self,
        user_id: int,
        *,
        role: Role | None = None,
        manages_campaigns: bool | None = None,
        active: bool | None = None,
        now: datetime,
    ) -> User:
        """Change an account; one made inactive loses its sessions and tokens."""
        return await self._db.write(
            access.change,
            user_id,
            role=role,
            manages_campaigns=manages_campaigns,
            active=active,
            now=now,
        )

    async def set_password(self, user_id: int, password_hash: str, *, now: datetime) -> None:
        """Change a password; every session of the account ends."""
        await self._db.write(access.set_password, user_id, password_hash, now)

    async def replace_hash(self, user_id: int, old_hash: str, new_hash: str) -> bool:
        """Keep the same password hashed anew."""
        return await self._db.write(access.replace_hash, user_id, old_hash, new_hash)

    async def set_totp(self, user_id: int, secret: str | None, *, now: datetime) -> None:
        """Ask for one-time codes from now on (None: no more)."""
        await self._db.write(access.set_totp, user_id, secret, now)

    async def users(self) -> list[User]:
        """Return all accounts by name."""
        return await self._db.read(access.users)

    async def user(self, user_id: int) -> User:
        """Return one account."""
        return await self._db.read(access.user, user_id)

    async def credentials(self, name: str) -> tuple[User, str, str | None, int] | None:
        """Return an account, its password hash, its TOTP secret and the last step used."""
        return await self._db.read(access.credentials, name)

    async def note_totp_step(self, user_id: int, step: int) -> bool:
        """Note that a code was used; False when it, or a later one, was."""
        return await self._db.write(access.note_totp_step, user_id, step)

    async def add_session(self, session: Session) -> None:
        """Keep a session, and note the log-in with its account."""
        await self._db.write(access.add_session, session)

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        """Return a session with its account."""
        return await self._db.read(access.session, session_id)

    async def touch_session(self, session_id: str, *, now: datetime) -> None:
        """Note that a session was used."""
        await self._db.write(access.touch_session, session_id, now)

    async def end_sessions(
        self, *, session_id: str | None = None, user_id: int | None = None, now: datetime
    ) -> int:
        """End one session, or all of an account; returns how many."""
        return await self._db.write(access.end_sessions, session_id, user_id, now)

    async def sessions(self, user_id: int) -> list[Session]:
        """Return the sessions of an account, last used first."""
        return await self._db.read(access.sessions, user_id)

    async def purge_sessions(self, *, idle_since: datetime, begun_before: datetime) -> int:
        """Delete sessions that are over; returns how many."""
        return await self._db.write(access.purge_sessions, idle_since, begun_before)

    async def add_token(self, token: ApiToken, token_hash: str) -> ApiToken:
        """Keep a token under its hash."""
        return await self._db.write(tokens.add, token, token_hash)

    async def token_by_hash(self, token_hash: str) -> tuple[ApiToken, User | None] | None:
        """Return a token, whatever its state, with the account that made it."""
        return await self._db.read(tokens.by_hash, token_hash)

    async def note_token_used(self, token_id: int, *, now: datetime) -> None:
        """Note that a token was used."""
        await self._db.write(tokens.note_used, token_id, now)

    async def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """Return the tokens of an account, or all, newest first."""
        return await self._db.read(tokens.tokens, user_id)

    async def revoke_token(self, token_id: int, *, now: datetime) -> None:
        """Revoke a token; nothing happens when it is already."""
        await self._db.write(tokens.revoke, token_id, now)

    async def note_login_failed(self, key: str, *, address: str = "", now: datetime) -> None:
        """Count a failed log-in of a key."""
        await self._db.write(access.note_failed, key, address, now)

    async def failed_logins(self, keys: list[str], *, since: datetime) -> dict[str, int]:
        """Return how many log-ins failed since, by key."""
        return await self._db.read(access.failed, keys, since)

    async def clear_failed_logins(self, key: str) -> None:
        """Forget the failed log-ins of a key."""
        await self._db.write(access.clear_failed, key)
