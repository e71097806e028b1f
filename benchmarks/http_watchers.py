"""Many browsers that watch live pages, in a process of their own: ``http_watchers ADDRESS N``.

Says ``watching`` when every one has its first state. At a line on standard input it says, as
JSON, how many states each has got, their bytes, and how many streams ended before that.
"""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp

_STATE = b"event: regions"


class Watchers:
    """Browsers that watch one page."""

    def __init__(self, count: int) -> None:
        self.states = [0] * count
        self.bytes = 0
        self.ready = asyncio.Event()
        """Set when every one has its first state, or one of them has ended."""

    async def watch(self, session: aiohttp.ClientSession, address: str, mine: int) -> None:
        """Watch until the stream ends."""
        try:
            async with session.get(address) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"{address} says {answer.status}")
                # An event ends with an empty line, however the network cuts it.
                while event := await answer.content.readuntil(b"\n\n"):
                    self.states[mine] += _STATE in event
                    self.bytes += len(event)
                    if all(self.states):
                        self.ready.set()
        finally:
            self.ready.set()


async def main(address: str, count: int) -> int:
    """Watch until a line comes on standard input."""
    watchers = Watchers(count)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None),
        connector=aiohttp.TCPConnector(limit=0),
        read_bufsize=2**20,
    ) as session:
        tasks = [
            asyncio.create_task(watchers.watch(session, address, mine)) for mine in range(count)
        ]
        await watchers.ready.wait()
        print("watching" if all(watchers.states) else "failed", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        ended = sum(task.done() for task in tasks)
        told = {"states": watchers.states, "bytes": watchers.bytes, "ended": ended}
        print(json.dumps(told), flush=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return 1 if ended else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
