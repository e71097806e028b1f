"""The queues of Asterisk, as they are now."""

from __future__ import annotations

from callcamp.core.permissions import Permission
from callcamp.http.rest.fields import Out, Page, Query
from callcamp.http.rest.route import Call, Reply, RestRoute

_STATUS = {
    0: "unknown",
    1: "free",
    2: "in_use",
    3: "busy",
    4: "invalid",
    5: "unavailable",
    6: "ringing",
    7: "ringing_in_use",
    8: "on_hold",
}


class MemberOut(Out):
    """A member of a queue; ``agent`` is null when it is none of callcamp's."""

    agent: str | None
    interface: str
    status: str
    paused: bool
    reason: str


class QueueOut(Out):
    """A queue; ``waiting`` are ids of calls that callcamp made, ``callers`` counts all."""

    name: str
    members: list[MemberOut]
    callers: int
    waiting: list[str]


class QueuesPage(Page[QueueOut]):
    """The queues by name."""


async def queues(call: Call[Query, None]) -> Reply:
    """List queues, with members and callers."""
    desk = call.engine.agents
    found = await desk.queues()
    names = {view.agent.id: view.agent.name for view in desk.views()}
    items = [
        QueueOut(
            name=queue.name,
            members=[
                MemberOut(
                    agent=None if one.agent_id is None else names.get(one.agent_id),
                    interface=one.interface,
                    status=_STATUS.get(one.status, "unknown"),
                    paused=one.paused,
                    reason=one.reason,
                )
                for one in queue.members
            ],
            callers=queue.callers,
            waiting=list(queue.waiting),
        )
        for _, queue in sorted(found.items())
    ]
    return Reply(QueuesPage(items=items))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", "/api/v1/queues", queues, Permission.VIEW,
        "List the queues of Asterisk: members, their states, who waits", QueuesPage,
    ),
)  # fmt: skip
"""Addresses of queues."""
