"""Agents, their phones' passwords, the campaigns they work for, and the campaigns' queues."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from callcamp.core.agents import Agent, AgentPhone, PhoneKind
from callcamp.core.states import CampaignStatus
from callcamp.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from callcamp.store import agent_tables as g
from callcamp.store import audit, campaigns, checks, rows
from callcamp.store import tables as t

_g, _m, _q = g.agent.c, g.campaign_agent.c, g.campaign_queue.c
_c = t.contact.c
_name = re.compile(r"[a-z0-9._-]{1,64}").fullmatch
_endpoint = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_SECRET_BYTES = 24
_COLUMNS = tuple(c for c in _g if c.name != "phone_secret")
_ONE = select(*_COLUMNS).where(_g.name == bindparam("name"))
_BY_IDS = select(*_COLUMNS).where(_g.id.in_(bindparam("ids", expanding=True)))
_LIVE = (
    select(t.attempt.c.id)
    .where(t.attempt.c.campaign_id == bindparam("campaign"), text(t.LIVE))
    .limit(1)
)
_LAST = (
    select(t.attempt.c.contact_id, func.max(t.attempt.c.id).label("id"))
    .where(
        t.attempt.c.contact_id.in_(bindparam("ids", expanding=True)),
        t.attempt.c.agent_id.is_not(None),
    )
    .group_by(t.attempt.c.contact_id)
    .subquery()
)
_LAST_AGENT = (
    select(_LAST.c.contact_id, *_COLUMNS)
    .join_from(_LAST, t.attempt, t.attempt.c.id == _LAST.c.id)
    .join(g.agent, _g.id == t.attempt.c.agent_id)
)
# One statement each: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO agent (name, display_name, active, phone_kind, phone_address, trunk_id,"
    " phone_secret) VALUES (:name, :display_name, :active, :phone_kind, :phone_address, :trunk_id,"
    " :phone_secret) ON CONFLICT (name) DO UPDATE SET display_name = excluded.display_name,"
    " active = excluded.active, phone_kind = excluded.phone_kind,"
    " phone_address = excluded.phone_address, trunk_id = excluded.trunk_id"
).bindparams(
    bindparam("active", type_=_g.active.type), bindparam("trunk_id", type_=_g.trunk_id.type)
)
_TAKE_QUEUE = text(
    "INSERT INTO campaign_queue (campaign_id, queue) VALUES (:campaign, :queue)"
    " ON CONFLICT DO NOTHING"
)
# Of one who is gone nobody would ever make them.
_FREE_CALLBACKS = (
    update(t.contact)
    .where(text(t.CALLBACK), _c.callback_agent_id == bindparam("gone"))
    .values(callback_agent_id=None)
)
_AT_WORK = frozenset({CampaignStatus.QUEUED, CampaignStatus.RUNNING, CampaignStatus.PAUSED})


def save(
    connection: Connection,
    name: str,
    *,
    phone: AgentPhone,
    active: bool,
    display_name: str,
    now: datetime,
) -> Agent:
    """Add the agent called ``name``, or change it.

    Callbacks that only this agent makes are anyone's once the agent is inactive.

    Raises:
        InvalidInput: the name, the phone or the display name is none.
        NotFound: there is no such trunk.
    """
    if not _name(name):
        shown = checks.shown(name)
        raise InvalidInput(
            f"name is {shown}; give 1 to 64 lower case letters, digits, dots, underscores and "
            "hyphens: the name of the agent's account.",
            field="name",
            value=shown,
        )
    checks.words(display_name, "display_name", most=checks.MOST_LABEL)
    _check_phone(connection, phone)
    before = _found(connection, name, for_update=True)
    values = {
        "name": name,
        "display_name": display_name,
        "active": active,
        "phone_kind": phone.kind.value,
        "phone_address": phone.address,
        "trunk_id": phone.trunk_id,
        # Of an agent who is there already it stays as it is.
        "phone_secret": secrets.token_urlsafe(_SECRET_BYTES),
    }
    connection.execute(_SAVE, values)
    after = one(connection, name)
    if before is not None and before.active and not active:
        theirs = select(_m.campaign_id).where(_m.agent_id == after.id)
        connection.execute(_FREE_CALLBACKS.where(_c.campaign_id.in_(theirs)), {"gone": after.id})
    if before != after:
        _note(connection, "added" if before is None else "changed", before, after, now)
    return after


def _check_phone(connection: Connection, phone: AgentPhone) -> None:
    if phone.kind is PhoneKind.EXTERNAL:
        checks.phone(phone.address, "phone.address")
        known = phone.trunk_id is not None and connection.scalar(
            select(exists().where(t.trunk.c.id == phone.trunk_id))
        )
        if phone.trunk_id is None:
            raise InvalidInput(
                "phone.trunk_id is missing; give the trunk over which an external number is "
                "called.",
                field="phone.trunk_id",
                value=None,
            )
        if not known:
            raise NotFound(f"There is no trunk {phone.trunk_id}.", kind="trunk", key=phone.trunk_id)
        return
    if phone.trunk_id is not None:
        raise InvalidInput(
            f"phone.trunk_id is {phone.trunk_id}; only an external number is called over a "
            "trunk, leave it out.",
            field="phone.trunk_id",
            value=phone.trunk_id,
        )
    if not _endpoint(phone.address):
        shown = checks.shown(phone.address)
        raise InvalidInput(
            f"phone.address is {shown}; give the name of a PJSIP endpoint: 1 to 64 letters, "
            "digits, dots, underscores and hyphens.",
            field="phone.address",
            value=shown,
        )


def agents(connection: Connection) -> list[Agent]:
    """Return all agents by name."""
    return [_agent(row) for row in connection.execute(select(*_COLUMNS).order_by(_g.name))]


def one(connection: Connection, name: str) -> Agent:
    """Return the agent called ``name``.

    Raises:
        NotFound: there is none.
    """
    found = _found(connection, name)
    if found is None:
        raise NotFound(
            f"There is no agent {checks.shown(name)}.", kind="agent", key=checks.shown(name)
        )
    return found


def remove(connection: Connection, name: str, now: datetime) -> None:
    """Delete an agent who has never worked.

    Raises:
        NotFound: there is none.
        Conflict: the agent has worked.
    """
    before = one(connection, name)
    _locked(connection, before.id)
    shifts, calls = g.agent_shift.c, t.attempt.c
    worked = select(
        exists().where(shifts.agent_id == before.id) | exists().where(calls.agent_id == before.id)
    )
    if connection.scalar(worked):
        raise Conflict(
            f"Agent {name} has worked, and the records of that stay; make the agent inactive "
            "instead.",
            agent=name,
        )
    connection.execute(delete(g.agent).where(_g.id == before.id))
    _note(connection, "deleted", before, None, now)


def phone_secret(connection: Connection, agent_id: int) -> str:
    """Return the SIP password of an agent's phone.

    Raises:
        NotFound: there is no such agent.
    """
    found: str = _locked(connection, agent_id, for_update=False).phone_secret
    return found


def renew_phone_secret(connection: Connection, agent_id: int, now: datetime) -> str:
    """Make a new SIP password and return it.

    Raises:
        NotFound: there is no such agent.
    """
    row = _locked(connection, agent_id)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(update(g.agent).where(_g.id == agent_id).values(phone_secret=secret))
    # That it changed, never what to: the audit is never deleted from.
    audit.note(
        connection, action="agent.phone_secret_renewed", kind="agent", subject=row.name, now=now
    )
    return secret


def of_campaign(connection: Connection, campaign_id: int) -> list[Agent]:
    """Return the agents who may work for a campaign, by name.

    Raises:
        NotFound: there is no such campaign.
    """
    campaigns.row_of(connection, campaign_id)
    statement = (
        select(*_COLUMNS)
        .join_from(g.campaign_agent, g.agent, _g.id == _m.agent_id)
        .where(_m.campaign_id == campaign_id)
        .order_by(_g.name)
    )
    return [_agent(row) for row in connection.execute(statement)]


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
    found = {row.id: _agent(row) for row in rows.by_ids(connection, _BY_IDS, chosen)}
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
        theirs = _FREE_CALLBACKS.where(_c.campaign_id == campaign_id)
        for agent in gone:
            connection.execute(theirs, {"gone": agent.id})
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


def last_of_contacts(connection: Connection, contact_ids: Sequence[int]) -> dict[int, Agent]:
    """Return the agents who last talked to contacts, by contact."""
    return {
        row.contact_id: _agent(row[1:]) for row in rows.by_ids(connection, _LAST_AGENT, contact_ids)
    }


def note_supervision(
    connection: Connection,
    agent_id: int,
    action: str,
    details: Mapping[str, Any],
    *,
    campaign_id: int | None,
    now: datetime,
) -> None:
    """Note in the audit what a supervisor asks for about an agent.

    Raises:
        NotFound: there is no such agent.
    """
    audit.note(
        connection,
        action=f"agent.{action}",
        kind="agent",
        subject=_locked(connection, agent_id, for_update=False).name,
        campaign_id=campaign_id,
        after=dict(details),
        now=now,
    )


def lock(connection: Connection, agent_id: int) -> None:
    """Keep an agent as it is until the transaction is over.

    Raises:
        NotFound: there is no such agent.
    """
    _locked(connection, agent_id)


def _locked(connection: Connection, agent_id: int, *, for_update: bool = True) -> Row[Any]:
    statement = select(g.agent).where(_g.id == agent_id)
    row = connection.execute(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        raise NotFound(f"There is no agent {agent_id}.", kind="agent", key=agent_id)
    return row


def _found(connection: Connection, name: str, *, for_update: bool = False) -> Agent | None:
    # A name that no agent can have: some databases would not even take it.
    if not _name(name):
        return None
    statement = _ONE.with_for_update() if for_update else _ONE
    row = connection.execute(statement, {"name": name}).one_or_none()
    return None if row is None else _agent(row)


def _agent(row: Sequence[Any]) -> Agent:
    agent_id, name, display_name, active, kind, address, trunk_id = row
    return Agent(
        id=agent_id,
        name=name,
        phone=AgentPhone(PhoneKind(kind), address, trunk_id),
        active=active,
        display_name=display_name,
    )


def _note(
    connection: Connection, verb: str, before: Agent | None, after: Agent | None, now: datetime
) -> None:
    subject = before or after
    audit.note(
        connection,
        action=f"agent.{verb}",
        kind="agent",
        subject="" if subject is None else subject.name,
        before=before,
        after=after,
        now=now,
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
