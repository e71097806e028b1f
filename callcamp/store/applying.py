"""Committing the steps of attempts, with all that follows for contacts and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from callcamp.core.changes import AttemptChange, ContactChange, NewSuppression, Revision
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.states import (
    ATTEMPT,
    CONTACT,
    LIVE_ATTEMPT,
    AttemptEvent,
    AttemptStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import Conflict
from callcamp.ports import Applied
from callcamp.store import call_notes, campaigns, counts, numbers, rows, suppression, telling
from callcamp.store import contacts as contacts_
from callcamp.store import tables as t
from callcamp.store.codec import encode_evidence
from callcamp.store.columns import safe_text
from callcamp.store.telling import Happened

_a, _c = t.attempt.c, t.contact.c
_IDS = _a.id.in_(bindparam("ids", expanding=True))
_TO_CHANGE = (
    select(
        _a.id,
        _a.campaign_id,
        _a.contact_id,
        _a.status,
        _a.claimed_at,
        _a.dialed_at,
        _a.rang_at,
        _a.answered_at,
        _a.agent_id,
        _a.connected_at,
        _a.caller_number,
        _a.outcome,
        _a.variables,
        _a.refused,
        _c.status.label("contact_status"),
        _c.attempts,
        _c.disposition,
        _c.last_attempt_at,
        _c.place,
        _c.hold,
        _c.callback_at,
        _c.callback_agent_id,
        _c.number_index,
        _c.success,
        _c.outcome.label("contact_outcome"),
    )
    .join_from(t.attempt, t.contact, _c.id == _a.contact_id)
    .where(_IDS)
    .with_for_update(of=[t.attempt, t.contact])
)
_OVER = (
    select(t.campaign.c.id, t.campaign.c.status)
    .where(t.campaign.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True)
)


def _setting(*names: str) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


_STEP = (
    update(t.attempt)
    .where(_a.id == bindparam("_id"))
    .values(_setting("status", "dialed_at", "rang_at", "answered_at", "agent_id", "connected_at"))
)
_SETTLE = _STEP.values(
    _setting("ended_at", "disposition", "evidence", "success", "decided_by", "rule")
)
_NOTE = (
    update(t.attempt)
    .where(_a.id == bindparam("_id"))
    .values(_setting("outcome", "variables", "refused"))
)
_CONTACT = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        _setting(
            "status",
            "due_at",
            "attempts",
            "disposition",
            "last_attempt_at",
            "hold",
            "callback_at",
            "callback_agent_id",
            "number_index",
            "success",
            "outcome",
        )
    )
)


@dataclass(slots=True)
class _Live:
    """An attempt and its contact while a batch of changes goes over them."""

    campaign_id: int
    contact_id: int
    status: AttemptStatus
    claimed_at: datetime
    dialed_at: datetime | None
    rang_at: datetime | None
    answered_at: datetime | None
    agent_id: int | None
    connected_at: datetime | None
    caller_number: str | None
    noted: dict[str, Any]
    contact: dict[str, Any]
    place: str
    variables: dict[str, str] = field(default_factory=dict)
    ended_at: datetime | None = None
    settled: dict[str, Any] | None = None
    was_noted: bool = False

    def step(self, change: AttemptChange, *, over: bool, deltas: counts.Deltas) -> None:
        """Carry out one change, or raise Conflict and leave everything as it was."""
        before, after = self.status, self.status
        for event in change.events:
            after = ATTEMPT.advance(after, event)
        if before not in LIVE_ATTEMPT:
            raise Conflict(f"The attempt is {before.value} already.")
        settles = after not in LIVE_ATTEMPT
        ended = after is AttemptStatus.ENDED
        if settles != (change.contact is not None):
            raise Conflict("What becomes of the contact is told when, and only when, it settles.")
        if ended != (change.disposition is not None):
            raise Conflict("A disposition is given when, and only when, the attempt ends.")
        if change.contact is not None:
            self._step_contact(change, change.contact, over=over, deltas=deltas)
            self.ended_at = change.at
            self.settled = {
                "disposition": change.disposition.value if change.disposition else None,
                "evidence": None if change.evidence is None else encode_evidence(change.evidence),
                "success": change.success,
                "decided_by": safe_text(change.decided_by),
                "rule": safe_text(change.rule),
            }
        self.status = after
        if AttemptEvent.SENT in change.events:
            self.dialed_at = change.at
        self.rang_at = change.rang_at or self.rang_at
        self.answered_at = change.answered_at or self.answered_at
        self.connected_at = change.connected_at or self.connected_at
        if change.agent_id is not None:
            self.agent_id = change.agent_id
        if change.outcome is not None or change.variables or change.refused:
            self.was_noted = True
            merge_notes(self.noted, change)

    def _step_contact(
        self,
        change: AttemptChange,
        contact: ContactChange,
        *,
        over: bool,
        deltas: counts.Deltas,
    ) -> None:
        before = self._counted()
        status = ContactStatus(self.contact["status"])
        after = CONTACT.advance(status, contact.event)
        if after is ContactStatus.PENDING and contact.due_at is None:
            raise Conflict("A contact that is to be called again needs a due instant.")
        if after is ContactStatus.PENDING and over:
            after = CONTACT.advance(status, ContactEvent.CANCELED)
        self.contact |= next_call(
            after, contact, self.contact["callback_at"], self.contact["callback_agent_id"]
        )
        if contact.number_index is not None:
            self.contact["number_index"] = contact.number_index
        if change.disposition is not None:
            self.contact["attempts"] += 1
            self.contact["disposition"] = change.disposition.value
            self.contact["last_attempt_at"] = change.at
            deltas[self.campaign_id, counts.ATTEMPT, change.disposition.value] += 1
        if change.success is not None:
            self.contact["success"] = change.success
        if change.outcome is not None:
            self.contact["outcome"] = safe_text(change.outcome)
        self.variables |= contact.variables
        deltas.move(self.campaign_id, before, self._counted())

    def _counted(self) -> counts.Counted:
        values = self.contact
        return counts.Counted(
            values["status"],
            self.place,
            values["hold"],
            values["disposition"],
            values["success"],
        )


def merge_notes(noted: dict[str, Any], change: AttemptChange | Revision) -> None:
    """Put what was learnt of a conversation to what an attempt has of it already."""
    if change.outcome is not None:
        noted["outcome"] = safe_text(change.outcome)
    if change.variables:
        noted["variables"] = {**(noted["variables"] or {}), **change.variables}
    noted["refused"] = noted["refused"] or change.refused


def next_call(
    status: ContactStatus,
    change: ContactChange,
    callback_at: datetime | None,
    callback_agent_id: int | None,
) -> dict[str, Any]:
    """Return the columns that say when a contact is called next.

    Args:
        status: what it has become.
        change: what made it so.
        callback_at: the callback that was agreed before.
        callback_agent_id: the only agent who makes it (None: anyone).
    """
    waits = status is ContactStatus.PENDING
    if change.callback:
        callback_at, callback_agent_id = change.due_at, change.callback_agent_id
    elif change.event is not ContactEvent.RELEASED:
        callback_at = callback_agent_id = None
    return {
        "status": status.value,
        "due_at": change.due_at if waits else None,
        "hold": change.hold.value if waits and change.hold is not None else None,
        "callback_at": callback_at if waits else None,
        "callback_agent_id": callback_agent_id if waits else None,
    }


def apply(connection: Connection, changes: Sequence[AttemptChange]) -> list[Applied]:
    """Commit the legal changes of a batch; tell why the others were left out."""
    live = _read(connection, [change.attempt_id for change in changes])
    if not live:
        return [Applied(c.attempt_id, None, "There is no such attempt.") for c in changes]
    over = campaigns_over(connection, {a.campaign_id for a in live.values()})
    deltas = counts.Deltas()
    results: list[Applied] = []
    touched: dict[str, _Live] = {}
    suppress: list[NewSuppression] = []
    opted_out: list[AttemptChange] = []
    taken_in: list[int] = []
    for change in changes:
        attempt = live.get(change.attempt_id)
        if attempt is None:
            results.append(Applied(change.attempt_id, None, "There is no such attempt."))
            continue
        try:
            attempt.step(change, over=attempt.campaign_id in over, deltas=deltas)
        except Conflict as problem:
            results.append(Applied(change.attempt_id, attempt.status, problem.message))
            continue
        touched[change.attempt_id] = attempt
        suppress += change.suppress
        taken_in += change.note_ids
        if change.suppress:
            opted_out.append(change)
        results.append(Applied(change.attempt_id, attempt.status))
    _write(connection, touched)
    call_notes.drop(connection, taken_in)
    call_notes.drop_of(
        connection, [i for i, a in touched.items() if a.status is AttemptStatus.RELEASED]
    )
    deltas.write(connection)
    _note_numbers(connection, touched.values())
    if suppress:
        suppression.suppress(connection, suppress, max(change.at for change in changes))
    telling.note(connection, _told(touched, opted_out))
    return results


def _told(touched: dict[str, _Live], opted_out: Iterable[AttemptChange]) -> Iterator[Happened]:
    for attempt_id, a in touched.items():
        if a.status is AttemptStatus.ENDED and a.ended_at is not None:
            yield telling.call_ended(
                a.campaign_id,
                a.contact_id,
                attempt_id,
                a.ended_at,
            )
            yield from telling.contact_steps(
                a.campaign_id,
                a.contact_id,
                ContactStatus(a.contact["status"]),
                a.ended_at,
                attempt_id=attempt_id,
                # An end clears the callback that was agreed before, see next_call.
                callback=a.contact["callback_at"] is not None,
            )
    for change in opted_out:
        a = touched[change.attempt_id]
        yield telling.opted_out(
            a.campaign_id, a.contact_id, change.attempt_id, change.at, change.suppress
        )


def campaigns_over(connection: Connection, campaign_ids: Iterable[int]) -> set[int]:
    """Return those of the campaigns that are over, and keep all of them as they are."""
    return {
        row.id
        for row in rows.by_ids(connection, _OVER, sorted(campaign_ids))
        if row.status in campaigns.OVER
    }


def _read(connection: Connection, attempt_ids: Sequence[str]) -> dict[str, _Live]:
    return {
        row.id: _Live(
            campaign_id=row.campaign_id,
            contact_id=row.contact_id,
            status=AttemptStatus(row.status),
            claimed_at=row.claimed_at,
            dialed_at=row.dialed_at,
            rang_at=row.rang_at,
            answered_at=row.answered_at,
            agent_id=row.agent_id,
            connected_at=row.connected_at,
            caller_number=row.caller_number,
            noted={"outcome": row.outcome, "variables": row.variables, "refused": row.refused},
            contact={
                "status": row.contact_status,
                "attempts": row.attempts,
                "disposition": row.disposition,
                "last_attempt_at": row.last_attempt_at,
                "hold": row.hold,
                "callback_at": row.callback_at,
                "callback_agent_id": row.callback_agent_id,
                "number_index": row.number_index,
                "success": row.success,
                "outcome": row.contact_outcome,
            },
            place=row.place,
        )
        for row in rows.by_ids(connection, _TO_CHANGE, attempt_ids)
    }


def _write(connection: Connection, touched: dict[str, _Live]) -> None:
    steps, settled, noted, contacts = [], [], [], []
    variables: dict[int, dict[str, str]] = {}
    for attempt_id, a in touched.items():
        if a.was_noted:
            noted.append({"_id": attempt_id, **a.noted})
        values: dict[str, Any] = {
            "_id": attempt_id,
            "status": a.status.value,
            "dialed_at": a.dialed_at,
            "rang_at": a.rang_at,
            "answered_at": a.answered_at,
            "agent_id": a.agent_id,
            "connected_at": a.connected_at,
        }
        if a.settled is None:
            steps.append(values)
            continue
        settled.append({**values, **a.settled, "ended_at": a.ended_at})
        contacts.append({"_id": a.contact_id, **a.contact})
        if a.variables:
            variables[a.contact_id] = a.variables
    for statement, values_list in (
        (_STEP, steps),
        (_SETTLE, settled),
        (_NOTE, noted),
        (_CONTACT, contacts),
    ):
        if values_list:
            connection.execute(statement, values_list)
    contacts_.set_variables(connection, variables)


def _note_numbers(connection: Connection, touched: Iterable[_Live]) -> None:
    """Tell the outbound numbers how the calls placed from them went."""
    ended: dict[str, tuple[int, int]] = {}
    released: dict[datetime, Counter[str]] = {}
    for a in touched:
        if a.settled is None or a.caller_number is None:
            continue
        if a.status is AttemptStatus.RELEASED:
            released.setdefault(a.claimed_at, Counter())[a.caller_number] += 1
            continue
        calls, answered = ended.get(a.caller_number, (0, 0))
        picked_up = MEANING[Disposition(a.settled["disposition"])].answered
        ended[a.caller_number] = calls + 1, answered + picked_up
    numbers.note_end(connection, ended)
    for claimed_at, phones in released.items():
        numbers.note_released(connection, phones, claimed_at)
