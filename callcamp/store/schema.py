"""Which version the schema of a database has, and bringing it up to date."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from callcamp.errors import StoreError
from callcamp.store.database import parse_url, read_once, run_once, sqlite_path, store_errors

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

# Alembic takes half a second to import, which a process that moves an import need not pay:
# it is imported where it is used.
_LOCK_KEY = 0x63616C6C63616D70  # "callcamp"


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "callcamp.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


@cache
def _script() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def head() -> str:
    """Return the revision that this version of callcamp works with."""
    return _script().get_current_head() or ""


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database; None when it has none of our tables."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def check(connection: Connection) -> None:
    """Make sure that the schema is the one that this version works with.

    Raises:
        StoreError: it is older or newer.
    """
    current = revision_of(connection)
    if current == head():
        return
    _refuse_newer(current)
    state = "is empty" if current is None else f"is at revision {current}"
    raise StoreError(
        f"The database {state}, this version needs {head()}: run `callcamp migrate`.",
        revision=current,
        needed=head(),
    )


def _refuse_newer(current: str | None) -> None:
    known = {s.revision for s in _script().walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            f"The database is at revision {current}, which this version of callcamp does not "
            "know: a newer version has migrated it. Install that version.",
            revision=current,
            needed=head(),
        )


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two that migrate at once: the second waits, and finds nothing to do.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    _refuse_newer(revision_of(connection))
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrate(database_url: str) -> str:
    """Bring a database up to date, in one transaction; returns its revision.

    The file of a SQLite database and its folder are created when they are missing.

    Raises:
        StoreError: the database cannot be reached, or a newer version has migrated it.
    """
    url = parse_url(database_url)
    if url.get_backend_name() == "sqlite":
        _make_file(sqlite_path(url))
    run_once(database_url, _upgrade)
    return head()


def _make_file(path: Path) -> None:
    with store_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        # People's numbers: nobody but the owner reads them. SQLite gives its side files
        # the same rights.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def current_revision(database_url: str) -> str | None:
    """Return the revision of the database at an address; None when there is none yet."""
    url = parse_url(database_url)
    if url.get_backend_name() == "sqlite" and not sqlite_path(url).is_file():
        return None
    return read_once(database_url, revision_of)


def needs_migration(database_url: str) -> bool:
    """Tell whether :func:`migrate` would change the database at an address."""
    return current_revision(database_url) != head()
