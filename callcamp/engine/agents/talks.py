"""What agents do with the call they are in, and supervisors with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import structlog

from callcamp.core.agents import AgentState
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.outside import OutsideCalls
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.side_legs import SideLegs
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.worker import AgentCall, Worker, reach
from callcamp.engine.book import CampaignBook
from callcamp.errors import CallcampError, Conflict
from callcamp.ports import CallGateway
from callcamp.ports.switchboard import LegOrder, SpyMode, Switchboard, TransferTo
from callcamp.switch import leg_id

log = structlog.get_logger(__name__)

SPY_RING_S = 30
"""How long a supervisor's phone rings."""


class Talks:
    """Whatever needs a call, or makes one to a phone of its own.

    Args:
        floor: the agents.
        gateway: ends calls.
        switchboard: the way to talks and phones.
        queueing: knows which queues there are.
        book: the trunks.
        outside: agents' calls to numbers outside.
        consequences: what follows for agents.
        side_legs: calls to phones that serve no contact.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        gateway: CallGateway,
        switchboard: Switchboard,
        queueing: Queueing,
        book: CampaignBook,
        outside: OutsideCalls,
        consequences: Consequences,
        side_legs: SideLegs,
    ) -> None:
        self._floor = floor
        self._gateway = gateway
        self._switchboard = switchboard
        self._queueing = queueing
        self._book = book
        self._outside = outside
        self._consequences = consequences
        self._side_legs = side_legs

    async def hang_up(self, name: str) -> AgentView:
        """End the call with the contact.

        Raises:
            Conflict: there is no call.
        """
        worker, call = self._in_call(name)
        if worker.state in {AgentState.RINGING, AgentState.DIALING}:
            self._consequences.line.drop(call.track)
        else:
            await self._gateway.hang_up(call.track.attempt_id)
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
            act = self._switchboard.hold if on else self._switchboard.unhold
            call.on_hold = on
            try:
                await act(call.track.attempt_id, channel)
            except CallcampError:
                call.on_hold = not on
                raise
            self._floor.touch(worker)
        return worker.view()

    async def mute(self, name: str, on: bool) -> AgentView:
        """Keep what the agent says from the contact, or not any more."""
        worker, call, channel = self._talking(name)
        await self._switchboard.mute(channel, muted=on)
        call.muted = on
        self._floor.touch(worker)
        return worker.view()

    async def press_keys(self, name: str, digits: str) -> AgentView:
        """Send keypad tones to the contact's side."""
        worker, call, _ = self._talking(name)
        await self._switchboard.press_keys(call.track.attempt_id, digits)
        return worker.view()

    async def transfer(self, name: str, to: TransferTo, target: str) -> AgentView:
        """Send the contact to a queue, an agent or a number; the agent's part is over."""
        worker, call, _ = self._talking(name)
        place = await self._place(worker, call, to, target)
        with self._outside.ordering(call.track, to):
            await self._switchboard.transfer(call.track.attempt_id, to, place)
        log.info("call_transferred", **call.track.ids, agent=name, to=to.value)
        self._consequences.talk_over(worker)
        return worker.view()

    async def consult(self, name: str, to: TransferTo, target: str) -> AgentView:
        """Talk to somebody else while the contact waits."""
        worker, call, channel = self._talking(name)
        if call.consulting:
            raise Conflict(f"{name} is talking to {call.consulting} already.")
        place = await self._place(worker, call, to, target)
        call.consulting = target
        try:
            with self._outside.ordering(call.track, to):
                # A callcamp that starts again has to know why this contact hears music.
                await self._floor.write()
                await self._switchboard.consult(call.track.attempt_id, channel, to, place)
        except CallcampError:
            call.consulting = ""
            self._floor.touch(worker)
            raise
        self._floor.touch(worker)
        return worker.view()

    async def complete_consult(self, name: str) -> AgentView:
        """Bring the contact together with whom the agent talks to; the agent's part is over."""
        worker, call, channel = self._consulting(name)
        await self._switchboard.complete_consult(call.track.attempt_id, channel)
        self._consequences.talk_over(worker)
        return worker.view()

    async def cancel_consult(self, name: str) -> AgentView:
        """End the talk with somebody else and go back to the contact."""
        worker, call, channel = self._consulting(name)
        await self._switchboard.cancel_consult(call.track.attempt_id, channel)
        self._consequences.consult_over(worker, call)
        return worker.view()

    async def test_phone(self, name: str) -> AgentView:
        """Call an agent's phone for an echo test: who answers hears what they say.

        Raises:
            Conflict: the agent is in a call.
        """
        agent = self._floor.agent(name)
        worker = self._floor.get(agent.id)
        if worker is not None and worker.state not in {AgentState.PAUSED, AgentState.READY}:
            raise Conflict(f"{name} is {worker.state.value}; test the phone when paused.")
        await self._side_legs.call(await self._leg_to(name, variables={"CC_LEG_DO": "echo"}))
        return self._floor.view(name)

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        """Call a supervisor's phone and let it take part in an agent's talk."""
        worker, call, channel = self._talking(name)
        await self._side_legs.call(await self._leg_to(supervisor, spy_on=channel, spy_mode=mode))
        log.info(
            "talk_joined", **call.track.ids, agent=name, supervisor=supervisor, mode=mode.value
        )
        return worker.view()

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        """Send the contact of an agent to a supervisor's phone."""
        return await self.transfer(name, TransferTo.AGENT, supervisor)

    def _in_call(self, name: str) -> tuple[Worker, AgentCall]:
        worker = self._floor.on_shift(name)
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
            other = self._floor.agent(target)
            if other.id == worker.agent.id:
                raise Conflict(f"{target} talks to this person already.", agent=target)
            return await reach(other, self._book)
        if to is TransferTo.NUMBER:
            return await self._outside.dial_string(worker, call, target)
        await self._queueing.check_exists(target)
        return target

    async def _leg_to(
        self,
        name: str,
        *,
        spy_on: str | None = None,
        spy_mode: SpyMode | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> LegOrder:
        agent = self._floor.agent(name)
        return LegOrder(
            leg_id(agent.id, secrets.token_hex(8)),
            agent.id,
            await reach(agent, self._book),
            SPY_RING_S,
            spy_on=spy_on,
            spy_mode=spy_mode,
            variables=dict(variables or {}),
        )
