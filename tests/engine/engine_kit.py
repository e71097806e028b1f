"""What the tests of the engine run it on: a scripted switch in memory, and a real store.

The :class:`FakeSwitch` is the world: its channels, its outbox and what it ever placed outlive
the engines that use it. A :class:`FakeGateway` is one engine's way to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time as time_
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from database_kit import current_database

from callcamp.core.agent_events import AgentFact, LegAnswered, LegEnded, LegRang, MemberSeen
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.changes import AttemptChange
from callcamp.core.events import (
    CallAnswered,
    CallCreated,
    CallEnded,
    CallRang,
    EventsLost,
    EvidenceSeen,
    LinkDown,
    LinkUp,
    OriginateEnded,
    SwitchEvent,
)
from callcamp.core.model import Attempt, Campaign, Contact, NewContact
from callcamp.core.outcome import Evidence
from callcamp.core.states import CampaignEvent, CampaignStatus, ContactStatus
from callcamp.engine import Engine
from callcamp.engine import clock as clock_module
from callcamp.engine import dialer as dialer_module
from callcamp.engine import reconcile as reconcile_module
from callcamp.engine import tracker as tracker_module
from callcamp.engine.agents.queueing import OWN_QUEUES
from callcamp.engine.clock import Clock
from callcamp.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SwitchRefused,
    SwitchTimeout,
    SwitchUnavailable,
)
from callcamp.ports import Applied, CallOrder, Claimed, LiveCall, SwitchFacts
from callcamp.ports.switchboard import LegOrder, QueueMember, QueueView, TalkView, TransferTo
from callcamp.settings import Settings
from callcamp.store import SqlStore

ALL_DAY = DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7)))
BUSY = Evidence(cause=17, sip_code=486)
PERSON = Evidence(cause=16, answered=True, played="prompt", talk_s=4.0)


def now() -> datetime:
    return datetime.now(UTC)


async def until(
    condition: Callable[[], Any] | Callable[[], Awaitable[Any]],
    what: str = "",
    *,
    within_s: float = 60.0,
) -> Any:
    """Return what ``condition`` gives as soon as that is true; fail after ``within_s``."""
    limit = time_.monotonic() + within_s
    while True:
        got = condition()
        if asyncio.iscoroutine(got):
            got = await got
        if got:
            return got
        if time_.monotonic() > limit:
            raise AssertionError(f"never came true: {what or condition}")
        await asyncio.sleep(0.005)


async def passes(seconds: float) -> None:
    """Let the engine go on for a while, to see that something does NOT happen."""
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Script:
    """What the switch makes of one order.

    Args:
        order: ``accept``, ``refuse``, ``unavailable``, ``invalid``, ``timeout`` (no answer,
            the call goes out), ``late`` (no answer, the call goes out ``late_s`` later),
            ``lost`` (no answer, no call) or ``no_channel`` (accepted, then it fails).
        by_hand: the test drives the call after its channel was made.
        answers: whether it is answered; else it is busy.
        ring_s: from the channel to the answer or the refusal.
        talk_s: from the answer to the end.
        late_s: see ``late``.
        hangup_first: CallEnded comes before OriginateEnded, on a call not answered.
        drop: names of event classes that never come.
        in_box: whether the hangup handler's entry is written.
    """

    order: str = "accept"
    by_hand: bool = False
    answers: bool = True
    ring_s: float = 0.0
    talk_s: float = 0.0
    late_s: float = 0.0
    hangup_first: bool = False
    drop: frozenset[str] = frozenset()
    in_box: bool = True


BY_HAND = Script(by_hand=True)


@dataclass(slots=True)
class Channel:
    """A channel that exists."""

    order: CallOrder
    script: Script
    made_at: datetime
    state: str = "Down"
    answered: bool = False

    @property
    def number(self) -> str:
        return number_of(self.order)


def number_of(order: CallOrder) -> str:
    return order.channel.removeprefix("PJSIP/").partition("@")[0]


class FakeBoard:
    """Queues and agents' phones in memory; fulfils ``ports.Switchboard``.

    ``orders`` is what was asked, in order; ``phones`` says what a phone does when it is called:
    ``answers`` (unless said otherwise), ``silent``, ``refused`` or ``timeout``.
    """

    def __init__(self, switch: FakeSwitch) -> None:
        self._switch = switch
        self.names = {*OWN_QUEUES, "sales"}
        self.members: dict[tuple[str, str], QueueMember] = {}
        self.waiting: dict[str, list[str]] = {}
        self.legs: dict[str, LegOrder] = {}
        self.up: set[str] = set()
        self.phones: dict[str, str] = {}
        self.orders: list[tuple[Any, ...]] = []
        self.gives = True
        self.unreachable: set[str] = set()
        self.talks: dict[str, TalkView] = {}
        self.channels: set[str] = set()
        self.holder = ""
        self.hears: set[str] = set()
        self.stops = True

    def _ask(self, *order: Any) -> None:
        gateway = self._switch.gateway
        if gateway is None or not gateway.link_up:
            raise SwitchUnavailable("There is no link.")
        self.orders.append(order)

    def asked(self, what: str) -> list[tuple[Any, ...]]:
        """Return what was asked of one kind, without its name."""
        return [order[1:] for order in self.orders if order[0] == what]

    def paused(self, agent_id: int) -> bool | None:
        """Tell whether the queue skips an agent; None when it is no member."""
        found = [m.paused for m in self.members.values() if m.agent_id == agent_id]
        return found[0] if found else None

    def live(self) -> dict[str, LiveCall]:
        """Return the channels of agents' phones."""
        ringing = {i: LiveCall(i, "Ringing", 3) for i in self.legs}
        return ringing | {i: LiveCall(i, "Up", 9) for i in self.up | self.channels}

    async def hold_agents(self) -> None:
        self._ask("hold_agents")
        if self.holder:
            raise Conflict(f"Another callcamp ({self.holder}) has its agents here.")

    async def queues(self) -> dict[str, QueueView]:
        self._ask("queues")
        return {
            name: QueueView(
                name,
                tuple(m for (queue, _), m in self.members.items() if queue == name),
                tuple(self.waiting.get(name, ())),
            )
            for name in self.names
        }

    async def add_member(
        self, queue: str, interface: str, agent_id: int, *, paused: bool, reason: str = ""
    ) -> None:
        self._ask("add", queue, interface, agent_id, paused)
        if queue not in self.names:
            raise NotFound(f"Asterisk has no queue {queue}.", kind="queue", key=queue)
        self.members[queue, interface] = QueueMember(agent_id, interface, 1, paused, reason)
        self._switch.emit(MemberSeen(agent_id, now(), queue, interface, 1, paused))

    async def remove_member(self, queue: str, interface: str) -> bool:
        self._ask("remove", queue, interface)
        return self.members.pop((queue, interface), None) is not None

    async def pause_member(
        self, queue: str, interface: str, *, paused: bool, reason: str = ""
    ) -> None:
        self._ask("pause", queue, interface, paused)
        known = self.members.get((queue, interface))
        if known is None:
            raise SwitchRefused("Interface not found")
        self.members[queue, interface] = replace(known, paused=paused, reason=reason)

    async def call_agent(self, order: LegOrder) -> None:
        self._ask("call", order)
        does = self.phones.get(order.interface, "answers")
        if does == "refused":
            raise SwitchRefused("No.")
        self.legs[order.leg_id] = order
        self._switch.emit(LegRang(order.leg_id, now()))
        if does == "timeout":
            raise SwitchTimeout("No answer.")
        if does == "answers":
            self.pick_up(order.leg_id)

    def pick_up(self, leg_id: str) -> None:
        """Have an agent answer a leg."""
        self.up.add(leg_id)
        self._switch.emit(LegAnswered(leg_id, now()))

    def leave(self, leg_id: str) -> None:
        """Have a leg end."""
        self.legs.pop(leg_id, None)
        self.up.discard(leg_id)
        self._switch.emit(LegEnded(leg_id, now()))

    async def hang_up_channel(self, channel_id: str) -> bool:
        self._ask("hang_up", channel_id)
        known = channel_id in self.legs
        if known:
            self.leave(channel_id)
        return known

    async def stop_ringing(self, attempt_id: str, channel_id: str | None) -> bool:
        self._ask("stop", attempt_id, channel_id)
        return self.stops

    async def hears_announcement(self, attempt_id: str) -> bool:
        self._ask("hears", attempt_id)
        return attempt_id in self.hears

    async def is_up(self, channel_id: str) -> bool:
        self._ask("is_up", channel_id)
        return channel_id in self.up

    async def give_to(self, attempt_id: str, interface: str, agent_id: int) -> bool:
        self._ask("give", attempt_id, interface, agent_id)
        return self.gives

    async def join(self, attempt_id: str, leg_id: str) -> bool:
        self._ask("join", attempt_id, leg_id)
        return self.gives

    async def hold(self, attempt_id: str, agent_channel: str) -> None:
        self._ask("hold", attempt_id, agent_channel)

    async def unhold(self, attempt_id: str, agent_channel: str) -> None:
        self._ask("unhold", attempt_id, agent_channel)

    async def mute(self, channel_id: str, *, muted: bool) -> None:
        self._ask("mute", channel_id, muted)

    async def talk_of(self, attempt_id: str) -> TalkView | None:
        self._ask("talk", attempt_id)
        return self.talks.get(attempt_id)

    async def press_keys(self, attempt_id: str, digits: str) -> None:
        self._ask("keys", attempt_id, digits)

    async def transfer(self, attempt_id: str, to: TransferTo, target: str) -> None:
        self._ask("transfer", attempt_id, to, target)

    async def consult(
        self, attempt_id: str, agent_channel: str, to: TransferTo, target: str
    ) -> None:
        self._ask("consult", attempt_id, agent_channel, to, target)

    async def complete_consult(self, attempt_id: str, agent_channel: str) -> None:
        self._ask("complete", attempt_id, agent_channel)

    async def cancel_consult(self, attempt_id: str, agent_channel: str) -> None:
        self._ask("cancel", attempt_id, agent_channel)

    async def phone_states(self, interfaces: list[str]) -> dict[str, bool]:
        self._ask("phones", *interfaces)
        return {interface: interface not in self.unreachable for interface in interfaces}


class FakeSwitch:
    """Asterisk as far as the engine can tell; see the module."""

    def __init__(self, script: Callable[[CallOrder], Script] | None = None) -> None:
        self.script = script or (lambda _order: Script())
        self.started_at = now() - timedelta(hours=1)
        self.channels: dict[str, Channel] = {}
        self.box: dict[str, Evidence] = {}
        self.orders: list[CallOrder] = []
        self.order_times: list[float] = []
        self.placed: dict[str, list[str]] = {}
        self.hung_up: list[str] = []
        self.deleted: list[str] = []
        self.violations: list[str] = []
        self.gateway: FakeGateway | None = None
        self.most_live: Counter[str] = Counter()
        self.answer_delay_s = 0.0
        self.ask_hook: Callable[[str], Awaitable[None]] | None = None
        self.board = FakeBoard(self)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def placed_ids(self) -> list[str]:
        return [i for ids in self.placed.values() for i in ids]

    def ids_of(self, number: str) -> list[str]:
        """Return the ids ordered for a number, in order."""
        return [o.attempt_id for o in self.orders if number_of(o) == number]

    def emit(self, event: SwitchEvent | AgentFact) -> None:
        """Tell the engine, if there is a link."""
        if self.gateway is not None and self.gateway.link_up:
            channel = self.channels.get(getattr(event, "attempt_id", ""))
            if channel is None or type(event).__name__ not in channel.script.drop:
                self.gateway.queue.put_nowait(event)

    def make(self, order: CallOrder, script: Script) -> Channel:
        """Make the channel of an order: from here on, somebody's telephone rings."""
        attempt_id, number = order.attempt_id, number_of(order)
        if attempt_id in self.placed_ids:
            self.violations.append(f"{attempt_id} was placed twice")
        for other in self.channels.values():
            if other.number == number:
                self.violations.append(f"{number} has two channels")
        channel = self.channels[attempt_id] = Channel(order, script, now())
        self.placed.setdefault(number, []).append(attempt_id)
        campaign = order.variables["CC_CAMPAIGN"]
        live = [c for c in self.channels.values() if c.order.variables["CC_CAMPAIGN"] == campaign]
        self.most_live[campaign] = max(self.most_live[campaign], len(live))
        self.most_live["all"] = max(self.most_live["all"], len(self.channels))
        self.emit(CallCreated(attempt_id, now()))
        return channel

    def ring(self, attempt_id: str) -> None:
        self.channels[attempt_id].state = "Ringing"
        self.emit(CallRang(attempt_id, now()))

    def answer(self, attempt_id: str) -> None:
        channel = self.channels[attempt_id]
        channel.state, channel.answered = "Up", True
        self.emit(CallAnswered(attempt_id, now()))

    def respond(self, attempt_id: str, *, success: bool, reason: int | None = None) -> None:
        """Say the OriginateResponse."""
        reason = reason if reason is not None else (4 if success else 0)
        self.emit(OriginateEnded(attempt_id, now(), success, reason))

    def end(self, attempt_id: str, evidence: Evidence, *, in_box: bool = True) -> None:
        """End a call: its handler runs, then its channel goes."""
        evidence = replace(evidence, ended_epoch_s=time_.time())
        if in_box:
            self.box[attempt_id] = evidence
            self.emit(EvidenceSeen(attempt_id, now(), evidence))
        event = CallEnded(attempt_id, now(), Evidence(evidence.cause, evidence.sip_code))
        self.emit(event)
        self.channels.pop(attempt_id, None)

    def cut(self) -> None:
        """Lose the link; calls go on."""
        if self.gateway is not None and self.gateway.link_up:
            self.gateway.queue.put_nowait(LinkDown(now(), "cut"))
            self.gateway.link_up = False

    def mend(self) -> None:
        """Have the link again."""
        if self.gateway is not None and not self.gateway.link_up and not self.gateway.closed:
            self.gateway.link_up = True
            self.gateway.queue.put_nowait(LinkUp(now(), self.started_at))

    def restart(self) -> None:
        """Die with every call and be there again; the outbox stays."""
        self.cut()
        self.channels.clear()
        for task in self._tasks:
            task.cancel()
        self.started_at = max(now(), self.started_at + timedelta(seconds=1))

    def lose_events(self) -> None:
        self.emit(EventsLost(now(), 1))

    async def order(self, order: CallOrder) -> None:
        """Take an order as its script says."""
        script = self.script(order)
        if order.attempt_id in {o.attempt_id for o in self.orders}:
            self.violations.append(f"{order.attempt_id} was ordered twice")
        self.orders.append(order)
        self.order_times.append(time_.monotonic())
        if script.order == "unavailable":
            raise SwitchUnavailable("There is no link.")
        if script.order == "invalid":
            raise InvalidInput("Such a value cannot be sent.")
        await asyncio.sleep(self.answer_delay_s)
        match script.order:
            case "refuse":
                raise SwitchRefused("No.")
            case "lost":
                raise SwitchTimeout("No answer.")
            case "late":
                self._play(order, script)
                raise SwitchTimeout("No answer.")
            case "timeout":
                self._play(order, script)
                raise SwitchTimeout("No answer.")
            case "no_channel":
                self.emit(OriginateEnded(order.attempt_id, now(), False, 0))
            case "accept":
                self._play(order, script)
            case other:
                raise AssertionError(other)

    def _play(self, order: CallOrder, script: Script) -> None:
        if script.order != "late":
            self.make(order, script)
            if script.by_hand:
                return
        task = asyncio.create_task(self._call(order, script))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, order: CallOrder, script: Script) -> None:
        attempt_id = order.attempt_id
        if script.order == "late":
            await asyncio.sleep(script.late_s)
            self.make(order, script)
            if script.by_hand:
                return
        self.ring(attempt_id)
        await asyncio.sleep(script.ring_s)
        if attempt_id not in self.channels:
            return
        if script.answers:
            self.answer(attempt_id)
            self.respond(attempt_id, success=True)
            await asyncio.sleep(script.talk_s)
            if attempt_id in self.channels:
                self.end(attempt_id, replace(PERSON, talk_s=4.0), in_box=script.in_box)
        elif script.hangup_first:
            dropped = "OriginateEnded" in script.drop
            self.end(attempt_id, BUSY, in_box=script.in_box)
            if not dropped:
                self.respond(attempt_id, success=False)
        else:
            self.respond(attempt_id, success=False)
            self.end(attempt_id, BUSY, in_box=script.in_box)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class FakeGateway:
    """One engine's way to the :class:`FakeSwitch`; fulfils ``ports.CallGateway``."""

    def __init__(self, switch: FakeSwitch, *, reachable: bool = True) -> None:
        self._switch = switch
        self._reachable = reachable
        self.queue: asyncio.Queue[SwitchEvent | AgentFact | None] = asyncio.Queue()
        self.link_up = False
        self.closed = False

    @property
    def last_problem(self) -> str | None:
        return None if self.link_up else "cut"

    @property
    def switchboard(self) -> FakeBoard:
        return self._switch.board

    async def start(self) -> None:
        self._switch.gateway = self
        if not self._reachable:
            raise SwitchUnavailable("There is no link.")
        self._switch.mend()

    async def close(self) -> None:
        self.die()
        self.queue.put_nowait(None)

    def die(self) -> None:
        """Be gone, as with a killed process."""
        self.link_up, self.closed = False, True
        if self._switch.gateway is self:
            self._switch.gateway = None

    async def originate(self, order: CallOrder) -> None:
        self._check()
        await self._switch.order(order)

    async def hang_up(self, attempt_id: str) -> bool:
        await self._ask("hang_up")
        self._switch.hung_up.append(attempt_id)
        if attempt_id not in self._switch.channels:
            return False
        self._switch.end(attempt_id, Evidence(cause=16))
        return True

    async def live_calls(self) -> dict[str, LiveCall]:
        await self._ask("live_calls")
        return {
            i: LiveCall(i, c.state, int((now() - c.made_at).total_seconds()))
            for i, c in self._switch.channels.items()
        } | self._switch.board.live()

    async def outbox(self) -> dict[str, Evidence]:
        await self._ask("outbox")
        return dict(self._switch.box)

    async def delete_from_outbox(self, attempt_ids: Sequence[str]) -> None:
        await self._ask("delete")
        for attempt_id in attempt_ids:
            self._switch.deleted.append(attempt_id)
            self._switch.box.pop(attempt_id, None)

    async def events(self) -> AsyncIterator[SwitchEvent | AgentFact]:
        while (event := await self.queue.get()) is not None:
            yield event

    async def facts(self, endpoints: Sequence[str] = ()) -> SwitchFacts:
        raise NotImplementedError

    async def _ask(self, what: str) -> None:
        self._check()
        if self._switch.ask_hook is not None:
            await self._switch.ask_hook(what)
        await asyncio.sleep(0)
        if not self.link_up:
            raise SwitchTimeout("The link was lost.")

    def _check(self) -> None:
        if not self.link_up:
            raise SwitchUnavailable("There is no link.")


class TestedStore(SqlStore):
    """The real store; ``before`` is called with a method's name, and may raise."""

    __test__ = False

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.before: Callable[[str], None] = lambda _name: None
        self.after: Callable[[str], None] = lambda _name: None
        self.applied: list[AttemptChange] = []

    async def apply(self, changes: Sequence[AttemptChange]) -> list[Applied]:
        self.before("apply")
        applied = await super().apply(changes)
        self.applied.extend(changes)
        self.after("apply")
        return applied

    async def claim(self, *args: Any, **kwargs: Any) -> Claimed:
        self.before("claim")
        claimed = await super().claim(*args, **kwargs)
        self.after("claim")
        return claimed

    async def mark_dialing(self, attempt_ids: Sequence[str], *, now: datetime) -> list[str]:
        self.before("mark_dialing")
        ids = await super().mark_dialing(attempt_ids, now=now)
        self.after("mark_dialing")
        return ids

    async def campaigns(self, status: CampaignStatus | None = None) -> list[Campaign]:
        self.before("campaigns")
        return await super().campaigns(status)

    async def campaigns_again(self, *args: Any) -> list[Campaign]:
        self.before("campaigns")
        return await super().campaigns_again(*args)

    async def attempt_context(self, attempt_ids: Sequence[str]) -> dict[str, tuple[Attempt, int]]:
        self.before("attempt_context")
        return await super().attempt_context(attempt_ids)


@dataclass(slots=True)
class Bench:
    """A store, a switch, and engines one after the other."""

    store: TestedStore
    switch: FakeSwitch
    settings: Settings
    clock: Clock
    engine: Engine | None = None
    gateways: list[FakeGateway] = field(default_factory=list)

    @property
    def running(self) -> Engine:
        assert self.engine is not None
        return self.engine

    async def start(self, *, reachable: bool = True) -> Engine:
        """Start an engine."""
        gateway = FakeGateway(self.switch, reachable=reachable)
        self.gateways.append(gateway)
        self.engine = Engine(self.store, gateway, self.settings, self.clock)
        await self.engine.start()
        return self.engine

    async def stop(self) -> None:
        """Stop the engine as SIGTERM does."""
        engine, self.engine = self.engine, None
        if engine is not None:
            await engine.stop()

    async def kill(self) -> None:
        """End the engine as SIGKILL does: nothing more is written, nothing more is sent."""
        engine, self.engine = self.engine, None
        if engine is None:
            return
        self.gateways[-1].die()
        tasks = engine._tasks
        tasks += [task for _, task in engine._lanes._lanes.values()]
        tasks += [t for lane, _ in engine._lanes._lanes.values() for t in lane._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def campaign(
        self,
        contacts: int | Sequence[NewContact] = 1,
        *,
        start: bool = True,
        cps: float = 200.0,
        max_channels: int | None = None,
        trunk: str = "carrier",
        attempts: int = 1,
        delay_s: int = 0,
        prefix: str = "+3361",
        **settings: Any,
    ) -> Campaign:
        """Make a campaign with contacts, and start it."""
        made = await self.store.save_trunk(
            trunk, dial_string=f"PJSIP/{{number}}@{trunk}", cps=cps, max_channels=max_channels
        )
        defaults: dict[str, Any] = {
            "name": "test",
            "trunk_id": made.id,
            "ring_timeout_s": 1,
            "concurrency": 50,
            "window": ALL_DAY,
            "mode": CampaignMode.MULTI_DAY,
            "prompt": "hello",
            "retry": RetryPolicy(max_attempts=attempts, delay_s=delay_s),
        }
        campaign = await self.store.create_campaign(
            CampaignSettings(**(defaults | settings)), now=self.clock.now()
        )
        if isinstance(contacts, int):
            contacts = [NewContact(f"{prefix}{n:07d}") for n in range(contacts)]
        await self.store.add_contacts(campaign.id, contacts, now=self.clock.now())
        if not start:
            return campaign
        campaign = await self.store.move_campaign(
            campaign.id, CampaignEvent.STARTED, now=self.clock.now()
        )
        if self.engine is not None:
            self.engine._dialer.campaigns_changed()
        return campaign

    async def is_completed(self, campaign: Campaign) -> bool:
        return (await self.store.campaign(campaign.id)).status is CampaignStatus.COMPLETED

    async def contacts(self, campaign: Campaign) -> list[Contact]:
        return await self.store.contacts(campaign.id, limit=100_000)

    async def statuses(self, campaign: Campaign) -> Counter[ContactStatus]:
        return Counter(c.status for c in await self.contacts(campaign))

    async def attempts(self, campaign: Campaign) -> list[Attempt]:
        return await self.store.attempts(campaign.id, limit=100_000)

    async def completed(self, campaign: Campaign, *, within_s: float = 60.0) -> None:
        """Wait until a campaign is completed."""
        await until(lambda: self.is_completed(campaign), "completed", within_s=within_s)

    async def placed(self, count: int) -> list[str]:
        """Wait until so many calls were placed in all; return their ids."""
        await until(lambda: len(self.switch.placed_ids) >= count, f"{count} calls placed")
        return self.switch.placed_ids

    async def ordered(self, count: int) -> list[CallOrder]:
        """Wait until so many calls were ordered in all."""
        await until(lambda: len(self.switch.orders) >= count, f"{count} calls ordered")
        return self.switch.orders


@contextlib.asynccontextmanager
async def bench(
    folder: Path,
    script: Callable[[CallOrder], Script] | Script | None = None,
    *,
    speed: float = 1.0,
    look_s: float = 0.03,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """Run a bench for a block; ``look_s`` replaces the engine's slow ticks."""
    path = folder / "callcamp.sqlite3"
    path.write_bytes(current_database())
    chosen = (lambda _order, it=script: it) if isinstance(script, Script) else script
    defaults: dict[str, Any] = {"settle_margin_s": 0.3, "database_url": f"sqlite:///{path}"}
    ticks = [
        (dialer_module, "TICK_S", look_s),
        (reconcile_module, "LOOK_EVERY_S", look_s),
        (tracker_module, "TICK_S", look_s),
        (clock_module, "GATHER_S", 0.002),
        (tracker_module, "CLOSING_GRACE_S", 0.1),
        (tracker_module, "RETRY_PAUSE_S", look_s),
    ]
    old = [(module, name, getattr(module, name)) for module, name, _ in ticks]
    for module, name, value in ticks:
        setattr(module, name, value)
    switch = FakeSwitch(chosen)
    store = TestedStore(defaults["database_url"])
    await store.open()
    the_bench = Bench(store, switch, Settings(**(defaults | settings)), Clock(speed))
    try:
        yield the_bench
        assert not switch.violations
        if the_bench.engine is not None:
            failed = the_bench.engine.failed
            assert failed is not None
            assert not failed.done(), failed
    finally:
        store.before = store.after = lambda _name: None
        with contextlib.suppress(Exception):
            await the_bench.stop()
        await switch.close()
        await store.close()
        for module, name, value in old:
            setattr(module, name, value)
