"""Ways out of Asterisk, and the numbers that calls are shown to come from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.engine.outbound import NumberStatus
from callcamp.http.rest.fields import (
    In,
    Instant,
    Line64,
    Line200,
    MaybeLine200,
    Moment,
    Out,
    Page,
    Phone,
    Query,
    Region,
)
from callcamp.http.rest.route import Call, Reply, RestRoute

_V1 = "/api/v1"
_NUMBER = _V1 + "/numbers/{phone:\\+?[0-9]{3,20}}"
_VIEW, _MANAGE = Permission.VIEW, Permission.MANAGE_CAMPAIGNS
_ADMIN = Permission.ADMINISTER


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
)  # fmt: skip
"""Addresses of ways out."""
