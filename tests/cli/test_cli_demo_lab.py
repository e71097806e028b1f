"""Whose lab it is: a demo that starts anew ends the lab that one before it left running."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callcamp.demo import DemoOptions, run_demo
from callcamp.demo import run as run_module
from callcamp.errors import LabError


@pytest.mark.parametrize(
    ("left", "options", "owns_lab", "go_on"),
    [
        (None, {}, False, False),
        ({"contacts": 300, "owns_lab": True, "finished": False}, {}, True, True),
        ({"contacts": 300, "owns_lab": True, "finished": False}, {"fresh": True}, True, False),
        ({"contacts": 300, "owns_lab": True, "finished": False}, {"contacts": 40}, True, False),
        ({"owns_lab": True, "finished": False}, {}, True, False),
        ({"contacts": 300, "owns_lab": False, "finished": False}, {"fresh": True}, False, False),
        ({"contacts": 300, "owns_lab": True, "finished": True}, {}, False, False),
    ],
)
def test_who_ends_the_lab(  # noqa: PLR0917
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    left: dict[str, Any] | None,
    options: dict[str, Any],
    owns_lab: bool,
    go_on: bool,
) -> None:
    asked: list[dict[str, bool]] = []

    @contextlib.asynccontextmanager
    async def no_ground(*_: Any, **how: bool) -> AsyncIterator[None]:
        asked.append(how)
        raise LabError("not here")
        yield

    monkeypatch.setattr(run_module, "ground_for", no_ground)
    folder = tmp_path / "demo"
    folder.mkdir()
    if left is not None:
        (folder / "demo.json").write_text(json.dumps(left))
    with pytest.raises(LabError):
        run_demo(DemoOptions(folder=folder, **options))
    assert asked == [{"owns_lab": owns_lab, "go_on": go_on}]
