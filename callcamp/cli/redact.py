"""What no log line may hold: secrets, and whole phone numbers unless an admin wants them."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from callcamp.settings import Settings

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(
    r"secret|passw|token|cookie|authori[sz]ation|credential|csrf|signature|api_?key|totp",
    re.IGNORECASE,
)
# What names a token and is none: its number in the store, and whether there is one.
_HARMLESS_NAME = re.compile(r"_id$|^tokens?_(count|name)$", re.IGNORECASE)
_NUMBER_NAME = re.compile(r"^(number|phone|caller|callee|caller_id|caller_number|did)s?$")
# In running text: after a scheme's name, or as name and value of a header or a query.
_SPOKEN = re.compile(
    r"(?i)\b(cookie)(\s*[:=]\s*)[^\r\n\"']+"
    r"|\b(authorization|password|secret|token)(\s*[:=]\s*(?:(?:bearer|basic)\s+)?)"
    r"(?!\[hidden\])[^\s,;&\"']+"
    r"|\b(bearer|basic)(\s+)(?!\[hidden\])[^\s,;\"']{8,}"
)
_LOGIN_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)")
# A number as callcamp keeps it; as a channel names it; and a run of digits by itself that is
# long enough. Ids, instants and addresses have letters, points, colons or dashes beside them.
_NUMBER = re.compile(
    r"\+\d{3,11}(?=\d{4})"
    r"|(?<=/)\d{3,11}(?=\d{4}@)"
    r"|(?<![\w.:+-])\d{4,11}(?=\d{4}(?![\w:-]))"
)
# API tokens and secrets of webhooks, as callcamp makes them.
_OURS = re.compile(r"\b(?:ccp_|whsec_)[\w-]{16,}")
_SHORTEST = 4


class Redactor:
    """Takes secrets and numbers out of log events.

    Args:
        settings: whose secrets are looked for by their value, and whether numbers stay whole.
    """

    def __init__(self, settings: Settings) -> None:
        self._keep_numbers = settings.log_numbers
        values = {settings.ami_secret.get_secret_value(), *_passwords(settings.database_url)}
        # A secret of a letter or two would blacken every line; the doctor warns of such.
        known = sorted((v for v in values if len(v) >= _SHORTEST), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Return an event of structlog without them."""
        for name, value in event.items():
            if not name.startswith("_") and name not in {"exc_info", "timestamp"}:
                event[name] = self._value(name, value)
        return event

    def text(self, text: str) -> str:
        """Return a text without them."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _OURS.sub(HIDDEN, text)
        text = _LOGIN_IN_URL.sub(rf"\1:{HIDDEN}", text)
        text = _SPOKEN.sub(_unspoken, text)
        return text if self._keep_numbers else _NUMBER.sub("***", text)

    def _value(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        if _SECRET_NAME.search(name) and not _HARMLESS_NAME.search(name):
            return HIDDEN
        if isinstance(value, Mapping):
            return {str(k): self._value(str(k), v) for k, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._value(name, item) for item in value]
        if isinstance(value, (int, float)):
            return value
        text = self.text(str(value))
        if _NUMBER_NAME.search(name) and not self._keep_numbers:
            return last_digits(text)
        return text


def last_digits(number: str) -> str:
    """Return a phone number with its last four digits alone."""
    return number if len(number) <= _SHORTEST or number.startswith("***") else f"***{number[-4:]}"


def _unspoken(found: re.Match[str]) -> str:
    name, between = (part for part in found.groups() if part is not None)
    return f"{name}{between}{HIDDEN}"


def _passwords(database_url: str) -> set[str]:
    """Return the password of an address as it is written there, and as it is."""
    try:
        written = urlsplit(database_url).password or ""
    except ValueError:
        return set()
    return {written, unquote(written)}
