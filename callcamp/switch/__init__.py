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
