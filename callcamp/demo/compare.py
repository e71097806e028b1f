"""Does what callcamp says agree with what the callees saw?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from callcamp.core.campaign_settings import RetryPolicy
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.states import ContactStatus
from callcamp.demo.sample import expected_disposition
from callcamp.lab import Behaviour
from callcamp.ports import Store

_OPEN = {ContactStatus.PENDING, ContactStatus.IN_PROGRESS}
_MET_OR_NOT = {Disposition.ANSWERED_PERSON, Disposition.ABANDONED}


@dataclass(slots=True)
class Row:
    """One behaviour: contacts, attempts, results, and calls that the witness saw."""

    behaviour: Behaviour
    contacts: int = 0
    attempts: int = 0
    witness: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    mismatches: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole result.

    Args:
        rows: one per behaviour, in the lab's order.
        contacts: contacts of the campaign.
        attempts: ended attempts in the store.
        witness_invites: calls that reached the callees.
        mismatches: contacts with another result, or another number of calls, than their
            behaviour implies or the witness saw; each named in ``notes``.
        called_twice_by_mistake: calls that the witness saw beyond the store's attempts.
        unaccounted: contacts without a settled result, and calls to numbers not in the list.
        outcomes: contacts by last disposition.
        notes: every disagreement as a sentence.
    """

    rows: list[Row]
    contacts: int
    attempts: int
    witness_invites: int
    mismatches: int
    called_twice_by_mistake: int
    unaccounted: int
    outcomes: dict[str, int]
    notes: list[str]

    @property
    def agrees(self) -> bool:
        """Whether nothing disagrees."""
        return not (self.mismatches or self.called_twice_by_mistake or self.unaccounted)

    def as_dict(self) -> dict[str, Any]:
        """Return the object that ``demo --json`` prints."""
        return {
            "contacts": self.contacts,
            "attempts": self.attempts,
            "witness_invites": self.witness_invites,
            "mismatches": self.mismatches,
            "called_twice_by_mistake": self.called_twice_by_mistake,
            "unaccounted": self.unaccounted,
            "outcomes": self.outcomes,
            "agrees": self.agrees,
            "notes": self.notes,
        }


def expected_attempts(policy: RetryPolicy, disposition: Disposition) -> int:
    """Return how many calls a contact gets that always ends with ``disposition``."""
    again = disposition in policy.retry_on and MEANING[disposition].retryable
    return policy.max_attempts if again else 1


async def compare(
    store: Store,
    campaign_id: int,
    people: dict[str, Behaviour],
    witness: dict[str, int],
    policy: RetryPolicy,
    *,
    with_agents: bool = False,
) -> Comparison:
    """Hold the store against the witness, number by number.

    With agents a person for whom nobody was free is abandoned, and may be called again.
    """
    results = await store.results_per_number(campaign_id)
    calls = await store.calls_per_number(campaign_id)
    rows: dict[str, Row] = {}
    outcomes: Counter[str] = Counter()
    notes: list[str] = []
    twice = unaccounted = 0
    for number, behaviour in people.items():
        row = rows.setdefault(behaviour.slug, Row(behaviour))
        status, disposition = results.get(number, (None, None))
        attempts, seen = calls.get(number, {}).get("ended", 0), witness.get(number, 0)
        row.contacts += 1
        row.attempts += attempts
        row.witness += seen
        twice += max(0, seen - attempts)
        if status is None or status in _OPEN or disposition is None:
            unaccounted += 1
            notes.append(f"{number} ({behaviour.slug}) has no settled result: {status}.")
            continue
        row.outcomes[disposition.value] += 1
        outcomes[disposition.value] += 1
        want = expected_disposition(behaviour)
        wanted = expected_attempts(policy, want)
        may_wait = with_agents and want is Disposition.ANSWERED_PERSON
        if may_wait and attempts == seen and disposition in _MET_OR_NOT:
            continue
        if disposition is not want or not attempts == seen == wanted:
            row.mismatches += 1
            notes.append(
                f"{number} ({behaviour.slug}) ended {disposition.value} after {attempts} "
                f"attempts and {seen} calls seen; {want.value} after {wanted} was due."
            )
    for number in witness.keys() - people.keys():
        unaccounted += witness[number]
        notes.append(f"{number} was called {witness[number]} times and is not in the list.")
    return Comparison(
        rows=list(rows.values()),
        contacts=len(results),
        attempts=sum(c.get("ended", 0) for c in calls.values()),
        witness_invites=sum(witness.values()),
        mismatches=sum(r.mismatches for r in rows.values()),
        called_twice_by_mistake=twice,
        unaccounted=unaccounted,
        outcomes=dict(sorted(outcomes.items())),
        notes=notes,
    )
