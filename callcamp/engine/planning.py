"""What the dialer's decisions rest on, and how many contacts it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from callcamp.core.model import Campaign
from callcamp.core.plan import Plan, Snapshot, decide
from callcamp.core.reasons import Reason
from callcamp.core.rotation import NoNumber
from callcamp.core.ruleset import RuleSet
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.book import CampaignBook
from callcamp.engine.lane import Lane
from callcamp.engine.registry import Registry
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.tracker import Returned
from callcamp.ports import Store

_NO_NUMBER = frozenset({Reason.NO_NUMBER, Reason.NUMBERS_CAPPED})


@dataclass(frozen=True, slots=True)
class WayOut:
    """Whether calls can go out at all.

    Args:
        link_up: whether Asterisk can be reached.
        synced: whether attempts and Asterisk agree.
        may_dial: whether this engine is (still) the one that dials.
    """

    link_up: bool
    synced: bool
    may_dial: bool


class Planner:
    """Plans how many contacts of a campaign are taken now.

    What it reads from the store it keeps until it is told that it may have changed.

    Args:
        store: tells when contacts are due.
        registry: the live attempts.
        book: the campaigns, and the do-not-call lists.
        rules: the rules of campaigns.
        desk: tells how many contacts agents can take.
        way: returns whether calls can go out.
        is_switched_off: tells which campaigns this deployment lets not dial.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        book: CampaignBook,
        rules: RuleBook,
        desk: AgentDesk,
        way: Callable[[], WayOut],
        is_switched_off: Callable[[Campaign], bool],
    ) -> None:
        self._store = store
        self._registry = registry
        self._book = book
        self._rules = rules
        self._desk = desk
        self._way = way
        self._is_switched_off = is_switched_off
        self._heads: dict[int, dict[str, datetime | None]] = {}
        self._no_number: dict[int, NoNumber] = {}
        self._abandon_full: set[int] = set()

    def contacts_changed(self, campaign_id: int) -> None:
        """Read again when contacts of a campaign are due."""
        self._heads.pop(campaign_id, None)

    def contact_returned(self, contact: Returned) -> None:
        """Take note of when a contact is due again whose attempt has settled."""
        heads = self._heads.get(contact.campaign_id)
        if heads is not None and contact.due_at is not None:
            known = heads.get(contact.place)
            heads[contact.place] = min(known, contact.due_at) if known else contact.due_at

    def forget(self) -> None:
        """Read again when contacts are due, and try outbound numbers again."""
        self._heads.clear()
        self._no_number.clear()

    async def look_at_caps(self, campaigns: Iterable[Campaign], now: datetime) -> None:
        """Find the campaigns without agents that may abandon no further call now."""
        self._abandon_full = {
            campaign.id
            for campaign in campaigns
            if (rules := self._rules.try_of(campaign)) is not None
            and not await self._book.has_abandon_room(campaign, rules, now)
        }

    def no_number_found(self, campaign_id: int, no_number: NoNumber) -> None:
        """Note why no outbound number could be used, until :meth:`forget`."""
        self._no_number[campaign_id] = no_number

    async def too_few_found(self, campaign_id: int) -> None:
        """Read at once when contacts of a campaign are due: fewer could be taken than planned."""
        self._heads[campaign_id] = await self._store.heads(campaign_id)

    async def plan(self, campaign: Campaign, rules: RuleSet, lane: Lane, now: datetime) -> Plan:
        """Return how many contacts may be taken; agents are asked about only if any could be."""
        snapshot = await self._snapshot(campaign, rules, lane, now)
        plan = decide(snapshot, now)
        if not campaign.settings.agents.attended:
            return plan
        if not plan.places or plan.hold in _NO_NUMBER:
            self._desk.rest(campaign, plan.hold)
            return plan
        free, hold = await self._desk.room(campaign, rules)
        return decide(replace(snapshot, agents_free=free, agents_hold=hold), now)

    async def plan_again(
        self, campaign: Campaign, rules: RuleSet, lane: Lane, now: datetime
    ) -> Plan:
        """Return what is planned once nobody was found; for agents there is as much room."""
        snapshot = await self._snapshot(campaign, rules, lane, now)
        if campaign.settings.agents.attended:
            free, hold = self._desk.rooms[campaign.id]
            snapshot = replace(snapshot, agents_free=free, agents_hold=hold)
        return decide(snapshot, now)

    async def _snapshot(
        self, campaign: Campaign, rules: RuleSet, lane: Lane, now: datetime
    ) -> Snapshot:
        """Return what a decision rests on, but for the campaign's agents."""
        trunk = lane.trunk
        if campaign.id not in self._heads:
            self._heads[campaign.id] = await self._store.heads(campaign.id)
        way = self._way()
        return Snapshot(
            campaign=campaign,
            rules=rules,
            live=self._registry.in_campaign(campaign.id),
            trunk_live=self._registry.on_trunk(trunk.id),
            trunk_max=trunk.max_channels,
            trunk_refuses=lane.blocked,
            cps_room=lane.room(),
            link_up=way.link_up and way.may_dial,
            synced=way.synced,
            heads=self._heads[campaign.id],
            no_number=self._no_number.get(campaign.id),
            lists=self._book.lists_verdict(rules, now),
            abandon_room=campaign.id not in self._abandon_full,
            switched_off=self._is_switched_off(campaign),
        )
