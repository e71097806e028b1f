"""Cloning: a fresh draft, with copies of another campaign's contacts if they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, literal, or_, select

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.model import Campaign, ContactChoice
from callcamp.core.reasons import Reason
from callcamp.core.states import CONTACT
from callcamp.store import agent_tables as g
from callcamp.store import campaigns, counts, rows
from callcamp.store import contacts as contacts_
from callcamp.store import tables as t

_c = t.contact.c


def clone(
    connection: Connection,
    campaign_id: int,
    settings: CampaignSettings,
    choice: ContactChoice | None,
    now: datetime,
) -> Campaign:
    """Add a draft with copies of the contacts that are chosen (None: without any)."""
    campaigns.row_of(connection, campaign_id, shared=True)
    new_id = campaigns.insert_draft(connection, settings, now)
    _copy_agents(connection, campaign_id, new_id)
    copied = skipped = 0
    if choice is not None:
        for part in _parts(choice):
            copied += _copy(connection, new_id, now, _c.campaign_id == campaign_id, *part)
        deltas = counts.Deltas()
        for _, what, n in counts.groups(connection, _c.campaign_id == new_id):
            deltas.add(new_id, what, n)
        deltas.write(connection)
        skipped = contacts_.skip_listed(connection, new_id, 0, now)
    told = {"from": campaign_id, "contacts": copied, "suppressed": skipped}
    campaigns.note(connection, "cloned", new_id, now, after=told)
    return campaigns.campaign(connection, new_id)


def _copy_agents(connection: Connection, campaign_id: int, new_id: int) -> None:
    """Let those who work for a campaign work for its clone too, as its settings foresee."""
    m = g.campaign_agent.c
    same = select(literal(new_id, m.campaign_id.type), m.agent_id)
    statement = insert(g.campaign_agent).from_select(
        ["campaign_id", "agent_id"], same.where(m.campaign_id == campaign_id)
    )
    connection.execute(statement)


def _parts(choice: ContactChoice) -> Iterator[list[ColumnElement[bool]]]:
    """Yield the conditions of a choice, its ids in parts that a statement can take."""
    # Of a deleted contact only the number is left.
    conditions = [or_(_c.hold.is_(None), _c.hold != Reason.DELETED.value)]
    if choice.statuses is not None:
        conditions.append(_c.status.in_(sorted(choice.statuses)))
    if choice.dispositions is not None:
        conditions.append(_c.disposition.in_(sorted(choice.dispositions)))
    if choice.success is not None:
        conditions.append(_c.success.is_(choice.success))
    if choice.ids is None:
        yield conditions
        return
    ids = sorted(choice.ids)
    for start in range(0, len(ids), rows.MOST_IDS):
        yield [*conditions, _c.id.in_(ids[start : start + rows.MOST_IDS])]


def _copy(
    connection: Connection, new_id: int, now: datetime, *conditions: ColumnElement[bool]
) -> int:
    last = connection.scalar(select(func.max(_c.id)).where(_c.campaign_id == new_id)) or 0
    columns = {
        "campaign_id": literal(new_id, _c.campaign_id.type),
        "phone": _c.phone,
        "variables": _c.variables,
        "status": literal(CONTACT.initial.value),
        "attempts": literal(0),
        "due_at": literal(now, _c.due_at.type),
        "row_no": _c.row_no,
        "place": _c.place,
        "others": _c.others,
    }
    chosen = select(*columns.values()).where(*conditions).order_by(_c.id)
    copied = connection.execute(insert(t.contact).from_select(list(columns), chosen)).rowcount
    with_more = select(_c.id, _c.others).where(
        _c.campaign_id == new_id, _c.id > last, _c.others.is_not(None)
    )
    contacts_.set_numbers(connection, {row.id: row.others for row in connection.execute(with_more)})
    return copied
