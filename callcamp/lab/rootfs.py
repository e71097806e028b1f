"""The root filesystem with Asterisk and SIPp: built once per package list, then kept.

It is built in a folder beside its final place and renamed when it is complete, and a stamp
is written last. A file system without its stamp, or whose programs don't start, is taken
for broken and built again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from callcamp.errors import LabError
from callcamp.lab.mirror import acquire_options, debian_mirror
from callcamp.lab.place import Place, cache_folder, data_folder

STAMP: Final = ".callcamp-complete"
"""Name of the file in the root filesystem that says the build went to its end."""

_NOT_ROOT: Final = (
    "Building the lab's Asterisk needs root rights (it makes a Debian root filesystem and uses"
    " chroot). Run the command with sudo, or give the path of an installed Asterisk 18 or"
    " later (with sipp, espeak-ng and sox installed too)."
)

Progress = Callable[[str], None]
"""Called with a sentence for people when a long step begins."""


@dataclass(frozen=True, slots=True)
class PackageList:
    """What to install.

    Attributes:
        suite: Debian suite.
        packages: names of Debian packages.
    """

    suite: str
    packages: tuple[str, ...]

    @property
    def key(self) -> str:
        """A short name that changes when the list or the suite does."""
        text = "\n".join((self.suite, *sorted(self.packages)))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_packages(path: Path | None = None) -> PackageList:
    """Read the package list that the lab and the container image share.

    Args:
        path: the file, by default ``asterisk/packages.txt`` of callcamp.

    Raises:
        LabError: the file names no suite or no package.
    """
    path = path or data_folder("asterisk") / "packages.txt"
    suite, packages = "", []
    for line in path.read_text().splitlines():
        if line.startswith("# suite:"):
            suite = line.partition(":")[2].strip()
        elif line.strip() and not line.startswith("#"):
            packages.append(line.strip())
    if not suite or not packages:
        raise LabError(f"{path} names no suite or no package.", path=str(path))
    return PackageList(suite, tuple(packages))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it goes with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def what_is_wrong(root: Path) -> str | None:
    """Return why a root filesystem cannot be used (a sentence), or None if it can."""
    if not root.is_dir():
        return f"{root} is not there."
    if not (root / STAMP).exists():
        return f"{root} is half built."
    place = Place(root)
    for command, mark in ((["asterisk", "-V"], "Asterisk "), (["sipp", "-v"], "SIPp ")):
        try:
            printed = place.run(command, timeout_s=30)
        except LabError as error:
            return error.message
        if mark not in printed:
            return f"{command[0]} in {root} does not say its version."
    return None


def rootfs_path(packages: PackageList) -> Path:
    """Return where the root filesystem of a package list lives."""
    return cache_folder() / f"rootfs-{packages.key}"


def ensure_rootfs(progress: Progress | None = None) -> Path:
    """Return the lab's root filesystem, building it if it is missing or broken.

    One process builds at a time; another that comes meanwhile waits and then uses it.

    Args:
        progress: told what is being done when it takes long.

    Raises:
        LabError: the rights or tools for a build are missing, or the build failed.
    """
    say = progress or (lambda _text: None)
    packages = read_packages()
    root = rootfs_path(packages)
    if os.geteuid() != 0:
        raise LabError(_NOT_ROOT, euid=os.geteuid())
    with locked(root.with_suffix(".lock")):
        wrong = what_is_wrong(root)
        if wrong is None:
            return root
        if root.exists():
            if _in_use(root):
                # A machine under heavy load makes a sound file system look broken, too.
                raise LabError(f"{wrong} A lab runs in it: take it down first.", path=str(root))
            say(f"Building again: {wrong}")
            _discard(root)
        say(f"Building Asterisk from Debian {packages.suite} (about a minute, 450 MB)")
        _build(packages, root, say)
        wrong = what_is_wrong(root)
        if wrong is not None:
            raise LabError(f"The new root filesystem does not work: {wrong}", path=str(root))
    return root


def _in_use(root: Path) -> bool:
    """Say whether any process has this folder as its root."""
    for link in Path("/proc").glob("[0-9]*/root"):
        with suppress(OSError):
            if link.readlink() == root:
                return True
    return False


def _discard(root: Path) -> None:
    """Take a broken root out of the way first, then delete it: deletion can be cut short."""
    waste = root.with_name(f"{root.name}.waste-{os.getpid()}")
    root.rename(waste)
    shutil.rmtree(waste, ignore_errors=True)


def _builder(say: Progress) -> str:
    if found := shutil.which("mmdebstrap"):
        return found
    if apt := shutil.which("apt-get"):
        say("Installing mmdebstrap on this host")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "--yes", "mmdebstrap"]):
            subprocess.run(
                [apt, "-qq", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        if found := shutil.which("mmdebstrap"):
            return found
    raise LabError("The lab needs mmdebstrap to build its Asterisk; please install it.")


def _build(packages: PackageList, root: Path, say: Progress) -> None:
    builder = _builder(say)
    for left_over in root.parent.glob(f"{root.name}.building-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    work = root.with_name(f"{root.name}.building-{os.getpid()}")
    log = root.with_suffix(".log")
    # Mirrors and caches may be older than the suite's validity of a week.
    options = ['Acquire::Check-Valid-Until "false"', *acquire_options()]
    mirror = debian_mirror()
    command = [
        builder,
        "--variant=apt",
        *(f"--aptopt={option}" for option in options),
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        f"--include={','.join(packages.packages)}",
        packages.suite,
        str(work),
        *([mirror] if mirror else []),  # without one, mmdebstrap takes Debian's own
    ]
    try:
        with log.open("w") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            last = " ".join(log.read_text(errors="replace").splitlines()[-8:])[-700:]
            raise LabError(f"Building Asterisk failed: {last}", log=str(log))
        for cache in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(work / cache, ignore_errors=True)
        work.rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    (root / STAMP).touch()
