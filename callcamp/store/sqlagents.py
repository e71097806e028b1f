"""The agents of :mod:`callcamp.ports`, on SQLite or PostgreSQL: a part of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from callcamp.core.agents import Agent, AgentPhone, AgentSpan
from callcamp.ports.agents import AgentWork, CallNote, InHand, LiveShift, Shift
from callcamp.store import agents as agents_
from callcamp.store import call_notes as call_notes_
from callcamp.store import crews, shifts
from callcamp.store import pacing as pacing_
from callcamp.store.database import Database


class AgentsSql:
    """Agents and their work; fulfils :class:`callcamp.ports.AgentRecords`."""

    _db: Database

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
        return await self._db.write(
            agents_.save, name, phone=phone, active=active, display_name=display_name, now=now
        )

    async def agents(self) -> list[Agent]:
        """Return all agents by name."""
        return await self._db.read(agents_.agents)

    async def agent(self, name: str) -> Agent:
        """Return the agent called ``name``."""
        return await self._db.read(agents_.one, name)

    async def delete_agent(self, name: str, *, now: datetime) -> None:
        """Delete an agent who has never worked."""
        await self._db.write(agents_.remove, name, now)

    async def phone_secret(self, agent_id: int) -> str:
        """Return the SIP password of an agent's phone."""
        return await self._db.read(agents_.phone_secret, agent_id)

    async def renew_phone_secret(self, agent_id: int, *, now: datetime) -> str:
        """Make a new SIP password and return it."""
        return await self._db.write(agents_.renew_phone_secret, agent_id, now)

    async def campaign_agents(self, campaign_id: int) -> list[Agent]:
        """Return the agents who may work for a campaign, by name."""
        return await self._db.read(crews.of_campaign, campaign_id)

    async def agent_campaigns(self, agent_id: int) -> list[int]:
        """Return the ids of the campaigns an agent may work for."""
        return await self._db.read(crews.campaigns_of, agent_id)

    async def add_campaign_agents(
        self, campaign_id: int, agent_ids: Iterable[int], *, now: datetime
    ) -> int:
        """Let agents work for a campaign; returns how many did not yet."""
        return await self._db.write(crews.join, campaign_id, list(agent_ids), now)

    async def remove_campaign_agents(
        self, campaign_id: int, agent_ids: Iterable[int], *, now: datetime
    ) -> int:
        """Let agents not work for a campaign any more; returns how many did."""
        return await self._db.write(crews.leave, campaign_id, list(agent_ids), now)

    async def note_supervision(
        self,
        agent_id: int,
        action: str,
        details: Mapping[str, Any],
        *,
        campaign_id: int | None = None,
        now: datetime,
    ) -> None:
        """Note in the audit what a supervisor asks for about an agent."""
        await self._db.write(
            agents_.note_supervision,
            agent_id,
            action,
            details,
            campaign_id=campaign_id,
            now=now,
        )

    async def last_agents(self, contact_ids: Sequence[int]) -> dict[int, Agent]:
        """Return the agents who last talked to contacts, by contact."""
        return await self._db.read(agents_.last_of_contacts, list(contact_ids))

    async def assign_queue(self, campaign_id: int, choices: Sequence[str]) -> str:
        """Return the queue that a campaign has for itself, choosing one when it has none."""
        return await self._db.write(crews.assign_queue, campaign_id, list(choices))

    async def begin_shift(self, agent_id: int, campaign_id: int, span: AgentSpan) -> Shift:
        """Note a log-in; ``span`` is the first state."""
        return await self._db.write(shifts.begin, agent_id, campaign_id, span)

    async def note_spans(
        self, spans: Sequence[AgentSpan], in_hand: Mapping[int, InHand] | None = None
    ) -> None:
        """Note new states, oldest first; one that is ``offline`` ends the shift."""
        await self._db.write(shifts.note, list(spans), in_hand)

    async def live_shifts(self) -> list[LiveShift]:
        """Return all shifts that last."""
        return await self._db.read(shifts.lasting)

    async def keep_note(self, note: CallNote) -> CallNote:
        """Keep what an agent notes of a call that has not ended."""
        return await self._db.write(call_notes_.keep, note)

    async def call_notes(self, attempt_id: str | None = None) -> list[CallNote]:
        """Return the notes that wait for the end of one call or of any, oldest first."""
        return await self._db.read(call_notes_.notes, attempt_id)

    async def agent_work(
        self,
        *,
        since: datetime,
        until: datetime,
        campaign_id: int | None = None,
        agent_id: int | None = None,
        per_campaign: bool = False,
    ) -> list[AgentWork]:
        """Return what agents did in a period, by agent's name (and campaign)."""
        return await self._db.read(
            shifts.work,
            since=since,
            until=until,
            campaign_id=campaign_id,
            agent_id=agent_id,
            per_campaign=per_campaign,
        )

    async def agent_spans(
        self, agent_id: int, *, since: datetime, until: datetime, limit: int = 1000
    ) -> list[AgentSpan]:
        """Return an agent's spans that overlap a period, oldest first."""
        return await self._db.read(shifts.spans, agent_id, since, until, limit)

    async def save_pacing(
        self, campaign_id: int, method: str, state: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Keep what a pacing method has learnt."""
        await self._db.write(pacing_.save, campaign_id, method, state, now)

    async def pacing(self, campaign_id: int, method: str) -> dict[str, Any] | None:
        """Return what was kept last, or None."""
        return await self._db.read(pacing_.learnt, campaign_id, method)

    async def abandon_account(self, campaign_id: int, *, since: datetime) -> tuple[int, int]:
        """Return how many calls a person answered, and how many of them were abandoned."""
        return await self._db.read(pacing_.account, campaign_id, since)
