"""The laws that campaigns can keep, and who did what."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

from pydantic import Field

from callcamp.core.legal import AbandonWindow, CoolOffAfter, LegalPreset, Span, WeekHours
from callcamp.core.permissions import Permission
from callcamp.http.rest.campaigns import ONE
from callcamp.http.rest.fields import Moment, Out, Page, PageQuery, Query, cursor_after
from callcamp.http.rest.route import Call, Reply, RestRoute


class HoursOut(Out):
    """The hours in which a person may be called, in their own time, such as ``09:00-20:00``.

    ``weekdays`` begin with Monday; a day without hours is closed. Null: as on its weekday.
    """

    weekdays: list[list[str]]
    holiday: list[str] | None
    holiday_eve: list[str] | None


class CoolOffOut(Out):
    """How long a person is left alone, and after what."""

    after: CoolOffAfter
    seconds: int


class AbandonOut(Out):
    """The cap on abandoned calls, as a share of those answered by a person."""

    cap: float
    window: AbandonWindow
    days: int
    connect_within_s: float


class PresetOut(Out):
    """A legal preset: a starting point, no legal advice."""

    id: str
    title: str
    places: list[str]
    source: str
    checked_on: date
    verified: bool
    notes: list[str]
    hours: HoursOut | None
    holidays: list[str]
    caps: list[dict[str, Any]]
    cool_offs: list[CoolOffOut]
    abandon: AbandonOut | None
    min_ring_s: int | None
    safe_harbour: list[str]
    opt_out_needed: bool
    dnc_max_age_days: int | None
    consent_needed: bool
    caller_id_needed: bool
    mobile_caller_id: bool
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
    items = [_preset(preset) for preset in sorted(known.values(), key=lambda one: one.id)]
    return Reply(PresetsPage(items=items))


async def preset(call: Call[Query, None]) -> Reply:
    """Show a legal preset."""
    (found,) = call.commands.rules.named((call.key("preset_id"),))
    return Reply(_preset(found))


def _preset(preset: LegalPreset) -> PresetOut:
    caps = [
        {"calls": c.calls, "window_s": c.window_s, "answered_only": c.answered_only}
        for c in preset.caps
    ]
    other = {
        name: getattr(preset, name)
        for name in PresetOut.model_fields
        if name not in {"caps", "hours"}
    }
    return PresetOut.model_validate({**other, "caps": caps, "hours": _hours(preset.hours)})


def _hours(week: WeekHours | None) -> HoursOut | None:
    if week is None:
        return None
    return HoursOut(
        weekdays=[_spans(day) for day in week.weekdays],
        holiday=None if week.holiday is None else _spans(week.holiday),
        holiday_eve=None if week.holiday_eve is None else _spans(week.holiday_eve),
    )


def _spans(spans: tuple[Span, ...]) -> list[str]:
    # Midnight at the end of a day is 24:00, as the files of presets have it.
    return [f"{s.start:%H:%M}-{'24:00' if s.end == time(0) else f'{s.end:%H:%M}'}" for s in spans]


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
        "GET", "/api/v1/legal-presets/{preset_id:[a-z0-9-]{1,64}}", preset, Permission.VIEW,
        "Show a legal preset", PresetOut,
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
