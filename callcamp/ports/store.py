"""The contract of what is remembered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.changes import AttemptChange, Revision
from callcamp.core.gate import Batch, Judge
from callcamp.core.model import (
    Attempt,
    Campaign,
    CampaignCounts,
    Contact,
    ContactChoice,
    NewContact,
    Trunk,
    Waiting,
)
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, CampaignStatus, ContactStatus
from callcamp.ports.access import AccessRecords
from callcamp.ports.agents import AgentRecords
from callcamp.ports.records import Records
from callcamp.ports.replies import Replies
from callcamp.ports.results import (
    AddResult,
    Applied,
    Claimed,
    ContactImport,
    MappingPreset,
    OnDuplicate,
    SettingsVersion,
)
from callcamp.ports.webhooks import WebhookRecords


class Store(Records, AccessRecords, AgentRecords, WebhookRecords, Replies, Protocol):
    """All that is remembered. Every method is one transaction.

    Methods raise :class:`callcamp.errors.NotFound` for things that do not exist and
    :class:`callcamp.errors.StoreError` when the database fails.
    """

    async def open(self) -> None:
        """Connect.

        Raises:
            StoreError: it cannot be reached, or its schema is not the current one
                (``callcamp migrate`` brings it up to date).
        """
        ...

    async def close(self) -> None:
        """Disconnect; safe twice."""
        ...

    async def check(self) -> None:
        """Make sure that the database answers, and that its schema is still current.

        Raises:
            StoreError: it does not, or another version of callcamp has migrated it.
        """
        ...

    def measure(self, on_commit: Callable[[float], None]) -> None:
        """Tell from now on how long transactions take, for metrics.

        Args:
            on_commit: gets, of every committed transaction that writes, the seconds from
                asking for it to its commit, waiting for other writers included.
        """
        ...

    async def hold_engine(
        self, holder: str, *, now: datetime, ttl_s: float, state: Mapping[str, Any] | None = None
    ) -> str | None:
        """Take or renew the right to be the one engine of this database.

        Returns None when ``holder`` has it now, else the name of who has it. ``state`` is
        kept for :meth:`engine_state` (JSON-able).
        """
        ...

    async def engine_state(self, *, now: datetime) -> dict[str, Any] | None:
        """Return the state that the working engine last left, or None: none works."""
        ...

    async def release_engine(self, holder: str) -> None:
        """Give the right back, if ``holder`` has it."""
        ...

    async def save_trunk(
        self, name: str, *, dial_string: str, cps: float, max_channels: int | None = None
    ) -> Trunk:
        """Add the trunk called ``name``, or change it."""
        ...

    async def trunks(self) -> list[Trunk]:
        """Return all trunks by name."""
        ...

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

    async def add_contacts(
        self,
        campaign_id: int,
        contacts: Iterable[NewContact],
        *,
        now: datetime,
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
    ) -> AddResult:
        """Add contacts, due at once.

        Contacts whose numbers are all suppressed are added as ``skipped``, with the reason.
        A completed Always-on campaign is re-opened.

        Raises:
            Conflict: the campaign is canceled, its end date is over, or it has been started
                and is not Always-on ("contacts are locked after the first run").
        """
        ...

    async def contacts(
        self,
        campaign_id: int,
        *,
        status: ContactStatus | None = None,
        hold: Reason | None = None,
        phone: str | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> list[Contact]:
        """Return contacts by id, those after ``after_id``; ``phone`` is any of their numbers.

        ``hold`` is what they wait for, or why they were skipped.
        """
        ...

    async def contact(self, contact_id: int) -> Contact:
        """Return one contact."""
        ...

    async def callbacks(self, campaign_id: int | None, *, limit: int = 100) -> list[Contact]:
        """Return contacts that wait for an agreed callback, the next one first.

        Of one campaign, or of all (None).
        """
        ...

    async def delete_contacts(self, campaign_id: int) -> int:
        """Delete every contact without an attempt of a campaign that never started.

        Raises:
            Conflict: the campaign has been started before.
        """
        ...

    async def delete_contact(self, contact_id: int, *, now: datetime) -> None:
        """Delete one contact.

        One that was called before is skipped as ``deleted``, without its variables: the
        records of its calls stay.

        Raises:
            Conflict: it is in a live call.
        """
        ...

    async def exclude_contact(self, contact_id: int, *, reason: str, now: datetime) -> Contact:
        """Exclude a contact from its campaign.

        All its numbers are suppressed there, and it is skipped if it was pending.
        """
        ...

    async def set_place(self, contact_id: int, place: str, *, now: datetime) -> Contact:
        """Say where a contact is, as :class:`callcamp.core.places.Place` writes it.

        One that waited for a review, or was skipped for want of a zone, is due again.
        """
        ...

    async def skip_contact(self, contact_id: int, reason: Reason, *, now: datetime) -> Contact:
        """Leave a pending contact out, with a reason.

        Raises:
            IllegalTransition: it is not pending.
        """
        ...

    async def waiting(self, campaign_id: int, *, at: datetime) -> list[Waiting]:
        """Return the pending contacts by place and reason, from aggregates.

        Only contacts that wait with a reason and are due by ``at`` are counted by index.
        """
        ...

    async def gather(self, contact_id: int, *, now: datetime, look_back_s: float) -> Batch:
        """Return the batch that a claim of this one contact would be judged on (room 1).

        Whatever its status and due instant; nothing is changed.
        """
        ...

    async def gather_due(
        self,
        campaign_id: int,
        *,
        places: Sequence[str],
        now: datetime,
        look_back_s: float,
        limit: int,
    ) -> Batch:
        """Return the batch that a claim with room for ``limit`` calls would first be judged on.

        Whatever the campaign's status; nothing is changed.
        """
        ...

    async def release_holds(
        self, campaign_id: int | None, reasons: Iterable[Reason], *, now: datetime
    ) -> int:
        """Have contacts that wait for one of the reasons looked at again; returns how many.

        Contacts of one campaign, or of all that are not over.
        """
        ...

    async def heads(self, campaign_id: int) -> dict[str, datetime | None]:
        """Return the places that have pending contacts, each with its earliest ``due_at``.

        None stands for a place whose contacts all wait for a change.
        """
        ...

    async def claim(
        self,
        campaign_id: int,
        attempt_ids: Sequence[str],
        *,
        places: Sequence[str] | None,
        judge: Judge,
        look_back_s: float,
        now: datetime,
        lease_until: datetime,
        version: int | None = None,
    ) -> Claimed:
        """Take up to ``len(attempt_ids)`` due contacts of a running campaign.

        Agreed callbacks come first, then the oldest due first.
        Due contacts of ``places`` (None: of any) are judged in batches, within the
        transaction. One that is let out becomes ``in_progress`` and gets an attempt in state
        ``claimed`` with the next of the given ids; one that is passed over waits until the
        instant it was given, with the reason (without an instant: until something changes),
        or is skipped. A contact never has two live attempts.

        Args:
            campaign_id: the campaign.
            attempt_ids: ids for the attempts.
            places: places whose contacts may be called now.
            judge: the gate.
            look_back_s: how far back the gate wants to see calls.
            now: the instant.
            lease_until: until when a claim holds while nothing was sent.
            version: of which settings the gate was made; nobody is taken when the campaign
                has others, or when a do-not-call list that they name is not there (None: of
                any).
        """
        ...

    async def mark_dialing(self, attempt_ids: Sequence[str], *, now: datetime) -> list[str]:
        """Note that calls are about to be sent; returns the ids that may be sent.

        An attempt that is not ``claimed`` any more, or whose lease is over, is left out.
        """
        ...

    async def apply(self, changes: Sequence[AttemptChange]) -> list[Applied]:
        """Commit steps of attempts with what they do to contacts and counts.

        When the campaign was canceled or completed meanwhile, a contact that would wait for
        a retry is canceled instead.
        """
        ...

    async def revise(self, revision: Revision, *, now: datetime) -> Attempt:
        """Note what was learnt of an attempt after its end.

        What becomes of the contact is left as it is when the contact has been called again
        since, or its campaign is over.

        Raises:
            Conflict: the attempt has not ended.
        """
        ...

    async def attempt(self, attempt_id: str) -> Attempt:
        """Return one attempt."""
        ...

    async def attempts(
        self, campaign_id: int, *, after_id: str = "", limit: int = 1000
    ) -> list[Attempt]:
        """Return attempts by id (ids sort by time), those after ``after_id``."""
        ...

    async def newest_attempts(
        self, campaign_id: int, *, before_id: str = "", limit: int = 1000
    ) -> list[Attempt]:
        """Return attempts by falling id, those before ``before_id`` (empty: from the newest on)."""
        ...

    async def live_attempts(self, campaign_id: int | None = None) -> list[Attempt]:
        """Return attempts that are not settled, of one campaign or of all."""
        ...

    async def attempt_context(self, attempt_ids: Sequence[str]) -> dict[str, tuple[Attempt, int]]:
        """Return attempts that exist, each with how many calls its contact had before."""
        ...

    async def counts(self, campaign_id: int) -> CampaignCounts:
        """Return the counts of a campaign without scanning its contacts."""
        ...

    async def calls_per_number(self, campaign_id: int) -> dict[str, dict[str, int]]:
        """Return attempts per number: ``{number: {"ended": n, "released": n, "live": n}}``."""
        ...

    async def results_per_number(
        self, campaign_id: int
    ) -> dict[str, tuple[ContactStatus, Disposition | None]]:
        """Return the state and last disposition of every contact, by number."""
        ...

    async def create_import(
        self, campaign_id: int, filename: str, report: dict[str, Any], *, now: datetime
    ) -> ContactImport:
        """Note a previewed import."""
        ...

    async def contact_import(self, import_id: int) -> ContactImport:
        """Return one import."""
        ...

    async def imports(self, campaign_id: int) -> list[ContactImport]:
        """Return the imports of a campaign, newest first."""
        ...

    async def discard_import(self, import_id: int, *, now: datetime) -> None:
        """Forget an import that was previewed and no more.

        Raises:
            Conflict: it was confirmed, or undone.
        """
        ...

    async def undo_import(self, import_id: int, *, now: datetime) -> int:
        """Delete the contacts of a confirmed import; returns how many.

        Raises:
            Conflict: it is not confirmed, or one of its contacts has an attempt.
        """
        ...

    async def save_mapping_preset(
        self, name: str, mapping: dict[str, Any], *, now: datetime
    ) -> MappingPreset:
        """Add a mapping preset, or change the mapping of the one called ``name``.

        Raises:
            InvalidInput: the name is not usable.
        """
        ...

    async def mapping_presets(self) -> list[MappingPreset]:
        """Return all mapping presets by name."""
        ...

    async def delete_mapping_preset(self, name: str) -> None:
        """Delete a mapping preset."""
        ...
