"""One simulated channel: its state, and how events describe it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from callcamp.switch.simulated.callee import CalleeScript
from callcamp.switch.simulated.dialplan import NO_INCOMING, Course

Pairs = list[tuple[str, str]]
"""Headers of an event."""

Respond = Callable[[bool, str], None]
"""Answers an action: whether it went well, and the words."""

DOWN: Final = ("0", "Down")
RINGING: Final = ("5", "Ringing")
UP: Final = ("6", "Up")
_UNKNOWN: Final = "<unknown>"

CAUSE_OF_SIP: Final = {
    **dict.fromkeys((401, 403, 407, 603), 21),
    **dict.fromkeys((404, 485, 604), 1),
    **dict.fromkeys((486, 600), 17),
    **dict.fromkeys((488, 606), 58),
    **dict.fromkeys((482, 483), 25),
    **dict.fromkeys((500, 502), 38),
    408: 18,
    409: 41,
    410: 22,
    480: 19,
    484: 28,
    503: 34,
}
"""Asterisk's hangup cause for a final SIP answer; 127 for all others."""

CAUSE_TEXT: Final = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    21: "Call Rejected",
    22: "Number changed",
    25: "Exchange routing error",
    28: "Invalid number format",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    41: "Temporary failure",
    58: "Bearer capability not available",
    127: "Interworking, unspecified",
}
"""What ``Cause-txt`` says."""

DIAL_STATUS: Final = {17: "BUSY", 34: "CONGESTION"}
"""``DialStatus`` of an unanswered call by cause; NOANSWER for all others."""


@dataclass(frozen=True, slots=True)
class Order:
    """What an Originate asks for."""

    channel: str
    number: str
    trunk: str
    timeout_s: float
    context: str
    exten: str
    action_id: str
    caller_name: str
    caller_number: str
    is_async: bool
    respond: Respond


@dataclass(slots=True, eq=False)
class Call:
    """A channel. ``random`` decides on orders of events and is the call's own."""

    uniqueid: str
    name: str
    order: Order
    script: CalleeScript
    random: Random
    created_at: float
    variables: dict[str, str] = field(default_factory=dict)
    handlers: list[str] = field(default_factory=list)
    state: tuple[str, str] = DOWN
    last_sip: int | None = None
    answered_at: float | None = None
    course: Course | None = None
    ended: bool = False

    def snapshot(self, context: str = NO_INCOMING, priority: str = "1", prefix: str = "") -> Pairs:
        """Return the headers that describe the channel in most events."""
        name = self.order.caller_name or _UNKNOWN
        number = self.order.caller_number or _UNKNOWN
        return [
            (f"{prefix}Channel", self.name),
            (f"{prefix}ChannelState", self.state[0]),
            (f"{prefix}ChannelStateDesc", self.state[1]),
            (f"{prefix}CallerIDNum", number),
            (f"{prefix}CallerIDName", name),
            (f"{prefix}ConnectedLineNum", number),
            (f"{prefix}ConnectedLineName", name),
            (f"{prefix}Language", "en"),
            (f"{prefix}AccountCode", ""),
            (f"{prefix}Context", context),
            (f"{prefix}Exten", "s"),
            (f"{prefix}Priority", priority),
            (f"{prefix}Uniqueid", self.uniqueid),
            (f"{prefix}Linkedid", self.uniqueid),
        ]

    def newborn(self) -> Pairs:
        """Return the headers of Newchannel: the caller's number is not set yet."""
        hidden = {"CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName"}
        return [(k, _UNKNOWN if k in hidden else v) for k, v in self.snapshot()]


def originate_response(order: Order, uniqueid: str, channel: str, reason: int) -> Pairs:
    """Return the headers of an OriginateResponse; reason 4 is the one that says Success."""
    return [
        ("ActionID", order.action_id),
        ("Response", "Success" if reason == 4 else "Failure"),
        ("Channel", channel),
        ("Context", order.context),
        ("Exten", order.exten),
        ("Reason", str(reason)),
        ("Uniqueid", uniqueid),
        ("CallerIDNum", order.caller_number or _UNKNOWN),
        ("CallerIDName", order.caller_name or _UNKNOWN),
    ]
