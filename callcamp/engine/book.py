"""The campaigns, trunks and outbound numbers that matter now, kept fresh from the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from callcamp.core.compliance import abandon_room, abandon_window_start, lists_verdict
from callcamp.core.gate import NumberUse, OutboundNumber
from callcamp.core.model import Attempt, Campaign, Trunk
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignStatus
from callcamp.engine.registry import Person, Registry, Track
from callcamp.errors import NotFound
from callcamp.ports import DncList, Store

OPEN = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.QUEUED)
"""States of campaigns that the clock can move on."""


class CampaignBook:
    """A cache of campaigns that are not over, of those with live calls, and of what they use."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._campaigns: dict[int, Campaign] = {}
        self._trunks: dict[int, Trunk] = {}
        self.numbers: list[OutboundNumber] = []
        """The deployment's outbound numbers, when a running campaign uses any."""
        self.use: Mapping[int, NumberUse] = {}
        self._lists: list[DncList] = []

    async def refresh(self, now: datetime) -> None:
        """Read all that matters again."""
        called = {track.campaign_id for track in self._registry}
        fresh = await self._store.campaigns_again(self._campaigns, OPEN, called)
        self._campaigns = {campaign.id: campaign for campaign in fresh}
        self._trunks = {t.id: t for t in await self._store.trunks()}
        self._lists = await self._store.dnc_lists()
        if any(c.settings.pool.numbers for c in self.running()):
            await self.refresh_numbers(now)

    async def refresh_numbers(self, now: datetime) -> None:
        """Read the outbound numbers and how they were used."""
        self.numbers = await self._store.outbound_numbers()
        self.use = await self._store.number_use(now=now)

    def lists_verdict(self, rules: RuleSet, now: datetime) -> Reason | None:
        """Tell whether a do-not-call list that a campaign must check is missing or too old."""
        known = [(each.name, each.as_of) for each in self._lists]
        return lists_verdict(rules.rules, rules.settings, known, now)

    async def has_abandon_room(self, campaign: Campaign, rules: RuleSet, now: datetime) -> bool:
        """Tell whether one more abandoned call would stay within the caps of a campaign.

        With agents it is their pacing that keeps the caps: it calls one contact for each free
        agent then, instead of none.
        """
        if campaign.settings.agents.attended or not rules.rules.abandons:
            return True
        counts = await self._store.counts(campaign.id)
        if not counts.attempts_ended.get(Disposition.ABANDONED, 0):
            return True
        zone = rules.settings.window.zone
        for rule in rules.rules.abandons:
            persons, abandoned = await self._store.abandon_account(
                campaign.id, since=abandon_window_start(rule, now, zone)
            )
            # With no abandoned call it goes on, else one of long ago would hold it for ever:
            # where nobody is called, nobody answers either.
            if abandoned and not abandon_room(rule, persons, abandoned):
                return False
        return True

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return a campaign, from the cache when it is there."""
        known = self._campaigns.get(campaign_id)
        if known is None:
            known = self._campaigns[campaign_id] = await self._store.campaign(campaign_id)
        return known

    async def follow(self, attempt: Attempt) -> Track:
        """Follow an attempt not claimed just now: left by an earlier engine, or in doubt."""
        campaign = await self.campaign(attempt.campaign_id)
        person = Person.of(await self._store.contact(attempt.contact_id), attempt.number)
        track = Track.of(attempt, campaign.settings.trunk_id, person, watched=False)
        self._registry.add(track)
        return track

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

    def not_over(self) -> list[Campaign]:
        """Return the campaigns that the clock can move on, oldest first."""
        return sorted((c for c in self._campaigns.values() if c.status in OPEN), key=lambda c: c.id)

    def is_running(self, campaign_id: int, version: int) -> bool:
        """Tell whether a campaign was running at the last refresh, with these settings."""
        campaign = self._campaigns.get(campaign_id)
        return (
            campaign is not None
            and campaign.status is CampaignStatus.RUNNING
            and campaign.version == version
        )
