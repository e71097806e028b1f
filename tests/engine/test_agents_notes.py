"""What agents note during a talk, and when the time for the result is over, is not lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from agents_kit import TALKED, becomes, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, until

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.scripts import CallScript, Element, ElementKind
from callcamp.engine.agents.views import WrapUpNote
from callcamp.errors import Conflict, InvalidInput

S, K = AgentState, ElementKind
SCRIPT = CallScript(
    (Element(K.TEXT, "Which size?", "size", required=True), Element(K.TEXT, "Why?", "why"))
)


async def talking(b: Bench, **settings: Any) -> str:
    await b.start()
    agents = {"script": SCRIPT, "outcomes": ("sold", "no")}
    await staffed(b, DialMethod.PROGRESSIVE, agents=agents, **settings)
    (attempt_id,) = await b.placed(1)
    reach(b, attempt_id)
    connect(b, attempt_id, view(b).agent.id)
    await becomes(b, S.TALKING)
    return attempt_id


async def noted(b: Bench, attempt_id: str, outcome: str, **answers: str) -> None:
    async def is_so() -> bool:
        attempt = await b.store.attempt(attempt_id)
        return attempt.outcome == outcome and attempt.variables == answers

    await until(is_so)


@pytest.mark.parametrize("back_h", [-1, 24 * 100])
async def test_an_impossible_callback_is_refused_while_one_can_still_ask(
    tmp_path: Path, back_h: float
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, callbacks=True)
        note = WrapUpNote("sold", {"size": "m"}, b.clock.now() + timedelta(hours=back_h))
        with pytest.raises(Conflict, match="callback cannot be made"):
            await b.running.agents.finish("anna", attempt_id, note)
        assert view(b).call is not None
        assert view(b).call.noted is False


async def test_a_callback_that_the_end_of_the_call_forbids_costs_no_answers(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, callbacks=True)
        back_at = b.clock.now() + timedelta(seconds=2)
        note = WrapUpNote("sold", {"size": "m"}, back_at)
        await b.running.agents.finish("anna", attempt_id, note)
        await until(lambda: b.clock.now() > back_at)
        hang_up(b, attempt_id, view(b).agent.id, TALKED)
        await noted(b, attempt_id, "sold", size="m")


async def test_the_last_of_several_notes_holds(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b, callbacks=True, attempts=5)
        first = WrapUpNote("sold", {"size": "m", "why": "x"}, b.clock.now() + timedelta(hours=1))
        await b.running.agents.finish("anna", attempt_id, first)
        await b.running.agents.finish("anna", attempt_id, WrapUpNote("no", {"size": "l"}))
        hang_up(b, attempt_id, view(b).agent.id)
        await noted(b, attempt_id, "no", size="l")
        contact = await b.store.contact((await b.store.attempt(attempt_id)).contact_id)
        assert contact.callback_at is None


async def test_what_is_missing_at_the_end_of_the_time_keeps_nothing_from_being_noted(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        note = WrapUpNote("no", {"why": "too dear"})
        with pytest.raises(InvalidInput, match="size"):
            await b.running.agents.finish("anna", attempt_id, note)
        await b.running.agents.finish("anna", attempt_id, replace(note, unfinished=True))
        assert view(b).state is S.READY
        await noted(b, attempt_id, "no", why="too dear")


async def test_a_talk_that_outlives_callcamp_counts_as_the_agents_call(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        attempt_id = await talking(b)
        since = view(b).since
        await b.running.agents.floor.write()
        await b.kill()
        await b.start()
        assert view(b).state is S.TALKING
        hang_up(b, attempt_id, view(b).agent.id)
        await becomes(b, S.WRAP_UP)
        await b.running.agents.finish("anna", attempt_id, WrapUpNote("sold", {"size": "m"}))
        await noted(b, attempt_id, "sold", size="m")
        attempt = await b.store.attempt(attempt_id)
        assert (attempt.agent_id, attempt.connected_at) == (view(b).agent.id, since)
