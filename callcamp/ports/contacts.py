"""The contract of contacts: who is to be called, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from callcamp.core.model import Contact, NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import ContactStatus
from callcamp.ports.results import AddResult, OnDuplicate


class ContactRecords(Protocol):
    """Contacts; part of :class:`callcamp.ports.Store`, which says what all methods share."""

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

    async def results_per_number(
        self, campaign_id: int
    ) -> dict[str, tuple[ContactStatus, Disposition | None]]:
        """Return the state and last disposition of every contact, by number."""
        ...
