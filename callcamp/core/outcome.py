"""From evidence to disposition: how a call ended, whose doing it was, and what it means.

Sources: ITU-T Q.850 (hangup causes), RFC 3261 and RFC 3398 section 7.2.4.1 (SIP codes and
their causes), Asterisk ``AMD()`` (AMDSTATUS). The measured pairs of Asterisk 22 with PJSIP
are in ``docs/outcomes.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from math import isfinite
from operator import attrgetter
from urllib.parse import parse_qsl, urlencode


class Fault(StrEnum):
    """Whose doing it was that a call ended as it did."""

    NOBODY = "nobody"
    CALLEE = "callee"
    NUMBER = "number"
    NETWORK = "network"
    CALLCAMP = "callcamp"


class Disposition(StrEnum):
    """How an attempt ended. The set is closed; see :data:`MEANING`."""

    ANSWERED_PERSON = "answered_person"
    VOICEMAIL = "voicemail"
    HUNG_UP = "hung_up"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    INVALID_NUMBER = "invalid_number"
    CONGESTION = "congestion"
    TIMEOUT = "timeout"
    ABANDONED = "abandoned"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a disposition means.

    Args:
        text: the disposition in words.
        fault: whose doing it was.
        retryable: whether another attempt is sensible at all.
        answered: whether the far end picked up.
        technical: the contact counts as failed, not as tried, when this was its last end.
    """

    text: str
    fault: Fault
    retryable: bool
    answered: bool = False
    technical: bool = False


MEANING: dict[Disposition, Meaning] = {
    Disposition.ANSWERED_PERSON: Meaning("answered by a person", Fault.NOBODY, False, True),
    Disposition.VOICEMAIL: Meaning("answered by a machine", Fault.NOBODY, True, True),
    Disposition.HUNG_UP: Meaning(
        "answered and hung up before anything could be said", Fault.CALLEE, True, True
    ),
    Disposition.BUSY: Meaning("busy", Fault.CALLEE, True),
    Disposition.NO_ANSWER: Meaning("rang, nobody answered", Fault.CALLEE, True),
    Disposition.REJECTED: Meaning("declined or forbidden by the far end", Fault.CALLEE, True),
    Disposition.UNAVAILABLE: Meaning("temporarily not reachable", Fault.CALLEE, True),
    Disposition.INVALID_NUMBER: Meaning(
        "the number does not exist", Fault.NUMBER, False, technical=True
    ),
    Disposition.CONGESTION: Meaning("no line free on the way", Fault.NETWORK, True, technical=True),
    Disposition.TIMEOUT: Meaning(
        "no reaction from the far end or the carrier", Fault.NETWORK, True, technical=True
    ),
    Disposition.ABANDONED: Meaning(
        "answered by a person, nobody was free", Fault.CALLCAMP, True, True
    ),
    Disposition.FAILED: Meaning("technical failure", Fault.NETWORK, True, technical=True),
    Disposition.UNKNOWN: Meaning(
        "may have been called, the result was never learnt", Fault.CALLCAMP, False, technical=True
    ),
}
"""The meaning of every disposition."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a call's end; every field may be missing.

    Args:
        cause: Q.850 hangup cause (0 when Asterisk gave none).
        sip_code: last SIP status code (``TechCause``), e.g. 486; one below 200 on a call
            that was not answered means that we gave up.
        dial_status: Asterisk's DialStatus, e.g. ``BUSY``.
        originate_reason: reason of OriginateResponse (3: our ring timeout).
        answered: whether the far end picked up.
        rang: whether ringing or early media was seen (None: cannot be known).
        amd_status: ``AMD()``'s verdict: HUMAN, MACHINE, NOTSURE or HANGUP.
        amd_cause: ``AMD()``'s reason, e.g. ``MAXWORDS-3-2``.
        played: ``prompt`` or ``message`` when one was played to its end.
        dtmf: keys that the callee pressed.
        ring_s: seconds from dialling to answer or end.
        talk_s: seconds from answer to end.
        ended_epoch_s: when the hangup handler ran, seconds since 1970 by Asterisk's clock.
        agent: the queue member's name of the agent who got the call.
        agents: the names of all who talked, in order, with blanks between.
        waited_s: seconds for which a person waited for an agent, from the end of the greeting
            (or from the answer, where that counts) to the agent or to the end.
        abandoned: whether the person was given up because nobody was free.
        detail: why, in a word, when callcamp itself ended the attempt, e.g.
            ``switch_restarted``.
    """

    cause: int | None = None
    sip_code: int | None = None
    dial_status: str | None = None
    originate_reason: int | None = None
    answered: bool | None = None
    rang: bool | None = None
    amd_status: str | None = None
    amd_cause: str | None = None
    played: str | None = None
    dtmf: str | None = None
    ring_s: float | None = None
    talk_s: float | None = None
    ended_epoch_s: float | None = None
    agent: str | None = None
    agents: str | None = None
    waited_s: float | None = None
    abandoned: bool | None = None
    detail: str | None = None

    def merged(self, other: Evidence) -> Evidence:
        """Return the union; what ``other`` knows wins, what it does not know stays."""
        pairs = zip(_known(self), _known(other), strict=True)
        return Evidence(*[mine if theirs is None else theirs for mine, theirs in pairs])

    def as_dict(self) -> dict[str, str | int | float | bool]:
        """Return only what is known, for the store."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


_known = attrgetter(*(f.name for f in fields(Evidence)))


ABANDONED_AFTER_S = 2.0
"""A person who hangs up sooner than this without an agent was not abandoned.

Source: 16 CFR 310.4(b)(4)(ii), Ofcom's statement of 2016: two seconds from the greeting's end.
"""


def classify(evidence: Evidence, *, ring_timeout_s: float) -> Disposition:
    """Return how the call ended.

    Args:
        evidence: all that was learnt about the call.
        ring_timeout_s: the ring timeout of the attempt, in seconds; without the reason of
            OriginateResponse (a result from the outbox) only the time rung can tell our own
            time-out from a real 480.
    """
    if evidence.answered:
        return _classify_answered(evidence)
    if gave_up(evidence, ring_timeout_s=ring_timeout_s):
        return Disposition.TIMEOUT if evidence.rang is False else Disposition.NO_ANSWER
    if evidence.sip_code is not None and evidence.sip_code in _BY_SIP:
        return _BY_SIP[evidence.sip_code]
    if evidence.cause is not None and evidence.cause in _BY_CAUSE:
        return _BY_CAUSE[evidence.cause]
    if evidence.dial_status is not None and evidence.dial_status in _BY_DIAL_STATUS:
        return _BY_DIAL_STATUS[evidence.dial_status]
    return Disposition.FAILED


def gave_up(evidence: Evidence, *, ring_timeout_s: float) -> bool:
    """Tell whether it was us who ended a call that was not answered; see :func:`classify`."""
    if evidence.originate_reason is not None:
        return evidence.originate_reason == 3
    if evidence.sip_code is not None and evidence.sip_code < 200:
        return True
    rang_out = evidence.ring_s is not None and evidence.ring_s >= ring_timeout_s - 0.75
    if evidence.sip_code is None and evidence.rang is False:
        return evidence.cause in {None, 0, 16, 18, 19, 127} or rang_out
    return rang_out and evidence.cause in {18, 19}


def _classify_answered(evidence: Evidence) -> Disposition:
    if evidence.agent is not None:
        return Disposition.ANSWERED_PERSON
    if evidence.amd_status == "MACHINE":
        return Disposition.VOICEMAIL
    if evidence.waited_s is not None:
        patience_over = evidence.abandoned or evidence.waited_s >= ABANDONED_AFTER_S
        return Disposition.ABANDONED if patience_over else Disposition.HUNG_UP
    if evidence.amd_status in {"HUMAN", "NOTSURE"} or evidence.played is not None:
        return Disposition.ANSWERED_PERSON
    if evidence.amd_status == "HANGUP" or evidence.talk_s is None or evidence.talk_s < 1.0:
        return Disposition.HUNG_UP
    return Disposition.ANSWERED_PERSON


_D = Disposition
_BY_SIP: dict[int, Disposition] = {
    **dict.fromkeys((486, 600), _D.BUSY),
    **dict.fromkeys((401, 403, 407, 603, 607, 608), _D.REJECTED),
    **dict.fromkeys((404, 410, 484, 485, 604), _D.INVALID_NUMBER),
    **dict.fromkeys((480,), _D.UNAVAILABLE),
    **dict.fromkeys((408, 504), _D.TIMEOUT),
    **dict.fromkeys((503,), _D.CONGESTION),
    **dict.fromkeys((487,), _D.NO_ANSWER),
    **dict.fromkeys((400, 405, 415, 420, 481, 482, 483, 488, 500, 501, 502, 606), _D.FAILED),
}
_BY_CAUSE: dict[int, Disposition] = {
    **dict.fromkeys((1, 2, 3, 22, 28), _D.INVALID_NUMBER),
    17: _D.BUSY,
    18: _D.TIMEOUT,
    **dict.fromkeys((19,), _D.NO_ANSWER),
    20: _D.UNAVAILABLE,
    **dict.fromkeys((21, 57, 87), _D.REJECTED),
    **dict.fromkeys((27, 31), _D.UNAVAILABLE),
    **dict.fromkeys((34, 38, 41, 42, 43, 44, 47), _D.CONGESTION),
    102: _D.TIMEOUT,
}
_BY_DIAL_STATUS: dict[str, Disposition] = {
    "BUSY": _D.BUSY,
    "NOANSWER": _D.NO_ANSWER,
    "CONGESTION": _D.CONGESTION,
    "CHANUNAVAIL": _D.FAILED,
}


def parse_evidence(text: str) -> Evidence:
    """Read the line that the hangup handler of ``dialplan/`` writes.

    It is a query string (``cause=16&tech=&answered=1&amd=HUMAN&…``), see
    ``dialplan/extensions_callcamp.conf``. What is missing or unreadable is not known.
    """
    raw = dict(parse_qsl(text, keep_blank_values=False))

    def number(key: str) -> float | None:
        try:
            value = float(raw[key])
        except (KeyError, ValueError):
            return None
        return value if isfinite(value) else None

    def flag(key: str) -> bool | None:
        return {"1": True, "0": False}.get(raw.get(key, ""))

    start, answer, end = number("start"), number("answer"), number("end")
    cause, sip = number("cause"), number("tech")
    stop = answer if answer is not None else end
    return Evidence(
        cause=None if cause is None else int(cause),
        sip_code=None if sip is None else int(sip),
        answered=flag("answered"),
        rang=flag("ringing"),
        amd_status=raw.get("amd"),
        amd_cause=raw.get("amdcause"),
        played=raw.get("played"),
        dtmf=raw.get("dtmf"),
        agent=raw.get("agent"),
        waited_s=number("waited"),
        abandoned=flag("abandoned"),
        ring_s=None if start is None or stop is None else max(0.0, stop - start),
        talk_s=None if answer is None or end is None else max(0.0, round(end - answer, 3)),
        ended_epoch_s=end,
    )


def format_evidence(values: dict[str, str]) -> str:
    """Write a hangup handler's line; the simulated switch uses it to speak as Asterisk does."""
    return urlencode(values)
