"""Tokens for programs: shown once, kept as a hash, never stronger than who made them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from callcamp.core.permissions import Permission, Principal, TokenScope, of_person, of_token
from callcamp.core.throttle import PER_ADDRESS, neighbourhood
from callcamp.engine.access_base import AccessBase, hashed
from callcamp.engine.checks import check_text
from callcamp.errors import Conflict, InvalidInput, NotFound
from callcamp.ports import ApiToken, User

PREFIX = "ccp_"
"""What every token begins with, so that programs which look for leaked secrets know it."""
_SHOWN = 8
_MOST_BEARER = 100
TOUCH = timedelta(minutes=1)
"""How exact the last use is."""


class Tokens(AccessBase):
    """Use-cases on tokens."""

    async def create_token(
        self,
        user_id: int | None,
        name: str,
        scopes: Iterable[TokenScope],
        expires_at: datetime | None = None,
    ) -> tuple[str, ApiToken]:
        """Make a token; returns it, which is the only time that it is shown.

        Args:
            user_id: who makes it (None: whoever has this machine, by the command line).
            name: 1 to 64 characters, not in use by a token that is not revoked.
            scopes: what it may do; no more than its maker.
            expires_at: until when it holds (None: until revoked).

        Raises:
            NotFound: there is no such account.
            InvalidInput: a value is unusable.
            Conflict: the name is in use, or the account is inactive.
        """
        check_text("name", name, 64)
        wanted = frozenset(scopes)
        if not wanted:
            raise InvalidInput(
                f"scopes is empty; give one of {', '.join(TokenScope)}.", field="scopes", value=[]
            )
        now = self._clock()
        if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
            raise InvalidInput(
                f"expires_at is {expires_at.isoformat()}; give an instant to come, with its time "
                "zone.",
                field="expires_at",
                value=expires_at.isoformat(),
            )
        if user_id is not None:
            _check_scopes(await self._store.user(user_id), wanted)
        bearer = PREFIX + secrets.token_urlsafe(32)
        token = ApiToken(0, name, user_id, wanted, bearer[: len(PREFIX) + _SHOWN], now, expires_at)
        return bearer, await self._store.add_token(token, hashed(bearer))

    async def tokens(self, user_id: int | None = None) -> list[ApiToken]:
        """Return the tokens of an account, or all, newest first."""
        return await self._store.tokens(user_id)

    async def revoke_token(self, token_id: int, *, of_user: int | None = None) -> None:
        """Revoke a token; nothing happens when it is already.

        Args:
            token_id: the token.
            of_user: only if this account made it (None: whoever did).

        Raises:
            NotFound: there is none.
        """
        if of_user is not None and all(
            token.id != token_id for token in await self._store.tokens(of_user)
        ):
            raise NotFound(f"There is no token {token_id} of yours.", kind="token", key=token_id)
        await self._store.revoke_token(token_id, now=self._clock())

    async def principal_of_token(self, bearer: str) -> Principal | None:
        """Return who a token stands for; None: it is none, over, or its maker is inactive."""
        if not bearer.startswith(PREFIX) or len(bearer) > _MOST_BEARER:
            return None
        found = await self._store.token_by_hash(hashed(bearer))
        now = self._clock()
        if found is None or not _holds(found[0], found[1], now):
            return None
        token, maker = found
        if token.last_used_at is None or now - token.last_used_at >= TOUCH:
            await self._store.note_token_used(token.id, now=now)
        allowed = of_token(token.scopes)
        if maker is not None:
            # Whoever may do less by now cannot do more by a token of before.
            own = of_person(maker.role, manages_campaigns=maker.manages_campaigns)
            allowed &= own | {Permission.PUBLIC}
        return Principal(f"token:{token.name}", allowed, maker_id=token.user_id)

    async def note_bad_token(self, address: str) -> None:
        """Count a token that is none, and have it audited.

        A good one never comes here: it holds wherever it comes from, also from an address that
        guesses, such as that of a whole office. A secret of 256 random bits is not guessed.

        Raises:
            TooManyLogins: too many came from there lately; this one is not counted, and details
                name ``retry_after_s``.
        """
        key = _key(address)
        async with self._trying_within({key: PER_ADDRESS}):
            await self._store.note_login_failed(key, address=address, now=self._clock())


def _key(address: str) -> str:
    return f"token:{neighbourhood(address)}"


def _holds(token: ApiToken, maker: User | None, now: datetime) -> bool:
    if token.revoked_at is not None or (token.user_id is not None and maker is None):
        return False
    if token.expires_at is not None and token.expires_at <= now:
        return False
    return maker is None or maker.active


def _check_scopes(maker: User, scopes: frozenset[TokenScope]) -> None:
    if not maker.active:
        raise Conflict(f"The account {maker.name} is inactive.", name=maker.name)
    own = of_person(maker.role, manages_campaigns=maker.manages_campaigns)
    beyond = sorted(scope.value for scope in scopes if not of_token({scope}) <= own)
    if beyond:
        raise InvalidInput(
            f"scopes has {', '.join(beyond)}, which is more than the account {maker.name} may "
            "do itself; leave that out.",
            field="scopes",
            value=beyond,
        )
