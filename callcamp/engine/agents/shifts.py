"""An agent's shift: begin, take calls, pause, end; what is offered in it."""

from __future__ import annotations

import structlog

from callcamp.core.agent_settings import ON_THE_LINE
from callcamp.core.agents import AgentEvent, AgentSpan, AgentState
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.leaving import Leaving
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.worker import OVER, Worker, reach
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports import Store

log = structlog.get_logger(__name__)

SKIPPED_FOR_S = 300.0
"""How long a contact that an agent skipped waits before it is offered again."""
LOGGED_OUT = "logged out"


class Shifts:
    """What agents, and supervisors, ask for about a shift, by an agent's name.

    Args:
        store: where shifts are kept.
        book: the trunks of phones outside.
        clock: the engine's clock.
        floor: the agents.
        queueing: brings them into their queue.
        consequences: what follows for agents.
        leaving: ends shifts.
    """

    def __init__(
        self,
        *,
        store: Store,
        book: CampaignBook,
        clock: Clock,
        floor: Floor,
        queueing: Queueing,
        consequences: Consequences,
        leaving: Leaving,
    ) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._floor = floor
        self._queueing = queueing
        self._consequences = consequences
        self._line = consequences.line
        self._leaving = leaving

    async def log_in(self, name: str, campaign_id: int) -> AgentView:
        """Begin a shift: the agent is paused until :meth:`ready`.

        Raises:
            NotFound: there is no such agent or campaign.
            Conflict: the agent is inactive, logged in already, or not one of the campaign's.
        """
        await self._floor.read_agents()
        agent = self._floor.agent(name)
        campaign = await self._store.campaign(campaign_id)
        if not agent.active:
            raise Conflict(f"{agent.name} is not active; an administrator can change that.")
        if self._floor.get(agent.id) is not None:
            raise Conflict(f"{agent.name} is logged in already.", agent=agent.name)
        if campaign.status in OVER:
            raise Conflict(f"{campaign.settings.name} is {campaign.status.value}.")
        if not campaign.settings.agents.attended:
            raise Conflict(f"{campaign.settings.name} is a campaign without agents.")
        if agent.id not in {a.id for a in await self._store.campaign_agents(campaign_id)}:
            raise Conflict(
                f"{agent.name} is not one of the agents of {campaign.settings.name}; "
                "a supervisor can add them there.",
                agent=agent.name,
            )
        interface, now = await reach(agent, self._book), self._clock.now()
        worker = Worker(agent, interface, campaign, now)
        # In the queue only once Asterisk says so.
        queue = await self._queueing.queue_of(campaign)
        worker.queued = queue is None and not self._queueing.refusal
        await self._floor.write()
        span = AgentSpan(agent.id, campaign.id, worker.state, now, reason=worker.reason)
        await self._store.begin_shift(agent.id, campaign.id, span)
        self._floor.put(worker)
        self._queueing.wake(sync=True)
        log.info("agent_logged_in", agent=agent.name, campaign=campaign.id)
        return worker.view()

    async def log_out(self, name: str, reason: str = LOGGED_OUT) -> AgentView:
        """End the shift; an offered contact is given back, a talk goes on without the agent's page.

        Raises:
            Conflict: the agent is not logged in.
        """
        worker = self._floor.on_shift(name)
        self._leaving.leave(worker, reason)
        await self._floor.write()
        return self._floor.view(name)

    async def ready(self, name: str) -> AgentView:
        """Take calls from now on; also ends wrap-up, and takes back a pause that was asked for.

        Raises:
            IllegalTransition: the agent is in a call.
            Conflict: a result has to be noted first.
        """
        worker = self._floor.on_shift(name)
        worker.pause_wanted = None
        if worker.state is AgentState.WRAP_UP:
            _check_noted(worker)
            self._consequences.wrapped_up(worker)
        elif worker.state in {AgentState.READY, AgentState.TALKING}:
            self._floor.touch(worker)
        else:
            self._floor.step(worker, AgentEvent.READIED)
            self._consequences.became_free(worker)
        return worker.view()

    async def pause(self, name: str, reason: str) -> AgentView:
        """Take no more calls: at once, or when the call and its wrap-up are over.

        Raises:
            InvalidInput: the reason is empty or too long.
        """
        worker = self._floor.on_shift(name)
        reason = _reason(reason)
        if worker.state in {AgentState.READY, AgentState.PAUSED}:
            self._floor.step(worker, AgentEvent.PAUSED, reason)
        elif worker.state is AgentState.PREVIEWING:
            self._line.withdraw(worker)
            self._floor.step(worker, AgentEvent.PAUSED, reason)
        else:
            worker.pause_wanted = reason
            self._floor.touch(worker)
            await self._floor.write()
        self._queueing.wake()
        return worker.view()

    async def accept(self, name: str) -> AgentView:
        """Have the offered contact dialled now.

        Raises:
            Conflict: there is no offer.
        """
        worker = self._floor.on_shift(name)
        await self._line.accept(worker)
        return worker.view()

    async def skip(self, name: str, reason: str) -> AgentView:
        """Give the offered contact back; others get it, or the same agent later.

        Raises:
            Conflict: there is no offer.
            InvalidInput: the reason is empty or too long.
        """
        worker = self._floor.on_shift(name)
        self._line.skip(worker, _reason(reason), after_s=SKIPPED_FOR_S)
        self._consequences.after_call(worker)
        return worker.view()

    async def call_phone(self, name: str) -> AgentView:
        """Call the agent's phone now, so that the agent is on the line for the next contact."""
        worker = self._floor.on_shift(name)
        settings = worker.campaign.settings.agents
        if settings.method not in ON_THE_LINE:
            raise Conflict(
                f"In {worker.campaign.settings.name} the queue calls the agent's phone.",
                method=settings.method.value,
            )
        await self._line.call_phone(worker, ring_timeout_s=settings.agent_ring_timeout_s)
        return worker.view()

    async def force_pause(self, name: str, reason: str) -> AgentView:
        """Pause an agent, as a supervisor: see :meth:`pause`."""
        return await self.pause(name, reason)

    async def force_log_out(self, name: str) -> AgentView:
        """Log an agent out, as a supervisor: see :meth:`log_out`."""
        return await self.log_out(name, "logged out by a supervisor")


def _check_noted(worker: Worker) -> None:
    call = worker.call
    if call is not None and not call.noted and call.campaign.settings.agents.outcome_required:
        raise Conflict("Note the outcome of the call first; this campaign needs one.")


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 0 < len(reason) <= 100 or not reason.isprintable():
        raise InvalidInput(
            "A reason has 1 to 100 printable characters.", field="reason", value=text
        )
    return reason
