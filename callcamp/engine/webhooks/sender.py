"""One POST to a webhook: bounded in time and size, never redirected, never inside."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from datetime import datetime
from typing import Any

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from yarl import URL

from callcamp import __version__
from callcamp.core.targets import check_host, check_url, not_public
from callcamp.core.webhooks import EVENT_HEADER, ID_HEADER, SIGNATURE_HEADER, signature
from callcamp.engine.webhooks.resolver import NotPublicError, PublicResolver
from callcamp.errors import InvalidInput
from callcamp.ports import Try

TIMEOUT_S = 10.0
"""Seconds for one try, from resolving the name to the answer."""
BODY_S = 2.0
"""Seconds for the body of an answer."""
MOST_SHOWN = 500
"""Characters of an answer that are kept."""
MOST_READ = 4 * MOST_SHOWN
"""Bytes of an answer that are read; the rest is not waited for."""
# Receivers commonly keep idle connections for 5 s or more.
_IDLE_S = 4.0


class Sender:
    """Sends events; use it as an async context manager.

    Args:
        allow_private: whether addresses that are not public are allowed as well.
        timeout_s: seconds for one try.
        resolver: resolves names (None: the system); what it gives is checked.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout_s: float = TIMEOUT_S,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._inner = resolver
        self._session: ClientSession | None = None
        self._resolver: AbstractResolver | None = None

    async def __aenter__(self) -> Sender:
        guarded = self._inner if self._allow_private else PublicResolver(self._inner)
        self._resolver = guarded
        self._session = ClientSession(
            connector=TCPConnector(
                resolver=guarded,
                use_dns_cache=False,
                keepalive_timeout=_IDLE_S,
                limit=100,
            ),
            cookie_jar=DummyCookieJar(),
            # Compressed answers are not unpacked: a small one can be a huge one.
            auto_decompress=False,
            timeout=ClientTimeout(total=self._timeout_s),
            headers={"User-Agent": f"callcamp/{__version__}"},
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def check(self, url: str) -> None:
        """Make sure that events may be sent to an address, and that its name exists.

        Raises:
            InvalidInput: they may not, or it does not.
        """
        host = check_url(url, allow_private=self._allow_private)
        self._target(url)
        if self._allow_private or ":" in host or host.replace(".", "").isdigit():
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                await PublicResolver(self._inner).resolve(host, 443, socket.AF_UNSPEC)
        except NotPublicError:
            raise not_public(host) from None
        except (OSError, TimeoutError):
            raise InvalidInput(
                f"url has the host {host}, which cannot be resolved; check its name.",
                field="url",
                value=None,
            ) from None

    async def send(
        self, url: str, secret: str, body: str, *, event: str, event_id: str, now: datetime
    ) -> Try:
        """POST a body; whatever goes wrong is told in the result.

        Args:
            url: where to.
            secret: what it is signed with.
            body: JSON, ASCII.
            event: the event's type.
            event_id: the event's id.
            now: the instant, which is signed too.
        """
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(secret, body, now),
            EVENT_HEADER: event,
            ID_HEADER: event_id,
        }
        begun_s = time.monotonic()
        answer: dict[str, Any] = {}
        try:
            await self._post(url, body, headers, answer)
        except TimeoutError:
            answer["problem"] = f"no answer within {self._timeout_s:g} s"
        except InvalidInput as error:
            answer["problem"] = error.message
        except (ClientError, OSError, ValueError) as error:
            answer["problem"] = _in_words(error)
        ms = round((time.monotonic() - begun_s) * 1000)
        return Try(now, ms, **answer)

    async def _post(
        self, url: str, body: str, headers: dict[str, str], answer: dict[str, Any]
    ) -> None:
        if self._session is None:
            raise InvalidInput("The sender is not open.", field="url", value=None)
        # At every try: the setting may have changed since the webhook was added.
        check_url(url, allow_private=self._allow_private)
        async with self._session.post(
            self._target(url), data=body.encode("ascii"), headers=headers, allow_redirects=False
        ) as response:
            answer["status"] = response.status
            if not 200 <= response.status < 300:
                answer["problem"] = _refusal(response.status)
            start = bytearray()
            try:
                # The status has told whether it was taken; the rest is for people.
                with contextlib.suppress(TimeoutError, ClientError):
                    async with asyncio.timeout(min(BODY_S, self._timeout_s)):
                        await _read_start(response.content, start)
            finally:
                answer["answer"] = start.decode("utf-8", "replace")[:MOST_SHOWN]
                if not response.content.at_eof():
                    # What is left must not be taken for the answer to the next event.
                    response.close()

    def _target(self, url: str) -> URL:
        """Return an address as the client reads it, checked as the client reads it.

        The connector does not ask the resolver about hosts that are addresses already.
        """
        try:
            target = URL(url)
        except ValueError:
            raise InvalidInput(
                "url is no address; give one such as https://example.com/hook.",
                field="url",
                value=None,
            ) from None
        check_host(target.host or "", allow_private=self._allow_private)
        return target


async def _read_start(content: StreamReader, start: bytearray) -> None:
    while len(start) < MOST_READ and (part := await content.read(MOST_READ - len(start))):
        start += part


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"answered {status}; redirects are not followed"
    return f"answered {status}; a 2xx says that it was taken"


def _in_words(error: BaseException) -> str:
    """Return what went wrong without the address, whose path may be a secret."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, NotPublicError):
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, OSError) and error.strerror:
        return f"no connection: {error.strerror}"[:200]
    return f"no answer: {type(error).__name__}"
