"""Agents: who they are, their phones' passwords, and whom they last talked to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    select,
    text,
    update,
)

from callcamp.core.agents import Agent, AgentPhone, PhoneKind
from callcamp.errors import Conflict, InvalidInput, NotFound
from callcamp.store import agent_tables as g
from callcamp.store import audit, callbacks, checks, rows
from callcamp.store import tables as t

_g = g.agent.c
_name = re.compile(r"[a-z0-9._-]{1,64}").fullmatch
_endpoint = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_SECRET_BYTES = 24
COLUMNS = tuple(c for c in _g if c.name != "phone_secret")
"""The columns of agents that :func:`from_row` needs."""
_ONE = select(*COLUMNS).where(_g.name == bindparam("name"))
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
    select(_LAST.c.contact_id, *COLUMNS)
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
        callbacks.free(connection, after.id)
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
    return [from_row(row) for row in connection.execute(select(*COLUMNS).order_by(_g.name))]


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


def last_of_contacts(connection: Connection, contact_ids: Sequence[int]) -> dict[int, Agent]:
    """Return the agents who last talked to contacts, by contact."""
    return {
        row.contact_id: from_row(row[1:])
        for row in rows.by_ids(connection, _LAST_AGENT, contact_ids)
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
    return None if row is None else from_row(row)


def from_row(row: Sequence[Any]) -> Agent:
    """Return an agent."""
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
