"""What the tests of the rule book share: a bench at an instant of the test's choosing.

Time is the engine's own: it begins at :data:`NOON` and jumps with :meth:`Scene.skip_to`, so that
hours, days and retry delays pass at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine_kit import ALL_DAY, Bench, Script, bench, number_of, passes, until

from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, RetryPolicy
from callcamp.core.model import Campaign, Contact
from callcamp.core.outcome import Evidence
from callcamp.core.states import CampaignStatus, ContactStatus
from callcamp.engine.clock import Clock
from callcamp.engine.commands import Commands, RawContact
from callcamp.ports import CallOrder

NOON = datetime(2027, 3, 3, 12, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ANN, BOB, CID, DOT = "+33612340001", "+33612340002", "+33612340003", "+33612340004"
NEW_YORK = "+12125550101"
NO_LINE = Evidence(cause=34, sip_code=503)
MANY_LOOKS_S = 0.2
"""In this time the dialer of a bench looks at its campaigns several times."""


@dataclass
class Scene:
    """Use-cases on a bench."""

    b: Bench

    @property
    def commands(self) -> Commands:
        """Those of the engine if one runs; else as those of another process."""
        if self.b.engine is not None:
            return self.b.engine.commands
        return Commands(self.b.store, clock=self.b.clock.now, settings=self.b.settings)

    @property
    def now(self) -> datetime:
        return self.b.clock.now()

    async def start(self, *, reachable: bool = True) -> None:
        """Start the engine, and wait until it would dial."""
        engine = await self.b.start(reachable=reachable)
        if reachable:
            await until(lambda: engine.tracker.synced)

    async def campaign(
        self,
        *contacts: str | RawContact,
        start: bool = True,
        cps: float = 200.0,
        max_channels: int | None = None,
        trunk: str = "carrier",
        attempts: int = 1,
        delay_s: int = 600,
        **settings: Any,
    ) -> Campaign:
        """Make a campaign as people do, and start it."""
        made = await self.commands.save_trunk(
            trunk, dial_string=f"PJSIP/{{number}}@{trunk}", cps=cps, max_channels=max_channels
        )
        defaults: dict[str, Any] = {
            "name": "test",
            "trunk_id": made.id,
            "ring_timeout_s": 5,
            "window": ALL_DAY,
            "mode": CampaignMode.MULTI_DAY,
            "prompt": "hello",
            "default_region": "FR",
            "retry": RetryPolicy(max_attempts=attempts, delay_s=delay_s),
        }
        campaign = await self.commands.create_campaign(CampaignSettings(**(defaults | settings)))
        await self.add(campaign, *contacts)
        return await self.commands.start(campaign.id) if start else campaign

    async def add(self, campaign: Campaign, *contacts: str | RawContact) -> None:
        """Add contacts."""
        raw = [RawContact(c, {}) if isinstance(c, str) else c for c in contacts]
        await self.commands.add_contacts(campaign.id, raw)

    async def contact(self, campaign: Campaign, phone: str) -> Contact:
        (found,) = await self.b.store.contacts(campaign.id, phone=phone)
        return found

    async def status(self, campaign: Campaign, phone: str) -> ContactStatus:
        return (await self.contact(campaign, phone)).status

    async def is_in(self, campaign: Campaign, status: CampaignStatus) -> None:
        """Wait until a campaign is in a state."""

        async def so() -> bool:
            return (await self.b.store.campaign(campaign.id)).status is status

        await until(so, f"the campaign is {status}")

    def calls(self, phone: str) -> int:
        """Return how many calls to a number were ordered."""
        return len(self.b.switch.ids_of(phone))

    async def called(self, phone: str, times: int = 1) -> str:
        """Wait until a number was called so often in all; return the id of the last call."""
        await until(lambda: self.calls(phone) >= times, f"{phone} is called {times} times")
        assert self.calls(phone) == times
        return self.b.switch.ids_of(phone)[-1]

    async def nobody_is_called(self) -> None:
        """See that several looks of the dialer lead to no call."""
        before = [o.attempt_id for o in self.b.switch.orders]
        await passes(MANY_LOOKS_S)
        assert [o.attempt_id for o in self.b.switch.orders] == before

    async def idle(self) -> None:
        """Wait until no call is in progress, and its end is written."""
        await until(lambda: not len(self.b.running._registry), "no call is in progress")

    async def end(self, attempt_id: str, evidence: Evidence, *, answer: bool = False) -> None:
        """End a call that the test drives by hand, and wait until that is written."""
        await until(lambda: attempt_id in self.b.switch.channels)
        if answer:
            self.b.switch.answer(attempt_id)
        else:
            self.b.switch.respond(attempt_id, success=False)
        self.b.switch.end(attempt_id, evidence)
        await until(lambda: self.b.running._registry.get(attempt_id) is None)

    def skip_to(self, instant: datetime) -> None:
        """Jump ahead."""
        self.b.clock.skip_to(instant)

    async def run_out(self, *campaigns: Campaign) -> None:
        """Go on minute by minute until campaigns are completed."""

        async def over() -> bool:
            await self.idle()
            self.skip_to(self.now + timedelta(seconds=61))
            await passes(0.05)
            found = [await self.b.store.campaign(c.id) for c in campaigns]
            return all(c.status is CampaignStatus.COMPLETED for c in found)

        await until(over, "the campaigns are completed")

    async def change(self, campaign: Campaign, **settings: Any) -> Campaign:
        """Change settings of a draft or paused campaign."""
        now = await self.b.store.campaign(campaign.id)
        return await self.commands.change_settings(
            campaign.id, replace(now.settings, **settings), expected_version=now.version
        )


@contextlib.asynccontextmanager
async def scene(
    folder: Path,
    script: Callable[[CallOrder], Script] | Script | None = None,
    *,
    at: datetime = NOON,
    started: bool = True,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """Run a scene for a block, with an engine or without one yet."""
    async with bench(folder, script, **settings) as b:
        b.clock = Clock(1.0, at)
        made = Scene(b)
        if started:
            await made.start()
        yield made


def busy_for(*phones: str, otherwise: Script | None = None) -> Callable[[CallOrder], Script]:
    """Return a script by which some numbers are busy, and everybody else answers."""
    return lambda order: (
        Script(answers=False) if number_of(order) in phones else otherwise or Script()
    )


def write_preset(folder: Path, name: str, body: str, places: str = '"FR"') -> Path:
    """Write a legal preset of an admin's own; ``folder`` is the deployment's ``legal_dir``."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(
        f'title = "Own"\nplaces = [{places}]\nsource = "own"\nchecked_on = 2026-11-21\n{body}\n'
    )
    return path
