"""A tiny blocking AMI client, for the lab's own health checks and for tests.

It is deliberately not the client that callcamp uses: what the two agree on is then not an
error they share.
"""

from __future__ import annotations

import socket
import time
from types import TracebackType

from callcamp.errors import LabError

Message = dict[str, str]
"""One event or response: header to value; of a repeated header the values, one a line."""


class Ami:
    """One logged-in AMI session; use it as a context manager."""

    def __init__(
        self, host: str, port: int, username: str, secret: str, *, timeout_s: float = 10
    ) -> None:
        """Connect and log in.

        Args:
            host: where Asterisk's manager listens.
            port: its TCP port.
            username: user of manager.conf.
            secret: that user's secret.
            timeout_s: patience for the connection and for each response.

        Raises:
            LabError: no connection, or the log-in was refused.
        """
        self._timeout_s = timeout_s
        self._buffer = b""
        self._count = 0
        self.events: list[Message] = []
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            raise LabError(f"No AMI at {host}:{port}: {error}") from None
        try:
            self.action("Login", Username=username, Secret=secret)
        except LabError:
            self.close()
            raise

    def __enter__(self) -> Ami:
        """Return the session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def send(self, action: str, *variables: str, **fields: str) -> str:
        r"""Send an action without waiting; return its ActionID.

        Args:
            action: name of the action.
            variables: for Originate, each one ``name=value`` (escape commas as ``\\,``).
            fields: further headers.
        """
        self._count += 1
        action_id = f"lab-{self._count}"
        lines = [f"Action: {action}", f"ActionID: {action_id}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        lines += [f"Variable: {variable}" for variable in variables]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return action_id

    def action(self, action: str, *variables: str, **fields: str) -> Message:
        """Send an action and return its response; events that come meanwhile are kept.

        Raises:
            LabError: Asterisk answers with an error, or not in time.
        """
        action_id = self.send(action, *variables, **fields)
        until = time.monotonic() + self._timeout_s
        while (message := self._read(until)) is not None:
            if "Response" not in message or message.get("ActionID") != action_id:
                self.events.append(message)
            elif message["Response"] == "Error":
                raise LabError(f"{action}: {message.get('Message', '')}", action=action)
            else:
                return message
        raise LabError(f"Asterisk did not answer {action} in time.", action=action)

    def listed(self, action: str, complete: str, **fields: str) -> list[Message]:
        """Run a list action and return its items.

        Args:
            action: name of the action.
            complete: name of the event that ends the list.
            fields: further headers.

        Raises:
            LabError: as :meth:`action`.
        """
        response = self.action(action, **fields)
        mine: list[Message] = []
        until = time.monotonic() + self._timeout_s
        while (message := self._read(until)) is not None:
            if message.get("ActionID") != response.get("ActionID"):
                self.events.append(message)
            elif message.get("Event") == complete:
                return mine
            else:
                mine.append(message)
        raise LabError(f"Asterisk did not end the list of {action} in time.", action=action)

    def drain(self, seconds: float) -> list[Message]:
        """Read for so long and return (and forget) all events that came until now."""
        until = time.monotonic() + seconds
        while (message := self._read(until)) is not None:
            self.events.append(message)
        events, self.events = self.events, []
        return events

    def wait_for(self, event: str, *, timeout_s: float, **fields: str) -> Message:
        """Return the next event of a name whose headers match; other events are kept.

        Raises:
            LabError: it did not come in time.
        """
        until = time.monotonic() + timeout_s
        at = 0
        while True:
            while at < len(self.events):
                one = self.events[at]
                if one.get("Event") == event and all(one.get(k) == v for k, v in fields.items()):
                    return self.events.pop(at)
                at += 1
            message = self._read(until)
            if message is None:
                raise LabError(f"No event {event} in time.", event=event, **fields)
            self.events.append(message)

    def _read(self, until: float) -> Message | None:
        while b"\r\n\r\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                return None
            except OSError as error:
                raise LabError(f"The AMI connection broke: {error}") from None
            if not data:
                raise LabError("Asterisk closed the AMI connection.")
            self._buffer += data
        block, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        message: Message = {}
        for line in block.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if not colon:
                continue  # the greeting line
            value = value.removeprefix(" ")
            message[name] = f"{message[name]}\n{value}" if name in message else value
        return message
