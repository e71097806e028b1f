"""What the tests of the use-cases on lists and records share."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcamp.core.campaign_settings import CampaignMode, CampaignSettings
from callcamp.core.gate import Batch, LetOut
from callcamp.core.model import NewContact
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent
from callcamp.engine.lists import Lists
from callcamp.ports import AuditEntry
from callcamp.settings import Settings
from callcamp.store import SqlStore, migrate

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ANN, BOB, CID = "+33612345678", "+33612345679", "+442079460018"
HOSTILE_LINES = [
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE contact; --",
    "<script>alert(1)</script>",
    "[bold]x[/bold]",
    "Zoë 李 🎉",
]
"""Texts of one line that are kept as they are."""
BROKEN = ["", " ", "a\r\nb", "a\0b", "a\x1bb", "half \ud83d", "a\u2028b", "x" * 1000]
"""Texts that are refused wherever one line is needed."""


class Office:
    """A database with one running campaign, and the use-cases on it."""

    def __init__(self, folder: Path, store: SqlStore, settings: Settings) -> None:
        self.folder = folder
        self.store = store
        self.settings = settings
        self.changed: list[int | None] = []
        self.suppressed: list[tuple[int | None, list[str]]] = []
        self.lists = Lists(
            store,
            clock=lambda: NOW,
            on_change=self.changed.append,
            on_suppressed=lambda campaign_id, phones: self.suppressed.append((campaign_id, phones)),
        )
        self.campaign_id = 0

    def file(self, text: str | bytes, name: str = "numbers.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    async def campaign(self, *phones: str, **settings: Any) -> int:
        """Add a running campaign with contacts; it goes on when they are done."""
        (trunk,) = await self.store.trunks()
        usual = {"name": "c", "default_region": "FR", "mode": CampaignMode.ALWAYS_ON}
        wanted = CampaignSettings(**{**usual, "trunk_id": trunk.id, **settings})
        made = await self.store.create_campaign(wanted, now=NOW)
        await self.store.add_contacts(made.id, map(NewContact, phones), now=NOW)
        await self.store.move_campaign(made.id, CampaignEvent.STARTED, now=NOW)
        return made.id

    async def status(self, phone: str) -> tuple[str, Reason | None]:
        """Return where the contact of the first campaign stands, and why."""
        (contact,) = await self.store.contacts(self.campaign_id, phone=phone)
        return contact.status.value, contact.hold

    async def claim(self, campaign_id: int, attempt_id: str) -> None:
        """Let one call out."""

        def let_out(batch: Batch) -> list[LetOut]:
            return [LetOut(c.contact_id, c.number_index, None, None) for c in batch.candidates[:1]]

        await self.store.claim(
            campaign_id,
            [attempt_id],
            places=None,
            judge=let_out,
            look_back_s=86400,
            now=NOW,
            lease_until=NOW + DAY,
        )

    async def hold(self, phone: str, reason: Reason) -> None:
        """Have a contact of the first campaign wait for a reason, for ever."""
        from callcamp.core.gate import PassedOver

        def judge(batch: Batch) -> list[PassedOver]:
            return [PassedOver(c.contact_id, reason) for c in batch.candidates]

        await self.store.claim(
            self.campaign_id,
            ["held"],
            places=None,
            judge=judge,
            look_back_s=86400,
            now=NOW,
            lease_until=NOW + DAY,
        )
        assert (await self.status(phone))[1] is reason

    async def actions(self) -> list[str]:
        """Return what was audited, oldest first, campaigns and trunks left out."""
        entries: list[AuditEntry] = await self.store.audit()
        kinds = {"campaign", "contact", "trunk", "contacts"}
        return [e.action for e in reversed(entries) if e.kind not in kinds]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lists") / "empty.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def office(tmp_path: Path, empty_database: Path) -> AsyncIterator[Office]:
    shutil.copyfile(empty_database, tmp_path / "db.sqlite3")
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    store = SqlStore(url)
    await store.open()
    try:
        made = Office(tmp_path, store, Settings(database_url=url, data_dir=tmp_path / "data"))
        await store.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1)
        made.campaign_id = await made.campaign(ANN, BOB, CID)
        yield made
    finally:
        await store.close()
