"""From AMI events to the facts of ``core/events.py`` and ``core/agent_events.py``: pure."""

from __future__ import annotations

import re
from datetime import datetime

from callcamp.core.agent_events import AgentFact, LegEnded
from callcamp.core.events import (
    CallAnswered,
    CallCreated,
    CallEnded,
    CallEvent,
    CallRang,
    EvidenceSeen,
    OriginateEnded,
)
from callcamp.core.outcome import Evidence, parse_evidence
from callcamp.switch import is_attempt_id
from callcamp.switch.legs import ordered_leg
from callcamp.switch.orders import ordered_attempt
from callcamp.switch.translate_agents import (
    QUEUE_EVENTS,
    translate_leg,
    translate_queue,
    translate_told,
)
from callcamp.switch.wire import Headers

WANTED_EVENTS = (
    frozenset(
        {b"Newchannel", b"Newstate", b"DialEnd", b"OriginateResponse", b"Hangup", b"UserEvent"}
    )
    | QUEUE_EVENTS
)
"""Names of the events that :func:`translate` knows, as they stand on the wire."""

_RINGING = "5"
_UP = "6"
_SIP_CODE = re.compile(r"\b[2-6][0-9]{2}\b", re.ASCII)


def translate(headers: Headers, at: datetime) -> CallEvent | AgentFact | None:
    """Return the fact that an AMI event states about an attempt or an agent of ours.

    Args:
        headers: the event.
        at: when it was read.

    Returns:
        The fact, or None when the event says nothing about them, or nothing of use.
    """
    name = headers.get("Event")
    if name == "OriginateResponse":
        return _originate_ended(headers, at)
    if name == "UserEvent":
        return _reported(headers, at)
    if name is not None and name.startswith(("Queue", "Agent")):
        return translate_queue(headers, at)
    # A DialEnd has no calling channel here: the attempt is the one that was dialled.
    attempt_id = headers.get("DestUniqueid" if name == "DialEnd" else "Uniqueid", "")
    if not is_attempt_id(attempt_id):
        return translate_leg(headers, at)
    if name == "Newchannel":
        return CallCreated(attempt_id, at)
    if name == "Newstate":
        state = headers.get("ChannelState")
        if state == _RINGING:
            return CallRang(attempt_id, at)
        return CallAnswered(attempt_id, at) if state == _UP else None
    if name == "DialEnd":
        status = headers.get("DialStatus")
        return EvidenceSeen(attempt_id, at, Evidence(dial_status=status)) if status else None
    if name == "Hangup":
        evidence = Evidence(cause=_number(headers.get("Cause")), sip_code=_sip_code(headers))
        return CallEnded(attempt_id, at, evidence)
    return None


def _originate_ended(headers: Headers, at: datetime) -> CallEvent | AgentFact | None:
    # Never by Uniqueid: for a second Originate with a live channel's id that is the live call.
    attempt_id = ordered_attempt(headers)
    success = headers.get("Response") == "Success"
    if attempt_id is None:
        leg_id = ordered_leg(headers)
        return None if success or leg_id is None else LegEnded(leg_id, at)
    return OriginateEnded(attempt_id, at, success, _number(headers.get("Reason")) or 0)


def _reported(headers: Headers, at: datetime) -> CallEvent | AgentFact | None:
    attempt_id = headers.get("Attempt", "")
    if headers.get("UserEvent") != "CallcampEnded":
        return translate_told(headers, at)
    if not is_attempt_id(attempt_id):
        return None
    return EvidenceSeen(attempt_id, at, parse_evidence(headers.get("Evidence", "")))


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _sip_code(headers: Headers) -> int | None:
    found = _SIP_CODE.search(headers.get("TechCause", ""))
    return None if found is None else int(found[0])
