"""Mapping presets: what becomes of a file's columns, kept under a name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from callcamp.errors import NotFound
from callcamp.ports import MappingPreset
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
    connection.execute(_SAVE, {"name": new.name, "mapping": new.mapping, "created_at": now})
    row = connection.execute(select(*_COLUMNS).where(_p.name == new.name)).one()
    return MappingPreset(*row)


def presets(connection: Connection) -> list[MappingPreset]:
    """Return all presets by name."""
    return [MappingPreset(*row) for row in connection.execute(select(*_COLUMNS).order_by(_p.name))]


def remove(connection: Connection, name: str) -> None:
    """Delete a preset.

    Raises:
        NotFound: there is none of that name.
    """
    # A name that no preset can have (a NUL, half a character) must not reach the driver.
    if (
        not name.isprintable()
        or not connection.execute(delete(t.mapping_preset).where(_p.name == name)).rowcount
    ):
        raise NotFound(f"There is no mapping preset {name!r}.", kind="mapping_preset", key=name)
