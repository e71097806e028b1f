"""Contacts from files: preview, map anew, confirm, undo."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web
from pydantic import Field

from callcamp.contacts.table import ReadOptions
from callcamp.core.permissions import Permission
from callcamp.http import exports
from callcamp.http.rest.contacts import Deleted
from callcamp.http.rest.fields import In, Line64, Line200, Moment, Out, Page, Query, QueryId
from callcamp.http.rest.forms import JsonText, ReadingForm, form_schema, uploaded
from callcamp.http.rest.mappings import MappingIn, mapping_in, wanted_mapping
from callcamp.http.rest.route import Call, Reply, RestRoute
from callcamp.ports import OnDuplicate

_ROOT = "/api/v1/imports"
_ONE = _ROOT + "/{import_id:[0-9]{1,15}}"
_FEED, _VIEW = Permission.FEED_CONTACTS, Permission.VIEW
T = TypeVar("T")
# What was begun goes on to its end when the client goes away.
_going: set[asyncio.Task[Any]] = set()


class ImportForm(ReadingForm):
    """A file for a campaign."""

    campaign_id: QueryId
    mapping: JsonText | None = None
    preset: Line64 | None = None


class ImportOut(Out):
    """A file on its way into a campaign: ``previewed``, ``confirmed`` or ``undone``."""

    id: int
    campaign_id: int
    filename: str
    status: str
    added: int
    created_at: Moment
    confirmed_at: Moment | None
    report: dict[str, Any]


class ImportsPage(Page[ImportOut]):
    """The imports of a campaign, newest first."""


class ImportsQuery(Query):
    """Of which campaign."""

    campaign_id: QueryId


class Remap(In):
    """How to read a file again: with a mapping, a saved one, or one found by its look.

    Without ``encoding``, ``delimiter``, ``header`` and ``sheet`` it is read as before.
    """

    mapping: MappingIn | None = None
    preset: Line64 | None = None
    encoding: Line64 | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    header: bool | None = None
    sheet: Line200 | None = None

    def options(self) -> ReadOptions | None:
        """Return how the file is to be read; None: as before.

        Raises:
            InvalidInput: the delimiter is none.
        """
        given = (self.encoding, self.delimiter, self.header, self.sheet)
        return None if all(one is None for one in given) else ReadOptions(*given)


class Confirm(In):
    """How to confirm: ``replace`` deletes the contacts of a draft first."""

    replace: bool = Field(default=False)
    on_duplicate: OnDuplicate = OnDuplicate.SKIP


async def listed(call: Call[ImportsQuery, None]) -> Reply:
    """List the imports of a campaign."""
    campaign = await call.engine.store.campaign(call.query.campaign_id)
    found = await call.engine.store.imports(campaign.id)
    return Reply(ImportsPage(items=[_out(one) for one in found]))


def _out(one: Any) -> ImportOut:
    out = ImportOut.model_validate(one)
    # Under this name its files lie in the data folder: nobody's business.
    out.report = {key: value for key, value in out.report.items() if key != "token"}
    return out


def _made(one: Any) -> Reply:
    return Reply(_out(one), 201, {"Location": f"{_ROOT}/{one.id}"})


async def preview(call: Call[Query, None]) -> Reply:
    """Read a file and say what importing it would do."""
    async with uploaded(call, ImportForm) as (form, sent):
        mapping = await wanted_mapping(call, mapping_in(form.mapping), form.preset)
        made = await call.engine.imports.preview(
            form.campaign_id, sent.path, sent.filename, mapping, options=form.options()
        )
    return _made(made)


async def remap(call: Call[Query, Remap]) -> Reply:
    """Read the file of a preview again; the new preview takes the place of the old one."""
    body = call.body
    given = None if body.mapping is None else body.mapping.mapping()
    mapping = await wanted_mapping(call, given, body.preset)
    made = await call.engine.imports.remap(call.id("import_id"), mapping, options=body.options())
    return _made(made)


async def show(call: Call[Query, None]) -> Reply:
    """Show an import."""
    return Reply(_out(await call.engine.store.contact_import(call.id("import_id"))))


async def error_rows(call: Call[Query, None]) -> web.StreamResponse:
    """Send the rows that were left out, with reasons."""
    imported = await call.engine.store.contact_import(call.id("import_id"))
    path = await call.engine.imports.error_file(imported.id)
    return await exports.send(call.request, path, left_out(imported.filename), exports.TYPES["csv"])


def left_out(filename: str) -> str:
    """Return what the file of the rows that a file leaves out is called."""
    return f"{filename.rpartition('.')[0] or filename} - left out.csv"


async def confirm(call: Call[Query, Confirm]) -> Reply:
    """Add the contacts of a preview."""
    done = await to_its_end(
        call.engine.imports.confirm(
            call.id("import_id"),
            replace=call.body.replace,
            on_duplicate=call.body.on_duplicate,
        )
    )
    call.engine.live.touch()
    return Reply(_out(done))


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await what must not be broken off when the client goes away."""
    task = asyncio.create_task(work)
    _going.add(task)
    task.add_done_callback(_going.discard)
    return await asyncio.shield(task)


async def undo(call: Call[Query, None]) -> Reply:
    """Undo a confirmed import; forget a preview."""
    imported = await call.engine.store.contact_import(call.id("import_id"))
    if imported.status == "previewed":
        await call.engine.imports.discard(imported.id)
        return Reply(Deleted(deleted=0))
    deleted = await call.engine.imports.undo(imported.id)
    call.engine.live.touch()
    return Reply(Deleted(deleted=deleted))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", _ROOT, listed, _VIEW, "List the imports of a campaign", ImportsPage, ImportsQuery
    ),
    RestRoute(
        "POST", _ROOT, preview, _FEED, "Preview a file; nothing is imported yet", ImportOut,
        form=form_schema(ImportForm, workbooks=True), status=201, also=(413, 415),
        answer_headers={"Location": "Where it is."},
    ),
    RestRoute("GET", _ONE, show, _VIEW, "Show an import", ImportOut),
    RestRoute(
        "POST", f"{_ONE}/remap", remap, _FEED,
        "Preview the same file with another mapping; the old preview cannot be confirmed any more",
        ImportOut, body=Remap, body_needed=False, status=201,
        answer_headers={"Location": "Where the new preview is."},
    ),
    RestRoute(
        "GET", f"{_ONE}/errors.csv", error_rows, _VIEW,
        "The rows that an import leaves out, with reasons", media=("text/csv",),
    ),
    RestRoute(
        "POST", f"{_ONE}/confirm", confirm, _FEED, "Add the contacts of a preview, all or none",
        ImportOut, body=Confirm, body_needed=False,
    ),
    RestRoute(
        "DELETE", _ONE, undo, _FEED,
        "Undo an import: delete the contacts that it added; or forget a preview", Deleted,
    ),
)  # fmt: skip
"""Addresses of imports."""
