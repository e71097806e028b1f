"""One AMI connection to the simulated switch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from callcamp.switch.simulated.wire import BANNER, Action, ActionReader

_UNREAD_LIMIT = 8 * 1024 * 1024


class Host(Protocol):
    """What a session needs of the switch it belongs to."""

    def opened(self, session: Session) -> None:
        """Note a new connection."""
        ...

    def closed(self, session: Session) -> None:
        """Note the end of a connection."""
        ...

    def act(self, session: Session, action: Action) -> None:
        """Carry out an action."""
        ...

    def later(self, callback: Callable[[], None]) -> None:
        """Run a callback once the current burst of work is done."""
        ...


class Session(asyncio.Protocol):
    """Cuts what comes into actions, and writes what is to go out in one go.

    Args:
        host: the switch.

    Attributes:
        username: who is logged in; None: nobody yet.
        challenge: what a log-in by MD5 must answer.
        wants_events: whether events are sent.
        frozen: whether it neither reads nor writes any more, with the connection left open.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._reader = ActionReader()
        self._out: list[bytes] = []
        self.username: str | None = None
        self.challenge = ""
        self.wants_events = False
        self.frozen = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP always is
        self._transport = transport
        self._host.opened(self)
        self.write(BANNER)

    def data_received(self, data: bytes) -> None:
        """Carry out the actions that are complete."""
        if self.frozen:
            return
        for action in self._reader.feed(data):
            if self._transport is None or self.frozen:
                return
            self._host.act(self, action)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell the switch."""
        self._transport = None
        self._host.closed(self)

    def write(self, data: bytes) -> None:
        """Send, together with whatever else this burst of work sends."""
        if self._transport is None or self.frozen:
            return
        if not self._out:
            self._host.later(self._flush)
        self._out.append(data)

    def freeze(self) -> None:
        """Stop reading and writing; the connection stays open."""
        self._out.clear()
        self.frozen = True

    def cut(self) -> None:
        """End the connection at once; what was not sent yet is lost."""
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """Send what is left, then end the connection."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        data, self._out = b"".join(self._out), []
        if self._transport is None or not data:
            return
        self._transport.write(data)
        # Asterisk drops a reader that is too slow.
        if self._transport.get_write_buffer_size() > _UNREAD_LIMIT:
            self.cut()
