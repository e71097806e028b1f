"""The contract of campaigns: their settings, their steps, and how far they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.model import Campaign, CampaignCounts, ContactChoice, Waiting
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, CampaignStatus
from callcamp.ports.results import SettingsVersion


class CampaignRecords(Protocol):
    """Campaigns; part of :class:`callcamp.ports.Store`, which says what all methods share."""

    async def create_campaign(self, settings: CampaignSettings, *, now: datetime) -> Campaign:
        """Add a draft.

        Raises:
            NotFound: there is no trunk ``settings.trunk_id``.
        """
        ...

    async def change_settings(
        self,
        campaign_id: int,
        settings: CampaignSettings,
        *,
        expected_version: int,
        now: datetime,
    ) -> Campaign:
        """Replace the settings and count the version up.

        Contacts that wait for a reason that the settings decide (caps, cool-offs, outbound
        numbers, consent, review) are looked at again.

        Raises:
            Conflict: the version is not ``expected_version`` any more.
        """
        ...

    async def settings_versions(self, campaign_id: int) -> list[SettingsVersion]:
        """Return every version of the settings, oldest first."""
        ...

    async def clone_campaign(
        self,
        campaign_id: int,
        settings: CampaignSettings,
        choice: ContactChoice | None,
        *,
        now: datetime,
    ) -> Campaign:
        """Add a draft with ``settings`` and, given a choice, copies of those contacts.

        Copies are fresh: no attempts, no result, due at once; contacts on a do-not-call list
        are copied as skipped.
        """
        ...

    async def delete_campaign(self, campaign_id: int, *, now: datetime) -> None:
        """Delete a campaign that never started: its contacts, imports, versions and exclusions.

        Raises:
            Conflict: it has started or is queued, or something that stays belongs to it: work
                of agents, or a webhook for it alone.
        """
        ...

    async def retry_failed(self, campaign_id: int, *, now: datetime) -> int:
        """Re-open a completed campaign for its failed contacts; returns how many.

        They are due at once, with all their attempts before them again.

        Raises:
            IllegalTransition: the campaign is not completed.
            Conflict: it has no failed contact.
        """
        ...

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return one campaign."""
        ...

    async def campaigns(self, status: CampaignStatus | None = None) -> list[Campaign]:
        """Return campaigns, newest first."""
        ...

    async def campaigns_again(
        self,
        known: Mapping[int, Campaign],
        statuses: Collection[CampaignStatus],
        ids: Collection[int] = (),
    ) -> list[Campaign]:
        """Return campaigns in one of the states, and those with these ids, oldest first.

        For whoever looks again and again: settings are read only when they have changed.

        Args:
            known: campaigns as they were read before, by id; one that still has its version
                keeps its settings, the very same object.
            statuses: the states.
            ids: campaigns wanted in whatever state they are.
        """
        ...

    async def move_campaign(
        self, campaign_id: int, event: CampaignEvent, *, now: datetime
    ) -> Campaign:
        """Take a step of the campaign table.

        :attr:`CampaignEvent.STOPPED` and :attr:`CampaignEvent.EXPIRED` cancel the contacts
        still pending, in the same transaction; live calls go on.

        Raises:
            IllegalTransition: the table has no such step; nothing is changed.
        """
        ...

    async def finish_if_done(self, campaign_id: int, *, now: datetime) -> bool:
        """Complete a running campaign with no contact pending or in progress.

        Returns whether it was completed now. A campaign without any contact stays.
        """
        ...

    async def counts(self, campaign_id: int) -> CampaignCounts:
        """Return the counts of a campaign without scanning its contacts."""
        ...

    async def waiting(self, campaign_id: int, *, at: datetime) -> list[Waiting]:
        """Return the pending contacts by place and reason, from aggregates.

        Only contacts that wait with a reason and are due by ``at`` are counted by index.
        """
        ...

    async def release_holds(
        self, campaign_id: int | None, reasons: Iterable[Reason], *, now: datetime
    ) -> int:
        """Have contacts that wait for one of the reasons looked at again; returns how many.

        Contacts of one campaign, or of all that are not over.
        """
        ...
