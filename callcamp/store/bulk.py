"""Bulk import: hundreds of thousands of contacts in one transaction.

Written for the child process that reads an uploaded file: plain functions, no event loop.
The importer writes what it read and normalised into a staging file, a SQLite database with
an ordinary table ``row(row_no INTEGER, phone TEXT, variables TEXT)``: one row a contact in
the order of the file, each phone once, the variables a JSON object of texts. From there the
contacts go over in one transaction: all or nothing, however it ends.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Row, bindparam, select, text, update

from callcamp.core.states import CONTACT
from callcamp.errors import Conflict, StoreError
from callcamp.ports import AddResult
from callcamp.store import campaigns, contacts, imports
from callcamp.store import tables as t
from callcamp.store.columns import Instant
from callcamp.store.counts import Deltas
from callcamp.store.database import (
    need_file,
    parse_url,
    postgres_engine,
    read_once,
    sqlite_engine,
    store_errors,
)

Progress = Callable[[int, int], None]
"""Called with how many rows are done and how many there are; may raise to give up."""

CHUNK = 20_000
"""Rows between two reports of progress."""

_COLUMNS = "campaign_id, phone, variables, status, attempts, due_at, import_id, row_no"
_INSERT = (
    f"INSERT INTO contact ({_COLUMNS})"  # noqa: S608 - constants only
    f" SELECT CAST(:campaign AS BIGINT), phone, variables, '{CONTACT.initial.value}', 0,"
    " CAST(:now AS BIGINT), CAST(:import AS BIGINT), row_no FROM staging_row"
    " WHERE rowid > :after AND rowid <= :upto ORDER BY rowid"
    " ON CONFLICT (campaign_id, phone) DO NOTHING"
)
# In the order of the file: calls go out by due instant, then id, and people expect the top
# of their file to be called first.
_FROM_STAGING = {
    "sqlite": text(_INSERT.replace("staging_row", "staging.row")).bindparams(
        bindparam("now", type_=Instant)
    ),
    "postgresql": text(_INSERT).bindparams(bindparam("now", type_=Instant)),
}


def existing_phones(database_url: str, campaign_id: int) -> set[str]:
    """Return every number that a campaign has already."""
    return read_once(database_url, _phones, campaign_id)


def _phones(connection: Connection, campaign_id: int) -> set[str]:
    campaigns.row_of(connection, campaign_id)
    statement = select(t.contact.c.phone).where(t.contact.c.campaign_id == campaign_id)
    return set(connection.scalars(statement))


def insert_from_staging(
    database_url: str,
    import_id: int,
    staging_path: Path | str,
    *,
    now: datetime,
    progress: Progress | None = None,
    replace: bool = False,
) -> AddResult:
    """Confirm a previewed import: add its rows to its campaign, due at once.

    Args:
        database_url: the database.
        import_id: the import; it has to be ``previewed``.
        staging_path: the staging file.
        now: instant of the confirmation.
        progress: told from time to time how far it is; what it raises undoes everything.
        replace: delete the contacts of the campaign first; only for one never started.

    Raises:
        NotFound: there is no such import.
        Conflict: it is not ``previewed``, its campaign is completed or canceled, or has
            been started and is to be replaced.
        StoreError: the database or the staging file failed; nothing was added.
    """
    url, staging = parse_url(database_url), Path(staging_path)
    if not staging.is_file():
        raise StoreError(f"There is no staging file {staging}.")
    tell = progress or (lambda _done, _total: None)
    with store_errors():
        if url.get_backend_name() == "sqlite":
            need_file(url)
            return _into_sqlite(url, import_id, staging, now, tell, replace=replace)
        with ThreadPoolExecutor(1) as thread:
            work = _into_postgres(url, import_id, staging, now, tell, replace=replace)
            return thread.submit(asyncio.run, work).result()


def _into_sqlite(
    url: URL, import_id: int, staging: Path, now: datetime, tell: Progress, *, replace: bool
) -> AddResult:
    engine = sqlite_engine(url)
    try:
        with engine.connect() as connection:
            # Before the transaction begins: SQLite attaches nothing within one.
            driver: Any = connection.connection.driver_connection
            driver.execute("ATTACH DATABASE ? AS staging", (str(staging),))
            driver.execute("PRAGMA cache_size = -131072")
            with connection.begin():
                row = _begin(connection, import_id, now, replace=replace)
                total = connection.exec_driver_sql("SELECT max(rowid) FROM staging.row").scalar()
                return _insert(connection, row, total or 0, now, tell)
    finally:
        engine.dispose()


async def _into_postgres(
    url: URL, import_id: int, staging: Path, now: datetime, tell: Progress, *, replace: bool
) -> AddResult:
    engine = postgres_engine(url)
    try:
        async with engine.begin() as connection:
            row = await connection.run_sync(_begin, import_id, now, replace=replace)
            await connection.exec_driver_sql(
                "CREATE TEMPORARY TABLE staging_row (rowid BIGINT PRIMARY KEY, row_no INTEGER,"
                " phone TEXT, variables TEXT) ON COMMIT DROP"
            )
            driver: Any = (await connection.get_raw_connection()).driver_connection
            total = 0
            with closing(sqlite3.connect(staging)) as source:
                cursor = source.execute(
                    "SELECT rowid, row_no, phone, variables FROM row ORDER BY rowid"
                )
                while records := cursor.fetchmany(CHUNK):
                    await driver.copy_records_to_table("staging_row", records=records)
                    total = records[-1][0]
            return await connection.run_sync(_insert, row, total, now, tell)
    finally:
        await engine.dispose()


def _begin(connection: Connection, import_id: int, now: datetime, *, replace: bool) -> Row[Any]:
    row = imports.row_of(connection, import_id, for_update=True)
    if row.status != "previewed":
        raise Conflict(
            f"Import {import_id} is {row.status}; only a previewed one can be confirmed.",
            status=row.status,
        )
    campaigns.open_for_contacts(campaigns.row_of(connection, row.campaign_id, shared=True))
    if replace:
        contacts.delete_all(connection, row.campaign_id)
        i = t.contact_import.c
        # Their contacts are gone: there is nothing left of them to undo.
        connection.execute(
            update(t.contact_import)
            .where(i.campaign_id == row.campaign_id, i.status == "confirmed")
            .values(status="undone", undone_at=now)
        )
    return row


def _insert(
    connection: Connection, row: Row[Any], total: int, now: datetime, tell: Progress
) -> AddResult:
    statement, added = _FROM_STAGING[connection.dialect.name], 0
    values = {"campaign": row.campaign_id, "import": row.id, "now": now}
    for after in range(0, total, CHUNK):
        upto = min(after + CHUNK, total)
        added += connection.execute(statement, {**values, "after": after, "upto": upto}).rowcount
        tell(upto, total)
    table = "staging.row" if connection.dialect.name == "sqlite" else "staging_row"
    rows_seen = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
    deltas = Deltas()
    deltas.contact(row.campaign_id, CONTACT.initial, added)
    deltas.write(connection)
    connection.execute(
        update(t.contact_import)
        .where(t.contact_import.c.id == row.id)
        .values(status="confirmed", added=added, confirmed_at=now)
    )
    return AddResult(added, rows_seen - added)
