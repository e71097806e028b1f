"""Passwords: which are taken, and how they are hashed and checked without slowing calls down."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from callcamp.errors import InvalidInput, TooBusy

T = TypeVar("T")
LEAST = 10
"""Characters of a password, at least."""
MOST = 200
"""Characters of a password, at most."""
AT_ONCE = 2
"""Hashes that are computed at the same time; each takes 64 MiB and a part of a second."""
MOST_WAITING = 64
"""Hashes that may be computed or waited for; whoever comes then is told to come again."""
BUSY_S = 5.0
"""In how many seconds to come again: so many hashes take about that long."""
_WORST_TEXT = """
0123456789 1234567890 0987654321 9876543210 12345678910 123456789a 123456789q 1234512345
1111111111 0000000000 1122334455 1q2w3e4r5t 1qaz2wsx3edc q1w2e3r4t5 qwertyuiop qwerty1234
qwerty12345 qwerty123456 qwertzuiop azertyuiop asdfghjkl1 asdfghjkl; asdfasdfasdf abcdefghij
abcdefghijk abcd123456 abc1234567 a123456789 password12 password123 password1234 password12345
passw0rd12 passw0rd123 p@ssword12 p@ssword123 p@ssw0rd12 p@ssw0rd123 passwordpassword
mypassword mypassword1 changeme12 changeme123 changemenow letmein123 letmein1234 welcome123
welcome1234 iloveyou12 iloveyou123 iloveyou1234 administrator admin12345 admin123456
adminadmin adminadmin1 adminpassword administrator1 rootroot12 rootpassword superadmin
superadmin1 superuser1 supervisor supervisor1 secret1234 secretsecret callcenter callcenter1
callcampcallcamp callcamp12 callcamp123 callcamp1234 asterisk12 asterisk123 asterisk1234
asteriskasterisk testtest12 testtest123 test123456 testpassword guestguest basketball
football123 baseball123 sunshine123 princess123 dragon1234 monkey1234 correcthorsebatterystaple
"""
_WORST = frozenset(_WORST_TEXT.split())


def check_password(name: str, password: str) -> str:
    """Return a new password in its one form (Unicode NFC).

    Args:
        name: the account's name.
        password: what was chosen.

    Raises:
        InvalidInput: it is too short or too long, the name, or one of those that are tried
            first; the message does not repeat it.
    """
    problem = None
    plain = _normal(password)
    if plain is None or not plain.isprintable():
        problem = "holds characters that cannot be typed; leave them out"
    elif not LEAST <= len(plain) <= MOST:
        problem = f"has {len(plain)} characters; give {LEAST} to {MOST}"
    elif name.casefold() in {plain.casefold(), plain.casefold()[::-1]}:
        problem = "is the name of the account; choose another one"
    elif plain.casefold() in _WORST or len(set(plain)) < 4:
        problem = "is one of those that are tried first; choose another one"
    if problem or plain is None:
        raise InvalidInput(f"password {problem}.", field="password", value="(not shown)")
    return plain


def _normal(password: str) -> str | None:
    if any("\ud800" <= c <= "\udfff" for c in password):
        return None
    return unicodedata.normalize("NFC", password)


class Passwords:
    """Hashes and checks passwords with argon2id, off the event loop.

    Args:
        hasher: with which parameters (None: the second choice of RFC 9106: 64 MiB, three
            passes, four lanes).
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._bounded = asyncio.Semaphore(AT_ONCE)
        # Threads of its own: a request that is given up leaves its hash running, and so the
        # bound holds for what really runs.
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._waiting = 0

    @cached_property
    def _nobody(self) -> str:
        """A hash that no password fits, for names that are no accounts."""
        return self._hasher.hash("nobody has this password\0")

    async def hash(self, password: str) -> str:
        """Return the hash of a password that :func:`check_password` took.

        Raises:
            TooBusy: too many wait for theirs.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def fits(self, password: str, kept: str | None) -> bool:
        """Tell whether a password is the one that was hashed.

        With no hash (None: there is no such account) it takes as long, and is False.

        Raises:
            TooBusy: too many wait for theirs.
        """
        plain = _normal(password[: MOST + 1])

        def work() -> bool:
            # Made by whoever comes first, known or not: later on both ways do the same work.
            nobody = self._nobody
            try:
                self._hasher.verify(kept or nobody, plain or "")
            except (VerificationError, InvalidHashError):
                return False
            return kept is not None and plain is not None

        return await self._run(work)

    async def rehash(self, password: str) -> str:
        """Return the hash of a password that fitted, with today's parameters.

        Raises:
            TooBusy: too many wait for theirs.
        """
        return await self.hash(_normal(password) or "")

    def is_old(self, kept: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooBusy(
                "Too many people log in at this moment; try again in some seconds.",
                retry_after_s=BUSY_S,
            )
        self._waiting += 1
        try:
            async with self._bounded:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
