"""What broke when a stranger tried: agents in the wrong moment, on the wrong phone, in a loop."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents_kit import becomes, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, now, passes, until

from callcamp.core.agent_events import AgentCalled, AgentMissed, CallerLeft
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.engine.agents.worker import REFUSED
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports.switchboard import TransferTo

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
        await talking(b)
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
