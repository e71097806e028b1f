"""Why is nothing dialling? The answer comes from the code that dials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from callcamp.core.gate import Decision
from callcamp.core.model import Campaign, CampaignCounts, Contact, Waiting
from callcamp.core.plan import (
    ContactAnswer,
    Explanation,
    Snapshot,
    decide,
    explain,
    explain_contact,
)
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.states import CampaignStatus
from callcamp.engine.book import CampaignBook
from callcamp.engine.checks import is_switched_off
from callcamp.engine.registry import Registry
from callcamp.engine.rulebook import RuleBook
from callcamp.ports import Store
from callcamp.settings import Settings

MOST_JUDGED = 500
"""Due contacts that are put before the gate for an answer about a campaign."""
MOST_READS = 5
"""How often counts are read until nobody was called in between."""


@dataclass(frozen=True, slots=True)
class CampaignWhy:
    """What holds a campaign back at an instant; see :class:`callcamp.core.plan.Explanation`."""

    campaign: Campaign
    explanation: Explanation

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        told, plan = self.explanation, self.explanation.plan
        return {
            "campaign_id": self.campaign.id,
            "status": self.campaign.status.value,
            "version": self.campaign.version,
            "at": told.at.isoformat(),
            "hold": plan.hold and plan.hold.value,
            "hold_text": "" if plan.hold is None else REASON_MEANING[plan.hold].text,
            "until": plan.until and plan.until.isoformat(),
            "change": told.change,
            "would_call": told.planned,
            "contacts": {
                reason.value: {
                    "count": held.count,
                    "until": held.until and held.until.isoformat(),
                    "text": REASON_MEANING[reason].text,
                }
                for reason, held in sorted(
                    told.reasons.items(), key=lambda item: (-item[1].count, item[0])
                )
            },
        }


@dataclass(frozen=True, slots=True)
class ContactWhy:
    """Why one contact is not called at an instant."""

    contact: Contact
    answer: ContactAnswer

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        answer, contact = self.answer, self.contact
        reason = answer.reason
        return {
            "campaign_id": contact.campaign_id,
            "contact_id": contact.id,
            "phone": contact.phone,
            "status": contact.status.value,
            "place": contact.place,
            "attempts": contact.attempts,
            "at": answer.at.isoformat(),
            "would_call": reason is None,
            "reason": reason and reason.value,
            "text": "" if reason is None else REASON_MEANING[reason].text,
            "until": answer.until and answer.until.isoformat(),
            "change": "" if reason is None else REASON_MEANING[reason].change,
            "also": answer.also and answer.also.value,
        }


def heads_of(waiting: Sequence[Waiting], at: datetime) -> dict[str, datetime | None]:
    """Return when the next contact of each place is due, as :meth:`Store.heads` does.

    Groups and heads of two moments would not fit: a contact may be called in between.
    """
    heads: dict[str, datetime | None] = {}
    for group in waiting:
        due_at = at if group.due else group.next_due_at
        known = heads.get(group.place)
        heads[group.place] = min(filter(None, (known, due_at)), default=None)
    return heads


def as_running(campaign: Campaign, at: datetime) -> Campaign:
    """Return a campaign as if it had been started, or resumed, at an instant."""
    if campaign.status is CampaignStatus.RUNNING:
        return campaign
    run_at = campaign.run_at if campaign.status is CampaignStatus.PAUSED else None
    return replace(campaign, status=CampaignStatus.RUNNING, run_at=run_at or at)


def as_it_will_be(campaign: Campaign, at: datetime) -> Campaign:
    """Return a campaign as it is at an instant to come: a queued one has started by then."""
    starts_at = campaign.settings.starts_at
    if campaign.status is not CampaignStatus.QUEUED or (starts_at is not None and at < starts_at):
        return campaign
    return replace(campaign, status=CampaignStatus.RUNNING, run_at=starts_at or at)


class Why:
    """Answers why a campaign, or a contact, is not called.

    Args:
        store: where things are kept.
        clock: returns now, aware UTC.
        rules: the rules of campaigns.
        settings: what the deployment allows.
        own_engine: returns the state of the engine that runs in this process; None: another
            process may run one, and leaves word in the database.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        rules: RuleBook,
        settings: Settings,
        own_engine: Callable[[], Mapping[str, Any]] | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._settings = settings
        self._own_engine = own_engine

    async def campaign(
        self, campaign_id: int, at: datetime | None = None, *, running: bool = False
    ) -> CampaignWhy:
        """Give every contact of a campaign its reason.

        Args:
            campaign_id: the campaign.
            at: as if it were then (None: now), with the calls in progress and the contacts of
                now.
            running: as if it were running as well, whatever its status.
        """
        when = at or self._clock()
        campaign = await self._store.campaign(campaign_id)
        if running:
            campaign = as_running(campaign, when)
        counts, waiting = await self._counted(campaign_id, when)
        snapshot = await self._snapshot(campaign, when, heads_of(waiting, when), now=at is None)
        decisions = await self._judge_due(snapshot, when)
        return CampaignWhy(campaign, explain(snapshot, waiting, counts, when, decisions))

    async def _counted(
        self, campaign_id: int, at: datetime
    ) -> tuple[CampaignCounts, Sequence[Waiting]]:
        """Return what is counted of contacts, those that wait and the others, of one moment."""
        counts = await self._store.counts(campaign_id)
        for _ in range(MOST_READS):
            waiting = await self._store.waiting(campaign_id, at=at)
            before, counts = counts, await self._store.counts(campaign_id)
            if (before.contacts, before.waiting) == (counts.contacts, counts.waiting):
                break
        return counts, waiting

    async def _judge_due(self, snapshot: Snapshot, at: datetime) -> Sequence[Decision]:
        """Ask the gate about the contacts that are due, up to :data:`MOST_JUDGED`."""
        plan = decide(snapshot, at)
        if not plan.places or not plan.count:
            return ()
        batch = await self._store.gather_due(
            snapshot.campaign.id,
            places=plan.places,
            now=at,
            look_back_s=snapshot.rules.look_back_s,
            limit=MOST_JUDGED,
        )
        return snapshot.rules.judge(batch, snapshot.agents_ready)

    async def contact(self, contact: Contact, at: datetime | None = None) -> ContactWhy:
        """Say why a contact is not called now, or as if it were ``at``."""
        when = at or self._clock()
        campaign = await self._store.campaign(contact.campaign_id)
        heads = await self._store.heads(campaign.id)
        snapshot = await self._snapshot(campaign, when, heads, now=at is None)
        batch = await self._store.gather(
            contact.id, now=when, look_back_s=snapshot.rules.look_back_s
        )
        return ContactWhy(contact, explain_contact(snapshot, contact, batch, when))

    async def _snapshot(
        self,
        campaign: Campaign,
        at: datetime,
        heads: Mapping[str, datetime | None],
        *,
        now: bool,
    ) -> Snapshot:
        """Return what the dialer would decide on.

        What only holds now is left out for another instant: calls in progress, the link, the
        engine, the wait for the start date.
        """
        rules = self._rules.try_of(campaign)
        broken = rules is None
        if rules is None:
            rules = self._rules.make(replace(campaign.settings, legal=()))
        book = CampaignBook(self._store, Registry())
        await book.refresh(at)
        await book.refresh_numbers(at)
        snapshot = Snapshot(
            campaign=campaign if now else as_it_will_be(campaign, at),
            rules=rules,
            heads=heads,
            no_number=rules.no_number(book.numbers, book.use, at),
            lists=book.lists_verdict(rules, at),
            abandon_room=await book.has_abandon_room(campaign, rules, at),
            switched_off=is_switched_off(self._settings, campaign),
            rules_broken=broken,
        )
        return await self._with_present(snapshot, book) if now else snapshot

    async def _with_present(self, snapshot: Snapshot, book: CampaignBook) -> Snapshot:
        campaign = snapshot.campaign
        trunk = await book.trunk(campaign.settings.trunk_id)
        on_trunk = live = 0
        for attempt in await self._store.live_attempts():
            other = await book.campaign(attempt.campaign_id)
            on_trunk += other.settings.trunk_id == trunk.id
            live += attempt.campaign_id == campaign.id
        engine = await self._engine_state()
        state = engine or {}
        # Those of agents are no attempts: only the engine knows of them.
        on_trunk += state.get("outside_calls", {}).get(str(trunk.id), 0)
        if campaign.settings.agents.attended:
            known = state.get("agents", {}).get(str(campaign.id), (0, Reason.NO_AGENT))
            ready = state.get("agents_ready", {}).get(str(campaign.id))
            snapshot = replace(
                snapshot,
                agents_free=known[0],
                agents_hold=Reason(known[1]),
                agents_ready=None if ready is None else frozenset(ready),
            )
        return replace(
            snapshot,
            live=live,
            trunk_live=on_trunk,
            trunk_max=trunk.max_channels,
            trunk_refuses=trunk.id in state.get("trunks_refusing", ()),
            cps_room=0 if trunk.id in state.get("trunks_at_cps", ()) else snapshot.cps_room,
            link_up=bool(state.get("link_up", True)),
            synced=bool(state.get("synced", True)),
            engine_up=engine is not None,
        )

    async def _engine_state(self) -> Mapping[str, Any] | None:
        if self._own_engine is not None:
            return self._own_engine()
        return await self._store.engine_state(now=datetime.now(UTC))
