"""Frozen dataclasses to JSON values and back, driven by their own type hints.

A field that the model gains later needs no change here: rows written before it was there
read as the field's default.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.outcome import Evidence

T = TypeVar("T")
_EVIDENCE_FIELDS = tuple(f.name for f in fields(Evidence))


def encode(value: Any) -> Any:
    """Return ``value`` as something that JSON can say; instants in UTC, to the microsecond."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, frozenset):
        return sorted(encode(v) for v in value)
    if isinstance(value, tuple | list):
        return [encode(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def decode(hint: Any, raw: Any) -> Any:
    """Return the value of type ``hint`` that :func:`encode` turned into ``raw``."""
    if raw is None:
        return None
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        inner = next(arg for arg in get_args(hint) if arg is not type(None))
        return decode(inner, raw)
    if origin in {frozenset, tuple, list}:
        item = get_args(hint)[0]
        return origin(decode(item, v) for v in raw)
    if origin in {dict, Mapping}:
        key, item = get_args(hint)
        return {decode(key, k): decode(item, v) for k, v in raw.items()}
    if isinstance(hint, type):
        if is_dataclass(hint):
            hints = _hints(hint)
            return hint(**{k: decode(hints[k], v) for k, v in raw.items() if k in hints})
        if hint in {time, date, datetime}:
            return hint.fromisoformat(raw)
        if hint is float:
            return float(raw)
        if issubclass(hint, StrEnum):
            return hint(raw)
    return raw


def encode_settings(settings: CampaignSettings) -> dict[str, Any]:
    """Return settings as a JSON object."""
    encoded: dict[str, Any] = encode(settings)
    return encoded


def decode_settings(raw: dict[str, Any]) -> CampaignSettings:
    """Return the settings that :func:`encode_settings` wrote."""
    settings: CampaignSettings = decode(CampaignSettings, raw)
    return settings


def encode_evidence(evidence: Evidence) -> dict[str, Any]:
    """Return what is known of a call's end; what is not known is left out."""
    return {
        name: value for name in _EVIDENCE_FIELDS if (value := getattr(evidence, name)) is not None
    }
