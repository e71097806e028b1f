"""Databases that are not migrated one by one: a current one is made once, then copied."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from callcamp.store import migrate


@functools.cache
def current_database() -> bytes:
    """Return the file of a current database with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "current.sqlite3"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def make_database(url: str) -> None:
    """Put a current database where an address of SQLite points to."""
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(current_database())
