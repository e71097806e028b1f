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

from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow
from callcamp.core.model import Campaign, NewContact
from callcamp.engine.access import Access
from callcamp.engine.clock import Clock, utc_now
from callcamp.engine.commands import Commands
from callcamp.engine.directory_imports import DirectoryImports
from callcamp.engine.imports import Imports
from callcamp.engine.list_files import ListFiles
from callcamp.engine.live import LiveFeed
from callcamp.engine.passwords import Passwords
from callcamp.engine.vitals import Vitals
from callcamp.engine.webhooks import Webhooks
from callcamp.settings import Settings
from callcamp.store import SqlStore, migrate


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
    clock: Clock = field(default_factory=Clock)
    link_up: bool = True
    link_problem: str | None = None
    settings: Settings = field(default_factory=Settings)
    gateway: object = None
    fares: Vitals = field(default_factory=Vitals)

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
    migrate(url)
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
