"""What Asterisk lists of its queues, as :class:`callcamp.ports.switchboard.QueueView`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from callcamp.core.agents import agent_of_member
from callcamp.ports.switchboard import QueueMember, QueueView
from callcamp.switch import is_attempt_id
from callcamp.switch.wire import Headers


@dataclass(slots=True)
class _Building:
    members: list[QueueMember] = field(default_factory=list)
    waiting: list[tuple[int, str]] = field(default_factory=list)
    callers: int = 0


def queue_views(items: Iterable[Headers]) -> dict[str, QueueView]:
    """Return every queue by name, from the items of a ``QueueStatus``."""
    found: dict[str, _Building] = {}
    for item in items:
        queue = found.setdefault(item.get("Queue", ""), _Building())
        match item.get("Event"):
            case "QueueMember":
                queue.members.append(_member(item))
            case "QueueEntry":
                queue.callers += 1
                if is_attempt_id(item.get("Uniqueid", "")):
                    position = item.get("Position", "")
                    queue.waiting.append(
                        (int(position) if position.isdecimal() else 0, item["Uniqueid"])
                    )
    return {
        name: QueueView(
            name,
            tuple(queue.members),
            tuple(attempt_id for _, attempt_id in sorted(queue.waiting)),
            queue.callers,
        )
        for name, queue in found.items()
    }


def _member(item: Headers) -> QueueMember:
    status = item.get("Status", "")
    return QueueMember(
        agent_of_member(item.get("Name", "")),
        item.get("Location", ""),
        int(status) if status.isdecimal() else 0,
        item.get("Paused") == "1",
        item.get("PausedReason", ""),
    )
