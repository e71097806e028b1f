"""Keeps one session with Asterisk up: connects, notices the end, waits, connects again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from callcamp.core.events import LinkDown, LinkUp
from callcamp.errors import BadCredentials, CallcampError, SwitchTimeout, SwitchUnavailable
from callcamp.switch.event_queue import EventQueue
from callcamp.switch.facts import check_ready
from callcamp.switch.link import OpenLink
from callcamp.switch.session import Session

_log = logging.getLogger(__name__)
_CLOSED = "The gateway is closed."
_REFUSALS_FORGIVEN = 5
_FORGIVEN_S = 5.0
_draw: Callable[[], float] = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts to connect.

    Args:
        first_s: the longest first pause; each further one is twice as long.
        cap_s: no pause is longer.
        refused_s: pause after a refused log-in: more would look like an attack. The first
            few refusals of a user who was let in before are not taken for one.
    """

    first_s: float = 0.25
    cap_s: float = 15.0
    refused_s: float = 60.0

    def pause_s(self, failures: int, draw: float) -> float:
        """Return the pause after so many failures in a row.

        Args:
            failures: 1 or more.
            draw: random in [0, 1), so that several clients do not return all at once.
        """
        longest = min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, 32))
        return longest * (0.5 + draw / 2)


@dataclass(frozen=True, slots=True)
class Account:
    """Where Asterisk's manager listens, and as whom to log in.

    Args:
        host: the manager's host.
        port: its TCP port.
        username: user of manager.conf.
        secret: that user's secret.
        connect_timeout_s: time to connect and log in.
        action_timeout_s: time Asterisk has to answer an action or a ping.
        ping_interval_s: pause between pings.
    """

    host: str
    port: int
    username: str
    secret: SecretStr
    connect_timeout_s: float
    action_timeout_s: float
    ping_interval_s: float


class SessionKeeper:
    """One session at a time, from :meth:`start` until :meth:`close`.

    Args:
        account: with whom, as whom, how patiently.
        backoff: pauses between attempts to connect.
        open_link: how to connect.
        events: gets what sessions see, and when the link is up and down.

    Attributes:
        session: the session that works now, or None.
        problem: why there is none.
        on_answer: see :class:`callcamp.switch.session.Session`.
    """

    def __init__(
        self, account: Account, backoff: Backoff, open_link: OpenLink, events: EventQueue
    ) -> None:
        self._account = account
        self._backoff = backoff
        self._open_link = open_link
        self._events = events
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        # loop time at which the last session that worked was lost
        self._lost_at: float | None = None
        self.session: Session | None = None
        self.problem: str | None = "The gateway has not been started."
        self.on_answer: Callable[[str, float], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether anything goes on in the background."""
        return self._task is not None and not self._task.done()

    def up(self) -> Session:
        """Return the session that works now.

        Raises:
            SwitchUnavailable: there is none.
        """
        if self.session is None:
            raise SwitchUnavailable(f"There is no link to Asterisk: {self.problem}")
        return self.session

    async def start(self) -> None:
        """Connect and keep connected; see :meth:`callcamp.ports.CallGateway.start`.

        Raises:
            BadCredentials: Asterisk refused the log-in; nothing goes on.
            SwitchUnavailable: no session in time (it goes on trying), or closed already.
        """
        if self._closed:
            raise SwitchUnavailable(_CLOSED)
        if self.session is not None:
            return
        if self.busy:
            raise SwitchUnavailable(f"There is no link to Asterisk yet: {self.problem}")
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._keep_up(first), name="callcamp-ami")
        self._task = task
        try:
            await asyncio.wait(
                {first, task},
                timeout=self._account.connect_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if task.done() and not task.cancelled():
                await task
            if not first.done():
                raise SwitchUnavailable(f"No link to Asterisk: {self.problem}")
        finally:
            # Nobody waits any more: from now on a refused log-in is retried, slowly.
            first.cancel()

    async def close(self) -> None:
        """End the session and the task; safe at any time, and twice."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.problem = _CLOSED

    async def _keep_up(self, first: asyncio.Future[None]) -> None:
        failures = refusals = 0
        loop = asyncio.get_running_loop()
        self.problem = f"Still connecting to {self._account.host}:{self._account.port}."
        while True:
            session = self._new_session()
            began = loop.time()
            try:
                await self._open(session)
                refusals = 0
                if not first.done():
                    first.set_result(None)
                await session.watch(self._account.ping_interval_s)
                if loop.time() - began > self._backoff.cap_s:
                    failures = 0
                failures += 1
                pause_s = self._backoff.pause_s(failures, _draw())
            except BadCredentials as error:
                self.problem = error.message
                if not first.done():
                    raise
                failures, refusals = failures + 1, refusals + 1
                pause_s = self._backoff.refused_s
                if self._is_forgiven(refusals):
                    # An Asterisk that is shutting down, or starting, refuses users it knows.
                    pause_s = self._backoff.pause_s(failures, _draw())
            except Exception as error:  # noqa: BLE001 - whatever it is, go on trying
                if not isinstance(error, (CallcampError, OSError)):
                    _log.exception("Connecting to Asterisk failed in an unexpected way.")
                self.problem = session.reason or _in_words(error)
                failures += 1
                pause_s = self._backoff.pause_s(failures, _draw())
            finally:
                await session.close(_CLOSED)
            _log.warning("No link to Asterisk, next try in %.1f s: %s", pause_s, self.problem)
            await asyncio.sleep(pause_s)

    def _is_forgiven(self, refusals: int) -> bool:
        if self._lost_at is None:
            return False
        since_s = asyncio.get_running_loop().time() - self._lost_at
        return refusals <= _REFUSALS_FORGIVEN or since_s < _FORGIVEN_S

    def _new_session(self) -> Session:
        def lost(reason: str) -> None:
            if self.session is session:
                self.session = None
                self.problem = reason
                self._lost_at = asyncio.get_running_loop().time()
                if not self._closed:
                    self._events.put_link(LinkDown(datetime.now(UTC), reason))

        def answered(action: str, seconds: float) -> None:
            if self.on_answer is not None:
                self.on_answer(action, seconds)

        session = Session(
            action_timeout_s=self._account.action_timeout_s,
            on_event=self._events.put,
            on_lost=lost,
            on_answer=answered,
        )
        return session

    async def _open(self, session: Session) -> None:
        async with asyncio.timeout(self._account.connect_timeout_s):
            await session.connect(self._open_link, self._account.host, self._account.port)
            await session.log_in(self._account.username, self._account.secret.get_secret_value())
            began_at = await check_ready(session.request)
        if session.reason is not None:
            raise SwitchUnavailable(session.reason)
        self.session = session
        self.problem = None
        self._events.put_link(LinkUp(datetime.now(UTC), began_at))
        session.go_live()
        _log.info("Linked to Asterisk at %s:%d.", self._account.host, self._account.port)


def _in_words(error: BaseException) -> str:
    if isinstance(error, (TimeoutError, SwitchTimeout)):
        return "Asterisk's manager interface does not answer in time."
    if isinstance(error, CallcampError):
        return error.message
    return f"Asterisk's manager interface cannot be reached: {error}"
