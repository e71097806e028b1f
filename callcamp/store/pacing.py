"""What pacing remembers: what a method has learnt, and the account of abandoned calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text

from callcamp.core.outcome import Disposition
from callcamp.store import agent_tables as g
from callcamp.store import campaigns
from callcamp.store import tables as t
from callcamp.store.columns import Instant, JsonText

_a, _s = t.attempt.c, g.pacing_state.c
# One statement: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO pacing_state (campaign_id, method, state, saved_at)"
    " VALUES (:campaign, :method, :state, :saved_at) ON CONFLICT (campaign_id, method)"
    " DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at"
).bindparams(bindparam("state", type_=JsonText), bindparam("saved_at", type_=Instant))
ACCOUNT = (
    select(_a.disposition, func.count())
    .where(
        _a.campaign_id == bindparam("campaign"),
        text(t.PERSON),
        _a.dialed_at >= bindparam("since", type_=_a.dialed_at.type),
    )
    .group_by(_a.disposition)
)
"""How many calls a person answered, and was abandoned in: read from one index alone."""


def save(
    connection: Connection, campaign_id: int, method: str, state: Mapping[str, Any], now: datetime
) -> None:
    """Keep what a pacing method has learnt.

    Raises:
        NotFound: there is no such campaign.
    """
    campaigns.row_of(connection, campaign_id)
    values = {"campaign": campaign_id, "method": method, "state": dict(state), "saved_at": now}
    connection.execute(_SAVE, values)


def learnt(connection: Connection, campaign_id: int, method: str) -> dict[str, Any] | None:
    """Return what was kept last, or None."""
    statement = select(_s.state).where(_s.campaign_id == campaign_id, _s.method == method)
    found: dict[str, Any] | None = connection.scalar(statement)
    return found


def account(connection: Connection, campaign_id: int, since: datetime) -> tuple[int, int]:
    """Return (answered by a person, abandoned of them) of ended calls dialled since then."""
    found = connection.execute(ACCOUNT, {"campaign": campaign_id, "since": since})
    counted = {row[0]: row[1] for row in found}
    return sum(counted.values()), counted.get(Disposition.ABANDONED.value, 0)
