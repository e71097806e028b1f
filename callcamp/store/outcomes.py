"""Custom dispositions: what bots and agents may say of a call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from callcamp.errors import InvalidInput
from callcamp.ports import CustomOutcome
from callcamp.store import audit, checks
from callcamp.store import record_tables as r

_o = r.custom_outcome.c
_slug = re.compile(r"[a-z0-9][a-z0-9_]{0,63}").fullmatch
# One statement: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO custom_outcome (name, label, refused, opt_out)"
    " VALUES (:name, :label, :refused, :opt_out)"
    " ON CONFLICT (name) DO UPDATE SET label = excluded.label, refused = excluded.refused,"
    " opt_out = excluded.opt_out"
)


def save(connection: Connection, outcome: CustomOutcome, now: datetime) -> CustomOutcome:
    """Add a custom disposition, or change it.

    Raises:
        InvalidInput: its name or label is none.
    """
    if not _slug(outcome.name):
        shown = checks.shown(outcome.name)
        raise InvalidInput(
            f"name is {shown}; give 1 to {checks.MOST_NAME} lower case letters, digits and "
            "underscores, such as callback_requested.",
            field="name",
            value=shown,
        )
    checks.words(outcome.label, "label", least=1, most=checks.MOST_LABEL)
    row = connection.execute(
        select(r.custom_outcome).where(_o.name == outcome.name).with_for_update()
    ).one_or_none()
    before = None if row is None else _outcome(row)
    if before == outcome:
        return outcome
    connection.execute(_SAVE, asdict(outcome))
    audit.note(
        connection,
        action="outcome.added" if before is None else "outcome.changed",
        kind="outcome",
        subject=outcome.name,
        before=before,
        after=outcome,
        now=now,
    )
    return outcome


def outcomes(connection: Connection) -> list[CustomOutcome]:
    """Return the custom dispositions by name."""
    return [_outcome(row) for row in connection.execute(select(r.custom_outcome).order_by(_o.name))]


def _outcome(row: Sequence[Any]) -> CustomOutcome:
    return CustomOutcome(*row)
