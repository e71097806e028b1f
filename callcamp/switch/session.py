"""One logged-in AMI connection, from the log-in to its end."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

from callcamp.core.agent_events import AgentFact
from callcamp.core.events import CallEvent
from callcamp.errors import BadCredentials, SwitchRefused, SwitchTimeout, SwitchUnavailable
from callcamp.switch import ATTEMPT_PREFIX, LEG_PREFIX
from callcamp.switch.link import Link, OpenLink
from callcamp.switch.pending import Pending
from callcamp.switch.translate import WANTED_EVENTS, translate
from callcamp.switch.wire import Headers, encode_action, parse_block

_log = logging.getLogger(__name__)
_EVENT = b"Event: "
_RESPONSE = b"Response: "
_SHUTDOWN = b"Shutdown"
_OURS = ATTEMPT_PREFIX.encode()
_LEGS = LEG_PREFIX.encode()


def _unmeasured(_action: str, _seconds: float) -> None:
    return


class Session:
    """Actions out, answers and events in.

    Args:
        action_timeout_s: how long Asterisk may be silent on an action.
        on_event: gets every fact about our calls, in order; events that come before
            :meth:`go_live` are kept for it.
        on_lost: gets, once, why the session is over.
        on_answer: gets the name of every action that was answered, also by a refusal, and the
            seconds from writing it to its answer (the end of it, if that is a list).

    Attributes:
        pending: the actions not answered yet.
        reason: why the session is over; None while it is not.
    """

    def __init__(
        self,
        *,
        action_timeout_s: float,
        on_event: Callable[[CallEvent | AgentFact], None],
        on_lost: Callable[[str], None],
        on_answer: Callable[[str, float], None] = _unmeasured,
    ) -> None:
        self.pending = Pending(action_timeout_s)
        self._on_event = on_event
        self._on_lost = on_lost
        self._on_answer = on_answer
        self._early: list[CallEvent | AgentFact] | None = []
        self._link: Link | None = None
        self.reason: str | None = None
        self._ids = count(1)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, open_link: OpenLink, host: str, port: int) -> None:
        """Open the connection.

        Raises:
            OSError: nobody there.
        """
        self._link = await open_link(host, port, self._read, self._ended)

    async def log_in(self, username: str, secret: str) -> None:
        """Log in by challenge, so that the secret itself never goes over the wire.

        Raises:
            BadCredentials: Asterisk does not know this user with this secret.
            SwitchUnavailable: the user may have one session only, which still exists.
        """
        try:
            (answer,) = await self.request("Challenge", [("AuthType", "MD5")])
            key = hashlib.md5(
                (answer.get("Challenge", "") + secret).encode(), usedforsecurity=False
            ).hexdigest()
            await self.request(
                "Login",
                [("AuthType", "MD5"), ("Username", username), ("Key", key), ("Events", "on")],
            )
        except SwitchRefused as error:
            if "in use" in error.message.lower():
                raise SwitchUnavailable(
                    f"Asterisk allows {username} one session, and there is one already."
                ) from None
            raise BadCredentials(
                f"Asterisk refused the log-in of {username}: name, secret or the address we"
                " come from is not what manager.conf allows.",
                username=username,
            ) from None

    def go_live(self) -> None:
        """Give out the events kept so far, and from now on each as it comes."""
        early, self._early = self._early or [], None
        for event in early:
            self._on_event(event)

    async def request(
        self, action: str, headers: Sequence[tuple[str, str]] = (), *, many: bool = False
    ) -> list[Headers]:
        """Send an action and return its response, or the items of its list.

        Raises:
            InvalidInput: a header cannot be sent.
            SwitchUnavailable: nothing was sent.
            SwitchRefused: Asterisk answered with an error.
            SwitchTimeout: it was sent; no answer came.
        """
        action_id = f"a-{next(self._ids)}"
        data = encode_action([("Action", action), ("ActionID", action_id), *headers])
        return await self.exchange(action, action_id, data, many=many)

    async def exchange(
        self, action: str, action_id: str, data: bytes, *, many: bool = False
    ) -> list[Headers]:
        """Send an action that is encoded already; else as :meth:`request`."""
        link = self.check_usable()
        future = self._expect(action, action_id, many=many)
        link.write(data)
        try:
            return await future
        finally:
            self.pending.discard(action_id)

    async def exchange_all(
        self, action: str, headers: Sequence[Sequence[tuple[str, str]]]
    ) -> list[list[Headers] | BaseException]:
        """Send many actions at once; return for each its response or its error, in order.

        Raises:
            InvalidInput: a header cannot be sent; nothing was.
            SwitchUnavailable: nothing was sent.
        """
        link = self.check_usable()
        ids = [f"a-{next(self._ids)}" for _ in headers]
        data = b"".join(
            encode_action([("Action", action), ("ActionID", action_id), *one])
            for action_id, one in zip(ids, headers, strict=True)
        )
        futures = [self._expect(action, action_id) for action_id in ids]
        link.write(data)
        try:
            return await asyncio.gather(*futures, return_exceptions=True)
        finally:
            for action_id in ids:
                self.pending.discard(action_id)

    async def watch(self, ping_interval_s: float) -> None:
        """Return when the session is over; end it when Asterisk does not answer a ping."""
        while not self._over.done():
            await asyncio.wait({self._over}, timeout=ping_interval_s)
            if self._over.done():
                return
            try:
                await self.request("Ping")
            except SwitchTimeout:
                self.fail("Asterisk did not answer a ping in time.")
            except SwitchUnavailable:
                self.fail("Asterisk has stopped reading what we send.")
            except SwitchRefused as error:
                self.fail(error.message)

    def fail(self, reason: str) -> None:
        """End the session: unanswered actions resolve, nothing more goes out."""
        if self.reason is not None:
            return
        self.reason = reason
        self.pending.fail_all(reason)
        if self._link is not None:
            self._link.abort()
        self._on_lost(reason)

    async def close(self, reason: str) -> None:
        """End the session and wait until its socket is closed."""
        self.fail(reason)
        if self._link is not None:
            await self._over

    def check_usable(self) -> Link:
        """Return the connection when something can be sent now.

        Raises:
            SwitchUnavailable: it cannot.
        """
        if self.reason is not None:
            raise SwitchUnavailable(f"There is no link to Asterisk: {self.reason}")
        if self._link is None or not self._link.writable:
            raise SwitchUnavailable("Asterisk does not take what we send now.")
        return self._link

    def _expect(
        self, action: str, action_id: str, *, many: bool = False
    ) -> asyncio.Future[list[Headers]]:
        future = self.pending.add(action, action_id, many=many)
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        def measure(done: asyncio.Future[list[Headers]]) -> None:
            # Silence is no round trip: a timeout says how patient we are, not how fast Asterisk is.
            if not done.cancelled() and not isinstance(done.exception(), SwitchTimeout):
                self._on_answer(action, loop.time() - began_s)

        future.add_done_callback(measure)
        return future

    def _ended(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(None)
        self.fail(reason)

    def _read(self, blocks: list[bytes]) -> None:
        at = datetime.now(UTC)
        for block in blocks:
            try:
                self._take(block, at)
            except Exception:  # noqa: BLE001
                # One message that we cannot read must cost neither the link nor the others.
                _log.exception("A message from Asterisk could not be read.")

    def _take(self, block: bytes, at: datetime) -> None:
        if block.startswith(_EVENT):
            name = block[len(_EVENT) : block.find(b"\r\n")]
            if name in WANTED_EVENTS:
                # Calls of others on the same Asterisk are dropped unparsed.
                if _OURS in block or _LEGS in block:
                    self._take_event(parse_block(block), at)
            elif name == _SHUTDOWN:
                self.fail("Asterisk is shutting down.")
            elif self.pending.has_list:
                self.pending.item(parse_block(block))
        elif block.startswith(_RESPONSE):
            self.pending.response(parse_block(block))

    def _take_event(self, headers: Headers, at: datetime) -> None:
        event = translate(headers, at)
        if event is None:
            return
        if self._early is None:
            self._on_event(event)
        else:
            self._early.append(event)
