"""Campaigns: their settings, their steps, and what is told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field, WithJsonSchema

from callcamp.core.model import Campaign, ContactChoice
from callcamp.core.outcome import Disposition
from callcamp.core.permissions import Permission
from callcamp.core.states import CampaignStatus, ContactStatus
from callcamp.engine.forms import settings_as_dict, settings_from_dict
from callcamp.errors import Conflict
from callcamp.http import exports
from callcamp.http.rest.fields import (
    FieldsQuery,
    In,
    Instant,
    Line200,
    Moment,
    Out,
    Page,
    PageQuery,
    Query,
    cursor_after,
)
from callcamp.http.rest.route import Call, Refusal, Reply, RestRoute

ROOT = "/api/v1/campaigns"
ONE = ROOT + "/{campaign_id:[0-9]{1,15}}"
_VIEW, _MANAGE = Permission.VIEW, Permission.MANAGE_CAMPAIGNS
_ETAG = {"ETag": "The version of the settings, in quotes."}

Settings = Annotated[dict[str, Any], WithJsonSchema({"x-schema": "CampaignSettings"})]
NewSettings = Annotated[dict[str, Any], WithJsonSchema({"x-schema": "NewCampaignSettings"})]
SomeSettings = Annotated[dict[str, Any], WithJsonSchema({"x-schema": "CampaignSettingsChange"})]


class CampaignOut(Out):
    """A campaign."""

    id: int
    status: CampaignStatus
    version: int
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    settings: Settings


class StatsOut(Out):
    """A campaign's counts, and its rates as shares from 0 to 1 (null while undefined)."""

    id: int
    name: str
    status: CampaignStatus
    version: int
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    concurrency: int
    total: int
    done: int
    completed: int
    contacts: dict[str, int]
    results: dict[str, int]
    calls_made: int
    calls_answered: int
    calls: dict[str, int]
    in_calls: int
    live: dict[str, int]
    success: int
    completion_rate: float | None
    success_rate: float | None
    answer_rate: float | None
    reachability: float | None
    abandon_rate: float | None
    calls_per_minute: int
    hold: str | None
    opens_at: Moment | None


class CampaignsPage(Page[StatsOut]):
    """A page of campaigns, newest first."""


class CampaignsQuery(PageQuery):
    """Which campaigns."""

    status: CampaignStatus | None = None


class NewCampaign(In):
    """A campaign to be; what is left out has its default."""

    settings: NewSettings


class CampaignChange(In):
    """What is to change: objects are merged, lists replaced, null takes a setting away."""

    settings: SomeSettings


class Choice(In):
    """Which contacts; all that is given has to hold."""

    statuses: Annotated[list[ContactStatus], Field(min_length=1, max_length=10)] | None = None
    dispositions: Annotated[list[Disposition], Field(min_length=1, max_length=50)] | None = None
    success: bool | None = None


class Clone(In):
    """How to copy a campaign; without ``contacts`` none come along."""

    name: Line200 | None = None
    contacts: Choice | None = None


class Reopened(Out):
    """A campaign that was re-opened, and for how many failed contacts."""

    campaign: CampaignOut
    contacts: int


class Missing(Out):
    """What a campaign lacks to start, by field, in words; empty: nothing."""

    missing: dict[str, str]


class VersionOut(Out):
    """One version of a campaign's settings."""

    version: int
    created_at: Moment
    actor: str
    settings: Settings


class VersionsPage(Page[VersionOut]):
    """Every version, oldest first."""


class Span(Query):
    """A span of time."""

    since: Instant | None = None
    until: Instant | None = None


class Promise(Out):
    """A rule that was promised, and whether it was kept."""

    rule: str
    promised: str
    measured: dict[str, Any] | None
    verdict: Literal["kept", "broken", "not_measured"]
    detail: str


class ReportOut(Out):
    """What a campaign promised by law and by its settings, and what it kept."""

    campaign_id: int
    version: int
    since: Moment
    until: Moment
    notice: str
    presets: list[dict[str, Any]]
    calls: int
    answered: int
    answered_by_person: int
    abandoned: int
    rules: list[Promise]
    broken: int


class ExportQuery(Query):
    """What a file is to hold."""

    what: Literal["contacts", "calls"] | None = None


def campaign_out(campaign: Campaign) -> CampaignOut:
    """Return a campaign as it is answered."""
    return CampaignOut(
        id=campaign.id,
        status=campaign.status,
        version=campaign.version,
        created_at=campaign.created_at,
        started_at=campaign.started_at,
        ended_at=campaign.ended_at,
        settings=settings_as_dict(campaign.settings),
    )


def reply(campaign: Campaign, status: int = 200) -> Reply:
    """Return the answer that shows a campaign."""
    headers = {"ETag": f'"{campaign.version}"'}
    if status == 201:
        headers["Location"] = f"{ROOT}/{campaign.id}"
    return Reply(campaign_out(campaign), status, headers)


async def listed(call: Call[CampaignsQuery, None]) -> Reply:
    """List campaigns."""
    query = call.query
    found = await call.commands.all_stats(query.status)
    if before := query.after_id():
        found = [one for one in found if one.campaign.id < before]
    shown = found[: query.limit]
    items = [StatsOut.model_validate(one.as_dict()) for one in shown]
    more = cursor_after(shown[-1].campaign.id) if len(found) > len(shown) else None
    return Reply(CampaignsPage(items=items, next=more))


async def create(call: Call[Query, NewCampaign]) -> Reply:
    """Add a draft."""
    made = await call.commands.create_campaign(settings_from_dict(call.body.settings))
    return reply(made, 201)


async def show(call: Call[FieldsQuery, None]) -> Reply:
    """Show a campaign."""
    return reply(await call.engine.store.campaign(call.id()))


async def change(call: Call[Query, CampaignChange]) -> Reply:
    """Change settings of the version that the client has seen."""
    wanted = call.request.headers.get("If-Match", "").strip()
    if not wanted:
        raise Refusal(
            428,
            "precondition_required",
            "Send If-Match with the ETag of the campaign as you know it, so that nobody's "
            "change is lost.",
            field="If-Match",
        )
    campaign = await call.engine.store.campaign(call.id())
    if wanted != f'"{campaign.version}"':
        raise _stale(wanted, campaign.version)
    settings = settings_from_dict(call.body.settings, campaign.settings)
    try:
        changed = await call.commands.change_settings(
            campaign.id, settings, expected_version=campaign.version
        )
    except Conflict:
        now = await call.engine.store.campaign(campaign.id)
        if now.version != campaign.version:
            raise _stale(wanted, now.version) from None
        raise
    return reply(changed)


def _stale(wanted: str, version: int) -> Refusal:
    return Refusal(
        412,
        "precondition_failed",
        f'The campaign is at version "{version}" now. Read it again, then change it.',
        field="If-Match",
        value=wanted,
        version=version,
    )


async def remove(call: Call[Query, None]) -> Reply:
    """Delete one that never started."""
    await call.commands.delete_campaign(call.id())
    return Reply(status=204)


async def start(call: Call[Query, None]) -> Reply:
    """Start a draft, or queue it until its start date."""
    return reply(await call.commands.start(call.id()))


async def pause(call: Call[Query, None]) -> Reply:
    """Place no new calls."""
    return reply(await call.commands.pause(call.id()))


async def resume(call: Call[Query, None]) -> Reply:
    """Go on after a pause."""
    return reply(await call.commands.resume(call.id()))


async def stop(call: Call[Query, None]) -> Reply:
    """End it for good."""
    return reply(await call.commands.stop(call.id()))


async def complete(call: Call[Query, None]) -> Reply:
    """Complete it before all contacts are done."""
    return reply(await call.commands.complete(call.id()))


async def retry_failed(call: Call[Query, None]) -> Reply:
    """Re-open it for its failed contacts."""
    campaign, count = await call.commands.retry_failed(call.id())
    return Reply(Reopened(campaign=campaign_out(campaign), contacts=count))


async def clone(call: Call[Query, Clone]) -> Reply:
    """Copy it into a fresh draft."""
    chosen = call.body.contacts
    choice = (
        None
        if chosen is None
        else ContactChoice(
            statuses=None if chosen.statuses is None else frozenset(chosen.statuses),
            dispositions=None if chosen.dispositions is None else frozenset(chosen.dispositions),
            success=chosen.success,
        )
    )
    return reply(await call.commands.clone(call.id(), call.body.name, choice), 201)


async def stats(call: Call[FieldsQuery, None]) -> Reply:
    """Count."""
    found = await call.commands.stats(call.id())
    return Reply(StatsOut.model_validate(found.as_dict()))


async def missing(call: Call[Query, None]) -> Reply:
    """Say what it lacks to start."""
    return Reply(Missing(missing=await call.commands.missing(call.id())))


async def versions(call: Call[Query, None]) -> Reply:
    """List the versions of the settings."""
    items = [
        VersionOut(
            version=one.version,
            created_at=one.created_at,
            actor=one.actor,
            settings=settings_as_dict(one.settings),
        )
        for one in await call.commands.versions(call.id())
    ]
    return Reply(VersionsPage(items=items))


async def report(call: Call[Span, None]) -> Reply:
    """Tell what was promised and kept."""
    since: datetime | None = call.query.since
    found = await call.commands.report(call.id(), since=since, until=call.query.until)
    return Reply(ReportOut.model_validate(found))


async def export(call: Call[ExportQuery, None]) -> web.StreamResponse:
    """Send contacts and calls as a file."""
    return await exports.export(call.request)


def _step(name: str, action: Any, summary: str) -> RestRoute:
    return RestRoute(
        "POST", f"{ONE}/{name}", action, _MANAGE, summary, CampaignOut, answer_headers=_ETAG
    )


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", ROOT, listed, _VIEW, "List campaigns with their counts", CampaignsPage,
        CampaignsQuery,
    ),
    RestRoute(
        "POST", ROOT, create, _MANAGE, "Create a campaign as a draft", CampaignOut,
        body=NewCampaign, status=201,
        answer_headers={**_ETAG, "Location": "Where the campaign is."},
    ),
    RestRoute(
        "GET", ONE, show, _VIEW, "Show a campaign with its settings", CampaignOut, FieldsQuery,
        answer_headers=_ETAG,
    ),
    RestRoute(
        "PATCH", ONE, change, _MANAGE, "Change settings of a draft or paused campaign",
        CampaignOut, body=CampaignChange, also=(412, 428), answer_headers=_ETAG,
        request_headers={"If-Match": "The ETag of the campaign as you know it."},
    ),
    RestRoute(
        "DELETE", ONE, remove, _MANAGE, "Delete a campaign that never started, and its contacts",
        status=204,
    ),
    _step("start", start, "Start a campaign, or queue it until its start date"),
    _step("pause", pause, "Place no new calls; calls in progress go on"),
    _step("resume", resume, "Go on after a pause"),
    _step("stop", stop, "End a campaign for good; waiting contacts are canceled"),
    _step("complete", complete, "Complete a campaign before all its contacts are done"),
    RestRoute(
        "POST", f"{ONE}/retry-failed", retry_failed, _MANAGE,
        "Re-open a completed campaign for its failed contacts", Reopened,
    ),
    RestRoute(
        "POST", f"{ONE}/clone", clone, _MANAGE, "Copy a campaign into a fresh draft",
        CampaignOut, body=Clone, body_needed=False, status=201,
        answer_headers={**_ETAG, "Location": "Where the copy is."},
    ),
    RestRoute(
        "GET", f"{ONE}/stats", stats, _VIEW, "Counts, rates, and what holds it back", StatsOut,
        FieldsQuery,
    ),
    RestRoute(
        "GET", f"{ONE}/missing", missing, _VIEW, "What a campaign lacks to start", Missing
    ),
    RestRoute(
        "GET", f"{ONE}/versions", versions, _VIEW, "Every version of the settings", VersionsPage
    ),
    RestRoute(
        "GET", f"{ONE}/report", report, _VIEW, "What was promised by law, and what was kept",
        ReportOut, Span,
    ),
    RestRoute(
        "GET", f"{ONE}/export.{{fmt:xlsx|csv}}", export, _VIEW,
        "Contacts and calls as a file for a spreadsheet program", query=ExportQuery,
        media=tuple(kind.partition(";")[0] for kind in exports.TYPES.values()),
    ),
)  # fmt: skip
"""Addresses of campaigns."""
