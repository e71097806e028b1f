"""The ports of a lab, all on 127.0.0.1."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection
from contextlib import closing
from dataclasses import astuple, dataclass
from typing import Final

from callcamp.errors import LabError

HOST: Final = "127.0.0.1"
# Below Linux's range of ephemeral ports: no outgoing connection can take one of these
# while Asterisk restarts.
_RANGE: Final = range(32_000, 32_768)
_KINDS: Final = (
    socket.SOCK_STREAM,
    socket.SOCK_DGRAM,
    socket.SOCK_DGRAM,
    socket.SOCK_STREAM,
    socket.SOCK_DGRAM,
)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that one lab listens on, all on 127.0.0.1.

    Attributes:
        ami: TCP, Asterisk's manager.
        sip: UDP, Asterisk's SIP.
        sipp: UDP, the callees' SIP.
        http: TCP, Asterisk's web server, for browser phones.
        agents: UDP, the SIP of the agents' phones.
    """

    ami: int
    sip: int
    sipp: int
    http: int
    agents: int = 0


def choose_ports(before: Ports | None, taken: Collection[int]) -> Ports:
    """Choose ports that are free now.

    Args:
        before: what the lab had earlier; it gets those again if they are free.
        taken: ports of other labs, also of stopped ones.

    Raises:
        LabError: no port is free.
    """
    chosen: list[int] = []
    wishes = astuple(before) if before else (0,) * len(_KINDS)
    for kind, wish in zip(_KINDS, wishes, strict=True):
        for port in (wish, *random.sample(_RANGE, len(_RANGE))):
            if port in _RANGE and port not in {*taken, *chosen} and is_free(kind, port):
                chosen.append(port)
                break
        else:
            raise LabError(f"No free port between {_RANGE.start} and {_RANGE.stop - 1}.")
    return Ports(*chosen)


def is_free(kind: socket.SocketKind, port: int) -> bool:
    """Say whether a socket of this kind can be bound to a port of 127.0.0.1 now."""
    with closing(socket.socket(socket.AF_INET, kind)) as one:
        if kind == socket.SOCK_STREAM:
            # As Asterisk does: connections that linger after a restart are no hindrance.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
    return True
