"""What agents do with the call they are in, and supervisors with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import structlog

from callcamp.core.agents import AgentState
from callcamp.engine.agents.desk_restart import DeskRestart
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.worker import AgentCall, Worker
from callcamp.errors import CallcampError, Conflict, SwitchTimeout
from callcamp.ports.switchboard import LegOrder, SpyMode, TransferTo
from callcamp.switch import leg_id

log = structlog.get_logger(__name__)

SPY_RING_S = 30
"""How long a supervisor's phone rings."""


class DeskTalk(DeskRestart):
    """The part of the desk that needs a call, or makes one to a phone of its own."""

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
        """Let the contact hear music, or bring contact and agent together again.

        Raises:
            Conflict: there is no talk, or the agent talks to somebody else meanwhile.
        """
        worker, call, channel = self._talking(name)
        if call.consulting:
            raise Conflict(
                f"{name} is talking to {call.consulting} while the contact waits; go back to the "
                "contact, or connect them."
            )
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
        with self.outside.ordering(call.track, to):
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
            with self.outside.ordering(call.track, to):
                # A callcamp that starts again has to know why this contact hears music.
                await self.floor.write()
                await self.switchboard.consult(call.track.attempt_id, channel, to, place)
        except CallcampError:
            call.consulting = ""
            self.floor.touch(worker)
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
        self.consult_over(worker, call)
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
        await self._call_aside(await self._leg_to(name, variables={"CC_LEG_DO": "echo"}))
        return self.floor.view(name)

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        """Call a supervisor's phone and let it take part in an agent's talk."""
        worker, call, channel = self._talking(name)
        await self._call_aside(await self._leg_to(supervisor, spy_on=channel, spy_mode=mode))
        log.info(
            "talk_joined", **call.track.ids, agent=name, supervisor=supervisor, mode=mode.value
        )
        return worker.view()

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        """Send the contact of an agent to a supervisor's phone."""
        return await self.transfer(name, TransferTo.AGENT, supervisor)

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

    async def _call_aside(self, order: LegOrder) -> None:
        self.side_legs.add(order.leg_id)
        try:
            await self.switchboard.call_agent(order)
        except SwitchTimeout:
            raise
        except CallcampError:
            self.side_legs.discard(order.leg_id)
            raise

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
