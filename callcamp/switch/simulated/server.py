"""The simulated switch: a TCP server that speaks AMI as Asterisk does."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from random import Random
from types import TracebackType

from callcamp.switch.contexts import OWN_QUEUES
from callcamp.switch.simulated.actions import ACTIONS
from callcamp.switch.simulated.asked import RIGHTS, Asked, Booted, Desk, Refusal
from callcamp.switch.simulated.astdb import AstDb
from callcamp.switch.simulated.callee import ByNumber, CalleeModel
from callcamp.switch.simulated.calling import login
from callcamp.switch.simulated.exchange import Exchange
from callcamp.switch.simulated.faults import Faults, Trouble
from callcamp.switch.simulated.phones import ByInterface, Phones, PhoneScript
from callcamp.switch.simulated.queues import RING_S, Queues
from callcamp.switch.simulated.routes import Routes
from callcamp.switch.simulated.session import Session
from callcamp.switch.simulated.timeline import Timeline
from callcamp.switch.simulated.variables import Variables
from callcamp.switch.simulated.wire import Action, message
from callcamp.switch.simulated.witness import Peaks, Talk, Witness

_ACTIONS = {name.lower(): entry for name, entry in ACTIONS.items()}


class SimulatedSwitch:
    """An Asterisk that has no telephones: calls behave as a model says.

    Use it as an async context manager, or :meth:`start` and :meth:`close` it.

    Args:
        behaviour: the population that is called.
        by_number: behaviour of single numbers; where it returns None, ``behaviour`` rules.
        phones: agents' phones by interface, e.g. ``PJSIP/anna``, or what finds them; None:
            every endpoint that is called without a number is a phone that answers.
        queues: names of the queues.
        ring_s: how long a queue rings a phone.
        faults: what goes wrong on its own.
        seed: start of all chance. How a call goes depends only on it, on the number and on
            how often the number was called before.
        speed: simulated seconds per real second. All times of calls are simulated ones,
            also those in the evidence; Ping and CoreStatus keep to the real clock.
        host: address to listen on.
        port: TCP port to listen on; 0 chooses a free one.
        username: the one AMI user.
        secret: that user's secret.
        trunks: PJSIP endpoints that exist besides the phones; None: all do.
        rights: write rights of the AMI user.
        lacks: modules and dialplan contexts that are missing.
    """

    def __init__(
        self,
        *,
        behaviour: CalleeModel | None = None,
        by_number: ByNumber | None = None,
        phones: Mapping[str, PhoneScript] | ByInterface | None = None,
        queues: Collection[str] = OWN_QUEUES,
        ring_s: float = RING_S,
        faults: Faults | None = None,
        seed: int = 0,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "callcamp",
        secret: str = "simulated",  # noqa: S107 - it guards nothing
        trunks: Collection[str] | None = None,
        rights: Collection[str] = RIGHTS,
        lacks: Collection[str] = (),
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._faults = faults or Faults()
        self._trouble = Trouble(self._faults, Random(f"{seed}:faults"))  # noqa: S311 - a simulation
        if self._faults.response_delay_s:
            self._trouble.delay_s[None] = self._faults.response_delay_s
        self._timeline = Timeline(speed)
        self._witness = Witness(time.monotonic, lambda: self._timeline.now)
        self._sessions: set[Session] = set()
        self._server: asyncio.Server | None = None
        self._restarts: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._freezes_new = False
        missing = frozenset(lacks)
        db = AstDb(lambda: self._timeline.now)
        only = None if trunks is None else frozenset(trunks)
        self._phones = Phones(phones, self._phone_changed, only)
        variables = Variables(db, self._phones)
        exchange = Exchange(
            timeline=self._timeline,
            variables=variables,
            witness=self._witness,
            emit=self._emit,
            model=behaviour or CalleeModel(),
            by_number=by_number,
            phones=self._phones,
            seed=seed,
        )
        self._queues = Queues(
            queues,
            ring_s=ring_s,
            exchange=exchange,
            phones=self._phones,
            timeline=self._timeline,
        )
        exchange.dialplan = Routes(
            exchange=exchange,
            queues=self._queues,
            db=db,
            timeline=self._timeline,
            lacks=missing,
        )
        self._desk = Desk(
            username=username,
            secret=secret,
            rights=frozenset(rights),
            lacks=missing,
            trunks=only,
            exchange=exchange,
            queues=self._queues,
            phones=self._phones,
            variables=variables,
            db=db,
            timeline=self._timeline,
            booted=Booted(time.time()),
        )

    async def __aenter__(self) -> SimulatedSwitch:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    @property
    def host(self) -> str:
        """Address it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """TCP port it listens on; 0 before the start when any will do."""
        return self._wanted_port

    @property
    def username(self) -> str:
        """The AMI user."""
        return self._desk.username

    @property
    def secret(self) -> str:
        """The AMI user's secret."""
        return self._desk.secret

    @property
    def sessions(self) -> int:
        """How many AMI connections are open, logged in or not."""
        return len(self._sessions)

    async def start(self) -> None:
        """Listen, and start the simulated clock.

        Raises:
            OSError: the port is taken.
        """
        self._loop = asyncio.get_running_loop()
        self._timeline.start()
        self._desk.booted.at = time.time()
        await self._listen()
        plan = self._faults
        for at in plan.cut_at_s:
            self._timeline.after(at, self.cut_links)
        for at in plan.half_open_at_s:
            self._timeline.after(at, self.go_half_open)
        for at in plan.restart_at_s:
            self._timeline.after(at, self._restart_soon)

    async def close(self) -> None:
        """End every connection and stop listening; safe twice."""
        for task in tuple(self._restarts):
            task.cancel()
        await asyncio.gather(*self._restarts, return_exceptions=True)
        self._timeline.stop()
        self._stop_listening()
        self.cut_links()
        # The aborted transports close in the next round of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def witness(self) -> dict[str, int]:
        """Return how often each number was really called, in the order of first calls."""
        return self._witness.calls()

    def peaks(self, trunk: str | None = None) -> Peaks:
        """Return the most calls at once and per second, of one trunk or of all."""
        self._timeline.catch_up()
        return self._witness.peaks(trunk)

    def talks(self) -> list[Talk]:
        """Return which phone talked to whom, in the order in which the talks began."""
        self._timeline.catch_up()
        return self._witness.talks()

    def keys_heard(self) -> dict[str, str]:
        """Return the keys that each number or phone has heard from the other side."""
        return self._witness.keys()

    def set_phone(self, interface: str, script: PhoneScript) -> None:
        """Let an agent's phone do something else from now on; its calls go on."""
        self._timeline.catch_up()
        self._phones.set(interface, script)

    def hang_up_phone(self, interface: str) -> int:
        """Let an agent put the receiver down; returns how many calls that ends."""
        self._timeline.catch_up()
        calls = self._phones.calls(interface)
        for call in calls:
            self._desk.exchange.leave(call)
        return len(calls)

    def outbox(self) -> dict[str, str]:
        """Return what hangup handlers wrote and nobody deleted, by attempt id."""
        prefix = "/callcamp/"
        return {k.removeprefix(prefix): v for k, v in self._desk.db.tree("callcamp", "")}

    def cut_links(self) -> None:
        """Cut every AMI connection; calls go on."""
        for session in tuple(self._sessions):
            session.cut()

    def go_half_open(self, *, new_links_too: bool = False) -> None:
        """Stop reading and writing on every AMI connection, but keep them open.

        Args:
            new_links_too: connections made from now on are dead as well, until
                :meth:`thaw`.
        """
        self._freezes_new = new_links_too
        for session in self._sessions:
            session.freeze()

    def thaw(self) -> None:
        """Let new connections work again; those that were frozen stay so."""
        self._freezes_new = False

    async def restart(self, *, lose_recent: bool = False, down_s: float = 0.0) -> None:
        """Crash and start again: every call dies without hangup handler or event.

        Args:
            lose_recent: AstDB forgets the changes of its last second.
            down_s: simulated seconds for which nobody listens.
        """
        self._timeline.catch_up()
        self._desk.exchange.crash()
        self._queues.crash()
        self._desk.db.crash(lose_recent=lose_recent)
        self._stop_listening()
        self.cut_links()
        up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timeline.after(down_s, lambda: None if up.done() else up.set_result(None))
        await up
        # CoreStatus tells whole seconds: a restart must show, however quick it was.
        self._desk.booted.at = max(time.time(), math.floor(self._desk.booted.at) + 1.0)
        await self._listen()

    def fail_originates(self, count: int, message: str = "Originate failed") -> None:
        """Answer the next ``count`` Originates with an error; no call goes out."""
        self._trouble.refuse_originates = count
        self._trouble.refusal = message

    def delay_responses(self, seconds: float, action: str | None = None) -> None:
        """Answer late from now on.

        Args:
            seconds: simulated seconds; ``math.inf``: never.
            action: name of the action whose responses are late; None: all.
        """
        self._trouble.delay_s[None if action is None else action.lower()] = seconds

    def drop_event(self, name: str, count: int = 1) -> None:
        """Lose the next ``count`` events of this name."""
        self._trouble.drop[name] = count

    # What sessions call.

    def opened(self, session: Session) -> None:
        """Note a new connection."""
        self._sessions.add(session)
        if self._freezes_new:
            session.freeze()

    def closed(self, session: Session) -> None:
        """Note the end of a connection."""
        self._sessions.discard(session)

    def later(self, callback: Callable[[], None]) -> None:
        """Run a callback once the current burst of work is done."""
        if self._loop is not None:
            self._loop.call_soon(callback)

    def act(self, session: Session, action: Action) -> None:
        """Carry out an action."""
        self._timeline.catch_up()
        name = action.get("Action")
        asked = Asked(self._desk, session, action, partial(self._reply, session, name))
        try:
            if action.problem is not None:
                raise Refusal(action.problem)
            if not name:
                raise Refusal("Missing action in request")
            self._carry_out(name, asked)
        except Refusal as refusal:
            asked.answer("Error", ("Message", str(refusal)))

    def _carry_out(self, name: str, asked: Asked) -> None:
        session, key = asked.session, name.lower()
        if key == "login":
            self._log_in(asked)
            return
        if key == "logoff":
            asked.answer("Goodbye", ("Message", "Thanks for all the fish."))
            session.finish()
            return
        if session.username is None and key != "challenge":
            raise Refusal("Permission denied")
        if key not in _ACTIONS:
            raise Refusal(
                f"Invalid/unknown command: {name}."
                " Use Action: ListCommands to show available commands."
            )
        handle, rights = _ACTIONS[key]
        if rights and not self._desk.rights.intersection(rights):
            raise Refusal("Permission denied")
        if key == "originate" and (words := self._trouble.take_refusal()) is not None:
            raise Refusal(words)
        handle(asked)

    def _log_in(self, asked: Asked) -> None:
        session = asked.session
        if session.username is not None:
            asked.succeed("Already authenticated")
        elif not login(asked):
            asked.answer("Error", ("Message", "Authentication failed"))
            session.finish()
        else:
            session.username = asked.action.get("Username")
            session.wants_events = asked.action.get("Events").lower() not in {"off", "no", "false"}
            asked.succeed("Authentication accepted")
            uptime = str(int(max(0.0, time.time() - self._desk.booted.at)))
            booted = [("Uptime", uptime), ("LastReload", uptime), ("Status", "Fully Booted")]
            head = [("Event", "FullyBooted"), ("Privilege", "system,all")]
            if session.wants_events:
                session.write(message([*head, *booted]))

    def _reply(self, session: Session, action: str, data: bytes) -> None:
        delay_s = self._trouble.delay_of(action)
        if delay_s <= 0:
            session.write(data)
        elif delay_s < math.inf:
            self._timeline.after(delay_s, session.write, data)

    def _emit(self, name: str, right: str, headers: list[tuple[str, str]]) -> None:
        if self._trouble.loses(name):
            return
        data = message([("Event", name), ("Privilege", f"{right},all"), *headers])
        for session in self._sessions:
            if session.wants_events and session.username is not None:
                session.write(data)
        if self._trouble.cuts_now():
            self.cut_links()

    def _phone_changed(self, interface: str) -> None:
        self._queues.phone_changed(interface)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Session(self), self._host, self._wanted_port
        )
        self._wanted_port = self._server.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _restart_soon(self) -> None:
        plan = self._faults
        task = asyncio.ensure_future(
            self.restart(lose_recent=plan.restart_loses_recent, down_s=plan.restart_down_s)
        )
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)
