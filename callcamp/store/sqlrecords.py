"""The records of :mod:`callcamp.ports`, on SQLite or PostgreSQL: a part of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from callcamp.core.changes import NewSuppression
from callcamp.core.gate import Consent, NumberUse, OutboundNumber
from callcamp.core.model import NewContact
from callcamp.core.policies import Condition, Match
from callcamp.core.reasons import Reason
from callcamp.ports import (
    AuditEntry,
    CallFacts,
    CustomOutcome,
    DirectoryContact,
    DncList,
    SavedFilter,
    Suppressed,
    Suppression,
    TimelineCall,
)
from callcamp.store import (
    audit,
    directory,
    dnc,
    filters,
    numbers,
    outcomes,
    report,
    suppression,
)
from callcamp.store import consents as consents_
from callcamp.store.database import Database
from callcamp.store.dnc_copies import IDLE_S, Copies


class RecordsSql:
    """What is on record beside campaigns; fulfils :class:`callcamp.ports.Records`.

    What may be a million is checked in a thread of its own: neither the loop nor whoever
    wants to write waits for that.
    """

    _db: Database

    async def suppress(self, numbers: Iterable[NewSuppression], *, now: datetime) -> Suppressed:
        """Put numbers on the do-not-call list; contacts waiting with them are skipped."""
        checked = await asyncio.to_thread(suppression.checked, numbers)
        return await self._db.write(suppression.suppress_checked, checked, now)

    async def unsuppress(self, phone: str, *, campaign_id: int | None, now: datetime) -> bool:
        """Take a number off the list; False: it was not there."""
        return await self._db.write(suppression.remove, phone, campaign_id, now)

    async def suppressed(
        self,
        phones: Iterable[str],
        *,
        campaign_id: int,
        lists: Sequence[str] = (),
        now: datetime,
    ) -> dict[str, Reason]:
        """Return those of some numbers that must not be called for a campaign, and why."""
        return await self._db.read(
            suppression.suppressed_among, list(phones), campaign_id, now, tuple(lists)
        )

    async def suppressions(
        self,
        *,
        phone: str | None = None,
        campaign_id: int | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> list[Suppression]:
        """Return entries by id; ``campaign_id`` gives that campaign's own only."""
        return await self._db.read(
            suppression.listing,
            phone=phone,
            campaign_id=campaign_id,
            after_id=after_id,
            limit=limit,
        )

    async def replace_dnc_list(
        self, name: str, phones: Iterable[str], *, as_of: datetime, now: datetime
    ) -> DncList:
        """Import a do-not-call list, or put a fresh copy in place of the old one."""
        checked = await asyncio.to_thread(dnc.checked, phones)
        return await Copies(self._db).replace(name, checked, as_of, now)

    async def dnc_lists(self) -> list[DncList]:
        """Return the imported lists by name."""
        return await self._db.read(dnc.lists)

    async def delete_dnc_list(self, name: str) -> None:
        """Delete an imported list."""
        await Copies(self._db).remove(name)

    async def sweep_dnc_lists(self, *, idle_s: float = IDLE_S) -> int:
        """Throw away copies of lists that were given up half way, or are not in place any more."""
        return await Copies(self._db).sweep(idle_s=idle_s)

    async def record_consent(self, consent: Consent) -> None:
        """Record a consent; an earlier one of the same number and scope is replaced."""
        await self._db.write(consents_.record_one, consent)

    async def record_consents(self, consents: Iterable[Consent]) -> int:
        """Record many consents, all or none; returns how many of them are on record now."""
        checked = await asyncio.to_thread(consents_.checked, consents)
        return await self._db.write(consents_.record, checked)

    async def revoke_consent(self, phone: str, scope: str, *, now: datetime) -> bool:
        """Note that a consent was revoked; False: there was none that held."""
        return await self._db.write(consents_.revoke, phone, scope, now)

    async def consents(self, phone: str) -> list[Consent]:
        """Return the consents on record of a number, revoked and expired ones included."""
        return await self._db.read(consents_.of_number, phone)

    async def save_number(
        self,
        phone: str,
        *,
        label: str = "",
        active: bool = True,
        daily_cap: int | None = None,
        now: datetime,
    ) -> OutboundNumber:
        """Add an outbound number, or change it; its rest is kept."""
        return await self._db.write(
            numbers.save, phone, label=label, active=active, daily_cap=daily_cap, now=now
        )

    async def outbound_numbers(self) -> list[OutboundNumber]:
        """Return all outbound numbers by phone."""
        return await self._db.read(numbers.all_numbers)

    async def number_use(self, *, now: datetime) -> dict[int, NumberUse]:
        """Return how the outbound numbers were used, by id."""
        return await self._db.read(numbers.use, now)

    async def rest_number(
        self,
        number_id: int,
        *,
        until: datetime | None,
        evidence: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Have a number rest until an instant (None: use it again), and start to count anew."""
        await self._db.write(numbers.rest, number_id, until, evidence, now)

    async def delete_number(self, phone: str, *, now: datetime) -> None:
        """Delete an outbound number that no campaign needs any more."""
        await self._db.write(numbers.remove, phone, now)

    async def save_outcome(self, outcome: CustomOutcome, *, now: datetime) -> CustomOutcome:
        """Add a custom disposition, or change it."""
        return await self._db.write(outcomes.save, outcome, now)

    async def outcomes(self) -> list[CustomOutcome]:
        """Return the custom dispositions by name."""
        return await self._db.read(outcomes.outcomes)

    async def save_filter(
        self, name: str, conditions: Sequence[Condition], match: Match, *, now: datetime
    ) -> SavedFilter:
        """Add a saved filter, or change it."""
        return await self._db.write(filters.save, name, list(conditions), match, now)

    async def filters(self) -> list[SavedFilter]:
        """Return the saved filters by name."""
        return await self._db.read(filters.filters)

    async def delete_filter(self, name: str, *, now: datetime) -> None:
        """Delete a saved filter."""
        await self._db.write(filters.remove, name, now)

    async def add_to_directory(
        self, contacts: Iterable[NewContact], *, now: datetime
    ) -> tuple[int, int]:
        """Add people, or update those whose first number is there; returns (added, updated)."""
        people = await asyncio.to_thread(directory.checked, contacts)
        return await self._db.write(directory.add, people, now)

    async def directory(
        self, *, phone: str | None = None, after_id: int = 0, limit: int = 1000
    ) -> list[DirectoryContact]:
        """Return people by id; ``phone`` matches any of their numbers exactly."""
        return await self._db.read(directory.listing, phone=phone, after_id=after_id, limit=limit)

    async def delete_from_directory(self, phone: str, *, now: datetime) -> bool:
        """Delete a person by first number; campaigns keep their copy. False: not there."""
        return await self._db.write(directory.remove, phone, now)

    async def timeline(self, phones: Sequence[str], *, limit: int = 100) -> list[TimelineCall]:
        """Return every call to one of the numbers, over all campaigns, newest first."""
        return await self._db.read(report.timeline, list(phones), limit)

    async def call_facts(
        self, campaign_id: int, *, since: datetime, until: datetime, zone: str
    ) -> CallFacts:
        """Count a campaign's calls that were dialled in a span of time."""
        return await self._db.read(report.call_facts, campaign_id, since, until, zone)

    async def audit(
        self,
        *,
        campaign_id: int | None = None,
        kind: str | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """Return audit entries, newest first."""
        return await self._db.read(
            audit.entries, campaign_id=campaign_id, kind=kind, before_id=before_id, limit=limit
        )
