"""The book of campaigns reads again what has changed, and only that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine_kit import bench, until

from callcamp.core.states import CampaignEvent
from callcamp.store import SqlStore


async def test_a_running_engine_decodes_settings_again_only_when_they_changed(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as b:
        engine = await b.start()
        kept, other = [await b.campaign(0, prefix=prefix) for prefix in ("+3361", "+3362")]
        await until(lambda: len(engine._book.running()) == 2)
        before = {c.id: c.settings for c in engine._book.running()}

        elsewhere = SqlStore(b.settings.database_url)
        await elsewhere.open()
        try:
            await elsewhere.change_settings(
                other.id,
                replace(other.settings, name="renamed"),
                expected_version=other.version,
                now=b.clock.now(),
            )
        finally:
            await elsewhere.close()

        def names() -> set[str]:
            return {c.settings.name for c in engine._book.running()}

        # Nobody tells the engine: it finds it by its own look.
        await until(lambda: "renamed" in names())
        after = {c.id: c.settings for c in engine._book.running()}
        assert after[kept.id] is before[kept.id]
        assert after[other.id] is not before[other.id]


async def test_a_campaign_that_is_over_leaves_the_book(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        engine = await b.start()
        campaign = await b.campaign(0)
        await until(lambda: engine._book.is_running(campaign.id, campaign.version))
        await b.store.move_campaign(campaign.id, CampaignEvent.STOPPED, now=b.clock.now())
        await until(lambda: not engine._book.not_over())
