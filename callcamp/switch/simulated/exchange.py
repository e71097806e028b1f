"""Places simulated calls and lets them live: timers in, events out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final

from callcamp.switch.simulated.astdb import AstDb
from callcamp.switch.simulated.call import (
    CAUSE_OF_SIP,
    CAUSE_TEXT,
    DIAL_STATUS,
    RINGING,
    UP,
    Call,
    Order,
    Pairs,
    originate_response,
)
from callcamp.switch.simulated.callee import ByNumber, CalleeModel
from callcamp.switch.simulated.dialplan import (
    ANSWERED,
    HANGUP,
    CallEnd,
    attempt_of,
    course,
    evidence_line,
)
from callcamp.switch.simulated.timeline import Timeline
from callcamp.switch.simulated.witness import Witness

Emit = Callable[[str, str, Pairs], None]
"""Sends an event: its name, its class of rights, its headers."""

_CREATE_S: Final = 0.001
_RING_S: Final = 0.02
_AT_ONCE_S: Final = 0.001
_NO_SIP_ANSWER_S: Final = 32.0
_HANDLER: Final = re.compile(r"CHANNEL\(hangup_handler_(push|wipe|pop)\)", re.IGNORECASE)
_DATABASE: Final = re.compile(r"DB\(([^/()]+)/([^()]+)\)")


class Exchange:
    """All channels of a simulated Asterisk.

    Args:
        timeline: the simulated clock.
        db: where hangup handlers write.
        witness: who is told of every call that goes out.
        emit: sends an event to whoever listens.
        model: behaviour of callees that ``by_number`` does not know.
        by_number: behaviour of single numbers.
        seed: start of all chance; a call's fate depends on it, on the number and on how
            often that number was called before, and on nothing else.
        lacks: contexts of the dialplan that are not there.
    """

    def __init__(
        self,
        *,
        timeline: Timeline,
        db: AstDb,
        witness: Witness,
        emit: Emit,
        model: CalleeModel,
        by_number: ByNumber | None,
        seed: int,
        lacks: frozenset[str] = frozenset(),
    ) -> None:
        self._timeline = timeline
        self._db = db
        self._witness = witness
        self._emit = emit
        self._model = model
        self._by_number = by_number
        self._seed = seed
        self._has_handler = HANGUP not in lacks
        self._channels = 0
        self._crashes = 0
        self.processed = 0
        self.live: dict[str, Call] = {}

    def find(self, name: str) -> Call | None:
        """Return the live call with this unique id or channel name."""
        found = self.live.get(name)
        if found is None and "/" in name:
            found = next((c for c in self.live.values() if c.name == name), None)
        return found

    def place(
        self,
        order: Order,
        channel_id: str,
        variables: Iterable[tuple[str, str]],
        *,
        exists: bool,
    ) -> None:
        """Carry out an Originate that was found good.

        Args:
            order: whom to call.
            channel_id: unique id to give to the channel; empty: Asterisk makes one.
            variables: what to set on it, in this order.
            exists: whether the endpoint is there.
        """
        if order.is_async:
            order.respond(True, "Originate successfully queued")
        self._after(_CREATE_S, self._create, order, channel_id, tuple(variables), exists)

    def hang_up(self, call: Call, cause: int = 0) -> None:
        """End a call as AMI's Hangup does."""
        self._end(call, cause)

    def crash(self) -> None:
        """Lose every call at once: no hangup handler runs and no event is sent."""
        for call in self.live.values():
            call.ended = True
        self.live.clear()
        self._crashes += 1
        self._witness.all_ended()
        self._channels = 0
        self.processed = 0

    def set_variable(self, call: Call, name: str, value: str) -> None:
        """Set a channel variable, or write to one of the functions known here."""
        if handler := _HANDLER.fullmatch(name):
            if handler[1].lower() == "wipe":
                call.handlers.clear()
            elif handler[1].lower() == "pop" and call.handlers:
                call.handlers.pop()
            if value and handler[1].lower() != "pop":
                call.handlers.append(value)
        elif entry := _DATABASE.fullmatch(name):
            self._db.put(entry[1], entry[2], value)
        else:
            # Leading underscores only say which further channels inherit the variable.
            call.variables[name.lstrip("_")] = value

    def read_variable(self, call: Call | None, name: str) -> str:
        """Return a channel variable, or what a function known here says; empty: not set."""
        if entry := _DATABASE.fullmatch(name):
            return self._db.get(entry[1], entry[2]) or ""
        return "" if call is None else call.variables.get(name, "")

    def _after(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> None:
        """Run a callback later, unless everything has crashed by then."""
        self._timeline.after(delay_s, self._unless_crashed, self._crashes, callback, arguments)

    def _unless_crashed(
        self, crashes: int, callback: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        if crashes == self._crashes:
            callback(*arguments)

    def _create(
        self,
        order: Order,
        channel_id: str,
        variables: tuple[tuple[str, str], ...],
        exists: bool,
    ) -> None:
        number = self._channels
        self._channels += 1
        uniqueid = channel_id or f"{int(self._timeline.epoch)}.{number}"
        if not exists or uniqueid in self.live:
            self._answer_order(order, uniqueid, order.channel, 0)
            return
        nth = self._witness.placed(order.number, order.trunk)
        self.processed += 1
        chance = Random(f"{self._seed}:{order.number}:{nth}")  # noqa: S311 - a simulation
        script = self._by_number(order.number) if self._by_number else None
        call = Call(
            uniqueid=uniqueid,
            name=f"PJSIP/{order.trunk}-{number:08x}",
            order=order,
            script=script or self._model.draw(chance),
            random=chance,
            created_at=self._timeline.now,
        )
        self.live[uniqueid] = call
        for name, value in variables:
            self.set_variable(call, name, value)
        self._emit("Newchannel", "call", call.newborn())
        self._schedule(call)

    def _schedule(self, call: Call) -> None:
        script, timeout_s = call.script, call.order.timeout_s
        after = self._after
        if script.rings:
            after(min(_RING_S, script.after_s / 2), self._ring, call)
        if script.early_media:
            call.last_sip = 183
        limit_s = timeout_s
        if script.sip_code is None and not script.rings:
            limit_s = min(timeout_s, _NO_SIP_ANSWER_S)
        if script.sip_code is not None and script.after_s < timeout_s:
            after(max(_AT_ONCE_S, script.after_s), self._final, call, script.sip_code)
        elif limit_s < timeout_s:
            after(limit_s, self._refuse, call, 408)
        else:
            after(limit_s, self._give_up, call)

    def _ring(self, call: Call) -> None:
        if call.ended:
            return
        call.last_sip = 180
        call.state = RINGING
        self._emit("Newstate", "call", call.snapshot())

    def _final(self, call: Call, code: int) -> None:
        if code == 200:
            self._pick_up(call)
        else:
            call.last_sip = code
            self._refuse(call, code)

    def _refuse(self, call: Call, code: int) -> None:
        cause = CAUSE_OF_SIP.get(code, 127)
        self._end(call, cause, tech_cause=code, reason=0)

    def _give_up(self, call: Call) -> None:
        self._end(call, 19, tech_cause=480, reason=3)

    def _pick_up(self, call: Call) -> None:
        if call.ended:
            return
        call.last_sip = 200
        call.state = UP
        call.answered_at = self._timeline.epoch
        newstate = ("Newstate", call.snapshot())
        dial_end = ("DialEnd", [*call.snapshot(prefix="Dest"), ("DialStatus", "ANSWER")])
        # Asterisk's threads race: the word on the order comes before, between or after, and
        # when the callee hangs up in the same moment, even after the end.
        place = call.random.randrange(4)
        for at, (name, headers) in enumerate((newstate, dial_end)):
            if place == at:
                self._answer_order(call.order, call.uniqueid, call.name, 4)
            self._emit(name, "call", headers)
        if place == 2:
            self._answer_order(call.order, call.uniqueid, call.name, 4)
        elif place == 3:
            self._after(2 * _AT_ONCE_S, self._answer_order, call.order, call.uniqueid, call.name, 4)
        call.course = course(call.script, call.variables)
        cause = 0 if call.course.callee_ends else 16
        self._after(max(_AT_ONCE_S, call.course.ends_at_s), self._end, call, cause)

    def _end(
        self,
        call: Call,
        cause: int,
        *,
        tech_cause: int | None = None,
        reason: int = 0,
    ) -> None:
        if call.ended:
            return
        call.ended = True
        del self.live[call.uniqueid]
        self._witness.ended(call.order.trunk)
        events: list[Callable[[], None]] = [lambda: self._run_handlers(call, cause)]
        events.append(lambda: self._emit_hangup(call, cause, tech_cause))
        if call.answered_at is None:
            if reason != 3:
                status = DIAL_STATUS.get(cause, "NOANSWER")
                dest = call.snapshot(prefix="Dest")
                self._emit("DialEnd", "call", [*dest, ("DialStatus", status)])
            order, uniqueid = call.order, call.uniqueid
            events.insert(
                call.random.randrange(3),
                lambda: self._answer_order(order, uniqueid, order.channel, reason),
            )
        for event in events:
            event()

    def _run_handlers(self, call: Call, cause: int) -> None:
        if call.course is not None and call.answered_at is not None:
            elapsed = self._timeline.epoch - call.answered_at
            call.variables.update(call.course.known_at(elapsed + 1e-6))
        attempt_id = attempt_of(call.variables)
        end = CallEnd(cause, call.last_sip, call.state[1], call.answered_at, self._timeline.epoch)
        for handler in reversed(call.handlers):
            if not self._has_handler or handler != f"{HANGUP},s,1" or attempt_id is None:
                continue
            line = evidence_line(end, call.variables)
            self._db.put("callcamp", attempt_id, line)
            extra = [("UserEvent", "CallcampEnded"), ("Attempt", attempt_id), ("Evidence", line)]
            self._emit("UserEvent", "user", [*call.snapshot(HANGUP, "12"), *extra])

    def _emit_hangup(self, call: Call, cause: int, tech_cause: int | None) -> None:
        where = call.snapshot() if call.answered_at is None else call.snapshot(ANSWERED, "11")
        headers = [*where, ("Cause", str(cause)), ("Cause-txt", CAUSE_TEXT.get(cause, "Unknown"))]
        if tech_cause is not None:
            headers.append(("TechCause", str(tech_cause)))
        self._emit("Hangup", "call", headers)

    def _answer_order(self, order: Order, uniqueid: str, channel: str, reason: int) -> None:
        if order.is_async:
            self._emit(
                "OriginateResponse", "call", originate_response(order, uniqueid, channel, reason)
            )
        else:
            words = "Originate successfully queued" if reason == 4 else "Originate failed"
            order.respond(reason == 4, words)
