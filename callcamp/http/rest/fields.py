"""What values of requests and answers may be, for checks and for the OpenAPI document alike."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from callcamp.errors import InvalidInput

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MOST_ID = 10**15 - 1
"""Numbers of things have at most 15 digits."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|z|[+-]\d\d:\d\d)", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
"""Pattern of texts on one line."""

T = TypeVar("T")


def read_instant(value: Any) -> datetime:
    """Return an instant that is written as RFC 3339 says, in UTC.

    Raises:
        ValueError: it is none, or not in the years 2000 to 2999.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            found = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            found = datetime(1, 1, 1, tzinfo=UTC)
        if 2000 <= found.year < 3000:
            return found
    raise ValueError("give an instant of the years 2000 to 2999, such as 2026-12-24T09:00:00Z")


def show_instant(value: datetime) -> str:
    """Return an instant as RFC 3339 text in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainValidator(read_instant),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-12-24T09:00:00Z"]},
        mode="validation",
    ),
]
"""An instant that is given."""


def _any_instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


Moment = Annotated[
    datetime,
    PlainValidator(_any_instant),
    PlainSerializer(show_instant, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""An instant that is answered."""


def _whole(low: int, high: int) -> Callable[[Any], int]:
    """Return what reads a whole number of a query, from ``low`` to ``high``."""

    def read(value: Any) -> int:
        if isinstance(value, int):
            return value
        if isinstance(value, str) and _DIGITS.fullmatch(value) and low <= int(value) <= high:
            return int(value)
        raise ValueError(f"give {low} to {high}")

    return read


def _line(most: int, *, least: int = 1) -> StringConstraints:
    """Return what a text on one line of at most ``most`` characters has to keep."""
    return StringConstraints(min_length=least, max_length=most, pattern=ONE_LINE, strict=True)


Line64 = Annotated[str, _line(64)]
Line200 = Annotated[str, _line(200)]
Line400 = Annotated[str, _line(400)]
Line500 = Annotated[str, _line(500)]
MaybeLine200 = Annotated[str, _line(200, least=0)]
MaybeLine500 = Annotated[str, _line(500, least=0)]
Id = Annotated[int, Field(ge=1, le=MOST_ID)]
QueryId = Annotated[
    int,
    PlainValidator(_whole(1, MOST_ID)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_ID}),
]
Limit = Annotated[
    int,
    PlainValidator(_whole(1, MAX_LIMIT)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
]
Phone = Annotated[str, _line(60), Field(examples=["+33612345678"])]
Region = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]{2}$", strict=True), Field(examples=["FR"])
]
Variables = Annotated[dict[str, str], Field(max_length=100, examples=[{"first_name": "Ada"}])]
"""Data by name."""


class In(BaseModel):
    """A body: nothing unknown, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """A query: nothing unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldsQuery(Query):
    """The query of an answer that may be cut down."""

    fields: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1000,
            description="Names of the fields to answer, with commas between.",
        ),
    ] = None


class PageQuery(FieldsQuery):
    """The query of a list that goes page by page."""

    limit: Annotated[Limit, Field(description="Most items of a page.")] = DEFAULT_LIMIT
    cursor: Annotated[
        str | None,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,120}$"),
        Field(description="What `next` of the page before said."),
    ] = None

    def after_id(self) -> int:
        """Return the number after which the page begins; 0 for the first page.

        Raises:
            InvalidInput: the cursor is none of this list's.
        """
        text = self.after()
        if text and not _DIGITS.fullmatch(text):
            raise self._refused()
        return int(text or "0")

    def after(self) -> str:
        """Return the key after which the page begins; empty for the first page.

        Raises:
            InvalidInput: the cursor is none of this list's.
        """
        if self.cursor is None:
            return ""
        try:
            raw = base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4)).decode()
        except (binascii.Error, ValueError):
            raise self._refused() from None
        kind, _, key = raw.partition(":")
        if kind != "after" or not re.fullmatch(r"[A-Za-z0-9._-]{1,80}", key):
            raise self._refused()
        return key

    def _refused(self) -> InvalidInput:
        return InvalidInput(
            f"cursor is {self.cursor!r}; give back what next said, or leave it out.",
            field="cursor",
            value=self.cursor,
        )


def cursor_after(key: object) -> str:
    """Return the cursor of the page after the item that has this key."""
    return base64.urlsafe_b64encode(f"after:{key}".encode()).decode().rstrip("=")


class Out(BaseModel):
    """An answer, read off what the engine returned."""

    model_config = ConfigDict(from_attributes=True)


class Page(Out, Generic[T]):
    """A page of a list; ``next`` is the cursor of the page after it, if there is one."""

    items: list[T]
    next: str | None = None


class Error(Out):
    """What went wrong."""

    id: Annotated[str, Field(description="A name that stays, for programs.")]
    message: Annotated[str, Field(description="A sentence for people.")]
    details: Annotated[
        dict[str, Any], Field(description="Facts, such as `field` and `value`, or `problems`.")
    ]


class Failure(Out):
    """The one shape of errors."""

    error: Error
