"""What the clock does to campaigns: queued ones start, ended ones complete, numbers rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from callcamp.core.model import Campaign
from callcamp.core.resting import judge_pools
from callcamp.core.states import CampaignEvent, CampaignStatus
from callcamp.engine.book import CampaignBook
from callcamp.engine.checks import is_switched_off
from callcamp.engine.rulebook import RuleBook
from callcamp.errors import Conflict
from callcamp.ports import Store
from callcamp.settings import Settings

log = structlog.get_logger(__name__)

REST_LOOK_EVERY = timedelta(seconds=30)
"""How often outbound numbers are judged by their answer rate, by the engine's clock."""


class Lifecycle:
    """Moves campaigns on with the clock.

    Args:
        store: where campaigns move.
        book: the campaigns that are not over.
        rules: their rules.
        settings: whether campaigns, and which modes, are switched on.
    """

    def __init__(
        self, store: Store, book: CampaignBook, rules: RuleBook, settings: Settings
    ) -> None:
        self._store = store
        self._book = book
        self._rules = rules
        self._settings = settings
        self._rest_looked_at: datetime | None = None

    def is_switched_off(self, campaign: Campaign) -> bool:
        """Tell whether this deployment lets no campaign of this mode dial."""
        return is_switched_off(self._settings, campaign)

    async def look(self, now: datetime) -> bool:
        """Carry out what is due at ``now``; tells whether anything changed."""
        changed = False
        for campaign in self._book.not_over():
            changed |= await self._move_on(campaign, now)
        changed |= await self._rest_numbers(now)
        return changed

    async def _move_on(self, campaign: Campaign, now: datetime) -> bool:
        event = self._event(campaign, now)
        if event is None:
            return False
        try:
            await self._store.move_campaign(campaign.id, event, now=now)
        except Conflict as error:
            # Somebody was faster.
            log.info("campaign_not_moved", campaign=campaign.id, problem=error.message)
            return True
        log.info("campaign_moved", campaign=campaign.id, event_name=event.value)
        return True

    def _event(self, campaign: Campaign, now: datetime) -> CampaignEvent | None:
        rules = self._rules.try_of(campaign)
        ends_at = campaign.settings.ends_at if rules is None else rules.ends_at(campaign)
        if ends_at is not None and ends_at <= now:
            return CampaignEvent.EXPIRED
        if campaign.status is not CampaignStatus.QUEUED or self.is_switched_off(campaign):
            return None
        starts_at = campaign.settings.starts_at
        if starts_at is not None and starts_at > now:
            return None
        return CampaignEvent.STARTED

    async def _rest_numbers(self, now: datetime) -> bool:
        last = self._rest_looked_at
        if last is not None and last <= now < last + REST_LOOK_EVERY:
            return False
        self._rest_looked_at = now
        pools = {c.id: c.settings.pool for c in self._book.running() if c.settings.pool.numbers}
        rests = judge_pools(pools, self._book.numbers, self._book.use, now)
        for campaign_id, rest in rests:
            evidence: Mapping[str, object] = {**rest.evidence, "campaign": campaign_id}
            await self._store.rest_number(
                rest.number_id, until=rest.until, evidence=evidence, now=now
            )
            log.warning("number_rests", number_id=rest.number_id, until=str(rest.until))
        return bool(rests)
