"""Agents: what they are, the states they work through, and what is known of them live.

All are frozen values. Instants are aware UTC; durations carry their unit in the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callcamp.core.states import Machine

MEMBER_PREFIX = "cc-agent-"
"""How the name of every queue member of ours begins; the agent's id follows."""

MISSED_CALL = "missed a call"
"""Reason of the pause after a call that the agent's phone did not answer; reports count it."""


class PhoneKind(StrEnum):
    """How an agent is reached.

    ``sip`` is a phone that is registered as a PJSIP endpoint, ``browser`` is the phone of the
    agent page (a PJSIP endpoint as well), ``external`` is a number that is called over a trunk.
    """

    SIP = "sip"
    BROWSER = "browser"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class AgentPhone:
    """Where an agent is called.

    Args:
        kind: see :class:`PhoneKind`.
        address: PJSIP endpoint name, or the E.164 number of an external phone.
        trunk_id: the trunk over which an external number is called.
    """

    kind: PhoneKind
    address: str
    trunk_id: int | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who talks to contacts.

    Args:
        id: number in the store.
        name: the name of the agent's account, if people have accounts; lower case letters,
            digits, ``.``, ``_`` and ``-``, at most 64.
        phone: where the agent is called.
        active: whether the agent may log in.
        display_name: shown to people.
    """

    id: int
    name: str
    phone: AgentPhone
    active: bool = True
    display_name: str = ""

    @property
    def member(self) -> str:
        """The agent's name as a member of Asterisk's queues."""
        return f"{MEMBER_PREFIX}{self.id}"


def agent_of_member(member: str) -> int | None:
    """Return the id of the agent who is this queue member, or None: it is not one of ours."""
    digits = member.removeprefix(MEMBER_PREFIX)
    known = digits != member and digits.isascii() and digits.isdigit() and len(digits) < 19
    return int(digits) if known else None


def agents_in_order(members: str) -> list[int]:
    """Return the ids of agents from queue members' names with blanks between."""
    return [known for one in members.split() if (known := agent_of_member(one)) is not None]


def and_agent(members: str, agent_id: int) -> str:
    """Return members' names with one more agent; who is the last already stays so."""
    ids = agents_in_order(members)
    if ids[-1:] != [agent_id]:
        ids.append(agent_id)
    return " ".join(f"{MEMBER_PREFIX}{each}" for each in ids)


class AgentState(StrEnum):
    """What an agent does.

    ``ready`` waits for a call. ``previewing`` is offered a contact before it is dialled.
    ``ringing`` is being called. ``dialing`` is on the line while the contact is called.
    ``wrap_up`` notes the result of the call. ``paused`` is logged in and takes no calls.
    """

    OFFLINE = "offline"
    READY = "ready"
    PREVIEWING = "previewing"
    RINGING = "ringing"
    DIALING = "dialing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


class AgentEvent(StrEnum):
    """What can happen to an agent.

    ``offered``: a contact to preview. ``declined``: the agent skipped it, or it was withdrawn.
    ``rang``: the agent's phone rings. ``missed``: it was not answered. ``picked_up``: the agent
    is on the line and the contact is called. ``connected``: agent and contact talk. ``freed``:
    the call is gone before they talked. ``hung_up``: their talk is over. ``wrapped_up``: its
    result is noted, or the time for it is over.
    """

    LOGGED_IN = "logged_in"
    LOGGED_OUT = "logged_out"
    READIED = "readied"
    PAUSED = "paused"
    OFFERED = "offered"
    DECLINED = "declined"
    RANG = "rang"
    MISSED = "missed"
    PICKED_UP = "picked_up"
    CONNECTED = "connected"
    FREED = "freed"
    HUNG_UP = "hung_up"
    WRAPPED_UP = "wrapped_up"


_S, _E = AgentState, AgentEvent
AGENT: Machine[AgentState, AgentEvent] = Machine(
    "agent",
    _S.OFFLINE,
    {
        (_S.OFFLINE, _E.LOGGED_IN): _S.PAUSED,
        (_S.PAUSED, _E.READIED): _S.READY,
        (_S.WRAP_UP, _E.READIED): _S.READY,
        (_S.READY, _E.PAUSED): _S.PAUSED,
        (_S.WRAP_UP, _E.PAUSED): _S.PAUSED,
        (_S.PREVIEWING, _E.PAUSED): _S.PAUSED,
        (_S.RINGING, _E.PAUSED): _S.PAUSED,
        (_S.DIALING, _E.PAUSED): _S.PAUSED,
        (_S.PAUSED, _E.PAUSED): _S.PAUSED,
        (_S.READY, _E.OFFERED): _S.PREVIEWING,
        (_S.PREVIEWING, _E.DECLINED): _S.READY,
        (_S.PREVIEWING, _E.RANG): _S.RINGING,
        (_S.PREVIEWING, _E.PICKED_UP): _S.DIALING,
        (_S.READY, _E.RANG): _S.RINGING,
        (_S.READY, _E.PICKED_UP): _S.DIALING,
        (_S.RINGING, _E.MISSED): _S.PAUSED,
        (_S.RINGING, _E.FREED): _S.READY,
        (_S.RINGING, _E.PICKED_UP): _S.DIALING,
        (_S.DIALING, _E.FREED): _S.READY,
        (_S.DIALING, _E.MISSED): _S.PAUSED,
        (_S.READY, _E.CONNECTED): _S.TALKING,
        (_S.RINGING, _E.CONNECTED): _S.TALKING,
        (_S.DIALING, _E.CONNECTED): _S.TALKING,
        (_S.PAUSED, _E.CONNECTED): _S.TALKING,
        (_S.WRAP_UP, _E.CONNECTED): _S.TALKING,
        (_S.TALKING, _E.HUNG_UP): _S.WRAP_UP,
        (_S.WRAP_UP, _E.WRAPPED_UP): _S.READY,
        **{(state, _E.LOGGED_OUT): _S.OFFLINE for state in _S if state is not _S.OFFLINE},
    },
)
"""The table of an agent's states; an agent who logs out while talking ends the shift at once,
the call goes on without being followed as the agent's work."""


@dataclass(frozen=True, slots=True)
class AgentSpan:
    """One stretch of an agent's shift in one state.

    Args:
        agent_id: whose.
        campaign_id: the campaign the agent worked for.
        state: in which state.
        began_at: since when.
        ended_at: until when (None: it goes on).
        reason: why paused, or why a preview was skipped; empty otherwise.
        attempt_id: the call it was about, if any.
    """

    agent_id: int
    campaign_id: int
    state: AgentState
    began_at: datetime
    ended_at: datetime | None = None
    reason: str = ""
    attempt_id: str | None = None
