"""From AMI events to the facts of ``core/agent_events.py``: pure functions.

Asterisk's own events tell of queues and their members; the user events of
``dialplan/extensions_callcamp.conf`` tell what no event says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentFact,
    AgentLeft,
    AgentMissed,
    CallerLeft,
    CallerWaited,
    LegAnswered,
    LegEnded,
    LegRang,
    MemberSeen,
    PersonReached,
    ThirdLeft,
)
from callcamp.core.agents import agent_of_member
from callcamp.switch import agent_of_leg, is_attempt_id, is_leg_id
from callcamp.switch.wire import Headers

QUEUE_EVENTS = frozenset(
    {
        b"QueueMemberAdded",
        b"QueueMemberRemoved",
        b"QueueMemberStatus",
        b"QueueMemberPause",
        b"QueueCallerJoin",
        b"QueueCallerLeave",
        b"AgentCalled",
        b"AgentConnect",
        b"AgentRingNoAnswer",
    }
)
"""Names of the events of queues that :func:`translate_queue` knows, as on the wire."""

_RINGING = "5"


def translate_queue(headers: Headers, at: datetime) -> AgentFact | None:
    """Return the fact that an event of a queue states about our agents and calls."""
    name = headers.get("Event", "")
    if name.startswith("QueueMember"):
        return _member_seen(headers, at)
    attempt_id = headers.get("Uniqueid", "")
    if not is_attempt_id(attempt_id):
        return None
    if name == "QueueCallerJoin":
        return CallerWaited(attempt_id, at, headers.get("Queue", ""))
    if name == "QueueCallerLeave":
        return CallerLeft(attempt_id, at, headers.get("Queue", ""))
    channel_id = headers.get("DestUniqueid")
    agent_id = agent_of_member(headers.get("MemberName", ""))
    if name == "AgentConnect" and channel_id is not None:
        return AgentConnected(attempt_id, agent_id, at, channel_id)
    if agent_id is None:
        return None
    if name == "AgentCalled":
        return AgentCalled(attempt_id, agent_id, at, channel_id)
    if name == "AgentRingNoAnswer":
        return AgentMissed(attempt_id, agent_id, at, _milliseconds(headers.get("RingTime")))
    return None


def translate_leg(headers: Headers, at: datetime) -> AgentFact | None:
    """Return the fact that a channel's event states about a call to an agent's phone."""
    leg_id = headers.get("Uniqueid", "")
    if not is_leg_id(leg_id):
        return None
    name = headers.get("Event")
    if name == "Newstate" and headers.get("ChannelState") == _RINGING:
        return LegRang(leg_id, at)
    return LegEnded(leg_id, at) if name == "Hangup" else None


def translate_told(headers: Headers, at: datetime) -> AgentFact | None:
    """Return the fact that a user event of our dialplan states, or None: it is not about agents."""
    told = headers.get("UserEvent", "")
    if told == "CallcampLegAnswered":
        leg_id = headers.get("Leg", "")
        return LegAnswered(leg_id, at) if is_leg_id(leg_id) else None
    make = _TOLD.get(told)
    if make is None or not is_attempt_id(headers.get("Attempt", "")):
        return None
    return make(headers, at)


def _member_seen(headers: Headers, at: datetime) -> MemberSeen | None:
    agent_id = agent_of_member(headers.get("MemberName", ""))
    if agent_id is None:
        return None
    status = headers.get("Status", "")
    return MemberSeen(
        agent_id,
        at,
        headers.get("Queue", ""),
        headers.get("Interface", ""),
        int(status) if status.isdecimal() else 0,
        headers.get("Paused") == "1",
        headers["Event"] != "QueueMemberRemoved",
    )


def _called(headers: Headers, at: datetime) -> AgentFact | None:
    agent_id = agent_of_member(headers.get("Member", ""))
    channel_id = headers.get("AgentChannel") or None
    return None if agent_id is None else AgentCalled(headers["Attempt"], agent_id, at, channel_id)


def _missed(headers: Headers, at: datetime) -> AgentFact | None:
    agent_id = agent_of_member(headers.get("Member", ""))
    if agent_id is None:
        return None
    busy = headers.get("Status") in {"BUSY", "CHANUNAVAIL", "CONGESTION"}
    ring_s = 0.0 if busy else _milliseconds(headers.get("RingMs"))
    return AgentMissed(headers["Attempt"], agent_id, at, ring_s)


def _connected(headers: Headers, at: datetime) -> AgentFact | None:
    channel_id = headers.get("AgentChannel", "")
    if not channel_id:
        return None
    agent_id = agent_of_member(headers.get("Member", ""))
    return AgentConnected(headers["Attempt"], agent_id, at, channel_id)


def _left(headers: Headers, at: datetime) -> AgentFact | None:
    channel_id = headers.get("AgentChannel") or None
    agent_id = agent_of_member(headers.get("Member", ""))
    if agent_id is None and channel_id is not None:
        agent_id = agent_of_leg(channel_id)
    return AgentLeft(headers["Attempt"], agent_id, at, channel_id)


def _third_left(headers: Headers, at: datetime) -> AgentFact | None:
    channel_id = headers.get("AgentChannel", "")
    return ThirdLeft(headers["Attempt"], at, channel_id) if channel_id else None


_TOLD: dict[str, Callable[[Headers, datetime], AgentFact | None]] = {
    "CallcampPerson": lambda headers, at: PersonReached(headers["Attempt"], at),
    "CallcampSeeks": lambda headers, at: CallerWaited(
        headers["Attempt"], at, headers.get("Queue", ""), announced=True
    ),
    "CallcampAgentCalled": _called,
    "CallcampAgentMissed": _missed,
    "CallcampAgentConnected": _connected,
    "CallcampAgentLeft": _left,
    "CallcampAskedGone": _third_left,
}


def _milliseconds(text: str | None) -> float:
    return int(text) / 1000 if text is not None and text.isascii() and text.isdigit() else 0.0
