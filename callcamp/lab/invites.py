"""The independent witness: SIPp's own log of the INVITEs it got.

It says who was really called, whatever callcamp believes. A call is one SIP Call-ID: a
retransmitted INVITE has the same one, a second call to the same number has another.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

LOG_NAME: Final = "invites.log"
"""Name of the log in a lab's SIPp folder."""


def read_calls(log: Path, offset: int = 0) -> dict[str, int]:
    """Count the calls per number (as dialled, E.164 with +) that SIPp has seen.

    Args:
        log: SIPp's log of INVITEs; one that is not there yet counts nothing.
        offset: bytes to skip, from :func:`size` at an earlier moment.

    Returns:
        Number to count of calls, in the order they first came.
    """
    try:
        with log.open("rb") as file:
            file.seek(offset)
            text = file.read().decode("ascii", "replace")
    except FileNotFoundError:
        return {}
    seen: set[tuple[str, str]] = set()
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0] != "INVITE":
            continue
        number, call_id = words[1], words[2]
        if (number, call_id) not in seen:
            seen.add((number, call_id))
            counts[number] += 1
    return dict(counts)


def size(log: Path) -> int:
    """Return the log's length in bytes: a marker to count on from."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0
