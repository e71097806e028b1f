"""Forms with a file: what they may hold, read and checked, and how they are described."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import BodyPartReader
from pydantic import Field, StringConstraints, ValidationError

from callcamp.contacts.table import ReadOptions
from callcamp.errors import InvalidInput, LimitExceeded
from callcamp.http.context import SETTINGS, readable
from callcamp.http.rest.fields import Query
from callcamp.http.rest.route import Call, Refusal, invalid
from callcamp.http.uploads import Upload, clean_name, save

F = TypeVar("F", bound=Query)
_MOST_TEXT = 64 * 1024
_KINDS = {
    True: "A .csv, .txt, .tsv, .xls or .xlsx file.",
    False: "A .csv, .txt or .tsv file: one number a line, or a table with a column of numbers.",
}


class ReadingForm(Query):
    """How a file of contacts is read, where that is not to be found out."""

    encoding: Annotated[str, StringConstraints(max_length=40)] | None = None
    delimiter: Annotated[str, StringConstraints(max_length=1)] | None = None
    header: Literal["true", "false"] | None = None
    sheet: Annotated[str, StringConstraints(max_length=200)] | None = None

    def options(self) -> ReadOptions:
        """Return them as the reader wants them; an empty text says nothing.

        Raises:
            InvalidInput: the delimiter is none.
        """
        return ReadOptions(
            encoding=self.encoding or None,
            delimiter=self.delimiter or None,
            header=None if self.header is None else self.header == "true",
            sheet=self.sheet or None,
        )


JsonText = Annotated[
    str,
    Field(
        description="What becomes of the columns: `phone`, `others`, `variables`, `rest`, as JSON.",
        examples=['{"phone": "tel", "rest": true}'],
        json_schema_extra={"contentMediaType": "application/json"},
    ),
]
"""A mapping in a form."""


def form_schema(model: type[Query], *, workbooks: bool) -> dict[str, Any]:
    """Return the schema of a form: the texts of ``model``, and a file.

    Args:
        model: the texts.
        workbooks: whether the file may be a workbook.
    """
    schema = model.model_json_schema()
    properties: dict[str, Any] = {
        "file": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": _KINDS[workbooks],
        }
    }
    for name, given in schema.get("properties", {}).items():
        bare = {key: value for key, value in given.items() if key not in {"default", "title"}}
        if "anyOf" in bare:
            (told,) = (one for one in bare.pop("anyOf") if one != {"type": "null"})
            bare = {**told, **bare}
        properties[name] = bare
    return {
        "type": "object",
        "required": ["file", *schema.get("required", ())],
        "additionalProperties": False,
        "properties": properties,
    }


@asynccontextmanager
async def uploaded(call: Call[Any, Any], model: type[F]) -> AsyncIterator[tuple[F, Upload]]:
    """Yield the texts and the file of a form; the file is gone after the block.

    Args:
        call: the request.
        model: what the texts have to fit.

    Raises:
        Refusal: it is no form with a file.
        InvalidInput: a text does not fit, or the file is missing or of no kind that is read.
        LimitExceeded: something is too large.
        StoreError: the file cannot be kept.
    """
    texts, sent = await _form(call, frozenset(model.model_fields))
    try:
        try:
            fields = model.model_validate(texts)
        except ValidationError as error:
            raise invalid(error, "form") from None
        if sent is None:
            raise InvalidInput("file is missing; send one.", field="file", value=None)
        yield fields, sent
    finally:
        if sent is not None:
            sent.path.unlink(missing_ok=True)


async def _form(
    call: Call[Any, Any], known: frozenset[str]
) -> tuple[dict[str, str], Upload | None]:
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
                    await _take(part, known, texts)
    except BaseException:
        if sent is not None:
            sent.path.unlink(missing_ok=True)
        raise
    return texts, sent


async def _take(part: BodyPartReader, known: frozenset[str], texts: dict[str, str]) -> None:
    """Put a text of the form with the others."""
    name = part.name or ""
    if name not in known or name in texts:
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
