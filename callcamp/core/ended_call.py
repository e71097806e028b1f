"""A call that has ended, as rules look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from callcamp.core.compare import FactValue
from callcamp.core.facts import call_facts
from callcamp.core.model import Attempt, Contact
from callcamp.core.outcome import MEANING, Disposition, Evidence

_EVIDENCE = frozenset(f.name for f in fields(Evidence))


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call that has ended, and what is known of its contact.

    Args:
        disposition: how it ended.
        evidence: what that rests on.
        ended_at: when it ended.
        attempt_ordinal: 1 for the contact's first call.
        round_ordinal: the same, counted from when the contact was last re-opened.
        outcome: custom disposition that a bot or an agent gave.
        success: verdict of the success rules.
        refused: whether the person refused further calls.
        opted_out: whether the person opted out, beyond what the campaign's own settings tell.
        callback_at: the callback that was agreed in it.
        contact_variables: data of the contact.
        call_variables: what was filled in during the conversation.
        numbers: how many numbers the contact has.
        number_index: which of them was called.
        invalid: which of them are known not to exist, from earlier calls.
    """

    disposition: Disposition
    evidence: Evidence
    ended_at: datetime
    attempt_ordinal: int = 1
    round_ordinal: int = 1
    outcome: str | None = None
    success: bool | None = None
    refused: bool = False
    opted_out: bool = False
    callback_at: datetime | None = None
    contact_variables: Mapping[str, str] = field(default_factory=dict)
    call_variables: Mapping[str, str] = field(default_factory=dict)
    numbers: int = 1
    number_index: int = 0
    invalid: frozenset[int] = frozenset()

    def facts(self) -> dict[str, FactValue]:
        """Return what rules may ask about it."""
        usable = self.usable()
        return call_facts(
            disposition=self.disposition,
            evidence=self.evidence,
            attempt_ordinal=self.attempt_ordinal,
            round_ordinal=self.round_ordinal,
            outcome=self.outcome,
            success=self.success,
            refused=self.refused,
            numbers_left=sum(index > self.number_index for index in usable),
            other_numbers=sum(index != self.number_index for index in usable),
            contact_variables=self.contact_variables,
            call_variables=self.call_variables,
        )

    def usable(self) -> tuple[int, ...]:
        """Return which of the contact's numbers may exist, in order."""
        gone = self.invalid
        if self.disposition is Disposition.INVALID_NUMBER:
            gone = gone | {self.number_index}
        return tuple(index for index in range(self.numbers) if index not in gone)

    def next_number(self) -> int | None:
        """Return which number is called next, if any is; None: none of them exists."""
        usable = self.usable()
        stays = MEANING[self.disposition].answered and (
            self.disposition is not Disposition.VOICEMAIL
        )
        if stays and self.number_index in usable:
            return self.number_index
        later = [index for index in usable if index > self.number_index]
        return next(iter((*later, *usable)), None)


def ended_call(
    attempt: Attempt,
    contact: Contact,
    *,
    ended_at: datetime,
    opted_out: bool = False,
    callback_at: datetime | None = None,
    invalid: frozenset[int] = frozenset(),
) -> EndedCall:
    """Return an attempt as it is stored as a call to decide on.

    Args:
        attempt: the attempt; one without disposition ended unknown.
        contact: its contact.
        ended_at: when it ended.
        opted_out: see :class:`EndedCall`.
        callback_at: see :class:`EndedCall`.
        invalid: see :class:`EndedCall`.
    """
    numbers = contact.numbers
    return EndedCall(
        attempt.disposition or Disposition.UNKNOWN,
        Evidence(**{name: value for name, value in attempt.evidence.items() if name in _EVIDENCE}),
        ended_at,
        attempt_ordinal=attempt.ordinal,
        round_ordinal=attempt.round_ordinal,
        outcome=attempt.outcome,
        success=attempt.success,
        refused=attempt.refused,
        opted_out=opted_out,
        callback_at=callback_at,
        contact_variables=contact.variables,
        call_variables=attempt.variables,
        numbers=len(numbers),
        number_index=numbers.index(attempt.number) if attempt.number in numbers else 0,
        invalid=invalid,
    )
