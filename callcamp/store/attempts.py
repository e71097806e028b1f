"""Reading attempts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, select, text

from callcamp.core.model import Attempt
from callcamp.errors import NotFound
from callcamp.store import campaigns, rows
from callcamp.store import tables as t

_a, _c = t.attempt.c, t.contact.c
_IDS = _a.id.in_(bindparam("ids", expanding=True))
_CONTEXT = (
    select(t.attempt, _c.attempts)
    .join_from(t.attempt, t.contact, _c.id == _a.contact_id)
    .where(_IDS)
)


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


def newest(connection: Connection, campaign_id: int, before_id: str, limit: int) -> list[Attempt]:
    """Return attempts of a campaign by falling id."""
    statement = rows.SELECT_ATTEMPT.where(_a.campaign_id == campaign_id)
    if before_id:
        statement = statement.where(_a.id < before_id)
    statement = statement.order_by(_a.id.desc()).limit(limit)
    return [rows.attempt(row) for row in connection.execute(statement)]


def live_attempts(connection: Connection, campaign_id: int | None) -> list[Attempt]:
    """Return attempts that are not settled, by id."""
    statement = rows.SELECT_ATTEMPT.where(text(t.LIVE))
    if campaign_id is not None:
        statement = statement.where(_a.campaign_id == campaign_id)
    # Asked to sort, SQLite would read every attempt there ever was, by id.
    return sorted((rows.attempt(row) for row in connection.execute(statement)), key=_id)


def _id(attempt_: Attempt) -> str:
    return attempt_.id


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
