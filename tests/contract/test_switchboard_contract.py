"""What the switchboard promises, on the simulated switch and on a real Asterisk."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from switchboard_kit import Floor, floor, lab

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentMissed,
    CallerLeft,
    CallerWaited,
    LegEnded,
    MemberSeen,
    PersonReached,
    ThirdLeft,
)
from callcamp.core.events import EvidenceSeen
from callcamp.core.outcome import Disposition, classify
from callcamp.errors import Conflict, NotFound
from callcamp.lab.agents import agent_interface
from callcamp.ports.switchboard import SpyMode, TalkView, TransferTo

__all__ = ["floor", "lab"]

FIRST, SECOND = agent_interface(1), agent_interface(2)


async def test_an_answered_person_meets_a_free_agent_in_the_queue(floor: Floor) -> None:
    queue, agent = floor.new_queue(), floor.new_agent()
    await floor.member(queue, FIRST, agent)
    order = floor.queued(queue)
    await floor.gateway.originate(order)
    channel = await floor.talking(order)
    kinds = [type(one) for one in floor.follower.of(order.attempt_id)]
    steps = [PersonReached, CallerWaited, AgentCalled, CallerLeft, AgentConnected]
    assert [kind for kind in kinds if kind in steps] == steps
    assert await floor.board.is_up(channel)
    await floor.told(MemberSeen, agent_id=agent, status=2)
    await floor.gateway.hang_up(order.attempt_id)
    await floor.left(order, channel)
    await floor.over(order)
    evidence = floor.follower.evidence(order.attempt_id)
    assert (evidence.agent, evidence.abandoned) == (f"cc-agent-{agent}", None)
    assert evidence.waited_s is not None
    assert 0 <= evidence.waited_s < 1
    await floor.told(MemberSeen, 2, agent_id=agent, status=1)


@pytest.mark.parametrize("there", [True, False])
async def test_nobody_free_is_an_abandoned_call(floor: Floor, there: bool) -> None:
    queue = floor.new_queue()
    if there:
        await floor.member(queue, FIRST, floor.new_agent(), paused=True)
    order = floor.queued(queue, wait_s=1)
    await floor.gateway.originate(order)
    await floor.over(order)
    evidence = floor.follower.evidence(order.attempt_id)
    assert (evidence.agent, evidence.abandoned) == (None, True)
    assert evidence.waited_s is not None
    assert evidence.waited_s >= 0.9
    assert classify(evidence, ring_timeout_s=8) is Disposition.ABANDONED


async def test_in_a_queue_that_is_not_there_nobody_waits_for_ever(floor: Floor) -> None:
    with pytest.raises(NotFound):
        await floor.board.add_member("no-such-queue", FIRST, 1, paused=False)
    order = floor.queued("no-such-queue", wait_s=30)
    await floor.gateway.originate(order)
    await floor.over(order)
    assert floor.follower.evidence(order.attempt_id).abandoned is True


async def test_an_agent_who_gets_free_gets_the_person_who_waits(floor: Floor) -> None:
    queue, agent = floor.new_queue(), floor.new_agent()
    await floor.member(queue, FIRST, agent, paused=True)
    order = floor.queued(queue, wait_s=20)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id)
    assert (await floor.board.queues())[queue].waiting == (order.attempt_id,)
    await floor.board.pause_member(queue, FIRST, paused=False)
    await floor.talking(order)


async def test_a_waiting_person_is_handed_to_an_agent(floor: Floor) -> None:
    queue, agent = floor.new_queue(), floor.new_agent()
    await floor.member(queue, FIRST, agent, paused=True)
    order = floor.queued(queue, wait_s=20)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id)
    assert await floor.board.give_to(order.attempt_id, FIRST, agent)
    await floor.told(AgentCalled, attempt_id=order.attempt_id, agent_id=agent)
    channel = await floor.talking(order)
    assert not await floor.board.give_to(order.attempt_id, SECOND, agent)
    (member,) = (await floor.board.queues())[queue].members
    assert (member.agent_id, member.paused) == (agent, True)
    await floor.board.hang_up_channel(channel)
    await floor.left(order, channel)
    await floor.over(order)
    assert floor.follower.evidence(order.attempt_id).agent == f"cc-agent-{agent}"


async def test_who_is_handed_to_an_agent_who_does_not_answer_waits_on(floor: Floor) -> None:
    queue, agent = floor.new_queue(), floor.new_agent()
    order = floor.queued(queue, wait_s=4)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id)
    assert await floor.board.give_to(order.attempt_id, agent_interface(1, "busy"), agent)
    missed = await floor.told(AgentMissed, attempt_id=order.attempt_id, agent_id=agent)
    assert isinstance(missed, AgentMissed)
    assert missed.ring_s == 0
    await floor.told(CallerWaited, 2, attempt_id=order.attempt_id)
    await floor.over(order)
    evidence = floor.follower.evidence(order.attempt_id)
    assert (evidence.agent, evidence.abandoned) == (None, True)


async def test_who_hears_the_announcement_meets_an_agent_who_is_on_the_line(floor: Floor) -> None:
    order = floor.queued(floor.new_queue(), wait_s=20, announce=True)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=True)
    agent = floor.new_agent()
    leg = await floor.leg(FIRST, agent)
    assert await floor.board.join(order.attempt_id, leg)
    await floor.told(AgentConnected, attempt_id=order.attempt_id, channel_id=leg)
    assert not await floor.board.join(order.attempt_id, leg)
    await floor.gateway.hang_up(order.attempt_id)
    await floor.over(order)
    assert floor.follower.evidence(order.attempt_id).agent == f"cc-agent-{agent}"
    assert await floor.board.is_up(leg)
    await floor.board.hang_up_channel(leg)


async def test_it_can_be_asked_who_hears_the_announcement(floor: Floor) -> None:
    order = floor.queued(floor.new_queue(), wait_s=20, announce=True)
    assert not await floor.board.hears_announcement(order.attempt_id)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=True)
    assert await floor.board.hears_announcement(order.attempt_id)
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=False)
    assert not await floor.board.hears_announcement(order.attempt_id)
    await floor.gateway.hang_up(order.attempt_id)


async def test_an_announcement_longer_than_the_wait_is_cut(floor: Floor) -> None:
    order = floor.queued(floor.new_queue(), wait_s=2)
    order = replace(order, variables={**order.variables, "CC_ANNOUNCE": floor.ground.prompt})
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=True)
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=False)
    await floor.over(order)
    evidence = floor.follower.evidence(order.attempt_id)
    assert evidence.abandoned is True
    assert evidence.waited_s is not None
    # Uncut it takes three seconds, and more than seven on Asterisk, before the queue looks.
    assert evidence.waited_s < (4 if floor.ground.name == "simulated" else 7)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("given", [True, False])
async def test_a_call_taken_from_a_phone_that_rings_waits_on(
    floor: Floor, known: bool, given: bool
) -> None:
    queue, silent, other = floor.new_queue(), floor.new_agent(), floor.new_agent()
    interface = agent_interface(1, "silent")
    await floor.member(queue, interface, silent, paused=given)
    order = floor.queued(queue, wait_s=30)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id)
    if given:
        assert await floor.board.give_to(order.attempt_id, interface, silent)
    rung = await floor.told(AgentCalled, attempt_id=order.attempt_id, agent_id=silent)
    assert isinstance(rung, AgentCalled)
    await floor.board.remove_member(queue, interface)
    channel = rung.channel_id if known else None
    assert await floor.board.stop_ringing(order.attempt_id, channel)
    await floor.member(queue, FIRST, other)
    channel = await floor.talking(order)
    assert not await floor.board.stop_ringing(order.attempt_id, channel)
    await _settled(floor)
    assert await floor.board.talk_of(order.attempt_id) == TalkView(channel, False, other)
    await floor.gateway.hang_up(order.attempt_id)
    await floor.over(order)
    assert floor.follower.evidence(order.attempt_id).agent == f"cc-agent-{other}"


async def test_nothing_rings_no_more_for_a_call_that_is_over(floor: Floor) -> None:
    order = floor.queued(floor.new_queue())
    assert await floor.board.stop_ringing(order.attempt_id, None)
    assert await floor.board.stop_ringing(order.attempt_id, "1700000000.77")


async def test_whose_agent_has_left_the_line_again_waits_in_the_queue(floor: Floor) -> None:
    order = floor.queued(floor.new_queue(), wait_s=4, announce=True)
    await floor.gateway.originate(order)
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=True)
    assert await floor.board.join(order.attempt_id, f"ccleg-99-{'0' * 16}")
    await floor.told(CallerWaited, attempt_id=order.attempt_id, announced=False)
    await floor.over(order)
    assert floor.follower.evidence(order.attempt_id).abandoned is True


async def test_a_queue_goes_on_to_the_next_agent_when_one_refuses(floor: Floor) -> None:
    queue, busy, free = floor.new_queue(), floor.new_agent(), floor.new_agent()
    await floor.member(queue, agent_interface(1, "busy"), busy)
    order = floor.queued(queue, wait_s=20)
    await floor.gateway.originate(order)
    await floor.told(AgentMissed, attempt_id=order.attempt_id, agent_id=busy)
    await floor.member(queue, FIRST, free)
    await floor.told(AgentConnected, attempt_id=order.attempt_id, agent_id=free)


async def test_an_agent_who_hangs_up_ends_the_call(floor: Floor) -> None:
    queue, agent = floor.new_queue(), floor.new_agent()
    await floor.member(queue, agent_interface(1, "leaves"), agent)
    order = floor.queued(queue)
    await floor.gateway.originate(order)
    channel = await floor.talking(order)
    await floor.left(order, channel)
    await floor.over(order)


async def test_an_agent_on_the_line_talks_to_one_contact_after_another(floor: Floor) -> None:
    agent = floor.new_agent()
    leg = await floor.leg(FIRST, agent)
    for _ in range(2):
        order = floor.contact(CC_ROUTE="leg", CC_LEG=leg)
        await floor.gateway.originate(order)
        fact = await floor.told(AgentConnected, attempt_id=order.attempt_id)
        assert isinstance(fact, AgentConnected)
        assert (fact.agent_id, fact.channel_id) == (agent, leg)
        await floor.gateway.hang_up(order.attempt_id)
        assert (await floor.left(order, leg)).agent_id == agent
        await floor.over(order)
        evidence = floor.follower.evidence(order.attempt_id)
        assert (evidence.agent, evidence.abandoned) == (f"cc-agent-{agent}", None)
        assert await floor.board.is_up(leg)
    assert await floor.board.hang_up_channel(leg)
    await floor.told(LegEnded, leg_id=leg)
    assert not await floor.board.is_up(leg)
    assert not await floor.board.hang_up_channel(leg)


async def test_a_contact_whose_agent_has_left_the_line_is_abandoned(floor: Floor) -> None:
    leg = await floor.leg(FIRST, floor.new_agent())
    await floor.board.hang_up_channel(leg)
    await floor.told(LegEnded, leg_id=leg)
    order = floor.contact(CC_ROUTE="leg", CC_LEG=leg)
    await floor.gateway.originate(order)
    await floor.over(order)
    assert floor.follower.evidence(order.attempt_id).abandoned is True


async def _in_talk(floor: Floor, way: str, agent: int) -> tuple[str, str]:
    """Bring contact and agent together; return the attempt's id and the agent's channel."""
    if way == "leg":
        order = floor.contact(CC_ROUTE="leg", CC_LEG=await floor.leg(FIRST, agent))
    else:
        queue = floor.new_queue()
        await floor.member(queue, FIRST, agent)
        order = floor.queued(queue)
    await floor.gateway.originate(order)
    return order.attempt_id, await floor.talking(order)


WAYS = pytest.mark.parametrize("way", ["queue", "leg"])


async def _settled(floor: Floor) -> None:
    """Let the switch carry out what it has said yes to."""
    await asyncio.sleep(0.6 if floor.ground.name == "asterisk" else 0.05)


@WAYS
async def test_hold_and_back_keep_both_on_the_line(floor: Floor, way: str) -> None:
    attempt_id, channel = await _in_talk(floor, way, floor.new_agent())
    await floor.board.hold(attempt_id, channel)
    await _settled(floor)
    assert await floor.board.is_up(attempt_id)
    assert await floor.board.is_up(channel)
    await floor.board.unhold(attempt_id, channel)
    with pytest.raises(Conflict):
        await floor.board.unhold(attempt_id, channel)
    await _settled(floor)
    await floor.board.mute(channel, muted=True)
    await floor.board.mute(channel, muted=False)
    await floor.board.press_keys(attempt_id, "1*#")
    assert await floor.board.is_up(channel)
    await floor.gateway.hang_up(attempt_id)
    await floor.told(EvidenceSeen, 2, attempt_id=attempt_id)


@WAYS
@pytest.mark.parametrize("slug", ["busy", "leaves"])
async def test_it_is_told_when_who_was_asked_is_gone(floor: Floor, way: str, slug: str) -> None:
    attempt_id, channel = await _in_talk(floor, way, floor.new_agent())
    for _ in range(2):
        await floor.board.consult(attempt_id, channel, TransferTo.AGENT, SECOND)
        await _settled(floor)
        await floor.board.cancel_consult(attempt_id, channel)
        await _settled(floor)
    gone = [one for one in floor.follower.events if isinstance(one, ThirdLeft)]
    assert gone == [], "the agent went back to the contact"
    await floor.board.consult(attempt_id, channel, TransferTo.AGENT, agent_interface(2, slug))
    await floor.told(ThirdLeft, attempt_id=attempt_id, channel_id=channel)
    assert await floor.board.is_up(attempt_id)
    await floor.board.unhold(attempt_id, channel)
    await _settled(floor)
    assert await floor.board.talk_of(attempt_id) is not None


@WAYS
@pytest.mark.parametrize("end", ["transfer", "complete"])
async def test_it_can_be_asked_who_talks_to_a_contact(floor: Floor, way: str, end: str) -> None:
    agent = floor.new_agent()
    attempt_id, channel = await _in_talk(floor, way, agent)
    assert await floor.board.talk_of(attempt_id) == TalkView(channel, False, agent)
    await floor.board.consult(attempt_id, channel, TransferTo.AGENT, SECOND)
    await _settled(floor)
    assert await floor.board.talk_of(attempt_id) == TalkView(channel, True, agent)
    if end == "complete":
        await floor.board.complete_consult(attempt_id, channel)
    else:
        await floor.board.cancel_consult(attempt_id, channel)
        await _settled(floor)
        assert await floor.board.talk_of(attempt_id) == TalkView(channel, False, agent)
        # such a call counts on its trunk until it is over
        other = floor.contact("load").channel
        await floor.board.consult(attempt_id, channel, TransferTo.NUMBER, other)
        await _settled(floor)
        asks = TalkView(channel, True, agent, outside=True)
        assert await floor.board.talk_of(attempt_id) == asks
        await floor.board.cancel_consult(attempt_id, channel)
        await _settled(floor)
        assert await floor.board.talk_of(attempt_id) == TalkView(channel, False, agent)
        await floor.board.transfer(attempt_id, TransferTo.NUMBER, other)
    await _settled(floor)
    # Its phone may be on the line still: that is no talk.
    talk = await floor.board.talk_of(attempt_id)
    assert talk is None or talk.agent_id is None
    assert talk is None or talk.outside is (end == "transfer")
    await floor.gateway.hang_up(attempt_id)
    await floor.told(EvidenceSeen, 2, attempt_id=attempt_id)
    assert await floor.board.talk_of(attempt_id) is None


@WAYS
async def test_who_is_on_hold_does_not_wait_for_an_agent_who_has_left(
    floor: Floor, way: str
) -> None:
    attempt_id, channel = await _in_talk(floor, way, floor.new_agent())
    await floor.board.hold(attempt_id, channel)
    await _settled(floor)
    await floor.board.hang_up_channel(channel)
    await floor.told(EvidenceSeen, 2, attempt_id=attempt_id)


@WAYS
async def test_a_transfer_to_an_agent_ends_the_first_ones_part(floor: Floor, way: str) -> None:
    first, second = floor.new_agent(), floor.new_agent()
    attempt_id, channel = await _in_talk(floor, way, first)
    await floor.member(floor.new_queue(), SECOND, second, paused=True)
    await floor.board.transfer(attempt_id, TransferTo.AGENT, SECOND)
    left = await floor.told(AgentConnected, 2, attempt_id=attempt_id)
    assert isinstance(left, AgentConnected)
    assert left.agent_id == second
    kinds = [type(one).__name__ for one in floor.follower.of(attempt_id)]
    assert "AgentLeft" in kinds
    assert await floor.board.is_up(channel) is (way == "leg")
    await floor.gateway.hang_up(attempt_id)
    await floor.told(EvidenceSeen, 2, attempt_id=attempt_id)
    assert floor.follower.evidence(attempt_id).agent == f"cc-agent-{first}"


async def test_a_transfer_to_a_queue_and_to_a_number(floor: Floor) -> None:
    queue, second = floor.new_queue(), floor.new_agent()
    attempt_id, _ = await _in_talk(floor, "queue", floor.new_agent())
    await floor.member(queue, SECOND, second)
    await floor.board.transfer(attempt_id, TransferTo.QUEUE, queue)
    await floor.told(AgentConnected, attempt_id=attempt_id, agent_id=second)
    other = floor.contact("load")
    await floor.board.transfer(attempt_id, TransferTo.NUMBER, other.channel)
    async with asyncio.timeout(60):
        while not floor.ground.calls_to(other):
            await _settled(floor)
    assert await floor.board.is_up(attempt_id)


@WAYS
@pytest.mark.parametrize("completes", [True, False])
async def test_an_agent_asks_somebody_while_the_contact_waits(
    floor: Floor, way: str, completes: bool
) -> None:
    attempt_id, channel = await _in_talk(floor, way, floor.new_agent())
    with pytest.raises(Conflict):
        await floor.board.complete_consult(attempt_id, channel)
    await floor.board.consult(attempt_id, channel, TransferTo.AGENT, SECOND)
    await _settled(floor)
    assert await floor.board.is_up(attempt_id)
    if completes:
        await floor.board.complete_consult(attempt_id, channel)
    else:
        await floor.board.cancel_consult(attempt_id, channel)
    await _settled(floor)
    assert await floor.board.is_up(attempt_id)
    assert await floor.board.is_up(channel) is (way == "leg" or not completes)
    await floor.gateway.hang_up(attempt_id)
    await floor.told(EvidenceSeen, 2, attempt_id=attempt_id)


@pytest.mark.parametrize("mode", list(SpyMode))
async def test_who_listens_leaves_with_the_agent(floor: Floor, mode: SpyMode) -> None:
    attempt_id, channel = await _in_talk(floor, "queue", floor.new_agent())
    spy = await floor.leg(SECOND, floor.new_agent(), spy_on=channel, spy_mode=mode)
    await _settled(floor)
    assert await floor.board.is_up(spy)
    await floor.gateway.hang_up(attempt_id)
    await floor.told(LegEnded, leg_id=spy)


async def test_phones_tell_whether_they_can_be_called(floor: Floor) -> None:
    states = await floor.board.phone_states([FIRST, "PJSIP/nobody"])
    assert states == {FIRST: True, "PJSIP/nobody": False}


async def test_a_member_is_added_once_and_removed_once(floor: Floor) -> None:
    queue, agent = floor.new_queue(), floor.new_agent()
    await floor.member(queue, FIRST, agent, paused=True)
    await floor.board.add_member(queue, FIRST, agent, paused=False)
    (member,) = (await floor.board.queues())[queue].members
    assert (member.agent_id, member.interface, member.paused) == (agent, FIRST, False)
    assert await floor.board.remove_member(queue, FIRST)
    gone = await floor.told(MemberSeen, agent_id=agent, member=False)
    assert isinstance(gone, MemberSeen)
    assert not await floor.board.remove_member(queue, FIRST)
