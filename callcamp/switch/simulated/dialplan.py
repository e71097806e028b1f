"""What ``dialplan/extensions_callcamp.conf`` does, without Asterisk.

The dialplan file is the master: keys of the evidence and the order of steps follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from re import fullmatch
from typing import Final

from callcamp.core.outcome import format_evidence
from callcamp.switch.simulated.callee import CalleeScript

ANSWERED: Final = "callcamp-answered"
"""Context that answered calls run through."""

HANGUP: Final = "callcamp-hangup"
"""Context of the hangup handler."""

NO_INCOMING: Final = "callcamp-no-incoming"
"""Context of the trunk's endpoint."""

QUEUE: Final = "callcamp-queue"
GIVE: Final = "callcamp-give"
LEG: Final = "callcamp-leg"
HOLD: Final = "callcamp-hold"
COMPLETE: Final = "callcamp-complete"
TRANSFER: Final = "callcamp-transfer"
AGENT: Final = "callcamp-agent"
AGENT_CALLED: Final = "callcamp-agent-called"
AGENT_UP: Final = "callcamp-agent-up"
AGENT_GONE: Final = "callcamp-agent-gone"
NO_AGENT: Final = "callcamp-no-agent"

CONTEXTS: Final = frozenset(
    (
        ANSWERED,
        HANGUP,
        NO_INCOMING,
        QUEUE,
        GIVE,
        LEG,
        HOLD,
        COMPLETE,
        TRANSFER,
        AGENT,
        AGENT_CALLED,
        AGENT_UP,
        AGENT_GONE,
        NO_AGENT,
        "callcamp-leg-left",
        "callcamp-third",
        "callcamp-unheld",
    )
)
"""All contexts of the dialplan file."""

PROMPT_S: Final = 7.5
MESSAGE_S: Final = 3.8
ANNOUNCE_S: Final = 3.0
NO_AGENT_S: Final = 6.0
_AMD_STARTS_S: Final = 0.01
_SILENCE_TWICE_S: Final = 2.0
_KEY_WAIT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is known from so many seconds after the answer on."""

    at_s: float
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Course:
    """How an answered call goes: what becomes known when, and when which side hangs up.

    With ``meets_agent`` nobody hangs up then: a person is there who is to meet an agent.
    """

    steps: tuple[Step, ...]
    ends_at_s: float
    callee_ends: bool
    meets_agent: bool = False

    def known_at(self, seconds: float) -> dict[str, str]:
        """Return the channel variables set so many seconds after the answer."""
        return {step.name: step.value for step in self.steps if step.at_s <= seconds}


def course(script: CalleeScript, variables: dict[str, str]) -> Course:
    """Return the course of an answered call through ``callcamp-answered``.

    Args:
        script: what the callee does.
        variables: the channel's variables.
    """
    steps: list[Step] = []
    at = 0.0
    is_machine = False
    if "".join(c for c in variables.get("CC_DETECT", "") if c in "01") == "1":
        at = script.amd_after_s
        is_machine = script.amd == "MACHINE"
        steps += [
            Step(_AMD_STARTS_S, "CC_AMD", "HANGUP"),  # what it says when the call ends meanwhile
            Step(at, "CC_AMD", script.amd),
            Step(at, "CC_AMD_CAUSE", script.amd_cause),
        ]
    if is_machine:
        if variables.get("CC_MACHINE_MESSAGE"):
            at = max(at, script.greeting_s) + _SILENCE_TWICE_S + MESSAGE_S
            steps.append(Step(at, "CC_PLAYED", "message"))
    elif variables.get("CC_ROUTE") in {"queue", "leg"}:
        if script.talk_s is None or script.talk_s >= at:
            return Course(tuple(steps), at, callee_ends=False, meets_agent=True)
    elif variables.get("CC_PROMPT"):
        begins, ends = at, at + PROMPT_S + _KEY_WAIT_S
        if script.keys and begins <= script.keys_after_s < ends:
            ends = script.keys_after_s
            steps.append(Step(ends, "CC_DTMF", script.keys[0]))
        at = ends
        steps.append(Step(at, "CC_PLAYED", "prompt"))
    if script.talk_s is not None and script.talk_s < at:
        return Course(tuple(steps), script.talk_s, callee_ends=True)
    return Course(tuple(steps), at, callee_ends=False)


def attempt_of(variables: dict[str, str]) -> str | None:
    """Return the attempt's id as the hangup handler takes it; None: it writes nothing."""
    attempt_id = variables.get("CC_ATTEMPT", "")
    return attempt_id if fullmatch(r"[A-Za-z0-9._-]+", attempt_id) else None


@dataclass(frozen=True, slots=True)
class CallEnd:
    """What the hangup handler finds when it runs.

    Args:
        cause: hangup cause; 0 when Asterisk has none.
        last_sip: code of the last SIP answer, also a provisional one; None: there was none.
        state: the channel's state, in Asterisk's word.
        answered_at: instant of the answer; None: never.
        ended_at: instant of the end.
        agents: what there is to say about agents, by key.
    """

    cause: int
    last_sip: int | None
    state: str
    answered_at: float | None
    ended_at: float
    agents: dict[str, str] = field(default_factory=dict)


def evidence_line(end: CallEnd, variables: dict[str, str]) -> str:
    """Write the line that ``callcamp-hangup`` writes.

    Args:
        end: how the call ended.
        variables: the channel's variables, with those of :meth:`Course.known_at`.
    """
    answered = end.answered_at is not None
    ringing = (
        "" if answered else str(int(end.state == "Ringing" or end.last_sip in range(180, 190)))
    )
    values = {
        "v": "1",
        "cause": str(end.cause),
        "tech": "" if end.last_sip is None else str(end.last_sip),
        "answered": str(int(answered)),
        "ringing": ringing,
        "amd": variables.get("CC_AMD", ""),
        "amdcause": variables.get("CC_AMD_CAUSE", ""),
        "played": variables.get("CC_PLAYED", ""),
        "dtmf": variables.get("CC_DTMF", ""),
        "answer": "" if end.answered_at is None else f"{end.answered_at:.3f}",
        "end": f"{end.ended_at:.3f}",
    }
    return format_evidence(values | end.agents)
