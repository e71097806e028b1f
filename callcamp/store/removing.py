"""Deleting a campaign: only one of which there is nothing to tell."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from callcamp.core.states import CampaignStatus
from callcamp.errors import Conflict
from callcamp.store import agent_tables as g
from callcamp.store import campaigns
from callcamp.store import contacts as contacts_
from callcamp.store import record_tables as r
from callcamp.store import tables as t
from callcamp.store import webhook_tables as w

_NEVER_RAN = frozenset({CampaignStatus.DRAFT, CampaignStatus.CANCELED})
_KEEPERS = (
    (t.attempt, "calls of it are on record"),
    (g.agent_shift, "agents are logged in for it; let them log out"),
    (g.agent_span, "work of agents for it is on record"),
    (w.webhook, "a webhook is for this campaign alone; delete that first"),
)
# Children first. What the audit says of it stays.
_GOES_ALONG = (
    t.contact_import,
    t.campaign_count,
    t.campaign_version,
    g.campaign_agent,
    g.campaign_queue,
    g.pacing_state,
    r.suppression,
)


def delete_campaign(connection: Connection, campaign_id: int, now: datetime) -> None:
    """Delete a campaign that never started, with its contacts, imports and own exclusions.

    Args:
        connection: a transaction.
        campaign_id: the campaign.
        now: the instant.

    Raises:
        NotFound: there is none.
        Conflict: it has started or is queued, or something that stays belongs to it.
    """
    row = campaigns.row_of(connection, campaign_id, for_update=True)
    if row.started_at is not None or row.status not in _NEVER_RAN:
        raise Conflict(
            f"Campaign {campaign_id} is {row.status} and stays on record: only a draft that never "
            "started can be deleted. Stop it if it shall not call any more.",
            status=row.status,
        )
    for table, why in _KEEPERS:
        found = select(table.c.campaign_id).where(table.c.campaign_id == campaign_id).limit(1)
        if connection.execute(found).first() is not None:
            raise Conflict(f"Campaign {campaign_id} cannot be deleted: {why}.", status=row.status)
    deleted = contacts_.remove(connection, campaign_id)
    for table in _GOES_ALONG:
        connection.execute(delete(table).where(table.c.campaign_id == campaign_id))
    connection.execute(delete(t.campaign).where(t.campaign.c.id == campaign_id))
    before = {"name": row.settings["name"], "contacts": deleted}
    campaigns.note(connection, "deleted", campaign_id, now, before=before, after=None)
