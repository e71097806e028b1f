"""AMI actions on the session and on calls. Words and headers are Asterisk 22's."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import Final

from callcamp.switch.simulated.asked import Asked, Refusal
from callcamp.switch.simulated.call import Call, Order
from callcamp.switch.simulated.dialplan import CONTEXTS
from callcamp.switch.simulated.wire import variables_of

_ASSIGNED_ID_LIMIT = 149
_CALLER_ID: Final = re.compile(r'\s*"?([^"<]*?)"?\s*<([^>]*)>\s*')


def login(asked: Asked) -> bool:
    """Check name and secret, or name and answer to the challenge; return whether they fit."""
    desk, action = asked.desk, asked.action
    if action.get("AuthType").upper() == "MD5":
        text = asked.session.challenge + desk.secret
        expected = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        fits = bool(asked.session.challenge) and action.get("Key") == expected
    else:
        given = action.get("Secret").encode("utf-8", "surrogateescape")
        fits = hmac.compare_digest(given, desk.secret.encode())
    return fits and action.get("Username") == desk.username


def challenge(asked: Asked) -> None:
    """Give a challenge for a log-in by MD5."""
    if asked.action.get("AuthType").upper() != "MD5":
        raise Refusal("Must specify AuthType")
    asked.session.challenge = str(secrets.randbelow(10**9))
    asked.answer("Success", ("Challenge", asked.session.challenge))


def ping(asked: Asked) -> None:
    """Answer Pong."""
    # The real clock, whatever the speed: nobody's clock runs ahead of the other's.
    asked.answer("Success", ("Ping", "Pong"), ("Timestamp", f"{time.time():.6f}"))


def events(asked: Asked) -> None:
    """Switch the events of this session on or off."""
    is_on = asked.action.get("EventMask").lower() not in {"off", "no", "false"}
    asked.session.wants_events = is_on
    asked.answer("Success", ("Events", "On" if is_on else "Off"))


def originate(asked: Asked) -> None:
    """Place a call."""
    action, desk = asked.action, asked.desk
    channel, channel_id = action.get("Channel"), action.get("ChannelId")
    priority, timeout = action.get("Priority") or "1", action.get("Timeout") or "30000"
    context, exten = action.get("Context"), action.get("Exten")
    technology, slash, rest = channel.partition("/")
    number, _, trunk = rest.partition("@") if "@" in rest else ("", "", rest)
    checks = (
        (not channel, "Channel not specified"),
        (len(channel_id) > _ASSIGNED_ID_LIMIT, "Uniqueid length exceeds maximum of 149\n"),
        (not priority.isdecimal(), "Invalid priority"),
        (not timeout.isdecimal(), "Invalid timeout"),
        (not slash, "Invalid channel"),
        (bool(exten) and context not in CONTEXTS - desk.lacks, "Extension does not exist."),
    )
    for is_wrong, words in checks:
        if is_wrong:
            raise Refusal(words)
    caller = _CALLER_ID.fullmatch(action.get("CallerID"))
    order = Order(
        channel=channel,
        number=number,
        trunk=trunk,
        timeout_s=int(timeout) / 1000,
        context=context,
        exten=exten,
        action_id=action.get("ActionID"),
        caller_name=caller[1] if caller else "",
        caller_number=caller[2] if caller else action.get("CallerID"),
        is_async=action.get("Async").lower() in {"true", "yes", "1", "y", "t", "on"},
        respond=lambda good, words: asked.answer(
            "Success" if good else "Error", ("Message", words)
        ),
    )
    is_there = desk.has_trunk(trunk) if number else desk.phones.script(channel) is not None
    exists = technology.upper() == "PJSIP" and is_there
    desk.exchange.place(order, channel_id, variables_of(action), exists=exists)


def channel_of(asked: Asked) -> Call:
    """Return the channel that an action names.

    Raises:
        Refusal: there is none.
    """
    call = asked.desk.exchange.find(asked.action.get("Channel"))
    if call is None:
        raise Refusal("No such channel")
    return call


def hangup(asked: Asked) -> None:
    """End a call."""
    if not asked.action.get("Channel"):
        raise Refusal("No channel specified")
    call = channel_of(asked)
    cause = asked.action.get("Cause")
    asked.succeed("Channel Hungup")
    asked.desk.exchange.end(call, int(cause) if cause.isdecimal() else 0)


def setvar(asked: Asked) -> None:
    """Set a variable of a channel."""
    name, value = asked.action.get("Variable"), asked.action.get("Value")
    if not name:
        raise Refusal("No variable specified")
    if asked.action.get("Channel"):
        asked.desk.variables.set(channel_of(asked), name, value)
    else:
        asked.desk.variables.globals[name] = value
    asked.succeed("Variable Set")


def getvar(asked: Asked) -> None:
    """Read a variable of a channel."""
    name = asked.action.get("Variable")
    if not name:
        raise Refusal("No variable specified")
    call = channel_of(asked) if asked.action.get("Channel") else None
    value = asked.desk.variables.read(call, name)
    asked.answer("Success", ("Variable", name), ("Value", value))
