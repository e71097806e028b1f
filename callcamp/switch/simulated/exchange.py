"""Places simulated calls and lets them live: timers in, events out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final, Protocol

from callcamp.switch.simulated.call import (
    CAUSE_OF_SIP,
    CAUSE_TEXT,
    DIAL_STATUS,
    RINGING,
    UP,
    Activity,
    Call,
    Dialled,
    Order,
    Over,
    Pairs,
    originate_response,
)
from callcamp.switch.simulated.callee import ByNumber, CalleeModel, CalleeScript
from callcamp.switch.simulated.phones import Phones
from callcamp.switch.simulated.timeline import Timeline, Timer
from callcamp.switch.simulated.variables import Variables
from callcamp.switch.simulated.witness import Witness

Emit = Callable[[str, str, Pairs], None]
"""Sends an event: its name, its class of rights, its headers."""

ELSEWHERE: Final = 26
"""Cause of an agent's channel that somebody else has ended."""

_CREATE_S: Final = 0.001
_RING_S: Final = 0.02
_AT_ONCE_S: Final = 0.001
_NO_SIP_ANSWER_S: Final = 32.0


class Dialplan(Protocol):
    """What answered channels run through."""

    def enter(self, call: Call, context: str, exten: str) -> None:
        """Let a channel begin in a context."""
        ...

    def run_handler(self, call: Call, handler: str, cause: int) -> None:
        """Run one hangup handler of a channel that has ended."""
        ...


class Exchange:
    """All channels of a simulated Asterisk.

    Args:
        timeline: the simulated clock.
        variables: channel variables and functions.
        witness: who is told of every call that goes out.
        emit: sends an event to whoever listens.
        model: behaviour of callees that ``by_number`` does not know.
        by_number: behaviour of single numbers.
        phones: agents' phones.
        seed: start of all chance; a call's fate depends on it, on the number and on how
            often that number was called before, and on nothing else.
    """

    dialplan: Dialplan
    """What answered channels run through; set before the first call."""

    def __init__(
        self,
        *,
        timeline: Timeline,
        variables: Variables,
        witness: Witness,
        emit: Emit,
        model: CalleeModel,
        by_number: ByNumber | None,
        phones: Phones,
        seed: int,
    ) -> None:
        self._timeline = timeline
        self._variables = variables
        self._witness = witness
        self.emit = emit
        self._model = model
        self._by_number = by_number
        self._phones = phones
        self._seed = seed
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
        self.after(_CREATE_S, self._originate, order, channel_id, tuple(variables), exists)

    def dial(self, channel: str, dialled: Dialled, timeout_s: float) -> Call | None:
        """Call somebody for a channel, as Queue and Dial do.

        Args:
            channel: whom, e.g. ``PJSIP/anna``.
            dialled: who wants it.
            timeout_s: how long it may ring.

        Returns:
            The new channel; None: there is nobody of that name, or no way there.
        """
        number, _, endpoint = channel.partition("/")[2].rpartition("@")
        call = self._create(channel, number, endpoint, "")
        if call is None:
            return None
        call.dialled = dialled
        call.linkedid = dialled.by.linkedid or dialled.by.uniqueid
        self.emit("Newchannel", "call", call.newborn())
        self._schedule(call, timeout_s)
        return call

    def send(self, call: Call, context: str, exten: str = "s") -> None:
        """Send a channel to another context; what it did is over."""
        self.stop(call, Over.SENT_AWAY)
        if not call.ended:
            self.dialplan.enter(call, context, exten)

    def stop(self, call: Call, over: Over) -> None:
        """End what a channel does."""
        activity, call.activity = call.activity, None
        if activity is not None:
            activity.stop(over)

    def join(self, contact: Call, agent: Call) -> None:
        """Let two channels talk; each hangs up when its conversation is over."""
        contact.peer, agent.peer = agent, contact
        self._witness.joined(_name(agent), _name(contact))
        for call in (contact, agent):
            # A contact has one conversation, however often it is put on hold; an agent has many.
            if call.interface or not call.has_talked:
                call.has_talked = True
                self.leaves_after(call, call.script.conversation_s)

    def press(self, call: Call, key: str) -> None:
        """Let the far end of a channel hear the tone of a key."""
        self._witness.heard(_name(call), key)

    def part(self, call: Call) -> None:
        """End the talk of a channel, if it talks."""
        other, call.peer = call.peer, None
        if other is None:
            return
        other.peer = None
        for one, two in ((call, other), (other, call)):
            self._witness.parted(_name(one), _name(two))
            if one.interface and one.script.conversation_s is not None and not one.ended:
                self._stays(one)
                self.leaves_at(one, one.script.talk_s)

    def crash(self) -> None:
        """Lose every call at once: no hangup handler runs and no event is sent."""
        for call in self.live.values():
            call.ended = True
        self.live.clear()
        self._phones.crash()
        self._crashes += 1
        self._witness.all_ended()
        self._channels = 0
        self.processed = 0

    def after(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Run a callback later, unless everything has crashed by then."""
        return self._timeline.after(
            delay_s, self._unless_crashed, self._crashes, callback, arguments
        )

    def _unless_crashed(
        self, crashes: int, callback: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        if crashes == self._crashes:
            callback(*arguments)

    def _originate(
        self,
        order: Order,
        channel_id: str,
        variables: tuple[tuple[str, str], ...],
        exists: bool,
    ) -> None:
        call = None
        if exists and channel_id not in self.live:
            call = self._create(order.channel, order.number, order.trunk, channel_id)
        if call is None:
            uniqueid = channel_id or self._new_id()
            self._answer_order(order, uniqueid, order.channel, 0)
            return
        call.order = order
        call.caller_name, call.caller_number = order.caller_name, order.caller_number
        for name, value in variables:
            self._variables.set(call, name, value)
        self.emit("Newchannel", "call", call.newborn())
        self._schedule(call, order.timeout_s)

    def _new_id(self) -> str:
        self._channels += 1
        return f"{int(self._timeline.epoch)}.{self._channels - 1}"

    def _create(self, channel: str, number: str, endpoint: str, channel_id: str) -> Call | None:
        phone = self._phones.script(channel)
        if phone is not None and not phone.registered:
            return None
        nth = 0 if phone is not None else self._witness.placed(number, endpoint)
        uniqueid = channel_id or self._new_id()
        serial = self._channels
        if channel_id:
            self._channels += 1
        self.processed += 1
        key = f"{self._seed}:{number}:{nth}" if phone is None else f"{self._seed}:{uniqueid}"
        chance = Random(key)  # noqa: S311 - a simulation
        call = Call(
            uniqueid=uniqueid,
            name=f"PJSIP/{endpoint}-{serial:08x}",
            number=number,
            endpoint=endpoint,
            script=self._callee(number, chance) if phone is None else phone.as_callee(),
            random=chance,
            created_at=self._timeline.now,
            interface="" if phone is None else channel,
        )
        self.live[uniqueid] = call
        if phone is not None:
            self._phones.began(call)
        return call

    def _callee(self, number: str, chance: Random) -> CalleeScript:
        script = self._by_number(number) if self._by_number else None
        return script or self._model.draw(chance)

    def _schedule(self, call: Call, timeout_s: float) -> None:
        script = call.script
        after = self.after
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
        self.emit("Newstate", "call", call.snapshot())
        self._moved(call)

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
        if call.answered_at is not None:
            return
        if call.dialled is not None:
            self._end(call, ELSEWHERE, reason=3)
        else:
            self._end(call, 19, tech_cause=480, reason=3)

    def _pick_up(self, call: Call) -> None:
        if call.ended:
            return
        call.last_sip = 200
        call.state = UP
        call.answered_at = self._timeline.epoch
        newstate = ("Newstate", call.snapshot())
        dial_end = ("DialEnd", self._dial_end(call, "ANSWER"))
        # Asterisk's threads race: the word on the order comes before, between or after, and
        # when the callee hangs up in the same moment, even after the end.
        place = call.random.randrange(4) if call.order is not None else None
        for at, (name, headers) in enumerate((newstate, dial_end)):
            if place == at:
                self._order_went(call, 4)
            self.emit(name, "call", headers)
        if place == 2:
            self._order_went(call, 4)
        elif place == 3:
            self.after(2 * _AT_ONCE_S, self._order_went, call, 4)
        self._moved(call)
        if call.order is not None:
            self.dialplan.enter(call, call.order.context, call.order.exten)
        elif call.dialled is not None:
            self.leaves_at(call, call.script.talk_s)
            call.dialled.answered(call)

    def leaves_at(self, call: Call, seconds: float | None) -> None:
        """Let the far end hang up so many seconds after it picked up; None: it does not."""
        if seconds is not None and call.answered_at is not None:
            self.leaves_after(call, seconds - (self._timeline.epoch - call.answered_at))

    def leaves_after(self, call: Call, seconds: float | None) -> None:
        """Let the far end hang up in so many seconds, whatever it meant to; None: as it means."""
        if seconds is not None:
            self._stays(call)
            call.leaves = self.after(max(_AT_ONCE_S, seconds), self.leave, call)

    def _stays(self, call: Call) -> None:
        if call.leaves is not None:
            call.leaves.cancel()
            call.leaves = None

    def leave(self, call: Call) -> None:
        """End a call as its far end does when it hangs up."""
        self._end(call, 0 if call.peer is None else 16)

    def end(self, call: Call, cause: int = 16) -> None:
        """End a call as AMI's Hangup, or the dialplan's, does."""
        self._end(call, cause)

    def do(self, call: Call, activity: Activity) -> None:
        """Let a channel do something."""
        call.activity = activity

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
        self._stays(call)
        if not call.interface:
            self._witness.ended(call.endpoint)
        self._moved(call)
        self.stop(call, Over.HUNG_UP)
        self.part(call)
        for spy in call.spies:
            self.after(_AT_ONCE_S, self._end, spy, 16)
        events: list[Callable[[], None]] = [lambda: self._run_handlers(call, cause)]
        events.append(lambda: self._emit_hangup(call, cause, tech_cause))
        if call.answered_at is None:
            status = DIAL_STATUS.get(cause, "NOANSWER")
            if reason != 3:
                self.emit("DialEnd", "call", self._dial_end(call, status))
            if call.order is not None:
                events.insert(call.random.randrange(3), lambda: self._order_went(call, reason))
            elif call.dialled is not None:
                call.dialled.failed(call, status)
        for event in events:
            event()

    def _moved(self, call: Call) -> None:
        if call.interface:
            self._phones.moved(call)

    def _dial_end(self, call: Call, status: str) -> Pairs:
        by = [] if call.dialled is None else call.dialled.by.snapshot()
        return [*by, *call.snapshot(prefix="Dest"), ("DialStatus", status)]

    def _run_handlers(self, call: Call, cause: int) -> None:
        if call.course is not None and call.answered_at is not None:
            elapsed = self._timeline.epoch - call.answered_at
            call.variables.update(call.course.known_at(elapsed + 1e-6))
        for handler in reversed(call.handlers):
            self.dialplan.run_handler(call, handler, cause)

    def _emit_hangup(self, call: Call, cause: int, tech_cause: int | None) -> None:
        where = call.snapshot() if call.answered_at is None else call.snapshot(priority="11")
        headers = [*where, ("Cause", str(cause)), ("Cause-txt", CAUSE_TEXT.get(cause, "Unknown"))]
        if tech_cause is not None:
            headers.append(("TechCause", str(tech_cause)))
        self.emit("Hangup", "call", headers)

    def _order_went(self, call: Call, reason: int) -> None:
        if call.order is not None:
            channel = call.name if reason == 4 else call.order.channel
            self._answer_order(call.order, call.uniqueid, channel, reason)

    def _answer_order(self, order: Order, uniqueid: str, channel: str, reason: int) -> None:
        if order.is_async:
            self.emit(
                "OriginateResponse", "call", originate_response(order, uniqueid, channel, reason)
            )
        else:
            words = "Originate successfully queued" if reason == 4 else "Originate failed"
            order.respond(reason == 4, words)


def _name(call: Call) -> str:
    return call.interface or call.number or call.endpoint
