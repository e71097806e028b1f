"""The forecast before start."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from callcamp.core.permissions import Permission
from callcamp.http.rest.campaigns import ONE
from callcamp.http.rest.fields import Moment, Out, Query
from callcamp.http.rest.route import Call, Reply, RestRoute


def _share(value: object) -> float:
    """Return a share of a query, over 0 and up to 1."""
    try:
        found = float(str(value))
    except ValueError:
        found = 0.0
    if 0.01 <= found <= 1:
        return found
    raise ValueError("give 0.01 to 1")


def _number(value: object, low: int, high: int) -> int:
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) < 11 and low <= int(text) <= high:
        return int(text)
    raise ValueError(f"give {low} to {high}")


class ForecastQuery(Query):
    """For whom it is, and what it rests on."""

    agents: Annotated[
        int | None,
        PlainValidator(lambda value: value if value is None else _number(value, 1, 500)),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 500}),
        Field(description="For how many agents; left out: those of the campaign."),
    ] = None
    answer_rate: Annotated[
        float | None,
        PlainValidator(lambda value: value if value is None else _share(value)),
        WithJsonSchema({"type": "number", "minimum": 0.01, "maximum": 1}),
        Field(description="Share of calls that a person answers; left out: measured or assumed."),
    ] = None
    seed: Annotated[
        int,
        PlainValidator(lambda value: _number(value, 0, 1_000_000_000)),
        WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 1_000_000_000}),
        Field(description="Of the random numbers: the same, the same forecast."),
    ] = 1


class RangeOut(Out):
    """What the simulations gave."""

    low: float
    likely: float
    high: float


class EndsOut(Out):
    """When the last contact is done; null: it does not get through."""

    earliest: Moment | None
    likely: Moment | None
    latest: Moment | None


class ExcludedOut(Out):
    """Contacts that would not be called for one reason."""

    count: int
    text: str


class FigureOut(Out):
    """A number that the forecast rests on: a share, or the mean of a time in seconds."""

    value: float
    basis: str


class ForecastOut(Out):
    """What the campaign would do."""

    campaign_id: int
    method: str
    begins_at: Moment | None
    contacts: int
    to_call: int
    excluded: dict[str, ExcludedOut]
    agents: int | None
    ends_at: EndsOut
    closes_at: Moment | None
    left: RangeOut
    calls: RangeOut
    calls_per_hour: RangeOut
    abandoned: RangeOut | None
    occupancy: RangeOut | None
    rests_on: dict[str, FigureOut]
    scaled: float
    seeds: list[int]
    notes: list[str]


async def forecast(call: Call[ForecastQuery, None]) -> Reply:
    """Say what the campaign would do."""
    query = call.query
    told = await call.commands.forecasts.forecast(
        call.id(), agents=query.agents, answer_rate=query.answer_rate, seed=query.seed
    )
    return Reply(ForecastOut.model_validate(told.as_dict()))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", f"{ONE}/forecast", forecast, Permission.VIEW,
        "What the campaign would do from its next open hour: end, calls, who is left out",
        ForecastOut, ForecastQuery, also=(409,),
    ),
)  # fmt: skip
"""Addresses of forecasts."""
