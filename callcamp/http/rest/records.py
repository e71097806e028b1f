"""What is on record beside campaigns: ways out, numbers, exclusions, consents, dispositions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.engine.outbound import NumberStatus
from callcamp.errors import NotFound
from callcamp.http.rest.fields import (
    Id,
    In,
    Instant,
    Line64,
    Line200,
    Line500,
    MaybeLine200,
    MaybeLine500,
    Moment,
    Out,
    Page,
    PageQuery,
    Phone,
    Query,
    QueryId,
    Region,
    cursor_after,
)
from callcamp.http.rest.route import Call, Reply, RestRoute

_V1 = "/api/v1"
_NUMBER = _V1 + "/numbers/{phone:\\+?[0-9]{3,20}}"
_VIEW, _FEED = Permission.VIEW, Permission.FEED_CONTACTS
_MANAGE, _ADMIN = Permission.MANAGE_CAMPAIGNS, Permission.ADMINISTER
_MOST_NUMBERS = 1000


class TrunkOut(Out):
    """A way out of Asterisk."""

    id: int
    name: str
    dial_string: str
    cps: float
    max_channels: int | None


class TrunksPage(Page[TrunkOut]):
    """All trunks by name."""


class TrunkIn(In):
    """A trunk to add, or to change: the one of that name."""

    name: Line64
    dial_string: Annotated[Line200, Field(examples=["PJSIP/{number}@carrier"])]
    cps: Annotated[float, Field(ge=0.001, le=1000, allow_inf_nan=False)]
    max_channels: Annotated[int, Field(ge=1, le=100_000)] | None = None


class NumberOut(Out):
    """An outbound number."""

    id: int
    phone: str
    label: str
    active: bool
    daily_cap: int | None
    resting_until: Moment | None


class NumberUseOut(NumberOut):
    """An outbound number, and how it is used."""

    resting: bool
    calls_today: int
    calls: int
    answered: int
    answer_rate: float | None
    last_used_at: Moment | None


class NumbersPage(Page[NumberUseOut]):
    """All outbound numbers by phone."""


class NumberIn(In):
    """An outbound number to add, or to change; what is left out stays as it is."""

    phone: Phone
    region: Region | None = None
    label: MaybeLine200 | None = None
    active: bool | None = None
    daily_cap: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Rest(In):
    """Until when a number rests."""

    until: Instant


class SuppressionOut(Out):
    """A number that must not be called, everywhere or in one campaign."""

    id: int
    phone: str
    reason: str
    source: str
    campaign_id: int | None
    created_at: Moment
    expires_at: Moment | None


class SuppressionsPage(Page[SuppressionOut]):
    """A page of the do-not-call list."""


class SuppressionsQuery(PageQuery):
    """Which entries."""

    phone: Phone | None = None
    region: Region | None = None
    campaign_id: QueryId | None = None


class SuppressionKey(Query):
    """Which entry."""

    phone: Phone
    region: Region | None = None
    campaign_id: QueryId | None = None


class SuppressionIn(In):
    """Numbers that must not be called, all or none."""

    phones: Annotated[list[Phone], Field(min_length=1, max_length=_MOST_NUMBERS)]
    region: Region | None = None
    reason: MaybeLine500 = ""
    campaign_id: Id | None = None
    expires_at: Instant | None = None


class SuppressedOut(Out):
    """How many numbers are on the list anew, and how many waiting contacts were skipped."""

    added: int
    contacts_skipped: int


class ConsentOut(Out):
    """A consent on record."""

    phone: str
    scope: str
    source: str
    given_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None


class ConsentsPage(Page[ConsentOut]):
    """The consents of a number, revoked and expired ones included."""


class ConsentsQuery(Query):
    """Of which number."""

    phone: Phone
    region: Region | None = None


class ConsentIn(In):
    """A consent to record, in place of an earlier one of the same number and scope."""

    phone: Phone
    region: Region | None = None
    scope: Line64
    source: Line500
    given_at: Instant | None = None
    expires_at: Instant | None = None


class Revocation(In):
    """A consent that was revoked."""

    phone: Phone
    region: Region | None = None
    scope: Line64


class DispositionOut(Out):
    """A custom disposition."""

    name: str
    label: str
    refused: bool
    opt_out: bool


class DispositionsPage(Page[DispositionOut]):
    """The custom dispositions by name."""


class DispositionIn(In):
    """A custom disposition to add, or to change."""

    name: Annotated[Line64, Field(examples=["callback_requested"])]
    label: MaybeLine200 = ""
    refused: bool = False
    opt_out: bool = False


async def trunks(call: Call[Query, None]) -> Reply:
    """List trunks."""
    found = await call.commands.trunks()
    return Reply(TrunksPage(items=[TrunkOut.model_validate(one) for one in found]))


async def save_trunk(call: Call[Query, TrunkIn]) -> Reply:
    """Add or change a trunk."""
    body = call.body
    saved = await call.commands.save_trunk(
        body.name, dial_string=body.dial_string, cps=body.cps, max_channels=body.max_channels
    )
    return Reply(TrunkOut.model_validate(saved))


async def numbers(call: Call[Query, None]) -> Reply:
    """List outbound numbers."""
    items = [_number_out(one) for one in await call.commands.lists.numbers()]
    return Reply(NumbersPage(items=items))


def _number_out(one: NumberStatus) -> NumberUseOut:
    return NumberUseOut(
        **NumberOut.model_validate(one.number).model_dump(),
        resting=one.resting,
        calls_today=one.use.today,
        calls=one.use.calls,
        answered=one.use.answered,
        answer_rate=one.answer_rate,
        last_used_at=one.use.last_used_at,
    )


async def save_number(call: Call[Query, NumberIn]) -> Reply:
    """Add or change an outbound number."""
    body = call.body
    saved = await call.commands.lists.save_number(
        body.phone,
        region=body.region,
        label=body.label,
        active=body.active,
        daily_cap=body.daily_cap,
    )
    return Reply(NumberOut.model_validate(saved))


async def rest_number(call: Call[Query, Rest]) -> Reply:
    """Have a number rest."""
    until: datetime = call.body.until
    after = await call.commands.lists.rest_number(call.key("phone"), until=until)
    return Reply(NumberOut.model_validate(after))


async def wake_number(call: Call[Query, None]) -> Reply:
    """End the rest of a number."""
    return Reply(NumberOut.model_validate(await call.commands.lists.wake_number(call.key("phone"))))


async def delete_number(call: Call[Query, None]) -> Reply:
    """Delete an outbound number."""
    await call.commands.lists.delete_number(call.key("phone"))
    return Reply(status=204)


async def suppressions(call: Call[SuppressionsQuery, None]) -> Reply:
    """List the do-not-call list, or what is on it of a number or a campaign."""
    query = call.query
    found = await call.commands.lists.suppressions(
        phone=query.phone,
        region=query.region,
        campaign_id=query.campaign_id,
        after_id=query.after_id(),
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    return Reply(
        SuppressionsPage(
            items=[SuppressionOut.model_validate(one) for one in shown],
            next=cursor_after(shown[-1].id) if len(found) > len(shown) else None,
        )
    )


async def suppress(call: Call[Query, SuppressionIn]) -> Reply:
    """Put numbers on the list."""
    body = call.body
    done = await call.commands.lists.suppress(
        body.phones,
        region=body.region,
        reason=body.reason,
        source="api",
        campaign_id=body.campaign_id,
        expires_at=body.expires_at,
    )
    return Reply(SuppressedOut.model_validate(done))


async def unsuppress(call: Call[SuppressionKey, None]) -> Reply:
    """Take a number off the list."""
    query = call.query
    await call.commands.lists.unsuppress(
        query.phone, region=query.region, campaign_id=query.campaign_id
    )
    return Reply(status=204)


def named(call: Call[Any, Any], parameter: str, kind: str) -> str:
    """Return a name out of the path.

    Raises:
        NotFound: nothing can have that name.
    """
    name = call.key(parameter)
    if not (0 < len(name) <= 64 and name.isprintable()):
        raise NotFound(f"There is no {kind} {name[:64]!r}.", kind=kind, key=name[:64])
    return name


async def consents(call: Call[ConsentsQuery, None]) -> Reply:
    """List the consents of a number."""
    found = await call.commands.lists.consents(call.query.phone, region=call.query.region)
    return Reply(ConsentsPage(items=[ConsentOut.model_validate(one) for one in found]))


async def record_consent(call: Call[Query, ConsentIn]) -> Reply:
    """Record a consent."""
    body = call.body
    made = await call.commands.lists.record_consent(
        body.phone,
        region=body.region,
        scope=body.scope,
        source=body.source,
        given_at=body.given_at,
        expires_at=body.expires_at,
    )
    return Reply(ConsentOut.model_validate(made))


async def revoke_consent(call: Call[Query, Revocation]) -> Reply:
    """Note that a consent was revoked."""
    body = call.body
    await call.commands.lists.revoke_consent(body.phone, region=body.region, scope=body.scope)
    return Reply(status=204)


async def outcomes(call: Call[Query, None]) -> Reply:
    """List the custom dispositions."""
    found = await call.commands.lists.outcomes()
    return Reply(DispositionsPage(items=[DispositionOut.model_validate(one) for one in found]))


async def save_outcome(call: Call[Query, DispositionIn]) -> Reply:
    """Add or change a custom disposition."""
    body = call.body
    saved = await call.commands.lists.save_outcome(
        body.name, label=body.label, refused=body.refused, opt_out=body.opt_out
    )
    return Reply(DispositionOut.model_validate(saved))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", f"{_V1}/trunks", trunks, _VIEW, "List trunks", TrunksPage),
    RestRoute(
        "POST", f"{_V1}/trunks", save_trunk, _ADMIN, "Add a trunk, or change it", TrunkOut,
        body=TrunkIn,
    ),
    RestRoute("GET", f"{_V1}/numbers", numbers, _VIEW, "List outbound numbers", NumbersPage),
    RestRoute(
        "POST", f"{_V1}/numbers", save_number, _ADMIN, "Add an outbound number, or change it",
        NumberOut, body=NumberIn,
    ),
    RestRoute("DELETE", _NUMBER, delete_number, _ADMIN, "Delete an outbound number", status=204),
    RestRoute(
        "POST", f"{_NUMBER}/rest", rest_number, _MANAGE, "Have an outbound number rest",
        NumberOut, body=Rest,
    ),
    RestRoute(
        "POST", f"{_NUMBER}/wake", wake_number, _MANAGE, "End the rest of an outbound number",
        NumberOut,
    ),
    RestRoute(
        "GET", f"{_V1}/suppressions", suppressions, _VIEW, "List numbers that must not be called",
        SuppressionsPage, SuppressionsQuery,
    ),
    RestRoute(
        "POST", f"{_V1}/suppressions", suppress, _FEED,
        "Put numbers on the do-not-call list, all or none", SuppressedOut, body=SuppressionIn,
    ),
    RestRoute(
        "DELETE", f"{_V1}/suppressions", unsuppress, _MANAGE,
        "Take a number off the do-not-call list", query=SuppressionKey, status=204,
    ),
    RestRoute(
        "GET", f"{_V1}/consents", consents, _VIEW, "List the consents of a number", ConsentsPage,
        ConsentsQuery,
    ),
    RestRoute(
        "POST", f"{_V1}/consents", record_consent, _FEED, "Record a consent", ConsentOut,
        body=ConsentIn,
    ),
    RestRoute(
        "POST", f"{_V1}/consents/revoke", revoke_consent, _FEED, "Note that a consent was revoked",
        body=Revocation, status=204,
    ),
    RestRoute(
        "GET", f"{_V1}/outcomes", outcomes, _VIEW, "List custom dispositions", DispositionsPage
    ),
    RestRoute(
        "POST", f"{_V1}/outcomes", save_outcome, _MANAGE, "Add a custom disposition, or change it",
        DispositionOut, body=DispositionIn,
    ),
)  # fmt: skip
"""Addresses of records."""
