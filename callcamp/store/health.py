"""Whether a database is sound, for ``callcamp doctor``."""

from __future__ import annotations

from sqlalchemy import Connection

from callcamp.store.database import read_once

_MOST_PROBLEMS = 10


def _problems(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []  # PostgreSQL checks its pages itself when it reads them
    lines = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_PROBLEMS})").scalars()
    problems = [str(line) for line in lines if line != "ok"]
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MOST_PROBLEMS)
    problems += [f"row {row[1]} of {row[0]} names no row of {row[2]}" for row in dangling]
    return problems


def integrity_problems(database_url: str) -> list[str]:
    """Return what is broken inside a database; empty when all is well.

    It reads the whole of a SQLite file, so it takes seconds when that is large.

    Raises:
        StoreError: the database cannot be read.
    """
    return read_once(database_url, _problems)
