"""Agents who end their shift, in whatever they were: nobody who waits for them is lost."""

from __future__ import annotations

import structlog

from callcamp.core.agents import AgentEvent, AgentState
from callcamp.engine.agents.background import Background
from callcamp.engine.agents.consequences import Consequences
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.queueing import Queueing
from callcamp.engine.agents.worker import AgentCall, Worker
from callcamp.engine.registry import Registry, Track
from callcamp.ports.switchboard import Switchboard

log = structlog.get_logger(__name__)


class Leaving:
    """Ends shifts, and owns what those who left have left in Asterisk: talks, phones that ring.

    Args:
        floor: the agents.
        queueing: takes them out of their queue.
        switchboard: the way to their phones.
        registry: the live attempts.
        consequences: finds another agent for who waits.
        background: does what nobody waits for.
    """

    def __init__(
        self,
        *,
        floor: Floor,
        queueing: Queueing,
        switchboard: Switchboard,
        registry: Registry,
        consequences: Consequences,
        background: Background,
    ) -> None:
        self._floor = floor
        self._queueing = queueing
        self._switchboard = switchboard
        self._registry = registry
        self._consequences = consequences
        self._background = background
        self._legs: dict[str, str] = {}
        self._ringing: dict[str, str | None] = {}

    @property
    def legs(self) -> frozenset[str]:
        """The phones of agents who have logged out and talk on."""
        return frozenset(self._legs.values())

    def leave(self, worker: Worker, reason: str) -> None:
        """End an agent's shift; what the agent was about to talk to is given back."""
        line = self._consequences.line
        line.withdraw(worker)
        call, leg = worker.call, worker.leg
        talks = worker.state is AgentState.TALKING
        waits: Track | None = None
        if call is not None and worker.state in {AgentState.RINGING, AgentState.DIALING}:
            worker.call = None
            if call.track.connected_at is None and call.track.answered_at is None:
                line.drop(call.track)
            elif worker.state is AgentState.RINGING:
                waits = call.track
        self._floor.step(worker, AgentEvent.LOGGED_OUT, reason)
        if call is not None and waits is not None:
            # A caller stays in the queue, or with the announcement, for another agent.
            waits.offered_to = None
            if leg is None:
                self.stop_ringing(waits, call.channel_id)
            # A queue calls the next one by itself; its caller would be lost from sight by a
            # hand-over that Asterisk refuses while a phone still rings.
            if self._queueing.hears_announcement(waits.attempt_id):
                self._consequences.seek(waits)
        if leg is not None and not talks:
            self._background.do(self._end_channel(leg.id))
        elif talks and call is not None and call.channel_id is not None:
            if leg is not None:
                self._legs[call.track.attempt_id] = leg.id
            self._background.do(self._bring_back(call, call.channel_id))
        self._queueing.wake()

    def stop_ringing(self, track: Track, channel_id: str | None) -> None:
        """Have a phone ring no more for an agent who has logged out; the caller waits on.

        Without a link it is done when the link is back.
        """
        self._ringing[track.attempt_id] = channel_id
        self._background.do(self._stop_ringing(track.attempt_id, channel_id))

    async def stop_left(self) -> None:
        """Do the same for the phones that could not be reached before."""
        for attempt_id, channel_id in list(self._ringing.items()):
            await self._stop_ringing(attempt_id, channel_id)

    def end_leg(self, attempt_id: str, channel_id: str | None = None) -> None:
        """End the phone that was left in a call that is over, if there is one.

        Args:
            attempt_id: the call.
            channel_id: only when it is this phone (None: whichever it is).
        """
        if channel_id is None or self._legs.get(attempt_id) == channel_id:
            leg = self._legs.pop(attempt_id, None)
            if leg is not None:
                self._background.do(self._end_channel(leg))

    def forget_over(self) -> None:
        """Forget what was left in calls that are over."""
        self._legs = {i: leg for i, leg in self._legs.items() if self._registry.get(i)}
        self._ringing = {i: one for i, one in self._ringing.items() if self._registry.get(i)}

    async def _stop_ringing(self, attempt_id: str, channel_id: str | None) -> None:
        if not await self._switchboard.stop_ringing(attempt_id, channel_id):
            log.info("agent_answered_after_log_out", attempt=attempt_id)
        self._ringing.pop(attempt_id, None)

    async def _end_channel(self, channel_id: str) -> None:
        await self._switchboard.hang_up_channel(channel_id)

    async def _bring_back(self, call: AgentCall, channel_id: str) -> None:
        # Nobody could do it any more once the agent is off shift: the person would wait for ever.
        if call.consulting:
            await self._switchboard.cancel_consult(call.track.attempt_id, channel_id)
        elif call.on_hold:
            await self._switchboard.unhold(call.track.attempt_id, channel_id)
