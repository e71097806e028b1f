"""All agents of this engine: who is on shift, what each does, and what of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime

import structlog

from callcamp.core.agents import Agent, AgentEvent, AgentSpan, AgentState
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.worker import Worker, offline
from callcamp.engine.clock import Clock
from callcamp.engine.live import LiveFeed
from callcamp.errors import CallcampError, Conflict, NotFound
from callcamp.ports import InHand, Store

log = structlog.get_logger(__name__)

RETRY_PAUSE_S = 1.0
NOTHING = InHand()


class Floor:
    """Agents by id, their states, and the spans that are written down.

    Args:
        store: where shifts and spans are kept.
        clock: the engine's clock.
        live: told when what pages show has changed.
    """

    def __init__(self, store: Store, clock: Clock, live: LiveFeed) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self._agents: dict[int, Agent] = {}
        self._workers: dict[int, Worker] = {}
        self._left_at: dict[int, datetime] = {}
        self._spans: list[AgentSpan] = []
        self._in_hand: dict[int, InHand] = {}
        self._spans_wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._changed = asyncio.Event()
        self.revision = 0
        """Counts changes; see :meth:`wait`."""

    def __iter__(self) -> Iterator[Worker]:
        return iter(list(self._workers.values()))

    async def read_agents(self) -> None:
        """Read who the agents are, again."""
        fresh = {agent.id: agent for agent in await self._store.agents()}
        if fresh == self._agents:
            return
        self._agents = fresh
        for worker in self:
            worker.agent = fresh.get(worker.agent.id, worker.agent)
        self.touch()

    def agent(self, name: str) -> Agent:
        """Return the agent called ``name``.

        Raises:
            NotFound: there is none.
        """
        found = next((a for a in self._agents.values() if a.name == name), None)
        if found is None:
            raise NotFound(f"There is no agent {name!r}.", kind="agent", key=name)
        return found

    def known(self, agent_id: int) -> Agent | None:
        """Return the agent with this id, on shift or not; None: there is none."""
        return self._agents.get(agent_id)

    def get(self, agent_id: int | None) -> Worker | None:
        """Return the agent on shift, or None."""
        return None if agent_id is None else self._workers.get(agent_id)

    def on_shift(self, name: str) -> Worker:
        """Return the agent on shift called ``name``.

        Raises:
            NotFound: there is no such agent.
            Conflict: the agent is not logged in.
        """
        agent = self.agent(name)
        worker = self._workers.get(agent.id)
        if worker is None:
            raise Conflict(f"{agent.name} is not logged in; log in first.", agent=agent.name)
        return worker

    def of_campaign(self, campaign_id: int) -> list[Worker]:
        """Return the agents on shift for a campaign."""
        return [w for w in self._workers.values() if w.campaign.id == campaign_id]

    def of_attempt(self, attempt_id: str) -> Worker | None:
        """Return the agent who works on an attempt."""
        return next((w for w in self._workers.values() if w.attempt_id == attempt_id), None)

    def of_leg(self, leg_id: str) -> Worker | None:
        """Return the agent whose phone a leg calls."""
        return next(
            (w for w in self._workers.values() if w.leg is not None and w.leg.id == leg_id), None
        )

    def put(self, worker: Worker, in_hand: InHand = NOTHING) -> None:
        """Follow an agent from now on; ``in_hand`` is what is written of that shift so far."""
        self._workers[worker.agent.id] = worker
        self._in_hand[worker.agent.id] = in_hand
        self.touch(worker)

    def step(self, worker: Worker, event: AgentEvent, reason: str = "") -> None:
        """Take a step of the agent's table, note it down, and show it.

        Raises:
            IllegalTransition: the table has no such step; nothing changed.
        """
        now = self._clock.now()
        # Two steps in one instant would leave a span without length, which is no harm.
        worker.step(event, now, reason)
        log.info(
            "agent_state",
            agent=worker.agent.name,
            state=worker.state.value,
            event_name=event.value,
            campaign=worker.campaign.id,
            attempt=worker.attempt_id,
            reason=reason or None,
        )
        self._spans.append(self.span(worker))
        self._spans_wake.set()
        if worker.state is AgentState.OFFLINE:
            self._workers.pop(worker.agent.id, None)
            self._left_at[worker.agent.id] = now
        self.touch(worker)

    def span(self, worker: Worker) -> AgentSpan:
        """Return the stretch that an agent's present state has begun."""
        attempt_id = worker.attempt_id or (worker.offer.attempt_id if worker.offer else None)
        return AgentSpan(
            worker.agent.id,
            worker.campaign.id,
            worker.state,
            worker.since,
            reason=worker.reason,
            attempt_id=attempt_id,
        )

    def touch(self, worker: Worker | None = None) -> None:
        """Note that something that pages show of agents has changed."""
        if worker is not None:
            worker.revision += 1
            if worker.in_hand != self._in_hand.get(worker.agent.id, NOTHING):
                self._spans_wake.set()
        self.revision += 1
        self._changed.set()
        self._live.touch()

    async def wait(self, seen: int) -> int:
        """Return the revision as soon as it is greater than ``seen``."""
        while self.revision <= seen:
            self._changed.clear()
            await self._changed.wait()
        return self.revision

    def view(self, name: str) -> AgentView:
        """Return an agent as pages show it.

        Raises:
            NotFound: there is no such agent.
        """
        agent = self.agent(name)
        worker = self._workers.get(agent.id)
        if worker is not None:
            return worker.view()
        return offline(agent, self._left_at.get(agent.id, self._clock.now()))

    def views(self) -> list[AgentView]:
        """Return all agents, by name."""
        return [self.view(a.name) for a in sorted(self._agents.values(), key=lambda a: a.name)]

    async def write_forever(self) -> None:
        """Write states down as they come, for ever."""
        while True:
            await self._spans_wake.wait()
            self._spans_wake.clear()
            await self.write()

    async def write(self) -> None:
        """Write down every state noted so far, and what agents have under way.

        When the database fails they are kept.
        """
        async with self._writing:
            spans, self._spans = self._spans, []
            in_hand = {
                agent_id: worker.in_hand
                for agent_id, worker in self._workers.items()
                if worker.in_hand != self._in_hand.get(agent_id, NOTHING)
            }
            if not spans and not in_hand:
                return
            try:
                await self._store.note_spans(spans, in_hand)
                self._in_hand |= in_hand
            except BaseException as error:
                # Written twice, a state only leaves a stretch without length.
                self._spans = spans + self._spans
                if not isinstance(error, CallcampError):
                    raise
                log.error("agent_states_not_written", problem=error.message, states=len(spans))
                await asyncio.sleep(RETRY_PAUSE_S)
                self._spans_wake.set()
