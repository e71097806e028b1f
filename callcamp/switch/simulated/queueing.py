"""AMI actions on queues. Words and headers are Asterisk 22's."""

from __future__ import annotations

from callcamp.switch.simulated.asked import Asked, Refusal
from callcamp.switch.simulated.queues import Member, Queue

_TRUE = frozenset(("yes", "true", "y", "t", "1", "on"))


def queue_add(asked: Asked) -> None:
    """Make an interface a member of a queue."""
    action, desk = asked.action, asked.desk
    name, interface = _queue_name(asked), _interface(asked)
    queue = desk.queues.all.get(name)
    if queue is None:
        raise Refusal("Unable to add interface to queue: No such queue")
    if interface in queue.members:
        raise Refusal("Unable to add interface: Already there")
    now = int(desk.timeline.epoch)
    paused = _is_true(action.get("Paused"))
    member = Member(
        interface=interface,
        name=action.get("MemberName") or interface,
        state_interface=action.get("StateInterface") or interface,
        penalty=action.get("Penalty") or "0",
        paused=paused,
        reason=action.get("Reason") if paused else "",
        logged_in_at=now,
        paused_at=now if paused else 0,
    )
    asked.succeed("Added interface to queue")
    desk.queues.add(queue, member)


def queue_remove(asked: Asked) -> None:
    """Take an interface out of a queue."""
    name, interface = _queue_name(asked), _interface(asked)
    queue = asked.desk.queues.all.get(name)
    if queue is None:
        raise Refusal("Unable to remove interface from queue: No such queue")
    member = queue.members.get(interface)
    if member is None:
        raise Refusal("Unable to remove interface: Not there")
    asked.succeed("Removed interface from queue")
    asked.desk.queues.remove(queue, member)


def queue_pause(asked: Asked) -> None:
    """Pause a member of one queue, or of all in which it is; or don't any more."""
    action, queues = asked.action, asked.desk.queues
    interface = _interface(asked)
    if not action.get("Paused"):
        raise Refusal("Need 'Interface' and 'Paused' parameters.")
    paused = _is_true(action.get("Paused"))
    wanted = action.get("Queue")
    found = [
        (queue, member)
        for name, queue in queues.all.items()
        if wanted in {"", name} and (member := queue.members.get(interface)) is not None
    ]
    if not found:
        raise Refusal("Interface not found")
    asked.succeed(f"Interface {'paused' if paused else 'unpaused'} successfully")
    for queue, member in found:
        queues.pause(queue, member, paused=paused, reason=action.get("Reason"))


def queue_status(asked: Asked) -> None:
    """List queues, their members and who waits in them."""
    action, desk = asked.action, asked.desk
    wanted, only = action.get("Queue"), action.get("Member")
    items: list[bytes] = []
    for name, queue in desk.queues.all.items():
        if wanted in {"", name}:
            items.append(asked.item("QueueParams", _params(queue), id_last=True))
            items += [
                asked.item("QueueMember", _member(asked, queue, member), id_last=True)
                for member in queue.members.values()
                if only in {"", member.interface}
            ]
            items += [
                asked.item("QueueEntry", pairs, id_last=True) for pairs in _entries(asked, queue)
            ]
    asked.items("Queue status will follow", items, "QueueStatusComplete")


def queue_summary(asked: Asked) -> None:
    """Count members and callers of queues."""
    desk, wanted = asked.desk, asked.action.get("Queue")
    items = []
    for name, queue in desk.queues.all.items():
        if wanted in {"", name}:
            held = [desk.timeline.now - one.joined_at for one in queue.waiting]
            pairs = [
                ("Queue", name),
                ("LoggedIn", str(len(queue.members))),
                ("Available", str(sum(map(desk.queues.can_ring, queue.members.values())))),
                ("Callers", str(len(queue.waiting))),
                ("HoldTime", "0"),
                ("TalkTime", "0"),
                ("LongestHoldTime", str(int(max(held, default=0)))),
            ]
            items.append(asked.item("QueueSummary", pairs, id_last=True))
    asked.items("Queue summary will follow", items, "QueueSummaryComplete")


def _is_true(text: str) -> bool:
    return text.lower() in _TRUE


def _queue_name(asked: Asked) -> str:
    name = asked.action.get("Queue")
    if not name:
        raise Refusal("'Queue' not specified.")
    return name


def _interface(asked: Asked) -> str:
    interface = asked.action.get("Interface")
    if not interface:
        raise Refusal("'Interface' not specified.")
    return interface


def _params(queue: Queue) -> list[tuple[str, str]]:
    completed = sum(member.calls for member in queue.members.values())
    return [
        ("Queue", queue.name),
        ("Max", "0"),
        ("Strategy", "leastrecent"),
        ("Calls", str(len(queue.waiting))),
        ("Holdtime", "0"),
        ("TalkTime", "0"),
        ("Completed", str(completed)),
        ("Abandoned", "0"),
        ("ServiceLevel", "0"),
        ("ServicelevelPerf", "0.0"),
        ("ServicelevelPerf2", "0.0"),
        ("Weight", "0"),
    ]


def _member(asked: Asked, queue: Queue, member: Member) -> list[tuple[str, str]]:
    return [
        ("Queue", queue.name),
        ("Name", member.name),
        ("Location", member.interface),
        *asked.desk.queues.headers_of(member),
        ("Wrapuptime", "0"),
    ]


def _entries(asked: Asked, queue: Queue) -> list[list[tuple[str, str]]]:
    now = asked.desk.timeline.now
    return [
        [
            ("Queue", queue.name),
            ("Position", str(place)),
            ("Channel", one.call.name),
            ("Uniqueid", one.call.uniqueid),
            ("CallerIDNum", one.call.caller_number or "unknown"),
            ("CallerIDName", one.call.caller_name or "unknown"),
            ("ConnectedLineNum", one.call.caller_number or "unknown"),
            ("ConnectedLineName", one.call.caller_name or "unknown"),
            ("Wait", str(int(now - one.joined_at))),
            ("Priority", "0"),
        ]
        for place, one in enumerate(queue.waiting, 1)
    ]
