"""Shared fixtures, the order of the tests, and which failures get no second chance."""

from __future__ import annotations

import pytest
from promise_kit import (  # noqa: F401 - pytest finds its hooks here
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that nobody waits for one of them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)
