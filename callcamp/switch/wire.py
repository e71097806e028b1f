"""AMI as bytes: safe actions out, headers in. Knows nothing of connections.

Limits of Asterisk (``main/manager.c``): a line is read into 1,024 bytes that must hold its
CR LF too, a longer one is thrown away; of an action's headers the 129th and later are
dropped in silence. Both would turn one action into another one, so both are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from callcamp.errors import InvalidInput, LimitExceeded

Headers: TypeAlias = dict[str, str]
"""Headers of one event or response; the values of a repeated header stand one a line."""

LINE_LIMIT = 1022
"""Most bytes of one line, without its CR LF."""
HEADER_LIMIT = 128
"""Most headers of one action, ``Action`` and ``ActionID`` included."""

_BREAKS = re.compile(r"[\r\n\0]")


def check_text(field: str, value: str) -> str:
    """Return ``value`` when it may stand in an AMI line.

    Raises:
        InvalidInput: it holds CR, LF or NUL, each of which could begin another header or
            end the line early, or it is no text that UTF-8 can carry.
    """
    if _BREAKS.search(value):
        raise InvalidInput(
            f"{field} must not contain a line break or a NUL character.", field=field, value=value
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"{field} holds half of a character (a lone surrogate).",
            field=field,
            value=value.encode("utf-8", "backslashreplace").decode(),
        ) from None
    return value


def encode_action(headers: Iterable[tuple[str, str]]) -> bytes:
    """Return an action as the bytes to write.

    Args:
        headers: names with values, ``Action`` first; a name may occur many times.

    Raises:
        InvalidInput: see :func:`check_text`; details name the header as ``field``.
        LimitExceeded: too many headers, or too long a one.
    """
    headers = list(headers)
    lines = [f"{name}: {value}" for name, value in headers]
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    # One look at the whole text: only a bad action pays for the search of the culprit.
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        _name_culprit(headers)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        _name_culprit(headers)
        raise
    if len(lines) > HEADER_LIMIT:
        raise LimitExceeded(
            f"An action can have {HEADER_LIMIT} headers, this one has {len(lines)}.",
            field="headers",
            limit=HEADER_LIMIT,
            value=len(lines),
        )
    if len(data) > LINE_LIMIT:
        for name, value in headers:
            size = len(name.encode()) + 2 + len(value.encode())
            if size > LINE_LIMIT:
                raise LimitExceeded(
                    f"{name} is too long: its line has {size} bytes, Asterisk reads {LINE_LIMIT}.",
                    field=name,
                    limit=LINE_LIMIT,
                    value=value,
                )
    return data + b"\r\n\r\n"


def _name_culprit(headers: list[tuple[str, str]]) -> None:
    for name, value in headers:
        check_text("header name", name)
        check_text(name, value)


def parse_block(block: bytes) -> Headers:
    """Return the headers of one message (its bytes without the blank line at its end)."""
    headers: Headers = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, found, value = line.partition(": ")
        if not found:
            name, found, value = line.partition(":")
            if not found:
                continue
        if name in headers:
            headers[name] += "\n" + value
        else:
            headers[name] = value
    return headers
