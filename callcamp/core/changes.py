"""What the end of an attempt changes, and what is learnt of one later; ready to be committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.reasons import Reason
from callcamp.core.states import (
    AttemptEvent,
    ContactEvent,
)


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What the end of an attempt does to its contact.

    Args:
        event: the step of the contact table.
        due_at: given with :attr:`ContactEvent.RETRY_SCHEDULED` and
            :attr:`ContactEvent.RELEASED`.
        hold: why it waits until ``due_at`` (None: it does not, it is due).
        callback: whether ``due_at`` is an agreed callback.
        callback_agent_id: the only agent who makes that callback (None: anyone).
        number_index: which of its numbers is called next (None: as it is).
        variables: variables to set on the contact.
    """

    event: ContactEvent
    due_at: datetime | None = None
    hold: Reason | None = None
    callback: bool = False
    callback_agent_id: int | None = None
    number_index: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """A number that must not be called any more.

    Args:
        phone: E.164.
        reason: in words, e.g. ``opted out by keypad``.
        source: who says so: ``keypad``, ``outcome``, ``api``, ``cli``, ``list:NAME``.
        campaign_id: only in this campaign (None: everywhere).
        expires_at: until when (None: for ever).
    """

    phone: str
    reason: str
    source: str
    campaign_id: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptChange:
    """Steps of one attempt to be committed.

    Args:
        attempt_id: the attempt.
        events: steps, in order, each through the attempt table.
        at: instant of the last step.
        rang_at: set when it rang.
        answered_at: set when it was answered.
        connected_at: set when an agent was connected.
        agent_id: the agent who got it (None: nobody yet, or as it is).
        disposition: set when it ended.
        evidence: raw evidence, set when it ended.
        contact: what becomes of the contact, set when it ended or was released.
        outcome: custom disposition.
        success: verdict of the success rules, set when it ended.
        decided_by: the success rule that decided.
        rule: the retry rule that decided.
        variables: variables to keep on the attempt.
        refused: whether the person refused further calls.
        suppress: numbers that must not be called any more, from this commit on.
        note_ids: what agents noted during the call and this change takes in, by its numbers in
            the store, where it is deleted.
    """

    attempt_id: str
    events: tuple[AttemptEvent, ...]
    at: datetime
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    agent_id: int | None = None
    disposition: Disposition | None = None
    evidence: Evidence | None = None
    contact: ContactChange | None = None
    outcome: str | None = None
    success: bool | None = None
    decided_by: str | None = None
    rule: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False
    suppress: tuple[NewSuppression, ...] = ()
    note_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """What is learnt of an attempt after it has ended: its outcome, a callback, variables.

    Args:
        attempt_id: the attempt; it has ended.
        outcome: custom disposition.
        success: verdict of the success rules with what is known now.
        decided_by: the success rule that decided.
        rule: the retry rule that decides now.
        refused: whether the person refused further calls.
        variables: variables to keep on the attempt.
        contact_variables: variables to set on the contact, whatever becomes of it.
        contact: what becomes of the contact now (None: it stays as it is).
        suppress: numbers that must not be called any more.
        note_ids: see :class:`AttemptChange`.
    """

    attempt_id: str
    outcome: str | None = None
    success: bool | None = None
    decided_by: str | None = None
    rule: str | None = None
    refused: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    contact_variables: Mapping[str, str] = field(default_factory=dict)
    contact: ContactChange | None = None
    suppress: tuple[NewSuppression, ...] = ()
    note_ids: tuple[int, ...] = ()
