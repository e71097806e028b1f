"""The result of a call, as its agent notes it: in the talk, in the time after it, or late."""

from __future__ import annotations

from datetime import timedelta

from callcamp.core.agents import Agent, AgentState
from callcamp.core.model import Campaign
from callcamp.engine.agents.background import Background
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.noting import Noting, check_note
from callcamp.engine.agents.views import AgentView, WrapUpNote
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.registry import Registry
from callcamp.errors import CallcampError, Conflict
from callcamp.ports import CallNote, Store

NOTED_LATE_S = 600.0
"""For how long an agent may note the result of a call whose time for it is over."""
_WITH_RESULT = frozenset({AgentState.TALKING, AgentState.WRAP_UP})


class Results:
    """Takes results in, whenever they come.

    Args:
        store: who worked on what.
        registry: the live attempts.
        book: the campaigns.
        clock: the engine's clock.
        floor: the agents.
        noting: brings notes into the database.
        consequences: ends wrap-ups.
        background: does what nobody waits for.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        book: CampaignBook,
        clock: Clock,
        floor: Floor,
        noting: Noting,
        consequences: Consequences,
        background: Background,
    ) -> None:
        self._store = store
        self._registry = registry
        self._book = book
        self._clock = clock
        self._floor = floor
        self._noting = noting
        self._consequences = consequences
        self._do = background.do

    async def finish(self, name: str, attempt_id: str, note: WrapUpNote) -> AgentView:
        """Note the result of the call that the agent works on, or worked on a moment ago.

        In wrap-up the agent is ready afterwards; during the talk wrap-up is left out. What is
        noted during the talk counts when the call ends, also when callcamp is killed meanwhile.

        Raises:
            Conflict: it is not the agent's call, or the callback cannot be made.
            InvalidInput: the outcome is none of the campaign's, or an answer is not allowed.
        """
        agent, now = self._floor.agent(name), self._clock.now()
        worker = self._floor.get(agent.id)
        kept = CallNote(
            attempt_id,
            agent.id,
            now,
            note.outcome,
            note.answers,
            note.callback_at,
            note.callback_mine,
        )
        if worker is None or worker.call is None or worker.attempt_id != attempt_id:
            check_note(await self._worked_on(agent, attempt_id), note, now)
            await self._note(kept)
            return self._floor.view(name)
        call = worker.call
        check_note(call.campaign, note, now)
        before = call.outcome, call.noted
        call.outcome, call.noted = note.outcome, True
        try:
            await self._note(kept)
        except CallcampError:
            call.outcome, call.noted = before
            raise
        self._floor.touch(worker)
        if worker.call is call and worker.state is AgentState.WRAP_UP:
            self._consequences.wrapped_up(worker)
        return self._floor.view(name)

    async def _note(self, note: CallNote) -> None:
        track = self._registry.get(note.attempt_id)
        if track is not None and not track.is_over and await self._noting.keep(track, note):
            self._do(self._noting.take_in_left(note.attempt_id))
        else:
            await self._noting.write(note)

    async def _worked_on(self, agent: Agent, attempt_id: str) -> Campaign:
        """Return the campaign for which an agent worked on a call a moment ago.

        Raises:
            Conflict: the agent did not.
        """
        await self._floor.write()
        now = self._clock.now()
        since = now - timedelta(seconds=NOTED_LATE_S)
        for span in await self._store.agent_spans(agent.id, since=since, until=now):
            if span.attempt_id == attempt_id and span.state in _WITH_RESULT:
                return await self._book.campaign(span.campaign_id)
        raise Conflict(f"{agent.name} does not work on call {attempt_id} (any more).")
