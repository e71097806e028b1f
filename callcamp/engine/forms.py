"""A campaign's settings as plain JSON values, and back, for all who show or change them.

Shapes: times of day ``"09:00"``, dates ``"2026-12-24"``, instants ``"2026-12-24T09:00:00Z"``,
weekdays ``["mon", "tue"]``, choices by their value, everything that is timed in the unit of
its name. ``docs/campaign-settings.md`` lists every field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.engine.form_reading import (
    DAY_NAMES,
    Reader,
    hints_of,
    is_days,
    optional,
    shorten,
)
from callcamp.errors import InvalidInput


def settings_as_dict(settings: CampaignSettings) -> dict[str, Any]:
    """Return every setting as a JSON object, nested like the settings."""
    plain: dict[str, Any] = _plain(settings)
    return plain


def settings_from_dict(
    raw: Mapping[str, Any], base: CampaignSettings | None = None
) -> CampaignSettings:
    """Return the settings that ``raw`` describes.

    What is not given stays as in ``base``: objects are merged key by key, lists are replaced
    as a whole, and ``null`` takes a setting away where there may be none.

    Args:
        raw: settings in the shapes of :func:`settings_as_dict`; weekdays may also be written
            ``"mon-fri"``.
        base: the settings so far (None: the defaults; then ``name`` and ``trunk_id`` are
            needed).

    Raises:
        InvalidInput: something is unknown or does not fit. ``field`` is the dotted path of
            the first, ``problems`` in the details lists all: ``{field, value, message}``.
    """
    reader = Reader()
    settings: CampaignSettings | None = reader.read(CampaignSettings, raw, base, "")
    if settings is None:
        first = reader.problems[0]
        raise InvalidInput(
            " ".join(one.message for one in reader.problems[:5]),
            field=first.field,
            value=_jsonable(first.value),
            problems=[
                {"field": one.field, "value": _jsonable(one.value), "message": one.message}
                for one in reader.problems
            ],
        )
    return settings


def set_path(raw: dict[str, Any], assignment: str) -> None:
    """Carry out ``PATH=VALUE``, such as ``retry.max_attempts=5``, on settings to be.

    The value is JSON when it can be read as such, else a text; for a setting that is a text,
    only quotes and ``null`` count as JSON, so that ``opt_out_key=9`` is the key 9.

    Args:
        raw: what :func:`settings_from_dict` will get; changed in place.
        assignment: path and value.

    Raises:
        InvalidInput: there is no path, or it leads through something that is no object.
    """
    path, equals, text = assignment.partition("=")
    names = path.strip().split(".")
    if not equals or not all(names):
        raise InvalidInput(
            f"{shorten(assignment)} sets nothing; give PATH=VALUE, such as retry.max_attempts=5.",
            field="set",
            value=assignment,
        )
    inner = raw
    for depth, name in enumerate(names[:-1], 1):
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            above = ".".join(names[:depth])
            raise InvalidInput(
                f"{path.strip()} cannot be set, for {above} is {shorten(inner)}; "
                f"set {above} as a whole.",
                field=above,
                value=_jsonable(inner),
            )
    inner[names[-1]] = _read_value(text.strip(), is_text=_is_text(names))


def changes_between(before: CampaignSettings, after: CampaignSettings) -> dict[str, list[Any]]:
    """Return what differs, as ``{path: [before, after]}`` in plain shapes.

    Lists differ as a whole; an outcome without a pause of its own has ``None``.
    """
    old, new = flat(settings_as_dict(before)), flat(settings_as_dict(after))
    paths = [*old, *(path for path in new if path not in old)]
    return {
        path: [old.get(path), new.get(path)] for path in paths if old.get(path) != new.get(path)
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        plain = {}
        for one in fields(value):
            inner = getattr(value, one.name)
            days = is_days(type(value), one.name) and inner is not None
            plain[one.name] = _day_names(inner) if days else _plain(inner)
        return plain
    if isinstance(value, frozenset):
        return sorted(_plain(one) for one in value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, time):
        short = not value.second and not value.microsecond
        return value.isoformat("minutes" if short else "auto")
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def _day_names(days: Any) -> Any:
    return DAY_NAMES[days] if isinstance(days, int) else [DAY_NAMES[day] for day in sorted(days)]


def flat(plain: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return nested values by their dotted paths; ``path`` is where ``plain`` stands itself."""
    found: dict[str, Any] = {}
    for key, value in plain.items():
        where = f"{path}.{key}" if path else key
        found |= flat(value, where) if isinstance(value, Mapping) else {where: value}
    return found


def _is_text(names: list[str]) -> bool:
    hint: Any = CampaignSettings
    for name in names:
        if not is_dataclass(hint) or not isinstance(hint, type):
            return False
        hint = optional(hints_of(hint).get(name))[0]
    return hint is str


def _read_value(text: str, *, is_text: bool) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if is_text and value is not None and not isinstance(value, str) else value


def _jsonable(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return shorten(value)
    return value
