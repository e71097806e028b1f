"""Many who watch: each is told everything, what is sent is made once, and others get their turn."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from callcamp.engine.live import LiveFeed
from callcamp.http import hub as hub_module
from callcamp.http.hub import Change, Frame, Hub

WATCHERS = 3 * hub_module.AT_ONCE + 1
LAST = 5


class _Pages:
    """Draws a page with one region that changes and one that does not."""

    def __init__(self) -> None:
        self.live = LiveFeed()
        self.state = 0

    async def draw(self, _key: int) -> Frame:
        return Frame({"still": "x", "state": str(self.state)})

    def go_on(self) -> None:
        self.state += 1
        self.live.touch()


async def _watch(hub: Hub, told: list[Change], began: asyncio.Event) -> None:
    async with aclosing(hub.watch(1)) as changes:
        async for change in changes:
            if change is not None:
                told.append(change)
                began.set()
                if change["state"] == str(LAST):
                    return


async def _start(hub: Hub) -> tuple[list[list[Change]], list[asyncio.Task[None]]]:
    """Have many watch; returns what each is told, as soon as each was told something."""
    told: list[list[Change]] = [[] for _ in range(WATCHERS)]
    began = [asyncio.Event() for _ in told]
    tasks = [
        asyncio.create_task(_watch(hub, mine, event))
        for mine, event in zip(told, began, strict=True)
    ]
    await asyncio.gather(*(event.wait() for event in began))
    return told, tasks


async def test_all_of_many_watchers_are_told_till_the_end() -> None:
    pages = _Pages()
    hub = Hub(pages.live, pages.draw, min_pause_s=0.01)
    told, tasks = await _start(hub)
    for _ in range(LAST):
        pages.go_on()
        await asyncio.sleep(0.03)
    await asyncio.gather(*tasks)
    await hub.close()
    for mine in told:
        assert mine[0] == {"still": "x", "state": mine[0]["state"]}
        assert all(set(change) == {"state"} for change in mine[1:])
        states = [int(change["state"]) for change in mine]
        assert states == sorted(set(states))


async def test_a_change_is_the_same_object_for_all_who_had_the_same() -> None:
    pages = _Pages()
    hub = Hub(pages.live, pages.draw, min_pause_s=0.01)
    told, tasks = await _start(hub)
    pages.state = LAST - 1
    pages.go_on()
    await asyncio.gather(*tasks)
    await hub.close()
    assert len({id(mine[-1]) for mine in told}) == 1
    assert len(told[0]) == 2


async def test_others_get_their_turn_between_watchers() -> None:
    pages = _Pages()
    hub = Hub(pages.live, pages.draw, min_pause_s=0.01)
    _, tasks = await _start(hub)
    pages.state = LAST - 1
    pages.go_on()
    ended = set()
    while not all(task.done() for task in tasks):
        ended.add(sum(task.done() for task in tasks))
        await asyncio.sleep(0)
    await hub.close()
    # Seen from outside, they were not all told in one go.
    assert len(ended) > 2
