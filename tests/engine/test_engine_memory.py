"""What an engine remembers does not grow with the campaigns, contacts and calls it has had."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine_kit import Bench, Script, bench, until

from callcamp.engine import Engine

BOUNDED = {"_rules._kept"}
"""What keeps a fixed number of things at most."""
OTHERS = {"store", "gateway", "switchboard", "settings", "clock"}
"""What is no part of the engine."""


def held(thing: object, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, int]]:
    """Yield every container that an engine reaches: the way to it, and how much is in it."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, dict | list | set | deque):
        yield path, len(thing)
        inner: Any = thing.values() if isinstance(thing, dict) else thing
        for each in list(inner):
            yield from held(each, f"{path}[]", seen)
    elif type(thing).__module__.startswith("callcamp.engine"):
        names = getattr(thing, "__slots__", ()) or vars(thing)
        for name in names:
            if name.strip("_") not in OTHERS:
                whole = f"{path}.{name}" if path else name
                yield from held(getattr(thing, name, None), whole, seen)


def sizes(engine: Engine) -> dict[str, int]:
    """Return how much is in each container; those with the same way to them together."""
    found: dict[str, int] = {}
    for path, size in held(engine):
        found[path] = found.get(path, 0) + size
    return found


async def wave(b: Bench, campaigns: int, contacts: int) -> None:
    """Run campaigns to their end, and wait until nobody looks back at their calls."""
    made = [await b.campaign(contacts, prefix=f"+336{n:02d}"[:6]) for n in range(campaigns)]
    for campaign in made:
        await b.completed(campaign)
    b.clock.skip_to(b.clock.now() + timedelta(minutes=10))
    await until(lambda: not b.running._book.not_over() and not len(b.running._registry))


async def test_nothing_in_the_engine_grows_with_what_is_over(tmp_path: Path) -> None:
    async with bench(tmp_path, Script()) as b:
        engine = await b.start()
        await wave(b, campaigns=2, contacts=2)
        few = sizes(engine)
        assert len(few) > 40, "the walk reaches the engine's parts"
        await wave(b, campaigns=6, contacts=10)

        def grown() -> dict[str, tuple[int, int]]:
            return {
                path: (few.get(path, 0), size)
                for path, size in sizes(engine).items()
                if size > few.get(path, 0) and path not in BOUNDED
            }

        await until(lambda: not grown(), "nothing is kept: " + str(grown()))
