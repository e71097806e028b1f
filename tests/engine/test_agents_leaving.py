"""An agent leaves, or the link goes, in the moment in which a phone rings; and what is left over.

Nobody who waits is lost, nobody is paused for a call that never came, and nothing stays behind.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from agents_kit import TALKED, becomes, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, now, passes, until
from structlog.testing import capture_logs

from callcamp.core.agent_events import AgentCalled, CallerWaited, PersonReached
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.states import ContactStatus
from callcamp.errors import StoreError, SwitchRefused
from callcamp.ports.switchboard import SpyMode, TalkView, TransferTo

S = AgentState
PROGRESSIVE = DialMethod.PROGRESSIVE
CLIENT_FIRST = DialMethod.CLIENT_FIRST
ANNOUNCED = {"wait_most_s": 20, "announcement": "wait"}
CHANNEL = "1700000000.7"


def hears(b: Bench, attempt_id: str) -> None:
    """Have a person answer and hear the announcement."""
    b.switch.ring(attempt_id)
    b.switch.answer(attempt_id)
    b.switch.respond(attempt_id, success=True)
    b.switch.emit(PersonReached(attempt_id, now()))
    b.switch.board.hears.add(attempt_id)
    b.switch.emit(CallerWaited(attempt_id, now(), "callcamp-1", announced=True))


async def rung(b: Bench, names: tuple[str, ...] = ("anna",)) -> str:
    """Have the queue ring anna's phone for a person who waits."""
    await staffed(b, PROGRESSIVE, names)
    (attempt_id, *_) = await b.placed(1)
    reach(b, attempt_id)
    b.switch.emit(AgentCalled(attempt_id, view(b).agent.id, now(), CHANNEL))
    await becomes(b, S.RINGING)
    return attempt_id


async def test_the_phone_of_who_is_logged_out_rings_no_more_and_the_caller_waits_on(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        attempt_id = await rung(b)
        agent_id = view(b).agent.id
        await b.running.agents.force_log_out("anna")
        await until(lambda: board.asked("stop") == [(attempt_id, CHANNEL)])
        await until(lambda: board.paused(agent_id) is None)
        track = b.running._registry.get(attempt_id)
        assert track is not None
        assert track.offered_to is None
        assert attempt_id in b.switch.channels
        assert b.running.agents.queueing.waiting("callcamp-1") == [attempt_id]


async def test_the_queue_finds_the_next_for_whom_a_phone_still_rings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.engine.agents.consequences.QUEUE_LOOKS_S", 0.0)
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        board.gives = False
        attempt_id = await rung(b, ("anna", "bob"))
        await b.running.agents.log_out("anna")
        await until(lambda: board.asked("stop") == [(attempt_id, CHANNEL)])
        await passes(0.1)
        assert board.asked("give") == []
        assert view(b, "bob").state is S.READY
        assert b.running.agents.queueing.waiting("callcamp-1") == [attempt_id]


async def test_what_a_cut_link_keeps_ringing_is_stopped_when_it_is_back(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        attempt_id = await rung(b)
        b.switch.cut()
        await until(lambda: not b.running.link_up)
        await b.running.agents.log_out("anna")
        await passes(0.1)
        assert board.asked("stop") == []
        b.switch.mend()
        await until(lambda: board.asked("stop") == [(attempt_id, CHANNEL)])
        await until(lambda: b.running.agents.leaving._ringing == {})


@pytest.mark.parametrize("sent_on", [False, True])
async def test_a_call_that_comes_in_the_moment_of_the_log_out_rings_no_phone(
    tmp_path: Path, sent_on: bool
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, ("anna", "bob"))
        (attempt_id,) = await b.placed(1)
        bob = view(b, "bob").agent.id
        await b.running.agents.log_out("bob")
        reach(b, attempt_id)
        if sent_on:
            # somebody sends the contact to a colleague who is not on shift
            connect(b, attempt_id, view(b).agent.id)
            await becomes(b, S.TALKING)
            await b.running.agents.transfer("anna", TransferTo.AGENT, "bob")
        b.switch.emit(AgentCalled(attempt_id, bob, now(), "1.9"))
        stopped = [] if sent_on else [(attempt_id, "1.9")]
        await until(lambda: len(b.switch.board.asked("stop")) >= len(stopped))
        await passes(0.1)
        assert b.switch.board.asked("stop") == stopped


async def test_who_hears_the_announcement_gets_another_agent_at_a_log_out(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        board.phones["PJSIP/anna"] = board.phones["PJSIP/bob"] = "silent"
        await staffed(b, CLIENT_FIRST, ("anna", "bob"), agents=ANNOUNCED)
        (attempt_id,) = await b.placed(1)
        hears(b, attempt_id)
        await until(lambda: bool(board.legs))
        first = next(n for n in ("anna", "bob") if view(b, n).state is S.RINGING)
        other = "bob" if first == "anna" else "anna"
        (leg,) = board.legs
        await b.running.agents.log_out(first)
        seen = await becomes(b, S.RINGING, other)
        assert seen.call is not None
        assert seen.call.attempt_id == attempt_id
        await until(lambda: leg not in board.legs)


async def test_who_hears_the_announcement_is_sought_an_agent_after_a_kill(tmp_path: Path) -> None:
    """Not only when it ends: nobody tells again that it began."""
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        await staffed(b, CLIENT_FIRST, agents=ANNOUNCED)
        (attempt_id,) = await b.placed(1)
        await b.running.agents.pause("anna", "lunch")
        hears(b, attempt_id)
        await passes(0.1)
        await b.running.agents.ready("anna")
        board.phones["PJSIP/anna"] = "silent"
        await becomes(b, S.RINGING)
        await b.running.agents.floor.write()
        await b.kill()
        # the order for the call to the phone never went out
        board.legs.clear()
        board.orders.clear()
        await b.start()
        await until(lambda: bool(board.legs))
        seen = await becomes(b, S.RINGING)
        assert seen.call is not None
        assert seen.call.attempt_id == attempt_id
        (leg,) = board.legs
        board.pick_up(leg)
        await until(lambda: board.asked("join") == [(attempt_id, leg)])


@pytest.mark.parametrize("end", ["answers", "misses"])
async def test_a_phone_that_rings_for_an_announcement_rings_on_over_a_kill(
    tmp_path: Path, end: str
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        board.phones["PJSIP/anna"] = "silent"
        await staffed(b, CLIENT_FIRST, ("anna", "bob"), agents=ANNOUNCED)
        await b.running.agents.pause("bob", "lunch")
        (attempt_id,) = await b.placed(1)
        hears(b, attempt_id)
        await until(lambda: bool(board.legs))
        (leg,) = board.legs
        await b.running.agents.floor.write()
        await b.kill()
        await b.start()
        await until(lambda: bool(board.asked("hears")))
        await b.running.agents.ready("bob")
        await passes(0.3)
        assert list(board.legs) == [leg], "one phone rings for one contact"
        if end == "answers":
            board.pick_up(leg)
            await until(lambda: board.asked("join") == [(attempt_id, leg)])
        else:
            board.leave(leg)
            await becomes(b, S.PAUSED)
            # the contact is kept for the next agent
            await becomes(b, S.RINGING, "bob")
            assert attempt_id in b.switch.channels


@pytest.mark.parametrize("way", ["consulting", "sent on"])
async def test_a_call_to_a_number_counts_on_its_trunk_after_a_kill(
    tmp_path: Path, way: str
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, agents={"transfer_numbers": ("FR",)}, default_region="FR")
        (attempt_id,) = await b.placed(1)
        reach(b, attempt_id)
        agent_id = view(b).agent.id
        connect(b, attempt_id, agent_id, CHANNEL)
        await becomes(b, S.TALKING)
        desk = b.running.agents
        if way == "consulting":
            await desk.consult("anna", TransferTo.NUMBER, "01 42 68 53 00")
            talk = TalkView(CHANNEL, on_hold=True, agent_id=agent_id, outside=True)
        else:
            await desk.transfer("anna", TransferTo.NUMBER, "01 42 68 53 00")
            talk = TalkView(CHANNEL, on_hold=False, outside=True)
        (trunk,) = await b.store.trunks()
        assert b.running._registry.on_trunk(trunk.id) == 2
        b.switch.board.talks[attempt_id] = talk
        await b.running.agents.floor.write()
        await b.running.tracker.commit()
        await b.kill()
        await b.start()
        await until(lambda: b.running._registry.on_trunk(trunk.id) == 2, "it counts again")
        if way == "consulting":
            await b.running.agents.cancel_consult("anna")
            assert b.running._registry.on_trunk(trunk.id) == 1
        hang_up(b, attempt_id, agent_id)
        await until(lambda: b.running._registry.on_trunk(trunk.id) == 0)


@pytest.mark.parametrize("method", [DialMethod.AGENT_FIRST, CLIENT_FIRST])
@pytest.mark.parametrize("order", ["not sent", "in doubt", "heard to ring"])
async def test_a_call_that_never_reached_the_phone_was_not_missed(
    tmp_path: Path, method: DialMethod, order: str
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        board.phones["PJSIP/anna"] = "silent"
        agents = ANNOUNCED if method is CLIENT_FIRST else {}
        call_agent = board.call_agent

        async def calls(given: object) -> None:
            if order == "heard to ring":
                await call_agent(given)  # type: ignore[arg-type]
                return
            b.switch.cut()
            if order == "not sent":
                await call_agent(given)  # type: ignore[arg-type]

        board.call_agent = calls  # type: ignore[method-assign]
        campaign = await staffed(b, method, agents=agents)
        if method is CLIENT_FIRST:
            (attempt_id,) = await b.placed(1)
            hears(b, attempt_id)
        if order == "heard to ring":
            await becomes(b, S.RINGING)
            await until(lambda: bool(board.legs))
            await passes(0.1)
            b.switch.cut()
            board.legs.clear()
        await until(lambda: not b.running.link_up)
        board.call_agent = call_agent  # type: ignore[method-assign]
        await passes(0.1)
        b.switch.mend()
        if order == "heard to ring":
            await becomes(b, S.PAUSED)
            return
        await until(lambda: bool(board.legs), "the phone is called again")
        assert view(b).state is S.RINGING
        assert await b.statuses(campaign) == {ContactStatus.IN_PROGRESS: 1}


async def test_who_leaves_while_the_phone_is_ordered_holds_nobody_up(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        board.phones["PJSIP/anna"] = "silent"
        call_agent = board.call_agent

        async def slowly_refused(_given: object) -> None:
            await b.running.agents.log_out("anna")
            raise SwitchRefused("No such endpoint.")

        board.call_agent = slowly_refused  # type: ignore[method-assign]
        with capture_logs() as lines:
            campaign = await staffed(b, DialMethod.AGENT_FIRST)
            await becomes(b, S.OFFLINE)

            async def given_back() -> bool:
                return await b.statuses(campaign) == {ContactStatus.PENDING: 1}

            await until(given_back)
            await until(lambda: not len(b.running._registry))
        board.call_agent = call_agent  # type: ignore[method-assign]
        assert [one for one in lines if one["event"] == "agent_not_called"]
        assert not [one for one in lines if one["event"] == "dialer_held_up"]


async def test_a_phone_that_rings_on_over_a_cut_link_is_not_missed(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        board.phones["PJSIP/anna"] = "silent"
        await staffed(b, DialMethod.AGENT_FIRST)
        await becomes(b, S.RINGING)
        await until(lambda: bool(board.legs))
        (leg,) = board.legs
        asked = len(board.asked("hold_agents"))
        b.switch.cut()
        b.switch.mend()
        await until(lambda: len(board.asked("hold_agents")) > asked + 1)
        await passes(0.2)
        assert view(b).state is S.RINGING
        board.pick_up(leg)
        await b.placed(1)


async def test_nothing_is_left_of_what_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.engine.agents.rounds.READ_AGENTS_EVERY_S", 0.1)
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, DialMethod.PREDICTIVE)
        desk = b.running.agents
        (attempt_id,) = await b.placed(1)
        assert desk.pace.campaigns == {campaign.id}
        reach(b, attempt_id)
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        assert desk.pacing(campaign.id) is not None
        hang_up(b, attempt_id, view(b).agent.id, TALKED)
        await becomes(b, S.WRAP_UP)
        await desk.ready("anna")
        await b.completed(campaign)
        await until(lambda: desk.pace.campaigns == frozenset(), "pacing is let go")
        assert await b.store.pacing(campaign.id, "predictive") is not None


async def test_a_phone_that_was_not_called_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        board = b.switch.board
        attempt_id = await rung(b, ("anna", "bob"))
        connect(b, attempt_id, view(b).agent.id)
        await becomes(b, S.TALKING)
        desk = b.running.agents
        board.phones["PJSIP/bob"] = "refused"
        with pytest.raises(SwitchRefused):
            await desk.spy("anna", SpyMode.LISTEN, "bob")
        assert desk.side_legs.ids == frozenset()
        board.phones["PJSIP/bob"] = "answers"
        await desk.spy("anna", SpyMode.LISTEN, "bob")
        assert len(desk.side_legs.ids) == 1
        # it ends while nobody hears of it
        b.switch.cut()
        board.legs.clear()
        board.up.clear()
        b.switch.mend()
        await until(lambda: desk.side_legs.ids == frozenset())


async def test_what_is_wrong_with_an_agent_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.engine.agents.rounds.TICK_S", 0.01)
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=0)
        desk = b.running.agents
        broken = True
        looks = 0

        async def look_at(*_given: object) -> None:
            nonlocal looks
            looks += 1
            if broken:
                raise StoreError("The disk is full.")

        with capture_logs() as lines:
            monkeypatch.setattr(desk.rounds, "_look_at", look_at)
            await until(lambda: looks > 5)
            broken = False
            looks = 0
            await until(lambda: looks > 1)
        told = [one for one in lines if "agent_not_looked_at" in {one["event"], one.get("trouble")}]
        assert [one["event"] for one in told] == ["agent_not_looked_at", "trouble_over"]
        assert {one["agent"] for one in told} == {"anna"}
