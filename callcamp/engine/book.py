"""The campaigns and trunks that matter now, kept fresh from the store."""

from __future__ import annotations

from callcamp.core.model import Campaign, Trunk
from callcamp.core.states import CampaignStatus
from callcamp.engine.registry import Registry
from callcamp.errors import NotFound
from callcamp.ports import Store


class CampaignBook:
    """A cache of running campaigns, of those with live calls, and of all trunks."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._campaigns: dict[int, Campaign] = {}
        self._trunks: dict[int, Trunk] = {}

    async def refresh(self) -> None:
        """Read running campaigns, campaigns with live calls, and trunks again."""
        fresh = {c.id: c for c in await self._store.campaigns(CampaignStatus.RUNNING)}
        for campaign_id in {t.campaign_id for t in self._registry} - fresh.keys():
            fresh[campaign_id] = await self._store.campaign(campaign_id)
        self._campaigns = fresh
        self._trunks = {t.id: t for t in await self._store.trunks()}

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return a campaign, from the cache when it is there."""
        known = self._campaigns.get(campaign_id)
        if known is None:
            known = self._campaigns[campaign_id] = await self._store.campaign(campaign_id)
        return known

    async def trunk(self, trunk_id: int) -> Trunk:
        """Return a trunk, from the cache when it is there.

        Raises:
            NotFound: there is none.
        """
        if trunk_id not in self._trunks:
            self._trunks = {t.id: t for t in await self._store.trunks()}
        if trunk_id not in self._trunks:
            raise NotFound(f"There is no trunk {trunk_id}.", kind="trunk", key=trunk_id)
        return self._trunks[trunk_id]

    def running(self) -> list[Campaign]:
        """Return the campaigns that were running at the last refresh, oldest first."""
        running = (c for c in self._campaigns.values() if c.status is CampaignStatus.RUNNING)
        return sorted(running, key=lambda c: c.id)

    def is_running(self, campaign_id: int) -> bool:
        """Tell whether a campaign was running at the last refresh."""
        campaign = self._campaigns.get(campaign_id)
        return campaign is not None and campaign.status is CampaignStatus.RUNNING
