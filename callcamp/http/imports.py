"""Importing a file: upload, preview, mapping, confirm, undo, the rows left out."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from callcamp.contacts.mapping import Mapping
from callcamp.core.model import Campaign
from callcamp.core.states import CampaignStatus
from callcamp.errors import CallcampError, InvalidInput
from callcamp.http.context import ENGINE, done, render
from callcamp.http.exports import attachment
from callcamp.http.pages import checked_post
from callcamp.http.uploads import receive
from callcamp.ports import ContactImport

# An import shall not die with the browser that began it.
_going: set[asyncio.Task[Any]] = set()


async def upload(request: web.Request) -> web.StreamResponse:
    """Take a file and preview it."""
    engine = request.app[ENGINE]
    campaign = await engine.store.campaign(int(request.match_info["campaign_id"]))
    sent = await receive(request)
    choose = ""
    try:
        try:
            preview = await engine.imports.preview(campaign.id, sent.path, sent.filename)
        except InvalidInput as problem:
            columns = problem.details.get("columns")
            if problem.details.get("field") != "mapping.phone" or not columns:
                raise
            # No column looks like phone numbers: the preview's own form is where to say which.
            mapping = Mapping(columns[0], rest=True)
            preview = await engine.imports.preview(campaign.id, sent.path, sent.filename, mapping)
            choose = "?choose=phone"
    finally:
        sent.path.unlink(missing_ok=True)
    return done(request, f"/imports/{preview.id}{choose}")


async def import_page(request: web.Request) -> web.StreamResponse:
    """Show an import: a preview to confirm, or what became of it."""
    return await _show(request, await _imported(request))


async def _show(
    request: web.Request, imported: ContactImport, problem: CallcampError | None = None
) -> web.Response:
    campaign = await request.app[ENGINE].store.campaign(imported.campaign_id)
    counts = await request.app[ENGINE].store.counts(campaign.id)
    report = {**_EMPTY_REPORT, **imported.report}
    samples: dict[str, list[str]] = {}
    for example in report["examples"][:5]:
        for variable, column in report["variables"].items():
            samples.setdefault(column, []).append(example["variables"].get(variable, ""))
    return render(
        request,
        "import.html",
        {
            "campaign": campaign,
            "imported": imported,
            "report": report,
            "samples": samples,
            "variable_of": {column: name for name, column in report["variables"].items()},
            "new_contacts": report["valid"] - report["duplicates_in_campaign"],
            "replaceable": counts.total if _replaceable(campaign) else 0,
            "problem": problem.message if problem else "",
            "choose": "choose" in request.query,
        },
        status=400 if problem else 200,
    )


def _replaceable(campaign: Campaign) -> bool:
    """Tell whether a new file may take the place of all contacts: only before the first run."""
    return campaign.status is CampaignStatus.DRAFT and campaign.started_at is None


async def remap(request: web.Request) -> web.StreamResponse:
    """Preview the same file with another mapping."""
    data = await checked_post(request)
    imported = await _imported(request)
    try:
        mapping = read_mapping(data, imported.report.get("columns", []))
        preview = await request.app[ENGINE].imports.remap(imported.id, mapping)
    except InvalidInput as problem:
        return await _show(request, imported, problem)
    return done(request, f"/imports/{preview.id}")


def read_mapping(data: MultiMapping[Any], columns: list[str]) -> Mapping:
    """Return the mapping that the form means.

    Columns are told by their place, so that no name of a file can be mistaken.

    Raises:
        InvalidInput: there is no such phone column, or two columns have one variable.
    """
    text = data.get("phone", "")
    if not (text.isascii() and text.isdigit() and int(text[:6]) < len(columns)):
        raise InvalidInput("Say which column holds the phone number.", field="phone", value=text)
    phone = columns[int(text)]
    variables: dict[str, str] = {}
    for column, value in zip(columns, data.getall("variable", []), strict=False):
        name = value.strip()
        if not name or column == phone:
            continue
        if name in variables:
            raise InvalidInput(
                f"Two columns cannot both be the variable {name!r}.", field="variable", value=name
            )
        variables[name] = column
    return Mapping(phone, variables)


async def confirm(request: web.Request) -> web.StreamResponse:
    """Import what was previewed."""
    data = await checked_post(request)
    imported = await _imported(request)
    task = asyncio.create_task(
        request.app[ENGINE].imports.confirm(imported.id, replace=bool(data.get("replace")))
    )
    _going.add(task)
    task.add_done_callback(_going.discard)
    await asyncio.shield(task)
    request.app[ENGINE].live.touch()
    return done(request, f"/imports/{imported.id}")


async def undo(request: web.Request) -> web.StreamResponse:
    """Remove the contacts of an import."""
    await checked_post(request)
    imported = await _imported(request)
    await request.app[ENGINE].imports.undo(imported.id)
    request.app[ENGINE].live.touch()
    return done(request, f"/imports/{imported.id}")


async def error_rows(request: web.Request) -> web.StreamResponse:
    """Send the rows that were left out, with reasons."""
    imported = await _imported(request)
    path = await request.app[ENGINE].imports.error_file(imported.id)
    response = web.FileResponse(path)
    response.content_type = "text/csv"
    response.charset = "utf-8"
    stem = imported.filename.rpartition(".")[0] or imported.filename
    response.headers["Content-Disposition"] = attachment(f"{stem} - left out.csv")
    return response


async def _imported(request: web.Request) -> ContactImport:
    number = int(request.match_info["import_id"])
    return await request.app[ENGINE].store.contact_import(number)


_EMPTY_REPORT: dict[str, Any] = {
    "file": {},
    "columns": [],
    "mapping": {"phone": "", "variables": {}, "rest": False},
    "variables": {},
    "unmapped": [],
    "rows": 0,
    "blank": 0,
    "valid": 0,
    "invalid": 0,
    "duplicates_in_file": 0,
    "duplicates_in_campaign": 0,
    "problems": [],
    "examples": [],
    "notes": [],
}
"""Reports are data of the store: one that lacks something is shown without it."""
