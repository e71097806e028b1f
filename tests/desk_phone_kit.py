"""A SIP phone on a desk, in a network of its own."""

from __future__ import annotations

import ctypes
import hashlib
import re
import socket
import threading
from pathlib import Path

from container_kit import HOST, STREET, Containers


def socket_in(pid: int) -> socket.socket:
    """Return a UDP socket that lives in the network of another process."""
    made: list[socket.socket] = []

    def make() -> None:
        with Path(f"/proc/{pid}/ns/net").open() as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0) == 0:
                made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    # Only the thread changes its network, and it ends here.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class DeskPhone:
    """A SIP phone on the street, of which only registering and being called is needed.

    Args:
        box: the containers.
        name: of its endpoint.
        port: at which the host takes it.
    """

    def __init__(self, box: Containers, name: str, port: int) -> None:
        self._name = name
        self._there = (HOST, port)
        self._line = socket_in(box.pid("street"))
        self._line.settimeout(20)
        self._line.bind((STREET, 5060))

    def __enter__(self) -> DeskPhone:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def _send_register(self, number: int, authorization: str) -> None:
        me = f"<sip:{self._name}@{HOST}>"
        lines = (
            f"REGISTER sip:{HOST} SIP/2.0",
            f"Via: SIP/2.0/UDP {STREET}:5060;branch=z9hG4bK{number};rport",
            f"From: {me};tag=desk",
            f"To: {me}",
            "Call-ID: desk",
            f"CSeq: {number} REGISTER",
            f"Contact: <sip:{self._name}@{STREET}:5060>",
            *([authorization] if authorization else []),
            "Content-Length: 0",
            "",
            "",
        )
        self._line.sendto("\r\n".join(lines).encode(), self._there)

    def register(self, password: str) -> str:
        """Register; returns the last status line."""
        self._send_register(1, "")
        challenge, _ = self.heard("SIP/2.0 401")
        parts = dict(re.findall(r'(\w+)="([^"]*)"', challenge))

        def digest(*words: str) -> str:
            return hashlib.md5(":".join(words).encode(), usedforsecurity=False).hexdigest()

        uri, count = f"sip:{HOST}", "00000001"
        who = digest(self._name, parts["realm"], password)
        what = digest("REGISTER", uri)
        proof = digest(who, parts["nonce"], count, "desk", "auth", what)
        self._send_register(
            2,
            f'Authorization: Digest username="{self._name}", realm="{parts["realm"]}", '
            f'nonce="{parts["nonce"]}", uri="{uri}", qop=auth, nc={count}, cnonce="desk", '
            f'response="{proof}", algorithm=MD5, opaque="{parts.get("opaque", "")}"',
        )
        return self.heard("SIP/2.0 ")[0].partition("\r\n")[0]

    def heard(self, begins: str) -> tuple[str, tuple[str, int]]:
        """Wait for a message that begins so; returns it, and from where it came."""
        while True:
            data, sender = self._line.recvfrom(65536)
            text = data.decode()
            if text.startswith(begins):
                return text, sender
