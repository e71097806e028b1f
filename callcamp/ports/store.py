"""The contract of what is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from callcamp.core.model import (
    Attempt,
    AttemptChange,
    Campaign,
    CampaignCounts,
    CampaignSettings,
    Claim,
    Contact,
    NewContact,
    Trunk,
)
from callcamp.core.outcome import Disposition
from callcamp.core.states import AttemptStatus, CampaignEvent, CampaignStatus, ContactStatus
from callcamp.errors import InvalidInput

MAX_PRESET_NAME = 64
"""Characters of a mapping preset's name, at most."""


@dataclass(frozen=True, slots=True)
class AddResult:
    """How many contacts were added, and how many were there already."""

    added: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class ContactImport:
    """One import of a file into a campaign.

    Args:
        id: number in the store.
        campaign_id: where it goes.
        filename: name of the file as it was given.
        status: ``previewed``, ``confirmed`` or ``undone``.
        report: counts, mapping and examples of the preview (JSON-able).
        added: contacts that the confirm added.
        created_at: when it was previewed.
        confirmed_at: when it was confirmed.
    """

    id: int
    campaign_id: int
    filename: str
    status: str
    report: dict[str, Any]
    added: int
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MappingPreset:
    """What becomes of a file's columns, kept under a name for the next file.

    Args:
        name: 1 to 64 printable characters, no blanks around them.
        mapping: as :meth:`callcamp.contacts.mapping.Mapping.as_dict` gives it (JSON-able).
        created_at: when it was first saved.
    """

    name: str
    mapping: dict[str, Any]
    created_at: datetime

    def __post_init__(self) -> None:
        name = self.name
        if not 0 < len(name) <= MAX_PRESET_NAME or not name.isprintable() or name != name.strip():
            raise InvalidInput(
                f"The name of a mapping preset has 1 to {MAX_PRESET_NAME} printable characters, "
                "and no blanks around them.",
                field="preset",
                value=name,
            )


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of one :class:`AttemptChange`.

    ``problem`` is None when it was committed; else why it was left out (an illegal step
    changes nothing and does not hinder the others of the batch).
    """

    attempt_id: str
    status: AttemptStatus | None
    problem: str | None = None


class Store(Protocol):
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

    async def hold_engine(self, holder: str, *, now: datetime, ttl_s: float) -> str | None:
        """Take or renew the right to be the one engine of this database.

        Returns None when ``holder`` has it now, else the name of who has it.
        """
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
        self, campaign_id: int, settings: CampaignSettings, *, expected_version: int
    ) -> Campaign:
        """Replace the settings and count the version up.

        Raises:
            Conflict: the version is not ``expected_version`` any more.
        """
        ...

    async def campaign(self, campaign_id: int) -> Campaign:
        """Return one campaign."""
        ...

    async def campaigns(self, status: CampaignStatus | None = None) -> list[Campaign]:
        """Return campaigns, newest first."""
        ...

    async def move_campaign(
        self, campaign_id: int, event: CampaignEvent, *, now: datetime
    ) -> Campaign:
        """Take a step of the campaign table.

        :attr:`CampaignEvent.STOPPED` cancels the contacts still pending, in the same
        transaction; live calls go on.

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
        self, campaign_id: int, contacts: Iterable[NewContact], *, now: datetime
    ) -> AddResult:
        """Add contacts, due at once; numbers that the campaign has already are left out."""
        ...

    async def contacts(
        self,
        campaign_id: int,
        *,
        status: ContactStatus | None = None,
        phone: str | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> list[Contact]:
        """Return contacts by id, those after ``after_id``; ``phone`` matches exactly."""
        ...

    async def delete_contacts(self, campaign_id: int) -> int:
        """Delete every contact without an attempt of a campaign that never started.

        Raises:
            Conflict: the campaign has been started before.
        """
        ...

    async def count_due(self, campaign_id: int, *, now: datetime, limit: int) -> int:
        """Count pending contacts that are due, up to ``limit``."""
        ...

    async def next_due_at(self, campaign_id: int) -> datetime | None:
        """Return the earliest ``due_at`` of the pending contacts."""
        ...

    async def claim(
        self,
        campaign_id: int,
        attempt_ids: Sequence[str],
        *,
        now: datetime,
        lease_until: datetime,
    ) -> list[Claim]:
        """Take up to ``len(attempt_ids)`` due contacts of a running campaign, oldest due first.

        Each becomes ``in_progress`` and gets an attempt in state ``claimed`` with the
        next of the given ids. A contact never has two live attempts.
        """
        ...

    async def mark_dialing(self, attempt_ids: Sequence[str], *, now: datetime) -> list[str]:
        """Note that calls are about to be sent; returns the ids that may be sent.

        An attempt that is not ``claimed`` any more, or whose lease is over, is left out.
        """
        ...

    async def apply(self, changes: Sequence[AttemptChange]) -> list[Applied]:
        """Commit steps of attempts with what they do to contacts and counts.

        When the campaign was canceled meanwhile, a contact that would wait for a retry is
        canceled instead.
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
