"""Importing a file: upload, preview, mapping, confirm, undo, the rows left out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.table import ReadOptions
from callcamp.core.model import Campaign
from callcamp.core.states import CampaignStatus
from callcamp.engine.children import OnProgress
from callcamp.errors import CallcampError, InvalidInput
from callcamp.http.context import ENGINE, done, render, wants_json
from callcamp.http.exports import attachment
from callcamp.http.needs import EngineLike
from callcamp.http.pages import checked_post
from callcamp.http.progress import JOBS, begin
from callcamp.http.reading import choices, options_of, read_options
from callcamp.http.uploads import receive
from callcamp.ports import ContactImport, MappingPreset

# An import shall not die with the browser that began it.
_going: set[asyncio.Task[Any]] = set()


async def upload(request: web.Request) -> web.StreamResponse:
    """Take a file and preview it."""
    engine = request.app[ENGINE]
    campaign = await engine.store.campaign(int(request.match_info["campaign_id"]))
    sent = await receive(request)
    try:
        with begin(request, "Reading") as tell:
            preview, ask = await _with_some_phone(
                lambda mapping: engine.imports.preview(
                    campaign.id, sent.path, sent.filename, mapping, on_progress=tell
                )
            )
    finally:
        sent.path.unlink(missing_ok=True)
    return done(request, f"/imports/{preview.id}{ask}")


async def _with_some_phone(
    preview: Callable[[Mapping | None], Awaitable[ContactImport]],
) -> tuple[ContactImport, str]:
    """Preview with the mapping that fits; the query says whether the phone column is to be told."""
    try:
        return await preview(None), ""
    except InvalidInput as problem:
        columns = problem.details.get("columns")
        if problem.details.get("field") != "mapping.phone" or not columns:
            raise
        # No column looks like phone numbers: the preview's own form is where to say which.
        return await preview(Mapping(columns[0], rest=True)), "?choose=phone"


async def import_page(request: web.Request) -> web.StreamResponse:
    """Show an import: a preview to confirm, or what became of it."""
    return await show(request, await imported_of(request))


async def show(
    request: web.Request, imported: ContactImport, problem: CallcampError | None = None
) -> web.Response:
    """Return the page of an import, with what is wrong with its form.

    Raises:
        CallcampError: the problem, when it is a program that asks.
    """
    if problem is not None and wants_json(request):
        raise problem
    campaign = await request.app[ENGINE].store.campaign(imported.campaign_id)
    counts = await request.app[ENGINE].store.counts(campaign.id)
    report = {**_EMPTY_REPORT, **imported.report}
    samples: dict[str, list[str]] = {}
    for example in report["examples"][:5]:
        samples.setdefault(report["mapping"]["phone"], []).append(example["phone"])
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
            "others": report["others"],
            "new_contacts": report["valid"] - report["duplicates_in_campaign"],
            "replaceable": counts.total if _replaceable(campaign) else 0,
            "problem": problem.message if problem else "",
            "choose": "choose" in request.query,
            "saved": "saved" in request.query,
            "presets": await request.app[ENGINE].store.mapping_presets(),
            "choices": choices(report),
            "job": request.app[JOBS].key_of_import(imported.id),
        },
        status=400 if problem else 200,
    )


def _replaceable(campaign: Campaign) -> bool:
    """Tell whether a new file may take the place of all contacts: only before the first run."""
    return campaign.status is CampaignStatus.DRAFT and campaign.started_at is None


async def remap(request: web.Request) -> web.StreamResponse:
    """Preview the same file with another mapping, or read in another way.

    With a name in ``save_as`` the mapping is saved as a preset as well.
    """
    data = await checked_post(request)
    imported = await imported_of(request)
    engine, now = request.app[ENGINE], request.app[ENGINE].clock.now()
    name = str(data.get("save_as", "")).strip()
    try:
        report = {**_EMPTY_REPORT, **imported.report}
        mapping = read_mapping(data, report["columns"], report["others"])
        options = read_options(data, report)
        saving = bool(name) or "save" in data
        if saving:
            MappingPreset(name, mapping.as_dict(), now)
        with begin(request, "Reading") as tell:
            preview, ask = await _again(engine, imported, mapping, options, tell, keep=saving)
    except InvalidInput as problem:
        return await show(request, imported, problem)
    if saving:
        await engine.store.save_mapping_preset(name, mapping.as_dict(), now=now)
        ask = "?saved=1"
    return done(request, f"/imports/{preview.id}{ask}")


async def _again(
    engine: EngineLike,
    imported: ContactImport,
    mapping: Mapping,
    options: ReadOptions,
    tell: OnProgress,
    *,
    keep: bool,
) -> tuple[ContactImport, str]:
    """Preview a file again. Read in another way it may have other columns: ``keep`` the mapping?

    If not, one that nobody has changed is made anew, and so is one whose phone column is gone.
    """

    async def preview(wanted: Mapping | None) -> ContactImport:
        return await engine.imports.remap(imported.id, wanted, options=options, on_progress=tell)

    if keep or options == options_of(imported.report):
        return await preview(mapping), ""
    report = imported.report
    used = Mapping(
        report["mapping"]["phone"], report["variables"], others=tuple(report.get("others", ()))
    )
    if mapping == used:
        if report.get("mapping_proposed"):
            return await _with_some_phone(preview)
        mapping = Mapping.from_dict(report["mapping"])
    try:
        return await preview(mapping), ""
    except InvalidInput as problem:
        if problem.details.get("field") != "mapping.phone":
            raise
    return await _with_some_phone(preview)


def read_mapping(
    data: MultiMapping[Any], columns: list[str], others: Sequence[str] = ()
) -> Mapping:
    """Return the mapping that the form means.

    Columns are told by their place, so that no name of a file can be mistaken.

    Args:
        data: the form.
        columns: names of the columns of the file.
        others: columns of further numbers of the mapping before, whose order stays.

    Raises:
        InvalidInput: there is no such phone column, no such column of further numbers or too
            many of them, or two columns have one variable.
    """
    phone = _column(data.get("phone", ""), columns, "phone")
    ticked = [_column(text, columns, "other") for text in data.getall("other", [])]
    further = [*(name for name in others if name in ticked), *ticked]
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
    return Mapping(
        phone, variables, others=tuple(name for name in dict.fromkeys(further) if name != phone)
    )


def _column(text: str, columns: list[str], field: str) -> str:
    """Return the column that a field of the form gives by its place."""
    if not (text.isascii() and text.isdigit() and int(text[:6]) < len(columns)):
        what = "the phone number" if field == "phone" else "further numbers"
        raise InvalidInput(f"Say which column holds {what}.", field=field, value=text)
    return columns[int(text[:6])]


async def confirm(request: web.Request) -> web.StreamResponse:
    """Import what was previewed."""
    data = await checked_post(request)
    imported = await imported_of(request)

    async def work() -> None:
        with begin(request, "Importing", imported.id) as tell:
            await request.app[ENGINE].imports.confirm(
                imported.id, replace=bool(data.get("replace")), on_progress=tell
            )

    task = asyncio.create_task(work())
    _going.add(task)
    task.add_done_callback(_going.discard)
    await asyncio.shield(task)
    request.app[ENGINE].live.touch()
    return done(request, f"/imports/{imported.id}")


async def undo(request: web.Request) -> web.StreamResponse:
    """Remove the contacts of an import."""
    await checked_post(request)
    imported = await imported_of(request)
    await request.app[ENGINE].imports.undo(imported.id)
    request.app[ENGINE].live.touch()
    return done(request, f"/imports/{imported.id}")


async def error_rows(request: web.Request) -> web.StreamResponse:
    """Send the rows that were left out, with reasons."""
    imported = await imported_of(request)
    path = await request.app[ENGINE].imports.error_file(imported.id)
    response = web.FileResponse(path)
    response.content_type = "text/csv"
    response.charset = "utf-8"
    stem = imported.filename.rpartition(".")[0] or imported.filename
    response.headers["Content-Disposition"] = attachment(f"{stem} - left out.csv")
    return response


async def imported_of(request: web.Request) -> ContactImport:
    """Return the import that a request is about."""
    number = int(request.match_info["import_id"])
    return await request.app[ENGINE].store.contact_import(number)


_EMPTY_REPORT: dict[str, Any] = {
    "file": {},
    "columns": [],
    "mapping": {"phone": "", "variables": {}, "rest": False},
    "variables": {},
    "others": [],
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
