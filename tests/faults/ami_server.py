"""An AMI server that does as a test tells it, for what a real Asterisk cannot be made to do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from types import TracebackType

from callcamp.switch.wire import Headers, parse_block

END = b"\r\n\r\n"
CHALLENGE = "840415273"
SECRET = "correct horse battery"
Answer = Callable[[Headers], bytes | None]


def message(*headers: tuple[str, str]) -> bytes:
    """Return a message as it goes over the wire."""
    return "\r\n".join(f"{name}: {value}" for name, value in headers).encode() + END


def ok(action: Headers, *headers: tuple[str, str]) -> bytes:
    return message(("Response", "Success"), ("ActionID", action["ActionID"]), *headers)


def error(action: Headers, text: str) -> bytes:
    return message(("Response", "Error"), ("ActionID", action["ActionID"]), ("Message", text))


def listed(action: Headers, *items: bytes) -> bytes:
    """Return a list: its response, the items (complete messages), its end."""
    start = ok(action, ("EventList", "start"), ("Message", "List will follow"))
    end = message(
        ("Event", f"{action['Action']}Complete"),
        ("ActionID", action["ActionID"]),
        ("EventList", "Complete"),
        ("ListItems", str(len(items))),
    )
    return start + b"".join(items) + end


async def eventually(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something holds of which no event tells."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


class FakeAmi:
    """A server on a free port of the loopback.

    Attributes:
        greeting: the first line.
        secret: what a log-in must know.
        actions: every action that came, in order.
        raw: every byte that came.
        connections: how many there were.
        answers: by action's name, what to answer; None as an answer means silence.
    """

    def __init__(self) -> None:
        self.greeting = b"Asterisk Call Manager/11.0.0\r\n"
        self.secret = SECRET
        self.actions: list[Headers] = []
        self.raw = b""
        self.connections = 0
        self.answers: dict[str, Answer] = {
            "Challenge": lambda a: ok(a, ("Challenge", CHALLENGE)),
            "Login": self._login,
            "CoreStatus": lambda a: ok(
                a, ("CoreStartupDate", "2026-01-31"), ("CoreStartupTime", "12:00:00")
            ),
            "Ping": lambda a: ok(a, ("Ping", "Pong"), ("Timestamp", "1800000000.500000")),
            "Originate": lambda a: ok(a, ("Message", "Originate successfully queued")),
        }
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> FakeAmi:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.shut()

    async def open(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stop listening and drop everybody."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop()
        if self._serving:
            await asyncio.wait(self._serving)

    def drop(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def mute(self, *names: str) -> None:
        """Answer these actions no more."""
        for name in names:
            self.answers[name] = lambda action: None

    def push(self, *messages: bytes) -> None:
        """Send messages to every connection."""
        for writer in self._writers:
            writer.write(b"".join(messages))

    def count(self, name: str) -> int:
        return sum(action.get("Action") == name for action in self.actions)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on what came holds."""
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def seen(self, name: str, times: int = 1) -> Headers:
        """Wait until an action has come so often, and return its last."""
        await self.until(lambda: self.count(name) >= times)
        return [action for action in self.actions if action.get("Action") == name][-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._writers.add(writer)
        self.connections += 1
        self._changed.set()
        writer.write(self.greeting)
        try:
            while True:
                block = await reader.readuntil(END)
                self.raw += block
                action = parse_block(block[: -len(END)])
                self.actions.append(action)
                self._changed.set()
                answer = self.answers.get(action.get("Action", ""), ok)(action)
                if answer is not None:
                    writer.write(answer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            self._serving.discard(task)
            self._changed.set()
            writer.transport.abort()
            await asyncio.sleep(0)

    def _login(self, action: Headers) -> bytes:
        expected = hashlib.md5((CHALLENGE + self.secret).encode()).hexdigest()
        if expected == action.get("Key") or action.get("Secret") == self.secret:
            return ok(action, ("Message", "Authentication accepted"))
        return error(action, "Authentication failed")
