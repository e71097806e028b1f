"""What supervisors do to agents at work: nothing of it without a line in the audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from callcamp.engine.agents.views import AgentView
from callcamp.engine.values import check_text
from callcamp.ports import Store
from callcamp.ports.switchboard import SpyMode

MOST_REASON = 100
"""Characters of a reason at most."""
_VERBS = {
    SpyMode.LISTEN: "listened",
    SpyMode.WHISPER: "whispered",
    SpyMode.BARGE: "barged_in",
}


class Supervised(Protocol):
    """What of the agents' desk is needed; :mod:`callcamp.engine.agents.desk` says it all."""

    def view(self, name: str) -> AgentView:
        """Return an agent now."""
        ...

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        """Call a supervisor's phone and let it take part in a talk."""
        ...

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        """Send the contact to a supervisor's phone."""
        ...

    async def force_pause(self, name: str, reason: str) -> AgentView:
        """Pause an agent."""
        ...

    async def force_log_out(self, name: str) -> AgentView:
        """Log an agent out."""
        ...


class Supervision:
    """Use-cases of supervisors.

    Each is noted in the audit before it is asked for, so that nobody listens without a record;
    what is refused then has its line as well.

    Args:
        desk: the agents at work.
        store: where the audit is kept.
        clock: returns now, aware UTC.
    """

    def __init__(self, desk: Supervised, store: Store, clock: Callable[[], datetime]) -> None:
        self._desk = desk
        self._store = store
        self._clock = clock

    async def spy(self, name: str, mode: SpyMode, supervisor: str) -> AgentView:
        """Call a supervisor's phone and let it take part in an agent's talk.

        Args:
            name: whose talk.
            mode: how: hear it, speak to the agent alone, speak to both.
            supervisor: name of the agent whose phone is called.

        Raises:
            NotFound: there is no such agent, or no such supervisor among the agents.
            Conflict: the agent does not talk.
        """
        self._desk.view(supervisor)
        await self._note(name, _VERBS[mode], phone_of=supervisor)
        return await self._desk.spy(name, mode, supervisor)

    async def take_over(self, name: str, supervisor: str) -> AgentView:
        """Send the contact of an agent to a supervisor's phone.

        Raises:
            NotFound: there is no such agent, or no such supervisor among the agents.
            Conflict: the agent does not talk.
        """
        self._desk.view(supervisor)
        await self._note(name, "taken_over", phone_of=supervisor)
        return await self._desk.take_over(name, supervisor)

    async def pause(self, name: str, reason: str) -> AgentView:
        """Have an agent take no calls; who is in a call pauses after it.

        Raises:
            NotFound: there is no such agent.
            InvalidInput: the reason is none.
            IllegalTransition: the agent is offline.
        """
        check_text("reason", reason, MOST_REASON)
        await self._note(name, "paused", reason=reason)
        return await self._desk.force_pause(name, reason)

    async def log_out(self, name: str) -> AgentView:
        """Log an agent out.

        Raises:
            NotFound: there is no such agent.
            IllegalTransition: the agent is offline.
        """
        await self._note(name, "logged_out")
        return await self._desk.force_log_out(name)

    async def _note(self, name: str, action: str, **details: Any) -> None:
        view = self._desk.view(name)
        call = view.call
        attempt = {"attempt_id": call.attempt_id} if call and not call.ended_at else {}
        await self._store.note_supervision(
            view.agent.id,
            action,
            {**details, **attempt, "state": view.state.value},
            campaign_id=view.campaign_id,
            now=self._clock(),
        )
