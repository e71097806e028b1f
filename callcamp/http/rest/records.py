"""What is on record of persons: who must not be called, who consented; and dispositions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.errors import NotFound
from callcamp.http.rest.fields import (
    Id,
    In,
    Instant,
    Line64,
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
_VIEW, _FEED = Permission.VIEW, Permission.FEED_CONTACTS
_MANAGE, _ADMIN = Permission.MANAGE_CAMPAIGNS, Permission.ADMINISTER
_MOST_NUMBERS = 1000


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
