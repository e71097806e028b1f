"""A lab for a test module: brought up for it, and taken down after it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from callcamp.errors import LabError
from callcamp.lab import LabInfo, lab_down, lab_up

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
