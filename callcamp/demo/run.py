"""Run the demo: import a list, dial it to the end, compare with the witness."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console

from callcamp.app import run_engine, serve_pages
from callcamp.core.agent_settings import AgentSettings
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.states import CampaignStatus
from callcamp.demo.compare import Comparison, compare
from callcamp.demo.ground import LAB_NAME, Ground, ground_for
from callcamp.demo.options import DemoOptions
from callcamp.demo.sample import write_sample
from callcamp.demo.show import pace, progress_bar, results_table, show_verdict
from callcamp.demo.staff import AgentsAccount, account, agent_settings, bring_agents
from callcamp.engine import Engine
from callcamp.errors import CallcampError, Conflict
from callcamp.settings import Settings
from callcamp.store import migrate

RETRY = RetryPolicy(max_attempts=2, delay_s=5)
RING_TIMEOUT_S = 7
CPS = 20.0


def run_demo(options: DemoOptions) -> int:
    """Run the demo; returns 0 only if callcamp and the witness agree.

    Raises:
        CallcampError: it cannot run here; says what to do.
    """
    with only_one(demo_folder(options)):
        return asyncio.run(_Demo(options).run())


def demo_folder(options: DemoOptions) -> Path:
    """Return where the demo keeps its database, so that a cut-off demo can go on."""
    if options.folder is not None:
        return options.folder
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    name = "demo-simulated" if options.simulated else "demo"
    return Path(cache).expanduser() / "callcamp" / name


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep a second demo out of ``folder`` for the time of a block.

    Raises:
        Conflict: a demo runs there now.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another demo is running in {folder}; end it first.", folder=str(folder)
            ) from None
        yield


class _Demo:
    def __init__(self, options: DemoOptions) -> None:
        self._options = options
        self._folder = demo_folder(options)
        self._console = Console(stderr=True)

    async def run(self) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        left = self._notes_of_cut_off_demo()
        # Its lab ends with this demo, even one that starts anew.
        owns_lab = left is not None and left.get("owns_lab", False)
        notes = left if left is not None and self._can_go_on(left) else None
        async with ground_for(
            self._options, self._say, owns_lab=owns_lab, go_on=notes is not None
        ) as ground:
            self._say(f"Dialling into {ground.text}.")
            settings = self._settings(ground)
            if notes is None:
                self._clear()
                # Enough for the next demo to end the lab, should this one die now.
                self._note({"owns_lab": ground.owns_lab, "finished": False})
                await asyncio.to_thread(migrate, settings.database_url)
            async with run_engine(settings, ground.clock) as engine:
                if notes is None:
                    notes = await self._set_up(engine, ground)
                else:
                    self._say("Going on with the demo that was cut off (--fresh starts anew).")
                return await self._dial(engine, ground, settings, notes, stop)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    @property
    def _notes_file(self) -> Path:
        return self._folder / "demo.json"

    def _notes_of_cut_off_demo(self) -> dict[str, Any] | None:
        if self._options.simulated:
            return None
        try:
            notes: dict[str, Any] = json.loads(self._notes_file.read_text())
        except (OSError, ValueError):
            return None
        return None if notes.get("finished") else notes

    def _note(self, notes: dict[str, Any]) -> None:
        self._notes_file.write_text(json.dumps(notes))

    def _can_go_on(self, notes: dict[str, Any]) -> bool:
        return not self._options.fresh and notes.get("contacts") == self._options.contacts

    def _clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)

    def _settings(self, ground: Ground) -> Settings:
        return Settings(
            database_url=f"sqlite:///{self._folder}/callcamp.sqlite3",
            data_dir=self._folder,
            ami_host=ground.ami_host,
            ami_port=ground.ami_port,
            ami_username=ground.ami_username,
            ami_secret=SecretStr(ground.ami_secret),
            http_port=self._options.port,
        )

    async def _set_up(self, engine: Engine, ground: Ground) -> dict[str, Any]:
        trunk = await engine.commands.save_trunk(
            "callees", dial_string=ground.dial_string, cps=CPS * ground.clock.speed
        )
        campaign = await engine.commands.create_campaign(
            CampaignSettings(
                name="Demo",
                trunk_id=trunk.id,
                concurrency=self._options.concurrency,
                ring_timeout_s=RING_TIMEOUT_S,
                retry=RETRY,
                window=DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7))),
                mode=CampaignMode.MULTI_DAY,
                default_region="FR",
                prompt=ground.prompt,
                machine_message=ground.machine_message,
                agents=agent_settings(self._options.method)
                if self._options.agents
                else AgentSettings(),
            )
        )
        sample = self._folder / "people.csv"
        await asyncio.to_thread(write_sample, sample, self._options.contacts)
        preview = await engine.imports.preview(campaign.id, sample, sample.name)
        done = await engine.imports.confirm(preview.id)
        self._say(f"{done.added} contacts imported from {sample}.")
        notes = {
            "campaign": campaign.id,
            "contacts": self._options.contacts,
            "mark": ground.mark,
            "owns_lab": ground.owns_lab,
            "finished": False,
        }
        self._note(notes)
        if self._options.agents:
            await bring_agents(engine, campaign.id, self._options.agents, ground.clock.now())
        await engine.commands.start(campaign.id)
        return notes

    async def _dial(
        self,
        engine: Engine,
        ground: Ground,
        settings: Settings,
        notes: dict[str, Any],
        stop: asyncio.Event,
    ) -> int:
        async with serve_pages(engine, settings) as address:
            self._say(f"Watch it at {address}campaigns/{notes['campaign']}")
            await self._until_completed(engine, notes["campaign"], stop)
            if stop.is_set():
                self._say(
                    "Stopped."
                    if self._options.simulated
                    else "Stopped; its Asterisk stays up. Run it again and it goes on from here, "
                    f"or end that, too: callcamp lab down --name {LAB_NAME}"
                )
                return 1
            result = await self._compare(engine, ground, notes)
            agents = await self._account(engine, ground, notes)
            self._note({**notes, "finished": True})
            ground.finished = True
            self._report(result, agents)
            if not self._options.exit and not stop.is_set():
                self._say(f"The page stays at {address} until you press Ctrl-C.")
                await stop.wait()
        agree = result.agrees and (agents is None or not agents.disagreements)
        return 0 if agree else 1

    async def _until_completed(self, engine: Engine, campaign_id: int, stop: asyncio.Event) -> None:
        with progress_bar(self._console) as bar:
            task = bar.add_task("Calling", total=None, pace="")
            while not stop.is_set():
                stats = await engine.commands.stats(campaign_id)
                bar.update(
                    task, total=stats.counts.total, completed=stats.counts.done, pace=pace(stats)
                )
                if stats.campaign.status is CampaignStatus.COMPLETED:
                    return
                if engine.failed is not None and engine.failed.done():
                    raise CallcampError(f"The engine failed: {engine.failed.result()!r}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.25)

    async def _compare(self, engine: Engine, ground: Ground, notes: dict[str, Any]) -> Comparison:
        people = await asyncio.to_thread(
            write_sample, self._folder / "people.csv", notes["contacts"]
        )
        witness = await asyncio.to_thread(ground.witness, notes["mark"])
        return await compare(
            engine.store,
            notes["campaign"],
            people,
            witness,
            RETRY,
            with_agents=bool(self._options.agents),
        )

    async def _account(
        self, engine: Engine, ground: Ground, notes: dict[str, Any]
    ) -> AgentsAccount | None:
        if not self._options.agents:
            return None
        return await account(engine, notes["campaign"], ground.talks())

    def _report(self, result: Comparison, agents: AgentsAccount | None) -> None:
        self._console.print(results_table(result))
        show_verdict(self._console, result)
        if agents is not None:
            for line in (*agents.disagreements, agents.as_text()):
                self._say(line)
        if self._options.json:
            told = result.as_dict() | ({} if agents is None else {"agents": agents.as_dict()})
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
