"""What pages and API of agents share: the use-cases, and who is which agent."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from callcamp.core.permissions import LOCAL, Permission
from callcamp.engine.agents.roster import Roster
from callcamp.engine.agents.supervision import Supervision
from callcamp.errors import InvalidInput
from callcamp.http.auth import NotAllowed
from callcamp.http.context import ENGINE, SETTINGS
from callcamp.http.peer import principal_of

_PERSON = "user:"


def roster_of(request: web.Request) -> Roster:
    """Return the use-cases on agents; the desk is told of changes."""
    engine = request.app[ENGINE]
    return Roster(engine.store, request.app[SETTINGS], engine.clock.now, engine.agents.changed)


def supervision_of(request: web.Request) -> Supervision:
    """Return the use-cases of supervisors."""
    engine = request.app[ENGINE]
    return Supervision(engine.agents, engine.store, engine.clock.now)


def own_name(request: web.Request) -> str:
    """Return the name of the account that asks; empty for a program and for this machine."""
    principal = principal_of(request)
    if principal.user_id is None:
        return ""
    return principal.actor.removeprefix(_PERSON)


def check_own(request: web.Request, name: str) -> str:
    """Return ``name`` if whoever asks may act as the agent of that name.

    Raises:
        NotAllowed: it is somebody else's.
    """
    if principal_of(request) is not LOCAL and own_name(request) != name:
        raise NotAllowed(
            "An agent acts for nobody else: this is for the account of the same name.",
            needed=Permission.AGENT.value,
        )
    return name


def phone_of(request: web.Request, given: str | None) -> str:
    """Return the name of the agent whose phone a supervisor uses.

    Args:
        request: who asks.
        given: what was given, if anything; a person uses no other phone than the own.

    Raises:
        NotAllowed: a person named somebody else's.
        InvalidInput: a program, or this machine, named none.
    """
    own = own_name(request)
    if own:
        if given not in {None, "", own}:
            raise NotAllowed(
                "Your own phone is called for this, and nobody else's: leave it out.",
                needed=Permission.SUPERVISE_AGENTS.value,
            )
        return own
    if not given:
        raise InvalidInput(
            "Say whose phone is to be called: the name of an agent.", field="phone_of", value=given
        )
    return given


async def campaign_agents(request: web.Request, number: int) -> dict[str, Any]:
    """Return what the agents' part of a campaign's page shows."""
    roster = roster_of(request)
    members = await roster.campaign_agents(number)
    ids = {agent.id for agent in members}
    others = []
    if principal_of(request).may(Permission.MANAGE_CAMPAIGNS):
        others = [a for a in await roster.agents() if a.active and a.id not in ids]
    return {"members": members, "other_agents": others}
