"""The gateway to a real Asterisk: a session that is kept up, and what can be asked of it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from callcamp.core.events import LinkDown, LinkUp, SwitchEvent
from callcamp.core.outcome import Evidence, parse_evidence
from callcamp.errors import (
    BadCredentials,
    CallcampError,
    InvalidInput,
    SwitchRefused,
    SwitchTimeout,
    SwitchUnavailable,
)
from callcamp.ports import CallOrder, LiveCall, SwitchFacts
from callcamp.switch import is_attempt_id
from callcamp.switch.event_queue import EventQueue
from callcamp.switch.facts import check_ready, gather_facts
from callcamp.switch.link import OpenLink
from callcamp.switch.orders import encode_order, order_action_id
from callcamp.switch.panoramisk_link import open_link as open_panoramisk_link
from callcamp.switch.session import Session

_log = logging.getLogger(__name__)
OUTBOX_FAMILY = "callcamp"
"""AstDB family in which the hangup handler leaves what it knows."""
_DELETIONS_AT_ONCE = 500
_NOT_DELETED = "Database entry could not be deleted"
_ORDERS_REMEMBERED = 20_000
_CLOSED = "The gateway is closed."


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts to connect.

    Args:
        first_s: the longest first pause; each further one is twice as long.
        cap_s: no pause is longer.
        refused_s: pause after a refused log-in: more would look like an attack.
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


class AmiGateway:
    """:class:`callcamp.ports.CallGateway` over Asterisk's manager interface.

    Args:
        host: where Asterisk's manager listens.
        port: its TCP port.
        username: user of manager.conf.
        secret: that user's secret; never shown, and never sent as it is.
        connect_timeout_s: time to connect and log in.
        action_timeout_s: time Asterisk has to answer an action or a ping.
        ping_interval_s: pause between pings.
        event_queue: events kept while their reader is behind.
        backoff: pauses between attempts to connect.
        open_link: how to connect.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: SecretStr | str,
        connect_timeout_s: float = 5.0,
        action_timeout_s: float = 5.0,
        ping_interval_s: float = 5.0,
        event_queue: int = 50_000,
        backoff: Backoff | None = None,
        open_link: OpenLink = open_panoramisk_link,
    ) -> None:
        self._host = host
        self._port = port
        self._username = username
        self._secret = secret if isinstance(secret, SecretStr) else SecretStr(secret)
        self._connect_timeout_s = connect_timeout_s
        self._action_timeout_s = action_timeout_s
        self._ping_interval_s = ping_interval_s
        self._backoff = backoff or Backoff()
        self._open_link = open_link
        self._events = EventQueue(event_queue)
        self._session: Session | None = None
        self._problem: str | None = "The gateway has not been started."
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        # The latest orders, oldest first: Asterisk itself guards an id only while its call lives.
        self._ordered: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<AmiGateway {self._username}@{self._host}:{self._port} up={self.link_up}>"

    @property
    def link_up(self) -> bool:
        """Whether an AMI session works now."""
        return self._session is not None

    @property
    def last_problem(self) -> str | None:
        """Why there is no link, in words; None while there is one."""
        return self._problem

    async def start(self) -> None:
        """Connect and keep connected; see :meth:`callcamp.ports.CallGateway.start`.

        Raises:
            BadCredentials: Asterisk refused the log-in; nothing goes on.
            SwitchUnavailable: no session in time (it goes on trying), or closed already.
        """
        if self._closed:
            raise SwitchUnavailable(_CLOSED)
        if self.link_up:
            return
        if self._task is not None and not self._task.done():
            raise SwitchUnavailable(f"There is no link to Asterisk yet: {self._problem}")
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._keep_up(first), name="callcamp-ami")
        self._task = task
        try:
            await asyncio.wait(
                {first, task},
                timeout=self._connect_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if task.done() and not task.cancelled():
                await task
            if not first.done():
                raise SwitchUnavailable(f"No link to Asterisk: {self._problem}")
        finally:
            # Nobody waits any more: from now on a refused log-in is retried, slowly.
            first.cancel()

    async def close(self) -> None:
        """End the session and every task of the gateway; safe at any time, and twice."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._problem = _CLOSED
        self._events.close()

    async def originate(self, order: CallOrder) -> None:
        """Order a call; return when Asterisk has queued it. Never sent twice.

        Raises:
            InvalidInput: a value cannot be sent; nothing was.
            SwitchUnavailable: nothing was sent.
            SwitchRefused: Asterisk said no; no call goes out.
            SwitchTimeout: the bytes went out and no answer came: the call may go out.
        """
        data = encode_order(order)
        attempt_id = order.attempt_id
        session = self._up()
        if attempt_id in self._ordered:
            # Whoever orders twice must not conclude that there is no call.
            raise SwitchTimeout("This attempt was ordered before; it is not sent again.")
        session.check_usable()
        self._ordered[attempt_id] = None
        if len(self._ordered) > _ORDERS_REMEMBERED:
            del self._ordered[next(iter(self._ordered))]
        try:
            await session.exchange("Originate", order_action_id(attempt_id), data)
        except SwitchRefused:
            self._ordered.pop(attempt_id, None)
            raise

    async def hang_up(self, attempt_id: str) -> bool:
        """End the call of an attempt; False when there is no such channel."""
        _check_attempt_id(attempt_id)
        try:
            # Asterisk looks for a channel of this name, then for one with this unique id.
            await self._up().request("Hangup", [("Channel", attempt_id)])
        except SwitchRefused as error:
            if error.details["answer"] == "No such channel":
                return False
            raise
        return True

    async def live_calls(self) -> dict[str, LiveCall]:
        """Return every channel that Asterisk has now, by its unique id."""
        items = await self._up().request("CoreShowChannels", many=True)
        calls = (
            LiveCall(
                item.get("Uniqueid", ""),
                item.get("ChannelStateDesc", ""),
                _seconds(item.get("Duration", "")),
            )
            for item in items
        )
        return {call.attempt_id: call for call in calls}

    async def outbox(self) -> dict[str, Evidence]:
        """Return what hangup handlers wrote and nobody has deleted yet, by attempt id."""
        items = await self._up().request("DBGetTree", [("Family", OUTBOX_FAMILY)], many=True)
        prefix = f"/{OUTBOX_FAMILY}/"
        entries = (
            (item.get("Key", "").removeprefix(prefix), item.get("Val", "")) for item in items
        )
        return {key: parse_evidence(value) for key, value in entries if is_attempt_id(key)}

    async def delete_from_outbox(self, attempt_ids: Sequence[str]) -> None:
        """Delete entries of the outbox; entries that are not there are no error."""
        for attempt_id in attempt_ids:
            _check_attempt_id(attempt_id)
        for at in range(0, len(attempt_ids), _DELETIONS_AT_ONCE):
            deletions = [
                [("Family", OUTBOX_FAMILY), ("Key", attempt_id)]
                for attempt_id in attempt_ids[at : at + _DELETIONS_AT_ONCE]
            ]
            await self._delete(deletions)

    def events(self) -> AsyncIterator[SwitchEvent]:
        """Yield events in order, for one reader, until :meth:`close`."""
        return self._events

    async def facts(self, endpoints: Sequence[str] = ()) -> SwitchFacts:
        """Ask Asterisk about itself, for ``doctor``."""
        return await gather_facts(self._up().request, endpoints)

    async def _delete(self, entries: Sequence[Sequence[tuple[str, str]]]) -> None:
        session = self._up()
        doubtful: list[tuple[Sequence[tuple[str, str]], SwitchRefused]] = []
        answers = await session.exchange_all("DBDel", entries)
        for entry, answer in zip(entries, answers, strict=True):
            if isinstance(answer, SwitchRefused) and answer.details["answer"] == _NOT_DELETED:
                doubtful.append((entry, answer))
            elif isinstance(answer, BaseException):
                raise answer
        if not doubtful:
            return
        # Asterisk says the same of an entry that is not there and of one it cannot delete.
        looks = await session.exchange_all("DBGet", [entry for entry, _ in doubtful])
        for (_, refusal), look in zip(doubtful, looks, strict=True):
            if not isinstance(look, BaseException):
                raise refusal
            if not isinstance(look, SwitchRefused):
                raise look

    def _up(self) -> Session:
        if self._session is None:
            raise SwitchUnavailable(f"There is no link to Asterisk: {self._problem}")
        return self._session

    async def _keep_up(self, first: asyncio.Future[None]) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        self._problem = f"Still connecting to {self._host}:{self._port}."
        while True:
            session = self._new_session()
            began = loop.time()
            try:
                await self._open(session)
                if not first.done():
                    first.set_result(None)
                await session.watch(self._ping_interval_s)
                if loop.time() - began > self._backoff.cap_s:
                    failures = 0
                failures += 1
                pause_s = self._backoff.pause_s(failures, _draw())
            except BadCredentials as error:
                self._problem = error.message
                if not first.done():
                    raise
                pause_s = self._backoff.refused_s
            except Exception as error:  # noqa: BLE001 - whatever it is, go on trying
                if not isinstance(error, (CallcampError, OSError)):
                    _log.exception("Connecting to Asterisk failed in an unexpected way.")
                self._problem = session.reason or _in_words(error)
                failures += 1
                pause_s = self._backoff.pause_s(failures, _draw())
            finally:
                await session.close(_CLOSED)
            _log.warning("No link to Asterisk, next try in %.1f s: %s", pause_s, self._problem)
            await asyncio.sleep(pause_s)

    def _new_session(self) -> Session:
        def lost(reason: str) -> None:
            if self._session is session:
                self._session = None
                self._problem = reason
                if not self._closed:
                    self._events.put_link(LinkDown(datetime.now(UTC), reason))

        session = Session(
            action_timeout_s=self._action_timeout_s, on_event=self._events.put, on_lost=lost
        )
        return session

    async def _open(self, session: Session) -> None:
        async with asyncio.timeout(self._connect_timeout_s):
            await session.connect(self._open_link, self._host, self._port)
            await session.log_in(self._username, self._secret.get_secret_value())
            began_at = await check_ready(session.request)
        if session.reason is not None:
            raise SwitchUnavailable(session.reason)
        self._session = session
        self._problem = None
        self._events.put_link(LinkUp(datetime.now(UTC), began_at))
        session.go_live()
        _log.info("Linked to Asterisk at %s:%d.", self._host, self._port)


_draw: Callable[[], float] = random.SystemRandom().random


def _check_attempt_id(attempt_id: str) -> None:
    if not is_attempt_id(attempt_id):
        raise InvalidInput("This is no attempt id.", field="attempt_id", value=attempt_id)


def _in_words(error: BaseException) -> str:
    if isinstance(error, CallcampError):
        return error.message
    if isinstance(error, TimeoutError):
        return "Asterisk's manager interface does not answer in time."
    return f"Asterisk's manager interface cannot be reached: {error}"


def _seconds(duration: str) -> int:
    seconds = 0
    for part in duration.split(":"):
        if not part.isdecimal():
            return 0
        seconds = seconds * 60 + int(part)
    return seconds
