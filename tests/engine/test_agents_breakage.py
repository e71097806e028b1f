"""What broke when a stranger tried: agents in the wrong moment, on the wrong phone, in a loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from agents_kit import TALKED, becomes, connect, hang_up, reach, staffed, view
from engine_kit import BUSY, BY_HAND, Bench, bench, now, passes, until

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentMissed,
    CallerLeft,
    CallerWaited,
    PersonReached,
)
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.engine.agents.views import WrapUpNote
from callcamp.engine.agents.worker import REFUSED
from callcamp.engine.exports import talkers
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports.switchboard import TalkView, TransferTo
from callcamp.switch import leg_id

S = AgentState
PROGRESSIVE = DialMethod.PROGRESSIVE


async def talking(b: Bench, contacts: int = 1, **agents: object) -> tuple[str, int]:
    """Have anna talk to the first contact."""
    await staffed(b, PROGRESSIVE, contacts=contacts, agents=dict(agents))
    (attempt_id,) = await b.placed(1)
    reach(b, attempt_id)
    connect(b, attempt_id, view(b).agent.id)
    await becomes(b, S.TALKING)
    return attempt_id, view(b).agent.id


async def again(b: Bench, *left: str) -> None:
    """Have callcamp die, leave these phones on the line, and start again."""
    await b.running.agents.floor.write()
    await b.kill()
    b.switch.board.up.update(left)
    await b.start()


async def test_whoever_is_on_hold_is_brought_back_when_the_agent_is_logged_out(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        attempt_id, _ = await talking(b)
        await b.running.agents.hold("anna", True)
        await b.running.agents.force_log_out("anna")
        board = b.switch.board
        await until(lambda: board.asked("unhold") == [(attempt_id, "1700000000.7")])


async def test_whoever_waits_for_a_consultation_is_brought_back_as_well(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await talking(b, transfer_numbers=("FR",))
        await b.running.agents.consult("anna", TransferTo.NUMBER, "+33612345678")
        await b.running.agents.log_out("anna")
        await until(lambda: any(order[0] == "cancel" for order in b.switch.board.orders))


async def test_a_phone_that_refuses_every_call_pauses_its_agent(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=1)
        agent_id = view(b).agent.id
        (attempt_id,) = await b.placed(1)
        b.switch.ring(attempt_id)
        b.switch.answer(attempt_id)
        for turn in range(3):
            assert view(b).state is S.READY
            b.switch.emit(AgentCalled(attempt_id, agent_id, now(), f"17.{turn}"))
            await becomes(b, S.RINGING)
            b.switch.emit(AgentMissed(attempt_id, agent_id, now(), 0.0))
            await until(lambda: view(b).state is not S.RINGING)
        assert (view(b).state, view(b).reason) == (S.PAUSED, REFUSED)


async def test_nobody_is_sent_to_a_queue_that_is_not_there_or_to_who_talks_already(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await talking(b)
        desk, board = b.running.agents, b.switch.board
        with pytest.raises(InvalidInput, match="no queue 'nowhere'"):
            await desk.transfer("anna", TransferTo.QUEUE, "nowhere")
        for ask in (desk.transfer, desk.consult):
            with pytest.raises(Conflict, match="already"):
                await ask("anna", TransferTo.AGENT, "anna")
        assert board.asked("transfer") == board.asked("consult") == []
        assert view(b).state is S.TALKING
        await desk.transfer("anna", TransferTo.QUEUE, "sales")
        assert [order[2] for order in board.asked("transfer")] == ["sales"]


async def test_who_comes_back_during_the_wrap_up_is_talked_to_until_the_end(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        attempt_id, agent_id = await talking(b, wrap_up_s=1)
        await b.running.agents.transfer("anna", TransferTo.QUEUE, "sales")
        assert view(b).state is S.WRAP_UP
        connect(b, attempt_id, agent_id, "1700000000.9")
        await becomes(b, S.TALKING)
        await passes(1.5)
        back = view(b)
        assert back.state is S.TALKING
        assert back.call is not None
        assert back.call.ended_at is None
        await b.running.agents.hang_up("anna")
        hang_up(b, attempt_id, agent_id)
        await becomes(b, S.WRAP_UP)
        await becomes(b, S.READY)


async def test_a_transfer_to_who_looks_at_an_offer_gives_the_offer_back(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        other, _ = await talking(b)
        b.switch.emit(CallerLeft(other, now(), "callcamp-1"))
        await staffed(b, DialMethod.PREVIEW, ("bert",), 2, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING, "bert")
        await b.running.agents.transfer("anna", TransferTo.AGENT, "bert")
        connect(b, other, view(b, "bert").agent.id, "1700000000.9")
        talks = await becomes(b, S.TALKING, "bert")
        assert talks.offer is None
        assert talks.call is not None
        assert talks.call.attempt_id == other
        hang_up(b, other, view(b, "bert").agent.id)
        await becomes(b, S.WRAP_UP, "bert")


@pytest.mark.parametrize("method", [DialMethod.UNATTENDED, PROGRESSIVE, DialMethod.AGENT_FIRST])
@pytest.mark.parametrize("lasts", [True, False])
async def test_the_next_call_comes_as_soon_as_a_lost_link_is_back(
    tmp_path: Path, method: DialMethod, lasts: bool
) -> None:
    """Nothing that the link took along is waited for: that would be a minute here."""
    async with bench(tmp_path, BY_HAND, settle_margin_s=60.0) as b:
        await b.start()
        if method is DialMethod.UNATTENDED:
            await b.campaign(2, concurrency=1)
        else:
            await staffed(b, method, contacts=2, agents={"wrap_up_s": 0})
        (first,) = await b.placed(1)
        b.switch.respond(first, success=False)
        if not lasts:
            b.switch.end(first, BUSY)
        b.switch.cut()
        if lasts:
            b.switch.end(first, BUSY)
        await until(lambda: not b.running.tracker.synced)
        b.switch.mend()
        assert len(set(await b.placed(2))) == 2


async def test_all_who_talked_are_kept_in_order_and_the_last_one_as_the_calls_agent(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        attempt_id, anna = await talking(b)
        await staffed(b, PROGRESSIVE, ("bert",), 0, ready=False)
        bert = view(b, "bert").agent.id
        await b.running.agents.transfer("anna", TransferTo.AGENT, "bert")
        connect(b, attempt_id, bert, "1700000000.9")
        await becomes(b, S.TALKING, "bert")
        # Back from hold Asterisk says the same again.
        b.switch.emit(AgentConnected(attempt_id, bert, now(), "1700000000.9"))
        hang_up(b, attempt_id, bert, replace(TALKED, agent=f"cc-agent-{anna}"))
        await until(lambda: b.running._registry.get(attempt_id) is None)
        call = await b.store.attempt(attempt_id)
        assert call.agent_id == bert
        assert call.evidence["agent"] == f"cc-agent-{anna}"
        assert call.evidence["agents"] == f"cc-agent-{anna} cc-agent-{bert}"
        assert talkers(call, {anna: "anna", bert: "bert"}) == ["anna", "bert"]


async def test_the_phone_of_who_logs_out_while_talking_is_not_left_on_the_line(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST, contacts=1)
        (attempt_id,) = await b.placed(1)
        (leg,) = b.switch.board.up
        b.switch.answer(attempt_id)
        b.switch.emit(AgentConnected(attempt_id, view(b).agent.id, now(), leg))
        await becomes(b, S.TALKING)
        await b.running.agents.log_out("anna")
        await passes(0.2)
        assert b.switch.board.up == {leg}
        hang_up(b, attempt_id, None)
        await until(lambda: not b.switch.board.up)


async def test_an_engine_that_starts_again_takes_up_talks_and_ends_unused_phones(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        attempt_id, agent_id = await talking(b)
        board = b.switch.board
        board.talks[attempt_id] = TalkView("1700000000.7", on_hold=True)
        unused = leg_id(agent_id, "0" * 16)
        await again(b, unused)
        await until(lambda: (unused,) in board.asked("hang_up"))
        call = view(b).call
        assert call is not None
        assert (view(b).state, call.on_hold) == (S.TALKING, True)
        await b.running.agents.hold("anna", False)
        assert board.asked("unhold") == [(attempt_id, "1700000000.7")]


async def test_who_left_a_talk_while_the_engine_was_away_notes_its_result(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await talking(b)
        b.switch.board.channels.clear()
        await again(b)
        assert view(b).call is not None
        await becomes(b, S.WRAP_UP)


async def test_a_phone_called_for_a_callback_goes_back_to_the_queue(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=0)
        worker = b.running.agents.floor.on_shift("anna")
        await b.running.agents.line.call_phone(worker, ring_timeout_s=9)
        board, agent_id = b.switch.board, view(b).agent.id
        await until(lambda: view(b).on_line)
        assert not worker.is_free
        b.running.agents.consequences.after_call(worker)
        await until(lambda: not view(b).on_line)
        await until(lambda: worker.is_free and board.paused(agent_id) is False)


async def test_two_callcamps_do_not_share_the_queues_of_an_asterisk(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        board = b.switch.board
        board.holder = "0123abcd"
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=1)
        await until(lambda: "Another callcamp" in view(b).problem)
        await passes(0.2)
        assert board.asked("add") == []
        assert b.switch.orders == []
        board.holder = ""
        b.running.agents.queueing.wake(sync=True)
        await until(lambda: view(b).problem == "")
        await b.placed(1)


async def test_a_phone_left_on_the_line_while_there_was_no_link_is_ended(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST, ("anna", "bob"), contacts=0)
        board, desk = b.switch.board, b.running.agents
        for name in ("anna", "bob"):
            await desk.call_phone(name)
        await until(lambda: view(b).on_line and view(b, "bob").on_line)
        await desk.log_out("bob")
        await until(lambda: len(board.up) == 1)
        # somebody listens, or tests a phone: no agent's call, and used all the same
        await desk.test_phone("bob")
        await until(lambda: len(board.up) == 2)
        stays = {leg for leg, order in board.legs.items() if order.variables}
        (left,) = board.up - stays
        b.switch.cut()
        await until(lambda: not b.running.link_up)
        await desk.log_out("anna")
        await passes(0.2)
        assert left in board.up
        b.switch.mend()
        await until(lambda: left not in board.up)
        assert stays <= board.up


async def announced(b: Bench) -> tuple[str, str]:
    """Have a person hear the announcement while anna's phone rings; returns call and leg."""
    await staffed(b, DialMethod.CLIENT_FIRST, agents={"wait_most_s": 20, "announcement": "wait"})
    b.switch.board.phones["PJSIP/anna"] = "silent"
    (attempt_id,) = await b.placed(1)
    b.switch.ring(attempt_id)
    b.switch.answer(attempt_id)
    b.switch.respond(attempt_id, success=True)
    b.switch.emit(PersonReached(attempt_id, now()))
    b.switch.board.waiting.setdefault("callcamp-1", []).append(attempt_id)
    b.switch.emit(CallerWaited(attempt_id, now(), "callcamp-1", announced=True))
    await becomes(b, S.RINGING)
    await until(lambda: bool(b.switch.board.legs))
    (leg,) = b.switch.board.legs
    return attempt_id, leg


async def test_an_agent_who_answers_while_callcamp_is_away_gets_who_waits(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        attempt_id, leg = await announced(b)
        await again(b, leg)
        await until(lambda: b.switch.board.asked("join") == [(attempt_id, leg)])
        b.switch.emit(AgentConnected(attempt_id, view(b).agent.id, now(), leg))
        await becomes(b, S.TALKING)


async def test_an_agent_who_answers_while_the_link_is_cut_gets_who_waits(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        attempt_id, leg = await announced(b)
        b.switch.cut()
        b.switch.board.up.add(leg)
        b.switch.mend()
        await until(lambda: b.switch.board.asked("join") == [(attempt_id, leg)])


async def test_the_contact_of_an_agent_of_whom_nothing_is_heard_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.engine.agents.rounds.RING_GRACE_S", -14.0)
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        b.switch.board.phones["PJSIP/anna"] = "silent"
        campaign = await staffed(b, DialMethod.AGENT_FIRST)
        ringing = await becomes(b, S.RINGING)
        assert ringing.call is not None
        await until(lambda: view(b).state is not S.RINGING)
        attempt = await b.store.attempt(ringing.call.attempt_id)
        await b.running.agents.pause("anna", "lunch")

        async def given_back() -> bool:
            contacts = await b.store.contacts(campaign.id)
            return {c.status for c in contacts} == {ContactStatus.PENDING}

        await until(given_back, "the contact waits")
        assert attempt.dialed_at is None


async def test_who_is_on_the_line_leaves_it_when_a_queue_brings_the_calls(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(
            b, DialMethod.AGENT_FIRST, contacts=0, agents={"safe_harbour": "sorry"}
        )
        await b.running.agents.call_phone("anna")
        await until(lambda: view(b).on_line)
        commands = b.running.commands
        await commands.pause(campaign.id)
        settings = replace(
            campaign.settings, agents=replace(campaign.settings.agents, method=PROGRESSIVE)
        )
        await commands.change_settings(campaign.id, settings, expected_version=campaign.version)
        await commands.resume(campaign.id)
        b.running.agents.changed()
        await until(lambda: not view(b).on_line)
        await until(lambda: b.switch.board.paused(view(b).agent.id) is False)


async def test_two_callcamps_do_not_share_agents_on_the_line_either(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        board = b.switch.board
        board.holder = "0123abcd"
        await b.start()
        await until(lambda: board.asked("hold_agents") != [])
        await staffed(b, DialMethod.AGENT_FIRST, contacts=1)
        await until(lambda: "Another callcamp" in view(b).problem)
        await passes(0.2)
        assert board.legs == {}
        board.holder = ""
        b.running.agents.queueing.wake(sync=True)
        await b.placed(1)
        await until(lambda: view(b).problem == "")


async def test_wrap_up_ends_also_while_another_callcamp_has_the_agents(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=1, agents={"wrap_up_s": 1})
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        b.switch.board.holder = "0123abcd"
        b.switch.cut()
        b.switch.mend()
        await until(lambda: "Another callcamp" in view(b).problem)
        hang_up(b, attempt_id, view(b).agent.id, TALKED)
        await becomes(b, S.WRAP_UP)
        await becomes(b, S.READY)


async def test_whoever_was_sent_on_before_a_kill_waits_for_nobody(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=2)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        await b.running.agents.pause("anna", "lunch")
        await b.running.agents.transfer("anna", TransferTo.QUEUE, "sales")
        await b.running.agents.finish("anna", attempt_id, WrapUpNote())
        await becomes(b, S.PAUSED)
        b.switch.board.talks[attempt_id] = TalkView("1700000000.7", on_hold=False)
        await again(b)
        await b.running.agents.ready("anna")
        await b.placed(2)


async def test_whose_talk_a_death_of_asterisk_cut_is_not_called_again(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=1, attempts=5, delay_s=0)
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        b.switch.restart()
        b.switch.mend()
        await becomes(b, S.WRAP_UP)
        await b.running.agents.ready("anna")

        async def is_over() -> bool:
            return (await b.store.attempt(attempt_id)).status is AttemptStatus.ENDED

        await until(is_over)
        attempt = await b.store.attempt(attempt_id)
        assert attempt.disposition is Disposition.ANSWERED_PERSON
        assert attempt.evidence["detail"] == "switch_restarted"
        await passes(0.3)
        assert len(b.switch.orders) == 1
