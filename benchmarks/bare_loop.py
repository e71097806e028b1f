"""The floor: the smallest loop over AMI that places calls and sees them end."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable

from callcamp.lab import LabInfo, load_number


class BareLoop:
    """Keeps a number of calls in flight, with no database and no checks."""

    def __init__(self, info: LabInfo, in_flight: int, prompt: str) -> None:
        self._info = info
        self._in_flight = in_flight
        self._prompt = prompt
        self._numbers = itertools.cycle(load_number(i) for i in range(10_000))
        self._run = secrets.token_hex(10)
        self._count = itertools.count()
        self.ended = 0

    async def run(self, stop: Callable[[], bool]) -> None:
        """Place calls until ``stop()``, then wait for those in flight."""
        reader, writer = await asyncio.open_connection(self._info.ami_host, self._info.ami_port)
        await reader.readline()
        writer.write(
            f"Action: Login\r\nUsername: {self._info.ami_username}\r\n"
            f"Secret: {self._info.ami_secret}\r\n\r\n".encode()
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        if b"Success" not in answer:
            raise RuntimeError(f"log-in failed: {answer!r}")
        live = 0
        while live < self._in_flight:
            writer.write(self._order())
            live += 1
        while live:
            event = await reader.readuntil(b"\r\n\r\n")
            if not event.startswith(b"Event: Hangup\r\n"):
                continue
            self.ended += 1
            live -= 1
            if not stop():
                writer.write(self._order())
                live += 1
        writer.close()
        await writer.wait_closed()

    def _order(self) -> bytes:
        attempt = f"cc-{self._run}{next(self._count):08x}"
        return (
            f"Action: Originate\r\nActionID: {attempt}\r\n"
            f"Channel: PJSIP/{next(self._numbers)}@{self._info.trunk}\r\n"
            "Context: callcamp-answered\r\nExten: s\r\nPriority: 1\r\nAsync: true\r\n"
            f"ChannelId: {attempt}\r\nTimeout: 30000\r\n"
            "Variable: CHANNEL(hangup_handler_push)=callcamp-hangup\\,s\\,1\r\n"
            f"Variable: CC_ATTEMPT={attempt}\r\nVariable: CC_CAMPAIGN=1\r\n"
            "Variable: CC_CONTACT=1\r\nVariable: CC_DETECT=0\r\n"
            f"Variable: CC_PROMPT={self._prompt}\r\n\r\n"
        ).encode()
