"""From a plan to claims: due contacts are put before the gate and taken, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from callcamp.core.gate import Batch, Decision
from callcamp.core.model import Campaign, Claim
from callcamp.core.plan import Plan
from callcamp.core.rotation import NoNumber
from callcamp.core.ruleset import Gate, RuleSet
from callcamp.core.states import AttemptStatus
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.book import CampaignBook
from callcamp.engine.clock import Clock
from callcamp.engine.orders import new_attempt_id
from callcamp.engine.registry import Registry
from callcamp.engine.tracker import Tracker
from callcamp.errors import StoreError
from callcamp.ports import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look for contacts brought.

    Args:
        claims: the contacts taken; nobody else knows of them yet.
        more: whether others that are due were not looked at.
        no_number: why no outbound number could be used, when that is what held calls back.
        began_s: when the look began, by the clock that never runs back.
    """

    claims: list[Claim]
    more: bool
    no_number: NoNumber | None
    began_s: float


class Claiming:
    """Takes due contacts, and settles what became of a claim that got no answer.

    Args:
        store: where contacts are claimed.
        registry: the live attempts.
        tracker: told to give a claim back.
        book: follows attempts that are not followed yet.
        desk: tells which agents are free.
        clock: the engine's clock.
        lease_s: how long a claim holds before its call is sent.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        tracker: Tracker,
        book: CampaignBook,
        desk: AgentDesk,
        clock: Clock,
        lease_s: float,
    ) -> None:
        self._store = store
        self._registry = registry
        self._tracker = tracker
        self._book = book
        self._desk = desk
        self._clock = clock
        self._lease_s = lease_s
        self._doubtful_ids: list[str] = []

    async def take(self, campaign: Campaign, rules: RuleSet, plan: Plan, now: datetime) -> Taken:
        """Claim as many contacts as planned, of those that the gate lets out.

        Raises:
            StoreError: whether any were claimed is not known; :meth:`settle_doubts` does it.
        """
        attempt_ids = [new_attempt_id() for _ in range(plan.count)]
        began_s = self._clock.monotonic_s()
        gates: list[Gate] = []
        free = None
        if campaign.settings.agents.attended:
            free = self._desk.free_agents(campaign.id)

        def judge(batch: Batch) -> list[Decision]:
            """Put contacts before a gate of their own, and keep it for what it says."""
            gates.append(Gate(rules, free))
            return gates[-1].judge(batch)

        try:
            claimed = await self._store.claim(
                campaign.id,
                attempt_ids,
                places=plan.places,
                judge=judge,
                look_back_s=rules.look_back_s,
                now=now,
                lease_until=now + timedelta(seconds=self._lease_of(campaign)),
                version=campaign.version,
            )
        except StoreError:
            self._doubtful_ids.extend(attempt_ids)
            raise
        if claimed.passed_over:
            log.info(
                "contacts_passed_over",
                campaign=campaign.id,
                **{reason.value: n for reason, n in claimed.passed_over.items()},
            )
        no_number = next((g.no_number for g in gates if g.no_number is not None), None)
        return Taken(claimed.claims, claimed.more, no_number, began_s)

    async def settle_doubts(self) -> None:
        """Give back claims of which the database did not say whether it has them."""
        if not self._doubtful_ids:
            return
        doubtful = tuple(self._doubtful_ids)
        known = await self._store.attempt_context(doubtful)
        for attempt, _ in known.values():
            if attempt.status is AttemptStatus.CLAIMED and not self._registry.get(attempt.id):
                self._tracker.release(await self._book.follow(attempt))
        # Only now: what fails on the way is looked at again.
        self._doubtful_ids = self._doubtful_ids[len(doubtful) :]

    def _lease_of(self, campaign: Campaign) -> float:
        agents = campaign.settings.agents
        if not agents.attended:
            return self._lease_s
        # An agent may look at it first, and be called.
        return self._lease_s + agents.before_call_work_s + agents.agent_ring_timeout_s
