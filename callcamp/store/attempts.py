"""Attempts: committing their steps with all that follows, and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, update

from callcamp.core.model import Attempt, AttemptChange, ContactChange
from callcamp.core.states import (
    ATTEMPT,
    CONTACT,
    LIVE_ATTEMPT,
    AttemptEvent,
    AttemptStatus,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import Conflict, NotFound
from callcamp.ports import Applied
from callcamp.store import campaigns, counts, rows
from callcamp.store import tables as t
from callcamp.store.codec import encode_evidence

_a, _c = t.attempt.c, t.contact.c
_IDS = _a.id.in_(bindparam("ids", expanding=True))
_TO_CHANGE = (
    select(
        _a.id,
        _a.campaign_id,
        _a.contact_id,
        _a.status,
        _a.dialed_at,
        _a.rang_at,
        _a.answered_at,
        _c.status.label("contact_status"),
        _c.attempts,
        _c.disposition,
        _c.last_attempt_at,
    )
    .join_from(t.attempt, t.contact, _c.id == _a.contact_id)
    .where(_IDS)
    .with_for_update(of=[t.attempt, t.contact])
)
_CAMPAIGNS = (
    select(t.campaign.c.id, t.campaign.c.status)
    .where(t.campaign.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True)
)
_STEP = (
    update(t.attempt)
    .where(_a.id == bindparam("_id"))
    .values({name: bindparam(name) for name in ("status", "dialed_at", "rang_at", "answered_at")})
)
_SETTLE = _STEP.values({name: bindparam(name) for name in ("ended_at", "disposition", "evidence")})
_CONTACT = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        {
            name: bindparam(name)
            for name in ("status", "due_at", "attempts", "disposition", "last_attempt_at")
        }
    )
)
_CONTEXT = (
    select(t.attempt, _c.attempts)
    .join_from(t.attempt, t.contact, _c.id == _a.contact_id)
    .where(_IDS)
)


@dataclass(slots=True)
class _Live:
    """An attempt and its contact while a batch of changes goes over them."""

    campaign_id: int
    contact_id: int
    status: AttemptStatus
    dialed_at: datetime | None
    rang_at: datetime | None
    answered_at: datetime | None
    contact_status: ContactStatus
    attempts: int
    disposition: str | None
    last_attempt_at: datetime | None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    settled: dict[str, Any] | None = None

    def step(self, change: AttemptChange, *, canceled: bool, deltas: counts.Deltas) -> None:
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
            self._step_contact(change, change.contact, canceled=canceled, deltas=deltas)
            self.ended_at = change.at
            self.settled = {
                "disposition": change.disposition.value if change.disposition else None,
                "evidence": None if change.evidence is None else encode_evidence(change.evidence),
            }
        self.status = after
        if AttemptEvent.SENT in change.events:
            self.dialed_at = change.at
        self.rang_at = change.rang_at or self.rang_at
        self.answered_at = change.answered_at or self.answered_at

    def _step_contact(
        self,
        change: AttemptChange,
        contact: ContactChange,
        *,
        canceled: bool,
        deltas: counts.Deltas,
    ) -> None:
        before, due_at = self.contact_status, contact.due_at
        after = CONTACT.advance(before, contact.event)
        if after is ContactStatus.PENDING and due_at is None:
            raise Conflict("A contact that is to be called again needs a due instant.")
        if after is ContactStatus.PENDING and canceled:
            after = CONTACT.advance(before, ContactEvent.CANCELED)
        self.contact_status = after
        self.due_at = due_at if after is ContactStatus.PENDING else None
        deltas.move_contact(self.campaign_id, before, after)
        if change.disposition is not None:
            self.attempts += 1
            self.disposition = change.disposition.value
            self.last_attempt_at = change.at
            deltas[self.campaign_id, counts.ATTEMPT, self.disposition] += 1
        if after in counts.WITH_RESULT and self.disposition is not None:
            deltas[self.campaign_id, counts.RESULT, self.disposition] += 1


def apply(connection: Connection, changes: Sequence[AttemptChange]) -> list[Applied]:
    """Commit the legal changes of a batch; tell why the others were left out."""
    live: dict[str, _Live] = {}
    for row in rows.by_ids(connection, _TO_CHANGE, [change.attempt_id for change in changes]):
        live[row.id] = _Live(
            campaign_id=row.campaign_id,
            contact_id=row.contact_id,
            status=AttemptStatus(row.status),
            dialed_at=row.dialed_at,
            rang_at=row.rang_at,
            answered_at=row.answered_at,
            contact_status=ContactStatus(row.contact_status),
            attempts=row.attempts,
            disposition=row.disposition,
            last_attempt_at=row.last_attempt_at,
        )
    if not live:
        return [Applied(c.attempt_id, None, "There is no such attempt.") for c in changes]
    campaign_ids = sorted({a.campaign_id for a in live.values()})
    canceled = {
        row.id
        for row in connection.execute(_CAMPAIGNS, {"ids": campaign_ids})
        if row.status == CampaignStatus.CANCELED
    }
    deltas = counts.Deltas()
    results: list[Applied] = []
    touched: dict[str, _Live] = {}
    for change in changes:
        attempt = live.get(change.attempt_id)
        if attempt is None:
            results.append(Applied(change.attempt_id, None, "There is no such attempt."))
            continue
        try:
            attempt.step(change, canceled=attempt.campaign_id in canceled, deltas=deltas)
        except Conflict as problem:
            results.append(Applied(change.attempt_id, attempt.status, problem.message))
            continue
        touched[change.attempt_id] = attempt
        results.append(Applied(change.attempt_id, attempt.status))
    _write(connection, touched)
    deltas.write(connection)
    return results


def _write(connection: Connection, touched: dict[str, _Live]) -> None:
    steps, settled, contacts = [], [], []
    for attempt_id, a in touched.items():
        values: dict[str, Any] = {
            "_id": attempt_id,
            "status": a.status.value,
            "dialed_at": a.dialed_at,
            "rang_at": a.rang_at,
            "answered_at": a.answered_at,
        }
        if a.settled is None:
            steps.append(values)
            continue
        settled.append({**values, **a.settled, "ended_at": a.ended_at})
        contacts.append(
            {
                "_id": a.contact_id,
                "status": a.contact_status.value,
                "due_at": a.due_at,
                "attempts": a.attempts,
                "disposition": a.disposition,
                "last_attempt_at": a.last_attempt_at,
            }
        )
    for statement, values_list in ((_STEP, steps), (_SETTLE, settled), (_CONTACT, contacts)):
        if values_list:
            connection.execute(statement, values_list)


def attempt(connection: Connection, attempt_id: str) -> Attempt:
    """Return one attempt."""
    row = connection.execute(rows.SELECT_ATTEMPT.where(_a.id == attempt_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no attempt {attempt_id!r}.", kind="attempt", key=attempt_id)
    return rows.attempt(row)


def attempts(connection: Connection, campaign_id: int, after_id: str, limit: int) -> list[Attempt]:
    """Return attempts of a campaign by id."""
    campaigns.row_of(connection, campaign_id)
    statement = (
        rows.SELECT_ATTEMPT.where(_a.campaign_id == campaign_id, _a.id > after_id)
        .order_by(_a.id)
        .limit(limit)
    )
    return [rows.attempt(row) for row in connection.execute(statement)]


def live_attempts(connection: Connection, campaign_id: int | None) -> list[Attempt]:
    """Return attempts that are not settled, by id."""
    statement = rows.SELECT_ATTEMPT.where(text(t.LIVE)).order_by(_a.id)
    if campaign_id is not None:
        statement = statement.where(_a.campaign_id == campaign_id)
    return [rows.attempt(row) for row in connection.execute(statement)]


def context(connection: Connection, attempt_ids: Sequence[str]) -> dict[str, tuple[Attempt, int]]:
    """Return attempts with how many calls their contacts had before."""
    found = {}
    for row in rows.by_ids(connection, _CONTEXT, attempt_ids):
        values = tuple(row)
        found[row.id] = (rows.attempt(values[:-1]), values[-1])
    return found


def calls_per_number(connection: Connection, campaign_id: int) -> dict[str, dict[str, int]]:
    """Return how many attempts of a number ended, were released, are live."""
    statement = (
        select(_a.number, _a.status, func.count())
        .where(_a.campaign_id == campaign_id)
        .group_by(_a.number, _a.status)
    )
    numbers: dict[str, dict[str, int]] = {}
    for number, status, n in connection.execute(statement):
        calls = numbers.setdefault(number, {"ended": 0, "released": 0, "live": 0})
        calls[status if status in calls else "live"] += n
    return numbers
