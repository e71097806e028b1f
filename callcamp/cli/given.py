"""What is given on the command line, and in files, as settings to be read."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from callcamp.cli.instants import read_instant
from callcamp.cli.output import table
from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.numbers import RefusedNumber, normalise
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.presets import dispositions_named
from callcamp.core.rule_text import parse_condition
from callcamp.engine.forms import set_path
from callcamp.errors import InvalidInput

RETRYABLE = sorted(d.value for d in Disposition if MEANING[d].retryable)
"""Dispositions after which a contact may be called again, by name."""


_MOST_BYTES = 4 * 1024 * 1024
"""Size of a file of settings: all of them at their limits take less."""


def read_settings(file: Path | None) -> dict[str, Any]:
    """Return what a .json or .toml file of settings holds; nothing when there is no file.

    Raises:
        InvalidInput: it cannot be read, is neither, or is no object.
    """
    if file is None:
        return {}
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES // 1024} KiB")
        text = content.decode("utf-8-sig")
        read = tomllib.loads if file.suffix.lower() == ".toml" else json.loads
        found = read(text)
    except OSError as error:
        problem = error.strerror or str(error)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    else:
        if isinstance(found, dict):
            plain: dict[str, Any] = _plain(found)
            return plain
        problem = "it holds no object"
    raise InvalidInput(
        f"Settings cannot be read from {file}: {problem}. Give a .json or .toml file.",
        field="settings",
        value=str(file),
    )


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON would have it."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | time):
        text = value.isoformat()
        return text.replace("+00:00", "Z") if isinstance(value, datetime) else text
    return value


def assigned(assignments: list[str] | None) -> dict[str, Any]:
    """Return what ``PATH=VALUE`` assignments set, nested as settings are.

    Raises:
        InvalidInput: one sets nothing, or two do not fit together.
    """
    raw: dict[str, Any] = {}
    for assignment in assignments or []:
        set_path(raw, assignment)
    return raw


def without_gaps(given: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out options that were not given."""
    inner = {k: without_gaps(v) if isinstance(v, dict) else v for k, v in given.items()}
    return {k: v for k, v in inner.items() if v is not None and v != {}}


def with_numbers(settings: CampaignSettings, numbers: list[str] | None) -> CampaignSettings:
    """Return settings with a pool of outbound numbers, as somebody wrote them (None: as it is)."""
    if numbers is None:
        return settings
    read = []
    for text in listed(numbers) or []:
        number = normalise(text, settings.default_region)
        # What is no number is named by the check of all settings.
        read.append(text if isinstance(number, RefusedNumber) else number)
    return replace(settings, pool=replace(settings.pool, numbers=tuple(dict.fromkeys(read))))


def with_dates(settings: CampaignSettings, start: str | None, end: str | None) -> CampaignSettings:
    """Return settings with a start and an end, written in the time of its window.

    Raises:
        InvalidInput: one of them cannot be read.
    """
    zone = settings.window.zone
    if start is not None:
        settings = replace(settings, starts_at=read_instant("start", start, zone))
    if end is not None:
        settings = replace(settings, ends_at=read_instant("end", end, zone, day_end=True))
    return settings


def condition(text: str) -> dict[str, str]:
    """Return a condition that somebody wrote, as settings hold it.

    Raises:
        InvalidInput: it cannot be read.
    """
    found = parse_condition(text)
    return {"name": found.name, "operator": found.operator.value, "value": found.value}


def clock(field: str, value: str | None) -> str | None:
    """Return a time of day with two digits of hours; None when none was given.

    Raises:
        InvalidInput: it is none.
    """
    if value is None:
        return None
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise InvalidInput(
            f"{field} is {value!r}; give hours and minutes such as 09:30.", field=field, value=value
        )
    return value.zfill(5)


def listed(values: list[str] | None, change: Callable[[str], str] = str) -> list[str] | None:
    """Return what was given by several options, or with commas, as one list; None: nothing was."""
    if values is None:
        return None
    parts = (part.strip() for value in values for part in value.split(","))
    return [change(part) for part in parts if part]


def dispositions(values: list[str]) -> list[str]:
    """Return the results after which a contact is called again; ``none`` stands for no result.

    Words of other systems, such as ``rnr``, are understood.

    Raises:
        InvalidInput: there is none of that name, or it may not be retried.
    """
    names = set(listed(values) or [])
    if names == {"none"}:
        return []
    found = {d.value for d in dispositions_named(names)}
    if wrong := sorted(found - set(RETRYABLE)) or ([] if names else [""]):
        raise InvalidInput(
            f"retry_on has {', '.join(map(repr, wrong))}; give any of {', '.join(RETRYABLE)}, "
            "or none.",
            field="retry_on",
            value=wrong,
        )
    return sorted(found)


def named_values(assignments: list[str]) -> dict[str, str]:
    """Return variables given as ``NAME=VALUE``.

    Raises:
        InvalidInput: one is something else, or a name is given twice.
    """
    values: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        name = name.strip()
        if not equals or not name or name in values:
            raise InvalidInput(
                f"--set {assignment!r} cannot be used; give each variable once, as NAME=VALUE.",
                field="set",
                value=assignment,
            )
        values[name] = value
    return values


def as_json(value: Any) -> str:
    """Return a value as JSON on one line, for people."""
    return json.dumps(value, ensure_ascii=False)


def show_changes(changes: Mapping[str, list[Any]]) -> None:
    """Print changes of settings: path, before, after."""
    table(
        ("SETTING", "BEFORE", "AFTER"),
        ((path, as_json(old), as_json(new)) for path, (old, new) in changes.items()),
    )
