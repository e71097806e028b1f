"""Numbers in words, as pages and reports write them."""

from __future__ import annotations

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def lasting(seconds: int) -> str:
    """Return a time in words, in the largest unit that divides it: ``3 days``, ``90 seconds``."""
    unit_s, unit = next((u_s, u) for u_s, u in _UNITS if seconds % u_s == 0)
    count = seconds // unit_s
    return f"{count} {unit}" + ("" if count == 1 else "s")


def in_hours(seconds: float) -> str:
    """Return a time as ``h:mm:ss``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
