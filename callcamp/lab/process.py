"""Start, recognise and end the lab's long-lived processes.

A pid alone is no name: after a crash or a reboot it may be somebody else's. Here a process
is its pid, its start time and the boot it belongs to, and nothing is ever signalled by name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from callcamp.errors import LabError
from callcamp.lab.place import plain_environment

_PROC: Final = Path("/proc")
_FILES_LIMIT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Process:
    """One process that the lab started.

    Attributes:
        pid: its process id.
        started: its start time in clock ticks since boot, as ``/proc`` tells it.
        boot: id of the boot in which it was started.
    """

    pid: int
    started: int
    boot: str

    def is_alive(self) -> bool:
        """Say whether exactly this process still runs (a zombie does not)."""
        return self.boot == _boot_id() and _start_time(self.pid) == self.started


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _start_time(pid: int) -> int | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The program's name is in parentheses and may hold anything; fields are counted behind it.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def identify(pid: int) -> Process | None:
    """Return the running process with this id, or None if there is none."""
    started = _start_time(pid)
    return None if started is None else Process(pid, started, _boot_id())


def spawn(command: Sequence[str], *, output: Path, folder: Path | None = None) -> Process:
    """Start a daemon that outlives this process and is reaped by init.

    Args:
        command: program and arguments.
        output: file that gets both output streams, replaced at each start.
        folder: its working directory.

    Raises:
        LabError: it could not be started, or ended at once.
    """
    # The shell's child is in no terminal's session, keeps its pid over every exec, and
    # becomes init's child when the shell ends: nobody here has to wait for it.
    script = (
        f'ulimit -n {_FILES_LIMIT} 2>/dev/null; setsid "$@" </dev/null >"$OUTPUT" 2>&1 & echo $!'
    )
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
            cwd=folder,
            env={**plain_environment(), "OUTPUT": str(output)},
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise LabError(f"Could not start {command[0]}: {error}", program=command[0]) from None
    process = identify(int(done.stdout))
    if process is None:
        said = tail(output)
        raise LabError(f"{command[0]} ended at once: {said}", program=command[0])
    return process


def stop(process: Process, *, kill: bool = False, patience_s: float = 10) -> None:
    """End a process and wait until it is gone; do nothing if it is gone already.

    Args:
        process: which one.
        kill: end it the hard way at once (SIGKILL), as a crash would.
        patience_s: how long SIGTERM may take before SIGKILL follows.

    Raises:
        LabError: it survives even SIGKILL.
    """
    for sign, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 10.0)):
        if kill and sign == signal.SIGTERM:
            continue
        if not process.is_alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, sign)
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            if not process.is_alive():
                return
            time.sleep(0.02)
    raise LabError(f"Process {process.pid} cannot be ended.", pid=process.pid)


def tail(path: Path, characters: int = 500) -> str:
    """Return the end of a text file, or an empty text if it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()[-characters:]
    except OSError:
        return ""
