"""Which Debian mirror, and which proxies, this host's own apt uses."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_DEBIAN: Final = re.compile(r"^(https?|file|copy)://?\S+/debian/?$")
_ONE_LINE: Final = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s")


def _uris(folder: Path) -> Iterator[str]:
    """All URIs of the binary packages' sources, in the order apt reads them."""
    lists = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]
    for path in lists:
        if path.is_file():
            for line in path.read_text(errors="replace").splitlines():
                if found := _ONE_LINE.match(line.strip()):
                    yield found[1]
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        for paragraph in re.split(r"\n\s*\n", path.read_text(errors="replace")):
            fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*)$", paragraph))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
                yield from fields.get("URIs", "").split()


def debian_mirror(folder: Path = Path("/etc/apt")) -> str | None:
    """Return the host's Debian mirror, or None if it has none (say, on Ubuntu).

    Args:
        folder: apt's configuration folder.
    """
    return next((uri.rstrip("/") for uri in _uris(folder) if _DEBIAN.match(uri)), None)


def acquire_options() -> list[str]:
    """Return the host's apt settings that a download may need: proxies and CA files."""
    try:
        dump = subprocess.run(
            ["apt-config", "dump"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    wanted = re.compile(r'^Acquire::https?::(\S+::)?(Proxy|CaInfo|CaPath)\s+".+";$', re.IGNORECASE)
    return [line for line in dump.splitlines() if wanted.match(line)]
