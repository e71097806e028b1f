"""People from files: preview, map anew, confirm."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from callcamp.core.permissions import Permission
from callcamp.engine.directory_imports import PeoplePreview
from callcamp.http import exports
from callcamp.http.rest.fields import Line64, Out, Query, Region
from callcamp.http.rest.forms import JsonText, ReadingForm, form_schema, uploaded
from callcamp.http.rest.imports import Remap, left_out, to_its_end
from callcamp.http.rest.mappings import mapping_in, wanted_mapping
from callcamp.http.rest.route import Call, Reply, RestRoute

_ROOT = "/api/v1/directory/imports"
_ONE = _ROOT + "/{preview_id:[0-9a-f]{32}}"
_FEED = Permission.FEED_CONTACTS
_LOCATION = {"Location": "Where it is."}


class PeopleForm(ReadingForm):
    """A file of people."""

    region: Region | None = None
    mapping: JsonText | None = None
    preset: Line64 | None = None


class PeoplePreviewOut(Out):
    """What importing a file of people would do; its id is known to nobody else."""

    id: str
    filename: str
    report: dict[str, Any]


class PeopleImportedOut(Out):
    """How many people were added, and how many were there and were updated."""

    added: int
    updated: int


def _out(preview: PeoplePreview) -> PeoplePreviewOut:
    report = {key: value for key, value in preview.report.items() if key != "token"}
    return PeoplePreviewOut(id=preview.token, filename=preview.filename, report=report)


def _made(made: PeoplePreview) -> Reply:
    return Reply(_out(made), 201, {"Location": f"{_ROOT}/{made.token}"})


async def preview(call: Call[Query, None]) -> Reply:
    """Read a file and say what importing it would do."""
    async with uploaded(call, PeopleForm) as (form, sent):
        mapping = await wanted_mapping(call, mapping_in(form.mapping), form.preset)
        made = await call.engine.directory_imports.preview(
            sent.path, sent.filename, mapping, region=form.region, options=form.options()
        )
    return _made(made)


async def show(call: Call[Query, None]) -> Reply:
    """Show a preview."""
    return Reply(_out(await call.engine.directory_imports.previewed(call.key("preview_id"))))


async def remap(call: Call[Query, Remap]) -> Reply:
    """Read the file of a preview again; the new preview takes the place of the old one."""
    body = call.body
    given = None if body.mapping is None else body.mapping.mapping()
    mapping = await wanted_mapping(call, given, body.preset)
    made = await call.engine.directory_imports.remap(
        call.key("preview_id"), mapping, options=body.options()
    )
    return _made(made)


async def error_rows(call: Call[Query, None]) -> web.StreamResponse:
    """Send the rows that were left out, with reasons."""
    key = call.key("preview_id")
    filename = (await call.engine.directory_imports.previewed(key)).filename
    path = call.engine.directory_imports.error_file(key)
    return await exports.send(call.request, path, left_out(filename), exports.TYPES["csv"])


async def confirm(call: Call[Query, None]) -> Reply:
    """Add the people of a preview to the directory."""
    done = await to_its_end(call.engine.directory_imports.confirm(call.key("preview_id")))
    return Reply(PeopleImportedOut.model_validate(done))


async def discard(call: Call[Query, None]) -> Reply:
    """Forget a preview, and the rows that it left out."""
    key = call.key("preview_id")
    await call.engine.directory_imports.previewed(key)
    await call.engine.directory_imports.discard(key)
    return Reply(status=204)


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "POST", _ROOT, preview, _FEED, "Preview a file of people; nobody is added yet",
        PeoplePreviewOut, form=form_schema(PeopleForm, workbooks=True), status=201,
        also=(413, 415), answer_headers=_LOCATION,
    ),
    RestRoute("GET", _ONE, show, _FEED, "Show a preview of people", PeoplePreviewOut),
    RestRoute(
        "POST", f"{_ONE}/remap", remap, _FEED,
        "Preview the same file with another mapping; the old preview is gone then",
        PeoplePreviewOut, body=Remap, body_needed=False, status=201, answer_headers=_LOCATION,
    ),
    RestRoute(
        "GET", f"{_ONE}/errors.csv", error_rows, _FEED,
        "The rows that a file of people leaves out, with reasons", media=("text/csv",),
    ),
    RestRoute(
        "POST", f"{_ONE}/confirm", confirm, _FEED, "Add the people of a preview, all or none",
        PeopleImportedOut,
    ),
    RestRoute("DELETE", _ONE, discard, _FEED, "Forget a preview of people", status=204),
)  # fmt: skip
"""Addresses of files of people."""
