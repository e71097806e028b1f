"""Calls per second and CPU per call: callcamp against a bare AMI loop on one Asterisk.

Both keep calls in flight over the same trunk, dialplan and hangup handler, as fast as they
can. They take turns, so that a machine whose speed drifts does not favour one. callcamp runs
with its database on disk, and its books are held against the callees' after every turn.

``calls``: what a campaign does: answered at once, a prompt, two seconds in all.
``calls_no_talk``: the hardest case there is: answered at once and hung up at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from statistics import median

from benchmarks.bare_loop import BareLoop
from benchmarks.figures import Figures, at_least, at_most
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.model import NewContact
from callcamp.lab import LabInfo, lab_down, lab_up, load_number, witness, witness_mark
from callcamp.store import SqlStore, migrate

NAME = "calls"
SECONDS = 200
ROUNDS = 3
WARM_UP_S = 3.0
WINDOW_S = 12.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Kind:
    """A kind of call, and how many of them each side does best with at once.

    callcamp's number is larger: a call counts as live until its end is on disk.
    """

    name: str
    prompt: str
    bare_in_flight: int
    concurrency: int


KINDS = (
    Kind("calls", "silence/1", 400, 420),
    Kind("calls_no_talk", "", 40, 120),
)


@dataclass(frozen=True)
class Run:
    """One turn: calls per second, and CPU milliseconds per call of both sides."""

    calls_per_s: float
    asterisk_ms: float
    own_ms: float


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def bare(info: LabInfo, kind: Kind) -> Run:
    """Let the bare loop dial for a while."""
    loop = BareLoop(info, kind.bare_in_flight, kind.prompt)
    ends = time.monotonic() + WARM_UP_S + WINDOW_S
    task = asyncio.create_task(loop.run(lambda: time.monotonic() >= ends))
    await asyncio.sleep(WARM_UP_S)
    before = loop.ended, cpu_s(info.asterisk_pid), cpu_s(os.getpid()), time.monotonic()
    await asyncio.sleep(WINDOW_S - 0.5)
    after = loop.ended, cpu_s(info.asterisk_pid), cpu_s(os.getpid()), time.monotonic()
    await task
    return _run(before, after)


async def callcamp(info: LabInfo, kind: Kind, folder: Path) -> Run:
    """Let callcamp dial for a while, and check its books against the witness."""
    url = f"sqlite:///{folder / 'bench.sqlite3'}"
    await asyncio.to_thread(migrate, url)
    store = SqlStore(url)
    await store.open()
    try:
        campaign_id = await _campaign(store, info, kind)
        mark = witness_mark(info)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.calls_child",
            str(campaign_id),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                "CALLCAMP_DATABASE_URL": url,
                "CALLCAMP_DATA_DIR": str(folder),
                "CALLCAMP_AMI_HOST": info.ami_host,
                "CALLCAMP_AMI_PORT": str(info.ami_port),
                "CALLCAMP_AMI_USERNAME": info.ami_username,
                "CALLCAMP_AMI_SECRET": info.ami_secret,
            },
        )
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("no pipes")
        try:
            await _line(child.stdout, b"started")
            await asyncio.sleep(WARM_UP_S)
            before = await _state(store, campaign_id, info, child.pid)
            await asyncio.sleep(WINDOW_S)
            after = await _state(store, campaign_id, info, child.pid)
            child.stdin.write(b"pause\n")
            made = int((await child.stdout.readline()).decode() or -1)
            if await child.wait():
                raise RuntimeError("callcamp did not end well")
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    finally:
        await store.close()
    seen = sum((await asyncio.to_thread(witness, info, mark)).values())
    if seen != made:
        raise RuntimeError(f"callcamp says {made} calls, the witness saw {seen}")
    return _run(before, after)


async def _campaign(store: SqlStore, info: LabInfo, kind: Kind) -> int:
    now = datetime.now(UTC)
    trunk = await store.save_trunk("lab", dial_string=f"PJSIP/{{number}}@{info.trunk}", cps=1000)
    campaign = await store.create_campaign(
        CampaignSettings(
            name="bench",
            trunk_id=trunk.id,
            concurrency=kind.concurrency,
            # Those hung up on at once are called again: the list lasts.
            retry=RetryPolicy(max_attempts=9, delay_s=0),
            window=DailyWindow(
                start=clock_time(0), end=clock_time(0), weekdays=frozenset(range(7))
            ),
            mode=CampaignMode.MULTI_DAY,
            prompt=kind.prompt or None,
            detect_machines=False,
        ),
        now=now,
    )
    contacts = [NewContact(load_number(i), {"name": "x"}) for i in range(10_000)]
    await store.add_contacts(campaign.id, contacts, now=now)
    return campaign.id


async def _line(stream: asyncio.StreamReader, wanted: bytes) -> None:
    while (line := await stream.readline()).strip() != wanted:
        if not line:
            raise RuntimeError("callcamp did not start")


async def _state(
    store: SqlStore, campaign_id: int, info: LabInfo, pid: int
) -> tuple[int, float, float, float]:
    counts = await store.counts(campaign_id)
    return counts.calls_made, cpu_s(info.asterisk_pid), cpu_s(pid), time.monotonic()


def _run(before: tuple[int, float, float, float], after: tuple[int, float, float, float]) -> Run:
    calls, asterisk_s, own_s, seconds = (b - a for a, b in zip(before, after, strict=True))
    if calls <= 0:
        raise RuntimeError("no call ended within the window")
    return Run(calls / seconds, 1000 * asterisk_s / calls, 1000 * own_s / calls)


async def run() -> Figures:
    """Let both dial in turn and compare medians."""
    info = await asyncio.to_thread(lab_up, "bench")
    figures: Figures = {}
    try:
        for kind in KINDS:
            figures.update(await _compare(info, kind))
    finally:
        await asyncio.to_thread(lab_down, "bench")
    return figures


async def _compare(info: LabInfo, kind: Kind) -> Figures:
    bares, ours = [], []
    for _ in range(ROUNDS):
        bares.append(await bare(info, kind))
        with tempfile.TemporaryDirectory(prefix="callcamp-bench-") as folder:
            ours.append(await callcamp(info, kind, Path(folder)))
    return {
        f"{kind.name}_per_s": at_least(
            median(r.calls_per_s for r in ours),
            median(r.calls_per_s for r in bares),
            0.9,
            "calls/s (floor: bare AMI loop)",
            bare_loop_ms_per_call=round(median(r.own_ms for r in bares), 3),
        ),
        f"{kind.name}_cpu_ms": at_most(
            median(r.own_ms for r in ours),
            median(r.asterisk_ms for r in ours),
            0.3,
            "ms of CPU a call (floor: Asterisk's)",
        ),
    }


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
