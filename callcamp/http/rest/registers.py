"""Files of numbers: imported do-not-call registers, and long lists for the records."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.http.rest.fields import (
    In,
    Instant,
    Line64,
    Line500,
    MaybeLine500,
    Moment,
    Out,
    Page,
    Phone,
    Query,
    QueryId,
    Region,
)
from callcamp.http.rest.forms import form_schema, uploaded
from callcamp.http.rest.records import named
from callcamp.http.rest.route import Call, Reply, RestRoute

_V1 = "/api/v1"
_LIST = _V1 + "/dnc-lists/{name}"
_VIEW, _FEED = Permission.VIEW, Permission.FEED_CONTACTS
_ADMIN = Permission.ADMINISTER
MOST_NUMBERS = 10_000
"""Numbers of a register in one request; longer ones come as a file."""
_LIST_BYTES = 1024 * 1024
_TOO_LARGE = (413, 415)
Column = Annotated[
    Line64 | None,
    Field(description="Name of the column with the numbers; left out: by the look of it."),
]


class DncListOut(Out):
    """An imported do-not-call register."""

    name: str
    numbers: int
    as_of: Moment
    imported_at: Moment


class DncListsPage(Page[DncListOut]):
    """The imported registers by name."""


class DncListIn(In):
    """The numbers of a register, in place of those that it has; all or none."""

    as_of: Annotated[Instant, Field(description="Of when the copy is: the law may limit its age.")]
    phones: Annotated[list[Phone], Field(min_length=1, max_length=MOST_NUMBERS)]
    region: Region | None = None


class NumbersForm(Query):
    """A file of numbers."""

    region: Region | None = None
    column: Column = None


class DncListForm(NumbersForm):
    """A file with the numbers of a register."""

    as_of: Instant


class SuppressionsForm(NumbersForm):
    """A file of numbers that must not be called."""

    reason: MaybeLine500 = ""
    campaign_id: QueryId | None = None
    expires_at: Instant | None = None


class ConsentsForm(NumbersForm):
    """A file of numbers that get the same consent."""

    scope: Line64
    source: Line500
    given_at: Instant | None = None
    expires_at: Instant | None = None


class RefusedRowOut(Out):
    """A row whose number cannot be used."""

    row: int
    value: str
    why: str


class FileOut(Out):
    """What became of the rows of a file; ``problems`` are the first of the refused ones."""

    rows: int
    refused: int
    problems: list[RefusedRowOut]


class DncListImported(FileOut):
    """What became of the file of a register."""

    list: DncListOut


class FileSuppressedOut(FileOut):
    """How many numbers are on the list anew, and how many waiting contacts were skipped."""

    added: int
    contacts_skipped: int


class ConsentsRecordedOut(FileOut):
    """How many numbers have the consent, wait no more, or revoked it later."""

    recorded: int
    contacts_released: int
    revoked: int


async def dnc_lists(call: Call[Query, None]) -> Reply:
    """List the imported registers."""
    found = await call.commands.lists.dnc_lists()
    return Reply(DncListsPage(items=[DncListOut.model_validate(one) for one in found]))


async def replace_dnc_list(call: Call[Query, DncListIn]) -> Reply:
    """Put numbers in place of those of a register."""
    body = call.body
    saved = await call.commands.lists.replace_dnc_list(
        named(call, "name", "dnc_list"), body.phones, as_of=body.as_of, region=body.region
    )
    return Reply(DncListOut.model_validate(saved))


async def import_dnc_list(call: Call[Query, None]) -> Reply:
    """Put the numbers of a file in place of those of a register."""
    name = named(call, "name", "dnc_list")
    async with uploaded(call, DncListForm) as (form, sent):
        done = await call.engine.list_files.import_dnc_list(
            name,
            sent.path,
            sent.filename,
            as_of=form.as_of,
            region=form.region,
            column=form.column,
        )
    return Reply(DncListImported.model_validate(done))


async def delete_dnc_list(call: Call[Query, None]) -> Reply:
    """Delete an imported register."""
    name = named(call, "name", "dnc_list")
    await call.commands.lists.delete_dnc_list(name)
    return Reply(status=204)


async def suppress_file(call: Call[Query, None]) -> Reply:
    """Put the numbers of a file on the do-not-call list."""
    async with uploaded(call, SuppressionsForm) as (form, sent):
        done = await call.engine.list_files.suppress(
            sent.path,
            sent.filename,
            region=form.region,
            column=form.column,
            reason=form.reason,
            source="api",
            campaign_id=form.campaign_id,
            expires_at=form.expires_at,
        )
    return Reply(FileSuppressedOut.model_validate(done))


async def record_consents(call: Call[Query, None]) -> Reply:
    """Record the same consent for every number of a file."""
    async with uploaded(call, ConsentsForm) as (form, sent):
        done = await call.engine.list_files.record_consents(
            sent.path,
            sent.filename,
            region=form.region,
            column=form.column,
            scope=form.scope,
            source=form.source,
            given_at=form.given_at,
            expires_at=form.expires_at,
        )
    return Reply(ConsentsRecordedOut.model_validate(done))


def _form(model: type[Query]) -> dict[str, Any]:
    return form_schema(model, workbooks=False)


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", f"{_V1}/dnc-lists", dnc_lists, _VIEW, "List imported do-not-call registers",
        DncListsPage,
    ),
    RestRoute(
        "PUT", _LIST, replace_dnc_list, _ADMIN,
        "Put numbers in place of those of a register, all or none", DncListOut, body=DncListIn,
        max_bytes=_LIST_BYTES,
    ),
    RestRoute(
        "PUT", f"{_LIST}/file", import_dnc_list, _ADMIN,
        "Put the numbers of a file in place of those of a register", DncListImported,
        form=_form(DncListForm), also=_TOO_LARGE,
    ),
    RestRoute(
        "DELETE", _LIST, delete_dnc_list, _ADMIN, "Delete an imported register", status=204
    ),
    RestRoute(
        "POST", f"{_V1}/suppressions/file", suppress_file, _FEED,
        "Put the numbers of a file on the do-not-call list", FileSuppressedOut,
        form=_form(SuppressionsForm), also=_TOO_LARGE,
    ),
    RestRoute(
        "POST", f"{_V1}/consents/file", record_consents, _FEED,
        "Record the same consent for every number of a file", ConsentsRecordedOut,
        form=_form(ConsentsForm), also=_TOO_LARGE,
    ),
)  # fmt: skip
"""Addresses of files of numbers."""
