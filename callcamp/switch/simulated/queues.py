"""Queues as ``app_queue`` keeps them: members, waiting callers, who is rung for whom.

The order of events, the polls once a second and the words are those of Asterisk 22.10.1; see
``docs/simulated-switch.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from callcamp.switch.simulated.call import Activity, Call, Dialled, Over, Pairs
from callcamp.switch.simulated.exchange import ELSEWHERE, Exchange
from callcamp.switch.simulated.phones import FREE, UNKNOWN, Phones
from callcamp.switch.simulated.timeline import Timeline, Timer

RING_S: Final = 120.0
"""How long they ring a phone, in seconds."""

Left = Callable[[Call, str], None]
"""Goes on with a caller who has left a queue: the caller, and QUEUESTATUS."""

Prepare = Callable[[Call], None]
"""Gets the channel of a member before it is called."""

Up = Callable[[Call, str], None]
"""Gets the channel of a member who has answered, before the talk, and the member's name."""

_POLL_S: Final = 1.0
_SOON_S: Final = 0.001


@dataclass(slots=True, eq=False)
class Member:
    """Who may be rung; instants are seconds since 1970."""

    interface: str
    name: str
    state_interface: str
    penalty: str
    paused: bool
    reason: str
    logged_in_at: int
    paused_at: int
    calls: int = 0
    last_call_at: float = 0.0
    in_call: bool = False
    told: int = 0


@dataclass(slots=True, eq=False)
class Caller:
    """Who waits in a queue, or talks to one of its members."""

    call: Call
    queue: Queue
    left: Left
    prepare: Prepare
    up: Up
    joined_at: float
    gives_up_at: float
    place: int
    timeout: Timer | None = None
    rings: Call | None = None
    member: Member | None = None
    rang_at: float = 0.0
    tried: set[str] = field(default_factory=set)
    connected_at: float | None = None
    gone: bool = False


@dataclass(slots=True, eq=False)
class Queue:
    """One queue."""

    name: str
    ring_s: float
    members: dict[str, Member] = field(default_factory=dict)
    waiting: list[Caller] = field(default_factory=list)


def _no_preparation(_agent: Call) -> None:
    return


def _no_subroutine(_agent: Call, _member: str) -> None:
    return


class Queues:
    """All queues of a simulated Asterisk.

    Args:
        names: the queues that are there.
        ring_s: how long a member's phone is rung.
        exchange: the calls.
        phones: agents' phones.
        timeline: the simulated clock.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        ring_s: float,
        exchange: Exchange,
        phones: Phones,
        timeline: Timeline,
    ) -> None:
        self.all = {name: Queue(name, ring_s) for name in names}
        self._by_phone: dict[str, list[tuple[Queue, Member]]] = {}
        self._exchange = exchange
        self._phones = phones
        self._timeline = timeline

    def join(
        self,
        call: Call,
        name: str,
        wait_s: float,
        left: Left,
        *,
        prepare: Prepare = _no_preparation,
        up: Up = _no_subroutine,
    ) -> None:
        """Let a call wait in a queue, as ``Queue()`` does.

        Args:
            call: who waits.
            name: in which queue.
            wait_s: how long at most.
            left: goes on with the caller afterwards, unless it was hung up or sent away.
            prepare: see :data:`Prepare`.
            up: see :data:`Up`.
        """
        queue = self.all.get(name)
        if queue is None:
            self._exchange.after(0.0, self._goes_on, call, left, "")
            return
        now = self._timeline.now
        place = len(queue.waiting) + 1
        caller = Caller(call, queue, left, prepare, up, now, now + wait_s, place)
        queue.waiting.append(caller)
        activity = Activity(
            "Queue", f"{name},c,,,{wait_s:g}", lambda over: self._ended(caller, over)
        )
        self._exchange.do(call, activity)
        self._tell_caller("QueueCallerJoin", caller, ("Count", str(place)))
        caller.timeout = self._exchange.after(wait_s, self._give_up, caller)
        self._poll(caller)

    def add(self, queue: Queue, member: Member) -> None:
        """Add a member."""
        member.told = self._phones.status(member.state_interface)
        queue.members[member.interface] = member
        self._by_phone.setdefault(member.state_interface, []).append((queue, member))
        self._tell_member("QueueMemberAdded", queue, member)

    def remove(self, queue: Queue, member: Member) -> None:
        """Take a member out; a call that it has goes on."""
        del queue.members[member.interface]
        self._by_phone[member.state_interface].remove((queue, member))
        self._tell_member("QueueMemberRemoved", queue, member)

    def pause(self, queue: Queue, member: Member, *, paused: bool, reason: str) -> None:
        """Skip a member, or don't any more."""
        member.paused, member.reason = paused, reason
        if paused:
            member.paused_at = int(self._timeline.epoch)
        self._tell_member("QueueMemberPause", queue, member)

    def phone_changed(self, interface: str) -> None:
        """Tell the state of a phone to whoever listens, in every queue that has it."""
        self._exchange.after(_SOON_S, self._tell_status, interface)

    def crash(self) -> None:
        """Forget all callers; members outlive a restart, what was counted does not."""
        for queue in self.all.values():
            queue.waiting.clear()
            for member in queue.members.values():
                member.calls, member.last_call_at = 0, 0.0
                member.in_call = False

    def headers_of(self, member: Member) -> Pairs:
        """Return what all lists and events say of a member."""
        return [
            ("StateInterface", member.state_interface),
            ("Membership", "dynamic"),
            ("Penalty", member.penalty),
            ("CallsTaken", str(member.calls)),
            ("LastCall", str(int(member.last_call_at))),
            ("LastPause", str(member.paused_at)),
            ("LoginTime", str(member.logged_in_at)),
            ("InCall", str(int(member.in_call))),
            ("Status", str(self._phones.status(member.state_interface))),
            ("Paused", str(int(member.paused))),
            ("PausedReason", member.reason),
        ]

    def can_ring(self, member: Member) -> bool:
        """Return whether a member would be rung for somebody now."""
        return (
            not member.paused
            and not member.in_call
            and not self._phones.calls(member.state_interface)
            and self._phones.status(member.state_interface) in {UNKNOWN, FREE}
        )

    def _poll(self, caller: Caller) -> None:
        if caller.gone:
            return
        caller.tried.clear()
        if not self._ring(caller):
            self._exchange.after(_POLL_S, self._poll, caller)

    def _ring(self, caller: Caller) -> bool:
        queue = caller.queue
        # Those who wait longer and are not rung for yet come first.
        before = takewhile(lambda other: other is not caller, queue.waiting)
        ahead = sum(other.rings is None for other in before)
        free = [
            one
            for one in queue.members.values()
            if self.can_ring(one) and one.interface not in caller.tried
        ]
        if ahead >= len(free):
            return False
        member = min(free, key=lambda one: one.last_call_at)
        caller.tried.add(member.interface)
        dialled = Dialled(
            caller.call,
            lambda agent: self._connect(caller, member, agent),
            lambda agent, _status: self._missed(caller, agent),
        )
        left_s = caller.gives_up_at - self._timeline.now
        limit_s = float(caller.call.variables.get("CC_AGENT_RING_S") or queue.ring_s)
        ring_s = min(queue.ring_s, limit_s, left_s + 60.0)
        agent = self._exchange.dial(member.interface, dialled, ring_s)
        if agent is None:
            return self._ring(caller)
        caller.rings, caller.member, caller.rang_at = agent, member, self._timeline.now
        caller.prepare(agent)
        self._tell_agent("AgentCalled", caller, agent)
        return True

    def _missed(self, caller: Caller, agent: Call) -> None:
        if caller.rings is not agent:
            return
        caller.rings = None
        rang_s = _whole(self._timeline.now - caller.rang_at)
        self._tell_agent("AgentRingNoAnswer", caller, agent, ("RingTime", str(rang_s * 1000)))
        caller.member = None
        if caller.gone:
            return
        if rang_s or not self._ring(caller):
            self._exchange.after(_POLL_S, self._poll, caller)

    def _connect(self, caller: Caller, member: Member, agent: Call) -> None:
        if caller.gone:
            self._exchange.end(agent, ELSEWHERE)
            return
        now = self._timeline.now
        caller.rings = None
        caller.connected_at = now
        self._leave(caller)
        member.in_call = True
        caller.up(agent, member.name)
        held_s, rang_s = _whole(now - caller.joined_at), _whole(now - caller.rang_at)
        counts = (("HoldTime", str(held_s)), ("RingTime", str(rang_s)))
        self._tell_agent("AgentConnect", caller, agent, *counts)
        activity = Activity(
            "AppQueue", "(Outgoing Line)", lambda over: self._agent_ended(caller, agent, over)
        )
        self._exchange.do(agent, activity)
        caller.rings = agent
        caller.call.variables["MEMBERINTERFACE"] = member.interface
        caller.call.variables["MEMBERNAME"] = member.name
        self._exchange.join(caller.call, agent)

    def _agent_ended(self, caller: Caller, agent: Call, over: Over) -> None:
        # The agent hung up, or was sent to other work; the caller goes on in the dialplan.
        if caller.gone:
            return
        caller.gone = True
        self._exchange.part(agent)
        caller.call.activity = None
        if over is Over.HUNG_UP:
            self._complete(caller, None, "agent")
        self._exchange.after(0.0, self._goes_on, caller.call, caller.left, "CONTINUE")

    def _ended(self, caller: Caller, over: Over) -> None:
        """The caller was hung up, or was sent away."""
        if caller.gone:
            return
        caller.gone = True
        agent = caller.rings
        if caller.connected_at is None:
            self._abandon(caller)
        elif agent is not None:
            agent.activity = None
            self._exchange.part(agent)
            if over is Over.HUNG_UP:
                self._complete(caller, agent, "caller")
            else:
                self._took(caller)
        if agent is not None:
            caller.rings = None
            self._exchange.after(_SOON_S, self._end_idle, agent)

    def _end_idle(self, agent: Call) -> None:
        # Who was sent elsewhere together with the caller is not idle.
        if agent.activity is None:
            self._exchange.end(agent, ELSEWHERE)

    def _give_up(self, caller: Caller) -> None:
        if caller.gone or caller.connected_at is not None:
            return
        caller.gone = True
        agent = caller.rings
        if agent is not None:
            rang_s = _whole(self._timeline.now - caller.rang_at)
            self._tell_agent("AgentRingNoAnswer", caller, agent, ("RingTime", str(rang_s * 1000)))
            caller.rings = None
        self._abandon(caller)
        caller.call.activity = None
        if agent is not None:
            self._exchange.end(agent, ELSEWHERE)
        self._exchange.after(0.0, self._goes_on, caller.call, caller.left, "TIMEOUT")

    def _goes_on(self, call: Call, left: Left, status: str) -> None:
        if not call.ended and call.activity is None:
            call.variables["QUEUESTATUS"] = status
            left(call, status)

    def _abandon(self, caller: Caller) -> None:
        held_s = _whole(self._timeline.now - caller.joined_at)
        counts = (("OriginalPosition", str(caller.place)), ("HoldTime", str(held_s)))
        self._tell_caller("QueueCallerAbandon", caller, *counts)
        self._leave(caller)

    def _leave(self, caller: Caller) -> None:
        waiting = caller.queue.waiting
        if caller.timeout is not None:
            caller.timeout.cancel()
        place = waiting.index(caller) + 1
        waiting.remove(caller)
        self._tell_caller("QueueCallerLeave", caller, ("Count", str(len(waiting))), place=place)

    def _complete(self, caller: Caller, agent: Call | None, reason: str) -> None:
        self._took(caller)
        assert caller.connected_at is not None  # noqa: S101 - who completes was connected
        held_s = _whole(caller.connected_at - caller.joined_at)
        talked_s = _whole(self._timeline.now - caller.connected_at)
        counts = (("HoldTime", str(held_s)), ("TalkTime", str(talked_s)), ("Reason", reason))
        self._tell_agent("AgentComplete", caller, agent, *counts)

    def _took(self, caller: Caller) -> None:
        member = caller.member
        if member is not None and member.in_call:
            member.in_call = False
            member.calls += 1
            member.last_call_at = self._timeline.epoch

    def _tell_status(self, interface: str) -> None:
        status = self._phones.status(interface)
        for queue, member in self._by_phone.get(interface, ()):
            if member.told != status:
                member.told = status
                self._tell_member("QueueMemberStatus", queue, member)

    def _tell_member(self, event: str, queue: Queue, member: Member) -> None:
        pairs = [
            ("Queue", queue.name),
            ("MemberName", member.name),
            ("Interface", member.interface),
            *self.headers_of(member),
            ("Ringinuse", "0"),
            ("Wrapuptime", "0"),
        ]
        self._exchange.emit(event, "agent", pairs)

    def _tell_caller(
        self, event: str, caller: Caller, *more: tuple[str, str], place: int | None = None
    ) -> None:
        if place is None:
            place = caller.queue.waiting.index(caller) + 1
        where = [("Queue", caller.queue.name), ("Position", str(place)), *more]
        self._exchange.emit(event, "agent", [*caller.call.snapshot(), *where])

    def _tell_agent(
        self, event: str, caller: Caller, agent: Call | None, *more: tuple[str, str]
    ) -> None:
        member = caller.member
        assert member is not None  # noqa: S101 - whoever is rung is a member
        pairs = caller.call.snapshot()
        if agent is not None:
            pairs += agent.snapshot(prefix="Dest")
        pairs += [("Queue", caller.queue.name), ("Interface", member.interface)]
        self._exchange.emit(event, "agent", [*pairs, ("MemberName", member.name), *more])


def _whole(seconds: float) -> int:
    # Sums of timers are a hair off: ten seconds must not count as nine.
    return int(seconds + 1e-6)
