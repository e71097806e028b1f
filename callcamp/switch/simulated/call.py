"""One simulated channel: its state, and how events describe it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from callcamp.switch.simulated.callee import CalleeScript
from callcamp.switch.simulated.dialplan import NO_INCOMING, Course
from callcamp.switch.simulated.timeline import Timer

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
    26: "Answered elsewhere",
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


class Over(StrEnum):
    """Why what a channel does is over: it was hung up, or sent to another context."""

    HUNG_UP = "hung_up"
    SENT_AWAY = "sent_away"


def _nothing(_over: Over) -> None:
    return


@dataclass(slots=True, eq=False)
class Activity:
    """What an answered channel does.

    Args:
        app: the application, as CoreShowChannels shows it.
        data: its argument.
        stop: called once when something else ends it.
        resume: what the channel does after a talk into which somebody else's Bridge took it
            from here; None: it is hung up.
    """

    app: str
    data: str = ""
    stop: Callable[[Over], None] = _nothing
    resume: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Dialled:
    """Who dialled a channel that no Originate made, and wants to know how that goes.

    Args:
        by: the channel that dials.
        answered: called when it is answered; the channel's activity is then the caller's task.
        failed: called with the DialStatus when it is over without an answer.
    """

    by: Call
    answered: Callable[[Call], None]
    failed: Callable[[Call, str], None]


@dataclass(slots=True, eq=False)
class Call:
    """A channel. ``random`` decides on orders of events and is the call's own.

    Attributes:
        number: what was dialled; empty: an endpoint's own phone.
        endpoint: over which endpoint.
        interface: the phone that it is a call to; empty: not an agent's phone.
        order: the Originate that made it.
        dialled: who else made it.
        linkedid: the first channel of all that it belongs to.
        context: where in the dialplan it is, once answered.
        activity: what it does there.
        peer: whom it talks to.
        leaves: when its far end hangs up.
        has_talked: whether it has ever talked to anybody.
        shared: what ``SHARED()`` keeps for it.
        spies: channels that listen to it; they end with it.
    """

    uniqueid: str
    name: str
    number: str
    endpoint: str
    script: CalleeScript
    random: Random
    created_at: float
    interface: str = ""
    order: Order | None = None
    dialled: Dialled | None = None
    caller_name: str = ""
    caller_number: str = ""
    linkedid: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    handlers: list[str] = field(default_factory=list)
    state: tuple[str, str] = DOWN
    last_sip: int | None = None
    answered_at: float | None = None
    course: Course | None = None
    context: str = NO_INCOMING
    activity: Activity | None = None
    peer: Call | None = None
    leaves: Timer | None = None
    has_talked: bool = False
    shared: dict[str, str] = field(default_factory=dict)
    spies: list[Call] = field(default_factory=list)
    ended: bool = False

    def snapshot(self, context: str = "", priority: str = "1", prefix: str = "") -> Pairs:
        """Return the headers that describe the channel in most events."""
        name = self.caller_name or _UNKNOWN
        number = self.caller_number or _UNKNOWN
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
            (f"{prefix}Context", context or self.context),
            (f"{prefix}Exten", "s"),
            (f"{prefix}Priority", priority),
            (f"{prefix}Uniqueid", self.uniqueid),
            (f"{prefix}Linkedid", self.linkedid or self.uniqueid),
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
