"""The only module that knows panoramisk (pinned: 1.4).

Its protocol class is the connection; everything in it that can resend, hang, leak or raise
into the event loop is overridden. Its ``Manager`` is not used at all: reconnecting, pinging,
matching answers and keeping deadlines are :mod:`callcamp.switch.ami`'s and
:mod:`callcamp.switch.session`'s. ``docs/ami.md`` has the list of what is mended and why.
"""

from __future__ import annotations

import asyncio
from typing import Any

from panoramisk.ami_protocol import AMIProtocol

from callcamp.switch.link import Link, OnBlocks, OnLost

_END = b"\r\n\r\n"
_GREETING = b"Asterisk Call Manager/"
_BLOCK_LIMIT = 4 * 1024 * 1024
_UNSENT_LIMIT = 1024 * 1024


class SafeAmiProtocol(AMIProtocol):  # type: ignore[misc]
    """panoramisk's connection that only frames bytes and never decides anything."""

    def __init__(self, on_blocks: OnBlocks, on_lost: OnLost) -> None:
        self._on_blocks = on_blocks
        self._on_lost = on_lost
        self._rest = b""
        self._paused = False
        self._reason: str | None = None
        self.version: str | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep the transport, and let it say when Asterisk has stopped reading."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT_LIMIT)

    @property
    def writable(self) -> bool:
        """Whether bytes written now would leave."""
        return not (self.closed or self._paused or self.transport.is_closing())

    def write(self, data: bytes) -> None:
        """Write bytes; there is no queue besides the transport's, and so no resending."""
        self.transport.write(data)

    def pause_writing(self) -> None:
        """Note that Asterisk does not read: nothing more is to be written."""
        self._paused = True

    def resume_writing(self) -> None:
        """Note that Asterisk reads again."""
        self._paused = False

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages, as bytes: a character split over reads stays whole."""
        data = self._rest + data
        if self.version is None:
            line, found, after = data.partition(b"\r\n")
            if not data.startswith(_GREETING[: len(data)]):
                self.fail("What answered is not Asterisk's manager interface.")
                return
            if not found:
                self._rest = data
                return
            self.version = line.removeprefix(_GREETING).decode("ascii", "replace").strip()
            data = after
        *blocks, self._rest = data.split(_END)
        if len(self._rest) > _BLOCK_LIMIT:
            self.fail("A message from Asterisk does not end.")
        elif blocks:
            self._on_blocks(blocks)

    def fail(self, reason: str) -> None:
        """End the connection and say why."""
        self._reason = reason
        self.abort()

    def abort(self) -> None:
        """End the connection at once: ``close`` would go on sending what is still unsent."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end; whether and when to connect again is not decided here."""
        self.closed = True
        reason = self._reason
        if reason is None:
            reason = f"The connection broke: {exc}." if exc else "Asterisk closed the connection."
        self._on_lost(reason)

    def send(self, data: object, as_list: object = False) -> None:
        """Refuse: panoramisk's own way out checks nothing and remembers for ever."""
        raise NotImplementedError("use write()")

    def handle_message(self, message: object) -> None:
        """Refuse: panoramisk's own dispatch swallows events and dies of exceptions."""
        raise NotImplementedError("messages go to on_blocks")

    def close(self) -> None:
        """End the connection; panoramisk's own would keep actions to send them again."""
        self.abort()


async def open_link(host: str, port: int, on_blocks: OnBlocks, on_lost: OnLost) -> Link:
    """Connect to Asterisk's manager; see :class:`callcamp.switch.link.OpenLink`."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(
        lambda: SafeAmiProtocol(on_blocks, on_lost), host, port
    )
    return protocol
