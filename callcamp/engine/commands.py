"""Use-cases: what people and programs can ask for, each one call.

Pages, API and command line parse, call one of these and render. They work with or without
a dialer in the same process: the dialer of another process sees changes on its next tick.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from callcamp.core.agents import Agent
from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.compliance_report import compliance_report
from callcamp.core.model import Campaign, ContactChoice, Trunk
from callcamp.core.states import CAMPAIGN, CampaignEvent, CampaignStatus, ContactStatus
from callcamp.engine.agent_checks import check_outcomes_exist
from callcamp.engine.checks import (
    check_locked,
    check_settings,
    check_text,
    missing_to_start,
    shorten,
)
from callcamp.engine.clock import utc_now
from callcamp.engine.contact_commands import ContactCommands, RawContact
from callcamp.engine.stats import CampaignStats
from callcamp.errors import Conflict, InvalidInput, PreconditionsMissing
from callcamp.ports import AuditEntry, SettingsVersion

__all__ = ["Commands", "RawContact", "utc_now"]

MIN_CPS = 0.001
MAX_CPS = 1_000.0
MAX_CHANNELS = 100_000
EDITABLE = frozenset({CampaignStatus.DRAFT, CampaignStatus.PAUSED})


class Commands(ContactCommands):
    """Every use-case on campaigns."""

    async def save_trunk(
        self, name: str, *, dial_string: str, cps: float, max_channels: int | None = None
    ) -> Trunk:
        """Add a trunk or change the one of that name.

        Raises:
            InvalidInput: a value is unusable.
        """
        check_text("name", name, 64)
        check_text("dial_string", dial_string, 200)
        if dial_string.count("{number}") != 1 or "/" not in dial_string:
            raise InvalidInput(
                f"dial_string is {shorten(dial_string)}; it must name a channel with {{number}} "
                "once, such as PJSIP/{number}@carrier.",
                field="dial_string",
                value=dial_string,
            )
        if not MIN_CPS <= cps <= MAX_CPS:
            raise InvalidInput(
                f"cps is {cps}; give calls per second from {MIN_CPS:g} to {MAX_CPS:g}.",
                field="cps",
                value=cps,
            )
        if max_channels is not None and not 1 <= max_channels <= MAX_CHANNELS:
            raise InvalidInput(
                f"max_channels is {max_channels}; give 1 to {MAX_CHANNELS}, or leave it out.",
                field="max_channels",
                value=max_channels,
            )
        return await self._store.save_trunk(
            name, dial_string=dial_string, cps=cps, max_channels=max_channels
        )

    async def trunks(self) -> list[Trunk]:
        """Return all trunks by name."""
        return await self._store.trunks()

    async def create_campaign(self, settings: CampaignSettings) -> Campaign:
        """Add a campaign as a draft.

        Raises:
            InvalidInput: a setting is unusable.
            NotFound: there is no such trunk, or no such legal preset.
        """
        await self._check(settings)
        campaign = await self._store.create_campaign(settings, now=self._clock())
        self._on_change(campaign.id)
        return campaign

    async def change_settings(
        self, campaign_id: int, settings: CampaignSettings, *, expected_version: int
    ) -> Campaign:
        """Replace the settings of a draft or paused campaign.

        Raises:
            Conflict: the campaign is in another state, was changed meanwhile, or the change
                concerns what is locked after the first run.
            InvalidInput: a setting is unusable.
        """
        campaign = await self._store.campaign(campaign_id)
        if campaign.status not in EDITABLE:
            raise Conflict(
                "Only draft and paused campaigns can be edited. "
                f"Current status: {campaign.status.value}.",
                status=campaign.status.value,
            )
        await self._check(settings)
        check_locked(campaign, settings)
        changed = await self._store.change_settings(
            campaign_id, settings, expected_version=expected_version, now=self._clock()
        )
        self._on_change(campaign_id)
        return changed

    async def _check(self, settings: CampaignSettings) -> None:
        check_settings(settings)
        self.rules.make(settings)
        if settings.agents.outcomes:
            known = {one.name for one in await self._store.outcomes()}
            check_outcomes_exist(settings.agents, known)

    async def clone(
        self, campaign_id: int, name: str | None = None, choice: ContactChoice | None = None
    ) -> Campaign:
        """Copy a campaign into a fresh draft: its settings and, given a choice, contacts.

        Args:
            campaign_id: any campaign, whatever its state.
            name: name of the copy (None: the old one and "(copy)").
            choice: which contacts come along, fresh (None: none).

        Raises:
            InvalidInput: the name is unusable.
        """
        source = await self._store.campaign(campaign_id)
        new_name = name if name is not None else f"{source.settings.name[:190]} (copy)"
        check_text("name", new_name, 200)
        # Dates of the past would keep the copy from starting.
        settings = replace(source.settings, name=new_name, starts_at=None, ends_at=None)
        await self._check(settings)
        copy = await self._store.clone_campaign(campaign_id, settings, choice, now=self._clock())
        self._on_change(copy.id)
        return copy

    async def delete_campaign(self, campaign_id: int) -> None:
        """Delete a campaign that never started, and all that is its own.

        Raises:
            Conflict: it has started or is queued, or something that stays belongs to it.
        """
        await self._store.delete_campaign(campaign_id, now=self._clock())
        self._on_change(campaign_id)

    async def start(self, campaign_id: int) -> Campaign:
        """Start a draft, or queue it until its start date.

        Raises:
            IllegalTransition: it is not a draft, nor queued.
            PreconditionsMissing: with the whole list of what it lacks.
        """
        campaign = await self._store.campaign(campaign_id)
        event = self._starting(campaign, CampaignEvent.STARTED)
        CAMPAIGN.advance(campaign.status, event)
        await self._check_can_start(campaign)
        return await self._move(campaign_id, event)

    def _starting(self, campaign: Campaign, event: CampaignEvent) -> CampaignEvent:
        starts_at = campaign.settings.starts_at
        later = starts_at is not None and starts_at > self._clock()
        # A queued one is started by hand before its date.
        queued = campaign.status is CampaignStatus.QUEUED
        return CampaignEvent.QUEUED if later and not queued else event

    async def missing(self, campaign_id: int) -> dict[str, str]:
        """Return all that a campaign lacks to start, ``{field: what, in words}``."""
        return await self._missing(await self._store.campaign(campaign_id))

    async def _missing(self, campaign: Campaign) -> dict[str, str]:
        counts = await self._store.counts(campaign.id)
        agents: list[Agent] = []
        if campaign.settings.agents.attended:
            agents = await self._store.campaign_agents(campaign.id)
        return missing_to_start(
            campaign,
            self.rules.of(campaign),
            self._settings,
            contacts=counts.contacts.get(ContactStatus.PENDING, 0),
            agents=sum(agent.active for agent in agents),
            numbers=await self._store.outbound_numbers(),
            lists=await self._store.dnc_lists(),
            now=self._clock(),
        )

    async def _check_can_start(self, campaign: Campaign) -> None:
        missing = await self._missing(campaign)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign.id} cannot start yet: {'; '.join(missing.values())}.",
                missing=missing,
            )

    async def pause(self, campaign_id: int) -> Campaign:
        """Place no new calls; calls in progress go on to their end."""
        return await self._move(campaign_id, CampaignEvent.PAUSED)

    async def resume(self, campaign_id: int) -> Campaign:
        """Go on after a pause; before its start date it is queued again.

        Raises:
            IllegalTransition: it is not paused.
            PreconditionsMissing: an edit took away what it needs.
        """
        campaign = await self._store.campaign(campaign_id)
        event = self._starting(campaign, CampaignEvent.RESUMED)
        CAMPAIGN.advance(campaign.status, event)
        missing = await self._missing(campaign)
        # Whoever is left may be in a call, or nobody is: then it completes.
        missing.pop("contacts", None)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign_id} cannot go on: {'; '.join(missing.values())}.",
                missing=missing,
            )
        return await self._move(campaign_id, event)

    async def stop(self, campaign_id: int) -> Campaign:
        """End the campaign for good; contacts still waiting are canceled."""
        return await self._move(campaign_id, CampaignEvent.STOPPED)

    async def complete(self, campaign_id: int) -> Campaign:
        """Complete a campaign before all its contacts are done; those waiting are canceled.

        Other than a stopped one it can be re-opened for its failed contacts.
        """
        return await self._move(campaign_id, CampaignEvent.EXPIRED)

    async def retry_failed(self, campaign_id: int) -> tuple[Campaign, int]:
        """Re-open a completed campaign for its failed contacts; returns it, and how many.

        Raises:
            IllegalTransition: it is not completed.
            Conflict: it has no failed contact.
            PreconditionsMissing: it lacks what it needs to dial.
        """
        campaign = await self._store.campaign(campaign_id)
        CAMPAIGN.advance(campaign.status, CampaignEvent.REOPENED)
        missing = await self._missing(campaign)
        missing.pop("contacts", None)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign_id} cannot be re-opened: {'; '.join(missing.values())}.",
                missing=missing,
            )
        count = await self._store.retry_failed(campaign_id, now=self._clock())
        self._changed(campaign_id)
        return await self._store.campaign(campaign_id), count

    async def versions(self, campaign_id: int) -> list[SettingsVersion]:
        """Return every version of a campaign's settings, oldest first."""
        return await self._store.settings_versions(campaign_id)

    async def audit(
        self, campaign_id: int | None = None, *, before_id: int | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        """Return who did what and when, newest first."""
        return await self._store.audit(campaign_id=campaign_id, before_id=before_id, limit=limit)

    async def report(
        self, campaign_id: int, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        """Return what a campaign promised by law and by its settings, and what it kept.

        Args:
            campaign_id: the campaign.
            since: from when its calls are counted (None: from its first start).
            until: up to when (None: now).

        Raises:
            NotFound: it names a legal preset that is gone.
            InvalidInput: the span of time is empty.
        """
        campaign = await self._store.campaign(campaign_id)
        end = until or self._clock()
        start = since or campaign.started_at or campaign.created_at
        if start > end:
            raise InvalidInput(
                f"since is {start.isoformat()}, which is after {end.isoformat()}.",
                field="since",
                value=start.isoformat(),
            )
        facts = await self._store.call_facts(
            campaign_id, since=start, until=end, zone=campaign.settings.window.zone
        )
        presets = self.rules.named(campaign.settings.legal)
        report = compliance_report(presets, campaign.settings, facts, since=start, until=end)
        return {"campaign_id": campaign_id, "version": campaign.version, **report}

    async def stats(self, campaign_id: int) -> CampaignStats:
        """Return one campaign with counts, rates and what holds it back."""
        return await self._stats(await self._store.campaign(campaign_id))

    async def all_stats(self, status: CampaignStatus | None = None) -> list[CampaignStats]:
        """Return all campaigns, newest first, with counts and rates."""
        return [await self._stats(c) for c in await self._store.campaigns(status)]

    async def _stats(self, campaign: Campaign) -> CampaignStats:
        counts = await self._store.counts(campaign.id)
        plan = self._live.plan(campaign.id) if self._live else None
        per_minute = self._live.calls_per_minute(campaign.id, self._clock()) if self._live else 0
        running = campaign.status is CampaignStatus.RUNNING
        return CampaignStats(
            campaign,
            counts,
            hold=plan.hold.value if running and plan and plan.hold else None,
            opens_at=plan.until if running and plan else None,
            calls_per_minute=per_minute,
        )

    async def _move(self, campaign_id: int, event: CampaignEvent) -> Campaign:
        campaign = await self._store.move_campaign(campaign_id, event, now=self._clock())
        self._changed(campaign_id)
        return campaign
