"""Databases, stores and switches for the contract tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from database_kit import make_database
from gateway_fixtures import ground, lab, line, linked  # noqa: F401 - fixtures
from store_kit import POSTGRES, opened

from callcamp.store import SqlStore, migrate
from callcamp.store.database import run_once


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/callcamp.sqlite3"
    assert POSTGRES is not None
    run_once(POSTGRES, lambda c: c.exec_driver_sql("DROP SCHEMA public CASCADE"))
    run_once(POSTGRES, lambda c: c.exec_driver_sql("CREATE SCHEMA public"))
    return POSTGRES


@pytest.fixture
def url(empty_url: str) -> str:
    """Return the address of a current database."""
    if empty_url.startswith("sqlite"):
        make_database(empty_url)
    else:
        migrate(empty_url)
    return empty_url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """Return an open store on a current database."""
    async with opened(url) as one:
        yield one
