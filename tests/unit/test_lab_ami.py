"""The lab's own AMI client, against a scripted server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from callcamp.errors import LabError
from callcamp.lab import Ami

LOGIN = b"Asterisk Call Manager/11.0\r\nResponse: Success\r\nActionID: lab-1\r\n\r\n"
Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that answers every log-in with these bytes and then closes its half."""
    servers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            link, _ = server.accept()
            with link:
                for at in range(0, len(answer), 7):  # in pieces, as a network may
                    link.sendall(answer[at : at + 7])
                link.shutdown(socket.SHUT_WR)
                while link.recv(4096):
                    pass

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return int(server.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(10)
    for server in servers:
        server.close()


def test_events_around_responses_are_kept_and_repeated_headers_joined(serve: Serve) -> None:
    port = serve(
        LOGIN
        + b"Event: A\r\nV: 1\r\nV: caf\xc3\xa9\r\nEmpty: \r\n\r\n"
        + b"Response: Success\r\nActionID: lab-2\r\nPing: Pong\r\n\r\n"
        + b"Event: B\r\nX: 1\r\n\r\nEvent: B\r\nX: 2\r\n\r\n"
    )
    with Ami("127.0.0.1", port, "u", "s") as ami:
        assert ami.action("Ping")["Ping"] == "Pong"
        assert ami.wait_for("B", timeout_s=5, X="2") == {"Event": "B", "X": "2"}
        assert ami.events == [
            {"Event": "A", "V": "1\ncafé", "Empty": ""},
            {"Event": "B", "X": "1"},
        ]
        with pytest.raises(LabError, match="closed"):
            ami.drain(5)


def test_a_list_is_its_items(serve: Serve) -> None:
    port = serve(
        LOGIN
        + b"Response: Success\r\nActionID: lab-2\r\n\r\nEvent: E\r\nActionID: lab-2\r\n\r\n"
        + b"Event: Other\r\n\r\nEvent: Done\r\nActionID: lab-2\r\n\r\n"
    )
    with Ami("127.0.0.1", port, "u", "s") as ami:
        assert [one["Event"] for one in ami.listed("L", "Done")] == ["E"]
        assert ami.events == [{"Event": "Other"}]


def test_refusals_silence_and_nobody_there(serve: Serve) -> None:
    refused = b"Response: Error\r\nActionID: lab-1\r\nMessage: Authentication failed\r\n\r\n"
    with pytest.raises(LabError, match="Authentication failed"):
        Ami("127.0.0.1", serve(refused), "u", "s")
    with pytest.raises(LabError, match="closed"):
        Ami("127.0.0.1", serve(b""), "u", "s")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(LabError, match="in time"):
            Ami("127.0.0.1", port, "u", "s", timeout_s=0.1)
    with pytest.raises(LabError, match="No AMI"):
        Ami("127.0.0.1", port, "u", "s", timeout_s=1)
