"""What the dialer's decisions rest on, and how many contacts it may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from callcamp.core.model import Campaign
from callcamp.core.plan import Plan, Snapshot, decide
from callcamp.core.reasons import Reason
from callcamp.core.rotation import NoNumber
from callcamp.core.ruleset import RuleSet
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.book import CampaignBook
from callcamp.engine.lane import Lane
from callcamp.engine.lifecycle import Lifecycle
from callcamp.engine.registry import Registry
from callcamp.engine.tracker import Tracker
from callcamp.ports import CallGateway, Store

_NO_NUMBER = frozenset({Reason.NO_NUMBER, Reason.NUMBERS_CAPPED})


class Planner:
    """Plans how many contacts of a campaign are taken now.

    Args:
        store: tells when contacts are due.
        gateway: tells whether Asterisk can be reached.
        registry: the live attempts.
        tracker: tells whether they agree with Asterisk.
        book: the do-not-call lists.
        lifecycle: tells which campaigns are switched off.
        may_dial: whether this engine is (still) the one that dials.

    Attributes:
        heads: by campaign, when the next contact of each place is due; read when missing.
        no_number: by campaign, why no outbound number could be used.
        abandon_full: campaigns without agents that may abandon no further call.
    """

    def __init__(
        self,
        *,
        store: Store,
        gateway: CallGateway,
        registry: Registry,
        tracker: Tracker,
        book: CampaignBook,
        lifecycle: Lifecycle,
        may_dial: Callable[[], bool],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._registry = registry
        self._tracker = tracker
        self._book = book
        self._lifecycle = lifecycle
        self._may_dial = may_dial
        self.heads: dict[int, dict[str, datetime | None]] = {}
        self.no_number: dict[int, NoNumber] = {}
        self.abandon_full: set[int] = set()

    async def plan(
        self,
        campaign: Campaign,
        rules: RuleSet,
        lane: Lane,
        now: datetime,
        desk: AgentDesk | None,
    ) -> Plan:
        """Return how many contacts may be taken; agents are asked about only if any could be."""
        snapshot = await self._snapshot(campaign, rules, lane, now)
        plan = decide(snapshot, now)
        if desk is None or not campaign.settings.agents.attended:
            return plan
        if not plan.places or plan.hold in _NO_NUMBER:
            desk.rest(campaign, plan.hold)
            return plan
        healthy = self._gateway.link_up and self._tracker.synced
        free, hold = await desk.room(campaign, rules, healthy=healthy)
        return decide(replace(snapshot, agents_free=free, agents_hold=hold), now)

    async def plan_again(
        self,
        campaign: Campaign,
        rules: RuleSet,
        lane: Lane,
        now: datetime,
        desk: AgentDesk | None,
    ) -> Plan:
        """Return what is planned once nobody was found; for agents there is as much room."""
        snapshot = await self._snapshot(campaign, rules, lane, now)
        if desk is not None and campaign.settings.agents.attended:
            free, hold = desk.rooms[campaign.id]
            snapshot = replace(snapshot, agents_free=free, agents_hold=hold)
        return decide(snapshot, now)

    async def _snapshot(
        self, campaign: Campaign, rules: RuleSet, lane: Lane, now: datetime
    ) -> Snapshot:
        """Return what a decision rests on, but for the campaign's agents."""
        trunk = lane.trunk
        if campaign.id not in self.heads:
            self.heads[campaign.id] = await self._store.heads(campaign.id)
        return Snapshot(
            campaign=campaign,
            rules=rules,
            live=self._registry.in_campaign(campaign.id),
            trunk_live=self._registry.on_trunk(trunk.id),
            trunk_max=trunk.max_channels,
            trunk_refuses=lane.blocked,
            cps_room=lane.room(),
            link_up=self._gateway.link_up and self._may_dial(),
            synced=self._tracker.synced,
            heads=self.heads[campaign.id],
            no_number=self.no_number.get(campaign.id),
            lists=self._book.lists_verdict(rules, now),
            abandon_room=campaign.id not in self.abandon_full,
            switched_off=self._lifecycle.is_switched_off(campaign),
        )
