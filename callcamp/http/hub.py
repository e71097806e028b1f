"""Live pages: each thing that is watched is drawn once per change, for all who watch it.

A topic (the list, or one campaign) has one task while anybody watches it. The task draws a
:class:`Frame`, waits for the engine's change counter, and draws again, twice a second at
most. Watchers get only the regions that differ from what they have; a slow one misses
frames in between, never the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field

import structlog

from callcamp.engine.live import LiveFeed
from callcamp.errors import CallcampError, TooBusy

log = structlog.get_logger(__name__)

LIST = 0
"""The topic of the campaign list; those above are campaign numbers, those below the agents'."""

MIN_PAUSE_S = 0.5
REFRESH_S = 5.0
HEARTBEAT_S = 15.0
MAX_WATCHERS = 500
BUSY_S = 30.0
"""In how many seconds to ask again for a stream when there are that many."""
AT_ONCE = 8
"""How many watchers are told before others than watchers get their turn."""
BREATH_S = 0.005
"""How long that turn is: requests and calls need several looks of the event loop each."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a live page shows.

    Args:
        regions: id of an element -> its content as HTML.
        shape: which regions there are; when it changes ``outline`` is sent.
        outline: the elements around them, as regions themselves.
    """

    regions: Mapping[str, str]
    shape: str = ""
    outline: Mapping[str, str] = field(default_factory=dict)


class Change(dict[str, str]):
    """Regions that changed, the same for all who had the same before.

    Attributes:
        encoded: what was made of it for sending, by who may see what; made once for all.
    """

    def __init__(self, regions: Mapping[str, str]) -> None:
        super().__init__(regions)
        self.encoded: dict[Hashable, bytes] = {}


@dataclass(slots=True)
class _Topic:
    task: asyncio.Task[None] | None = None
    watchers: int = 0
    frame: Frame | None = None
    problem: CallcampError | None = None
    drawn: int = 0
    changes: dict[int, Change] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)


class Hub:
    """All live pages of this process.

    Args:
        live: the engine's change counter.
        draw: returns what a topic shows now.
        min_pause_s: least time between two frames.
        refresh_s: a frame is drawn at least this often: not every change is counted, such
            as what another process does to the database.
    """

    def __init__(
        self,
        live: LiveFeed,
        draw: Callable[[int], Awaitable[Frame]],
        *,
        min_pause_s: float = MIN_PAUSE_S,
        refresh_s: float = REFRESH_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._live = live
        self._draw = draw
        self._min_pause_s = min_pause_s
        self._refresh_s = refresh_s
        self._heartbeat_s = heartbeat_s
        self._topics: dict[int, _Topic] = {}
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return sum(topic.watchers for topic in self._topics.values())

    async def watch(self, key: int) -> AsyncGenerator[Change | None]:
        """Yield the regions of a topic that changed, all of them first; None is a heartbeat.

        Ends when the hub closes.

        Raises:
            TooBusy: too many streams are open.
            CallcampError: what drawing raised, e.g. that there is no such campaign.
        """
        if self.watchers >= MAX_WATCHERS:
            raise TooBusy(
                "Too many live pages are open; close some.",
                retry_after_s=BUSY_S,
                limit=MAX_WATCHERS,
                value=self.watchers,
            )
        topic = self._topics.setdefault(key, _Topic())
        topic.watchers += 1
        if topic.task is None:
            topic.task = asyncio.create_task(self._run(key, topic), name=f"live-{key}")
        try:
            seen, sent, loop = 0, None, asyncio.get_running_loop()
            told_at = loop.time()
            while not self._closed:
                if not await self._wait(topic, seen):
                    told_at = loop.time()
                    yield None
                    continue
                if topic.problem is not None:
                    raise topic.problem
                if topic.frame is None:
                    return
                # Whoever has seen the same frame gets the same change.
                changed = topic.changes.get(seen)
                if changed is None:
                    changed = topic.changes[seen] = _change(sent, topic.frame)
                seen, sent = topic.drawn, topic.frame
                if changed:
                    told_at = loop.time()
                    yield changed
                elif loop.time() - told_at >= self._heartbeat_s:
                    # Frames come, but all alike: the connection is as silent as without them.
                    told_at = loop.time()
                    yield None
        finally:
            topic.watchers -= 1
            if not topic.watchers:
                self._topics.pop(key, None)
                if topic.task is not None:
                    topic.task.cancel()

    async def close(self) -> None:
        """End every stream and every task."""
        self._closed = True
        topics = list(self._topics.values())
        tasks = [topic.task for topic in topics if topic.task is not None]
        for task in tasks:
            task.cancel()
        for topic in topics:
            async with topic.changed:
                topic.changed.notify_all()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, topic: _Topic, seen: int) -> bool:
        async with topic.changed:
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    await topic.changed.wait_for(lambda: topic.drawn != seen or self._closed)
            except TimeoutError:
                return False
        return True

    async def _run(self, key: int, topic: _Topic) -> None:
        while True:
            version = self._live.version
            try:
                topic.frame = await self._draw(key)
                topic.problem = None
            except CallcampError as error:
                topic.problem = error
            except Exception:
                # A frame that fails must not end the topic: the next one may work.
                log.exception("live.crashed", topic=key)
                topic.problem = CallcampError("The live page could not be drawn.")
            topic.drawn += 1
            topic.changes = {}
            told_s = asyncio.get_running_loop().time()
            await _tell(topic)
            spent_s = asyncio.get_running_loop().time() - told_s
            await asyncio.sleep(max(0.0, self._min_pause_s - spent_s))
            try:
                async with asyncio.timeout(self._refresh_s):
                    await self._live.wait(version)
            except TimeoutError:
                pass


def _change(sent: Frame | None, frame: Frame) -> Change:
    """Return what makes ``frame`` of the frame that was sent."""
    if sent is None or frame.shape != sent.shape:
        # The outline goes first: it makes the elements that the regions fill.
        return Change({**frame.outline, **frame.regions})
    return Change({k: v for k, v in frame.regions.items() if sent.regions.get(k) != v})


async def _tell(topic: _Topic) -> None:
    """Wake the watchers, a few at a time: calls and requests come between them."""
    for _ in range(AT_ONCE, topic.watchers, AT_ONCE):
        async with topic.changed:
            topic.changed.notify(AT_ONCE)
        await asyncio.sleep(BREATH_S)
    async with topic.changed:
        topic.changed.notify_all()
