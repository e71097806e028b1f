"""The contact directory, and the filters that choose from it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.core.policies import Match, Operator
from callcamp.http.rest.calls import CallOut, calls_out
from callcamp.http.rest.fields import (
    In,
    Limit,
    Line64,
    Line400,
    Moment,
    Out,
    Page,
    PageQuery,
    Phone,
    Query,
    Region,
    Variables,
    cursor_after,
)
from callcamp.http.rest.records import ConsentOut, SuppressionOut, named
from callcamp.http.rest.route import Call, Reply, RestRoute

_DIRECTORY = "/api/v1/directory/contacts"
_PERSON = _DIRECTORY + "/{phone:\\+?[0-9]{3,20}}"
_FILTERS = "/api/v1/filters"
_VIEW, _FEED, _MANAGE = Permission.VIEW, Permission.FEED_CONTACTS, Permission.MANAGE_CAMPAIGNS
Conditions = Annotated[
    list[Line400],
    Field(min_length=1, max_length=50, examples=[["city = Paris"]]),
]
"""Conditions, each written ``NAME OPERATOR VALUE``."""


class PersonOut(Out):
    """A person of the directory."""

    id: int
    phone: str
    others: list[str]
    variables: dict[str, str]
    created_at: Moment
    updated_at: Moment


class PeoplePage(Page[PersonOut]):
    """A page of people."""


class PeopleQuery(PageQuery):
    """Which people."""

    filter: Line64 | None = None


class PersonIn(In):
    """A person to add, or to change: the one with that first number."""

    phone: Phone
    region: Region | None = None
    variables: Variables = Field(default_factory=dict)
    others: Annotated[list[Phone], Field(max_length=9)] = Field(default_factory=list)


class HistoryQuery(Query):
    """How much is told."""

    calls: Annotated[Limit, Field(description="Most calls, the newest first.")] = 100


class PersonCall(Out):
    """A call to a person, with the name of its campaign."""

    campaign_name: str
    call: CallOut


class HistoryOut(Out):
    """All that is on record about a person."""

    numbers: list[str]
    person: PersonOut | None
    calls: list[PersonCall]
    consents: list[ConsentOut]
    suppressions: list[SuppressionOut]


class ConditionOut(Out):
    """A condition."""

    name: str
    operator: Operator
    value: str


class FilterOut(Out):
    """A saved filter."""

    name: str
    match: Match
    conditions: list[ConditionOut]
    created_at: Moment


class FiltersPage(Page[FilterOut]):
    """The saved filters by name."""


class FilterIn(In):
    """A filter to save, or to change."""

    name: Line64
    conditions: Conditions
    match: Match = Match.ALL


class FilterTry(In):
    """What is to be tried: a saved filter, or conditions."""

    name: Line64 | None = None
    conditions: Conditions | None = None
    match: Match = Match.ALL


class PreviewOut(Out):
    """Whom a filter chooses now: how many of how many, and the first of them."""

    count: int
    total: int
    first: list[PersonOut]


async def people(call: Call[PeopleQuery, None]) -> Reply:
    """List people."""
    query = call.query
    found = await call.commands.lists.people(
        after_id=query.after_id(), limit=query.limit + 1, filter_name=query.filter
    )
    shown = found[: query.limit]
    return Reply(
        PeoplePage(
            items=[PersonOut.model_validate(one) for one in shown],
            next=cursor_after(shown[-1].id) if len(found) > len(shown) else None,
        )
    )


async def save_person(call: Call[Query, PersonIn]) -> Reply:
    """Add or change a person."""
    body = call.body
    saved = await call.commands.lists.add_person(
        body.phone, region=body.region, variables=body.variables, others=body.others
    )
    return Reply(PersonOut.model_validate(saved))


async def history(call: Call[HistoryQuery, None]) -> Reply:
    """Show all that is on record about a person."""
    found = await call.commands.lists.history(call.key("phone"), calls=call.query.calls)
    shown = await calls_out(call.engine.store, [one.attempt for one in found.calls])
    calls = [
        PersonCall(campaign_name=one.campaign_name, call=told)
        for one, told in zip(found.calls, shown, strict=True)
    ]
    whole: dict[str, Any] = {
        "person": found.person,
        "consents": found.consents,
        "suppressions": found.suppressions,
    }
    return Reply(
        HistoryOut.model_validate({"numbers": list(found.numbers), "calls": calls, **whole})
    )


async def delete_person(call: Call[Query, None]) -> Reply:
    """Delete a person; campaigns keep their copy."""
    await call.commands.lists.delete_person(call.key("phone"))
    return Reply(status=204)


async def filters(call: Call[Query, None]) -> Reply:
    """List saved filters."""
    found = await call.commands.lists.filters()
    return Reply(FiltersPage(items=[FilterOut.model_validate(one) for one in found]))


async def show_filter(call: Call[Query, None]) -> Reply:
    """Show a saved filter."""
    found = await call.commands.lists.filter(named(call, "name", "filter"))
    return Reply(FilterOut.model_validate(found))


async def save_filter(call: Call[Query, FilterIn]) -> Reply:
    """Save a filter."""
    body = call.body
    saved = await call.commands.lists.save_filter(body.name, body.conditions, match=body.match)
    return Reply(FilterOut.model_validate(saved))


async def try_filter(call: Call[Query, FilterTry]) -> Reply:
    """Tell whom a filter chooses."""
    body = call.body
    found = await call.commands.lists.preview_filter(
        body.name, body.conditions or (), match=body.match
    )
    return Reply(PreviewOut.model_validate(found))


async def delete_filter(call: Call[Query, None]) -> Reply:
    """Delete a saved filter."""
    await call.commands.lists.delete_filter(named(call, "name", "filter"))
    return Reply(status=204)


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", _DIRECTORY, people, _VIEW, "List people of the contact directory", PeoplePage,
        PeopleQuery,
    ),
    RestRoute(
        "POST", _DIRECTORY, save_person, _FEED, "Add a person, or change them", PersonOut,
        body=PersonIn,
    ),
    RestRoute(
        "GET", _PERSON, history, _VIEW, "All that is on record about a person", HistoryOut,
        HistoryQuery,
    ),
    RestRoute(
        "DELETE", _PERSON, delete_person, _MANAGE, "Delete a person of the directory", status=204
    ),
    RestRoute("GET", _FILTERS, filters, _VIEW, "List saved filters", FiltersPage),
    RestRoute(
        "POST", _FILTERS, save_filter, _MANAGE, "Save a filter, or change it", FilterOut,
        body=FilterIn,
    ),
    RestRoute(
        "GET", f"{_FILTERS}/{{name}}", show_filter, _VIEW, "Show a saved filter", FilterOut
    ),
    RestRoute(
        "POST", "/api/v1/directory/preview", try_filter, _VIEW, "Whom a filter chooses now",
        PreviewOut, body=FilterTry,
    ),
    RestRoute(
        "DELETE", f"{_FILTERS}/{{name}}", delete_filter, _MANAGE, "Delete a saved filter",
        status=204,
    ),
)  # fmt: skip
"""Addresses of people and filters."""
