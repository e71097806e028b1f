r"""From a :class:`~callcamp.ports.CallOrder` to the headers of an ``Originate``.

A value of ``Variable:`` is no plain text. Asterisk (``man_do_variable_value`` in
``main/manager.c``) splits it as it splits the arguments of an application
(``__ast_app_separate_args`` in ``main/app.c``): a comma begins another ``name=value``, which
may set any variable and call any function that can be written to; a double quote is taken
out and toggles quoting; brackets nest; a backslash makes the next character plain, whatever
it is, and goes. So each of ``\ " , ( ) [ ]`` gets a backslash, and one header carries one
variable. ``${...}`` is not evaluated on this way.
"""

from __future__ import annotations

import re

from callcamp.errors import InvalidInput, LimitExceeded
from callcamp.ports import CallOrder
from callcamp.switch import is_attempt_id
from callcamp.switch.contexts import ANSWERED_CONTEXT, HANGUP_CONTEXT
from callcamp.switch.wire import Headers, check_text, encode_action

ORDER_PREFIX = "orig-"
"""An Originate's ActionID is this and the attempt id: its OriginateResponse is known by it."""

_NAME = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_CHANNEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*/[A-Za-z0-9_.+*#@:/;=?!~%-]+", re.ASCII)
_CHANNEL_BYTES = 255
_ESCAPES = str.maketrans({character: "\\" + character for character in '\\",()[]'})
_RESERVED = frozenset({"CC_ATTEMPT", "CC_RING_TIMEOUT_S", "CC_ID", "CC_FOR"})
_ROUTE = (
    ("Context", ANSWERED_CONTEXT),
    ("Exten", "s"),
    ("Priority", "1"),
    ("Async", "true"),
    ("Variable", f"CHANNEL(hangup_handler_push)={HANGUP_CONTEXT}\\,s\\,1"),
)


def order_action_id(attempt_id: str) -> str:
    """Return the ActionID of an attempt's Originate."""
    return ORDER_PREFIX + attempt_id


def ordered_attempt(headers: Headers) -> str | None:
    """Return whose Originate a message answers, by its ActionID; None when it is not ours."""
    attempt_id = headers.get("ActionID", "").removeprefix(ORDER_PREFIX)
    return attempt_id if is_attempt_id(attempt_id) else None


def variable(name: str, value: str) -> tuple[str, str]:
    """Return the header that sets one channel variable to exactly ``value``.

    Raises:
        InvalidInput: the name is not a plain variable's, or the value cannot be sent.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"{name!r} is not the name of a channel variable.", field="variables", value=name
        )
    check_text(name, value)
    return "Variable", f"{name}={value.translate(_ESCAPES)}"


def check_channel(field: str, value: str) -> str:
    """Return ``value`` when it reads like something to dial, and nothing else.

    Raises:
        InvalidInput: it does not; ``field`` names it.
    """
    if _CHANNEL.fullmatch(value) is None or len(value) > _CHANNEL_BYTES:
        raise InvalidInput(
            f"The {field} must read like PJSIP/<number>@<trunk>, without blanks, commas,"
            f" quotes or &, and have at most {_CHANNEL_BYTES} characters.",
            field=field,
            value=value,
        )
    return value


def encode_order(order: CallOrder) -> bytes:
    """Return the bytes of the Originate of one call.

    Raises:
        InvalidInput: something in the order cannot be sent; details name field and value.
    """
    attempt_id = order.attempt_id
    if not is_attempt_id(attempt_id):
        raise InvalidInput(
            "Asterisk's events could not be told from those of other calls with this attempt id.",
            field="attempt_id",
            value=attempt_id,
        )
    check_channel("channel", order.channel)
    if order.ring_timeout_s < 1:
        raise InvalidInput(
            "The ring timeout must be at least one second.",
            field="ring_timeout_s",
            value=order.ring_timeout_s,
        )
    headers = [
        ("Action", "Originate"),
        ("ActionID", ORDER_PREFIX + attempt_id),
        ("Channel", order.channel),
        ("ChannelId", attempt_id),
        ("Timeout", str(order.ring_timeout_s * 1000)),
        *_ROUTE,
        ("Variable", f"CC_ATTEMPT={attempt_id}"),
        ("Variable", f"CC_RING_TIMEOUT_S={order.ring_timeout_s}"),
    ]
    if order.caller_id is not None:
        headers.append(("CallerID", check_text("caller_id", order.caller_id)))
    for name, value in order.variables.items():
        # Leading underscores only say who inherits: "_CC_ATTEMPT" is CC_ATTEMPT too.
        if name.lstrip("_") in _RESERVED:
            raise InvalidInput(f"{name} is set by callcamp itself.", field="variables", value=name)
        headers.append(variable(name, value))
    try:
        return encode_action(headers)
    except LimitExceeded as error:
        if error.details["field"] != "Variable":
            raise
        # "Variable" would not tell which one.
        name = str(error.details["value"]).partition("=")[0]
        raise LimitExceeded(
            f"The variable {name} is too long for Asterisk: with its name and escapes it may"
            f" have {error.details['limit'] - len('Variable: ')} bytes.",
            **{**error.details, "field": name, "value": order.variables.get(name, "")},
        ) from None
