"""Pacing is asked how many calls may start when calls may start at all, and once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from agents_kit import staffed
from engine_kit import BUSY, BY_HAND, Bench, bench, passes, until

from callcamp.core.agent_settings import DialMethod
from callcamp.core.campaign_settings import DailyWindow
from callcamp.core.pacing.contract import PacingDecision, PacingSnapshot, WrapUpEnded
from callcamp.core.pacing.progressive import Progressive
from callcamp.core.ruleset import RuleSet
from callcamp.engine.agents.pace import Pace
from callcamp.errors import StoreError

PROGRESSIVE = DialMethod.PROGRESSIVE


def watch(b: Bench) -> list[str]:
    """Return the list in which it is noted when room is asked for, and contacts are claimed."""
    seen: list[str] = []
    pace = b.running.agents.pace
    asked = pace.room

    async def room(*args: Any, **kwargs: Any) -> Any:
        seen.append("room")
        return await asked(*args, **kwargs)

    pace.room = room  # type: ignore[method-assign]
    b.store.before = lambda name: seen.append(name) if name == "claim" else None
    return seen


async def test_outside_the_hours_nothing_is_paced(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        seen = watch(b)
        at = b.clock.now() + timedelta(hours=6)
        later = DailyWindow(
            start=time(at.hour), end=time(at.hour, 30), weekdays=frozenset(range(7))
        )
        await staffed(b, PROGRESSIVE, window=later)
        await passes(0.3)
        assert seen == []


async def test_without_a_link_nothing_is_paced_and_that_is_said(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE, contacts=3)
        (first,) = await b.placed(1)
        b.switch.cut()
        await until(lambda: not b.running.tracker.synced)

        def why() -> str:
            view = b.running.agents.pacing(campaign.id)
            return "" if view is None else view.why

        await until(lambda: why() == "nothing is called: Asterisk cannot be reached")
        seen = watch(b)
        await passes(0.2)
        assert seen == []
        b.switch.mend()
        b.switch.respond(first, success=False)
        b.switch.end(first, BUSY)
        await b.placed(2)
        assert seen[0] == "room"
        assert "nothing is called" not in why()


async def test_when_nobody_could_be_claimed_room_is_not_asked_for_again(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        seen = watch(b)
        await staffed(b, PROGRESSIVE, consent_scope="marketing")
        await until(lambda: "claim" in seen)
        await passes(0.2)
        assert seen == ["room", "claim"]


async def test_the_next_contacts_are_taken_to_be_as_those_called_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[PacingSnapshot] = []

    class Noting(Progressive):
        def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
            asked.append(snapshot)
            return super().decide(snapshot)

    monkeypatch.setattr("callcamp.engine.agents.pace.make_method", lambda *_a, **_k: Noting())
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        await staffed(b, PROGRESSIVE, contacts=3)
        for calls in (1, 2):
            started = (await b.placed(calls))[-1]
            await until(lambda: len(asked[-1].next_kinds) == calls)  # noqa: B023
            assert {kind.ordinal for kind in asked[-1].next_kinds} == {1}
            b.switch.respond(started, success=False)
            b.switch.end(started, BUSY)
        await b.placed(3)
    assert asked[0].next_kinds == ()


async def test_what_was_learnt_is_written_once_and_again_after_a_failure(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        await b.start()
        campaign = await staffed(b, PROGRESSIVE)
        desk, written, works = b.running.agents, [], [False]

        async def save(
            campaign_id: int, method: str, state: Mapping[str, Any], *, now: datetime
        ) -> None:
            written.append((campaign_id, method))
            if not works[0]:
                raise StoreError("the disk is full")

        b.store.save_pacing = save  # type: ignore[method-assign]
        # Its own: the engine's goes on meanwhile.
        pace = Pace(b.store, desk.floor, b.running._registry, b.running.clock)
        await pace.room(campaign, RuleSet(campaign.settings))
        for works[0] in (False, True, True):
            await pace.keep(every_s=0)
        assert written == [(campaign.id, "progressive")] * 2
        pace.observe(campaign.id, WrapUpEnded(0.0, 3.0))
        await pace.keep(every_s=0)
        assert len(written) == 3
