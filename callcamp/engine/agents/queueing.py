"""Asterisk's queues as callcamp wants them: who is a member, who is skipped, who waits.

What is wanted follows from the states of the agents; what Asterisk has is told by its events
and asked for now and then. Only differences are sent, again and again until they are gone, so
a lost answer or a restarted Asterisk mends itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from callcamp.core.agent_events import CallerLeft, CallerWaited, MemberSeen
from callcamp.core.agent_settings import QUEUED
from callcamp.core.agents import AgentState, PhoneKind
from callcamp.core.model import Campaign
from callcamp.engine.agents.floor import Floor
from callcamp.engine.agents.worker import Worker
from callcamp.engine.trouble import Trouble
from callcamp.errors import CallcampError, Conflict, InvalidInput, SwitchUnavailable
from callcamp.ports import Store
from callcamp.ports.switchboard import QueueView, Switchboard

log = structlog.get_logger(__name__)

OWN_QUEUES = tuple(f"callcamp-{number}" for number in range(1, 41))
"""The queues that ``asterisk/queues_callcamp.conf`` gives callcamp for itself."""
SYNC_EVERY_S = 10.0
"""How often Asterisk is asked what its queues have."""
AGAIN_AFTER_S = 1.0
"""How long a refused or lost order waits before it is tried again."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who a member is, and whether the queue skips it."""

    agent_id: int
    paused: bool
    reason: str = ""


class Queueing:
    """Keeps Asterisk's queues as the agents' states ask for.

    Args:
        store: keeps which queue a campaign has for itself.
        switchboard: the way to Asterisk.
        floor: the agents.
    """

    def __init__(self, store: Store, switchboard: Switchboard, floor: Floor) -> None:
        self._store = store
        self._switchboard = switchboard
        self._floor = floor
        self._queues: dict[int, str] = {}
        self._assigning = asyncio.Lock()
        self._has: dict[tuple[str, str], Membership] = {}
        self._waiting: dict[str, str] = {}
        self._announced: set[str] = set()
        self._names: frozenset[str] | None = None
        self._trouble = Trouble("queues_not_settled")
        self._wake = asyncio.Event()
        self._sync_wanted = True
        self._synced_at_s = float("-inf")
        self.refusal = ""
        """Why callcamp may have no agents on this Asterisk; empty when it may."""
        self.on_member: Callable[[Worker], None] = lambda _worker: None
        """Called when an agent has become a member of the queue."""
        self.on_allowed: Callable[[], None] = lambda: None
        """Called when callcamp may have agents on this Asterisk again."""

    async def queue_of(self, campaign: Campaign) -> str | None:
        """Return the queue where contacts of a campaign meet agents (None: they do not).

        Raises:
            LimitExceeded: all of callcamp's own queues are taken.
        """
        if campaign.settings.agents.method not in QUEUED:
            return None
        if campaign.settings.agents.queue:
            return campaign.settings.agents.queue
        async with self._assigning:
            if campaign.id not in self._queues:
                queue = await self._store.assign_queue(campaign.id, self._choices(campaign.id))
                # Who had it before, and is not at work now, gets another when it is again.
                self._queues = {c: q for c, q in self._queues.items() if q != queue}
                self._queues[campaign.id] = queue
            return self._queues[campaign.id]

    def _choices(self, campaign_id: int) -> tuple[str, ...]:
        """Return callcamp's own queues without those in which agents of other campaigns are.

        A campaign that has not started, or was opened again, may have agents on shift already.
        """
        others = {worker.campaign.id for worker in self._floor} - {campaign_id}
        taken = {self._queues.get(other) for other in others}
        return tuple(queue for queue in OWN_QUEUES if queue not in taken)

    def known_queue(self, campaign: Campaign) -> str:
        """Return the same, as far as it was asked for before; empty when it was not."""
        return campaign.settings.agents.queue or self._queues.get(campaign.id, "")

    def is_missing(self, campaign: Campaign) -> bool:
        """Tell whether Asterisk, when it was asked last, did not have a campaign's queue."""
        if campaign.settings.agents.method not in QUEUED or self._names is None:
            return False
        queue = self.known_queue(campaign)
        return bool(queue) and queue not in self._names

    async def check_exists(self, queue: str) -> None:
        """Ask Asterisk whether it has a queue.

        Raises:
            InvalidInput: it has none of this name.
        """
        if queue not in await self._switchboard.queues():
            raise InvalidInput(
                f"Asterisk has no queue {queue!r}; the person would reach nobody.",
                field="target",
                value=queue,
            )

    def wake(self, *, sync: bool = False) -> None:
        """Compare what is wanted with what is there, soon."""
        self._sync_wanted = self._sync_wanted or sync
        self._wake.set()

    def note_member(self, fact: MemberSeen) -> None:
        """Take in what Asterisk says of a member of ours."""
        key = (fact.queue, fact.interface)
        if fact.member:
            known = self._has.get(key)
            reason = known.reason if known is not None and known.paused == fact.paused else ""
            self._has[key] = Membership(fact.agent_id, fact.paused, reason)
        else:
            self._has.pop(key, None)
        self._look_at(self._floor.get(fact.agent_id))
        self._wake.set()

    def note_caller(self, fact: CallerWaited | CallerLeft) -> None:
        """Take in that a call of ours waits in a queue, or does not any more."""
        if not isinstance(fact, CallerWaited):
            self.forget_caller(fact.attempt_id)
            return
        self._waiting.setdefault(fact.attempt_id, fact.queue)
        if fact.announced:
            self._announced.add(fact.attempt_id)
        else:
            self._announced.discard(fact.attempt_id)

    def forget_caller(self, attempt_id: str) -> None:
        """Note that a call waits no more, because it has ended or has an agent."""
        self._waiting.pop(attempt_id, None)
        self._announced.discard(attempt_id)

    def hears_announcement(self, attempt_id: str) -> bool:
        """Tell whether a call is on its way to the queue: no queue looks for its agent yet."""
        return attempt_id in self._announced

    def waiting(self, queue: str) -> list[str]:
        """Return the calls that wait in a queue, who came first first."""
        return [attempt_id for attempt_id, where in self._waiting.items() if where == queue]

    async def run(self) -> None:
        """Send what is missing, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SYNC_EVERY_S + 0.1):
                    await self._wake.wait()
            if asyncio.get_running_loop().time() - self._synced_at_s >= SYNC_EVERY_S:
                self._sync_wanted = True
            self._wake.clear()
            try:
                if self._sync_wanted:
                    await self.sync()
                await self.settle()
                self._trouble.over()
            except CallcampError as error:
                self._trouble.met(error)
                if isinstance(error, Conflict):
                    self._has.clear()
                    for worker in self._floor:
                        self._look_at(worker, error.message)
                await asyncio.sleep(AGAIN_AFTER_S)
                self.wake(sync=True)

    async def sync(self) -> None:
        """Ask Asterisk what its queues have.

        Raises:
            Conflict: another callcamp has its agents there.
        """
        await self._hold()
        views = await self._switchboard.queues()
        self._sync_wanted = False
        self._synced_at_s = asyncio.get_running_loop().time()
        self._names = frozenset(views)
        self._has = {
            (name, member.interface): Membership(member.agent_id, member.paused, member.reason)
            for name, view in views.items()
            for member in view.members
            if member.agent_id is not None
        }
        self._announced -= _in_queues(views)
        there = _in_queues(views) | self._announced
        self._waiting = {i: q for i, q in self._waiting.items() if i in there}
        for name, view in views.items():
            for attempt_id in view.waiting:
                self._waiting.setdefault(attempt_id, name)
        for worker in self._floor:
            for view in views.values():
                for member in view.members:
                    if member.agent_id == worker.agent.id and worker.device != member.status:
                        worker.device = member.status
                        self._floor.touch(worker)
            self._look_at(worker)

    async def _hold(self) -> None:
        try:
            await self._switchboard.hold_agents()
        except Conflict as error:
            self.refusal = error.message
            raise
        if self.refusal:
            self.refusal = ""
            self.on_allowed()

    async def settle(self) -> None:
        """Send every order that brings Asterisk's queues to what is wanted.

        Raises:
            CallcampError: of the first order that failed; the others are tried at the next call.
        """
        wanted = await self._wanted()
        failed: CallcampError | None = None
        for (queue, interface), member in list(self._has.items()):
            if (queue, interface) not in wanted:
                await self._switchboard.remove_member(queue, interface)
                self._has.pop((queue, interface), None)
                log.info("agent_left_queue", queue=queue, agent=member.agent_id)
        for (queue, interface), want in wanted.items():
            has = self._has.get((queue, interface))
            if has is not None and has.agent_id == want.agent_id and has.paused == want.paused:
                continue
            try:
                await self._bring(queue, interface, want, is_there=has is not None)
            except SwitchUnavailable:
                raise
            except CallcampError as error:
                # One agent whom Asterisk refuses holds no other up.
                failed = failed or error
                continue
            self._has[queue, interface] = want
            self._look_at(self._floor.get(want.agent_id))
        if failed is not None:
            raise failed

    async def _bring(self, queue: str, interface: str, want: Membership, *, is_there: bool) -> None:
        try:
            if is_there:
                await self._switchboard.pause_member(
                    queue, interface, paused=want.paused, reason=want.reason
                )
            else:
                await self._switchboard.add_member(
                    queue, interface, want.agent_id, paused=want.paused, reason=want.reason
                )
        except CallcampError as error:
            self._look_at(self._floor.get(want.agent_id), error.message)
            raise

    def _look_at(self, worker: Worker | None, problem: str = "") -> None:
        """Note whether an agent is in the queue of the campaign."""
        if worker is None:
            return
        if worker.campaign.settings.agents.method not in QUEUED:
            self._look_at_line(worker)
            return
        queue = self.known_queue(worker.campaign)
        queued = (queue, worker.interface) in self._has
        before = worker.queued, worker.problem
        worker.queued = queued
        if queued or problem:
            worker.problem = "" if queued else problem
        if before != (worker.queued, worker.problem):
            self._floor.touch(worker)
        if queued and not before[0]:
            self.on_member(worker)

    def _look_at_line(self, worker: Worker) -> None:
        """Keep an agent on the line from work while another callcamp has its agents there."""
        before = worker.queued, worker.problem
        worker.problem = self.refusal
        if self.refusal:
            # Until the desk has seen what Asterisk has.
            worker.queued = False
        if before != (worker.queued, worker.problem):
            self._floor.touch(worker)

    async def _wanted(self) -> dict[tuple[str, str], Membership]:
        wanted: dict[tuple[str, str], Membership] = {}
        for worker in self._floor:
            queue = await self.queue_of(worker.campaign)
            if queue is not None:
                wanted[queue, worker.interface] = Membership(
                    worker.agent.id, not _takes_calls(worker), worker.state.value
                )
        return wanted


def _takes_calls(worker: Worker) -> bool:
    """Tell whether the queue may ring an agent; not while callcamp itself gives it a call."""
    if worker.pause_wanted is not None or worker.leg is not None:
        return False
    if worker.state is AgentState.RINGING:
        # Asterisk cannot tell that a number behind a trunk rings already.
        return not worker.handed and worker.agent.phone.kind is not PhoneKind.EXTERNAL
    return worker.state is AgentState.READY and not worker.handed


def _in_queues(views: dict[str, QueueView]) -> set[str]:
    return {attempt_id for view in views.values() for attempt_id in view.waiting}
