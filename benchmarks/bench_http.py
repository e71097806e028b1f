"""The API while 200 browsers watch and calls are placed, against the API with nothing else to do.

callcamp serves as ``callcamp serve`` does, in a process of its own; the switch is the simulated
one, the browsers are a third process. Requests go out at fixed instants, 50 a second, whether
earlier ones were answered or not, and each counts from its instant: an answer that holds others
up is held against callcamp as often as it does. Afterwards the store is held against the
switch's own log of calls, number by number, and every browser has to have been told till the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.figures import Figures, at_least, at_most
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.model import NewContact
from callcamp.store import SqlStore, migrate

NAME = "http"
SECONDS = 75
WATCHERS = 200
REQUESTS_PER_S = 50
CALLS_PER_S = 50
WARM_UP_S = 4.0
UNLOADED_S = 15.0
LOADED_S = 25.0
PATIENCE_S = 30.0
AIM_RATIO = 5.0
CONTACTS = 4_000
LAG_LIMIT_MS = 50.0
# Half are busy; the others talk for a second or so: some 35 calls in progress.
_MODEL = {
    "answer": 0.5,
    "busy": 0.5,
    "rejected": 0.0,
    "invalid": 0.0,
    "unavailable": 0.0,
    "congestion": 0.0,
    "silent": 0.0,
    "ring_mean_s": 0.3,
    "talk_mean_s": 1.0,
}


@dataclass(frozen=True)
class Load:
    """What a phase of requests gave: milliseconds each, and how late the loop was."""

    latencies_ms: list[float]
    lag_p99_ms: float

    @property
    def p99_ms(self) -> float:
        return sorted(self.latencies_ms)[int(len(self.latencies_ms) * 0.99)]


class Client:
    """Asks the API, in turns of several kinds: lists, counts, and one more contact."""

    def __init__(self, session: aiohttp.ClientSession, address: str, campaign_id: int) -> None:
        one = f"{address}api/v1/campaigns/{campaign_id}"
        self._session, self._metrics, self._one = session, f"{address}metrics", one
        new = itertools.count()
        self._asks: list[Callable[[], Any]] = [
            lambda: session.get(f"{one}/stats"),
            lambda: session.get(f"{one}/contacts", params={"limit": "50"}),
            lambda: session.get(f"{address}api/v1/campaigns"),
            lambda: session.get(f"{one}/attempts", params={"limit": "50"}),
            lambda: session.post(
                f"{one}/contacts", json={"phone": f"+3362{next(new):07d}", "variables": {"n": "x"}}
            ),
        ]

    async def move(self, name: str) -> None:
        """Start or pause the campaign."""
        async with self._session.post(f"{self._one}/{name}") as answer:
            if answer.status >= 300:
                raise RuntimeError(f"{name}: {answer.status} {await answer.text()}")

    async def stats(self) -> dict[str, Any]:
        """Return the campaign's counts."""
        async with self._session.get(f"{self._one}/stats") as answer:
            stats: dict[str, Any] = await answer.json()
        return stats

    async def load(self, seconds: float) -> Load:
        """Ask at a steady rate for a while."""
        before = await self._lag()
        began_s = time.monotonic() + 0.1
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._ask(began_s + i / REQUESTS_PER_S, i))
                for i in range(int(seconds * REQUESTS_PER_S))
            ]
        return Load([task.result() for task in tasks], _p99(before, await self._lag()))

    async def _ask(self, due_s: float, turn: int) -> float:
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        async with self._asks[turn % len(self._asks)]() as answer:
            await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{answer.url}: {answer.status} {await answer.text()}")
        return 1000 * (time.monotonic() - due_s)

    async def _lag(self) -> dict[float, float]:
        async with self._session.get(self._metrics) as answer:
            text = await answer.text()
        found = re.findall(r'callcamp_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)', text)
        return {float(limit): float(count) for limit, count in found}


def _p99(before: dict[float, float], after: dict[float, float]) -> float:
    """Return the bucket's limit, in ms, under which 99 of 100 of the looks between lie."""
    added = {limit: after[limit] - before[limit] for limit in sorted(after)}
    total = added[float("inf")]
    return next(1000 * limit for limit, n in added.items() if n >= 0.99 * total)


@contextlib.asynccontextmanager
async def _process(
    *arguments: str, env: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python module for a block, and end it whatever happens."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        limit=2**24,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            try:
                await asyncio.wait_for(child.wait(), PATIENCE_S)
            except TimeoutError:
                child.kill()
                await child.wait()


async def _line(child: asyncio.subprocess.Process) -> str:
    if child.stdout is None:
        raise RuntimeError("no pipe")
    line = await asyncio.wait_for(child.stdout.readline(), PATIENCE_S)
    if not line:
        raise RuntimeError("a process ended too early")
    return line.decode()


async def _end(child: asyncio.subprocess.Process) -> str:
    """End a process by SIGTERM; returns the last it says."""
    child.send_signal(signal.SIGTERM)
    line = await _line(child)
    await asyncio.wait_for(child.wait(), PATIENCE_S)
    return line


async def _prepare(url: str) -> int:
    await asyncio.to_thread(migrate, url)
    store = SqlStore(url)
    await store.open()
    try:
        now = datetime.now(UTC)
        trunk = await store.save_trunk(
            "carrier", dial_string="PJSIP/{number}@carrier", cps=CALLS_PER_S
        )
        campaign = await store.create_campaign(
            CampaignSettings(
                name="bench",
                trunk_id=trunk.id,
                concurrency=200,
                retry=RetryPolicy(max_attempts=1, delay_s=0),
                window=DailyWindow(
                    start=clock_time(0), end=clock_time(0), weekdays=frozenset(range(7))
                ),
                mode=CampaignMode.ALWAYS_ON,
                prompt="hello",
            ),
            now=now,
        )
        people = [NewContact(f"+3361{i:07d}", {"name": "x"}) for i in range(CONTACTS)]
        await store.add_contacts(campaign.id, people, now=now)
    finally:
        await store.close()
    return campaign.id


async def run() -> Figures:
    """Measure the API alone, then with everything else."""
    with tempfile.TemporaryDirectory(prefix="callcamp-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        campaign_id = await _prepare(url)
        async with _process(
            "callcamp.switch.simulated", "--seed", "1", "--behaviour", json.dumps(_MODEL)
        ) as switch:
            where = json.loads(await _line(switch))
            env = {
                "CALLCAMP_DATABASE_URL": url,
                "CALLCAMP_DATA_DIR": folder,
                "CALLCAMP_AMI_HOST": where["host"],
                "CALLCAMP_AMI_PORT": str(where["port"]),
                "CALLCAMP_AMI_SECRET": "simulated",
                "CALLCAMP_HTTP_PORT": "0",
                "CALLCAMP_LOG_LEVEL": "warning",
            }
            async with _process("callcamp", "serve", env=env) as served:
                address = (await _line(served)).split()[-1]
                figures, stats = await _measure(address, campaign_id)
            saw: dict[str, int] = json.loads(await _end(switch))["witness"]
        await _compare(url, campaign_id, saw, stats)
    return figures


async def _measure(address: str, campaign_id: int) -> tuple[Figures, dict[str, Any]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = Client(session, address, campaign_id)
        await client.load(WARM_UP_S)
        unloaded = await client.load(UNLOADED_S)
        await client.move("start")
        page = f"{address}campaigns/{campaign_id}/live"
        async with _process("benchmarks.http_watchers", page, str(WATCHERS)) as watchers:
            if await _line(watchers) != "watching\n":
                raise RuntimeError("not every browser got its first state")
            await client.load(WARM_UP_S)
            before = (await client.stats())["calls_made"], time.monotonic()
            loaded = await client.load(LOADED_S)
            after = (await client.stats())["calls_made"], time.monotonic()
            if watchers.stdin is None:
                raise RuntimeError("no pipe")
            watchers.stdin.write(b"enough\n")
            told = json.loads(await _line(watchers))
        if told["ended"] or min(told["states"]) < 2:
            raise RuntimeError(
                f"{told['ended']} streams ended, fewest states {min(told['states'])}"
            )
        await client.move("pause")
        limit_s = time.monotonic() + PATIENCE_S
        while (stats := await client.stats())["in_calls"]:
            if time.monotonic() > limit_s:
                raise RuntimeError("calls do not end")
            await asyncio.sleep(0.1)
    calls_per_s = (after[0] - before[0]) / (after[1] - before[1])
    figures: Figures = {
        "http_api_p99_ms": at_most(
            loaded.p99_ms,
            unloaded.p99_ms,
            AIM_RATIO,
            "ms (floor: the API alone)",
            requests_per_s=REQUESTS_PER_S,
            watchers=WATCHERS,
            states_per_watcher_per_s=round(
                sum(told["states"]) / WATCHERS / (LOADED_S + WARM_UP_S), 2
            ),
            kb_per_state=round(told["bytes"] / sum(told["states"]) / 1000, 1),
            median_ms=round(sorted(loaded.latencies_ms)[len(loaded.latencies_ms) // 2], 2),
        ),
        "http_loop_lag_p99_ms": at_most(
            loaded.lag_p99_ms,
            LAG_LIMIT_MS,
            1,
            "ms (limit)",
            unloaded_ms=unloaded.lag_p99_ms,
        ),
        "http_calls_per_s": at_least(
            calls_per_s, CALLS_PER_S, 0.95, "calls/s (floor: the trunk's)"
        ),
    }
    return figures, stats


async def _compare(url: str, campaign_id: int, saw: dict[str, int], stats: dict[str, Any]) -> None:
    store = SqlStore(url)
    await store.open()
    try:
        kept = await store.calls_per_number(campaign_id)
    finally:
        await store.close()
    ours = {number: one["ended"] for number, one in kept.items() if one["ended"]}
    if ours != saw:
        differ = {n for n in ours.keys() | saw.keys() if ours.get(n) != saw.get(n)}
        raise RuntimeError(f"callcamp and the switch differ on {len(differ)} numbers")
    if stats["calls_made"] != sum(saw.values()):
        raise RuntimeError(f"{stats['calls_made']} calls counted, {sum(saw.values())} made")
    unknown = stats["calls"].get("unknown", 0)
    if unknown:
        raise RuntimeError(f"the end of {unknown} calls was lost")


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
