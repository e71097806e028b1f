"""Calls: what became of them, what is noted of them, and why none is placed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from callcamp.core.model import Attempt
from callcamp.core.outcome import Disposition
from callcamp.core.permissions import Permission
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, CampaignStatus, ContactStatus
from callcamp.engine.exports import talkers
from callcamp.http.rest.campaigns import ONE
from callcamp.http.rest.fields import (
    FieldsQuery,
    In,
    Instant,
    Line64,
    Moment,
    Out,
    Page,
    PageQuery,
    Phone,
    Query,
    Variables,
    cursor_after,
)
from callcamp.http.rest.route import Call, Reply, RestRoute
from callcamp.ports import Store

_CALL = "/api/v1/calls/{call_id:[A-Za-z0-9-]{1,64}}"
_VIEW, _FEED = Permission.VIEW, Permission.FEED_CONTACTS


class CallOut(Out):
    """A call to one number."""

    id: str
    campaign_id: int
    contact_id: int
    number: str
    ordinal: int
    status: AttemptStatus
    settings_version: int
    caller_number: str | None
    claimed_at: Moment
    dialed_at: Moment | None
    rang_at: Moment | None
    answered_at: Moment | None
    ended_at: Moment | None
    disposition: Disposition | None
    outcome: str | None
    success: bool | None
    decided_by: str | None
    rule: str | None
    refused: bool
    agent: Annotated[str | None, Field(description="Who talked to the contact last, by name.")] = (
        None
    )
    agents: Annotated[list[str], Field(description="All agents who talked, in order, by name.")] = (
        Field(default_factory=list)
    )
    connected_at: Moment | None
    variables: dict[str, str]
    evidence: dict[str, Any]
    gate: dict[str, Any]


class CallsPage(Page[CallOut]):
    """A page of calls, oldest first."""


class OutcomeIn(In):
    """What a bot, an agent or an analysis says of a call that has ended."""

    outcome: Line64 | None = None
    callback_at: Instant | None = None
    variables: Variables = Field(default_factory=dict)


class WhyQuery(Query):
    """When, and whom."""

    at: Instant | None = None
    phone: Phone | None = None


class Held(Out):
    """Contacts that wait for one reason."""

    count: int
    until: Moment | None
    text: str


class CampaignWhyOut(Out):
    """What holds a campaign back."""

    campaign_id: int
    status: CampaignStatus
    version: int
    at: Moment
    hold: Reason | None
    hold_text: str
    until: Moment | None
    change: str
    would_call: int
    contacts: dict[str, Held]


class ContactWhyOut(Out):
    """Why one contact is not called."""

    campaign_id: int
    contact_id: int
    phone: str
    status: ContactStatus
    place: str
    attempts: int
    at: Moment
    would_call: bool
    reason: Reason | None
    text: str
    until: Moment | None
    change: str
    also: Reason | None


class WhyOut(Out):
    """Why nothing is dialled: of the campaign, or with ``phone`` of one contact."""

    campaign: CampaignWhyOut | None
    contact: ContactWhyOut | None


async def calls_out(store: Store, attempts: Sequence[Attempt]) -> list[CallOut]:
    """Return calls as they are shown, with the names of their agents."""
    names: dict[int, str] = {}
    if any(one.agent_id is not None for one in attempts):
        names = {agent.id: agent.name for agent in await store.agents()}
    shown = []
    for one in attempts:
        talked = talkers(one, names)
        told = {"agent": talked[-1] if talked else None, "agents": talked}
        shown.append(CallOut.model_validate(one).model_copy(update=told))
    return shown


async def listed(call: Call[PageQuery, None]) -> Reply:
    """List the calls of a campaign."""
    query, campaign = call.query, await call.engine.store.campaign(call.id())
    found = await call.engine.store.attempts(
        campaign.id, after_id=query.after(), limit=query.limit + 1
    )
    shown = found[: query.limit]
    return Reply(
        CallsPage(
            items=await calls_out(call.engine.store, shown),
            next=cursor_after(shown[-1].id) if len(found) > len(shown) else None,
        )
    )


async def show(call: Call[FieldsQuery, None]) -> Reply:
    """Show a call."""
    attempt = await call.engine.store.attempt(call.key("call_id"))
    return Reply((await calls_out(call.engine.store, [attempt]))[0])


async def note(call: Call[Query, OutcomeIn]) -> Reply:
    """Note the outcome of a call."""
    after = await call.commands.set_outcome(
        call.key("call_id"),
        outcome=call.body.outcome,
        callback_at=call.body.callback_at,
        variables=call.body.variables,
        source="api",
    )
    return Reply((await calls_out(call.engine.store, [after]))[0])


async def why(call: Call[WhyQuery, None]) -> Reply:
    """Say why nothing is dialled."""
    if call.query.phone is None:
        told = await call.commands.why.campaign(call.id(), call.query.at)
        return Reply(WhyOut(campaign=CampaignWhyOut.model_validate(told.as_dict()), contact=None))
    contact = await call.commands.contact(call.id(), call.query.phone)
    answer = await call.commands.why.contact(contact, call.query.at)
    return Reply(WhyOut(campaign=None, contact=ContactWhyOut.model_validate(answer.as_dict())))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", f"{ONE}/attempts", listed, _VIEW, "List the calls of a campaign", CallsPage,
        PageQuery,
    ),
    RestRoute("GET", _CALL, show, _VIEW, "Show a call", CallOut, FieldsQuery),
    RestRoute(
        "POST", f"{_CALL}/outcome", note, _FEED, "Note the outcome of a call that has ended",
        CallOut, body=OutcomeIn,
    ),
    RestRoute(
        "GET", f"{ONE}/why", why, _VIEW, "Why nothing is dialled, now or at an instant", WhyOut,
        WhyQuery,
    ),
)  # fmt: skip
"""Addresses of calls."""
