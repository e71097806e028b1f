"""Where a program of the lab lives: on the host, or inside a root filesystem of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callcamp.errors import LabError


@dataclass(frozen=True, slots=True)
class Place:
    """A file tree in which programs run.

    Attributes:
        root: root filesystem to run in by chroot (needs root rights), or None for the host.
    """

    root: Path | None = None

    def inside(self, path: Path) -> str:
        """Return how a program in this place names the host's ``path``.

        Raises:
            LabError: ``path`` is not in this place.
        """
        if self.root is None:
            return str(path)
        try:
            return "/" + str(path.relative_to(self.root))
        except ValueError:
            raise LabError(f"{path} is not inside {self.root}.", path=str(path)) from None

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the command line that runs ``arguments`` in this place."""
        if self.root is None:
            return list(arguments)
        return ["chroot", str(self.root), *arguments]

    def run(self, arguments: Sequence[str], *, timeout_s: float = 120) -> str:
        """Run a short program to its end and return what it printed (both streams).

        Raises:
            LabError: it is missing, fails, or takes longer than ``timeout_s`` seconds.
        """
        try:
            done = subprocess.run(
                self.command(arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
                env=plain_environment(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LabError(f"Could not run {arguments[0]}: {error}", program=arguments[0]) from None
        if done.returncode not in {0, 99}:  # SIPp ends `sipp -v` with 99
            raise LabError(
                f"{arguments[0]} failed ({done.returncode}): {done.stdout.strip()[-500:]}",
                program=arguments[0],
                exit_code=done.returncode,
            )
        return done.stdout


def plain_environment() -> dict[str, str]:
    """Return an environment that means the same in every place and run.

    The caller's locale, HOME or TERM (SIPp reads it) must not change what a lab does.
    """
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/tmp",  # noqa: S108 - a name for programs that ask; nothing is written there
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
    }


def cache_folder() -> Path:
    """Return the folder that holds all of the lab: in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "callcamp" / "lab"


def data_folder(name: str) -> Path:
    """Return the folder ``asterisk`` or ``dialplan`` of callcamp, installed or in a checkout.

    Raises:
        LabError: the installation lacks it.
    """
    package = Path(__file__).resolve().parent.parent
    candidates = [package / "_data" / name, package.parent / name]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise LabError(
        f"This installation of callcamp lacks its folder {name!r}; install it again.",
        looked_in=[str(one) for one in candidates],
    )
