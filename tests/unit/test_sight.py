"""What the engine sees of Asterisk, and when attempts and Asterisk agree."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from callcamp.engine.sight import Sight

NOW = datetime(2026, 11, 3, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def test_only_a_comparison_during_which_nothing_was_lost_counts() -> None:
    told: list[bool] = []
    sight = Sight(on_agreed=lambda: told.append(sight.agrees))
    assert not sight.agrees
    before = sight.losses
    sight.lose()
    assert not sight.agreed(before)
    assert (sight.agrees, told) == (False, [])
    assert sight.agreed(sight.losses)
    assert (sight.agrees, told) == (True, [True])
    sight.lose()
    assert not sight.agrees


def test_a_restart_of_asterisk_is_told_from_a_link_that_came_back() -> None:
    sight = Sight(on_agreed=lambda: None)
    assert not sight.link_up(NOW, None)
    assert not sight.link_up(NOW, NOW)
    assert not sight.link_up(LATER, NOW)
    # An Asterisk that does not say it keeps the instant that is known.
    assert not sight.link_up(LATER, None)
    assert sight.link_up(LATER, LATER)
    assert (sight.switch_started_at, sight.linked_at) == (LATER, LATER)


async def test_a_comparison_that_was_asked_for_is_taken_once() -> None:
    sight = Sight(on_agreed=lambda: None)
    assert not sight.take()
    waiting = asyncio.create_task(sight.asked())
    await asyncio.sleep(0)
    assert not waiting.done()
    sight.ask()
    await asyncio.wait_for(waiting, 60)
    assert sight.take()
    assert not sight.take()
