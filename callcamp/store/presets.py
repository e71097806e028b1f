"""Mapping presets: what becomes of a file's columns, kept under a name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from callcamp.errors import NotFound
from callcamp.ports import MappingPreset
from callcamp.store import audit
from callcamp.store import tables as t

_p = t.mapping_preset.c
_COLUMNS = (_p.name, _p.mapping, _p.created_at)
# One statement: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO mapping_preset (name, mapping, created_at)"
    " VALUES (:name, :mapping, :created_at)"
    " ON CONFLICT (name) DO UPDATE SET mapping = excluded.mapping"
).bindparams(
    bindparam("mapping", type_=_p.mapping.type), bindparam("created_at", type_=_p.created_at.type)
)


def save(
    connection: Connection, name: str, mapping: dict[str, Any], now: datetime
) -> MappingPreset:
    """Add a preset, or change the mapping of the one of that name."""
    new = MappingPreset(name, mapping, now)
    one = select(*_COLUMNS).where(_p.name == new.name)
    before = connection.execute(one).one_or_none()
    connection.execute(_SAVE, {"name": new.name, "mapping": new.mapping, "created_at": now})
    audit.note(
        connection,
        action="mapping_preset.added" if before is None else "mapping_preset.changed",
        kind="mapping_preset",
        subject=new.name,
        before=before and before.mapping,
        after=new.mapping,
        now=now,
    )
    return MappingPreset(*connection.execute(one).one())


def presets(connection: Connection) -> list[MappingPreset]:
    """Return all presets by name."""
    return [MappingPreset(*row) for row in connection.execute(select(*_COLUMNS).order_by(_p.name))]


def remove(connection: Connection, name: str) -> None:
    """Delete a preset.

    Raises:
        NotFound: there is none of that name.
    """
    # A name that no preset can have (a NUL, half a character) must not reach the driver.
    gone = delete(t.mapping_preset).where(_p.name == name).returning(_p.mapping)
    before = connection.execute(gone).one_or_none() if name.isprintable() else None
    if before is None:
        raise NotFound(f"There is no mapping preset {name!r}.", kind="mapping_preset", key=name)
    audit.note(
        connection,
        action="mapping_preset.deleted",
        kind="mapping_preset",
        subject=name,
        before=before.mapping,
    )
