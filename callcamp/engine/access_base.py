"""What the use-cases of accounts share: the store, the clock, passwords, and the throttle."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256

from callcamp.core.throttle import PER_ACCOUNT, PER_ADDRESS, WINDOW_S, Throttle, neighbourhood
from callcamp.engine.clock import utc_now
from callcamp.engine.passwords import Passwords
from callcamp.errors import TooManyLogins
from callcamp.ports import Store
from callcamp.settings import Settings

USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
"""What an account may be called."""
MOST_TRIED = 64
"""Characters that are kept of a name that somebody tried."""


def hashed(secret: str) -> str:
    """Return the SHA-256 of a secret of 256 random bits, in hex.

    Such a secret cannot be guessed, so it needs no slow hash as passwords do.
    """
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def as_name(typed: str) -> str:
    """Return the name that somebody typed as accounts are named: no blanks, lower case."""
    return typed.strip().lower()


def name_key(name: str) -> str:
    """Return under which key the failed log-ins of a name are counted."""
    return f"name:{name[:MOST_TRIED]}"


class AccessBase:
    """What use-cases of accounts work with.

    Args:
        store: where things are kept.
        settings: all settings.
        clock: returns now, aware UTC.
        passwords: how passwords are hashed (None: as RFC 9106 wants it).
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        passwords: Passwords | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._trying: Counter[str] = Counter()

    def _changed(self) -> None:
        """Note that accounts have changed."""

    async def _check_throttle(
        self, limits: Mapping[str, Throttle], ahead: Mapping[str, int] | None = None
    ) -> None:
        """Refuse to try anything while one of the keys pauses.

        Args:
            limits: what each key may do.
            ahead: how many are being tried at this moment, by key: they count as failed, so
                that many at once are no way around.

        Raises:
            TooManyLogins: one of them does.
        """
        now = self._clock()
        window = timedelta(seconds=WINDOW_S)
        lately = await self._store.failed_logins(list(limits), since=now - window)
        for key, limit in limits.items():
            failures, trying = lately.get(key, 0), (ahead or {}).get(key, 0)
            pause_s = limit.pause_s(failures + trying)
            if not pause_s:
                continue
            since = now - timedelta(seconds=limit.pause_s(failures))
            if trying or (await self._store.failed_logins([key], since=since)).get(key):
                raise TooManyLogins(
                    f"Too many log-ins failed lately; try again in {pause_s:.0f} seconds.",
                    retry_after_s=pause_s,
                )

    @asynccontextmanager
    async def _throttled(self, name: str, address: str) -> AsyncIterator[None]:
        """Check and count an attempt of a name from an address while it lasts.

        Raises:
            TooManyLogins: nothing may be tried now.
        """
        limits = {name_key(name): PER_ACCOUNT}
        if address:
            limits[f"address:{neighbourhood(address)}"] = PER_ADDRESS
        async with self._trying_within(limits):
            yield

    @asynccontextmanager
    async def _trying_within(self, limits: Mapping[str, Throttle]) -> AsyncIterator[None]:
        """Check and count an attempt of each of the keys while it lasts.

        Raises:
            TooManyLogins: one of them pauses.
        """
        ahead = {key: self._trying[key] for key in limits}
        self._trying.update(limits.keys())
        try:
            await self._check_throttle(limits, ahead)
            yield
        finally:
            self._trying.subtract(limits.keys())
            self._trying += Counter()  # forgets what is at zero

    async def _note_failed(self, name: str, address: str) -> None:
        """Count a failed log-in, and have it audited."""
        now = self._clock()
        await self._store.note_login_failed(name_key(name), address=address, now=now)
        if address:
            key = f"address:{neighbourhood(address)}"
            await self._store.note_login_failed(key, now=now)
