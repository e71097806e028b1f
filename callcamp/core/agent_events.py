"""Facts about agents and waiting callers from the switch, in the past tense.

``at`` is the aware UTC instant of reading. ``agent_id`` comes from the name of the queue member
(:func:`callcamp.core.agents.agent_of_member`). A *leg* is a call that callcamp itself places to
an agent's phone; its ``leg_id`` is its channel id, which callcamp chose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """A queue member of ours was added, removed, paused, or its phone changed.

    Args:
        agent_id: whose.
        at: when.
        queue: in which queue.
        interface: the member's interface.
        status: Asterisk's device state: 1 free, 2 in use, 3 busy, 5 unavailable, 6 ringing,
            7 in use and ringing, 8 on hold.
        paused: whether the queue skips it.
        member: whether it is (still) in the queue.
    """

    agent_id: int
    at: datetime
    queue: str
    interface: str
    status: int
    paused: bool
    member: bool = True


@dataclass(frozen=True, slots=True)
class PersonReached:
    """A call was answered and its greeting is over: from now on a person waits for an agent."""

    attempt_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallerWaited:
    """A call has entered a queue, or hears the announcement before it does (``announced``).

    The queue looks for an agent only once the call is in it.
    """

    attempt_id: str
    at: datetime
    queue: str
    announced: bool = False


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """A call has left its queue, for whatever reason."""

    attempt_id: str
    at: datetime
    queue: str


@dataclass(frozen=True, slots=True)
class AgentCalled:
    """The queue rings an agent for a call; ``channel_id`` is the agent's channel, if known."""

    attempt_id: str
    agent_id: int
    at: datetime
    channel_id: str | None = None


@dataclass(frozen=True, slots=True)
class AgentMissed:
    """An agent's phone was rung for a call and not answered (``ring_s`` 0: it was busy)."""

    attempt_id: str
    agent_id: int
    at: datetime
    ring_s: float


@dataclass(frozen=True, slots=True)
class AgentConnected:
    """An agent and the contact of a call talk.

    ``channel_id`` is the agent's channel: of a queue call the one that the queue made, else the
    leg. ``agent_id`` is None when only the leg is known.
    """

    attempt_id: str
    agent_id: int | None
    at: datetime
    channel_id: str


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """An agent's part in a call is over: hung up, or the contact was transferred away."""

    attempt_id: str
    agent_id: int | None
    at: datetime
    channel_id: str | None = None


@dataclass(frozen=True, slots=True)
class ThirdLeft:
    """Whom an agent asked while the contact waits did not answer, or has hung up."""

    attempt_id: str
    at: datetime
    channel_id: str


@dataclass(frozen=True, slots=True)
class LegRang:
    """An agent's phone rings for a leg."""

    leg_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """An agent has answered a leg and waits on the line."""

    leg_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LegEnded:
    """A leg is over, or was never placed."""

    leg_id: str
    at: datetime


AgentFact: TypeAlias = (
    MemberSeen
    | PersonReached
    | CallerWaited
    | CallerLeft
    | AgentCalled
    | AgentMissed
    | AgentConnected
    | AgentLeft
    | ThirdLeft
    | LegRang
    | LegAnswered
    | LegEnded
)
