"""What agents note of calls that go on: kept until the transaction that ends the call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from callcamp.core.states import LIVE_ATTEMPT
from callcamp.errors import Conflict, NotFound
from callcamp.ports.agents import CallNote
from callcamp.store import agent_tables as g
from callcamp.store import audit
from callcamp.store import tables as t
from callcamp.store.columns import safe_text

_n, _a = g.call_note.c, t.attempt.c
_CALL = select(_a.status, _a.campaign_id).where(_a.id == bindparam("call")).with_for_update()
_WITH_NUMBERS = delete(g.call_note).where(_n.id.in_(bindparam("ids", expanding=True)))
_OF_CALLS = delete(g.call_note).where(_n.attempt_id.in_(bindparam("ids", expanding=True)))


def keep(connection: Connection, note: CallNote) -> CallNote:
    """Keep a note of a call that has not ended, in place of the same agent's last one.

    Raises:
        NotFound: there is no such call.
        Conflict: the call has ended.
    """
    call = connection.execute(_CALL, {"call": note.attempt_id}).one_or_none()
    if call is None:
        raise NotFound(
            f"There is no attempt {note.attempt_id!r}.", kind="attempt", key=note.attempt_id
        )
    if call.status not in LIVE_ATTEMPT:
        raise Conflict(
            f"Attempt {note.attempt_id} is {call.status}; only of a call that goes on something "
            "can be kept for its end.",
            status=call.status,
        )
    mine = (_n.attempt_id == note.attempt_id) & (_n.agent_id == note.agent_id)
    before = connection.execute(select(g.call_note).where(mine)).one_or_none()
    connection.execute(delete(g.call_note).where(mine))
    outcome = safe_text(note.outcome)
    values = {
        "attempt_id": note.attempt_id,
        "agent_id": note.agent_id,
        "noted_at": note.noted_at,
        "outcome": outcome,
        "answers": dict(note.answers),
        "callback_at": note.callback_at,
        "callback_mine": note.callback_mine,
    }
    key = connection.execute(insert(g.call_note), values).inserted_primary_key
    audit.note(
        connection,
        action="call.outcome_noted",
        kind="call",
        subject=note.attempt_id,
        campaign_id=call.campaign_id,
        before={"outcome": before.outcome if before is not None else None},
        # Names only: what a person said may have to be deleted, and the audit is never changed.
        after={"outcome": outcome, "variables_set": sorted(note.answers)},
        now=note.noted_at,
    )
    return replace(note, outcome=outcome, id=key[0] if key else 0)


def notes(connection: Connection, attempt_id: str | None) -> list[CallNote]:
    """Return the notes that wait for the end of one call or of any, oldest first."""
    statement = select(g.call_note).order_by(_n.id)
    if attempt_id is not None:
        statement = statement.where(_n.attempt_id == attempt_id)
    return [_note(row) for row in connection.execute(statement)]


def drop(connection: Connection, note_ids: Collection[int]) -> None:
    """Forget notes by their numbers: what they say is kept with the call from now on."""
    if note_ids:
        connection.execute(_WITH_NUMBERS, {"ids": list(note_ids)})


def drop_of(connection: Connection, attempt_ids: Sequence[str]) -> None:
    """Forget the notes of calls that were not placed."""
    if attempt_ids:
        connection.execute(_OF_CALLS, {"ids": list(attempt_ids)})


def _note(row: Row[Any]) -> CallNote:
    return CallNote(
        row.attempt_id,
        row.agent_id,
        row.noted_at,
        row.outcome,
        row.answers,
        row.callback_at,
        row.callback_mine,
        row.id,
    )
