"""Who may come in: accounts, sessions, tokens for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from callcamp.core.permissions import Role
from callcamp.engine.accounts import Accounts
from callcamp.engine.clock import utc_now
from callcamp.engine.passwords import Passwords
from callcamp.engine.sessions import Sessions
from callcamp.engine.tokens import Tokens
from callcamp.ports import Store
from callcamp.settings import Settings

READ_EVERY_S = 2.0
"""How old may be what is known of accounts that another process changed, in seconds."""


class Access(Sessions, Accounts, Tokens):
    """All use-cases on accounts, sessions and tokens.

    Args:
        store: where things are kept.
        settings: all settings.
        clock: returns now, aware UTC.
        passwords: how passwords are hashed (None: as RFC 9106 wants it).
        monotonic_s: seconds since some fixed point, for what is remembered for a moment.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        passwords: Passwords | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(store, settings, clock, passwords)
        self._monotonic_s = monotonic_s
        self._known: tuple[bool, bool] = (False, False)
        self._known_until_s: float | None = None
        self._changes = 0

    async def has_users(self) -> bool:
        """Tell whether anybody has an account, inactive ones included."""
        return (await self._read())[0]

    async def has_admin(self) -> bool:
        """Tell whether there is an active administrator."""
        return (await self._read())[1]

    def _changed(self) -> None:
        self._changes += 1
        self._known_until_s = None

    async def _read(self) -> tuple[bool, bool]:
        until_s = self._known_until_s
        if until_s is None or self._monotonic_s() >= until_s:
            changes, begun_s = self._changes, self._monotonic_s()
            users = await self._store.users()
            is_admin = (user.active and user.role is Role.ADMIN for user in users)
            known = (bool(users), any(is_admin))
            if changes != self._changes:
                return await self._read()  # what was read may be of before the change
            self._known, self._known_until_s = known, begun_s + READ_EVERY_S
        return self._known
