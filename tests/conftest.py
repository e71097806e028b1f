"""Shared fixtures, and the order of the tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that nobody waits for one of them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)
