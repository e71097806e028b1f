"""Trunks, and the right to be the one engine of a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from callcamp.core.model import Trunk
from callcamp.store import audit, rows
from callcamp.store import tables as t
from callcamp.store.columns import Instant, plain_text

# One statement each: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO trunk (name, dial_string, cps, max_channels)"
    " VALUES (:name, :dial_string, :cps, :max_channels)"
    " ON CONFLICT (name) DO UPDATE SET dial_string = excluded.dial_string,"
    " cps = excluded.cps, max_channels = excluded.max_channels"
).bindparams(
    bindparam("cps", type_=t.trunk.c.cps.type),
    bindparam("max_channels", type_=t.trunk.c.max_channels.type),
)
_HOLD = text(
    "INSERT INTO engine_lease (id, holder, expires_at, state)"
    " VALUES (1, :holder, :until, :state)"
    " ON CONFLICT (id) DO UPDATE SET holder = excluded.holder,"
    " expires_at = excluded.expires_at, state = excluded.state"
    " WHERE engine_lease.holder = excluded.holder OR engine_lease.expires_at <= :now"
).bindparams(
    bindparam("until", type_=Instant),
    bindparam("now", type_=Instant),
    bindparam("state", type_=t.engine_lease.c.state.type),
)


def save_trunk(
    connection: Connection, name: str, dial_string: str, cps: float, max_channels: int | None
) -> Trunk:
    """Add or change a trunk."""
    plain_text(name, "name")
    plain_text(dial_string, "dial_string")
    one = select(t.trunk).where(t.trunk.c.name == name)
    before = connection.execute(one).one_or_none()
    values = {"dial_string": dial_string, "cps": cps, "max_channels": max_channels}
    connection.execute(_SAVE, {"name": name, **values})
    saved = rows.trunk(connection.execute(one).one())
    audit.note(
        connection,
        action="trunk.added" if before is None else "trunk.changed",
        kind="trunk",
        subject=name,
        before=before and {key: getattr(before, key) for key in values},
        after=values,
    )
    return saved


def trunks(connection: Connection) -> list[Trunk]:
    """Return all trunks by name."""
    return [rows.trunk(r) for r in connection.execute(select(t.trunk).order_by(t.trunk.c.name))]


def hold_engine(
    connection: Connection,
    holder: str,
    now: datetime,
    ttl_s: float,
    state: Mapping[str, Any] | None,
) -> str | None:
    """Take or renew the lease; returns who has it when that is someone else."""
    until = now + timedelta(seconds=ttl_s)
    values = {"holder": holder, "until": until, "now": now, "state": dict(state or {})}
    connection.execute(_HOLD, values)
    has_it = connection.execute(select(t.engine_lease.c.holder)).scalar_one()
    return None if has_it == holder else str(has_it)


def engine_state(connection: Connection, now: datetime) -> dict[str, Any] | None:
    """Return what the engine that holds the lease last left; None: nobody holds it."""
    lease = t.engine_lease.c
    row = connection.execute(select(lease.state).where(lease.expires_at > now)).one_or_none()
    return None if row is None else dict(row.state or {})


def release_engine(connection: Connection, holder: str) -> None:
    """Give the lease back."""
    connection.execute(delete(t.engine_lease).where(t.engine_lease.c.holder == holder))
