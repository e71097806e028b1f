"""Contacts of a campaign, one by one and a thousand at once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, RootModel, Tag

from callcamp.core.numbers import PROBLEM_TEXT, RefusedNumber, normalise
from callcamp.core.outcome import Disposition
from callcamp.core.permissions import Permission
from callcamp.core.policies import Match
from callcamp.core.reasons import Reason
from callcamp.core.states import ContactStatus
from callcamp.engine.contact_commands import RawContact
from callcamp.engine.form_reading import shorten
from callcamp.errors import InvalidInput, NotFound
from callcamp.http.rest.campaigns import ONE
from callcamp.http.rest.fields import (
    FieldsQuery,
    In,
    Line64,
    Line200,
    Line400,
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
from callcamp.ports import OnDuplicate

LIST = f"{ONE}/contacts"
_CONTACT = LIST + "/{contact_id:[0-9]{1,15}}"
MOST_AT_ONCE = 1000
"""Contacts of one request, at most."""
_BATCH_BYTES = 16 * 1024 * 1024
_VIEW, _FEED, _MANAGE = Permission.VIEW, Permission.FEED_CONTACTS, Permission.MANAGE_CAMPAIGNS


class ContactOut(Out):
    """A contact of a campaign."""

    id: int
    campaign_id: int
    phone: str
    others: list[str]
    variables: dict[str, str]
    status: ContactStatus
    calls_made: int = Field(validation_alias="attempts")
    due_at: Moment | None
    hold: Reason | None
    disposition: Disposition | None
    outcome: str | None
    success: bool | None
    callback_at: Moment | None
    last_attempt_at: Moment | None
    caller_number: str | None
    import_id: int | None


class ContactsPage(Page[ContactOut]):
    """A page of contacts."""


class ContactsQuery(PageQuery):
    """Which contacts."""

    status: ContactStatus | None = None
    reason: Annotated[
        Reason | None, Field(description="What they wait for, or why they were skipped.")
    ] = None
    phone: Phone | None = None


class NewContact(In):
    """A contact to add."""

    phone: Phone
    variables: Variables = Field(default_factory=dict)
    others: Annotated[list[Phone], Field(max_length=9)] = Field(default_factory=list)
    on_duplicate: OnDuplicate = OnDuplicate.SKIP


class Content(In):
    """What belongs to a contact, as its sender names it."""

    inputVariables: Variables = Field(default_factory=dict)  # noqa: N815


class NewContactLine(In):
    """A contact to add, as senders write it who name its number ``phoneLine``."""

    phoneLine: Phone  # noqa: N815
    content: Content = Field(default_factory=Content)


def _shape(value: Any) -> str:
    return "[line]" if isinstance(value, dict) and "phoneLine" in value else "[phone]"


class AddContact(RootModel[Any]):
    """A contact to add, in either shape."""

    root: Annotated[
        Annotated[NewContact, Tag("[phone]")] | Annotated[NewContactLine, Tag("[line]")],
        Discriminator(_shape),
    ]


class BatchContact(In):
    """One of many contacts to add."""

    phone: Phone
    variables: Variables = Field(default_factory=dict)
    others: Annotated[list[Phone], Field(max_length=9)] = Field(default_factory=list)


class Batch(In):
    """Contacts to add, all or none."""

    contacts: Annotated[list[BatchContact], Field(min_length=1, max_length=MOST_AT_ONCE)]
    on_duplicate: OnDuplicate = OnDuplicate.SKIP


class Added(Out):
    """What became of the contacts that were to be added."""

    added: int
    duplicates: int
    updated: int
    reopened: int
    suppressed: int


class AddedOne(Added):
    """What became of a contact, and how it is now."""

    contact: ContactOut


class Members(In):
    """People of the directory to add: chosen in one way."""

    filter: Line64 | None = None
    conditions: Annotated[list[Line400], Field(min_length=1, max_length=50)] | None = None
    match: Match = Match.ALL
    phones: Annotated[list[Phone], Field(min_length=1, max_length=MOST_AT_ONCE)] | None = None
    everybody: bool = False
    on_duplicate: OnDuplicate = OnDuplicate.SKIP


class Exclusion(In):
    """Why a contact is excluded."""

    reason: Line200


class Review(In):
    """Where a contact is: its time zone, or null to skip it."""

    zone: Line64 | None


class Deleted(Out):
    """How many were deleted."""

    deleted: int


async def _contact(call: Call[Any, Any]) -> Any:
    found = await call.engine.store.contact(call.id("contact_id"))
    if found.campaign_id != call.id():
        raise NotFound(
            f"Campaign {call.id()} has no contact {found.id}.", kind="contact", key=found.id
        )
    return found


def read_phone(text: str, region: str | None) -> str:
    """Return a number of a query as E.164.

    Raises:
        InvalidInput: it is none.
    """
    number = normalise(text, region)
    if isinstance(number, RefusedNumber):
        raise InvalidInput(
            f"phone is {shorten(text)}: {PROBLEM_TEXT[number.problem]}.",
            field="phone",
            value=text,
            problem=number.problem.value,
        )
    return number


async def listed(call: Call[ContactsQuery, None]) -> Reply:
    """List contacts."""
    query, campaign = call.query, await call.engine.store.campaign(call.id())
    phone = query.phone
    found = await call.engine.store.contacts(
        campaign.id,
        status=query.status,
        hold=query.reason,
        phone=None if phone is None else read_phone(phone, campaign.settings.default_region),
        after_id=query.after_id(),
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    return Reply(
        ContactsPage(
            items=[ContactOut.model_validate(one) for one in shown],
            next=cursor_after(shown[-1].id) if len(found) > len(shown) else None,
        )
    )


async def add(call: Call[Query, AddContact]) -> Reply:
    """Add one contact."""
    sent = call.body.root
    if isinstance(sent, NewContactLine):
        raw, policy = RawContact(sent.phoneLine, sent.content.inputVariables), OnDuplicate.SKIP
    else:
        raw = RawContact(sent.phone, sent.variables, tuple(sent.others))
        policy = sent.on_duplicate
    done = await call.commands.add_contacts(call.id(), [raw], policy)
    contact = await call.commands.contact(call.id(), raw.phone)
    return Reply(
        AddedOne(
            **Added.model_validate(done).model_dump(), contact=ContactOut.model_validate(contact)
        ),
        201 if done.added else 200,
        {"Location": f"/api/v1/campaigns/{call.id()}/contacts/{contact.id}"},
    )


async def add_many(call: Call[Query, Batch]) -> Reply:
    """Add up to a thousand contacts, all or none."""
    raw = [RawContact(one.phone, one.variables, tuple(one.others)) for one in call.body.contacts]
    done = await call.commands.add_contacts(call.id(), raw, call.body.on_duplicate)
    return Reply(Added.model_validate(done))


async def add_members(call: Call[Query, Members]) -> Reply:
    """Add people of the directory."""
    body = call.body
    done = await call.commands.lists.add_from_directory(
        call.id(),
        filter_name=body.filter,
        conditions=body.conditions or (),
        match=body.match,
        phones=body.phones or (),
        everybody=body.everybody,
        on_duplicate=body.on_duplicate,
    )
    return Reply(Added.model_validate(done))


async def delete_all(call: Call[Query, None]) -> Reply:
    """Delete all contacts of a campaign that never started."""
    return Reply(Deleted(deleted=await call.engine.store.delete_contacts(call.id())))


async def show(call: Call[FieldsQuery, None]) -> Reply:
    """Show one contact."""
    return Reply(ContactOut.model_validate(await _contact(call)))


async def delete(call: Call[Query, None]) -> Reply:
    """Delete one contact; the records of its calls stay."""
    await call.commands.delete_contact(await _contact(call))
    return Reply(status=204)


async def exclude(call: Call[Query, Exclusion]) -> Reply:
    """Exclude a contact from its campaign."""
    after = await call.commands.exclude(await _contact(call), call.body.reason)
    return Reply(ContactOut.model_validate(after))


async def review(call: Call[Query, Review]) -> Reply:
    """Say in which time zone a contact is, or skip it."""
    after = await call.commands.review(await _contact(call), call.body.zone)
    return Reply(ContactOut.model_validate(after))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", LIST, listed, _VIEW, "List contacts", ContactsPage, ContactsQuery),
    RestRoute(
        "POST", LIST, add, _FEED, "Add a contact", AddedOne, body=AddContact, status=201,
        also=(200,), answer_headers={"Location": "Where the contact is."},
    ),
    RestRoute(
        "DELETE", LIST, delete_all, _MANAGE, "Delete all contacts of a draft", Deleted
    ),
    RestRoute(
        "POST", f"{LIST}/batch", add_many, _FEED, "Add up to 1,000 contacts, all or none",
        Added, body=Batch, max_bytes=_BATCH_BYTES,
    ),
    RestRoute(
        "POST", f"{LIST}/from-directory", add_members, _FEED,
        "Add people of the contact directory", Added, body=Members,
    ),
    RestRoute("GET", _CONTACT, show, _VIEW, "Show a contact", ContactOut, FieldsQuery),
    RestRoute("DELETE", _CONTACT, delete, _FEED, "Delete a contact", status=204),
    RestRoute(
        "POST", f"{_CONTACT}/exclude", exclude, _FEED, "Exclude a contact from its campaign",
        ContactOut, body=Exclusion,
    ),
    RestRoute(
        "POST", f"{_CONTACT}/review", review, _FEED,
        "Say in which time zone a contact is, or skip it", ContactOut, body=Review,
    ),
)  # fmt: skip
"""Addresses of contacts."""
