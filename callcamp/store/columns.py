"""Column types, and how values look inside the database.

Instants are whole microseconds since 1970 in a BIGINT: they sort, compare and index the same
way on every engine, no driver turns them into local time, and they come out aware, in UTC.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from callcamp.errors import InvalidInput

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Due instant of contacts that wait until something changes; it never leaves the store."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970 (exact, no float on the way)."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(value: int) -> datetime:
    """Return microseconds since 1970 as an aware instant in UTC."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_us(instant: datetime | None) -> int | None:
    """Return :func:`to_us` of an instant that may be missing."""
    return None if instant is None else to_us(instant)


def maybe_instant(value: int | None) -> datetime | None:
    """Return :func:`from_us` of a value that may be missing."""
    return None if value is None else from_us(value)


def to_json(value: Any) -> str:
    """Return JSON in ASCII only.

    Escapes let every text survive on every engine: PostgreSQL takes no NUL in a text, and
    no engine takes half of a surrogate pair, which JSON requests can smuggle in.
    """
    return json.dumps(value, separators=(",", ":"))


def plain_text(value: str, field: str) -> str:
    """Return a text that goes into a column of its own, not into JSON.

    Raises:
        InvalidInput: it holds what not every engine can keep, see :func:`to_json`.
    """
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidInput(
            f"{field} holds a NUL or half of a character (a lone surrogate).",
            field=field,
            value=ascii(value),
        )
    return value


def safe_text(value: str | None) -> str | None:
    """Return a text that every engine can keep, what it cannot keep replaced by ``?``.

    For what comes with the result of a call, which must not be lost for it.
    """
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return "".join("?" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as BIGINT microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> int | None:
        """Turn an instant into microseconds."""
        return maybe_us(value)

    def process_result_value(
        self,
        value: int | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> datetime | None:
        """Turn microseconds into an instant."""
        return maybe_instant(value)


class Due(Instant):
    """An instant at which a contact is due; :data:`NEVER` comes out as None."""

    cache_ok = True

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn microseconds into an instant."""
        return None if value == _NEVER_US else super().process_result_value(value, dialect)


_NEVER_US = to_us(NEVER)


class JsonText(TypeDecorator[Any]):
    """JSON kept as text: nothing is asked of it inside the database."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: Any,
        dialect: Dialect,  # noqa: ARG002
    ) -> str | None:
        """Turn a value into JSON."""
        return None if value is None else to_json(value)

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> Any:
        """Turn JSON into a value."""
        return None if value is None else json.loads(value)


def key_type() -> TypeEngine[int]:
    """Return the type of numbered keys: 64 bits, and SQLite's own row id."""
    return BigInteger().with_variant(Integer(), "sqlite")


def sorted_text() -> TypeEngine[str]:
    """Return a text type that sorts by bytes on every engine, whatever the locale."""
    return Text().with_variant(Text(collation="C"), "postgresql")
