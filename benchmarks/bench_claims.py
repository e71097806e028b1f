"""Claims per second with few and with many contacts: claiming must not slow down with size.

Each campaign is claimed from through its real gate, once with all its contacts due in one
place, once with most of them asleep: not due yet, or in one of many places that are closed.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figures, at_least
from callcamp.core.campaign_settings import CampaignSettings, DailyWindow
from callcamp.core.model import NewContact
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignEvent
from callcamp.store import SqlStore, migrate

NAME = "claims"
SECONDS = 120
BATCH = 50
ROUNDS = 3
BATCHES_PER_ROUND = 40
SMALL, LARGE = 10_000, 1_000_000
AWAKE = 7_000
AREA_CODES = ["212", "213", "312", "305", "404", "503", "602", "702", "808", "907"]
_ids = itertools.count()


async def _add(store: SqlStore, campaign_id: int, phones: Iterator[str], at: datetime) -> None:
    while chunk := list(itertools.islice(phones, 50_000)):
        await store.add_contacts(campaign_id, [NewContact(p, {"name": "x"}) for p in chunk], now=at)


async def _campaign(store: SqlStore, trunk_id: int, contacts: int, *, asleep: bool) -> int:
    """Add a running campaign; ``asleep``: all but some of its contacts cannot be called."""
    now = datetime.now(UTC)
    settings = CampaignSettings(
        str(contacts), trunk_id, window=DailyWindow(zone="UTC", weekdays=frozenset(range(7)))
    )
    campaign = await store.create_campaign(settings, now=now)
    due = now - timedelta(seconds=60)
    awake = min(AWAKE, contacts) if asleep else contacts
    # Every campaign has numbers of its own: the gate calls none that is in another call.
    area = campaign.id
    here = (f"+33{area}{n:08d}" for n in range(awake))
    await _add(store, campaign.id, here, due)
    rest = contacts - awake
    later = (f"+33{area}9{n:07d}" for n in range(rest // 2))
    await _add(store, campaign.id, later, now + timedelta(days=1))
    codes = itertools.cycle(AREA_CODES)
    far = (f"+1{next(codes)}{area}{n:06d}" for n in range(rest - rest // 2))
    await _add(store, campaign.id, far, due)
    await store.move_campaign(campaign.id, CampaignEvent.STARTED, now=now)
    return campaign.id


async def _claims_per_s(store: SqlStore, campaign_id: int) -> float:
    campaign = await store.campaign(campaign_id)
    rules = RuleSet(campaign.settings)
    noon = datetime.now(UTC).replace(hour=12)
    started = time.perf_counter()
    for _ in range(BATCHES_PER_ROUND):
        now = datetime.now(UTC)
        ids = [f"cc-{next(_ids):026d}" for _ in range(BATCH)]
        # The places that are open, as the dialer asks for them before it claims.
        places = [place for place in await store.heads(campaign_id) if place.startswith("FR")]
        claimed = await store.claim(
            campaign_id,
            ids,
            places=places,
            # By day, whenever the benchmark runs: the hours are not what is measured.
            judge=lambda batch: rules.judge(replace(batch, now=noon)),
            look_back_s=7 * 86_400,
            now=now,
            lease_until=now + timedelta(seconds=30),
        )
        if len(claimed.claims) != BATCH:
            raise RuntimeError(f"{len(claimed.claims)} of {BATCH} contacts were claimed")
        sent = await store.mark_dialing(ids, now=now)
        if len(sent) != BATCH:
            raise RuntimeError(f"{len(sent)} of {BATCH} attempts may be sent")
    return BATCH * BATCHES_PER_ROUND / (time.perf_counter() - started)


async def _pair(store: SqlStore, trunk_id: int, *, asleep: bool) -> tuple[float, float]:
    """Claim from a large and a small campaign in turn."""
    large = await _campaign(store, trunk_id, LARGE, asleep=asleep)
    small = await _campaign(store, trunk_id, SMALL, asleep=asleep)
    rates: dict[int, list[float]] = {large: [], small: []}
    for _ in range(ROUNDS):
        for campaign_id, list_ in rates.items():
            list_.append(await _claims_per_s(store, campaign_id))
    return statistics.median(rates[large]), statistics.median(rates[small])


async def run() -> Figures:
    """Measure; see the module."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="callcamp-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        await asyncio.to_thread(migrate, url)
        store = SqlStore(url)
        await store.open()
        try:
            trunk = await store.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1)
            for name, asleep in (("", False), ("_asleep", True)):
                value, floor = await _pair(store, trunk.id, asleep=asleep)
                figures[f"claims_per_s_at_1000000_contacts{name}"] = at_least(
                    value, floor, round(1 / 1.5, 3), "claims/s (floor: at 10,000 contacts)"
                )
        finally:
            await store.close()
    return figures


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
