"""Agents on the line first: agent first, and preview."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from agents_kit import TALKED, becomes, staffed, view
from engine_kit import BUSY, BY_HAND, Bench, bench, now, passes, until

from callcamp.core.agent_events import AgentConnected
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import MISSED_CALL, AgentEvent, AgentState
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, ContactStatus
from callcamp.engine.agents.views import WrapUpNote
from callcamp.engine.agents.worker import PHONE_GONE
from callcamp.errors import Conflict, IllegalTransition, InvalidInput

S = AgentState


async def talk(b: Bench) -> str:
    """Bring the one contact and the agent together; return the attempt."""
    attempt_id = (await b.placed(len(b.switch.placed_ids) or 1))[-1]
    b.switch.ring(attempt_id)
    b.switch.answer(attempt_id)
    b.switch.respond(attempt_id, success=True)
    leg = b.switch.channels[attempt_id].order.variables["CC_LEG"]
    b.switch.emit(AgentConnected(attempt_id, None, now(), leg))
    await becomes(b, S.TALKING)
    return attempt_id


async def test_the_contact_is_dialled_only_once_the_agent_is_on_the_line(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        b.switch.board.phones["PJSIP/anna"] = "silent"
        campaign = await staffed(b, DialMethod.AGENT_FIRST)
        await becomes(b, S.RINGING)
        await passes(0.2)
        assert b.switch.orders == []
        (leg,) = b.switch.board.legs
        b.switch.board.pick_up(leg)
        (order,) = await b.ordered(1)
        assert order.variables["CC_ROUTE"] == "leg"
        assert order.variables["CC_LEG"] == leg
        assert order.variables["CC_DETECT"] == "0"
        attempt_id = await talk(b)
        b.switch.end(attempt_id, TALKED)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, WrapUpNote("sold", {"size": "big"}))
        assert view(b).state is S.READY
        attempt = await b.store.attempt(attempt_id)
        assert attempt.disposition is Disposition.ANSWERED_PERSON
        assert attempt.agent_id == view(b).agent.id
        assert attempt.connected_at is not None
        assert (attempt.outcome, attempt.variables["size"]) == ("sold", "big")
        await b.completed(campaign)


async def test_the_agent_stays_on_the_line_for_the_next_contact(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST, contacts=2, agents={"wrap_up_s": 0})
        first = await talk(b)
        b.switch.end(first, TALKED)
        await b.placed(2)
        assert len(b.switch.board.asked("call")) == 1
        second = b.switch.placed_ids[-1]
        b.switch.end(second, BUSY)
        b.switch.respond(second, success=False)
        await becomes(b, S.READY)
        assert view(b).on_line


async def test_nobody_is_dialled_while_no_agent_is_ready(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, DialMethod.AGENT_FIRST, contacts=3, ready=False)
        await passes(0.3)
        assert b.switch.orders == []
        assert await b.statuses(campaign) == {ContactStatus.PENDING: 3}


@pytest.mark.parametrize("phone", ["refused", "hangs_up"])
async def test_a_phone_that_fails_pauses_its_agent_and_gives_the_contact_back(
    tmp_path: Path, phone: str
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        b.switch.board.phones["PJSIP/anna"] = "refused" if phone == "refused" else "silent"
        campaign = await staffed(b, DialMethod.AGENT_FIRST)
        if phone == "hangs_up":
            await becomes(b, S.RINGING)
            b.switch.board.leave(next(iter(b.switch.board.legs)))
        paused = await becomes(b, S.PAUSED)
        if phone == "hangs_up":
            assert paused.reason == MISSED_CALL

        async def is_back() -> bool:
            return await b.statuses(campaign) == {ContactStatus.PENDING: 1}

        await until(is_back)
        assert b.switch.orders == []
        assert (await b.contacts(campaign))[0].attempts == 0


async def test_an_agent_who_hangs_up_before_the_contact_answers_stops_the_call(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST)
        (attempt_id,) = await b.placed(1)
        b.switch.ring(attempt_id)
        await becomes(b, S.DIALING)
        b.switch.board.leave(next(iter(b.switch.board.legs)))
        await until(lambda: b.switch.hung_up == [attempt_id])
        assert (await becomes(b, S.PAUSED)).reason == PHONE_GONE
        assert view(b).call is None


async def test_a_preview_is_dialled_when_its_time_is_over(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 1})
        offered = await becomes(b, S.PREVIEWING)
        assert offered.offer is not None
        assert offered.offer.dial_at > now()
        assert b.switch.orders == []
        await b.placed(1)
        assert now() >= offered.offer.dial_at


async def test_a_skipped_preview_waits_and_says_why(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING)
        with pytest.raises(InvalidInput):
            await b.running.agents.skip("anna", "  ")
        await b.running.agents.skip("anna", "called this morning")
        assert view(b).state is S.READY

        async def waits() -> bool:
            (contact,) = await b.contacts(campaign)
            return contact.due_at is not None and contact.due_at > now() + timedelta(minutes=4)

        await until(waits)
        # Nobody should look for a fault of Asterisk.
        assert (await b.contacts(campaign))[0].hold is Reason.RETRY_WAITS
        with pytest.raises(Conflict):
            await b.running.agents.accept("anna")
        assert b.switch.orders == []


async def test_a_pause_withdraws_the_preview(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING)
        await b.running.agents.pause("anna", "lunch")
        assert (view(b).state, view(b).offer) == (S.PAUSED, None)

        async def is_back() -> bool:
            return await b.statuses(campaign) == {ContactStatus.PENDING: 1}

        await until(is_back)


@pytest.mark.parametrize(
    ("step", "left"), [("pause", ContactStatus.PENDING), ("stop", ContactStatus.CANCELED)]
)
async def test_a_campaign_that_stops_takes_its_offer_back(
    tmp_path: Path, step: str, left: ContactStatus
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING)
        await getattr(b.running.commands, step)(campaign.id)

        async def is_back() -> bool:
            return await b.statuses(campaign) == {left: 1}

        await until(is_back)
        await until(lambda: view(b).offer is None)
        assert view(b).state in {S.READY, S.OFFLINE}
        with pytest.raises(Conflict):
            await b.running.agents.accept("anna")
        assert b.switch.orders == b.switch.board.asked("call") == []


async def test_an_offer_of_a_paused_campaign_cannot_be_accepted(tmp_path: Path) -> None:
    """Another process paused it, and the dialer has not looked yet."""
    async with bench(tmp_path, BY_HAND, look_s=60.0) as b:
        await b.start()
        campaign = await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING)
        await b.store.move_campaign(campaign.id, CampaignEvent.PAUSED, now=b.clock.now())
        with pytest.raises(Conflict, match="test is paused; the contact was given back"):
            await b.running.agents.accept("anna")
        assert (view(b).state, view(b).offer) == (S.READY, None)
        assert b.switch.orders == b.switch.board.asked("call") == []


async def test_who_accepts_without_a_link_is_told_so(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND, look_s=60.0) as b:
        await b.start()
        await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING)
        b.switch.cut()
        with pytest.raises(Conflict, match="The contact was given back"):
            await b.running.agents.accept("anna")
        assert (view(b).state, view(b).offer) == (S.READY, None)
        assert b.switch.orders == b.switch.board.asked("call") == []


async def test_a_phone_that_rings_for_a_paused_campaign_stops(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        b.switch.board.phones["PJSIP/anna"] = "silent"
        await b.start()
        campaign = await staffed(b, DialMethod.AGENT_FIRST)
        await becomes(b, S.RINGING)
        await b.running.commands.pause(campaign.id)
        await becomes(b, S.READY)
        await until(lambda: not b.switch.board.legs)
        assert b.switch.orders == []


async def test_what_an_agent_may_not_do_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST)
        attempt_id = await talk(b)
        desk = b.running.agents
        with pytest.raises(Conflict):
            await desk.log_in("anna", view(b).campaign_id or 0)
        with pytest.raises(Conflict):
            await desk.accept("anna")
        with pytest.raises(Conflict):
            await desk.cancel_consult("anna")
        with pytest.raises(Conflict):
            await desk.finish("anna", "cc-other", WrapUpNote())
        assert view(b).state is S.TALKING
        b.switch.end(attempt_id, TALKED)
        await becomes(b, S.WRAP_UP)
        with pytest.raises(Conflict):
            await desk.hang_up("anna")
        with pytest.raises(IllegalTransition):
            desk.floor.step(desk.floor.on_shift("anna"), AgentEvent.RANG)


async def test_a_phone_that_is_not_there_gets_no_contact_claimed(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        b.switch.board.unreachable.add("PJSIP/anna")
        campaign = await staffed(b, DialMethod.AGENT_FIRST, ready=False)
        b.running.agents.changed()
        await until(lambda: view(b).phone_up is False)
        await b.running.agents.ready("anna")
        await passes(0.2)
        assert b.switch.board.asked("call") == []
        assert await b.statuses(campaign) == {ContactStatus.PENDING: 1}
        b.switch.board.unreachable.clear()
        b.running.agents.changed()
        await b.placed(1)
        assert view(b).phone_up is True
