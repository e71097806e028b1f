"""What agents and supervisors ask for, by an agent's name."""

from __future__ import annotations

from datetime import timedelta

import structlog

from callcamp.core.agent_settings import ON_THE_LINE
from callcamp.core.agents import Agent, AgentEvent, AgentSpan, AgentState
from callcamp.core.model import Campaign
from callcamp.engine.agents.desk_core import OVER
from callcamp.engine.agents.desk_talk import DeskTalk
from callcamp.engine.agents.noting import check_note
from callcamp.engine.agents.views import AgentView, WrapUpNote
from callcamp.engine.agents.worker import Worker
from callcamp.errors import CallcampError, Conflict, InvalidInput
from callcamp.ports import CallNote
from callcamp.ports.switchboard import QueueView

log = structlog.get_logger(__name__)

SKIPPED_FOR_S = 300.0
"""How long a contact that an agent skipped waits before it is offered again."""
NOTED_LATE_S = 600.0
"""For how long an agent may note the result of a call whose time for it is over."""
LOGGED_OUT = "logged out"
_WITH_RESULT = frozenset({AgentState.TALKING, AgentState.WRAP_UP})


class AgentDesk(DeskTalk):
    """The agents of this engine and what they, and supervisors, can do."""

    @property
    def revision(self) -> int:
        """Counts every change of what is shown of agents."""
        return self.floor.revision

    async def wait(self, seen: int) -> int:
        """Return the revision as soon as it is greater than ``seen``."""
        return await self.floor.wait(seen)

    def view(self, name: str) -> AgentView:
        """Return an agent now.

        Raises:
            NotFound: there is no such agent.
        """
        return self.floor.view(name)

    def views(self) -> list[AgentView]:
        """Return all agents, by name."""
        return self.floor.views()

    async def log_in(self, name: str, campaign_id: int) -> AgentView:
        """Begin a shift: the agent is paused until :meth:`ready`.

        Raises:
            NotFound: there is no such agent or campaign.
            Conflict: the agent is inactive, logged in already, or not one of the campaign's.
        """
        await self.floor.read_agents()
        agent = self.floor.agent(name)
        campaign = await self.store.campaign(campaign_id)
        if not agent.active:
            raise Conflict(f"{agent.name} is not active; an administrator can change that.")
        if self.floor.get(agent.id) is not None:
            raise Conflict(f"{agent.name} is logged in already.", agent=agent.name)
        if campaign.status in OVER:
            raise Conflict(f"{campaign.settings.name} is {campaign.status.value}.")
        if not campaign.settings.agents.attended:
            raise Conflict(f"{campaign.settings.name} is a campaign without agents.")
        if agent.id not in {a.id for a in await self.store.campaign_agents(campaign_id)}:
            raise Conflict(
                f"{agent.name} is not one of the agents of {campaign.settings.name}; "
                "a supervisor can add them there.",
                agent=agent.name,
            )
        interface, now = await self._interface(agent), self.clock.now()
        worker = Worker(agent, interface, campaign, now)
        # In the queue only once Asterisk says so.
        queue = await self.queueing.queue_of(campaign)
        worker.queued = queue is None and not self.queueing.refusal
        await self.floor.write()
        span = AgentSpan(agent.id, campaign.id, worker.state, now, reason=worker.reason)
        await self.store.begin_shift(agent.id, campaign.id, span)
        self.floor.put(worker)
        self.queueing.wake(sync=True)
        log.info("agent_logged_in", agent=agent.name, campaign=campaign.id)
        return worker.view()

    async def log_out(self, name: str, reason: str = LOGGED_OUT) -> AgentView:
        """End the shift; an offered contact is given back, a talk goes on without the agent's page.

        Raises:
            Conflict: the agent is not logged in.
        """
        worker = self.floor.on_shift(name)
        self.leave(worker, reason)
        await self.floor.write()
        return self.view(name)

    async def ready(self, name: str) -> AgentView:
        """Take calls from now on; also ends wrap-up, and takes back a pause that was asked for.

        Raises:
            IllegalTransition: the agent is in a call.
            Conflict: a result has to be noted first.
        """
        worker = self.floor.on_shift(name)
        worker.pause_wanted = None
        if worker.state is AgentState.WRAP_UP:
            self._check_noted(worker)
            self.wrapped_up(worker)
        elif worker.state in {AgentState.READY, AgentState.TALKING}:
            self.floor.touch(worker)
        else:
            self.floor.step(worker, AgentEvent.READIED)
            self.became_free(worker)
        return worker.view()

    async def pause(self, name: str, reason: str) -> AgentView:
        """Take no more calls: at once, or when the call and its wrap-up are over.

        Raises:
            InvalidInput: the reason is empty or too long.
        """
        worker = self.floor.on_shift(name)
        reason = _reason(reason)
        if worker.state in {AgentState.READY, AgentState.PAUSED}:
            self.floor.step(worker, AgentEvent.PAUSED, reason)
        elif worker.state is AgentState.PREVIEWING:
            self.line.withdraw(worker)
            self.floor.step(worker, AgentEvent.PAUSED, reason)
        else:
            worker.pause_wanted = reason
            self.floor.touch(worker)
            await self.floor.write()
        self.queueing.wake()
        return worker.view()

    async def accept(self, name: str) -> AgentView:
        """Have the offered contact dialled now.

        Raises:
            Conflict: there is no offer.
        """
        worker = self.floor.on_shift(name)
        await self.line.accept(worker)
        return worker.view()

    async def skip(self, name: str, reason: str) -> AgentView:
        """Give the offered contact back; others get it, or the same agent later.

        Raises:
            Conflict: there is no offer.
            InvalidInput: the reason is empty or too long.
        """
        worker = self.floor.on_shift(name)
        self.line.skip(worker, _reason(reason), after_s=SKIPPED_FOR_S)
        self.after_call(worker)
        return worker.view()

    async def finish(self, name: str, attempt_id: str, note: WrapUpNote) -> AgentView:
        """Note the result of the call that the agent works on, or worked on a moment ago.

        In wrap-up the agent is ready afterwards; during the talk wrap-up is left out. What is
        noted during the talk counts when the call ends, also when callcamp is killed meanwhile.

        Raises:
            Conflict: it is not the agent's call, or the callback cannot be made.
            InvalidInput: the outcome is none of the campaign's, or an answer is not allowed.
        """
        agent, now = self.floor.agent(name), self.clock.now()
        worker = self.floor.get(agent.id)
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
            return self.view(name)
        call = worker.call
        check_note(call.campaign, note, now)
        before = call.outcome, call.noted
        call.outcome, call.noted = note.outcome, True
        try:
            await self._note(kept)
        except CallcampError:
            call.outcome, call.noted = before
            raise
        self.floor.touch(worker)
        if worker.call is call and worker.state is AgentState.WRAP_UP:
            self.wrapped_up(worker)
        return self.view(name)

    async def _note(self, note: CallNote) -> None:
        track = self.registry.get(note.attempt_id)
        if track is not None and not track.is_over and await self.noting.keep(track, note):
            self.do(self.noting.take_in_left(note.attempt_id))
        else:
            await self.noting.write(note)

    async def _worked_on(self, agent: Agent, attempt_id: str) -> Campaign:
        """Return the campaign for which an agent worked on a call a moment ago.

        Raises:
            Conflict: the agent did not.
        """
        await self.floor.write()
        now = self.clock.now()
        since = now - timedelta(seconds=NOTED_LATE_S)
        for span in await self.store.agent_spans(agent.id, since=since, until=now):
            if span.attempt_id == attempt_id and span.state in _WITH_RESULT:
                return await self.book.campaign(span.campaign_id)
        raise Conflict(f"{agent.name} does not work on call {attempt_id} (any more).")

    async def call_phone(self, name: str) -> AgentView:
        """Call the agent's phone now, so that the agent is on the line for the next contact."""
        worker = self.floor.on_shift(name)
        settings = worker.campaign.settings.agents
        if settings.method not in ON_THE_LINE:
            raise Conflict(
                f"In {worker.campaign.settings.name} the queue calls the agent's phone.",
                method=settings.method.value,
            )
        await self.line.call_phone(worker, ring_timeout_s=settings.agent_ring_timeout_s)
        return worker.view()

    async def queues(self) -> dict[str, QueueView]:
        """Return every queue of Asterisk by name."""
        return await self.switchboard.queues()

    async def force_pause(self, name: str, reason: str) -> AgentView:
        """Pause an agent, as a supervisor: see :meth:`pause`."""
        return await self.pause(name, reason)

    async def force_log_out(self, name: str) -> AgentView:
        """Log an agent out, as a supervisor: see :meth:`log_out`."""
        return await self.log_out(name, "logged out by a supervisor")

    def _check_noted(self, worker: Worker) -> None:
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
