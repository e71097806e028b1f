"""What a child process says to its parent: JSON lines on standard output."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any, TextIO


def say(out: TextIO | None = None, /, **message: Any) -> None:
    """Write one line for the parent.

    Args:
        out: where to (None: standard output).
        message: ``progress``, ``report`` or ``error`` and what belongs to it; instants become
            ISO 8601 texts.
    """
    out = out or sys.stdout
    out.write(json.dumps(message, default=datetime.isoformat) + "\n")
    out.flush()
