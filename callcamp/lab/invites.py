"""The independent witness: SIPp's own log of the INVITEs it got.

It says who was really called, whatever callcamp believes. A call is one SIP Call-ID: a
retransmitted INVITE has the same one, a second call to the same number has another.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

LOG_NAME: Final = "invites.log"
"""Name of the log in a lab's SIPp folder."""
_FROM: Final = "from="


def read_calls(log: Path, offset: int = 0) -> dict[str, int]:
    """Count the calls per number (as dialled, E.164 with +) that SIPp has seen.

    Args:
        log: SIPp's log of INVITEs; one that is not there yet counts nothing.
        offset: bytes to skip, from :func:`size` at an earlier moment.

    Returns:
        Number to count of calls, in the order they first came.
    """
    return {number: len(callers) for number, callers in read_callers(log, offset).items()}


def read_callers(log: Path, offset: int = 0) -> dict[str, list[str]]:
    """Return the numbers that were shown by the calls that SIPp has seen; see :func:`read_calls`.

    Returns:
        Number called to the user parts of its calls' From headers, in the order the calls
        came; "" in a log that does not have them.
    """
    try:
        with log.open("rb") as file:
            file.seek(offset)
            text = file.read().decode("ascii", "replace")
    except FileNotFoundError:
        return {}
    seen: set[tuple[str, str]] = set()
    callers: defaultdict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0] != "INVITE":
            continue
        number, call_id = words[1], words[2]
        if (number, call_id) not in seen:
            seen.add((number, call_id))
            shown = next((w for w in words[3:4] if w.startswith(_FROM)), "")
            callers[number].append(shown.removeprefix(_FROM))
    return dict(callers)


def size(log: Path) -> int:
    """Return the log's length in bytes: a marker to count on from."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0
