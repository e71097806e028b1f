"""The contract of the way to Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from callcamp.core.agent_events import AgentFact
from callcamp.core.events import SwitchEvent
from callcamp.core.outcome import Evidence
from callcamp.ports.switchboard import Switchboard


@dataclass(frozen=True, slots=True)
class CallOrder:
    """One call to place.

    Args:
        attempt_id: becomes the channel id; letters, digits, ``.``, ``_`` and ``-`` only.
        channel: what to dial, e.g. ``PJSIP/+33612345678@carrier``.
        ring_timeout_s: how long it may ring.
        caller_id: number to show (None: the trunk's own).
        variables: channel variables for the dialplan, by full name, e.g. ``CC_PROMPT``.
            Values are any text without CR, LF or NUL; they reach the channel unchanged.
    """

    attempt_id: str
    channel: str
    ring_timeout_s: int
    caller_id: str | None = None
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A channel of ours that exists now; ``state`` is Asterisk's word (``Up``, ``Ringing``)."""

    attempt_id: str
    state: str
    duration_s: int


@dataclass(frozen=True, slots=True)
class SwitchFacts:
    """What ``doctor`` asks Asterisk.

    Args:
        version: Asterisk's version, e.g. ``22.10.1``.
        started_at: when it was started.
        clock_skew_s: Asterisk's clock minus ours, as far as can be told (None: cannot).
        modules: needed module -> whether it is loaded.
        contexts: needed dialplan context -> whether it is there.
        rights: needed AMI right -> whether we have it.
        trunk_known: endpoint name -> whether Asterisk has it.
        queues: one of callcamp's own queues -> whether Asterisk has it.
    """

    version: str
    started_at: datetime | None
    clock_skew_s: float | None
    modules: dict[str, bool]
    contexts: dict[str, bool]
    rights: dict[str, bool]
    trunk_known: dict[str, bool]
    queues: dict[str, bool] = field(default_factory=dict)


class CallGateway(Protocol):
    """The way to Asterisk.

    Every method may raise :class:`callcamp.errors.SwitchUnavailable` (nothing was sent),
    :class:`callcamp.errors.SwitchTimeout` (it may have happened) and
    :class:`callcamp.errors.SwitchRefused` (it did not happen).
    """

    @property
    def link_up(self) -> bool:
        """Whether an AMI session works now."""
        ...

    @property
    def last_problem(self) -> str | None:
        """Why there is no link, in words; None while there is one."""
        ...

    @property
    def switchboard(self) -> Switchboard:
        """What is asked of Asterisk about agents, queues and talks, over the same session."""
        ...

    async def start(self) -> None:
        """Connect and keep connected, with growing pauses, until :meth:`close`.

        Returns when the first session works.

        Raises:
            BadCredentials: Asterisk refused the log-in; nothing goes on in the background.
            SwitchUnavailable: no session within the connect timeout; connecting goes on
                in the background.
        """
        ...

    async def close(self) -> None:
        """End the session and every task of the gateway; safe at any time, and twice."""
        ...

    async def originate(self, order: CallOrder) -> None:
        """Order a call; return when Asterisk has queued it. Never sent twice.

        Raises:
            InvalidInput: a value cannot be sent; nothing was.
            SwitchUnavailable: nothing was sent.
            SwitchRefused: Asterisk said no; no call goes out.
            SwitchTimeout: the bytes went out and no answer came: the call may go out.
        """
        ...

    async def hang_up(self, attempt_id: str) -> bool:
        """End the call of an attempt; False when there is no such channel."""
        ...

    async def live_calls(self) -> dict[str, LiveCall]:
        """Return every channel that Asterisk has now, by its unique id."""
        ...

    async def outbox(self) -> dict[str, Evidence]:
        """Return what hangup handlers wrote and nobody has deleted yet, by attempt id."""
        ...

    async def delete_from_outbox(self, attempt_ids: Sequence[str]) -> None:
        """Delete entries of the outbox; entries that are not there are no error."""
        ...

    def events(self) -> AsyncIterator[SwitchEvent | AgentFact]:
        """Yield events in order, for one reader, until :meth:`close`."""
        ...

    async def facts(self, endpoints: Sequence[str] = ()) -> SwitchFacts:
        """Ask Asterisk about itself, for ``doctor``."""
        ...


@runtime_checkable
class Measured(Protocol):
    """A gateway that also tells how fast it is, for metrics; none has to."""

    @property
    def events_waiting(self) -> int:
        """How many events were read from Asterisk and not taken yet."""
        ...

    def measure(
        self, on_answer: Callable[[str, float], None], on_taken: Callable[[float], None]
    ) -> None:
        """Tell from now on how fast Asterisk and the reader of events are.

        Args:
            on_answer: gets the name of every answered action and the seconds it took.
            on_taken: gets, of every event that is taken, the seconds since it was read.
        """
        ...
