"""All that knows Asterisk.

:mod:`callcamp.switch.ami` is the gateway to a real one. This module itself imports nothing
heavy: the engine may use it to make attempt ids that the switch recognises as ours.
"""

from __future__ import annotations

import re

ATTEMPT_PREFIX = "cc-"
"""How every attempt id, and so every channel id of ours, begins."""

_ATTEMPT_ID = re.compile(re.escape(ATTEMPT_PREFIX) + r"[0-9a-z-]{26,40}", re.ASCII)


def is_attempt_id(text: str) -> bool:
    """Return whether ``text`` can be the id of an attempt, hence of a channel of ours."""
    return _ATTEMPT_ID.fullmatch(text) is not None


LEG_PREFIX = "ccleg-"
"""How the channel id of every call to an agent's phone begins; no attempt id begins so."""

_LEG_ID = re.compile(re.escape(LEG_PREFIX) + r"([0-9]{1,18})-[0-9a-z]{16,32}", re.ASCII)


def is_leg_id(text: str) -> bool:
    """Return whether ``text`` can be the channel id of a call to an agent's phone."""
    return _LEG_ID.fullmatch(text) is not None


def leg_id(agent_id: int, token: str) -> str:
    """Return the channel id of a call to an agent's phone; ``token``: 16 to 32 hex digits."""
    return f"{LEG_PREFIX}{agent_id}-{token}"


def agent_of_leg(text: str) -> int | None:
    """Return whose phone a leg calls, or None: it is no leg."""
    found = _LEG_ID.fullmatch(text)
    return None if found is None else int(found[1])
