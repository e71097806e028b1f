"""What agents noted during a call, put together when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callcamp.ports import CallNote, CustomOutcome


@dataclass(frozen=True, slots=True)
class Noted:
    """What all agents of a call noted during it; of two who say the same thing the last one holds.

    Args:
        outcome: custom disposition.
        variables: answers to the script.
        callback_at: when the person wants to be called back.
        callback_agent_id: the only agent who makes that callback.
        refused: whether the outcome says that the person refused further calls.
        opted_out: whether the outcome says that the person opted out.
        ids: the notes, by their numbers in the store.
    """

    outcome: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    callback_at: datetime | None = None
    callback_agent_id: int | None = None
    refused: bool = False
    opted_out: bool = False
    ids: tuple[int, ...] = ()


def put_together(notes: Iterable[CallNote], outcomes: Mapping[str, CustomOutcome]) -> Noted:
    """Return what notes say together.

    Args:
        notes: the notes of one call.
        outcomes: the custom dispositions that are known, by name.
    """
    kept = sorted(notes, key=lambda note: note.id)
    outcome = next((note.outcome for note in reversed(kept) if note.outcome is not None), None)
    back = next((note for note in reversed(kept) if note.callback_at is not None), None)
    known = outcomes.get(outcome or "")
    return Noted(
        outcome,
        {name: value for note in kept for name, value in note.answers.items()},
        None if back is None else back.callback_at,
        None if back is None else back.callback_agent_id,
        refused=known is not None and known.refused,
        opted_out=known is not None and known.opt_out,
        ids=tuple(note.id for note in kept),
    )
