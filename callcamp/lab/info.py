"""What is known of a lab, and the file that remembers it between programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from callcamp.errors import LabError
from callcamp.lab.place import Place, cache_folder
from callcamp.lab.process import Process


@dataclass(frozen=True, slots=True)
class LabInfo:
    """How to reach a lab. Everything listens on 127.0.0.1 only.

    Attributes:
        name: the lab's name.
        run_dir: its folder on the host: configuration, AstDB, logs.
        ami_host: host of Asterisk's manager interface.
        ami_port: its TCP port.
        ami_username: the AMI user, with the rights of ``manager_callcamp.conf``.
        ami_secret: its secret; not shown by ``repr``.
        trunk: name of the PJSIP endpoint that leads to the callees.
        sip_port: UDP port of Asterisk's SIP.
        sipp_port: UDP port of the callees' SIP.
        asterisk_pid: process id of Asterisk, when this was made.
        sipp_pid: process id of SIPp, when this was made.
        asterisk_version: such as ``22.10.1``.
        prompt_sound: what to give as ``CC_PROMPT``.
        machine_message_sound: what to give as ``CC_MACHINE_MESSAGE``.
        witness_log: SIPp's log of the INVITEs it got.
        http_port: TCP port of Asterisk's web server.
        agents_port: UDP port of the agents' phones; what to dial is told by
            :func:`callcamp.lab.agent_interface`.
        agents_pid: process id of their SIPp, when this was made.
        agents_log: its log of the INVITEs it got.
    """

    name: str
    run_dir: Path
    ami_host: str
    ami_port: int
    ami_username: str
    ami_secret: str = field(repr=False)
    trunk: str
    sip_port: int
    sipp_port: int
    asterisk_pid: int
    sipp_pid: int
    asterisk_version: str
    prompt_sound: str
    machine_message_sound: str
    witness_log: Path
    http_port: int = 0
    agents_port: int = 0
    agents_pid: int = 0
    agents_log: Path = Path()

    @property
    def phone_ws_url(self) -> str:
        """Where browser phones reach Asterisk."""
        return f"ws://127.0.0.1:{self.http_port}/ws"


@dataclass(frozen=True, slots=True)
class LabStatus:
    """How a lab is.

    Attributes:
        running: True if it can take calls now.
        info: how to reach it (also when it is down, if it ever was up), or None.
        problems: what is wrong, as sentences; empty if it runs or was stopped on purpose.
    """

    running: bool
    info: LabInfo | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """What the lab's file remembers.

    Attributes:
        info: how to reach the lab.
        asterisk: its Asterisk, or None when that was stopped on purpose.
        sipp: its SIPp, or None when that was stopped on purpose.
        agents: the SIPp of its agents, or None when that was stopped on purpose.
        binary: path of the Asterisk program in its place.
        asterisk_root: root filesystem of Asterisk, or None for the host's own.
        sipp_root: root filesystem of SIPp, or None for the host's own.
        recipe: what the lab was made from, see ``labs.py``; another one means: make it anew.
    """

    info: LabInfo
    asterisk: Process | None
    sipp: Process | None
    binary: str
    asterisk_root: Path | None
    sipp_root: Path | None
    recipe: str = ""
    agents: Process | None = None

    @property
    def asterisk_place(self) -> Place:
        """Where Asterisk runs."""
        return Place(self.asterisk_root)

    def with_asterisk(self, process: Process | None) -> State:
        """Return a copy with another Asterisk process (None: stopped on purpose)."""
        info = replace(self.info, asterisk_pid=process.pid) if process else self.info
        return replace(self, asterisk=process, info=info)


def state_path(name: str) -> Path:
    """Return the file that remembers the lab of this name.

    Raises:
        LabError: the name cannot be a lab's.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise LabError(
            "A lab's name is 1 to 40 small letters, digits and dashes.", field="name", value=name
        )
    return cache_folder() / "labs" / f"{name}.json"


def save_state(state: State) -> None:
    """Write the lab's file in one step, readable by this user only."""
    path = state_path(state.info.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(asdict(state), default=str, indent=1))
    temporary.replace(path)


def load_state(name: str) -> State | None:
    """Read the lab's file; None if there is none, or none that makes sense.

    Raises:
        LabError: the name cannot be a lab's.
    """
    try:
        data: dict[str, Any] = json.loads(state_path(name).read_text())
        info = data["info"]
        for key in ("run_dir", "witness_log"):
            info[key] = Path(info[key])
        info["agents_log"] = Path(info.get("agents_log", ""))
        return State(
            info=LabInfo(**info),
            asterisk=Process(**data["asterisk"]) if data["asterisk"] else None,
            sipp=Process(**data["sipp"]) if data["sipp"] else None,
            binary=data["binary"],
            asterisk_root=_path(data["asterisk_root"]),
            sipp_root=_path(data["sipp_root"]),
            recipe=data.get("recipe", ""),
            agents=Process(**data["agents"]) if data.get("agents") else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def all_states() -> Iterator[State]:
    """Give the remembered state of every lab of this user."""
    for path in sorted((cache_folder() / "labs").glob("*.json")):
        if state := load_state(path.stem):
            yield state


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
