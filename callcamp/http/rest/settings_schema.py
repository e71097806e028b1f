"""JSON Schema of a campaign's settings, drawn from the dataclasses that are the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, get_args, get_origin

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.engine.form_reading import (
    DAY_NAMES,
    MAX_TEXT,
    hints_of,
    is_days,
    optional,
)

_SAFE = 2**53 - 1
_DAYS = {
    "anyOf": [
        {"type": "array", "items": {"enum": list(DAY_NAMES)}},
        {"type": "string", "examples": ["mon-fri"]},
    ]
}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string", "maxLength": MAX_TEXT, "pattern": r"^[^\x00]*$"},
    int: {"type": "integer", "minimum": -_SAFE, "maximum": _SAFE},
    float: {"type": "number", "minimum": -_SAFE, "maximum": _SAFE},
    bool: {"type": "boolean"},
    time: {"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}
EXAMPLE: dict[str, Any] = {
    "name": "Spring renewal",
    "trunk_id": 1,
    "prompt": "hello-world",
    "mode": "multi_day",
    "default_region": "FR",
    "concurrency": 5,
    "window": {"start": "09:00", "end": "18:00", "zone": "Europe/Paris", "weekdays": "mon-fri"},
    "retry": {"max_attempts": 3, "delay_s": 1800},
}
"""Settings that a campaign can be made with."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of settings: as answered, of a new campaign, and of a change."""
    change = _object(CampaignSettings, answered=False, needed=False)
    return {
        "CampaignSettings": _object(CampaignSettings, answered=True, needed=True),
        "NewCampaignSettings": {
            **_object(CampaignSettings, answered=False, needed=True),
            "examples": [EXAMPLE],
        },
        "CampaignSettingsChange": {**change, "examples": [{"concurrency": 10}]},
    }


def _object(cls: type, *, answered: bool, needed: bool) -> dict[str, Any]:
    """Return the schema of a dataclass.

    Args:
        cls: the dataclass.
        answered: whether it is for answers, where everything is there.
        needed: whether what has no default must be given.
    """
    properties, required = {}, []
    for one in fields(cls):
        if is_days(cls, one.name):
            properties[one.name] = _days(one.name, answered=answered)
        else:
            properties[one.name] = _value(hints_of(cls)[one.name], answered, needed)
        bare = one.default is MISSING and one.default_factory is MISSING
        if answered or (needed and bare):
            required.append(one.name)
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return {**schema, "additionalProperties": False}


def _days(name: str, *, answered: bool) -> dict[str, Any]:
    if name == "weekday":
        return {"enum": [*DAY_NAMES, None]}
    return {"type": "array", "items": {"enum": list(DAY_NAMES)}} if answered else dict(_DAYS)


def _value(hint: Any, answered: bool, needed: bool) -> dict[str, Any]:
    inner, may_be_none = optional(hint)
    schema = _bare(inner, answered, needed)
    return {"anyOf": [schema, {"type": "null"}]} if may_be_none else schema


def _bare(hint: Any, answered: bool, needed: bool) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin in {frozenset, tuple}:
        # What is in a list stands by itself, also in a change.
        items = _value(get_args(hint)[0], answered, needed=True)
        return {"type": "array", "items": items}
    if origin is Mapping:
        key, item = get_args(hint)
        value = _value(item, answered, needed)
        names = {"propertyNames": {"enum": [one.value for one in key]}}
        if not answered:
            value = {"anyOf": [value, {"type": "null"}]}
        return {"type": "object", "additionalProperties": value, **names}
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint, answered=answered, needed=needed)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [one.value for one in hint]}
    return dict(_PLAIN[hint])
