"""Calls to agents' phones: from a :class:`~callcamp.ports.switchboard.LegOrder` to an Originate."""

from __future__ import annotations

import re

from callcamp.errors import InvalidInput
from callcamp.ports.switchboard import LegOrder
from callcamp.switch import is_leg_id
from callcamp.switch.contexts import AGENT_CONTEXT, GONE_CONTEXT
from callcamp.switch.orders import ORDER_PREFIX, check_channel, variable
from callcamp.switch.wire import Headers, check_text, encode_action

_SPIED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}", re.ASCII)
_ALLOWED = frozenset({"CC_LEG_DO"})
_DO = frozenset({"wait", "echo"})
# The phone of an agent who is expecting a call may answer by itself; what it does with these
# headers is set in the phone.
_AUTO_ANSWER = (
    ("Variable", r"PJSIP_HEADER(add\,Call-Info)=<sip:callcamp>\;answer-after=0"),
    ("Variable", r"PJSIP_HEADER(add\,Alert-Info)=<http://callcamp>\;info=alert-autoanswer"),
)


def leg_action_id(leg_id: str) -> str:
    """Return the ActionID of a leg's Originate."""
    return ORDER_PREFIX + leg_id


def ordered_leg(headers: Headers) -> str | None:
    """Return which leg's Originate a message answers, by its ActionID; None: no leg's."""
    leg_id = headers.get("ActionID", "").removeprefix(ORDER_PREFIX)
    return leg_id if is_leg_id(leg_id) else None


def encode_leg(order: LegOrder) -> bytes:
    """Return the bytes of the Originate of one call to an agent's phone.

    Raises:
        InvalidInput: something in the order cannot be sent; details name field and value.
    """
    if not is_leg_id(order.leg_id):
        raise InvalidInput("This is no leg id.", field="leg_id", value=order.leg_id)
    check_channel("interface", order.interface)
    if order.ring_timeout_s < 1:
        raise InvalidInput(
            "The ring timeout must be at least one second.",
            field="ring_timeout_s",
            value=order.ring_timeout_s,
        )
    headers = [
        ("Action", "Originate"),
        ("ActionID", leg_action_id(order.leg_id)),
        ("Channel", order.interface),
        ("ChannelId", order.leg_id),
        ("Timeout", str(order.ring_timeout_s * 1000)),
        ("Context", AGENT_CONTEXT),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Async", "true"),
        ("CallerID", check_text("caller_id", order.caller_id)),
        ("Variable", f"CHANNEL(hangup_handler_push)={GONE_CONTEXT}\\,s\\,1"),
        ("Variable", f"CC_LEG_ID={order.leg_id}"),
        *_AUTO_ANSWER,
        *_task(order),
    ]
    return encode_action(headers)


def _task(order: LegOrder) -> list[tuple[str, str]]:
    for name, value in order.variables.items():
        if name not in _ALLOWED or value not in _DO:
            raise InvalidInput(
                "A leg takes only the variable CC_LEG_DO, wait or echo.",
                field="variables",
                value=f"{name}={value}",
            )
    if order.spy_on is None:
        return [variable("CC_LEG_DO", order.variables.get("CC_LEG_DO", "wait"))]
    if order.spy_mode is None or _SPIED.fullmatch(order.spy_on) is None:
        raise InvalidInput(
            "Whoever listens needs the id of a channel and a mode.",
            field="spy_on",
            value=order.spy_on,
        )
    return [
        variable("CC_LEG_DO", "spy"),
        variable("CC_SPY_ON", order.spy_on),
        variable("CC_SPY_MODE", order.spy_mode.value),
    ]
