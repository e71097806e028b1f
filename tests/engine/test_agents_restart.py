"""callcamp is killed while an agent is in each of the states, and starts again.

Nothing is written down for the kill: what holds is what was in the database before it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from agents_kit import TALKED, becomes, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, now, passes, until

from callcamp.core.agent_events import AgentCalled, AgentConnected
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.model import Attempt
from callcamp.core.outcome import Evidence
from callcamp.core.states import AttemptStatus, CampaignEvent
from callcamp.engine.agents.restart import STARTED_AGAIN
from callcamp.engine.agents.views import AgentCallView, WrapUpNote
from callcamp.engine.agents.worksheet import Worksheets
from callcamp.engine.ending import met_as_written
from callcamp.errors import Conflict, InvalidInput, StoreError
from callcamp.ports import CustomOutcome
from callcamp.ports.switchboard import TalkView, TransferTo

S = AgentState
PROGRESSIVE = DialMethod.PROGRESSIVE
CHANNEL = "1700000000.7"
SOLD = WrapUpNote("sold", {"size": "m"})


async def ringing(b: Bench, method: DialMethod = PROGRESSIVE, **options: Any) -> str:
    """Have the first contact wait, and anna's phone ring."""
    await b.start()
    await staffed(b, method, **options)
    (attempt_id,) = await b.placed(1)
    reach(b, attempt_id)
    b.switch.emit(AgentCalled(attempt_id, view(b).agent.id, now(), CHANNEL))
    await becomes(b, S.RINGING)
    return attempt_id


async def talking(b: Bench, **options: Any) -> str:
    """Have anna talk to the first contact."""
    attempt_id = await ringing(b, **options)
    connect(b, attempt_id, view(b).agent.id, CHANNEL)
    await becomes(b, S.TALKING)
    return attempt_id


async def killed(b: Bench) -> None:
    """Kill callcamp once it has written the agent's state down by itself, and start it again."""
    state = view(b).state

    async def written() -> bool:
        return [live.span.state for live in await b.store.live_shifts()] == [state]

    await until(written, f"{state.value} is written")
    await b.kill()
    await b.start()


async def nothing(*_given: Any) -> None:
    """Do what a killed process does."""


def call_of(b: Bench) -> AgentCallView:
    call = view(b).call
    assert call is not None
    return call


async def form_opens(b: Bench, attempt_id: str) -> None:
    """Have the page read what it shows of a call."""
    sheets = Worksheets(b.store, b.running.commands.rules, b.clock.now)
    assert (await sheets.call(view(b), attempt_id)).script


async def ended(b: Bench, attempt_id: str) -> Attempt:
    async def is_so() -> bool:
        return (await b.store.attempt(attempt_id)).status is AttemptStatus.ENDED

    await until(is_so)
    return await b.store.attempt(attempt_id)


async def noted(b: Bench, attempt_id: str, note: WrapUpNote = SOLD) -> Attempt:
    async def is_so() -> bool:
        attempt = await b.store.attempt(attempt_id)
        return (attempt.outcome, attempt.variables) == (note.outcome, note.answers)

    await until(is_so, "noted")
    assert await b.store.call_notes() == []
    return await b.store.attempt(attempt_id)


async def test_ready_is_ready_again(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=0)
        await killed(b)
        assert view(b).state is S.READY
        await until(lambda: b.switch.board.paused(view(b).agent.id) is False)


async def test_a_phone_that_rings_rings_on_until_its_call_comes(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await ringing(b)
        await killed(b)
        assert (view(b).state, call_of(b).attempt_id) == (S.RINGING, attempt_id)
        connect(b, attempt_id, view(b).agent.id, CHANNEL)
        await becomes(b, S.TALKING)
        await form_opens(b, attempt_id)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await noted(b, attempt_id)


@pytest.mark.parametrize("state", [S.RINGING, S.READY])
async def test_a_talk_that_began_while_callcamp_was_away_is_found(
    tmp_path: Path, state: AgentState
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        if state is S.READY:
            await b.start()
            await staffed(b, PROGRESSIVE)
            (attempt_id,) = await b.placed(1)
            reach(b, attempt_id)
        else:
            attempt_id = await ringing(b)
        agent_id = view(b).agent.id
        await b.running.agents.floor.write()
        await b.kill()
        b.switch.board.talks[attempt_id] = TalkView(CHANNEL, on_hold=False, agent_id=agent_id)
        b.switch.board.channels.add(CHANNEL)
        await b.start()
        await becomes(b, S.TALKING)
        await form_opens(b, attempt_id)
        await b.running.agents.hold("anna", True)
        assert (attempt_id, CHANNEL) in b.switch.board.asked("hold")
        hang_up(b, attempt_id, agent_id)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        assert (await noted(b, attempt_id)).agent_id == agent_id


async def test_whose_part_in_a_call_is_over_is_not_found_in_it(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        await b.running.agents.transfer("anna", TransferTo.QUEUE, "sales")
        await b.running.agents.finish("anna", attempt_id, SOLD)
        assert view(b).state is S.READY
        b.switch.board.talks[attempt_id] = TalkView(CHANNEL, on_hold=False)
        await killed(b)
        await until(lambda: b.switch.board.asked("talk") != [])
        await passes(0.1)
        assert view(b).state is S.READY
        hang_up(b, attempt_id, None)
        await noted(b, attempt_id)


async def test_what_was_noted_during_the_talk_is_part_of_its_end(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await killed(b)
        shown = call_of(b)
        assert (view(b).state, shown.noted, shown.outcome) == (S.TALKING, True, "sold")
        await form_opens(b, attempt_id)
        hang_up(b, attempt_id, view(b).agent.id)
        attempt = await ended(b, attempt_id)
        assert (attempt.outcome, attempt.variables) == ("sold", {"size": "m"})
        assert await b.store.call_notes() == []
        assert (await b.store.contact(attempt.contact_id)).outcome == "sold"
        await becomes(b, S.READY)
        (change,) = [one for one in b.store.applied if one.disposition is not None]
        assert (change.outcome, len(change.note_ids)) == ("sold", 1)


async def test_what_was_noted_counts_once_when_the_call_ends_while_callcamp_is_away(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, callbacks=True, attempts=5)
        back_at = b.clock.now() + timedelta(hours=2)
        note = replace(SOLD, callback_at=back_at, callback_mine=True)
        await b.running.agents.finish("anna", attempt_id, note)
        agent_id = view(b).agent.id
        await b.running.agents.floor.write()
        await b.kill()
        b.switch.board.channels.clear()
        b.switch.end(attempt_id, TALKED)
        await b.start()
        attempt = await noted(b, attempt_id)
        contact = await b.store.contact(attempt.contact_id)
        assert (contact.callback_at, contact.callback_agent_id) == (back_at, agent_id)
        await becomes(b, S.READY)
        audit = await b.store.audit(kind="call")
        assert [one.action for one in audit].count("call.outcome_noted") == 1
        await b.kill()
        await b.start()
        assert len([one for one in b.store.applied if one.disposition is not None]) == 1
        assert (await b.store.attempt(attempt_id)).outcome == "sold"


async def test_a_whole_talk_while_callcamp_was_away_is_work_of_the_agent(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE)
        (attempt_id,) = await b.placed(1)
        agent_id = view(b).agent.id
        await b.running.agents.floor.write()
        await b.kill()
        member = f"cc-agent-{agent_id}"
        b.switch.end(attempt_id, replace(TALKED, waited_s=1.5, talk_s=5.0, agent=member))
        await b.start()

        async def ended() -> bool:
            return (await b.store.attempt(attempt_id)).status is AttemptStatus.ENDED

        await until(ended, "the end is written")
        attempt = await b.store.attempt(attempt_id)
        assert attempt.ended_at is not None
        assert attempt.connected_at == attempt.ended_at - timedelta(seconds=3.5)
        since, until_ = campaign.created_at - timedelta(hours=1), b.clock.now()
        (work,) = await b.store.agent_work(since=since, until=until_, campaign_id=campaign.id)
        assert (work.agent_id, work.calls) == (agent_id, 1)


@pytest.mark.parametrize(
    "evidence",
    [
        replace(TALKED, waited_s=2.0, abandoned=True, agent="cc-agent-1"),
        replace(TALKED, waited_s=0.1, agent="somebody-else"),
        replace(TALKED, agent="cc-agent-1"),
    ],
)
def test_who_met_no_agent_of_ours_has_no_moment_of_it(evidence: Evidence) -> None:
    assert met_as_written(evidence, now()) is None


async def test_noted_again_after_the_start_the_last_one_holds(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await killed(b)
        no = WrapUpNote("no", {"size": "l"})
        await b.running.agents.finish("anna", attempt_id, no)
        hang_up(b, attempt_id, view(b).agent.id)
        await noted(b, attempt_id, no)


async def test_whoever_opts_out_in_the_talk_is_not_called_in_between(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.store.save_outcome(CustomOutcome("stop", "Never again", opt_out=True), now=now())
        attempt_id = await talking(b, attempts=5, delay_s=0)
        await b.running.agents.finish("anna", attempt_id, WrapUpNote("stop"))
        await killed(b)
        hang_up(b, attempt_id, view(b).agent.id)
        attempt = await noted(b, attempt_id, WrapUpNote("stop"))
        assert attempt.refused
        (entry,) = await b.store.suppressions()
        assert (entry.phone, entry.source) == (attempt.number, "agent")
        await passes(0.2)
        assert len(b.switch.orders) == 1


async def test_a_pause_that_was_asked_for_still_comes(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, contacts=2)
        await b.running.agents.pause("anna", "lunch")
        await b.kill()
        await b.start()
        assert (view(b).state, view(b).pause_wanted) == (S.TALKING, "lunch")
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await killed(b)
        assert (view(b).state, view(b).pause_wanted) == (S.WRAP_UP, "lunch")
        await b.running.agents.finish("anna", attempt_id, SOLD)
        assert (view(b).state, view(b).reason, view(b).pause_wanted) == (S.PAUSED, "lunch", None)
        await killed(b)
        assert (view(b).state, view(b).reason, view(b).pause_wanted) == (S.PAUSED, "lunch", None)


async def test_a_pause_that_was_taken_back_does_not_come_back(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b)
        await b.running.agents.pause("anna", "lunch")
        await b.running.agents.ready("anna")

        async def written() -> bool:
            (live,) = await b.store.live_shifts()
            return live.in_hand.pause_wanted is None

        await until(written)
        await killed(b)
        assert view(b).pause_wanted is None


@pytest.mark.parametrize("waits", [True, False])
async def test_who_talks_to_somebody_else_can_go_back_to_the_contact(
    tmp_path: Path, waits: bool
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        desk, board = b.running.agents, b.switch.board
        await desk.consult("anna", TransferTo.QUEUE, "sales")
        agent_id = view(b).agent.id
        # Not waiting: the order had not gone out yet, or the contact is back already.
        board.talks[attempt_id] = TalkView(CHANNEL, on_hold=waits, agent_id=agent_id)
        await b.kill()
        await b.start()
        await until(lambda: call_of(b).channel_id is not None)
        shown = call_of(b)
        assert (shown.consulting, shown.on_hold) == ("sales" if waits else "", False)
        if waits:
            await b.running.agents.cancel_consult("anna")
            assert board.asked("cancel") == [(attempt_id, CHANNEL)]
            board.talks[attempt_id] = TalkView(CHANNEL, on_hold=False, agent_id=agent_id)
            await b.running.agents.floor.write()
            await killed(b)
            assert call_of(b).consulting == ""
        else:
            with pytest.raises(Conflict):
                await b.running.agents.complete_consult("anna")


async def test_who_is_logged_out_after_the_start_leaves_nobody_with_the_music(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        await b.running.agents.consult("anna", TransferTo.QUEUE, "sales")
        b.switch.board.talks[attempt_id] = TalkView(CHANNEL, on_hold=True)
        await b.kill()
        await b.start()
        await until(lambda: call_of(b).channel_id is not None)
        await b.running.agents.complete_consult("anna")
        assert view(b).state is S.WRAP_UP
        assert b.switch.board.asked("complete") == [(attempt_id, CHANNEL)]


async def test_a_muted_agent_is_shown_as_muted(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b)
        await b.running.agents.mute("anna", True)
        await b.running.agents.floor.write()
        await killed(b)
        assert call_of(b).muted
        await until(lambda: call_of(b).channel_id is not None)
        await b.running.agents.mute("anna", False)
        assert b.switch.board.asked("mute")[-1] == (CHANNEL, False)


async def test_the_rest_of_the_wrap_up_is_there_and_the_form_can_be_sent(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await ended(b, attempt_id)
        until_then = view(b).wrap_up_until
        await killed(b)
        until_now = view(b).wrap_up_until
        assert view(b).state is S.WRAP_UP
        assert until_then is not None
        assert until_now is not None
        assert abs(until_now - until_then) < timedelta(seconds=1)
        shown = call_of(b)
        assert (shown.attempt_id, shown.noted) == (attempt_id, False)
        assert shown.ended_at is not None
        await form_opens(b, attempt_id)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        assert view(b).state is S.READY
        await noted(b, attempt_id)


async def test_a_wrap_up_that_was_over_meanwhile_leaves_the_page_a_moment(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await ended(b, attempt_id)
        await b.running.agents.floor.write()
        await b.kill()
        with closing(sqlite3.connect(tmp_path / "callcamp.sqlite3")) as database, database:
            database.execute("UPDATE agent_span SET began_at = began_at - 3600000000")
        await b.start()
        back = view(b)
        assert back.state is S.WRAP_UP
        assert back.wrap_up_until is not None
        assert back.wrap_up_until > b.clock.now() + timedelta(seconds=10)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await noted(b, attempt_id)


async def test_a_result_that_has_to_be_noted_is_waited_for(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        agents = {"outcome_required": True, "outcomes": ("sold",)}
        attempt_id = await talking(b, agents=agents)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await ended(b, attempt_id)
        await killed(b)
        assert (view(b).state, view(b).wrap_up_until) == (S.WRAP_UP, None)
        with pytest.raises(Conflict, match="outcome"):
            await b.running.agents.ready("anna")
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await noted(b, attempt_id)


async def test_the_end_of_a_talk_that_only_the_call_knew_of_begins_the_wrap_up(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        await b.running.agents.floor.write()
        floor = b.running.agents.floor

        floor.write = nothing  # type: ignore[method-assign]
        hang_up(b, attempt_id, view(b).agent.id)
        await ended(b, attempt_id)
        await b.kill()
        await b.start()
        assert view(b).state is S.WRAP_UP
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await noted(b, attempt_id)


async def test_a_talk_that_ended_with_its_result_needs_no_time_for_it(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, contacts=2)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await b.running.agents.pause("anna", "lunch")
        b.running.agents.floor.write = nothing  # type: ignore[method-assign]
        hang_up(b, attempt_id, view(b).agent.id)
        await ended(b, attempt_id)
        await b.kill()
        await b.start()
        assert (view(b).state, view(b).reason) == (S.PAUSED, "lunch")
        await noted(b, attempt_id)


async def test_who_talked_on_a_call_that_nobody_knows_is_paused(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b, contacts=2)
        await b.running.agents.pause("anna", "lunch")
        await b.kill()
        with closing(sqlite3.connect(tmp_path / "callcamp.sqlite3")) as database, database:
            database.execute("UPDATE agent_span SET attempt_id = 'gone' WHERE ended_at IS NULL")
        await b.start()
        assert (view(b).state, view(b).reason, view(b).call) == (S.PAUSED, "lunch", None)


async def test_nobody_is_on_shift_for_a_campaign_that_was_stopped_meanwhile(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, contacts=0)
        await b.running.agents.floor.write()
        await b.kill()
        await b.store.move_campaign(campaign.id, CampaignEvent.STOPPED, now=now())
        await b.start()
        assert view(b).state is S.OFFLINE
        assert await b.store.live_shifts() == []


async def test_a_stopped_campaign_takes_no_wrap_up_away(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        attempt = await ended(b, attempt_id)
        await b.store.move_campaign(attempt.campaign_id, CampaignEvent.STOPPED, now=now())
        await killed(b)
        assert view(b).state is S.WRAP_UP
        await b.running.agents.finish("anna", attempt_id, SOLD)
        b.running.agents.changed()
        await becomes(b, S.OFFLINE)


async def test_who_looked_at_an_offer_is_paused_and_the_contact_is_given_back(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.PREVIEW, agents={"before_call_work_s": 60})
        await becomes(b, S.PREVIEWING)
        offer = view(b).offer
        assert offer is not None
        await killed(b)
        back = view(b)
        assert (back.state, back.reason, back.offer) == (S.PAUSED, STARTED_AGAIN, None)
        attempt = await b.store.attempt(offer.attempt_id)
        assert attempt.status is AttemptStatus.RELEASED
        await b.running.agents.ready("anna")
        await becomes(b, S.PREVIEWING)


@pytest.mark.parametrize("stays", [True, False])
async def test_who_is_on_the_line_for_a_contact_waits_on_for_it(
    tmp_path: Path, stays: bool
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST)
        (attempt_id,) = await b.placed(1)
        await becomes(b, S.DIALING)
        (leg,) = b.switch.board.up
        b.switch.ring(attempt_id)
        await b.running.agents.floor.write()
        await b.kill()
        if not stays:
            b.switch.board.up.clear()
        await b.start()
        if not stays:
            await becomes(b, S.PAUSED)
            await until(lambda: attempt_id in b.switch.hung_up)
            return
        await until(lambda: view(b).on_line)
        assert (view(b).state, call_of(b).attempt_id) == (S.DIALING, attempt_id)
        assert b.switch.board.asked("hang_up") == []
        b.switch.answer(attempt_id)
        b.switch.emit(AgentConnected(attempt_id, view(b).agent.id, now(), leg))
        await becomes(b, S.TALKING)
        await form_opens(b, attempt_id)


async def test_the_phone_of_who_handed_the_contact_on_and_was_ready_again_does_not_stay_up(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST, agents={"wrap_up_s": 0})
        (attempt_id,) = await b.placed(1)
        (leg,) = b.switch.board.up
        b.switch.answer(attempt_id)
        b.switch.emit(AgentConnected(attempt_id, view(b).agent.id, now(), leg))
        await becomes(b, S.TALKING)
        await b.running.agents.transfer("anna", TransferTo.QUEUE, "sales")
        b.switch.board.talks[attempt_id] = TalkView(leg, on_hold=False)
        await becomes(b, S.READY)
        await killed(b)
        await until(lambda: (leg,) in b.switch.board.asked("hang_up"), "the phone is hung up")
        assert view(b).state is S.READY


async def test_who_is_on_the_line_still_but_has_handed_the_contact_on_notes_the_result(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST)
        (attempt_id,) = await b.placed(1)
        (leg,) = b.switch.board.up
        b.switch.answer(attempt_id)
        b.switch.emit(AgentConnected(attempt_id, view(b).agent.id, now(), leg))
        await becomes(b, S.TALKING)
        await b.running.agents.floor.write()
        b.running.agents.floor.write = nothing  # type: ignore[method-assign]
        await b.running.agents.transfer("anna", TransferTo.QUEUE, "sales")
        b.switch.board.talks[attempt_id] = TalkView(leg, on_hold=False)
        await b.kill()
        await b.start()
        assert view(b).state is S.TALKING
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, SOLD)
        hang_up(b, attempt_id, None)
        await noted(b, attempt_id)


async def test_a_result_can_be_noted_late_but_only_of_ones_own_call(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, names=("anna", "bert"))
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        desk = b.running.agents
        await desk.ready("anna")
        assert view(b).state is S.READY
        with pytest.raises(Conflict, match="bert does not work on call"):
            await desk.finish("bert", attempt_id, SOLD)
        with pytest.raises(InvalidInput):
            await desk.finish("anna", attempt_id, WrapUpNote(answers={"nobody": "asked"}))
        assert (await desk.finish("anna", attempt_id, SOLD)).state is S.READY
        await noted(b, attempt_id)
        await desk.log_out("anna")
        await desk.finish("anna", attempt_id, WrapUpNote("no", {"size": "m"}))
        await noted(b, attempt_id, WrapUpNote("no", {"size": "m"}))


async def test_nothing_is_noted_late_of_a_call_of_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.engine.agents.results.NOTED_LATE_S", 0.2)
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.ready("anna")
        await asyncio.sleep(0.3)
        with pytest.raises(Conflict, match="does not work on call"):
            await b.running.agents.finish("anna", attempt_id, SOLD)


async def test_agents_who_talked_one_after_the_other_each_count(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, names=("anna", "bert"), callbacks=True, attempts=3)
        back_at = b.clock.now() + timedelta(hours=1)
        desk = b.running.agents
        note = WrapUpNote("sold", {"size": "m"}, back_at, callback_mine=True)
        await desk.finish("anna", attempt_id, note)
        await desk.transfer("anna", TransferTo.AGENT, "bert")
        anna, bert = view(b).agent.id, view(b, "bert").agent.id
        connect(b, attempt_id, bert, "1700000000.9")
        await becomes(b, S.TALKING, "bert")
        await desk.finish("bert", attempt_id, WrapUpNote("no"))
        hang_up(b, attempt_id, bert)
        attempt = await noted(b, attempt_id, WrapUpNote("no", {"size": "m"}))
        contact = await b.store.contact(attempt.contact_id)
        assert (contact.callback_at, contact.callback_agent_id) == (back_at, anna)


async def test_what_is_noted_in_the_moment_of_the_end_is_not_lost(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        desk, agent_id = b.running.agents, view(b).agent.id
        gate, keep = asyncio.Event(), b.store.keep_note

        async def late(note: Any) -> Any:
            kept = await keep(note)
            gate.set()
            # The end is committed before anybody knows of the note.
            await ended(b, attempt_id)
            return kept

        b.store.keep_note = late  # type: ignore[method-assign]
        noting = asyncio.create_task(desk.finish("anna", attempt_id, SOLD))
        await gate.wait()
        hang_up(b, attempt_id, agent_id)
        await noting
        await noted(b, attempt_id)


async def test_what_was_left_between_end_and_note_is_taken_in_at_the_start(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, callbacks=True, attempts=3)
        track = b.running._registry.get(attempt_id)
        assert track is not None
        note = replace(SOLD, callback_at=b.clock.now() + timedelta(seconds=2))
        b.running.agents.noting.take_in_left = nothing  # type: ignore[method-assign]
        await b.running.agents.finish("anna", attempt_id, note)
        track.notes.clear()
        hang_up(b, attempt_id, view(b).agent.id)
        await ended(b, attempt_id)
        assert len(await b.store.call_notes()) == 1
        await b.kill()
        await until(lambda: b.clock.now() > note.callback_at)
        await b.start()
        await noted(b, attempt_id)


async def test_who_is_told_that_it_is_noted_can_rely_on_it(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)

        async def fails(_note: Any) -> Any:
            raise StoreError("The disk is full.")

        b.store.keep_note = fails  # type: ignore[method-assign]
        with pytest.raises(StoreError):
            await b.running.agents.finish("anna", attempt_id, SOLD)
        assert (call_of(b).noted, call_of(b).outcome) == (False, None)


async def test_a_note_of_a_call_that_is_not_placed_goes_with_it(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, DialMethod.AGENT_FIRST)
        b.switch.board.phones["PJSIP/anna"] = "silent"
        await becomes(b, S.RINGING)
        attempt_id = call_of(b).attempt_id
        await b.running.agents.finish("anna", attempt_id, SOLD)
        await killed(b)
        assert await b.store.call_notes() == []
        assert view(b).state is S.PAUSED


@pytest.mark.parametrize(
    "note", [WrapUpNote("Not A Slug"), WrapUpNote(answers={"size": "two\nlines"})]
)
async def test_what_could_not_be_written_later_is_refused_at_once(
    tmp_path: Path, note: WrapUpNote
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        with pytest.raises(InvalidInput):
            await b.running.agents.finish("anna", attempt_id, note)
        assert await b.store.call_notes() == []
