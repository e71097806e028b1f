"""The contract of what callcamp asks of Asterisk about agents, queues and talks.

Every method may raise :class:`callcamp.errors.SwitchUnavailable` (nothing was sent),
:class:`callcamp.errors.SwitchTimeout` (it may have happened),
:class:`callcamp.errors.SwitchRefused` (it did not happen) and
:class:`callcamp.errors.InvalidInput` (a value cannot be sent; nothing was).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueueMember:
    """A member of a queue as Asterisk has it; ``agent_id`` is None when it is none of ours."""

    agent_id: int | None
    interface: str
    status: int
    paused: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as Asterisk has it; ``waiting`` are the attempt ids of our calls in it."""

    name: str
    members: tuple[QueueMember, ...] = ()
    waiting: tuple[str, ...] = ()
    callers: int = 0


@dataclass(frozen=True, slots=True)
class TalkView:
    """Who talks to a contact: the channel of the agent, and whether the contact is on hold.

    ``agent_id`` is None when that agent's part is over, or the channel is nobody's of ours.
    ``outside`` is whether an agent's call to a number outside goes with it: a consultation, or
    where the contact was sent.
    """

    channel_id: str
    on_hold: bool
    agent_id: int | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class LegOrder:
    """A call to an agent's phone.

    Args:
        leg_id: becomes the channel id, see :func:`callcamp.switch.is_leg_id`.
        agent_id: whose phone it is.
        interface: what to dial, e.g. ``PJSIP/anna`` or ``PJSIP/+4930123@carrier``.
        ring_timeout_s: how long it may ring.
        caller_id: what the agent's phone shows.
        spy_on: a channel id to listen to, instead of waiting for contacts.
        spy_mode: how.
    """

    leg_id: str
    agent_id: int
    interface: str
    ring_timeout_s: int
    caller_id: str = "callcamp"
    spy_on: str | None = None
    spy_mode: SpyMode | None = None
    variables: dict[str, str] = field(default_factory=dict)


class SpyMode(StrEnum):
    """How a supervisor takes part in a talk: hears it, speaks to the agent, speaks to both."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class TransferTo(StrEnum):
    """Where a contact is transferred."""

    QUEUE = "queue"
    AGENT = "agent"
    NUMBER = "number"


class Switchboard(Protocol):
    """Queues, agents' phones, and talks that are going on."""

    async def hold_agents(self) -> None:
        """Say that this callcamp has its agents on this Asterisk; to be repeated.

        Raises:
            Conflict: another callcamp has.
        """
        ...

    async def queues(self) -> dict[str, QueueView]:
        """Return every queue of Asterisk by name."""
        ...

    async def add_member(
        self, queue: str, interface: str, agent_id: int, *, paused: bool, reason: str = ""
    ) -> None:
        """Make an agent a member of a queue; a member already is set to ``paused``.

        Raises:
            NotFound: Asterisk has no such queue.
        """
        ...

    async def remove_member(self, queue: str, interface: str) -> bool:
        """Take a member out of a queue; False when it was none."""
        ...

    async def pause_member(
        self, queue: str, interface: str, *, paused: bool, reason: str = ""
    ) -> None:
        """Have the queue skip a member, or not skip it any more."""
        ...

    async def call_agent(self, order: LegOrder) -> None:
        """Call an agent's phone; who answers waits on the line (or spies). Never sent twice."""
        ...

    async def hang_up_channel(self, channel_id: str) -> bool:
        """End any channel of ours or of an agent; False when there is none."""
        ...

    async def stop_ringing(self, attempt_id: str, channel_id: str | None) -> bool:
        """Take a waiting contact's call away from an agent's phone; the contact waits on.

        Args:
            attempt_id: the contact's call.
            channel_id: the phone's channel (None: not known; whichever was called last).

        Returns:
            False when the phone was answered already: they talk.
        """
        ...

    async def hears_announcement(self, attempt_id: str) -> bool:
        """Tell whether a contact hears the announcement now, and no queue looks for its agent."""
        ...

    async def is_up(self, channel_id: str) -> bool:
        """Tell whether a channel exists now and is answered."""
        ...

    async def give_to(self, attempt_id: str, interface: str, agent_id: int) -> bool:
        """Hand a call that waits in a queue straight to an agent's phone.

        Returns False when the call is not waiting any more.
        """
        ...

    async def join(self, attempt_id: str, leg_id: str) -> bool:
        """Bring a call that waits, or hears the announcement, to an agent who is on the line.

        Returns False when the call is not waiting any more.
        """
        ...

    async def hold(self, attempt_id: str, agent_channel: str) -> None:
        """Let the contact hear music while the agent waits on the line."""
        ...

    async def unhold(self, attempt_id: str, agent_channel: str) -> None:
        """Bring contact and agent together again."""
        ...

    async def talk_of(self, attempt_id: str) -> TalkView | None:
        """Tell which agent's channel a contact talks to, or waits for on hold (None: none)."""
        ...

    async def mute(self, channel_id: str, *, muted: bool) -> None:
        """Keep what a phone says from everybody else, or not any more."""
        ...

    async def press_keys(self, attempt_id: str, digits: str) -> None:
        """Send keypad tones to the contact's side: ``0-9``, ``*``, ``#``; at most 32."""
        ...

    async def transfer(self, attempt_id: str, to: TransferTo, target: str) -> None:
        """Send the contact to a queue, an agent's interface or a dial string, without a word.

        The agent's part in the call is over.
        """
        ...

    async def consult(
        self, attempt_id: str, agent_channel: str, to: TransferTo, target: str
    ) -> None:
        """Call a third party while the contact waits: agent and third party talk."""
        ...

    async def complete_consult(self, attempt_id: str, agent_channel: str) -> None:
        """Bring the contact together with the third party; the agent's part is over."""
        ...

    async def cancel_consult(self, attempt_id: str, agent_channel: str) -> None:
        """End the talk with the third party and bring contact and agent together again."""
        ...

    async def phone_states(self, interfaces: list[str]) -> dict[str, bool]:
        """Tell of each agent's interface whether a call would reach a phone now."""
        ...
