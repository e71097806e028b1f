"""What a CallGateway promises, on the simulated switch and on a real Asterisk alike.

How every kind of call is told stands in ``test_gateway_contract_calls.py``.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from gateway_fixtures import Follower, Ground, Line, following, gateway_to

from callcamp.core.events import (
    CallAnswered,
    CallEnded,
    CallRang,
    LinkDown,
    LinkUp,
    OriginateEnded,
)
from callcamp.errors import BadCredentials, InvalidInput, SwitchTimeout, SwitchUnavailable
from callcamp.switch.ami import AmiGateway

# Linking.


async def test_a_right_secret_links_and_a_wrong_one_is_refused(ground: Ground) -> None:
    async with following(ground) as (gateway, follower):
        await follower.saw(LinkUp)
        assert gateway.link_up
        assert gateway.last_problem is None
        up = follower.events[0]
        assert isinstance(up, LinkUp)
        assert up.switch_started_at is not None
    assert not gateway.link_up
    wrong = gateway_to(ground, secret="wrong")
    with pytest.raises(BadCredentials):
        await wrong.start()
    assert not wrong.link_up
    assert wrong.last_problem
    await wrong.close()
    await wrong.close()


async def test_facts_are_asterisks(ground: Ground) -> None:
    async with following(ground) as (gateway, _):
        facts = await gateway.facts(["callcamp-lab", "nowhere"])
    assert facts.version.startswith("22.")
    assert facts.started_at is not None
    assert all((*facts.modules.values(), *facts.contexts.values(), *facts.rights.values()))
    assert facts.trunk_known == {"callcamp-lab": True, "nowhere": False}
    assert facts.clock_skew_s == pytest.approx(0, abs=2)


# Orders.


async def test_a_live_call_is_seen_and_can_be_ended(
    ground: Ground, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    rings, talks = ground.order("no_answer"), ground.order("long_talk", CC_DETECT="0")
    rings = replace(rings, ring_timeout_s=300)
    await gateway.originate(rings)
    await gateway.originate(talks)
    await follower.saw(CallRang, rings.attempt_id)
    await follower.saw(CallAnswered, talks.attempt_id)
    live = await gateway.live_calls()
    assert live[rings.attempt_id].state == "Ringing"
    assert live[talks.attempt_id].state == "Up"
    assert await gateway.hang_up(rings.attempt_id)
    assert await gateway.hang_up(talks.attempt_id)
    await follower.over(rings.attempt_id, talks.attempt_id)
    assert not {rings.attempt_id, talks.attempt_id} & set(await gateway.live_calls())
    assert not await gateway.hang_up(rings.attempt_id)
    assert follower.evidence(rings.attempt_id).answered is False
    assert follower.evidence(talks.attempt_id).answered is True


async def test_the_outbox_keeps_ends_until_they_are_deleted(
    ground: Ground, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    kept, deleted = ground.order("busy"), ground.order("invalid_number")
    for order in (kept, deleted):
        await gateway.originate(order)
    await follower.over(kept.attempt_id, deleted.attempt_id)
    outbox = await gateway.outbox()
    assert (outbox[kept.attempt_id].cause, outbox[kept.attempt_id].sip_code) == (17, 486)
    assert outbox[deleted.attempt_id].cause == 1
    await gateway.delete_from_outbox([])
    await gateway.delete_from_outbox([deleted.attempt_id, deleted.attempt_id])
    await gateway.delete_from_outbox([deleted.attempt_id])
    outbox = await gateway.outbox()
    assert deleted.attempt_id not in outbox
    assert kept.attempt_id in outbox
    await gateway.delete_from_outbox([kept.attempt_id])


@pytest.mark.strict
async def test_the_same_attempt_is_never_called_twice(
    ground: Ground, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    order = replace(ground.order("no_answer"), ring_timeout_s=300)
    await gateway.originate(order)
    await follower.saw(CallRang, order.attempt_id)
    with pytest.raises(SwitchTimeout):
        await gateway.originate(order)
    # Another program, or this one after a crash, knows nothing of the first order.
    async with following(ground) as (other, witness):
        await other.originate(order)
        await witness.saw(OriginateEnded, order.attempt_id)
        assert ground.calls_to(order) == 1
        assert order.attempt_id in await other.live_calls()
    assert await gateway.hang_up(order.attempt_id)
    await follower.saw(CallEnded, order.attempt_id)
    assert ground.calls_to(order) == 1


HOSTILE = {
    "CC_VAR_PUSH": "A,CHANNEL(hangup_handler_push)=x",
    "CC_VAR_WIPE": "A,CHANNEL(hangup_handler_wipe)=,CC_ATTEMPT=stolen",
    "CC_VAR_DB": "A,DB(callcamp/injected)=1",
    "CC_VAR_EPOCH": "${EPOCH}",
    "CC_VAR_SHELL": "$[1+1] ${SHELL(id)} `id`",
    "CC_VAR_QUOTES": 'say "hi", it\'s "',
    "CC_VAR_SLASHES": "a\\b\\\\c\\,d\\",
    "CC_VAR_BRACKETS": "([{x)]},y)(",
    "CC_VAR_WORLD": "é ünïcode 漢字 🎉",
    "CC_VAR_MARKS": "a=b;c|d&e%2C~!#",
    "CC_VAR_EMPTY": "",
    "CC_VAR_BLANKS": "in  side",
}


@pytest.mark.strict
async def test_hostile_values_reach_the_channel_unchanged_and_change_nothing(
    ground: Ground, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    order = replace(ground.order("no_answer", **HOSTILE), ring_timeout_s=300)
    await gateway.originate(order)
    await follower.saw(CallRang, order.attempt_id)
    assert await ground.getvar(order.attempt_id, *HOSTILE) == HOSTILE
    assert await gateway.hang_up(order.attempt_id)
    await follower.over(order.attempt_id)
    assert await ground.getvar("", "DB(callcamp/injected)") == {"DB(callcamp/injected)": ""}
    assert order.attempt_id in await gateway.outbox()
    await gateway.delete_from_outbox([order.attempt_id])
    assert ground.calls_to(order) == 1


@pytest.mark.strict
@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\r\n\r\nAction: Logoff", "a\0b"])
async def test_a_line_break_is_refused_and_nothing_is_sent(
    ground: Ground, line: Line, linked: tuple[AmiGateway, Follower], bad: str
) -> None:
    gateway, _ = linked
    order = ground.order("busy")
    name = f"PJSIP/{bad}@callcamp-lab"
    for wrong in (
        replace(order, variables={"CC_VAR_A": bad}),
        replace(order, variables={f"CC_VAR_{bad}": "a"}),
        replace(order, caller_id=bad),
        replace(order, channel=name),
        replace(order, attempt_id=order.attempt_id + bad),
    ):
        with pytest.raises(InvalidInput):
            await gateway.originate(wrong)
    await gateway.live_calls()
    assert b"Originate" not in line.to_switch
    assert b"Logoff" not in line.to_switch
    assert ground.calls_to(order) == 0


async def test_an_unknown_endpoint_ends_the_order_and_makes_no_call(
    ground: Ground, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    order = replace(ground.order("busy"), channel="PJSIP/+33100@nowhere")
    await gateway.originate(order)
    await follower.saw(OriginateEnded, order.attempt_id)
    (word,) = follower.of(order.attempt_id)
    assert isinstance(word, OriginateEnded)
    assert (word.success, word.reason) == (False, 0)
    assert order.attempt_id not in await gateway.live_calls()
    assert order.attempt_id not in await gateway.outbox()


# Trouble.


@pytest.mark.strict
async def test_after_a_cut_the_link_comes_back_and_no_call_is_placed_again(
    ground: Ground, line: Line, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    order = replace(ground.order("no_answer"), ring_timeout_s=300)
    await gateway.originate(order)
    await follower.saw(CallRang, order.attempt_id)
    line.cut()
    await follower.until(lambda: follower.kinds().count(LinkUp) == 2)
    links = [one for one in follower.events if isinstance(one, LinkUp | LinkDown)]
    assert [type(one) for one in links] == [LinkUp, LinkDown, LinkUp]
    assert isinstance(links[0], LinkUp)
    assert isinstance(links[2], LinkUp)
    assert links[0].switch_started_at == links[2].switch_started_at
    assert order.attempt_id in await gateway.live_calls()
    assert await gateway.hang_up(order.attempt_id)
    await follower.saw(CallEnded, order.attempt_id)
    assert ground.calls_to(order) == 1


async def test_an_end_without_a_link_is_found_in_the_outbox(
    ground: Ground, line: Line, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    order = replace(ground.order("no_answer"), ring_timeout_s=300)
    await gateway.originate(order)
    await follower.saw(CallRang, order.attempt_id)
    await line.shut()
    await follower.saw(LinkDown)
    assert gateway.last_problem
    for refused in (gateway.originate(ground.order("busy")), gateway.live_calls()):
        with pytest.raises(SwitchUnavailable):
            await refused
    async with following(ground) as (other, eyes):
        assert await other.hang_up(order.attempt_id)
        await eyes.saw(CallEnded, order.attempt_id)
    await line.open()
    await follower.until(lambda: follower.kinds().count(LinkUp) == 2)
    assert order.attempt_id not in await gateway.live_calls()
    assert (await gateway.outbox())[order.attempt_id].answered is False
    await gateway.delete_from_outbox([order.attempt_id])


@pytest.mark.strict
@pytest.mark.parametrize(("direction", "calls"), [("up", 0), ("down", 1)])
async def test_an_order_on_a_dead_link_is_doubtful_and_never_sent_again(
    ground: Ground, line: Line, linked: tuple[AmiGateway, Follower], direction: str, calls: int
) -> None:
    gateway, follower = linked
    await follower.saw(LinkUp)
    line.freeze(direction)
    order = ground.order("busy")
    with pytest.raises(SwitchTimeout):
        await gateway.originate(order)
    await follower.until(lambda: follower.kinds().count(LinkUp) == 2)
    await gateway.live_calls()
    if calls:
        assert order.attempt_id in await gateway.outbox()
    assert ground.calls_to(order) == calls
    assert bytes(line.to_switch).count(b"Action: Originate") == calls


async def _another_second(follower: Follower) -> None:
    """Asterisk tells its start in whole seconds: let one pass, or the restart cannot show."""
    up = follower.events[0]
    assert isinstance(up, LinkUp)
    assert up.switch_started_at is not None
    age = datetime.now(UTC) - up.switch_started_at
    await asyncio.sleep(max(0.0, 1.5 - age.total_seconds()))


@pytest.mark.strict
async def test_a_restart_ends_every_call_and_shows(
    ground: Ground, linked: tuple[AmiGateway, Follower]
) -> None:
    gateway, follower = linked
    order = replace(ground.order("no_answer"), ring_timeout_s=300)
    await gateway.originate(order)
    await follower.saw(CallRang, order.attempt_id)
    if ground.name == "asterisk":
        await _another_second(follower)
    await ground.restart()
    await follower.until(lambda: follower.kinds().count(LinkUp) == 2)
    links = [one for one in follower.events if isinstance(one, LinkUp | LinkDown)]
    assert [type(one) for one in links] == [LinkUp, LinkDown, LinkUp]
    started = [one.switch_started_at for one in links if isinstance(one, LinkUp)]
    assert started[0] != started[1]
    assert order.attempt_id not in await gateway.live_calls()
    assert CallEnded not in [type(one) for one in follower.of(order.attempt_id)]
    assert order.attempt_id not in await gateway.outbox()
    assert ground.calls_to(order) == 1
    again = ground.order("busy")
    await gateway.originate(again)
    await follower.over(again.attempt_id)
