"""Agents in a queue: membership, hand-over, wrap-up, pauses, abandoned calls, restarts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from agents_kit import GIVEN_UP, TALKED, an_agent, becomes, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, now, passes, until

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentLeft,
    AgentMissed,
    CallerLeft,
    CallerWaited,
    MemberSeen,
    PersonReached,
)
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import MISSED_CALL, AgentState
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, CampaignEvent, ContactStatus
from callcamp.engine.agents.views import WrapUpNote
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports.switchboard import SpyMode, TransferTo

S = AgentState
PROGRESSIVE = DialMethod.PROGRESSIVE


async def ended(b: Bench, attempt_id: str) -> None:
    async def is_so() -> bool:
        return (await b.store.attempt(attempt_id)).status is AttemptStatus.ENDED

    await until(is_so)


async def test_an_agent_is_a_member_and_skipped_unless_ready(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=0, ready=False)
        board, agent_id = b.switch.board, view(b).agent.id
        await until(lambda: board.paused(agent_id) is True)
        await b.running.agents.ready("anna")
        await until(lambda: board.paused(agent_id) is False)
        await b.running.agents.pause("anna", "lunch")
        await until(lambda: board.paused(agent_id) is True)
        await b.running.agents.log_out("anna")
        await until(lambda: board.paused(agent_id) is None)
        assert view(b).state is S.OFFLINE


async def test_one_call_for_every_free_agent_and_its_way_to_the_queue(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna", "bert"), 10, agents={"safe_harbour": "sorry"})
        await b.placed(2)
        await passes(0.3)
        assert len(b.switch.orders) == 2
        assert b.switch.orders[0].variables | {"CC_CAMPAIGN": ""} == (
            b.switch.orders[0].variables
            | {
                "CC_CAMPAIGN": "",
                "CC_ROUTE": "queue",
                "CC_QUEUE": "callcamp-1",
                "CC_QUEUE_WAIT_S": "2",
                "CC_ABANDON_FROM": "greeting",
                "CC_NO_AGENT": "sorry",
                "CC_MUSIC": "default",
            }
        )


async def test_a_call_through_the_queue_from_ring_to_wrap_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=2, agents={"wrap_up_s": 1})
        board, agent_id = b.switch.board, view(b).agent.id
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, agent_id)
        talking = await becomes(b, S.TALKING)
        assert talking.call is not None
        assert talking.call.attempt_id == attempt_id
        await until(lambda: board.paused(agent_id) is True)
        hang_up(b, attempt_id, agent_id)
        wrapping = await becomes(b, S.WRAP_UP)
        assert wrapping.wrap_up_until is not None
        await becomes(b, S.READY)
        assert now() >= wrapping.wrap_up_until
        await b.placed(2)
        attempt = await b.store.attempt(attempt_id)
        assert (attempt.agent_id, attempt.disposition) == (agent_id, Disposition.ANSWERED_PERSON)


async def test_who_waits_is_handed_to_the_agent_who_gets_free(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(
            b, DialMethod.RATIO, ("anna",), 4, agents={"pickup_rate": 0.5, "abandon_cap": 1.0}
        )
        board, agent_id = b.switch.board, view(b).agent.id
        first, second = (await b.placed(2))[:2]
        reach(b, first)
        connect(b, first, agent_id)
        await becomes(b, S.TALKING)
        reach(b, second)
        hang_up(b, first, agent_id)
        await becomes(b, S.WRAP_UP)
        assert board.asked("give") == []
        await b.running.agents.ready("anna")
        await until(lambda: board.asked("give") == [(second, "PJSIP/anna", agent_id)])
        assert view(b).state is S.RINGING
        await passes(0.1)
        # Were it not skipped, the queue would ring the same phone for somebody else.
        assert board.paused(agent_id) is True
        connect(b, second, agent_id, "1700000000.9")
        await becomes(b, S.TALKING)
        assert (await b.store.attempt(second)).status is not AttemptStatus.ENDED


async def test_who_waits_no_more_cannot_be_handed_over(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna", "bert"), 2)
        board = b.switch.board
        board.gives = False
        first, _ = await b.placed(2)
        for name in ("anna", "bert"):
            await b.running.agents.pause(name, "lunch")
        reach(b, first)
        await passes(0.05)
        await b.running.agents.ready("anna")
        await until(lambda: board.asked("give"))
        assert (await becomes(b, S.READY)).call is None
        await until(lambda: board.paused(view(b).agent.id) is False)


async def test_a_person_without_an_agent_is_abandoned_and_counted(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(
            b, DialMethod.RATIO, contacts=2, attempts=3, delay_s=3600, agents={"abandon_cap": 1.0}
        )
        first, second = await b.placed(2)
        reach(b, first)
        connect(b, first, view(b).agent.id)
        reach(b, second)
        await passes(0.1)
        b.switch.end(second, GIVEN_UP)
        await ended(b, second)
        assert (await b.store.attempt(second)).disposition is Disposition.ABANDONED

        def is_counted() -> bool:
            pacing = b.running.agents.pacing(campaign.id)
            return pacing is not None and (pacing.persons, pacing.abandoned) == (2, 1)

        await until(is_counted)


async def test_who_hangs_up_at_once_was_not_abandoned(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=1)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        b.switch.end(attempt_id, type(TALKED)(cause=0, answered=True, waited_s=0.8, talk_s=3.0))
        await ended(b, attempt_id)
        assert (await b.store.attempt(attempt_id)).disposition is Disposition.HUNG_UP


async def test_client_first_calls_back_who_found_no_agent(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        agents = {"wait_most_s": 20, "callback_after_s": 900, "announcement": "please-wait"}
        campaign = await staffed(b, DialMethod.CLIENT_FIRST, attempts=3, agents=agents)
        (attempt_id,) = await b.placed(1)
        variables = b.switch.orders[0].variables
        assert (variables["CC_QUEUE_WAIT_S"], variables["CC_ANNOUNCE"]) == ("20", "please-wait")
        reach(b, attempt_id)
        b.switch.end(attempt_id, GIVEN_UP)
        await ended(b, attempt_id)
        (contact,) = await b.contacts(campaign)
        assert contact.status is ContactStatus.PENDING
        assert contact.due_at is not None
        wait_s = (contact.due_at - now()).total_seconds()
        assert 880 < wait_s <= 900


@pytest.mark.parametrize(("ring_s", "state"), [(15.0, S.PAUSED), (1.5, S.READY), (0.0, S.READY)])
async def test_a_missed_call_pauses_its_agent_a_busy_phone_does_not(
    tmp_path: Path, ring_s: float, state: AgentState
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=1)
        (attempt_id,) = await b.placed(1)
        agent_id = view(b).agent.id
        reach(b, attempt_id)
        b.switch.emit(AgentCalled(attempt_id, agent_id, now()))
        await becomes(b, S.RINGING)
        # The person's time is over, so nobody is handed over again.
        b.switch.emit(CallerLeft(attempt_id, now(), "callcamp-1"))
        b.switch.emit(AgentMissed(attempt_id, agent_id, now(), ring_s))
        seen = await becomes(b, state)
        assert (seen.reason == MISSED_CALL) is (state is S.PAUSED)
        if state is S.PAUSED:
            await until(lambda: b.switch.board.paused(agent_id) is True)


async def test_a_pause_in_a_talk_begins_after_its_wrap_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=3)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        await b.running.agents.pause("anna", "lunch")
        assert (view(b).state, view(b).pause_wanted) == (S.TALKING, "lunch")
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, WrapUpNote())
        assert (view(b).state, view(b).reason, view(b).pause_wanted) == (S.PAUSED, "lunch", None)
        await passes(0.2)
        assert len(b.switch.orders) == 1


async def test_an_outcome_that_is_needed_ends_wrap_up_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        agents = {"outcomes": ("sold", "no"), "outcome_required": True, "wrap_up_s": 0}
        await staffed(b, PROGRESSIVE, agents=agents)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        desk = b.running.agents
        await passes(0.7)
        with pytest.raises(Conflict):
            await desk.ready("anna")
        with pytest.raises(InvalidInput):
            await desk.finish("anna", attempt_id, WrapUpNote("maybe"))
        with pytest.raises(InvalidInput):
            await desk.finish("anna", attempt_id, WrapUpNote())
        assert view(b).state is S.WRAP_UP
        await desk.finish("anna", attempt_id, WrapUpNote("sold"))
        assert view(b).state is S.READY
        assert (await b.store.attempt(attempt_id)).outcome == "sold"


async def test_a_callback_of_ones_own_waits_for_its_agent(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, ("anna", "bert"), attempts=5, callbacks=True)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        back_at = b.clock.now() + timedelta(seconds=1)
        note = WrapUpNote(callback_at=back_at, callback_mine=True)
        await b.running.agents.finish("anna", attempt_id, note)
        await b.running.agents.pause("anna", "lunch")
        (contact,) = await b.contacts(campaign)
        assert contact.callback_agent_id == view(b).agent.id

        async def put_off() -> bool:
            (contact,) = await b.contacts(campaign)
            return contact.due_at is not None and contact.due_at > back_at + timedelta(seconds=30)

        await until(put_off)
        assert len(b.switch.orders) == 1
        (contact,) = await b.contacts(campaign)
        assert contact.callback_agent_id == view(b).agent.id


async def test_hold_mute_keys_transfer_consult_and_spy_reach_the_right_channels(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna",), 1, agents={"transfer_numbers": ("FR",)})
        await an_agent(b, "boss")
        await b.running.agents.floor.read_agents()
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id, "17.5")
        await becomes(b, S.TALKING)
        desk, board = b.running.agents, b.switch.board
        await desk.hold("anna", True)
        await desk.hold("anna", True)
        await desk.hold("anna", False)
        await desk.mute("anna", True)
        await desk.press_keys("anna", "12#")
        await desk.consult("anna", TransferTo.NUMBER, "+33612345678")
        await desk.cancel_consult("anna")
        await desk.spy("anna", SpyMode.WHISPER, "boss")
        assert board.asked("hold") == [(attempt_id, "17.5")]
        assert board.asked("unhold") == [(attempt_id, "17.5")]
        assert board.asked("mute") == [("17.5", True)]
        assert board.asked("keys") == [(attempt_id, "12#")]
        assert board.asked("consult") == [
            (attempt_id, "17.5", TransferTo.NUMBER, "PJSIP/+33612345678@carrier")
        ]
        ((order,),) = board.asked("call")
        assert (order.interface, order.spy_on, order.spy_mode) == (
            "PJSIP/boss",
            "17.5",
            SpyMode.WHISPER,
        )
        with pytest.raises(InvalidInput):
            await desk.transfer("anna", TransferTo.NUMBER, "12")
        assert view(b).state is S.TALKING
        await desk.take_over("anna", "boss")
        assert board.asked("transfer") == [(attempt_id, TransferTo.AGENT, "PJSIP/boss")]
        assert view(b).state is S.WRAP_UP
        # The contact still talks to somebody: what is noted waits for the end.
        await asyncio.wait_for(
            desk.finish("anna", attempt_id, WrapUpNote(answers={"size": "big"})), 5
        )
        assert view(b).state is S.READY
        hang_up(b, attempt_id, None)

        async def noted() -> bool:
            return (await b.store.attempt(attempt_id)).variables.get("size") == "big"

        await until(noted)


async def test_agents_stay_on_shift_when_callcamp_starts_again(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna", "bert", "cleo"), 3)
        first, second, _ = await b.placed(3)
        for attempt_id, name in ((first, "anna"), (second, "bert")):
            reach(b, attempt_id)
            connect(b, attempt_id, view(b, name).agent.id, f"17.{name}")
            await becomes(b, S.TALKING, name)
        await b.running.agents.floor.write()
        await b.kill()
        b.switch.end(second, TALKED)
        await b.start()
        assert view(b).state is S.TALKING
        assert view(b).call is not None
        await becomes(b, S.WRAP_UP, "bert")
        assert view(b, "cleo").state is S.READY
        hang_up(b, first, view(b).agent.id)
        await becomes(b, S.WRAP_UP)


async def test_a_cut_link_brings_the_queue_back_to_what_it_must_be(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=0)
        board, agent_id = b.switch.board, view(b).agent.id
        await until(lambda: board.paused(agent_id) is False)
        b.switch.cut()
        await passes(0.1)
        await b.running.agents.pause("anna", "lunch")
        board.members.clear()
        b.switch.mend()
        await until(lambda: board.paused(agent_id) is True)


async def test_an_agent_who_talks_elsewhere_gets_no_call_dialled(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, contacts=5, ready=False)
        agent_id = view(b).agent.id
        await until(lambda: b.switch.board.paused(agent_id) is True)
        b.switch.emit(MemberSeen(agent_id, now(), "callcamp-1", "PJSIP/anna", 2, True))
        await until(lambda: b.running.agents.floor.get(agent_id).device == 2)
        await b.running.agents.ready("anna")
        await passes(0.3)
        assert b.switch.orders == []
        b.switch.emit(MemberSeen(agent_id, now(), "callcamp-1", "PJSIP/anna", 1, False))
        await b.placed(1)
        assert await b.statuses(campaign) == {
            ContactStatus.PENDING: 4,
            ContactStatus.IN_PROGRESS: 1,
        }


async def test_a_queue_that_asterisk_does_not_have_gets_nobody_called(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=3, agents={"queue": "gone"})
        await until(lambda: "no queue gone" in view(b).problem)
        await passes(0.3)
        assert b.switch.orders == []
        b.switch.board.names.add("gone")
        await b.placed(1)
        assert view(b).problem == ""


async def test_the_shift_ends_with_the_campaign(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, contacts=1)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        await b.running.commands.stop(campaign.id)
        b.running.agents.changed()
        await passes(0.2)
        assert view(b).state is S.TALKING
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, WrapUpNote())
        b.running.agents.changed()
        await becomes(b, S.OFFLINE)
        await until(lambda: b.switch.board.paused(view(b).agent.id) is None)
        with pytest.raises(Conflict):
            await b.running.agents.log_in("anna", campaign.id)


async def test_who_is_taken_off_a_campaign_leaves_it(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, contacts=0)
        agent_id = view(b).agent.id
        await b.store.remove_campaign_agents(campaign.id, [agent_id], now=b.clock.now())
        b.running.agents.changed()
        await becomes(b, S.OFFLINE)


async def test_an_agent_whom_asterisk_refuses_holds_no_other_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna",), 1, agents={"queue": "gone"})
        await until(lambda: view(b).problem)
        await staffed(b, PROGRESSIVE, ("bert",), 1, prefix="+3362")
        await until(lambda: b.switch.board.paused(view(b, "bert").agent.id) is False)
        await b.placed(1)


async def test_a_shift_of_a_campaign_that_ended_meanwhile_is_over(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, contacts=1)
        await b.running.agents.floor.write()
        await b.kill()
        await b.store.move_campaign(campaign.id, CampaignEvent.STOPPED, now=b.clock.now())
        await b.start()
        assert view(b).state is S.OFFLINE
        assert await b.store.live_shifts() == []


def _announced(b: Bench, attempt_id: str) -> None:
    b.switch.ring(attempt_id)
    b.switch.answer(attempt_id)
    b.switch.respond(attempt_id, success=True)
    b.switch.emit(PersonReached(attempt_id, now()))
    b.switch.board.waiting.setdefault("callcamp-1", []).append(attempt_id)
    b.switch.emit(CallerWaited(attempt_id, now(), "callcamp-1", announced=True))


@pytest.mark.parametrize("answers", [True, False])
async def test_who_hears_the_announcement_is_given_to_an_agent_who_is_free(
    tmp_path: Path, answers: bool
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        agents = {"wait_most_s": 20, "announcement": "please-wait"}
        await staffed(b, DialMethod.CLIENT_FIRST, agents=agents)
        (attempt_id,) = await b.placed(1)
        assert b.switch.orders[0].variables["CC_AGENT_RING_S"] == "15"
        if not answers:
            b.switch.board.phones["PJSIP/anna"] = "silent"
        _announced(b, attempt_id)
        await becomes(b, S.RINGING)
        await until(lambda: bool(b.switch.board.legs))
        leg = next(iter(b.switch.board.legs))
        if answers:
            await until(lambda: bool(b.switch.board.asked("join")))
            b.switch.emit(AgentConnected(attempt_id, view(b).agent.id, now(), leg))
        else:
            b.switch.board.leave(leg)
        seen = await becomes(b, S.TALKING) if answers else await becomes(b, S.PAUSED)
        board = b.switch.board
        if not answers:
            # the person is left to the queue, and to whoever else is free
            assert seen.reason == MISSED_CALL
            assert attempt_id in b.switch.channels
            return
        assert seen.call is not None
        (leg,) = board.legs
        assert (seen.call.attempt_id, seen.call.channel_id) == (attempt_id, leg)
        assert board.asked("join") == [(attempt_id, leg)]
        assert board.asked("give") == []
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        # the queue calls the phone for the next contact
        await until(lambda: not board.up)


async def test_an_agent_who_comes_too_late_for_who_heard_the_announcement_is_free(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        agents = {"wait_most_s": 20, "announcement": "please-wait"}
        await staffed(b, DialMethod.CLIENT_FIRST, ("anna", "bob"), agents=agents)
        (attempt_id,) = await b.placed(1)
        board = b.switch.board
        board.gives = False
        board.phones["PJSIP/anna"] = "silent"
        await b.running.agents.pause("bob", "lunch")
        _announced(b, attempt_id)
        await becomes(b, S.RINGING)
        await until(lambda: bool(board.legs))
        board.pick_up(next(iter(board.legs)))
        await becomes(b, S.READY)
        await until(lambda: not board.up)


async def test_an_agent_is_free_again_when_another_one_has_got_the_caller(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna", "bob"), contacts=1)
        (attempt_id,) = await b.placed(1)
        anna, bob = view(b).agent.id, view(b, "bob").agent.id
        reach(b, attempt_id)
        b.switch.emit(AgentCalled(attempt_id, anna, now(), "1.1"))
        await becomes(b, S.RINGING)
        connect(b, attempt_id, bob, "1.2")
        await becomes(b, S.TALKING, "bob")
        await becomes(b, S.READY)
        # who made way for another one has talked to nobody
        connect(b, attempt_id, anna, "1.3")
        await becomes(b, S.TALKING)
        b.switch.emit(AgentLeft(attempt_id, anna, now(), "1.3"))
        await becomes(b, S.WRAP_UP)
        assert view(b, "bob").state is S.TALKING


async def test_who_hears_the_announcement_is_given_to_the_agent_who_gets_free(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        agents = {"wait_most_s": 20, "announcement": "please-wait"}
        await staffed(b, DialMethod.CLIENT_FIRST, agents=agents)
        (attempt_id,) = await b.placed(1)
        await b.running.agents.pause("anna", "lunch")
        _announced(b, attempt_id)
        await b.running.agents.queueing.sync()
        await b.running.agents.ready("anna")
        seen = await becomes(b, S.RINGING)
        assert seen.call is not None
