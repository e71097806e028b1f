"""Agents: who they are, what they do now, and what supervisors may do about it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from callcamp.core.agents import Agent, AgentState, PhoneKind
from callcamp.core.permissions import Permission
from callcamp.engine.agents.views import AgentView
from callcamp.engine.agents.work_file import as_csv, as_xlsx
from callcamp.http.agents_context import phone_of, roster_of, supervision_of
from callcamp.http.exports import TYPES, attachment
from callcamp.http.rest.campaigns import ONE, Span
from callcamp.http.rest.fields import (
    In,
    Line64,
    MaybeLine200,
    Moment,
    Out,
    Page,
    Query,
    QueryId,
    Region,
)
from callcamp.http.rest.route import Call, Reply, RestRoute
from callcamp.ports.switchboard import SpyMode

_V1 = "/api/v1"
AGENTS = _V1 + "/agents"
AGENT = AGENTS + "/{agent:[a-z0-9][a-z0-9._-]{0,63}}"
_VIEW, _MANAGE = Permission.VIEW, Permission.MANAGE_CAMPAIGNS
_ADMIN, _SUPERVISE = Permission.ADMINISTER, Permission.SUPERVISE_AGENTS
AgentName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", strict=True, examples=["anna"])
]
Reason = Annotated[Line64, Field(examples=["lunch"])]


class PhoneOut(Out):
    """Where an agent is called."""

    kind: PhoneKind
    address: str
    trunk_id: int | None


class OfferOut(Out):
    """A contact that the agent may accept or skip."""

    attempt_id: str
    contact_id: int
    number: str
    variables: dict[str, str]
    dial_at: Moment


class WorkedCall(Out):
    """The call that the agent works on."""

    attempt_id: str
    campaign_id: int
    contact_id: int
    number: str
    variables: dict[str, str]
    answered_at: Moment | None
    connected_at: Moment | None
    ended_at: Moment | None
    on_hold: bool
    muted: bool
    consulting: str
    outcome: str | None
    noted: bool


class AgentLive(Out):
    """What an agent does now."""

    name: str
    state: AgentState
    since: Moment
    reason: str
    campaign_id: int | None
    campaign: str
    on_line: bool
    phone_up: bool | None
    pause_wanted: str | None
    offer: OfferOut | None
    call: WorkedCall | None
    wrap_up_until: Moment | None
    problem: str


class AgentOut(Out):
    """An agent; ``live`` is null until the engine has seen it."""

    name: str
    display_name: str
    active: bool
    phone: PhoneOut
    campaigns: list[int]
    live: AgentLive | None


class AgentsPage(Page[AgentOut]):
    """Agents by name."""


class AgentsQuery(Query):
    """Which agents."""

    campaign_id: QueryId | None = None


class AgentIn(In):
    """An agent to add; without a phone it is reached by the phone of the agent page."""

    name: AgentName
    phone: Annotated[PhoneKind | None, Field(strict=False)] = None
    address: Line64 | None = None
    trunk: Line64 | None = None
    region: Region | None = None
    display_name: MaybeLine200 = ""


class AgentChange(In):
    """What to change of an agent; what is left out stays as it is."""

    phone: Annotated[PhoneKind | None, Field(strict=False)] = None
    address: Line64 | None = None
    trunk: Line64 | None = None
    region: Region | None = None
    display_name: MaybeLine200 | None = None
    active: bool | None = None


class AgentNames(In):
    """Agents by their names."""

    agents: Annotated[list[AgentName], Field(min_length=1, max_length=1000)]


class Joined(Out):
    """How many agents did not work for the campaign before."""

    added: int


class PauseIn(In):
    """Why an agent is paused."""

    reason: Reason


class PhoneIn(In):
    """Whose phone is called: for people their own, programs name an agent."""

    phone_of: AgentName | None = None


class SpyIn(PhoneIn):
    """How a supervisor takes part in a talk, and by whose phone."""

    mode: Annotated[SpyMode, Field(strict=False)] = SpyMode.LISTEN


class WorkOut(Out):
    """What an agent did in a period."""

    agent: str
    display_name: str
    campaign_id: int | None
    campaign: str | None
    logged_in_s: float
    seconds: dict[AgentState, float]
    pauses: dict[str, float]
    occupancy: float | None
    calls: int
    missed: int
    dispositions: dict[str, int]
    outcomes: dict[str, int]


class WorkReport(Out):
    """What agents did in a period, by their names."""

    since: Moment
    until: Moment
    items: list[WorkOut]


class WorkQuery(Span):
    """Whose work; left out: all agents', over the last 24 hours."""

    campaign_id: QueryId | None = None
    agent: AgentName | None = None
    per_campaign: Literal["true", "false"] = "false"


def live_out(view: AgentView) -> AgentLive:
    """Return what an agent does now as it is answered."""
    parts: dict[str, Any] = {name: getattr(view, name) for name in _OF_VIEW}
    return AgentLive.model_validate({"name": view.agent.name, **parts})


_OF_VIEW = tuple(name for name in AgentLive.model_fields if name != "name")


def agent_name(call: Call[Any, Any]) -> str:
    """Return the agent's name out of the path."""
    return call.key("agent")


async def _agent_out(call: Call[Any, Any], agent: Agent, live: dict[str, AgentView]) -> AgentOut:
    seen = live.get(agent.name)
    return AgentOut(
        name=agent.name,
        display_name=agent.display_name,
        active=agent.active,
        phone=PhoneOut.model_validate(agent.phone),
        campaigns=await roster_of(call.request).campaigns_of(agent.name),
        live=None if seen is None else live_out(seen),
    )


def _live(call: Call[Any, Any]) -> dict[str, AgentView]:
    return {view.agent.name: view for view in call.engine.agents.views()}


async def agents(call: Call[AgentsQuery, None]) -> Reply:
    """List agents."""
    roster, number = roster_of(call.request), call.query.campaign_id
    found = await (roster.agents() if number is None else roster.campaign_agents(number))
    live = _live(call)
    return Reply(AgentsPage(items=[await _agent_out(call, agent, live) for agent in found]))


async def add(call: Call[Query, AgentIn]) -> Reply:
    """Add an agent."""
    body = call.body
    agent = await roster_of(call.request).save_agent(
        body.name,
        kind=body.phone,
        address=body.address,
        trunk=body.trunk,
        region=body.region,
        display_name=body.display_name,
        new=True,
    )
    headers = {"Location": f"{AGENTS}/{agent.name}"}
    return Reply(await _agent_out(call, agent, _live(call)), 201, headers)


async def show(call: Call[Query, None]) -> Reply:
    """Show an agent."""
    agent = await roster_of(call.request).agent(agent_name(call))
    return Reply(await _agent_out(call, agent, _live(call)))


async def change(call: Call[Query, AgentChange]) -> Reply:
    """Change an agent."""
    body = call.body
    agent = await roster_of(call.request).save_agent(
        agent_name(call),
        kind=body.phone,
        address=body.address,
        trunk=body.trunk,
        region=body.region,
        active=body.active,
        display_name=body.display_name,
        new=False,
    )
    return Reply(await _agent_out(call, agent, _live(call)))


async def delete(call: Call[Query, None]) -> Reply:
    """Delete an agent who has never worked."""
    await roster_of(call.request).delete_agent(agent_name(call))
    return Reply(status=204)


async def of_campaign(call: Call[Query, None]) -> Reply:
    """List the agents of a campaign."""
    found, live = await roster_of(call.request).campaign_agents(call.id()), _live(call)
    return Reply(AgentsPage(items=[await _agent_out(call, agent, live) for agent in found]))


async def join(call: Call[Query, AgentNames]) -> Reply:
    """Add agents to a campaign."""
    added = await roster_of(call.request).add_to_campaign(call.id(), call.body.agents)
    return Reply(Joined(added=added))


async def leave(call: Call[Query, None]) -> Reply:
    """Remove an agent from a campaign."""
    await roster_of(call.request).remove_from_campaign(call.id(), [agent_name(call)])
    return Reply(status=204)


async def live(call: Call[Query, None]) -> Reply:
    """Tell what an agent does now."""
    return Reply(live_out(call.engine.agents.view(agent_name(call))))


async def force_pause(call: Call[Query, PauseIn]) -> Reply:
    """Pause an agent."""
    view = await supervision_of(call.request).pause(agent_name(call), call.body.reason)
    return Reply(live_out(view))


async def force_log_out(call: Call[Query, None]) -> Reply:
    """Log an agent out."""
    return Reply(live_out(await supervision_of(call.request).log_out(agent_name(call))))


async def spy(call: Call[Query, SpyIn]) -> Reply:
    """Take part in a talk."""
    phone = phone_of(call.request, call.body.phone_of)
    view = await supervision_of(call.request).spy(agent_name(call), call.body.mode, phone)
    return Reply(live_out(view))


async def take_over(call: Call[Query, PhoneIn]) -> Reply:
    """Take a contact over."""
    phone = phone_of(call.request, call.body.phone_of)
    return Reply(live_out(await supervision_of(call.request).take_over(agent_name(call), phone)))


async def report(call: Call[WorkQuery, None]) -> Reply:
    """Tell what agents did."""
    query = call.query
    since, until, rows = await roster_of(call.request).work(
        since=query.since,
        until=query.until,
        campaign_id=query.campaign_id,
        name=query.agent,
        per_campaign=query.per_campaign == "true",
    )
    items = [WorkOut.model_validate(row.as_dict()) for row in rows]
    return Reply(WorkReport(since=since, until=until, items=items))


async def report_file(call: Call[WorkQuery, None]) -> web.StreamResponse:
    """Send what agents did as a file."""
    query, fmt = call.query, call.key("fmt")
    since, until, rows = await roster_of(call.request).work(
        since=query.since,
        until=query.until,
        campaign_id=query.campaign_id,
        name=query.agent,
        per_campaign=query.per_campaign == "true",
    )
    body = await asyncio.to_thread(as_xlsx if fmt == "xlsx" else as_csv, rows)
    name = f"agents {since:%Y-%m-%d} to {until:%Y-%m-%d}.{fmt}"
    headers = {"Content-Type": TYPES[fmt], "Content-Disposition": attachment(name)}
    return web.Response(body=body, headers=headers)


_LIVE = f"{AGENT}/live"
_REPORT = f"{_V1}/reports/agents"

ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", AGENTS, agents, _VIEW, "List agents and what they do", AgentsPage,
              AgentsQuery),
    RestRoute(
        "POST", AGENTS, add, _ADMIN, "Add an agent", AgentOut, body=AgentIn, status=201,
        answer_headers={"Location": "Where the agent is."},
    ),
    RestRoute("GET", AGENT, show, _VIEW, "Show an agent", AgentOut),
    RestRoute("PATCH", AGENT, change, _ADMIN, "Change an agent", AgentOut, body=AgentChange),
    RestRoute(
        "DELETE", AGENT, delete, _ADMIN, "Delete an agent who has never worked", status=204
    ),
    RestRoute("GET", _LIVE, live, _VIEW, "What an agent does now", AgentLive),
    RestRoute(
        "POST", f"{_LIVE}/pause", force_pause, _SUPERVISE, "Have an agent take no calls",
        AgentLive, body=PauseIn,
    ),
    RestRoute(
        "POST", f"{_LIVE}/log-out", force_log_out, _SUPERVISE, "Log an agent out", AgentLive
    ),
    RestRoute(
        "POST", f"{_LIVE}/spy", spy, _SUPERVISE, "Listen to a talk, whisper to the agent, or barge "
        "in", AgentLive, body=SpyIn, body_needed=False,
    ),
    RestRoute(
        "POST", f"{_LIVE}/take-over", take_over, _SUPERVISE,
        "Send the contact to a supervisor's phone", AgentLive, body=PhoneIn, body_needed=False,
    ),
    RestRoute(
        "GET", f"{ONE}/agents", of_campaign, _VIEW, "List the agents of a campaign", AgentsPage
    ),
    RestRoute(
        "POST", f"{ONE}/agents", join, _MANAGE, "Let agents work for a campaign", Joined,
        body=AgentNames,
    ),
    RestRoute(
        "DELETE", f"{ONE}{AGENT.removeprefix(_V1)}", leave, _MANAGE,
        "Let an agent not work for a campaign any more", status=204,
    ),
    RestRoute(
        "GET", _REPORT, report, _VIEW, "What agents did in a period", WorkReport, WorkQuery
    ),
    RestRoute(
        "GET", f"{_REPORT}.{{fmt:xlsx|csv}}", report_file, _VIEW,
        "What agents did, as a file for a spreadsheet program", query=WorkQuery,
        media=tuple(kind.partition(";")[0] for kind in TYPES.values()),
    ),
)  # fmt: skip
"""Addresses of agents for supervisors and administrators."""
