"""Logging in and out, and who a session stands for."""

from __future__ import annotations

import secrets
from datetime import timedelta

from callcamp.core import totp
from callcamp.core.permissions import Principal, of_person
from callcamp.engine.access_base import AccessBase, as_name, hashed, name_key
from callcamp.errors import BadLogin, CodeNeeded
from callcamp.ports import Session, User, acting_as

TOUCH = timedelta(minutes=1)
"""How exact the last use of a session is."""
_MOST_SECRET = 100


class Sessions(AccessBase):
    """Use-cases on log-ins."""

    async def log_in(
        self, name: str, password: str, *, code: str | None, address: str, agent: str
    ) -> tuple[str, User]:
        """Log in; returns the secret of a new session, and the account.

        Args:
            name: the account's name; capitals and blanks around it do not matter.
            password: its password.
            code: the one-time code, if one was given.
            address: from where, as the throttle and the audit should know it.
            agent: what the browser says that it is.

        Raises:
            BadLogin: refused; it does not tell why.
            CodeNeeded: the password is right, and a one-time code is asked for.
            TooManyLogins: too many failed lately; details name ``retry_after_s``.
            TooBusy: too many log in at this moment.
        """
        tried = as_name(name)
        async with self._throttled(tried, address):
            found = await self._store.credentials(tried)
            right = await self._passwords.fits(password, found and found[1])
            if found is None or not right or not found[0].active:
                await self._note_failed(tried, address)
                raise BadLogin
            user, kept, secret, _ = found
            if secret is not None:
                if not code:
                    raise CodeNeeded
                if not await self._take_code(user, secret, code):
                    await self._note_failed(tried, address)
                    raise BadLogin
            return await self._begin(user, password, kept, address=address, agent=agent)

    async def _take_code(self, user: User, secret: str, code: str) -> bool:
        """Tell whether a code is right, and was not used before."""
        plain = totp.decoded(secret)
        step = plain and totp.step_of(plain, code, self._clock().timestamp())
        # A step of 0 is none that any clock shows any more.
        return bool(step) and await self._store.note_totp_step(user.id, int(step or 0))

    async def _begin(
        self, user: User, password: str, kept: str, *, address: str, agent: str
    ) -> tuple[str, User]:
        if self._passwords.is_old(kept):
            anew = await self._passwords.rehash(password)
            if await self._store.replace_hash(user.id, kept, anew):
                kept = anew
        now = self._clock()
        await self._purge()
        secret = secrets.token_urlsafe(32)
        session = Session(hashed(secret), user.id, now, now, address[:64], agent[:200])
        with acting_as(f"user:{user.name}"):
            await self._store.add_session(session)
        # Whoever changed the password or the account meanwhile has ended its sessions, but
        # did not know of this one.
        after = await self._store.credentials(user.name)
        if after is None or after[1] != kept or not after[0].active:
            await self._store.end_sessions(session_id=session.id, now=now)
            raise BadLogin
        await self._store.clear_failed_logins(name_key(user.name))
        return secret, after[0]

    async def principal_of_session(self, secret: str) -> Principal | None:
        """Return who a session stands for; None: it is none, over, or the account inactive."""
        if not 0 < len(secret) <= _MOST_SECRET:
            return None
        found = await self._store.session(hashed(secret))
        if found is None:
            return None
        session, user = found
        now = self._clock()
        idle, age = now - session.seen_at, now - session.created_at
        if (
            not user.active
            or idle > timedelta(seconds=self._settings.session_idle_s)
            or age > timedelta(seconds=self._settings.session_max_s)
        ):
            return None
        if idle >= TOUCH:
            await self._store.touch_session(session.id, now=now)
        allowed = of_person(user.role, manages_campaigns=user.manages_campaigns)
        return Principal(f"user:{user.name}", allowed, user.id, session.id)

    async def sessions(self, user_id: int) -> list[Session]:
        """Return the sessions of an account, last used first."""
        await self._purge()
        return await self._store.sessions(user_id)

    async def log_out(self, secret: str) -> None:
        """End a session; nothing happens when it is over."""
        await self._store.end_sessions(session_id=hashed(secret), now=self._clock())

    async def log_out_everywhere(self, user_id: int) -> int:
        """End every session of an account; returns how many.

        Raises:
            NotFound: there is no such account.
        """
        await self._store.user(user_id)
        return await self._store.end_sessions(user_id=user_id, now=self._clock())

    async def _purge(self) -> None:
        now, settings = self._clock(), self._settings
        await self._store.purge_sessions(
            idle_since=now - timedelta(seconds=settings.session_idle_s),
            begun_before=now - timedelta(seconds=settings.session_max_s),
        )
