"""Agents, queues and talks on a real Asterisk: what callcamp asks of it, over AMI.

What goes out is checked by :mod:`callcamp.switch.borders`; the contexts are those of
``dialplan/extensions_callcamp.conf``.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from time import monotonic
from weakref import WeakValueDictionary

from callcamp.core.agents import MEMBER_PREFIX, agent_of_member
from callcamp.errors import Conflict, NotFound, SwitchRefused, SwitchTimeout
from callcamp.ports.switchboard import LegOrder, QueueView, TalkView, TransferTo
from callcamp.switch import agent_of_leg
from callcamp.switch.borders import (
    check_attempt,
    check_channel_id,
    check_digits,
    check_queue,
    check_target,
    gone,
    is_device,
    reason_for_asterisk,
    word,
)
from callcamp.switch.contexts import (
    AGENT_CONTEXT,
    COMPLETE_CONTEXT,
    GIVE_CONTEXT,
    HOLD_CONTEXT,
    LEG_CONTEXT,
    TRANSFER_CONTEXT,
)
from callcamp.switch.keeper import SessionKeeper
from callcamp.switch.legs import encode_leg, leg_action_id
from callcamp.switch.moves import MOVE_AGAIN_S, MOVES_TRIED, Moves
from callcamp.switch.orders import check_channel
from callcamp.switch.owner import AgentsOwner
from callcamp.switch.queue_views import queue_views

_TONE_MS = 120
_TONE_GAP_S = 0.2
_LEGS_REMEMBERED = 5_000
_BRIDGES_LOOKED_FOR = 5
_STAGE, _CLAIM = "SHARED(CC_STAGE)", "SHARED(CC_CLAIM)"
_CLAIM_HOLDS_S = 0.5
_OUTSIDE = "SHARED(CC_OUTSIDE)"
_NOT_THERE = {"UNAVAILABLE", "INVALID", "UNKNOWN", ""}


class AmiSwitchboard(Moves):
    """:class:`callcamp.ports.switchboard.Switchboard` over Asterisk's manager interface.

    Args:
        keeper: has the session.
        instance: a name of this callcamp, see :class:`callcamp.switch.owner.AgentsOwner`.
    """

    def __init__(self, keeper: SessionKeeper, instance: str = "") -> None:
        super().__init__(keeper)
        self._owner = AgentsOwner(instance, self._global, self._set_global, monotonic)
        # The latest legs: a second order with the id of one that has ended would ring again.
        self._called: OrderedDict[str, None] = OrderedDict()
        self._agents: dict[str, int] = {}
        self._moving: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def hold_agents(self) -> None:
        """Say that this callcamp has its agents on this Asterisk; to be repeated.

        Raises:
            Conflict: another callcamp has.
        """
        await self._owner.hold()

    async def let_agents_go(self) -> None:
        """Let another callcamp have its agents on this Asterisk from now on."""
        await self._owner.let_go()

    async def queues(self) -> dict[str, QueueView]:
        """Return every queue of Asterisk by name."""
        views = queue_views(await self._ask("QueueStatus", many=True))
        for view in views.values():
            for member in view.members:
                if member.agent_id is not None:
                    self._agents[member.interface] = member.agent_id
        return views

    async def add_member(
        self, queue: str, interface: str, agent_id: int, *, paused: bool, reason: str = ""
    ) -> None:
        """Make an agent a member of a queue; a member already is set to ``paused``.

        Raises:
            NotFound: Asterisk has no such queue.
        """
        check_queue(queue)
        check_channel("interface", interface)
        headers = [
            ("Queue", queue),
            ("Interface", interface),
            ("Paused", word(paused)),
            ("Reason", reason_for_asterisk(reason)),
            ("MemberName", f"{MEMBER_PREFIX}{agent_id}"),
        ]
        if "@" in interface:
            # A number behind a trunk has no state of its own, and the trunk is never "in use".
            headers.append(("StateInterface", f"Custom:{MEMBER_PREFIX}{agent_id}"))
        self._agents[interface] = agent_id
        try:
            await self._ask("QueueAdd", *headers)
        except SwitchRefused as error:
            answer = str(error.details.get("answer", ""))
            if "no such queue" in answer.lower():
                raise NotFound(
                    f"Asterisk has no queue {queue!r}. Include queues_callcamp.conf in"
                    " queues.conf, or name another queue in the campaign.",
                    queue=queue,
                ) from None
            if "already there" not in answer.lower():
                raise
            await self.pause_member(queue, interface, paused=paused, reason=reason)

    async def remove_member(self, queue: str, interface: str) -> bool:
        """Take a member out of a queue; False when it was none."""
        check_queue(queue)
        check_channel("interface", interface)
        try:
            await self._ask("QueueRemove", ("Queue", queue), ("Interface", interface))
        except SwitchRefused as error:
            answer = str(error.details.get("answer", "")).lower()
            if "not there" in answer or "no such queue" in answer:
                return False
            raise
        return True

    async def pause_member(
        self, queue: str, interface: str, *, paused: bool, reason: str = ""
    ) -> None:
        """Have the queue skip a member, or not skip it any more."""
        check_queue(queue)
        check_channel("interface", interface)
        await self._ask(
            "QueuePause",
            ("Queue", queue),
            ("Interface", interface),
            ("Paused", word(paused)),
            ("Reason", reason_for_asterisk(reason)),
        )

    async def call_agent(self, order: LegOrder) -> None:
        """Call an agent's phone; who answers waits on the line (or spies). Never sent twice.

        With the variable ``CC_LEG_DO`` set to ``echo`` who answers hears what they say.

        Raises:
            SwitchTimeout: it may ring; also when the leg was ordered before.
        """
        data = encode_leg(order)
        session = self._keeper.up()
        if order.leg_id in self._called:
            raise SwitchTimeout("This call to an agent was ordered before; it is not sent again.")
        session.check_usable()
        self._called[order.leg_id] = None
        if len(self._called) > _LEGS_REMEMBERED:
            self._called.popitem(last=False)
        self._agents.setdefault(order.interface, order.agent_id)
        try:
            await session.exchange("Originate", leg_action_id(order.leg_id), data)
        except SwitchRefused:
            self._called.pop(order.leg_id, None)
            raise

    async def hang_up_channel(self, channel_id: str) -> bool:
        """End any channel of ours or of an agent; False when there is none."""
        check_channel_id(channel_id)
        return await self._if_there("Hangup", ("Channel", channel_id))

    async def stop_ringing(self, attempt_id: str, channel_id: str | None) -> bool:
        """Take a waiting contact's call away from an agent's phone; the contact waits on.

        Returns False when the phone was answered already: they talk.
        """
        check_attempt(attempt_id)
        rings = channel_id or await self._get(attempt_id, "SHARED(CC_RINGS)")
        if not rings:
            return True
        check_channel_id(rings)
        # Said before it is asked; ``callcamp-agent-up`` does it the other way round, so at least
        # one sees the other.
        if not await self._set(rings, {"CC_TAKEN": "1"}):
            return True
        if await self._get(rings, "CC_UP"):
            return False
        await self.hang_up_channel(rings)
        return True

    async def hears_announcement(self, attempt_id: str) -> bool:
        """Tell whether a contact hears the announcement now, and no queue looks for its agent."""
        check_attempt(attempt_id)
        hears = await self._get(attempt_id, "CC_HEARS") == "1"
        return hears and await self._get(attempt_id, _STAGE) == "wait"

    async def is_up(self, channel_id: str) -> bool:
        """Tell whether a channel exists now and is answered."""
        check_channel_id(channel_id)
        return await self._get(channel_id, "CHANNEL(state)") == "Up"

    async def give_to(self, attempt_id: str, interface: str, agent_id: int) -> bool:
        """Hand a call that waits in a queue straight to an agent's phone.

        Returns False when the call is not waiting any more, or an agent is being rung for it.
        """
        check_attempt(attempt_id)
        check_channel("interface", interface)
        async with self._alone(attempt_id):
            if not await self._claim(attempt_id):
                return False
            self._agents[interface] = agent_id
            return await self._send_to(
                attempt_id,
                GIVE_CONTEXT,
                CC_GIVE_TO=interface,
                CC_GIVE_MEMBER=f"{MEMBER_PREFIX}{agent_id}",
            )

    async def join(self, attempt_id: str, leg_id: str) -> bool:
        """Bring a call that waits, or hears the announcement, to an agent who is on the line.

        Returns False when the call is not waiting any more, or an agent is being rung for it.
        """
        check_attempt(attempt_id)
        check_channel_id(leg_id)
        async with self._alone(attempt_id):
            if not await self._claim(attempt_id) or not await self._set(
                attempt_id, {"CC_LEG": leg_id}
            ):
                return False
            return await self._redirect(attempt_id, LEG_CONTEXT, "join")

    async def hold(self, attempt_id: str, agent_channel: str) -> None:
        """Let the contact hear music while the agent waits on the line.

        Raises:
            Conflict: one of the two is not there any more.
        """
        async with self._alone(attempt_id):
            await self._part(attempt_id, agent_channel, "held")

    async def unhold(self, attempt_id: str, agent_channel: str) -> None:
        """Bring contact and agent together again.

        Raises:
            Conflict: one of the two is not there any more.
        """
        check_attempt(attempt_id)
        check_channel_id(agent_channel)
        async with self._alone(attempt_id):
            if not await self._get(attempt_id, "SHARED(CC_HELD)"):
                raise Conflict(
                    "The contact does not wait on hold (any more).", attempt_id=attempt_id
                )
            if not await self._redirect(agent_channel, AGENT_CONTEXT, "back"):
                raise gone(agent_channel)
            await self._until_held(attempt_id, held=False)
            for _ in range(_BRIDGES_LOOKED_FOR):
                if await self._get(attempt_id, "BRIDGEPEER"):
                    return
                await asyncio.sleep(MOVE_AGAIN_S)

    async def talk_of(self, attempt_id: str) -> TalkView | None:
        """Tell which agent's channel a contact talks to, or waits for on hold (None: none)."""
        check_attempt(attempt_id)
        channel_id = await self._get(attempt_id, "SHARED(CC_AGENT_CHANNEL)")
        if not channel_id:
            return None
        on_hold = bool(await self._get(attempt_id, "SHARED(CC_HELD)"))
        ordered = bool(await self._get(attempt_id, _OUTSIDE))
        if await self._get(channel_id, "SHARED(CC_WITH)") != attempt_id:
            return TalkView(channel_id, on_hold, outside=ordered)
        member = await self._get(channel_id, "CC_MEMBER")
        agent_id = agent_of_leg(channel_id) or agent_of_member(member)
        # Whoever talks to the agent, and does not wait, is with nobody outside: the order for it
        # never went out.
        return TalkView(channel_id, on_hold, agent_id, outside=ordered and on_hold)

    async def mute(self, channel_id: str, *, muted: bool) -> None:
        """Keep what a phone says from everybody else, or not any more.

        Raises:
            Conflict: there is no such channel.
        """
        check_channel_id(channel_id)
        state = "on" if muted else "off"
        headers = (("Channel", channel_id), ("Direction", "in"), ("State", state))
        if not await self._if_there("MuteAudio", *headers):
            raise gone(channel_id)

    async def press_keys(self, attempt_id: str, digits: str) -> None:
        """Send keypad tones to the contact's side: ``0-9``, ``*``, ``#``; at most 32.

        Raises:
            Conflict: the call is over.
        """
        check_attempt(attempt_id)
        check_digits(digits)
        for at, digit in enumerate(digits):
            if at:
                await asyncio.sleep(_TONE_GAP_S)
            headers = (("Channel", attempt_id), ("Digit", digit), ("Duration", str(_TONE_MS)))
            if not await self._if_there("PlayDTMF", *headers):
                raise gone(attempt_id)

    async def transfer(self, attempt_id: str, to: TransferTo, target: str) -> None:
        """Send the contact to a queue, an agent's interface or a dial string, without a word.

        The agent's part in the call is over.

        Raises:
            Conflict: the call is over.
        """
        check_attempt(attempt_id)
        check_target(to, target)
        async with self._alone(attempt_id):
            agent_id = self._agents.get(target) if to is TransferTo.AGENT else None
            member = "" if agent_id is None else f"{MEMBER_PREFIX}{agent_id}"
            variables = {
                "CC_TO_KIND": to.value,
                "CC_TO": target,
                "CC_GIVE_MEMBER": member,
                _OUTSIDE: _if_number(to),
            }
            if not await self._send_to(attempt_id, TRANSFER_CONTEXT, **variables):
                raise gone(attempt_id)

    async def consult(
        self, attempt_id: str, agent_channel: str, to: TransferTo, target: str
    ) -> None:
        """Call a third party while the contact waits: agent and third party talk.

        Raises:
            Conflict: contact or agent are not there any more.
        """
        check_target(to, target)
        check_channel_id(agent_channel)
        async with self._alone(attempt_id):
            variables = {"CC_ASK_KIND": to.value, "CC_ASK": target}
            if not await self._set(agent_channel, variables):
                raise gone(agent_channel)
            if not await self._set(attempt_id, {_OUTSIDE: _if_number(to)}):
                raise gone(attempt_id)
            await self._part(attempt_id, agent_channel, "consult")

    async def complete_consult(self, attempt_id: str, agent_channel: str) -> None:
        """Bring the contact together with the third party; the agent's part is over.

        Raises:
            Conflict: nobody has answered, or the third party is gone.
        """
        check_attempt(attempt_id)
        check_channel_id(agent_channel)
        async with self._alone(attempt_id):
            third = await self._get(attempt_id, "SHARED(CC_THIRD)")
            if not third or not await self.is_up(third):
                raise Conflict(
                    "There is nobody to bring the contact together with: the other side has not"
                    " answered, or has hung up.",
                    attempt_id=attempt_id,
                )
            if not await self._redirect(attempt_id, COMPLETE_CONTEXT):
                raise gone(attempt_id)

    async def cancel_consult(self, attempt_id: str, agent_channel: str) -> None:
        """End the talk with the third party and bring contact and agent together again.

        Raises:
            Conflict: contact or agent are not there any more.
        """
        await self.unhold(attempt_id, agent_channel)

    async def phone_states(self, interfaces: list[str]) -> dict[str, bool]:
        """Tell of each agent's interface whether a call would reach a phone now.

        Of a number behind a trunk: whether the trunk is there.
        """
        names = [check_channel("interface", interface) for interface in interfaces]
        states = await asyncio.gather(*(self._device_state(name) for name in names))
        return dict(zip(names, states, strict=True))

    async def _device_state(self, interface: str) -> bool:
        technology, _, rest = interface.partition("/")
        device = f"{technology}/{rest.rpartition('@')[2]}"
        if not is_device(device):
            return False
        items = await self._ask("Getvar", ("Variable", f"DEVICE_STATE({device})"))
        return items[0].get("Value", "") not in _NOT_THERE

    async def _part(self, attempt_id: str, agent_channel: str, agent_goes_to: str) -> None:
        """Send the contact to the music and the agent elsewhere, in one step."""
        check_attempt(attempt_id)
        check_channel_id(agent_channel)
        if await self._get(attempt_id, "SHARED(CC_HELD)"):
            if not await self._redirect(agent_channel, AGENT_CONTEXT, agent_goes_to):
                raise gone(agent_channel)
            return
        headers = [
            ("Channel", attempt_id),
            ("Context", HOLD_CONTEXT),
            ("Exten", "s"),
            ("Priority", "1"),
            ("ExtraChannel", agent_channel),
            ("ExtraContext", AGENT_CONTEXT),
            ("ExtraExten", agent_goes_to),
            ("ExtraPriority", "1"),
        ]
        if not await self._move(*headers):
            raise gone(attempt_id)
        if not await self._until_held(attempt_id, held=True):
            raise gone(attempt_id)

    async def _claim(self, attempt_id: str) -> bool:
        """Take a call away from its queue, unless an agent of the queue has it, or soon will.

        The claim is set before the stage is read; ``callcamp-agent-up`` sets the stage before it
        reads the claim. So at least one sees the other, and who sees a talk withdraws.
        """
        began_s = asyncio.get_running_loop().time()
        if not await self._set(attempt_id, {_CLAIM: "asks"}):
            return False
        waits = await self._get(attempt_id, _STAGE) == "wait"
        # An agent who has answered waits for a second whether "asks" goes or "comes" comes.
        in_time = asyncio.get_running_loop().time() - began_s < _CLAIM_HOLDS_S
        if waits and in_time:
            return await self._set(attempt_id, {_CLAIM: "comes"})
        await self._set(attempt_id, {_CLAIM: ""})
        return False

    def _alone(self, attempt_id: str) -> asyncio.Lock:
        """Return what keeps two orders from moving one call at the same time, which ends it."""
        return self._moving.setdefault(attempt_id, asyncio.Lock())

    async def _until_held(self, attempt_id: str, *, held: bool) -> bool:
        """Wait until the dialplan has done its part, so that the next order meets a steady call."""
        for _ in range(MOVES_TRIED):
            if bool(await self._get(attempt_id, "SHARED(CC_HELD)")) == held:
                return True
            await asyncio.sleep(MOVE_AGAIN_S)
        return False


def _if_number(to: TransferTo) -> str:
    return "1" if to is TransferTo.NUMBER else ""
