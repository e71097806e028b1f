"""An engine without a dialer: a real store, the real use-cases, a live feed to move by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from database_kit import make_database

from callcamp.core.agents import Agent, AgentState
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow
from callcamp.core.model import Campaign, NewContact
from callcamp.engine.access import Access
from callcamp.engine.agents.views import AgentView
from callcamp.engine.clock import Clock, utc_now
from callcamp.engine.commands import Commands
from callcamp.engine.directory_imports import DirectoryImports
from callcamp.engine.imports import Imports
from callcamp.engine.list_files import ListFiles
from callcamp.engine.live import LiveFeed
from callcamp.engine.passwords import Passwords
from callcamp.engine.vitals import Vitals
from callcamp.engine.webhooks import Webhooks
from callcamp.errors import NotFound
from callcamp.http.needs import AgentsLike
from callcamp.ports.switchboard import QueueView
from callcamp.settings import Settings
from callcamp.store import SqlStore


class FakeDesk:
    """What :class:`callcamp.http.needs.AgentsLike` asks for: views set by tests, orders kept.

    Args:
        seen: agents by name.
        asked: what was asked for, in order: the command, then its arguments.
        paced: what pacing did, by campaign.
        refuse: raised by the next command.
    """

    def __init__(self) -> None:
        self.seen: dict[str, AgentView] = {}
        self.asked: list[tuple[Any, ...]] = []
        self.paced: dict[int, Any] = {}
        self.refuse: Exception | None = None
        self.looked = 0
        self.in_asterisk: dict[str, QueueView] = {}
        self.feed = LiveFeed()

    @property
    def revision(self) -> int:
        return self.feed.version

    async def wait(self, seen: int) -> int:
        return await self.feed.wait(seen)

    def changed(self) -> None:
        self.looked += 1

    def show(self, agent: Agent, state: AgentState = AgentState.OFFLINE, **values: Any) -> None:
        """Set what is seen of an agent."""
        since = values.pop("since", utc_now())
        self.seen[agent.name] = AgentView(agent, state, since, **values)
        self.feed.touch()

    def view(self, name: str) -> AgentView:
        if name not in self.seen:
            raise NotFound(f"There is no agent {name!r}.", kind="agent", key=name)
        return self.seen[name]

    def views(self) -> list[AgentView]:
        return [self.seen[name] for name in sorted(self.seen)]

    async def queues(self) -> dict[str, QueueView]:
        return self.in_asterisk

    def pacing(self, campaign_id: int) -> Any:
        return self.paced.get(campaign_id)

    def __getattr__(self, command: str) -> Any:
        if command not in COMMANDS:
            raise AttributeError(command)

        async def ask(name: str, *arguments: Any) -> AgentView:
            view = self.view(name)
            if self.refuse is not None:
                refusal, self.refuse = self.refuse, None
                raise refusal
            self.asked.append((command, name, *arguments))
            return view

        return ask


COMMANDS = frozenset(
    name
    for name in vars(AgentsLike)
    if not name.startswith("_")
    and name not in {"revision", "wait", "changed", "view", "views", "queues", "pacing"}
)
"""What may be asked of an agent."""


@dataclass
class FakeEngine:
    """What :class:`callcamp.http.needs.EngineLike` asks for, without a dialer."""

    store: SqlStore
    commands: Commands
    live: LiveFeed
    imports: Imports
    access: Access
    webhooks: Webhooks
    directory_imports: DirectoryImports
    list_files: ListFiles
    agents: FakeDesk = field(default_factory=FakeDesk)
    clock: Clock = field(default_factory=Clock)
    link_up: bool = True
    link_problem: str | None = None
    settings: Settings = field(default_factory=Settings)
    gateway: object = None
    fares: Vitals = field(default_factory=Vitals)

    def __post_init__(self) -> None:
        self.agents.feed = self.live

    def vitals(self) -> Vitals:
        return self.fares

    async def campaign(self, name: str = "Renewal", contacts: int = 0, **changes: Any) -> Campaign:
        """Add a trunk and a draft."""
        trunk = await self.commands.save_trunk(
            "carrier", dial_string="PJSIP/{number}@carrier", cps=10
        )
        values: dict[str, Any] = {
            "prompt": "hello",
            "mode": CampaignMode.MULTI_DAY,
            "window": DailyWindow(time(0), time(0), weekdays=frozenset(range(7))),
            **changes,
        }
        campaign = await self.commands.create_campaign(
            CampaignSettings(name=name, trunk_id=trunk.id, **values)
        )
        await self.add(campaign.id, contacts)
        return campaign

    async def add(self, campaign_id: int, count: int, **variables: str) -> None:
        """Add contacts with numbers in a row."""
        new = [NewContact(f"+1202555{n:04}", variables) for n in range(count)]
        await self.store.add_contacts(campaign_id, new, now=utc_now())


@asynccontextmanager
async def open_engine(folder: Path) -> AsyncIterator[FakeEngine]:
    """Yield an engine over a fresh database in ``folder``."""
    url = f"sqlite:///{folder / 'test.sqlite3'}"
    make_database(url)
    store = SqlStore(url)
    await store.open()
    live = LiveFeed()
    settings = Settings(data_dir=folder / "data", database_url=url, import_max_mib=2)
    imports = Imports(store, settings, utc_now)
    # Passwords cost nothing here: what they cost is tested with them.
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    access = Access(store, settings, utc_now, cheap)
    commands = Commands(store, live=live)
    webhooks = Webhooks(store, settings, utc_now)
    yield FakeEngine(
        store,
        commands,
        live,
        imports,
        access,
        webhooks,
        DirectoryImports(settings, utc_now),
        ListFiles(settings, utc_now),
        settings=settings,
    )
    await store.close()


def token_in(page: str) -> str:
    """Return the form token of a page."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]
