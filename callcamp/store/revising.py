"""What is learnt of an attempt after its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from callcamp.core.changes import Revision
from callcamp.core.model import Attempt
from callcamp.core.states import CONTACT, AttemptStatus, ContactStatus
from callcamp.core.webhooks import EventType
from callcamp.errors import Conflict, NotFound
from callcamp.store import (
    applying,
    attempts,
    audit,
    call_notes,
    contacts,
    counts,
    suppression,
    telling,
)
from callcamp.store import tables as t
from callcamp.store.columns import safe_text
from callcamp.store.telling import Happened

_a, _c = t.attempt.c, t.contact.c
_STEPS = frozenset({ContactStatus.PENDING, ContactStatus.COMPLETED, ContactStatus.FAILED})
"""Contacts that may be called again, or not any more, for what was learnt later."""


def revise(connection: Connection, revision: Revision, now: datetime) -> Attempt:
    """Note what was learnt, and do to the contact what follows from it."""
    statement = select(t.attempt).where(_a.id == revision.attempt_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no attempt {revision.attempt_id!r}.",
            kind="attempt",
            key=revision.attempt_id,
        )
    if row.status != AttemptStatus.ENDED:
        raise Conflict(
            f"Attempt {row.id} is {row.status}; what comes of it can be changed when it has ended.",
            status=row.status,
        )
    noted = {"outcome": row.outcome, "variables": row.variables, "refused": row.refused}
    applying.merge_notes(noted, revision)
    if revision.success is not None:
        noted |= {"success": revision.success, "decided_by": safe_text(revision.decided_by)}
    if revision.rule is not None:
        noted["rule"] = safe_text(revision.rule)
    connection.execute(update(t.attempt).where(_a.id == row.id).values(**noted))
    call_notes.drop(connection, revision.note_ids)
    audit.note(
        connection,
        action="call.outcome_noted",
        kind="call",
        subject=row.id,
        campaign_id=row.campaign_id,
        before={"outcome": row.outcome, "success": row.success, "rule": row.rule},
        after=_told(row, noted),
        now=now,
    )
    was, _ = _standing(connection, row.contact_id)
    _revise_contact(connection, row, revision)
    if revision.suppress:
        suppression.suppress(connection, list(revision.suppress), now)
    telling.note(connection, _happened(connection, row, revision, was, now))
    return attempts.attempt(connection, row.id)


def _told(row: Row[Any], noted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit tells of a call after its change."""
    told = {
        "outcome": noted["outcome"],
        "success": noted.get("success", row.success),
        "rule": noted.get("rule", row.rule),
    }
    known, after = row.variables or {}, noted["variables"] or {}
    changed = sorted(name for name in after if after[name] != known.get(name))
    # Names only: what a person said may have to be deleted, and the audit is never changed.
    return {**told, "variables_set": changed} if changed else told


def _standing(connection: Connection, contact_id: int) -> tuple[ContactStatus, datetime | None]:
    statement = select(_c.status, _c.callback_at).where(_c.id == contact_id)
    row = connection.execute(statement).one()
    return ContactStatus(row.status), row.callback_at


def _happened(
    connection: Connection, row: Row[Any], revision: Revision, was: ContactStatus, now: datetime
) -> Iterator[Happened]:
    of = (row.campaign_id, row.contact_id)
    yield Happened(EventType.ATTEMPT_REVISED, now, *of, row.id)
    status, callback_at = _standing(connection, row.contact_id)
    change = revision.contact
    callback = change is not None and change.callback and callback_at == change.due_at
    if status is not was or callback:
        yield from telling.contact_steps(*of, status, now, attempt_id=row.id, callback=callback)
    if revision.suppress:
        yield telling.opted_out(*of, row.id, now, revision.suppress)


def _revise_contact(connection: Connection, row: Row[Any], revision: Revision) -> None:
    over = applying.campaigns_over(connection, [row.campaign_id])
    statement = select(t.contact).where(_c.id == row.contact_id).with_for_update()
    contact = connection.execute(statement).one()
    status = ContactStatus(contact.status)
    if contact.attempts != row.ordinal or status is ContactStatus.IN_PROGRESS:
        return
    values: dict[str, Any] = {}
    if revision.success is not None:
        values["success"] = revision.success
    if revision.outcome is not None:
        values["outcome"] = safe_text(revision.outcome)
    change = revision.contact
    if change is not None and not over and status in _STEPS:
        after = CONTACT.advance(status, change.event)
        if after is ContactStatus.PENDING and change.due_at is None:
            raise Conflict("A contact that is to be called again needs a due instant.")
        values |= applying.next_call(after, change, contact.callback_at, contact.callback_agent_id)
        if change.number_index is not None:
            values["number_index"] = change.number_index
    if revision.contact_variables:
        contacts.set_variables(connection, {contact.id: revision.contact_variables})
    if not values:
        return
    connection.execute(update(t.contact).where(_c.id == contact.id).values(**values))
    before = counts.counted(contact)
    changed = {name: values[name] for name in counts.Counted._fields if name in values}
    deltas = counts.Deltas()
    deltas.move(contact.campaign_id, before, before._replace(**changed))
    deltas.write(connection)
