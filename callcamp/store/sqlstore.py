"""The store of :mod:`callcamp.ports`, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

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
from callcamp.ports import (
    AddResult,
    Applied,
    Claimed,
    ContactImport,
    MappingPreset,
    OnDuplicate,
    SettingsVersion,
)
from callcamp.store import (
    adding,
    applying,
    attempts,
    campaigns,
    changing,
    claims,
    copying,
    counts,
    due,
    gathering,
    imports,
    presets,
    removing,
    revising,
    schema,
    trunks,
)
from callcamp.store import callbacks as callbacks_
from callcamp.store import contacts as contacts_
from callcamp.store.database import database
from callcamp.store.replies import RepliesSql
from callcamp.store.sqlaccess import AccessSql
from callcamp.store.sqlagents import AgentsSql
from callcamp.store.sqlrecords import RecordsSql
from callcamp.store.sqlwebhooks import WebhooksSql


class SqlStore(RecordsSql, AccessSql, AgentsSql, WebhooksSql, RepliesSql):
    """Everything that is remembered, in SQL; fulfils :class:`callcamp.ports.Store`.

    Args:
        database_url: ``sqlite:///PATH`` or ``postgresql://user@host/name``.

    Raises:
        StoreError: the address is of no such kind.
    """

    def __init__(self, database_url: str) -> None:
        self._db = database(database_url)

    async def open(self) -> None:
        """Connect, and make sure that the schema is current."""
        await self._db.open()
        try:
            await self._db.read(schema.check)
        except BaseException:
            await self._db.close()
            raise

    async def check(self) -> None:
        """Make sure that the database answers, and that its schema is still current."""
        await self._db.read(schema.check)

    def measure(self, on_commit: Callable[[float], None]) -> None:
        """Tell from now on how long transactions take."""
        self._db.on_commit = on_commit

    async def close(self) -> None:
        """Disconnect; safe twice."""
        await self._db.close()

    async def hold_engine(
        self, holder: str, *, now: datetime, ttl_s: float, state: Mapping[str, Any] | None = None
    ) -> str | None:
        """Take or renew the right to be the one engine; else return who has it."""
        return await self._db.write(trunks.hold_engine, holder, now, ttl_s, state)

    async def engine_state(self, *, now: datetime) -> dict[str, Any] | None:
        """Return the state that the working engine last left."""
        return await self._db.read(trunks.engine_state, now)

    async def release_engine(self, holder: str) -> None:
        """Give the right back, if ``holder`` has it."""
        await self._db.write(trunks.release_engine, holder)

    async def save_trunk(
        self, name: str, *, dial_string: str, cps: float, max_channels: int | None = None
    ) -> Trunk:
        """Add the trunk called ``name``, or change it."""
        return await self._db.write(trunks.save_trunk, name, dial_string, cps, max_channels)

    async def trunks(self) -> list[Trunk]:
        """Return all trunks by name."""
        return await self._db.read(trunks.trunks)

    async def create_campaign(self, settings: CampaignSettings, *, now: datetime) -> Campaign:
        """Add a draft."""
        return await self._db.write(campaigns.create, settings, now)

    async def change_settings(
        self,
        campaign_id: int,
        settings: CampaignSettings,
        *,
        expected_version: int,
        now: datetime,
    ) -> Campaign:
        """Replace the settings and count the version up; the old version is kept."""
        return await self._db.write(
            campaigns.change_settings, campaign_id, settings, expected_version, now
        )

    async def settings_versions(self, campaign_id: int) -> list[SettingsVersion]:
        """Return every version of the settings, oldest first."""
        return await self._db.read(campaigns.versions, campaign_id)

    async def clone_campaign(
        self,
        campaign_id: int,
        settings: CampaignSettings,
        choice: ContactChoice | None,
        *,
        now: datetime,
    ) -> Campaign:
        """Add a draft and, given a choice, copies of those contacts."""
        return await self._db.write(copying.clone, campaign_id, settings, choice, now)

    async def delete_campaign(self, campaign_id: int, *, now: datetime) -> None:
        """Delete a campaign that never started, and all that is its own."""
        await self._db.write(removing.delete_campaign, campaign_id, now)

    async def retry_failed(self, campaign_id: int, *, now: datetime) -> int:
        """Re-open a completed campaign for its failed contacts; returns how many."""
        return await self._db.write(campaigns.retry_failed, campaign_id, now)

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return one campaign."""
        return await self._db.read(campaigns.campaign, campaign_id)

    async def campaigns(self, status: CampaignStatus | None = None) -> list[Campaign]:
        """Return campaigns, newest first."""
        return await self._db.read(campaigns.campaigns, status)

    async def campaigns_again(
        self,
        known: Mapping[int, Campaign],
        statuses: Collection[CampaignStatus],
        ids: Collection[int] = (),
    ) -> list[Campaign]:
        """Return campaigns in one of the states, and those with these ids, oldest first."""
        return await self._db.read(campaigns.again, known, statuses, ids)

    async def move_campaign(
        self, campaign_id: int, event: CampaignEvent, *, now: datetime
    ) -> Campaign:
        """Take a step of the campaign table; an end cancels what is pending."""
        return await self._db.write(campaigns.move, campaign_id, event, now)

    async def finish_if_done(self, campaign_id: int, *, now: datetime) -> bool:
        """Complete a running campaign with no contact pending or in progress."""
        return await self._db.write(campaigns.finish_if_done, campaign_id, now)

    async def add_contacts(
        self,
        campaign_id: int,
        contacts: Iterable[NewContact],
        *,
        now: datetime,
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
    ) -> AddResult:
        """Add contacts, due at once.

        Raises:
            Conflict: the campaign takes no (more) contacts.
        """
        return await self._db.write(adding.add, campaign_id, list(contacts), now, on_duplicate)

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
        """Return contacts by id, those after ``after_id``."""
        return await self._db.read(
            contacts_.contacts,
            campaign_id,
            status=status,
            hold=hold,
            phone=phone,
            after_id=after_id,
            limit=limit,
        )

    async def callbacks(self, campaign_id: int | None, *, limit: int = 100) -> list[Contact]:
        """Return contacts that wait for an agreed callback, the next one first."""
        return await self._db.read(callbacks_.waiting, campaign_id, limit)

    async def delete_contacts(self, campaign_id: int) -> int:
        """Delete every contact without an attempt of a campaign that never started."""
        return await self._db.write(contacts_.delete_all, campaign_id)

    async def contact(self, contact_id: int) -> Contact:
        """Return one contact."""
        return await self._db.read(contacts_.contact, contact_id)

    async def delete_contact(self, contact_id: int, *, now: datetime) -> None:
        """Delete one contact; the records of its calls stay."""
        await self._db.write(changing.delete_one, contact_id, now)

    async def exclude_contact(self, contact_id: int, *, reason: str, now: datetime) -> Contact:
        """Exclude a contact from its campaign."""
        return await self._db.write(changing.exclude, contact_id, reason, now)

    async def set_place(self, contact_id: int, place: str, *, now: datetime) -> Contact:
        """Say where a contact is."""
        return await self._db.write(changing.set_place, contact_id, place, now)

    async def skip_contact(self, contact_id: int, reason: Reason, *, now: datetime) -> Contact:
        """Leave a pending contact out, with a reason."""
        return await self._db.write(changing.skip, contact_id, reason, now)

    async def waiting(self, campaign_id: int, *, at: datetime) -> list[Waiting]:
        """Return the pending contacts by place and reason."""
        return await self._db.read(contacts_.waiting, campaign_id, at)

    async def gather(self, contact_id: int, *, now: datetime, look_back_s: float) -> Batch:
        """Return the batch that a claim of this one contact would be judged on."""
        return await self._db.read(gathering.gather, contact_id, now, look_back_s)

    async def gather_due(
        self,
        campaign_id: int,
        *,
        places: Sequence[str],
        now: datetime,
        look_back_s: float,
        limit: int,
    ) -> Batch:
        """Return the batch that a claim with room for ``limit`` calls would be judged on."""
        return await self._db.read(
            gathering.gather_due, campaign_id, places, now, look_back_s=look_back_s, limit=limit
        )

    async def release_holds(
        self, campaign_id: int | None, reasons: Iterable[Reason], *, now: datetime
    ) -> int:
        """Have contacts that wait for one of the reasons looked at again."""
        return await self._db.write(campaigns.release_holds, campaign_id, list(reasons), now)

    async def heads(self, campaign_id: int) -> dict[str, datetime | None]:
        """Return the places that have pending contacts, each with its earliest ``due_at``."""
        return await self._db.read(due.heads, campaign_id)

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
        """Take due contacts of a running campaign that the gate lets out.

        Raises:
            InvalidInput: the gate did not answer what it was asked.
        """
        return await self._db.write(
            claims.claim,
            campaign_id,
            list(attempt_ids),
            places=places,
            judge=judge,
            look_back_s=look_back_s,
            now=now,
            lease_until=lease_until,
            version=version,
        )

    async def mark_dialing(self, attempt_ids: Sequence[str], *, now: datetime) -> list[str]:
        """Note that calls are about to be sent; returns the ids that may be sent."""
        return await self._db.write(claims.mark_dialing, list(attempt_ids), now)

    async def apply(self, changes: Sequence[AttemptChange]) -> list[Applied]:
        """Commit steps of attempts with what they do to contacts and counts."""
        return await self._db.write(applying.apply, list(changes))

    async def revise(self, revision: Revision, *, now: datetime) -> Attempt:
        """Note what was learnt of an attempt after its end."""
        return await self._db.write(revising.revise, revision, now)

    async def attempt(self, attempt_id: str) -> Attempt:
        """Return one attempt."""
        return await self._db.read(attempts.attempt, attempt_id)

    async def attempts(
        self, campaign_id: int, *, after_id: str = "", limit: int = 1000
    ) -> list[Attempt]:
        """Return attempts by id, those after ``after_id``."""
        return await self._db.read(attempts.attempts, campaign_id, after_id, limit)

    async def newest_attempts(
        self, campaign_id: int, *, before_id: str = "", limit: int = 1000
    ) -> list[Attempt]:
        """Return attempts, newest first, those before ``before_id``."""
        return await self._db.read(attempts.newest, campaign_id, before_id, limit)

    async def live_attempts(self, campaign_id: int | None = None) -> list[Attempt]:
        """Return attempts that are not settled, of one campaign or of all."""
        return await self._db.read(attempts.live_attempts, campaign_id)

    async def attempt_context(self, attempt_ids: Sequence[str]) -> dict[str, tuple[Attempt, int]]:
        """Return attempts that exist, each with how many calls its contact had before."""
        return await self._db.read(attempts.context, list(attempt_ids))

    async def counts(self, campaign_id: int) -> CampaignCounts:
        """Return the counts of a campaign without scanning its contacts."""
        return await self._db.read(counts.counts, campaign_id)

    async def recount(self, campaign_id: int) -> dict[tuple[str, str], tuple[int, int]]:
        """Compare the counts with a scan: ``{(kind, key): (stored, scanned)}`` that differ."""
        return await self._db.read(counts.recount, campaign_id)

    async def calls_per_number(self, campaign_id: int) -> dict[str, dict[str, int]]:
        """Return attempts per number: ``{number: {"ended": n, "released": n, "live": n}}``."""
        return await self._db.read(attempts.calls_per_number, campaign_id)

    async def results_per_number(
        self, campaign_id: int
    ) -> dict[str, tuple[ContactStatus, Disposition | None]]:
        """Return the state and last disposition of every contact, by number."""
        return await self._db.read(contacts_.results_per_number, campaign_id)

    async def create_import(
        self, campaign_id: int, filename: str, report: dict[str, Any], *, now: datetime
    ) -> ContactImport:
        """Note a previewed import."""
        return await self._db.write(imports.create, campaign_id, filename, report, now)

    async def contact_import(self, import_id: int) -> ContactImport:
        """Return one import."""
        return await self._db.read(imports.contact_import, import_id)

    async def imports(self, campaign_id: int) -> list[ContactImport]:
        """Return the imports of a campaign, newest first."""
        return await self._db.read(imports.imports, campaign_id)

    async def discard_import(self, import_id: int, *, now: datetime) -> None:
        """Forget an import that was previewed and no more."""
        await self._db.write(imports.discard, import_id, now)

    async def undo_import(self, import_id: int, *, now: datetime) -> int:
        """Delete the contacts of a confirmed import; returns how many."""
        return await self._db.write(imports.undo, import_id, now)

    async def save_mapping_preset(
        self, name: str, mapping: dict[str, Any], *, now: datetime
    ) -> MappingPreset:
        """Add a mapping preset, or change the mapping of the one called ``name``."""
        return await self._db.write(presets.save, name, mapping, now)

    async def mapping_presets(self) -> list[MappingPreset]:
        """Return all mapping presets by name."""
        return await self._db.read(presets.presets)

    async def delete_mapping_preset(self, name: str) -> None:
        """Delete a mapping preset."""
        await self._db.write(presets.remove, name)
