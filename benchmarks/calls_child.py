"""callcamp as it serves, in a process of its own, dialling one campaign to the end."""

from __future__ import annotations

import asyncio
import sys

import structlog

from callcamp.app import run_engine
from callcamp.core.states import CampaignEvent, CampaignStatus
from callcamp.settings import Settings


async def main(campaign_id: int) -> int:
    """Start the campaign, and pause it when a line comes on standard input."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    async with run_engine(Settings()) as engine:
        await engine.store.move_campaign(campaign_id, CampaignEvent.STARTED, now=engine.clock.now())
        print("started", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await engine.commands.pause(campaign_id)
        stats = await engine.commands.stats(campaign_id)
        while stats.in_calls:
            await engine.live.wait(engine.live.version)
            stats = await engine.commands.stats(campaign_id)
        print(stats.counts.calls_made, flush=True)
    return 0 if stats.campaign.status is CampaignStatus.PAUSED else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]))))
