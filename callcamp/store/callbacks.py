"""Agreed callbacks: which wait, and whose they are."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, literal_column, select, text, update

from callcamp.core.model import Contact
from callcamp.store import agent_tables as g
from callcamp.store import campaigns, rows
from callcamp.store import tables as t

_c, _m = t.contact.c, g.campaign_agent.c
# Given the plain column, SQLite would go through all pending contacts of the campaign.
_of = literal_column("+contact.campaign_id", _c.campaign_id.type)


def waiting(connection: Connection, campaign_id: int | None, limit: int) -> list[Contact]:
    """Return contacts that wait for an agreed callback, the next one first.

    Raises:
        NotFound: there is no such campaign.
    """
    statement = rows.SELECT_CONTACT.where(text(t.CALLBACK))
    if campaign_id is not None:
        campaigns.row_of(connection, campaign_id)
        statement = statement.where(_of == campaign_id)
    statement = statement.order_by(_c.due_at, _c.id).limit(limit)
    return [rows.contact(row) for row in connection.execute(statement)]


def free(connection: Connection, agent_id: int, campaign_id: int | None = None) -> None:
    """Let callbacks that only this agent would make be anyone's: nobody would ever make them.

    Those of one campaign, or of all that the agent works for.
    """
    theirs: ColumnElement[bool] = _of == campaign_id
    if campaign_id is None:
        theirs = _of.in_(select(_m.campaign_id).where(_m.agent_id == agent_id))
    connection.execute(
        update(t.contact)
        .where(text(t.CALLBACK), _c.callback_agent_id == agent_id, theirs)
        .values(callback_agent_id=None)
    )
