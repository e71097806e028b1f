"""The laws that campaigns can keep, and who did what."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.http.rest.campaigns import ONE
from callcamp.http.rest.fields import Moment, Out, Page, PageQuery, Query, cursor_after
from callcamp.http.rest.route import Call, Reply, RestRoute


class PresetOut(Out):
    """A legal preset: a starting point, no legal advice."""

    id: str
    title: str
    places: list[str]
    source: str
    checked_on: date
    verified: bool
    notes: list[str]
    caps: list[dict[str, Any]]
    min_ring_s: int | None
    opt_out_needed: bool
    dnc_max_age_days: int | None
    consent_needed: bool
    caller_id_needed: bool
    records_kept_days: int | None


class PresetsPage(Page[PresetOut]):
    """The legal presets by id."""


class AuditOut(Out):
    """Who did what and when; ``before`` and ``after`` are what it was and became."""

    id: int
    at: Moment
    actor: str
    action: str
    kind: str
    subject: str
    campaign_id: int | None
    before: Annotated[Any, Field(description="Null: it was not there.")]
    after: Annotated[Any, Field(description="Null: it is not there any more.")]


class AuditPage(Page[AuditOut]):
    """A page of the audit, newest first."""


async def presets(call: Call[Query, None]) -> Reply:
    """List the legal presets."""
    known = call.commands.rules.presets
    items = []
    for preset in sorted(known.values(), key=lambda one: one.id):
        caps = [
            {"calls": c.calls, "window_s": c.window_s, "answered_only": c.answered_only}
            for c in preset.caps
        ]
        names = [name for name in PresetOut.model_fields if name != "caps"]
        items.append(PresetOut(caps=caps, **{name: getattr(preset, name) for name in names}))
    return Reply(PresetsPage(items=items))


async def audit(call: Call[PageQuery, None]) -> Reply:
    """List what was done, everywhere or in one campaign."""
    campaign_id = None
    if "campaign_id" in call.request.match_info:
        campaign_id = (await call.engine.store.campaign(call.id())).id
    found = await call.commands.audit(
        campaign_id, before_id=call.query.after_id() or None, limit=call.query.limit + 1
    )
    shown = found[: call.query.limit]
    return Reply(
        AuditPage(
            items=[AuditOut.model_validate(one) for one in shown],
            next=cursor_after(shown[-1].id) if len(found) > len(shown) else None,
        )
    )


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", "/api/v1/legal-presets", presets, Permission.VIEW, "List the legal presets",
        PresetsPage,
    ),
    RestRoute(
        "GET", f"{ONE}/audit", audit, Permission.VIEW, "Who did what in a campaign", AuditPage,
        PageQuery,
    ),
    RestRoute(
        "GET", "/api/v1/audit", audit, Permission.ADMINISTER, "Who did what", AuditPage, PageQuery
    ),
)  # fmt: skip
"""Addresses of what is good to know."""
