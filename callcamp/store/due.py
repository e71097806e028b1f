"""Finding contacts that are due, place by place, without touching those that are not.

Every place has its own stretch of the index, in the order of due instants. The stretches of
the places asked for are merged by their heads, so the work grows with what is taken and with
the number of places, never with the contacts that wait.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Row,
    Select,
    TextualSelect,
    bindparam,
    select,
    text,
    tuple_,
)

from callcamp.core.states import ContactStatus
from callcamp.store import tables as t
from callcamp.store.columns import NEVER, Due, Instant, JsonText

_c = t.contact.c
_ALL_PLACES = """
WITH RECURSIVE p(place) AS (
  SELECT (SELECT place FROM contact WHERE campaign_id = :campaign AND {condition}
          ORDER BY campaign_id, place LIMIT 1)
  UNION ALL
  SELECT (SELECT place FROM contact WHERE campaign_id = :campaign AND {condition}
          AND place > p.place ORDER BY campaign_id, place LIMIT 1)
  FROM p WHERE p.place IS NOT NULL
)
"""
_THESE_PLACES = {
    "sqlite": "WITH p(place) AS (SELECT value FROM json_each(:places))",
    "postgresql": (
        "WITH p(place) AS (SELECT * FROM json_array_elements_text(CAST(:places AS json)))"
    ),
}
_HEADS = """
SELECT p.place,
  (SELECT due_at FROM contact WHERE campaign_id = :campaign AND place = p.place
   AND {condition} {until} ORDER BY due_at, id LIMIT 1) AS due_at,
  (SELECT id FROM contact WHERE campaign_id = :campaign AND place = p.place
   AND {condition} {until} ORDER BY due_at, id LIMIT 1) AS id
FROM p WHERE p.place IS NOT NULL
"""


def _heads(places: str, condition: str, *, due_only: bool) -> TextualSelect:
    until = "AND due_at <= :now" if due_only else ""
    statement = text((places + _HEADS).format(condition=condition, until=until))
    if due_only:
        statement = statement.bindparams(bindparam("now", type_=Instant))
    if places in _THESE_PLACES.values():
        statement = statement.bindparams(bindparam("places", type_=JsonText))
    return statement.columns(place=_c.place.type, due_at=Due, id=BigInteger)


ALL_HEADS = _heads(_ALL_PLACES, t.PENDING, due_only=False)
"""Every place with pending contacts, and its first one."""
DUE_HEADS = {
    kind: _heads(_ALL_PLACES, condition, due_only=True)
    for kind, condition in (("pending", t.PENDING), ("callback", t.CALLBACK))
}
"""Every place with pending contacts (or callbacks), and its first one that is due."""
DUE_HEADS_OF = {
    dialect: _heads(places, t.PENDING, due_only=True) for dialect, places in _THESE_PLACES.items()
}
"""The first due contact of each of some places."""

COLUMNS: tuple[Column[Any], ...] = (
    _c.id,
    _c.campaign_id,
    _c.phone,
    _c.others,
    _c.number_index,
    _c.place,
    _c.attempts,
    _c.round_base,
    _c.due_at,
    _c.callback_at,
    _c.callback_agent_id,
    _c.caller_number,
    _c.variables,
    _c.status,
    _c.hold,
    _c.disposition,
    _c.success,
)
"""What the gate and the counts need of a contact."""


def _page(condition: str) -> Select[Any]:
    return (
        select(*COLUMNS)
        .where(
            _c.campaign_id == bindparam("campaign"),
            text(condition),
            _c.place == bindparam("place"),
            _c.due_at <= bindparam("now"),
            tuple_(_c.due_at, _c.id)
            >= tuple_(bindparam("from_due", type_=Instant), bindparam("from_id")),
        )
        .order_by(_c.due_at, _c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )


PAGE = {"pending": _page(t.PENDING), "callback": _page(t.CALLBACK)}
"""Due contacts of one place from one of them on, oldest due first; those that someone else is
claiming are passed over."""


def stored(row: Row[Any]) -> datetime | None:
    """Return the due instant of a contact's row as it is kept in the database."""
    if row.status == ContactStatus.PENDING and row.due_at is None:
        return NEVER
    due_at: datetime | None = row.due_at
    return due_at


def heads(connection: Connection, campaign_id: int) -> dict[str, datetime | None]:
    """Return the places that have pending contacts, each with its earliest due instant."""
    found = connection.execute(ALL_HEADS, {"campaign": campaign_id})
    return {row.place: row.due_at for row in found}


def find(
    connection: Connection,
    campaign_id: int,
    places: Sequence[str] | None,
    now: datetime,
    limit: int,
) -> list[Row[Any]]:
    """Return due contacts of a campaign: agreed callbacks first, then the oldest due first.

    Args:
        connection: a transaction; the contacts are locked in it.
        campaign_id: the campaign.
        places: places whose contacts may be called (None: any).
        now: the instant.
        limit: how many at most.
    """
    values: dict[str, Any] = {"campaign": campaign_id, "now": now}
    found = connection.execute(DUE_HEADS["callback"], values).all()
    if places is not None and found:
        wanted = set(places)
        found = [head for head in found if head.place in wanted]
    callbacks = _merge(connection, "callback", found, values, limit)
    if len(callbacks) == limit:
        return callbacks
    if places is None:
        found = connection.execute(DUE_HEADS["pending"], values).all()
    else:
        these = {**values, "places": list(dict.fromkeys(places))}
        found = connection.execute(DUE_HEADS_OF[connection.dialect.name], these).all()
    taken = {row.id for row in callbacks}
    # The callbacks may be among them again: `limit` of them leave enough others.
    others = _merge(connection, "pending", found, values, limit)
    return (callbacks + [row for row in others if row.id not in taken])[:limit]


def _merge(
    connection: Connection,
    kind: str,
    first: Sequence[Row[Any]],
    values: dict[str, Any],
    limit: int,
) -> list[Row[Any]]:
    """Return the first due contacts over some places, given the first one of each."""
    queue = [(head.due_at, head.id, head.place) for head in first if head.id is not None]
    heapq.heapify(queue)
    size = limit if len(queue) == 1 else max(8, 2 * limit // max(1, len(queue)))
    pages: dict[str, deque[Row[Any]]] = {}
    merged: list[Row[Any]] = []
    while queue and len(merged) < limit:
        due_at, contact_id, place = heapq.heappop(queue)
        page = pages.get(place)
        if page:
            row = page.popleft()
            merged.append(row)
            after = (page[0].due_at, page[0].id) if page else (row.due_at, row.id + 1)
            heapq.heappush(queue, (*after, place))
            continue
        start = {"place": place, "from_due": due_at, "from_id": contact_id, "limit": size}
        page = deque(connection.execute(PAGE[kind], {**values, **start}))
        if page:
            pages[place] = page
            heapq.heappush(queue, (page[0].due_at, page[0].id, place))
    return merged
