"""The contract of calls: who is due, the claim, and every attempt to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from callcamp.core.changes import AttemptChange, Revision
from callcamp.core.gate import Batch, Judge
from callcamp.core.model import Attempt
from callcamp.ports.results import Applied, Claimed


class CallRecords(Protocol):
    """Attempts; part of :class:`callcamp.ports.Store`, which says what all methods share."""

    async def heads(self, campaign_id: int) -> dict[str, datetime | None]:
        """Return the places that have pending contacts, each with its earliest ``due_at``.

        None stands for a place whose contacts all wait for a change.
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

    async def calls_per_number(self, campaign_id: int) -> dict[str, dict[str, int]]:
        """Return attempts per number: ``{number: {"ended": n, "released": n, "live": n}}``."""
        ...
