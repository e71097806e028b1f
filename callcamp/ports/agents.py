"""The contract of what is remembered of agents: who they are, their shifts, their campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from callcamp.core.agents import Agent, AgentPhone, AgentSpan, AgentState
from callcamp.core.outcome import Disposition


@dataclass(frozen=True, slots=True)
class Shift:
    """The time between an agent's log-in and log-out; ``ended_at`` is None while it lasts."""

    id: int
    agent_id: int
    campaign_id: int
    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InHand:
    """What an agent has under way that the state does not tell; it lasts as long as the shift.

    Args:
        pause_wanted: reason of a pause that begins when the call is over (None: none).
        consulting: whom the agent talks to while the contact waits; empty: nobody.
        muted: whether the contact cannot hear the agent.
    """

    pause_wanted: str | None = None
    consulting: str = ""
    muted: bool = False


@dataclass(frozen=True, slots=True)
class LiveShift:
    """A shift that lasts, with the state in which its agent was left last."""

    shift: Shift
    span: AgentSpan
    in_hand: InHand = InHand()


@dataclass(frozen=True, slots=True)
class CallNote:
    """What an agent has noted of a call that goes on; it counts when the call ends.

    Args:
        attempt_id: the call.
        agent_id: who noted it.
        noted_at: when.
        outcome: custom disposition (None: none).
        answers: answers to the script, by element name.
        callback_at: when the person wants to be called back (None: not asked for).
        callback_mine: whether only this agent makes the callback.
        id: number in the store, never used again; 0: not kept yet.
    """

    attempt_id: str
    agent_id: int
    noted_at: datetime
    outcome: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    callback_at: datetime | None = None
    callback_mine: bool = False
    id: int = 0

    @property
    def callback_agent_id(self) -> int | None:
        """The only agent who makes the callback (None: anyone)."""
        return self.agent_id if self.callback_mine else None


@dataclass(frozen=True, slots=True)
class AgentWork:
    """What an agent did in a period, for reports; spans count with their part in the period.

    Args:
        agent_id: whose.
        campaign_id: for which campaign (None: for all).
        seconds: seconds by state; logged-in time is their sum.
        pauses: seconds paused by reason.
        calls: calls that the agent talked on.
        missed: calls to the agent's phone that were not answered.
        outcomes: custom dispositions given.
        dispositions: how those calls ended.
    """

    agent_id: int
    campaign_id: int | None
    seconds: Mapping[AgentState, float] = field(default_factory=dict)
    pauses: Mapping[str, float] = field(default_factory=dict)
    calls: int = 0
    missed: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    dispositions: Mapping[Disposition, int] = field(default_factory=dict)

    @property
    def logged_in_s(self) -> float:
        """Seconds logged in."""
        return sum(self.seconds.values())

    @property
    def occupancy(self) -> float | None:
        """Share of the time not paused that went into calls and wrap-up (None: no such time)."""
        worked = sum(self.seconds.get(s, 0.0) for s in _OCCUPIED)
        free = self.seconds.get(AgentState.READY, 0.0) + self.seconds.get(AgentState.RINGING, 0.0)
        return worked / (worked + free) if worked + free else None


_OCCUPIED = (
    AgentState.PREVIEWING,
    AgentState.DIALING,
    AgentState.TALKING,
    AgentState.WRAP_UP,
)


class AgentRecords(Protocol):
    """Agents and their work. Every method is one transaction."""

    async def save_agent(
        self,
        name: str,
        *,
        phone: AgentPhone,
        active: bool = True,
        display_name: str = "",
        now: datetime,
    ) -> Agent:
        """Add the agent called ``name``, or change it."""
        ...

    async def agents(self) -> list[Agent]:
        """Return all agents by name."""
        ...

    async def agent(self, name: str) -> Agent:
        """Return the agent called ``name``.

        Raises:
            NotFound: there is none.
        """
        ...

    async def delete_agent(self, name: str, *, now: datetime) -> None:
        """Delete an agent who has never worked; one who has is kept for the records.

        Raises:
            NotFound: there is none.
            Conflict: the agent has worked; make it inactive instead.
        """
        ...

    async def phone_secret(self, agent_id: int) -> str:
        """Return the SIP password of an agent's phone; it is made with the agent."""
        ...

    async def renew_phone_secret(self, agent_id: int, *, now: datetime) -> str:
        """Make a new SIP password and return it."""
        ...

    async def campaign_agents(self, campaign_id: int) -> list[Agent]:
        """Return the agents who may work for a campaign, by name."""
        ...

    async def agent_campaigns(self, agent_id: int) -> list[int]:
        """Return the ids of the campaigns an agent may work for."""
        ...

    async def add_campaign_agents(
        self, campaign_id: int, agent_ids: Iterable[int], *, now: datetime
    ) -> int:
        """Let agents work for a campaign; returns how many did not yet."""
        ...

    async def remove_campaign_agents(
        self, campaign_id: int, agent_ids: Iterable[int], *, now: datetime
    ) -> int:
        """Let agents not work for a campaign any more; returns how many did."""
        ...

    async def note_supervision(
        self,
        agent_id: int,
        action: str,
        details: Mapping[str, Any],
        *,
        campaign_id: int | None = None,
        now: datetime,
    ) -> None:
        """Note in the audit what a supervisor asks for about an agent.

        Args:
            agent_id: about whom.
            action: what, in the past tense: ``listened``, ``paused``, ``logged_out``, …
            details: what else there is to tell, JSON-able.
            campaign_id: the campaign the agent works for.
            now: when.

        Raises:
            NotFound: there is no such agent.
        """
        ...

    async def last_agents(self, contact_ids: Sequence[int]) -> dict[int, Agent]:
        """Return the agents who last got calls of contacts, by contact; others are left out."""
        ...

    async def assign_queue(self, campaign_id: int, choices: Sequence[str]) -> str:
        """Return the queue that a campaign has for itself, choosing one when it has none yet.

        The one it has is kept while it is among ``choices``. Chosen is the first that no
        campaign has that is queued, running or paused.

        Raises:
            LimitExceeded: all are taken.
        """
        ...

    async def begin_shift(self, agent_id: int, campaign_id: int, span: AgentSpan) -> Shift:
        """Note a log-in; ``span`` is the first state.

        Raises:
            Conflict: the agent has a shift that lasts.
        """
        ...

    async def note_spans(
        self, spans: Sequence[AgentSpan], in_hand: Mapping[int, InHand] | None = None
    ) -> None:
        """Note new states, oldest first: each ends the agent's last span at its ``began_at``.

        A span whose state is ``offline`` ends the shift. Agents without a shift are ignored.

        Args:
            spans: the states.
            in_hand: what agents have under way now, by agent; others stay as they are.
        """
        ...

    async def live_shifts(self) -> list[LiveShift]:
        """Return all shifts that last."""
        ...

    async def keep_note(self, note: CallNote) -> CallNote:
        """Keep what an agent notes of a call that has not ended; returns it with its number.

        It takes the place of what the same agent noted before. Whoever ends the call names in
        the change the notes that were taken in: these go in the same transaction. They all go
        with a call that was not placed.

        Raises:
            NotFound: there is no such call.
            Conflict: the call has ended.
        """
        ...

    async def call_notes(self, attempt_id: str | None = None) -> list[CallNote]:
        """Return the notes that wait for the end of one call or of any, oldest first."""
        ...

    async def agent_work(
        self,
        *,
        since: datetime,
        until: datetime,
        campaign_id: int | None = None,
        agent_id: int | None = None,
        per_campaign: bool = False,
    ) -> list[AgentWork]:
        """Return what agents did in a period, by agent's name (and campaign).

        A span that goes on counts until ``until``, so give no later instant than now. Calls
        count where they were connected, missed ones where the pause after them began
        (:data:`callcamp.core.agents.MISSED_CALL`).
        """
        ...

    async def agent_spans(
        self, agent_id: int, *, since: datetime, until: datetime, limit: int = 1000
    ) -> list[AgentSpan]:
        """Return an agent's spans that overlap a period, oldest first."""
        ...

    async def save_pacing(
        self, campaign_id: int, method: str, state: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Keep what a pacing method has learnt."""
        ...

    async def pacing(self, campaign_id: int, method: str) -> dict[str, Any] | None:
        """Return what was kept last, or None."""
        ...

    async def abandon_account(self, campaign_id: int, *, since: datetime) -> tuple[int, int]:
        """Return how many calls a person answered, and how many of those were abandoned.

        Counted are ended calls of a campaign that were dialled from ``since`` on, as in
        :meth:`callcamp.ports.Records.call_facts`.
        """
        ...
