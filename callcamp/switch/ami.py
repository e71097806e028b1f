"""The gateway to a real Asterisk: what can be asked of it, over a session that is kept up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from pydantic import SecretStr

from callcamp.core.agent_events import AgentFact
from callcamp.core.events import SwitchEvent
from callcamp.core.outcome import Evidence, parse_evidence
from callcamp.errors import CallcampError, SwitchRefused, SwitchTimeout
from callcamp.ports import CallOrder, LiveCall, SwitchFacts
from callcamp.switch import is_attempt_id
from callcamp.switch.borders import check_attempt
from callcamp.switch.event_queue import EventQueue
from callcamp.switch.facts import gather_facts
from callcamp.switch.keeper import Account, Backoff, SessionKeeper
from callcamp.switch.link import OpenLink
from callcamp.switch.orders import encode_order, order_action_id
from callcamp.switch.panoramisk_link import open_link as open_panoramisk_link
from callcamp.switch.switchboard import AmiSwitchboard

__all__ = ["OUTBOX_FAMILY", "AmiGateway", "Backoff"]

OUTBOX_FAMILY = "callcamp"
"""AstDB family in which the hangup handler leaves what it knows."""
_DELETIONS_AT_ONCE = 500
_NOT_DELETED = "Database entry could not be deleted"
_ORDERS_REMEMBERED = 20_000
_LET_GO_S = 1.0


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
        instance: a name of this callcamp that stays over restarts; empty: there is no other with
            agents on this Asterisk.
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
        instance: str = "",
    ) -> None:
        if not isinstance(secret, SecretStr):
            secret = SecretStr(secret)
        account = Account(
            host, port, username, secret, connect_timeout_s, action_timeout_s, ping_interval_s
        )
        self._events = EventQueue(event_queue)
        self._keeper = SessionKeeper(account, backoff or Backoff(), open_link, self._events)
        self._switchboard = AmiSwitchboard(self._keeper, instance)
        # The latest orders, oldest first: Asterisk itself guards an id only while its call lives.
        self._ordered: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<AmiGateway up={self.link_up}>"

    @property
    def link_up(self) -> bool:
        """Whether an AMI session works now."""
        return self._keeper.session is not None

    @property
    def switchboard(self) -> AmiSwitchboard:
        """Agents, queues and talks on the same Asterisk."""
        return self._switchboard

    @property
    def last_problem(self) -> str | None:
        """Why there is no link, in words; None while there is one."""
        return self._keeper.problem

    @property
    def events_waiting(self) -> int:
        """How many events were read from Asterisk and not taken yet."""
        return len(self._events)

    def measure(
        self, on_answer: Callable[[str, float], None], on_taken: Callable[[float], None]
    ) -> None:
        """Tell from now on how fast Asterisk and the reader of events are.

        Args:
            on_answer: gets the name of every answered action and the seconds it took.
            on_taken: gets, of every event that is taken, the seconds since it was read.
        """
        self._keeper.on_answer = on_answer
        self._events.on_taken = on_taken

    async def start(self) -> None:
        """Connect and keep connected; see :meth:`callcamp.ports.CallGateway.start`.

        Raises:
            BadCredentials: Asterisk refused the log-in; nothing goes on.
            SwitchUnavailable: no session in time (it goes on trying), or closed already.
        """
        await self._keeper.start()

    async def close(self) -> None:
        """End the session and every task of the gateway; safe at any time, and twice."""
        if self.link_up:
            with contextlib.suppress(CallcampError, TimeoutError):
                async with asyncio.timeout(_LET_GO_S):
                    await self._switchboard.let_agents_go()
        await self._keeper.close()
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
        session = self._keeper.up()
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
        check_attempt(attempt_id)
        try:
            # Asterisk looks for a channel of this name, then for one with this unique id.
            await self._keeper.up().request("Hangup", [("Channel", attempt_id)])
        except SwitchRefused as error:
            if error.details["answer"] == "No such channel":
                return False
            raise
        return True

    async def live_calls(self) -> dict[str, LiveCall]:
        """Return every channel that Asterisk has now, by its unique id."""
        items = await self._keeper.up().request("CoreShowChannels", many=True)
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
        items = await self._keeper.up().request("DBGetTree", [("Family", OUTBOX_FAMILY)], many=True)
        prefix = f"/{OUTBOX_FAMILY}/"
        entries = (
            (item.get("Key", "").removeprefix(prefix), item.get("Val", "")) for item in items
        )
        return {key: parse_evidence(value) for key, value in entries if is_attempt_id(key)}

    async def delete_from_outbox(self, attempt_ids: Sequence[str]) -> None:
        """Delete entries of the outbox; entries that are not there are no error."""
        for attempt_id in attempt_ids:
            check_attempt(attempt_id)
        for at in range(0, len(attempt_ids), _DELETIONS_AT_ONCE):
            deletions = [
                [("Family", OUTBOX_FAMILY), ("Key", attempt_id)]
                for attempt_id in attempt_ids[at : at + _DELETIONS_AT_ONCE]
            ]
            await self._delete(deletions)

    def events(self) -> AsyncIterator[SwitchEvent | AgentFact]:
        """Yield events in order, for one reader, until :meth:`close`."""
        return self._events

    async def facts(self, endpoints: Sequence[str] = ()) -> SwitchFacts:
        """Ask Asterisk about itself, for ``doctor``."""
        return await gather_facts(self._keeper.up().request, endpoints)

    async def _delete(self, entries: Sequence[Sequence[tuple[str, str]]]) -> None:
        session = self._keeper.up()
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


def _seconds(duration: str) -> int:
    seconds = 0
    for part in duration.split(":"):
        if not part.isdecimal():
            return 0
        seconds = seconds * 60 + int(part)
    return seconds
