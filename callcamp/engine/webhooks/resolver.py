"""Names to addresses, none of which is inside the network that callcamp stands in.

The connector asks at every connection and connects to what it gets from here, so that a name
cannot be a public address when it is checked and another one a moment later.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from callcamp.core.targets import is_public


class NotPublicError(OSError):
    """A name resolves to an address that webhooks are not sent to."""


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses those that have any address that is not public.

    Args:
        inner: what really resolves (None: the system).
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            NotPublicError: one of them is not public.
            OSError: it has none.
        """
        if self._inner is None:
            self._inner = ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        # All of them, not the first: whoever answers for the name chooses their order.
        if not found or not all(is_public(one["host"]) for one in found):
            raise NotPublicError(f"{host} does not lead to public addresses only")
        return found

    async def close(self) -> None:
        """Close what really resolves."""
        if self._inner is not None:
            await self._inner.close()
