"""A lab for a test module: brought up for it, and taken down after it."""

from __future__ import annotations

import asyncio
import os
import time as time_
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from callcamp.errors import LabError
from callcamp.lab import LabInfo, lab_down, lab_up
from callcamp.settings import Settings

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def lab_or_skip(name: str) -> LabInfo:
    """Return a running lab; without one the test is skipped, in CI it fails."""
    try:
        return lab_up(name)
    except LabError as error:
        if os.environ.get("CI"):
            raise
        warnings.simplefilter("default")
        warnings.warn(f"NOT TESTED, there is no lab: {error.message}", stacklevel=1)
        pytest.skip(f"NOT TESTED, there is no lab: {error.message}")


@contextmanager
def lab_named(prefix: str) -> Iterator[LabInfo]:
    """Have a lab of this worker's own for a block."""
    info = lab_or_skip(f"{prefix}-{WORKER}")
    try:
        yield info
    finally:
        lab_down(info.name)


def lab_settings(lab: LabInfo, folder: Path, **more: Any) -> Settings:
    """Return the settings of a callcamp on a lab, with a database of its own in ``folder``."""
    return Settings(
        database_url=f"sqlite:///{folder}/callcamp.sqlite3",
        data_dir=folder,
        ami_host=lab.ami_host,
        ami_port=lab.ami_port,
        ami_username=lab.ami_username,
        ami_secret=lab.ami_secret,
        **more,
    )


async def until(what: str, condition: Callable[[], Any], within_s: float = 60) -> None:
    """Wait until a condition, awaitable or not, holds."""
    limit = time_.monotonic() + within_s
    while True:
        got = condition()
        if isinstance(got, Awaitable):
            got = await got
        if got:
            return
        assert time_.monotonic() < limit, f"never came true: {what}"
        await asyncio.sleep(0.05)
