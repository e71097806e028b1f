"""docs/campaign-settings.md lists every setting of a campaign, as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from settings_values import FULL

from callcamp.core.agent_settings import AbandonFrom, DialMethod
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    HoursKind,
    Rotation,
    UnknownZone,
)
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.policies import ActionKind, Match, Operator, Scope
from callcamp.core.scripts import ElementKind
from callcamp.core.states import CampaignStatus
from callcamp.engine.form_reading import hints_of, optional
from callcamp.engine.forms import set_path, settings_as_dict, settings_from_dict
from callcamp.errors import Conflict

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "campaign-settings.md").read_text(
    encoding="utf-8"
)
PLAIN = CampaignSettings("Spring", 1)
CHOICES = (
    DialMethod,
    AbandonFrom,
    ElementKind,
    CampaignMode,
    HoursKind,
    UnknownZone,
    Rotation,
    Match,
    Operator,
    Scope,
    ActionKind,
    Disposition,
)


def every_path(cls: Any = CampaignSettings, path: str = "") -> list[str]:
    """The path of every setting, nested ones too; fields of list entries after ``[]``."""
    found = []
    for one in fields(cls):
        where = f"{path}.{one.name}" if path else one.name
        hint = hints_of(cls)[one.name]
        nested: Callable[[Any], bool] = is_dataclass
        inner = [arg for arg in get_args(hint) if nested(arg)]
        if nested(hint):
            found += every_path(hint, where)
        elif inner:
            inside = where if optional(hint)[1] else f"{where}[]"
            found += [where, *every_path(inner[0], inside)]
        else:
            found.append(where)
    return found


def test_every_setting_is_on_its_page() -> None:
    documented = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    known = every_path()
    assert "retry.rules[].actions[].kind" in known
    assert sorted(documented) == sorted(known)


def default_text(value: Any) -> str:
    """How the page writes a default."""
    if value is None or value in ("", [], {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def test_the_defaults_on_the_page_are_those_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    flat: dict[str, Any] = {}

    def walk(plain: dict[str, Any], path: str) -> None:
        for key, value in plain.items():
            where = f"{path}.{key}" if path else key
            if isinstance(value, dict) and value:
                walk(value, where)
            else:
                flat[where] = value

    walk(settings_as_dict(CampaignSettings("", 0)), "")
    written = {"name": "needed", "trunk_id": "needed", "retry.retry_on": "see above"}
    for path, value in flat.items():
        assert rows[path] == written.get(path, default_text(value)), path


@pytest.mark.parametrize("kind", CHOICES, ids=lambda kind: kind.__name__)
def test_every_choice_is_on_the_page(kind: type[StrEnum]) -> None:
    for one in kind:
        assert f"`{one.value}`" in PAGE, one


@pytest.mark.parametrize("name", [one.name for one in fields(CampaignSettings)])
def test_what_is_locked_after_the_first_run_is_marked(name: str) -> None:
    from callcamp.engine.checks import check_locked

    now = datetime(2026, 3, 2, tzinfo=UTC)
    campaign = Campaign(1, CampaignStatus.PAUSED, PLAIN, 1, now, started_at=now)
    change = replace(PLAIN, **{name: getattr(FULL, name)})
    (cells,) = re.findall(rf"^\| `{name}(?:[.][^`|]*)?` \|(.*)\|$", PAGE, re.MULTILINE)[:1]
    marked = "locked" in cells
    if marked:
        with pytest.raises(Conflict):
            check_locked(campaign, change)
    else:
        check_locked(campaign, change)


def test_the_example_on_the_page_is_taken() -> None:
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert examples
    for one in examples:
        assert settings_from_dict(json.loads(one), PLAIN) != PLAIN
    found = re.findall(r"--set (?:'([^']+)'|([^`\s]+))", PAGE)
    assignments = [quoted or bare for quoted, bare in found]
    assert len(assignments) >= 3
    for one in assignments:
        raw: dict[str, Any] = {}
        set_path(raw, one)
        assert settings_from_dict(raw, PLAIN) != PLAIN
