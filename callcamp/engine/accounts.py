"""Accounts: who there is, what they may do, their passwords and one-time codes."""

from __future__ import annotations

import secrets

from callcamp.core import totp
from callcamp.core.permissions import Role
from callcamp.engine.access_base import USER_NAME, AccessBase, as_name
from callcamp.engine.checks import shorten
from callcamp.engine.passwords import check_password
from callcamp.errors import BadLogin, Conflict, InvalidInput, NotFound
from callcamp.ports import User


class Accounts(AccessBase):
    """Use-cases on accounts; whoever calls them has checked who may."""

    async def add_user(
        self, name: str, password: str, *, role: Role, manages_campaigns: bool = False
    ) -> User:
        """Add an account.

        Args:
            name: 1 to 64 small letters, digits and ``. _ @ -``; capitals are made small.
            password: see :func:`callcamp.engine.passwords.check_password`.
            role: the role.
            manages_campaigns: the right of a supervisor to change campaigns.

        Raises:
            InvalidInput: a value is unusable.
            Conflict: there is an account of that name.
        """
        name = as_name(name)
        if not USER_NAME.fullmatch(name):
            raise InvalidInput(
                f"name is {shorten(name)}; give 1 to 64 small letters, digits and . _ @ - only, "
                "a letter or digit first, such as ann.smith.",
                field="name",
                value=name[:80],
            )
        _check_right(role, manages_campaigns)
        hashed = await self._passwords.hash(check_password(name, password))
        added = await self._store.add_user(
            name,
            hashed,
            role=role,
            manages_campaigns=manages_campaigns,
            now=self._clock(),
        )
        self._changed()
        return added

    async def change_user(
        self,
        user_id: int,
        *,
        role: Role | None = None,
        manages_campaigns: bool | None = None,
        active: bool | None = None,
    ) -> User:
        """Change an account; None leaves as it is.

        One made inactive loses its sessions and tokens at once. Whoever stops being a
        supervisor loses the right "manage campaigns".

        Raises:
            NotFound: there is no such account.
            InvalidInput: a right does not fit the role.
            Conflict: no active administrator would be left.
        """
        before = await self._store.user(user_id)
        after = role or before.role
        if manages_campaigns is None and after is not Role.SUPERVISOR:
            manages_campaigns = False
        _check_right(after, bool(manages_campaigns))
        changed = await self._store.change_user(
            user_id,
            role=role,
            manages_campaigns=manages_campaigns,
            active=active,
            now=self._clock(),
        )
        self._changed()
        return changed

    async def change_password(self, user_id: int, old: str, new: str) -> None:
        """Change one's own password; every session of the account ends.

        Raises:
            BadLogin: the old one is not right.
            TooManyLogins: that was tried too often.
            InvalidInput: the new one is unusable.
        """
        user = await self._store.user(user_id)
        plain = check_password(user.name, new)
        await self._prove(user, old)
        await self._set_password(user_id, plain)

    async def reset_password(self, user_id: int, new: str) -> None:
        """Give an account another password; every session of it ends.

        Raises:
            NotFound: there is no such account.
            InvalidInput: the password is unusable.
        """
        user = await self._store.user(user_id)
        await self._set_password(user_id, check_password(user.name, new))

    async def _prove(self, user: User, password: str) -> None:
        """Check that whoever has the session of an account knows its password too.

        Raises:
            BadLogin: it is not right.
            TooManyLogins: that was tried too often.
        """
        async with self._throttled(user.name, ""):
            found = await self._store.credentials(user.name)
            if not await self._passwords.fits(password, found and found[1]):
                await self._note_failed(user.name, "")
                raise BadLogin

    async def _set_password(self, user_id: int, plain: str) -> None:
        hashed = await self._passwords.hash(plain)
        await self._store.set_password(user_id, hashed, now=self._clock())

    async def users(self) -> list[User]:
        """Return all accounts by name."""
        return await self._store.users()

    async def user(self, user_id: int) -> User:
        """Return one account.

        Raises:
            NotFound: there is none.
        """
        return await self._store.user(user_id)

    async def user_named(self, name: str) -> User:
        """Return the account of a name.

        Raises:
            NotFound: there is none.
        """
        found = await self._store.credentials(as_name(name))
        if found is None:
            raise NotFound(
                f"There is no account {shorten(name)}; `callcamp user list` shows them.",
                kind="user",
                key=name[:80],
            )
        return found[0]

    async def begin_totp(self, user_id: int) -> tuple[str, str]:
        """Return a new secret for one-time codes, and the address that an app reads.

        Nothing is changed until :meth:`confirm_totp`.

        Raises:
            NotFound: there is no such account.
            Conflict: it has codes already.
        """
        user = await self._without_codes(user_id)
        secret = totp.encoded(secrets.token_bytes(totp.SECRET_BYTES))
        return secret, totp.uri(secret, user.name)

    async def confirm_totp(self, user_id: int, secret: str, code: str) -> None:
        """Ask for one-time codes from now on.

        Args:
            user_id: the account.
            secret: what :meth:`begin_totp` gave.
            code: what the app shows, to know that it has the secret.

        Raises:
            NotFound: there is no such account.
            Conflict: it has codes already.
            InvalidInput: the secret is none, or the code is not its.
        """
        await self._without_codes(user_id)
        plain = totp.decoded(secret)
        if plain is None:
            raise InvalidInput(
                "secret is not one that was given out; begin again.",
                field="secret",
                value="(not shown)",
            )
        now = self._clock()
        step = totp.step_of(plain, code, now.timestamp())
        if step is None:
            raise InvalidInput(
                "code is not what the app should show now; look at its clock, and give the six "
                "digits of the newest code.",
                field="code",
                value="(not shown)",
            )
        await self._store.set_totp(user_id, secret, now=now)
        await self._store.note_totp_step(user_id, step)

    async def disable_own_totp(self, user_id: int, password: str) -> None:
        """Ask for no more one-time codes, by the owner of the account.

        A session that was left open, or stolen, must not be enough to take the second lock off.

        Raises:
            NotFound: there is no such account.
            BadLogin: the password is not right.
            TooManyLogins: that was tried too often.
        """
        await self._prove(await self._store.user(user_id), password)
        await self.disable_totp(user_id)

    async def disable_totp(self, user_id: int) -> None:
        """Ask for no more one-time codes, by an administrator.

        Raises:
            NotFound: there is no such account.
        """
        if (await self._store.user(user_id)).has_totp:
            await self._store.set_totp(user_id, None, now=self._clock())

    async def _without_codes(self, user_id: int) -> User:
        user = await self._store.user(user_id)
        if user.has_totp:
            raise Conflict(
                "The account asks for one-time codes already; turn them off first for a new "
                "secret.",
                name=user.name,
            )
        return user


def _check_right(role: Role, manages_campaigns: bool) -> None:
    if manages_campaigns and role is not Role.SUPERVISOR:
        raise InvalidInput(
            f'manages_campaigns is set for the role {role.value}; the right "manage campaigns" '
            "is for supervisors only (administrators have it anyway).",
            field="manages_campaigns",
            value=True,
        )
