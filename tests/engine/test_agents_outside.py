"""Agents call numbers outside: only those that the campaign allows, and each leaves a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agents_kit import TALKED, becomes, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, now, until

from callcamp.core.agent_events import ThirdLeft
from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.changes import NewSuppression
from callcamp.core.reasons import Reason
from callcamp.engine.commands import Commands
from callcamp.engine.why import Why
from callcamp.errors import Conflict, InvalidInput, SwitchError, SwitchRefused, SwitchTimeout
from callcamp.ports import acting_as
from callcamp.ports.switchboard import TransferTo

NUMBER = TransferTo.NUMBER
PARIS, PREMIUM = "+33142685300", "+33899123456"


async def talking(b: Bench, *entries: str, **settings: Any) -> str:
    """Have anna talk to a contact of a campaign that allows these numbers."""
    await b.start()
    agents = {"transfer_numbers": entries}
    await staffed(b, DialMethod.PROGRESSIVE, agents=agents, default_region="FR", **settings)
    (attempt_id,) = await b.placed(1)
    reach(b, attempt_id)
    connect(b, attempt_id, view(b).agent.id)
    await becomes(b, AgentState.TALKING)
    return attempt_id


async def noted(b: Bench) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the lines of the audit about calls to numbers: action, who, what."""
    found = await b.store.audit(limit=100)
    return [
        (one.action, one.actor, dict(one.after))
        for one in reversed(found)
        if one.action.startswith("agent.number_") and one.after is not None
    ]


async def test_as_it_comes_no_number_may_be_called(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b)
        desk, board = b.running.agents, b.switch.board
        for ask in (desk.transfer, desk.consult):
            with pytest.raises(Conflict, match=r"does not let agents call \+33142685300"):
                await ask("anna", NUMBER, "01 42 68 53 00")
        assert board.asked("transfer") == board.asked("consult") == []
        assert (view(b).state, view(b).call.consulting) == (AgentState.TALKING, "")  # type: ignore[union-attr]
        assert [action for action, _, _ in await noted(b)] == ["agent.number_refused"] * 2


async def test_what_the_campaign_allows_is_called_and_audited(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, "FR")
        desk, board = b.running.agents, b.switch.board
        with acting_as("page:anna"):
            with pytest.raises(Conflict, match="does not let agents call"):
                await desk.transfer("anna", NUMBER, PREMIUM)
            with pytest.raises(InvalidInput, match="too short"):
                await desk.transfer("anna", NUMBER, "12")
            await desk.transfer("anna", NUMBER, "01 42 68 53 00")
        assert board.asked("transfer") == [(attempt_id, NUMBER, f"PJSIP/{PARIS}@carrier")]
        refused, called = await noted(b)
        assert (refused[0], refused[2]["number"]) == ("agent.number_refused", PREMIUM)
        assert called[:2] == ("agent.number_called", "page:anna")
        assert (called[2]["number"], called[2]["attempt_id"]) == (PARIS, attempt_id)


@pytest.mark.parametrize("everywhere", [True, False])
async def test_who_must_not_be_called_is_not(tmp_path: Path, everywhere: bool) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b, PARIS)
        (campaign,) = await b.store.campaigns()
        entry = NewSuppression(
            PARIS, "asked", source="test", campaign_id=None if everywhere else campaign.id
        )
        await b.store.suppress([entry], now=b.clock.now())
        with pytest.raises(Conflict, match="must not be called: the number is"):
            await b.running.agents.consult("anna", NUMBER, PARIS)
        assert b.switch.board.asked("consult") == []


async def test_such_a_call_needs_a_channel_of_the_trunk(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, PARIS, max_channels=2)
        desk, registry = b.running.agents, b.running._registry
        (trunk,) = await b.store.trunks()
        await desk.consult("anna", NUMBER, PARIS)
        assert registry.on_trunk(trunk.id) == 2
        await desk.cancel_consult("anna")
        assert registry.on_trunk(trunk.id) == 1
        await desk.transfer("anna", NUMBER, PARIS)
        assert registry.on_trunk(trunk.id) == 2
        hang_up(b, attempt_id, None, TALKED)
        await until(lambda: registry.get(attempt_id) is None)
        assert registry.on_trunk(trunk.id) == 0


async def test_who_waits_for_the_trunk_is_told_of_calls_to_numbers(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b, PARIS, max_channels=2)
        await b.running.agents.consult("anna", NUMBER, PARIS)
        waiting = await b.campaign(1, max_channels=2, prefix="+3377")
        another_process = Commands(b.store, clock=b.clock.now, settings=b.settings)
        for commands in (b.running.commands, another_process):

            async def is_full(why: Why = commands.why) -> bool:
                told = await why.campaign(waiting.id)
                return told.explanation.plan.hold is Reason.TRUNK_FULL

            await until(is_full, "the trunk is full")
        assert b.switch.orders[1:] == []
        await b.running.agents.cancel_consult("anna")
        await b.ordered(2)


@pytest.mark.parametrize(
    ("problem", "live"), [(SwitchRefused("No such channel."), 1), (SwitchTimeout("Silence."), 2)]
)
@pytest.mark.parametrize("way", ["transfer", "consult"])
async def test_an_order_that_was_refused_needs_no_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, problem: SwitchError, live: int
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b, PARIS, max_channels=2)

        async def fails(*_: Any) -> None:
            raise problem

        monkeypatch.setattr(b.switch.board, way, fails)
        with pytest.raises(SwitchError):
            await getattr(b.running.agents, way)("anna", NUMBER, PARIS)
        assert b.running._registry.on_trunk(1) == live
        assert view(b).call.consulting == ""  # type: ignore[union-attr]

        async def is_written() -> bool:
            (shift,) = await b.store.live_shifts()
            return shift.in_hand.consulting == ""

        await until(is_written)


async def test_a_full_trunk_is_said_to_be_full(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b, PARIS, max_channels=1)
        with pytest.raises(Conflict, match="No channel of trunk carrier is free, of 1"):
            await b.running.agents.transfer("anna", NUMBER, PARIS)
        assert view(b).state is AgentState.TALKING


async def test_the_next_call_of_the_trunk_waits_for_its_turn(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await talking(b, PARIS, cps=2.0)
        ((lane, _),) = b.running._lanes._lanes.values()
        before_s = lane._bucket.due_s
        await b.running.agents.consult("anna", NUMBER, PARIS)
        assert lane._bucket.due_s >= before_s + 0.5


@pytest.mark.parametrize("whose", ["this talk's", "another phone's"])
async def test_who_was_asked_is_gone_and_the_contact_still_waits(
    tmp_path: Path, whose: str
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, "FR")
        desk = b.running.agents
        await desk.consult("anna", NUMBER, PARIS)
        call = view(b).call
        assert call is not None
        assert call.channel_id is not None
        channel = call.channel_id if whose == "this talk's" else "1.99"
        b.switch.emit(ThirdLeft(attempt_id, now(), channel))
        if whose != "this talk's":
            with pytest.raises(Conflict, match="while the contact waits"):
                await desk.hold("anna", True)
            await desk.cancel_consult("anna")
            return
        await until(lambda: view(b).call.consulting == "")  # type: ignore[union-attr]
        assert view(b).call.on_hold  # type: ignore[union-attr]
        assert b.running._registry.on_trunk(1) == 1, "the call outside counts no more"
        with pytest.raises(Conflict, match="talking to nobody else"):
            await desk.complete_consult("anna")
        await desk.hold("anna", False)
        assert b.switch.board.asked("unhold") == [(attempt_id, channel)]
        assert not view(b).call.on_hold  # type: ignore[union-attr]
