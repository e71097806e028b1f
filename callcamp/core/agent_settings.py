"""What a supervisor sets on a campaign with agents: method, waiting, wrap-up, abandoned calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from callcamp.core.scripts import CallScript


class DialMethod(StrEnum):
    """How calls and agents come together.

    ``unattended``: no agents; the campaign plays its prompt. ``agent_first``: an agent is called,
    and the contact only once the agent has answered. ``client_first``: the contact is called and
    hears an announcement while an agent is found. ``preview``: an agent sees the contact before
    it is dialled. ``progressive``: one call for every free agent. ``ratio``: calls for every free
    agent by a stated pickup rate. ``adaptive``: a dial level that follows the abandon rate.
    ``predictive``: as many as the abandon cap allows, learnt.
    """

    UNATTENDED = "unattended"
    AGENT_FIRST = "agent_first"
    CLIENT_FIRST = "client_first"
    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    RATIO = "ratio"
    ADAPTIVE = "adaptive"
    PREDICTIVE = "predictive"


ON_THE_LINE: frozenset[DialMethod] = frozenset({DialMethod.AGENT_FIRST, DialMethod.PREVIEW})
"""Methods in which the agent is on the line before the contact is dialled."""
QUEUED: frozenset[DialMethod] = (
    frozenset(DialMethod) - ON_THE_LINE - frozenset({DialMethod.UNATTENDED})
)
"""Methods in which an answered contact meets an agent in a queue."""


class AbandonFrom(StrEnum):
    """From when the seconds to an agent are counted.

    ``greeting``: from the end of the person's greeting, when machine detection has its verdict;
    ``answer``: from the moment in which the call is answered.
    """

    GREETING = "greeting"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How a campaign works with agents.

    Args:
        method: how calls and agents come together.
        queue: the Asterisk queue in which contacts meet agents; empty: one of callcamp's own.
        pickup_rate: with ``ratio``: the share of calls that are expected to be answered; two
            calls for every free agent at 0.5.
        abandon_cap: largest share of abandoned calls among those answered by a person; the
            strictest of it and the legal presets holds; 0 forces one call per free agent.
        connect_limit_s: how long a person may wait for an agent before the call is abandoned
            (not with ``client_first``).
        abandon_from: from when these seconds count.
        safe_harbour: sound that an abandoned person hears; a name or path that Asterisk knows.
        announcement: sound that the person hears first (``client_first``); it is cut a second
            before the longest wait is over.
        no_agent_message: sound when no agent was found in time (``client_first``).
        wait_most_s: how long a contact waits for an agent at most (``client_first``).
        callback_after_s: when a contact who found no agent in time is called back; 0: never
            by itself.
        music: music on hold class while a contact waits.
        before_call_work_s: seconds from an offer to its dialling (``preview``).
        agent_ring_timeout_s: how long an agent's phone may ring.
        wrap_up_s: time to note the result of a call; when it is over, the agent is ready.
        script: the call script.
        outcomes: custom dispositions that agents choose from, in order.
        outcome_required: whether a call must get one before the agent goes on.
        transfer_numbers: numbers outside that agents may call in a talk, to send the contact
            there or to consult; see :mod:`callcamp.core.destinations`; empty: none.
    """

    method: DialMethod = DialMethod.UNATTENDED
    queue: str = ""
    pickup_rate: float = 0.5
    abandon_cap: float = 0.03
    connect_limit_s: float = 2.0
    abandon_from: AbandonFrom = AbandonFrom.GREETING
    safe_harbour: str | None = None
    announcement: str | None = None
    no_agent_message: str | None = None
    wait_most_s: int = 60
    callback_after_s: int = 600
    music: str = "default"
    before_call_work_s: int = 15
    agent_ring_timeout_s: int = 15
    wrap_up_s: int = 15
    script: CallScript = field(default_factory=CallScript)
    outcomes: tuple[str, ...] = ()
    outcome_required: bool = False
    transfer_numbers: tuple[str, ...] = ()

    @property
    def attended(self) -> bool:
        """Whether the campaign has agents."""
        return self.method is not DialMethod.UNATTENDED
