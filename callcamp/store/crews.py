"""Who works for which campaign, and the queue that a campaign has for itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, text

from callcamp.core.agents import Agent
from callcamp.core.states import CampaignStatus
from callcamp.errors import LimitExceeded, NotFound
from callcamp.store import agent_tables as g
from callcamp.store import audit, callbacks, campaigns, rows
from callcamp.store import tables as t
from callcamp.store.agents import COLUMNS, from_row

_g, _m, _q = g.agent.c, g.campaign_agent.c, g.campaign_queue.c
_BY_IDS = select(*COLUMNS).where(_g.id.in_(bindparam("ids", expanding=True)))
_LIVE = (
    select(t.attempt.c.id)
    .where(t.attempt.c.campaign_id == bindparam("campaign"), text(t.LIVE))
    .limit(1)
)
_TAKE_QUEUE = text(
    "INSERT INTO campaign_queue (campaign_id, queue) VALUES (:campaign, :queue)"
    " ON CONFLICT DO NOTHING"
)
_AT_WORK = frozenset({CampaignStatus.QUEUED, CampaignStatus.RUNNING, CampaignStatus.PAUSED})


def of_campaign(connection: Connection, campaign_id: int) -> list[Agent]:
    """Return the agents who may work for a campaign, by name.

    Raises:
        NotFound: there is no such campaign.
    """
    campaigns.row_of(connection, campaign_id)
    statement = (
        select(*COLUMNS)
        .join_from(g.campaign_agent, g.agent, _g.id == _m.agent_id)
        .where(_m.campaign_id == campaign_id)
        .order_by(_g.name)
    )
    return [from_row(row) for row in connection.execute(statement)]


def campaigns_of(connection: Connection, agent_id: int) -> list[int]:
    """Return the ids of the campaigns an agent may work for, in order."""
    statement = select(_m.campaign_id).where(_m.agent_id == agent_id).order_by(_m.campaign_id)
    return list(connection.scalars(statement))


def join(connection: Connection, campaign_id: int, agent_ids: Iterable[int], now: datetime) -> int:
    """Let agents work for a campaign; return how many did not yet.

    Raises:
        NotFound: there is no such campaign, or no such agent.
    """
    campaigns.row_of(connection, campaign_id, for_update=True)
    chosen = list(dict.fromkeys(agent_ids))
    found = {row.id: from_row(row) for row in rows.by_ids(connection, _BY_IDS, chosen)}
    for agent_id in chosen:
        if agent_id not in found:
            raise NotFound(f"There is no agent {agent_id}.", kind="agent", key=agent_id)
    there = {agent.id for agent in of_campaign(connection, campaign_id)}
    added = [found[agent_id] for agent_id in chosen if agent_id not in there]
    if added:
        connection.execute(
            insert(g.campaign_agent),
            [{"campaign_id": campaign_id, "agent_id": agent.id} for agent in added],
        )
        _note_members(connection, "agents_added", campaign_id, added, now)
    return len(added)


def leave(connection: Connection, campaign_id: int, agent_ids: Iterable[int], now: datetime) -> int:
    """Let agents not work for a campaign any more; return how many did.

    Callbacks that only one of them would have made are anyone's then.

    Raises:
        NotFound: there is no such campaign.
    """
    campaigns.row_of(connection, campaign_id, for_update=True)
    chosen = set(agent_ids)
    gone = [agent for agent in of_campaign(connection, campaign_id) if agent.id in chosen]
    if gone:
        statement = delete(g.campaign_agent).where(
            _m.campaign_id == campaign_id, _m.agent_id.in_(bindparam("ids", expanding=True))
        )
        rows.update_ids(connection, statement, [agent.id for agent in gone])
        for agent in gone:
            callbacks.free(connection, agent.id, campaign_id)
        _note_members(connection, "agents_removed", campaign_id, gone, now)
    return len(gone)


def _has_live(connection: Connection, campaign_id: int) -> bool:
    """Tell whether somebody may still wait for an agent of a campaign that is over."""
    return connection.execute(_LIVE, {"campaign": campaign_id}).first() is not None


def assign_queue(connection: Connection, campaign_id: int, choices: Sequence[str]) -> str:
    """Return the queue that a campaign has for itself, choosing one when it has none yet.

    Raises:
        NotFound: there is no such campaign.
        LimitExceeded: all are taken.
    """
    campaigns.row_of(connection, campaign_id, for_update=True)
    own = connection.scalar(select(_q.queue).where(_q.campaign_id == campaign_id))
    if own is not None and own in choices:
        kept: str = own
        return kept
    held = select(_q.queue, _q.campaign_id, t.campaign.c.status).join_from(
        g.campaign_queue, t.campaign, t.campaign.c.id == _q.campaign_id
    )
    holders = {row.queue: row for row in connection.execute(held)}
    connection.execute(delete(g.campaign_queue).where(_q.campaign_id == campaign_id))
    for queue in dict.fromkeys(choices):
        holder = holders.get(queue)
        if holder is not None:
            if holder.status in _AT_WORK or _has_live(connection, holder.campaign_id):
                continue
            connection.execute(delete(g.campaign_queue).where(_q.queue == queue))
        # Somebody may have taken it just now: then there is the next one.
        if connection.execute(_TAKE_QUEUE, {"campaign": campaign_id, "queue": queue}).rowcount:
            return queue
    raise LimitExceeded(
        f"All {len(choices)} queues are taken by campaigns that are queued, running or paused; "
        "stop one of them, or name a queue of Asterisk in agents.queue.",
        limit=len(choices),
        value=len(choices) + 1,
    )


def _note_members(
    connection: Connection, verb: str, campaign_id: int, agents_: Sequence[Agent], now: datetime
) -> None:
    audit.note(
        connection,
        action=f"campaign.{verb}",
        kind="campaign",
        subject=str(campaign_id),
        campaign_id=campaign_id,
        after={"agents": [agent.name for agent in agents_]},
        now=now,
    )
