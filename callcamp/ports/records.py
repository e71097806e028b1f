"""The contract of what is on record beside campaigns.

That is: exclusions, consents, outbound numbers, the contact directory, saved filters, custom
dispositions, and who did what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from callcamp.core.changes import NewSuppression
from callcamp.core.gate import Consent, NumberUse, OutboundNumber
from callcamp.core.model import Attempt, NewContact
from callcamp.core.policies import Condition, Match
from callcamp.core.reasons import Reason

_actor: ContextVar[str] = ContextVar("callcamp_actor", default="engine")


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Have what is changed within the block audited as done by ``actor``.

    Actors are named ``KIND:NAME``, such as ``cli:root`` or ``page:127.0.0.1``; what callcamp
    does by itself is ``engine``.
    """
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> str:
    """Return who acts now, for the audit."""
    return _actor.get()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what and when.

    Args:
        id: number in the store.
        at: when.
        actor: who, see :func:`acting_as`.
        action: what, ``KIND.VERB`` in the past tense, e.g. ``campaign.started``.
        kind: of what kind the subject is, e.g. ``campaign``.
        subject: its id or key, as text.
        campaign_id: the campaign it belongs to, if any.
        before: what it was (JSON-able; None: it was not there).
        after: what it became (None: it is not there any more).
    """

    id: int
    at: datetime
    actor: str
    action: str
    kind: str
    subject: str
    campaign_id: int | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Suppression:
    """A number on the do-not-call list, everywhere or in one campaign; see NewSuppression."""

    id: int
    phone: str
    reason: str
    source: str
    campaign_id: int | None
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class DncList:
    """An imported do-not-call list of somebody else, such as a national register.

    Args:
        name: by which campaigns name it.
        numbers: how many numbers it has.
        as_of: of when the copy is.
        imported_at: when it was imported.
    """

    name: str
    numbers: int
    as_of: datetime
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class CustomOutcome:
    """A custom disposition that bots and agents may give a call.

    Args:
        name: lower case slug, e.g. ``callback_requested``.
        label: shown to people.
        refused: the person refused further calls for now (starts a cool-off).
        opt_out: the person wants never to be called again.
    """

    name: str
    label: str
    refused: bool = False
    opt_out: bool = False


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """Conditions over contacts, kept under a name."""

    name: str
    conditions: tuple[Condition, ...]
    match: Match
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DirectoryContact:
    """A person in the contact directory.

    Args:
        id: number in the store.
        phone: first number, E.164; unique in the directory.
        others: further numbers.
        variables: data by name.
        created_at: when it was added.
        updated_at: when it was last changed.
    """

    id: int
    phone: str
    others: tuple[str, ...]
    variables: dict[str, str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TimelineCall:
    """A call of a person's timeline: the attempt, and the name of its campaign."""

    attempt: Attempt
    campaign_name: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """How many numbers were put on the list anew, and how many waiting contacts it skipped."""

    added: int
    contacts_skipped: int


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Counts over the calls of a campaign in a span of time, for the compliance report.

    Args:
        calls: ended calls.
        answered: picked up, by whoever.
        persons: answered by a person, abandoned ones included.
        abandoned: answered by a person and nobody was there.
        by_day: ``{local day: {disposition: n}}`` in the zone that was asked for.
        most_per_number: the most calls to one number.
        shortest_ring_s: the shortest time that an unanswered call rang before we gave up.
    """

    calls: int
    answered: int
    persons: int
    abandoned: int
    by_day: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    most_per_number: int = 0
    shortest_ring_s: float | None = None


class Records(Protocol):
    """What is on record beside campaigns. Every method is one transaction.

    Changes are audited in their transaction, as done by :func:`current_actor`.
    """

    async def suppress(self, numbers: Iterable[NewSuppression], *, now: datetime) -> Suppressed:
        """Put numbers on the do-not-call list; contacts waiting with them are skipped.

        A contact is skipped when all its numbers are suppressed. A number that is there
        already (same number, same campaign or everywhere) is left as it is, unless the new
        entry lasts longer. Live calls go on.
        """
        ...

    async def unsuppress(self, phone: str, *, campaign_id: int | None, now: datetime) -> bool:
        """Take a number off the list (everywhere, or one campaign's); False: it was not there.

        Contacts that were skipped stay so until they are added again: excluded ones under
        every policy, those who were on the list everywhere under ``call_again``.
        """
        ...

    async def suppressed(
        self,
        phones: Iterable[str],
        *,
        campaign_id: int,
        lists: Sequence[str] = (),
        now: datetime,
    ) -> dict[str, Reason]:
        """Return those of some numbers that must not be called for a campaign, and why.

        Args:
            phones: numbers to look up, E.164.
            campaign_id: the campaign.
            lists: names of the imported do-not-call lists that it checks.
            now: the instant.
        """
        ...

    async def suppressions(
        self,
        *,
        phone: str | None = None,
        campaign_id: int | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> list[Suppression]:
        """Return entries by id; ``campaign_id`` gives that campaign's own only."""
        ...

    async def replace_dnc_list(
        self, name: str, phones: Iterable[str], *, as_of: datetime, now: datetime
    ) -> DncList:
        """Import a do-not-call list, or put a fresh copy in place of the old one."""
        ...

    async def dnc_lists(self) -> list[DncList]:
        """Return the imported lists by name."""
        ...

    async def delete_dnc_list(self, name: str) -> None:
        """Delete an imported list.

        Raises:
            NotFound: there is none of that name.
        """
        ...

    async def sweep_dnc_lists(self, *, idle_s: float = 300.0) -> int:
        """Throw away copies of lists that were given up half way; returns how many there were.

        Args:
            idle_s: seconds without a further number after which a copy that is being brought in
                is taken for given up.
        """
        ...

    async def record_consent(self, consent: Consent) -> None:
        """Record a consent; an earlier one of the same number and scope is replaced.

        Raises:
            Conflict: it was given before the one on record was revoked.
        """
        ...

    async def record_consents(self, consents: Iterable[Consent]) -> int:
        """Record many consents, all or none; returns how many of them are on record now.

        Of one number and scope given twice the last counts. One that was given before the one
        on record was revoked is left out.
        """
        ...

    async def revoke_consent(self, phone: str, scope: str, *, now: datetime) -> bool:
        """Note that a consent was revoked; False: there was none that held."""
        ...

    async def consents(self, phone: str) -> list[Consent]:
        """Return the consents on record of a number, revoked and expired ones included."""
        ...

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
        ...

    async def outbound_numbers(self) -> list[OutboundNumber]:
        """Return all outbound numbers by phone."""
        ...

    async def number_use(self, *, now: datetime) -> dict[int, NumberUse]:
        """Return how the outbound numbers were used, by id."""
        ...

    async def rest_number(
        self,
        number_id: int,
        *,
        until: datetime | None,
        evidence: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Have a number rest until an instant (None: use it again), and start to count anew."""
        ...

    async def delete_number(self, phone: str, *, now: datetime) -> None:
        """Delete an outbound number.

        Raises:
            NotFound: there is none.
            Conflict: a campaign that is not over has it in its pool.
        """
        ...

    async def save_outcome(self, outcome: CustomOutcome, *, now: datetime) -> CustomOutcome:
        """Add a custom disposition, or change it."""
        ...

    async def outcomes(self) -> list[CustomOutcome]:
        """Return the custom dispositions by name."""
        ...

    async def save_filter(
        self, name: str, conditions: Sequence[Condition], match: Match, *, now: datetime
    ) -> SavedFilter:
        """Add a saved filter, or change it."""
        ...

    async def filters(self) -> list[SavedFilter]:
        """Return the saved filters by name."""
        ...

    async def delete_filter(self, name: str, *, now: datetime) -> None:
        """Delete a saved filter.

        Raises:
            NotFound: there is none of that name.
        """
        ...

    async def add_to_directory(
        self, contacts: Iterable[NewContact], *, now: datetime
    ) -> tuple[int, int]:
        """Add people, or update those whose first number is there; returns (added, updated).

        Variables of an update are merged into those that are there.
        """
        ...

    async def directory(
        self, *, phone: str | None = None, after_id: int = 0, limit: int = 1000
    ) -> list[DirectoryContact]:
        """Return people by id; ``phone`` matches any of their numbers exactly."""
        ...

    async def delete_from_directory(self, phone: str, *, now: datetime) -> bool:
        """Delete a person by first number; campaigns keep their copy. False: not there."""
        ...

    async def timeline(self, phones: Sequence[str], *, limit: int = 100) -> list[TimelineCall]:
        """Return every call to one of the numbers, over all campaigns, newest first."""
        ...

    async def call_facts(
        self, campaign_id: int, *, since: datetime, until: datetime, zone: str
    ) -> CallFacts:
        """Count a campaign's calls that were dialled in a span of time."""
        ...

    async def audit(
        self,
        *,
        campaign_id: int | None = None,
        kind: str | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """Return audit entries, newest first."""
        ...
