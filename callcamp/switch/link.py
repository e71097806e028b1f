"""What the gateway needs of a connection: the seam at which the AMI library can be swapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

OnBlocks: TypeAlias = Callable[[list[bytes]], None]
"""Gets the messages of one read, each without the blank line at its end."""
OnLost: TypeAlias = Callable[[str], None]
"""Gets, once, why the connection is over."""


class Link(Protocol):
    """One TCP connection that speaks AMI."""

    @property
    def writable(self) -> bool:
        """Whether bytes written now would leave: connected, and the other side reads."""
        ...

    def write(self, data: bytes) -> None:
        """Write; never waits."""
        ...

    def abort(self) -> None:
        """End the connection at once; what was not sent yet never will be."""
        ...


class OpenLink(Protocol):
    """How a :class:`Link` is opened."""

    async def __call__(self, host: str, port: int, on_blocks: OnBlocks, on_lost: OnLost) -> Link:
        """Connect.

        Args:
            host: where Asterisk's manager listens.
            port: its TCP port.
            on_blocks: called with every message, in order; must not raise.
            on_lost: called once when the connection is over, whoever ended it.

        Raises:
            OSError: no connection.
        """
        ...
