"""Saved filters: conditions over contacts, kept under a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from callcamp.core.policies import Condition, Match
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import SavedFilter
from callcamp.store import audit, checks
from callcamp.store import record_tables as r
from callcamp.store.codec import decode, encode

MOST_CONDITIONS = 100
"""Conditions of a filter, at most."""
MOST_VALUE = 1000
"""Characters of the value that a condition compares with, at most."""

_f = r.saved_filter.c
# One statement: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO saved_filter (name, conditions, matching, created_at)"
    " VALUES (:name, :conditions, :matching, :created_at)"
    " ON CONFLICT (name) DO UPDATE SET conditions = excluded.conditions,"
    " matching = excluded.matching"
).bindparams(
    bindparam("conditions", type_=_f.conditions.type),
    bindparam("created_at", type_=_f.created_at.type),
)


def save(
    connection: Connection,
    name: str,
    conditions: Sequence[Condition],
    match: Match,
    now: datetime,
) -> SavedFilter:
    """Add a saved filter, or change its conditions.

    Raises:
        InvalidInput: its name is none, or its conditions are too many or too long.
    """
    checks.name(name)
    if len(conditions) > MOST_CONDITIONS:
        raise InvalidInput(
            f"The filter has {len(conditions)} conditions; give {MOST_CONDITIONS} at most.",
            field="conditions",
            value=len(conditions),
        )
    for condition in conditions:
        checks.words(condition.name, "conditions.name", least=1, most=checks.MOST_LABEL)
        checks.words(condition.value, "conditions.value", most=MOST_VALUE)
    row = connection.execute(
        select(r.saved_filter).where(_f.name == name).with_for_update()
    ).one_or_none()
    before = None if row is None else _filter(row)
    created_at = now if before is None else before.created_at
    after = SavedFilter(name, tuple(conditions), match, created_at)
    if before == after:
        return after
    connection.execute(
        _SAVE,
        {
            "name": name,
            "conditions": encode(after.conditions),
            "matching": match.value,
            "created_at": created_at,
        },
    )
    audit.note(
        connection,
        action="filter.added" if before is None else "filter.changed",
        kind="filter",
        subject=name,
        before=_told(before),
        after=_told(after),
        now=now,
    )
    return after


def filters(connection: Connection) -> list[SavedFilter]:
    """Return the saved filters by name."""
    return [_filter(row) for row in connection.execute(select(r.saved_filter).order_by(_f.name))]


def remove(connection: Connection, name: str, now: datetime) -> None:
    """Delete a saved filter; campaigns that were made with it stay as they are.

    Raises:
        NotFound: there is none of that name.
    """
    # A name that no filter can have (a NUL, half a character) must not reach the driver.
    row = (
        connection.execute(
            delete(r.saved_filter).where(_f.name == name).returning(*r.saved_filter.c)
        ).one_or_none()
        if name.isprintable()
        else None
    )
    if row is None:
        raise NotFound(f"There is no saved filter {name!r}.", kind="filter", key=name)
    audit.note(
        connection,
        action="filter.deleted",
        kind="filter",
        subject=name,
        before=_told(_filter(row)),
        now=now,
    )


def _told(one: SavedFilter | None) -> dict[str, Any] | None:
    return None if one is None else {"conditions": one.conditions, "match": one.match}


def _filter(row: Sequence[Any]) -> SavedFilter:
    name, conditions, matching, created_at = row
    return SavedFilter(name, decode(tuple[Condition, ...], conditions), Match(matching), created_at)
