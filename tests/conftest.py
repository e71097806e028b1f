"""Shared fixtures, the order of the tests, and which failures get no second chance."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from promise_kit import (  # noqa: F401 - pytest finds its hooks here
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

# How fast the machine is says nothing of the code. And the same examples come every time: what
# one run finds the next one finds as well; `--hypothesis-profile=explore` looks for others.
settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "callcamp", settings.get_profile("explore"), derandomize=True, database=None
)
settings.load_profile("callcamp")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that nobody waits for one of them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)
