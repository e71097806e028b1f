"""What agents and supervisors ask for, by an agent's name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import structlog

from callcamp.core.agent_settings import ON_THE_LINE
from callcamp.core.agents import Agent, AgentEvent, AgentSpan, AgentState
from callcamp.engine.agents.desk_core import OVER, DeskCore
from callcamp.engine.agents.noting import check_note, write_later, write_note
from callcamp.engine.agents.views import AgentView, WrapUpNote
from callcamp.engine.agents.worker import AgentCall, Worker, interface_of
from callcamp.engine.contact_commands import ContactCommands
from callcamp.errors import CallcampError, Conflict, InvalidInput
from callcamp.ports.switchboard import LegOrder, QueueView, SpyMode, TransferTo
from callcamp.switch import leg_id

log = structlog.get_logger(__name__)

SKIPPED_FOR_S = 300.0
"""How long a contact that an agent skipped waits before it is offered again."""
SPY_RING_S = 30
"""How long a supervisor's phone rings."""
LOGGED_OUT = "logged out"


class AgentDesk(DeskCore):
    """The agents of this engine and what they, and supervisors, can do."""

    notes: ContactCommands
    """Notes results of calls; set by the engine."""

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
        worker.queued = await self.queueing.queue_of(campaign) is None
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

    async def hang_up(self, name: str) -> AgentView:
        """End the call with the contact.

        Raises:
            Conflict: there is no call.
        """
        worker, call = self._in_call(name)
        if worker.state in {AgentState.RINGING, AgentState.DIALING}:
            self.line.drop(call.track)
        else:
            await self.gateway.hang_up(call.track.attempt_id)
        return worker.view()

    async def hold(self, name: str, on: bool) -> AgentView:
        """Let the contact hear music, or bring contact and agent together again."""
        worker, call, channel = self._talking(name)
        if call.on_hold is not on:
            act = self.switchboard.hold if on else self.switchboard.unhold
            call.on_hold = on
            try:
                await act(call.track.attempt_id, channel)
            except CallcampError:
                call.on_hold = not on
                raise
            self.floor.touch(worker)
        return worker.view()

    async def mute(self, name: str, on: bool) -> AgentView:
        """Keep what the agent says from the contact, or not any more."""
        worker, call, channel = self._talking(name)
        await self.switchboard.mute(channel, muted=on)
        call.muted = on
        self.floor.touch(worker)
        return worker.view()

    async def press_keys(self, name: str, digits: str) -> AgentView:
        """Send keypad tones to the contact's side."""
        worker, call, _ = self._talking(name)
        await self.switchboard.press_keys(call.track.attempt_id, digits)
        return worker.view()

    async def transfer(self, name: str, to: TransferTo, target: str) -> AgentView:
        """Send the contact to a queue, an agent or a number; the agent's part is over."""
        worker, call, _ = self._talking(name)
        place = await self._place(worker, call, to, target)
        await self.switchboard.transfer(call.track.attempt_id, to, place)
        log.info("call_transferred", **call.track.ids, agent=name, to=to.value)
        self.talk_over(worker)
        return worker.view()

    async def consult(self, name: str, to: TransferTo, target: str) -> AgentView:
        """Talk to somebody else while the contact waits."""
        worker, call, channel = self._talking(name)
        if call.consulting:
            raise Conflict(f"{name} is talking to {call.consulting} already.")
        place = await self._place(worker, call, to, target)
        call.consulting = target
        try:
            await self.switchboard.consult(call.track.attempt_id, channel, to, place)
        except CallcampError:
            call.consulting = ""
            raise
        self.floor.touch(worker)
        return worker.view()

    async def complete_consult(self, name: str) -> AgentView:
        """Bring the contact together with whom the agent talks to; the agent's part is over."""
        worker, call, channel = self._consulting(name)
        await self.switchboard.complete_consult(call.track.attempt_id, channel)
        self.talk_over(worker)
        return worker.view()

    async def cancel_consult(self, name: str) -> AgentView:
        """End the talk with somebody else and go back to the contact."""
        worker, call, channel = self._consulting(name)
        await self.switchboard.cancel_consult(call.track.attempt_id, channel)
        self.outside.ended(call.track)
        call.consulting = ""
        self.floor.touch(worker)
        return worker.view()

    async def finish(self, name: str, attempt_id: str, note: WrapUpNote) -> AgentView:
        """Note the result of the call that the agent works on, or worked on last.

        In wrap-up the agent is ready afterwards; during the talk wrap-up is left out.

        Raises:
            Conflict: it is not the agent's call, or the callback cannot be made.
            InvalidInput: the outcome is none of the campaign's, or an answer is not allowed.
        """
        worker = self.floor.on_shift(name)
        call = worker.call
        if call is None or call.track.attempt_id != attempt_id:
            raise Conflict(f"{name} does not work on call {attempt_id} (any more).")
        check_note(call.campaign, note, self.clock.now())
        call.outcome, call.noted, call.note = note.outcome, True, note
        if worker.state is AgentState.WRAP_UP and call.track.is_over:
            try:
                await write_note(self.registry, self.notes, call, note, worker.agent.id)
            except CallcampError:
                call.noted = False
                raise
            if worker.call is call:
                self.wrapped_up(worker)
        else:
            # The contact still talks: to this agent, or to somebody it was transferred to.
            self.do(write_later(self.registry, self.notes, call, note, worker.agent.id))
            self.floor.touch(worker)
            if worker.state is AgentState.WRAP_UP:
                self.wrapped_up(worker)
        return worker.view()

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

    async def test_phone(self, name: str) -> AgentView:
        """Call an agent's phone for an echo test: who answers hears what they say.

        Raises:
            Conflict: the agent is in a call.
        """
        agent = self.floor.agent(name)
        worker = self.floor.get(agent.id)
        if worker is not None and worker.state not in {AgentState.PAUSED, AgentState.READY}:
            raise Conflict(f"{name} is {worker.state.value}; test the phone when paused.")
        order = await self._leg_to(name, variables={"CC_LEG_DO": "echo"})
        await self.switchboard.call_agent(order)
        return self.view(name)

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        """Call a supervisor's phone and let it take part in an agent's talk."""
        worker, call, channel = self._talking(name)
        order = await self._leg_to(supervisor, spy_on=channel, spy_mode=mode)
        await self.switchboard.call_agent(order)
        log.info(
            "talk_joined", **call.track.ids, agent=name, supervisor=supervisor, mode=mode.value
        )
        return worker.view()

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        """Send the contact of an agent to a supervisor's phone."""
        return await self.transfer(name, TransferTo.AGENT, supervisor)

    async def queues(self) -> dict[str, QueueView]:
        """Return every queue of Asterisk by name."""
        return await self.switchboard.queues()

    async def force_pause(self, name: str, reason: str) -> AgentView:
        """Pause an agent, as a supervisor: see :meth:`pause`."""
        return await self.pause(name, reason)

    async def force_log_out(self, name: str) -> AgentView:
        """Log an agent out, as a supervisor: see :meth:`log_out`."""
        return await self.log_out(name, "logged out by a supervisor")

    async def restore(self) -> None:
        """Take up the shifts that an earlier engine left."""
        await self.floor.read_agents()
        for live in await self.store.live_shifts():
            agent, span = self.floor.known(live.shift.agent_id), live.span
            campaign = await self.book.campaign(live.shift.campaign_id)
            if agent is None or campaign.status in OVER:
                over = AgentSpan(
                    live.shift.agent_id,
                    campaign.id,
                    AgentState.OFFLINE,
                    self.clock.now(),
                    reason="the campaign is over",
                )
                await self.store.note_spans([over])
                continue
            worker = Worker(agent, await self._interface(agent), campaign, span.began_at)
            worker.state, worker.reason = span.state, span.reason
            # Takes no call before Asterisk has said what the phone does.
            worker.queued = False
            self.floor.put(worker)
            self._restore_call(worker, span)
        self.queueing.wake(sync=True)

    def _restore_call(self, worker: Worker, span: AgentSpan) -> None:
        track = self.registry.get(span.attempt_id or "")
        if worker.state is AgentState.TALKING and track is not None:
            worker.call = AgentCall(track, worker.campaign, connected_at=span.began_at)
            track.agent_id = worker.agent.id
            track.connected_at = track.connected_at or span.began_at
            return
        if worker.state in {AgentState.READY, AgentState.PAUSED}:
            return
        # What the agent was doing is over, or nobody knows: never a call unasked.
        if worker.state is AgentState.TALKING:
            self.floor.step(worker, AgentEvent.HUNG_UP)
        if worker.may(AgentEvent.PAUSED):
            self.floor.step(worker, AgentEvent.PAUSED, "callcamp was started again")

    def _in_call(self, name: str) -> tuple[Worker, AgentCall]:
        worker = self.floor.on_shift(name)
        if worker.call is None or worker.call.ended_at is not None:
            raise Conflict(f"{name} is in no call now.", agent=name, state=worker.state.value)
        return worker, worker.call

    def _talking(self, name: str) -> tuple[Worker, AgentCall, str]:
        worker, call = self._in_call(name)
        if worker.state is not AgentState.TALKING or call.channel_id is None:
            raise Conflict(f"{name} is not talking to a contact now.", state=worker.state.value)
        return worker, call, call.channel_id

    def _consulting(self, name: str) -> tuple[Worker, AgentCall, str]:
        worker, call, channel = self._talking(name)
        if not call.consulting:
            raise Conflict(f"{name} is talking to nobody else now.")
        return worker, call, channel

    def _check_noted(self, worker: Worker) -> None:
        call = worker.call
        if call is not None and not call.noted and call.campaign.settings.agents.outcome_required:
            raise Conflict("Note the outcome of the call first; this campaign needs one.")

    async def _interface(self, agent: Agent) -> str:
        """Return what Asterisk dials to reach an agent."""
        trunk_id = agent.phone.trunk_id
        return interface_of(
            agent.phone, None if trunk_id is None else await self.book.trunk(trunk_id)
        )

    async def _place(self, worker: Worker, call: AgentCall, to: TransferTo, target: str) -> str:
        """Return where Asterisk sends a contact: a queue, an interface, or a dial string."""
        if to is TransferTo.AGENT:
            other = self.floor.agent(target)
            if other.id == worker.agent.id:
                raise Conflict(f"{target} talks to this person already.", agent=target)
            return await self._interface(other)
        if to is TransferTo.NUMBER:
            return await self.outside.dial_string(worker, call, target)
        await self.queueing.check_exists(target)
        return target

    async def _leg_to(
        self,
        name: str,
        *,
        spy_on: str | None = None,
        spy_mode: SpyMode | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> LegOrder:
        agent = self.floor.agent(name)
        return LegOrder(
            leg_id(agent.id, secrets.token_hex(8)),
            agent.id,
            await self._interface(agent),
            SPY_RING_S,
            spy_on=spy_on,
            spy_mode=spy_mode,
            variables=dict(variables or {}),
        )


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 0 < len(reason) <= 100 or not reason.isprintable():
        raise InvalidInput(
            "A reason has 1 to 100 printable characters.", field="reason", value=text
        )
    return reason
