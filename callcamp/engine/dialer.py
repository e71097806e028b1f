"""The dialer: wakes on events and on a slow tick, looks whose turn it is, and has it called."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog

from callcamp.core.model import Campaign
from callcamp.core.plan import Plan
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import RuleSet
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.book import CampaignBook
from callcamp.engine.claiming import Claiming
from callcamp.engine.clock import Clock, gathering_s
from callcamp.engine.departures import Departures
from callcamp.engine.lane import Lane
from callcamp.engine.lanes import Lanes
from callcamp.engine.lifecycle import Lifecycle
from callcamp.engine.live import LiveFeed
from callcamp.engine.planning import Planner
from callcamp.engine.registry import Registry
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.tracker import Returned
from callcamp.errors import CallcampError, InvalidInput, NotFound
from callcamp.ports import Store

log = structlog.get_logger(__name__)

TICK_S = 1.0
"""How often running campaigns are looked at when nothing happens."""


class Dialer:
    """Takes due contacts and has them called, within every limit.

    Args:
        store: where campaigns are completed.
        registry: the live attempts.
        book: the campaigns and trunks.
        rules: the rules of campaigns.
        lifecycle: moves campaigns on with the clock.
        desk: the agents.
        planner: says how many contacts may be taken.
        claiming: takes them.
        departures: leads them to their lanes.
        lanes: send their calls.
        live: what pages show.
        clock: the engine's clock.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        book: CampaignBook,
        rules: RuleBook,
        lifecycle: Lifecycle,
        desk: AgentDesk,
        planner: Planner,
        claiming: Claiming,
        departures: Departures,
        lanes: Lanes,
        live: LiveFeed,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._book = book
        self._rules = rules
        self._lifecycle = lifecycle
        self._desk = desk
        self._planner = planner
        self._claiming = claiming
        self._departures = departures
        self._lanes = lanes
        self._live = live
        self._clock = clock
        self._wake = asyncio.Event()
        self._open: set[int] = set()
        self._changes = 0
        self._served: dict[int, int] = {}
        self._turns = itertools.count(1)

    def wake(self) -> None:
        """Look at running campaigns soon: something happened."""
        self._wake.set()

    def state(self) -> dict[str, Any]:
        """Return how trunks are, and what agents could take, JSON-able."""
        rooms = self._desk.rooms
        return {
            **self._lanes.state(),
            "agents": {str(i): [n, why.value] for i, (n, why) in rooms.items()},
            "agents_ready": {str(i): sorted(self._desk.free_agents(i)) for i in rooms},
        }

    def campaigns_changed(self) -> None:
        """Read all again soon: a campaign was changed, or what campaigns depend on."""
        self._changes += 1
        self._lanes.hold()
        self._wake.set()

    def contacts_changed(self, campaign_id: int) -> None:
        """Look at a campaign soon: its contacts changed, and nothing else did.

        Campaigns are not read again for it: with contacts that come without end, by the
        interface, the lanes would never find what they know up to date.
        """
        self._planner.contacts_changed(campaign_id)
        self._open.discard(campaign_id)
        self._wake.set()

    def contacts_returned(self, returned: Iterable[Returned]) -> None:
        """Take note of contacts whose attempts have settled, and when they are due again."""
        for contact in returned:
            self._open.discard(contact.campaign_id)
            self._planner.contact_returned(contact)
        self._wake.set()

    async def run(self) -> None:
        """Dial, for ever."""
        next_tick_s = 0.0
        try:
            while True:
                now_s = asyncio.get_running_loop().time()
                try:
                    if self._lanes.held or now_s >= next_tick_s:
                        next_tick_s = now_s + TICK_S
                        await self._read_again()
                    await self._look_at_all()
                except CallcampError as error:
                    log.error("dialer_held_up", problem=error.message)
                    await asyncio.sleep(TICK_S)
                looked_s = asyncio.get_running_loop().time()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._wake.wait()
                # Under load many things happen at once: one look takes them all together.
                gather_s = gathering_s(self._clock.speed)
                since_s = asyncio.get_running_loop().time() - looked_s
                if since_s < gather_s:
                    await asyncio.sleep(gather_s - since_s)
                self._wake.clear()
        finally:
            self._lanes.stop()

    async def close(self) -> None:
        """Give back what was claimed and not sent; :meth:`run` has to be over."""
        await self._lanes.close()
        self._departures.give_back()

    async def _read_again(self) -> None:
        """Read campaigns and trunks; while it does, no lane sends on what may be out of date."""
        self._planner.forget()
        self._open.clear()
        changes, now = self._changes, self._clock.now()
        await self._claiming.settle_doubts()
        await self._book.refresh(now)
        if await self._lifecycle.look(now):
            await self._book.refresh(now)
        running = self._book.running()
        self._served = {c.id: self._served.get(c.id, 0) for c in running}
        self._live.tidy(self._served, now)
        await self._planner.look_at_caps(running, now)
        self._desk.campaigns_changed()
        if changes == self._changes:
            self._lanes.let_go()

    async def _look_at_all(self) -> None:
        # Whoever got calls last comes last: a turn that went round with every look could give
        # all free channels to the same campaign.
        for campaign in sorted(self._book.running(), key=lambda c: self._served.get(c.id, 0)):
            try:
                rules = self._rules.of(campaign)
                lane = self._lanes.of(await self._book.trunk(campaign.settings.trunk_id))
                await self._look_at(campaign, rules, lane)
            except (NotFound, InvalidInput) as error:
                log.error("campaign_held_up", campaign=campaign.id, problem=error.message)
                self._live.note_plan(campaign.id, Plan(0, Reason.RULES_BROKEN))

    async def _look_at(self, campaign: Campaign, rules: RuleSet, lane: Lane) -> None:
        now = self._clock.now()
        plan = await self._planner.plan(campaign, rules, lane, now)
        self._live.note_plan(campaign.id, plan)
        if plan.count and plan.places and await self._call(campaign, rules, lane, plan, now):
            self._served[campaign.id] = next(self._turns)
        if self._registry.in_campaign(campaign.id) or campaign.id in self._open:
            return
        if self._desk.has_work(campaign.id):
            return
        if await self._store.finish_if_done(campaign.id, now=now):
            log.info("campaign_completed", campaign=campaign.id)
            self._live.touch()
            self.campaigns_changed()
        else:
            self._open.add(campaign.id)

    async def _call(
        self, campaign: Campaign, rules: RuleSet, lane: Lane, plan: Plan, now: datetime
    ) -> bool:
        """Have contacts called as planned; tells whether there were any."""
        taken = await self._claiming.take(campaign, rules, plan, now)
        if taken.no_number is not None:
            self._planner.no_number_found(campaign.id, taken.no_number)
        # First of all: nobody else knows of these claims.
        if taken.claims:
            await self._departures.send_off(taken.claims, campaign, lane, taken.began_s)
        if taken.more:
            self._wake.set()
        elif len(taken.claims) < plan.count:
            await self._planner.too_few_found(campaign.id)
        if not taken.claims:
            plan = await self._planner.plan_again(campaign, rules, lane, now)
            self._live.note_plan(campaign.id, plan)
        return bool(taken.claims)
