"""Contacts from files: preview, confirm, undo."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import BodyPartReader
from pydantic import Field

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.table import ReadOptions
from callcamp.core.permissions import Permission
from callcamp.errors import InvalidInput, LimitExceeded
from callcamp.http.context import SETTINGS, readable
from callcamp.http.rest.contacts import Deleted
from callcamp.http.rest.fields import In, Moment, Out, Page, Query, QueryId
from callcamp.http.rest.route import Call, Refusal, Reply, RestRoute
from callcamp.http.uploads import Upload, clean_name, save

_ROOT = "/api/v1/imports"
_ONE = _ROOT + "/{import_id:[0-9]{1,15}}"
_FEED, _VIEW = Permission.FEED_CONTACTS, Permission.VIEW
_MOST_TEXT = 64 * 1024
_HEADER = {"true": True, "false": False}
_TEXTS = frozenset({"campaign_id", "mapping", "encoding", "delimiter", "header", "sheet"})
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["campaign_id", "file"],
    "additionalProperties": False,
    "properties": {
        "campaign_id": {"type": "integer", "minimum": 1, "maximum": 10**15 - 1},
        "file": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": "A .csv, .txt, .tsv, .xls or .xlsx file.",
        },
        "mapping": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "What becomes of the columns: `phone`, `others`, `variables`, `rest`.",
            "examples": ['{"phone": "tel", "rest": true}'],
        },
        "encoding": {"type": "string", "maxLength": 40},
        "delimiter": {"type": "string", "maxLength": 1},
        "header": {"type": "string", "enum": ["true", "false"]},
        "sheet": {"type": "string", "maxLength": 200},
    },
}
"""The form of a preview."""


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


class Confirm(In):
    """How to confirm: ``replace`` deletes the contacts of a draft first."""

    replace: bool = Field(default=False)


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


async def preview(call: Call[Query, None]) -> Reply:
    """Read a file and say what importing it would do."""
    texts, sent = await _form(call)
    if sent is None:
        raise InvalidInput("file is missing; send one.", field="file", value=None)
    try:
        made = await call.engine.imports.preview(
            _campaign_id(texts),
            sent.path,
            sent.filename,
            _mapping(texts),
            options=_options(texts),
        )
    finally:
        sent.path.unlink(missing_ok=True)
    return Reply(_out(made), 201, {"Location": f"{_ROOT}/{made.id}"})


async def _form(call: Call[Query, None]) -> tuple[dict[str, str], Upload | None]:
    request = call.request
    if request.content_type != "multipart/form-data":
        raise Refusal(
            415,
            "unsupported_media_type",
            "Send a form with the file, as multipart/form-data.",
            field="Content-Type",
            value=request.headers.get("Content-Type", ""),
        )
    limit = request.app[SETTINGS].import_max_mib * (1 << 20)
    texts: dict[str, str] = {}
    sent: Upload | None = None
    try:
        with readable():
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if not isinstance(part, BodyPartReader):
                    break
                if part.name == "file" and sent is None:
                    filename = clean_name(part.filename or "")
                    sent = Upload(await save(request, part, filename, limit), filename)
                else:
                    await _take(part, texts)
    except BaseException:
        if sent is not None:
            sent.path.unlink(missing_ok=True)
        raise
    return texts, sent


async def _take(part: BodyPartReader, texts: dict[str, str]) -> None:
    """Put a text of the form with the others."""
    name = part.name or ""
    if name not in _TEXTS or name in texts:
        raise InvalidInput(
            f"The form has {name[:40]!r}, which is unknown or given twice.",
            field=name[:40],
        )
    raw = bytearray()
    while chunk := await part.read_chunk():
        raw += chunk
        if len(raw) > _MOST_TEXT:
            raise LimitExceeded(
                f"{name} is larger than {_MOST_TEXT} bytes.", limit=_MOST_TEXT, value=len(raw)
            )
    texts[name] = raw.decode()


def _campaign_id(texts: dict[str, str]) -> int:
    text = texts.get("campaign_id", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidInput(
            "campaign_id: give the number of the campaign.", field="campaign_id", value=text[:40]
        )
    return int(text)


def _mapping(texts: dict[str, str]) -> Mapping | None:
    if "mapping" not in texts:
        return None
    try:
        raw = json.loads(texts["mapping"])
    except (ValueError, RecursionError):
        raise InvalidInput("mapping: give JSON.", field="mapping") from None
    return Mapping.from_dict(raw)


def _options(texts: dict[str, str]) -> ReadOptions:
    header = texts.get("header")
    if header is not None and header not in _HEADER:
        raise InvalidInput(
            "header: give true, false, or leave it out.", field="header", value=header[:40]
        )
    return ReadOptions(
        encoding=texts.get("encoding") or None,
        delimiter=texts.get("delimiter") or None,
        header=None if header is None else _HEADER[header],
        sheet=texts.get("sheet") or None,
    )


async def show(call: Call[Query, None]) -> Reply:
    """Show an import."""
    return Reply(_out(await call.engine.store.contact_import(call.id("import_id"))))


async def confirm(call: Call[Query, Confirm]) -> Reply:
    """Add the contacts of a preview."""
    done = await call.engine.imports.confirm(call.id("import_id"), replace=call.body.replace)
    return Reply(_out(done))


async def undo(call: Call[Query, None]) -> Reply:
    """Undo a confirmed import."""
    return Reply(Deleted(deleted=await call.engine.imports.undo(call.id("import_id"))))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute(
        "GET", _ROOT, listed, _VIEW, "List the imports of a campaign", ImportsPage, ImportsQuery
    ),
    RestRoute(
        "POST", _ROOT, preview, _FEED, "Preview a file; nothing is imported yet", ImportOut,
        form=FORM, status=201, also=(413, 415), answer_headers={"Location": "Where it is."},
    ),
    RestRoute("GET", _ONE, show, _VIEW, "Show an import", ImportOut),
    RestRoute(
        "POST", f"{_ONE}/confirm", confirm, _FEED, "Add the contacts of a preview, all or none",
        ImportOut, body=Confirm, body_needed=False,
    ),
    RestRoute(
        "DELETE", _ONE, undo, _FEED, "Undo an import: delete the contacts that it added", Deleted
    ),
)  # fmt: skip
"""Addresses of imports."""
