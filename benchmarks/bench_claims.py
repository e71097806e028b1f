"""Claims per second with few and with many contacts: claiming must not slow down with size."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figures, at_least
from callcamp.core.model import CampaignSettings, NewContact
from callcamp.core.states import CampaignEvent
from callcamp.store import SqlStore, migrate

NAME = "claims"
SECONDS = 60
BATCH = 50
ROUNDS = 3
BATCHES_PER_ROUND = 40
SMALL, LARGE = 10_000, 1_000_000
_ids = itertools.count()


async def _campaign(store: SqlStore, trunk_id: int, contacts: int) -> int:
    now = datetime.now(UTC)
    campaign = await store.create_campaign(
        CampaignSettings(name=str(contacts), trunk_id=trunk_id), now=now
    )
    rows = (NewContact(f"+331{n:09d}", {"name": "x"}) for n in range(contacts))
    while chunk := list(itertools.islice(rows, 50_000)):
        await store.add_contacts(campaign.id, chunk, now=now - timedelta(seconds=60))
    await store.move_campaign(campaign.id, CampaignEvent.STARTED, now=now)
    return campaign.id


async def _claims_per_s(store: SqlStore, campaign_id: int) -> float:
    started = time.perf_counter()
    for _ in range(BATCHES_PER_ROUND):
        now = datetime.now(UTC)
        ids = [f"cc-{next(_ids):026d}" for _ in range(BATCH)]
        claims = await store.claim(
            campaign_id, ids, now=now, lease_until=now + timedelta(seconds=30)
        )
        if len(claims) != BATCH:
            raise RuntimeError(f"{len(claims)} of {BATCH} contacts were claimed")
        sent = await store.mark_dialing(ids, now=now)
        if len(sent) != BATCH:
            raise RuntimeError(f"{len(sent)} of {BATCH} attempts may be sent")
    return BATCH * BATCHES_PER_ROUND / (time.perf_counter() - started)


async def run() -> Figures:
    """Claim from two campaigns of one database in turn."""
    with tempfile.TemporaryDirectory(prefix="callcamp-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        await asyncio.to_thread(migrate, url)
        store = SqlStore(url)
        await store.open()
        try:
            trunk = await store.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1)
            small = await _campaign(store, trunk.id, SMALL)
            large = await _campaign(store, trunk.id, LARGE)
            rates: dict[int, list[float]] = {small: [], large: []}
            for _ in range(ROUNDS):
                for campaign_id, list_ in rates.items():
                    list_.append(await _claims_per_s(store, campaign_id))
        finally:
            await store.close()
    value, floor = (statistics.median(rates[i]) for i in (large, small))
    return {
        "claims_per_s_at_1000000_contacts": at_least(
            value, floor, round(1 / 1.5, 3), "claims/s (floor: at 10,000 contacts)"
        )
    }


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
