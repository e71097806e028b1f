"""One-time codes that a phone shows: six digits, a new one every 30 seconds.

Source: RFC 6238 (TOTP) over RFC 4226 (HOTP), with SHA-1, as every app on phones does it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from urllib.parse import quote, urlencode

STEP_S = 30
"""How long a code is shown, in seconds."""
DIGITS = 6
"""Digits of a code."""
SECRET_BYTES = 20
"""Bytes of a secret: as long as a SHA-1, as RFC 4226 recommends."""
_EARLY_OR_LATE = 1
_CODE = re.compile(r"[0-9]{6}")


def encoded(secret: bytes) -> str:
    """Return a secret as people and apps exchange it: base32 without padding."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def decoded(secret: str) -> bytes | None:
    """Return the bytes of a secret; None when it is not one of :data:`SECRET_BYTES`."""
    try:
        found = base64.b32decode(secret + "=" * (-len(secret) % 8))
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == SECRET_BYTES else None


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """Return the code of a time step (seconds since 1970, divided by :data:`STEP_S`)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 0xF
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, at_s: float) -> int | None:
    """Return the time step that a code is of, or None: it is not right.

    The clock of the phone may be one step early or late.

    Args:
        secret: the secret.
        code: what was typed; blanks do not matter.
        at_s: now, in seconds since 1970.
    """
    typed = "".join(code[:40].split())
    if not _CODE.fullmatch(typed):
        return None
    now = int(at_s // STEP_S)
    steps = range(max(0, now - _EARLY_OR_LATE), now + _EARLY_OR_LATE + 1)
    right = [step for step in steps if hmac.compare_digest(code_at(secret, step), typed)]
    return right[-1] if right else None


def uri(secret: str, account: str, issuer: str = "callcamp") -> str:
    """Return the address that an app reads as a picture, or from a link."""
    values = {"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_S}
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"
