"""Runs the command line inside the test's process."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

import pytest
import typer.main

from callcamp.cli import main

# A shell's process builds the commands once, and so does this one: building takes longer than
# most commands do.
typer.main.get_command = functools.cache(typer.main.get_command)


@dataclass
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Calls the command line as a shell would."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int | None = 0) -> Ran:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = self._capsys.readouterr()
        ran = Ran(int(ended.value.code or 0), out, err)
        assert "Traceback" not in ran.err
        if code is not None:
            assert ran.code == code, ran
        return ran
