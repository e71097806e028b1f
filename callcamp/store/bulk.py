"""Bulk import: hundreds of thousands of contacts in one transaction.

Written for the child process that reads an uploaded file: plain functions, no event loop.
The importer writes what it read and normalised into a staging file, a SQLite database with
an ordinary table ``row(row_no INTEGER, phone TEXT, variables TEXT)``: one row a contact in
the order of the file, each phone once, the variables a JSON object of texts. It may have the
columns ``others``, a JSON list of further numbers, and ``place``, where the contact is. From
there the contacts go over in one transaction: all or nothing, however it ends.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Row, bindparam, func, select, text, update

from callcamp.core.model import NewContact
from callcamp.core.reasons import Reason
from callcamp.core.states import CONTACT, ContactStatus
from callcamp.errors import Conflict, StoreError
from callcamp.ports import AddResult, OnDuplicate
from callcamp.store import adding, campaigns, contacts, imports, suppression
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings
from callcamp.store.columns import Instant
from callcamp.store.counts import Counted, Deltas
from callcamp.store.database import (
    need_file,
    parse_url,
    postgres_engine,
    read_once,
    sqlite_engine,
    store_errors,
)
from callcamp.store.placing import place_of_json

Progress = Callable[[int, int], None]
"""Called with how many rows are done and how many there are; may raise to give up."""

CHUNK = 20_000
"""Rows between two reports of progress."""

_COLUMNS = (
    "campaign_id, phone, variables, status, attempts, due_at, import_id, row_no, others, place"
)
_INSERT = (
    f"INSERT INTO contact ({_COLUMNS})"  # noqa: S608 - constants only
    f" SELECT CAST(:campaign AS BIGINT), phone, variables, '{CONTACT.initial.value}', 0,"
    " CAST(:now AS BIGINT), CAST(:import AS BIGINT), row_no, {others}, {place} FROM {table}"
    " WHERE rowid > :after AND rowid <= :upto ORDER BY rowid"
    " ON CONFLICT (campaign_id, phone) DO NOTHING"
)
_NUMBERS = {
    "sqlite": "json_each(contact.others) AS j",
    "postgresql": "json_array_elements_text(CAST(contact.others AS json)) AS j(value)",
}
# Contacts of a campaign that are in a file again: those to be replaced, and those that are
# called again because they are.
_AGAIN = (
    "SELECT s.phone, s.variables, {others} AS others FROM {table} AS s"
    " JOIN contact AS c ON c.campaign_id = :campaign AND c.phone = s.phone"
    " WHERE s.rowid > :after AND s.rowid <= :upto AND c.id <= :last {only}"
)
_ONLY_REOPENED = (
    f"AND c.status = '{ContactStatus.SKIPPED}'"
    f" AND c.hold IN ('{Reason.EXCLUDED}', '{Reason.DELETED}')"
)


@dataclass(frozen=True, slots=True)
class _Staged:
    """Where the staged rows are, within the database's own transaction.

    Args:
        table: the table.
        last: the greatest row id.
        others: expression for the JSON list of further numbers.
        place: expression for the place.
    """

    table: str
    last: int
    others: str
    place: str


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
    on_duplicate: OnDuplicate = OnDuplicate.SKIP,
) -> AddResult:
    """Confirm a previewed import: add its rows to its campaign, due at once.

    It is audited as done by :func:`callcamp.ports.current_actor`.

    Args:
        database_url: the database.
        import_id: the import; it has to be ``previewed``.
        staging_path: the staging file.
        now: instant of the confirmation.
        progress: told from time to time how far it is; what it raises undoes everything.
        replace: delete the contacts of the campaign first; only for one never started.
        on_duplicate: what to do with numbers that the campaign has already.

    Raises:
        NotFound: there is no such import.
        Conflict: it is not ``previewed``, or its campaign takes no (other) contacts.
        StoreError: the database or the staging file failed; nothing was added.
    """
    url, staging = parse_url(database_url), Path(staging_path)
    if not staging.is_file():
        raise StoreError(f"There is no staging file {staging}.")
    job = _Job(import_id, now, progress or (lambda _done, _total: None), replace, on_duplicate)
    with store_errors():
        if url.get_backend_name() == "sqlite":
            need_file(url)
            return _into_sqlite(url, staging, job)
        context = copy_context()
        with ThreadPoolExecutor(1) as thread:
            work = _into_postgres(url, staging, job)
            return thread.submit(context.run, asyncio.run, work).result()


@dataclass(frozen=True, slots=True)
class _Job:
    import_id: int
    now: datetime
    tell: Progress
    replace: bool
    on_duplicate: OnDuplicate


def _into_sqlite(url: URL, staging: Path, job: _Job) -> AddResult:
    engine = sqlite_engine(url)
    try:
        with engine.connect() as connection:
            # Before the transaction begins: SQLite attaches nothing within one.
            driver: Any = connection.connection.driver_connection
            driver.execute("ATTACH DATABASE ? AS staging", (str(staging),))
            driver.execute("PRAGMA cache_size = -131072")
            driver.create_function("callcamp_place", 3, place_of_json, deterministic=True)
            with connection.begin():
                row = _begin(connection, job)
                return _insert(connection, row, _staged_in_sqlite(connection), job)
    finally:
        engine.dispose()


def _staged_in_sqlite(connection: Connection) -> _Staged:
    last = connection.exec_driver_sql("SELECT max(rowid) FROM staging.row").scalar()
    columns = {row.name for row in connection.exec_driver_sql("PRAGMA staging.table_info(row)")}
    others = "nullif(others, '[]')" if "others" in columns else "NULL"
    place = "place" if "place" in columns else f"callcamp_place(phone, variables, {others})"
    return _Staged("staging.row", last or 0, others, place)


async def _into_postgres(url: URL, staging: Path, job: _Job) -> AddResult:
    engine = postgres_engine(url)
    try:
        async with engine.begin() as connection:
            row = await connection.run_sync(_begin, job)
            await connection.exec_driver_sql(
                "CREATE TEMPORARY TABLE staging_row (rowid BIGINT PRIMARY KEY, row_no INTEGER,"
                " phone TEXT, variables TEXT, others TEXT, place TEXT) ON COMMIT DROP"
            )
            driver: Any = (await connection.get_raw_connection()).driver_connection
            last = 0
            for records in _read_staging(staging):
                await driver.copy_records_to_table("staging_row", records=records)
                last = records[-1][0]
            staged = _Staged("staging_row", last, "others", "place")
            return await connection.run_sync(_insert, row, staged, job)
    finally:
        await engine.dispose()


def _read_staging(staging: Path) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the staged rows in chunks, with further numbers and place."""
    with closing(sqlite3.connect(staging)) as source:
        columns = {row[1] for row in source.execute("PRAGMA table_info(row)")}
        others = "nullif(others, '[]')" if "others" in columns else "NULL"
        place = "place" if "place" in columns else f"callcamp_place(phone, variables, {others})"
        source.create_function("callcamp_place", 3, place_of_json, deterministic=True)
        cursor = source.execute(
            f"SELECT rowid, row_no, phone, variables, {others}, {place}"  # noqa: S608 - constants only
            " FROM row ORDER BY rowid"
        )
        while records := cursor.fetchmany(CHUNK):
            yield records


def _begin(connection: Connection, job: _Job) -> Row[Any]:
    """Return the row of the import, when it may be confirmed."""
    row = imports.row_of(connection, job.import_id, for_update=True)
    if row.status != "previewed":
        raise Conflict(
            f"Import {job.import_id} is {row.status}; only a previewed one can be confirmed.",
            status=row.status,
        )
    campaign = campaigns.row_of(connection, row.campaign_id, shared=True)
    settings = decode_settings(campaign.settings)
    if job.replace:
        if not settings.sticky_exclusion:
            _lift_exclusions(connection, row.campaign_id, job.now)
        contacts.delete_all(connection, row.campaign_id)
        i = t.contact_import.c
        # Their contacts are gone: there is nothing left of them to undo.
        connection.execute(
            update(t.contact_import)
            .where(i.campaign_id == row.campaign_id, i.status == "confirmed")
            .values(status="undone", undone_at=job.now)
        )
    campaigns.open_for_contacts(campaign, settings, job.now)
    return row


def _lift_exclusions(connection: Connection, campaign_id: int, now: datetime) -> None:
    """Lift the exclusions of contacts that a new file replaces: it says whom to call."""
    c = t.contact.c
    excluded = select(c.phone).where(
        c.campaign_id == campaign_id,
        c.status == ContactStatus.SKIPPED.value,
        c.hold == Reason.EXCLUDED.value,
    )
    for phone in list(connection.scalars(excluded)):
        suppression.remove(connection, phone, campaign_id, now)


def _insert(connection: Connection, row: Row[Any], staged: _Staged, job: _Job) -> AddResult:
    campaign = campaigns.row_of(connection, row.campaign_id)
    c = t.contact.c
    # Newer ones are those of this import: ids only grow.
    last = connection.scalar(select(func.max(c.id))) or 0
    there = connection.scalar(select(c.id).where(c.campaign_id == row.campaign_id).limit(1))
    merging = adding.Adding(
        row.campaign_id, decode_settings(campaign.settings), job.now, job.on_duplicate
    )
    insert = text(
        _INSERT.format(others=staged.others, place=staged.place, table=staged.table)
    ).bindparams(bindparam("now", type_=Instant))
    values = {"campaign": row.campaign_id, "import": row.id, "now": job.now}
    added = updated = reopened = 0
    for after in range(0, staged.last, CHUNK):
        part = {"after": after, "upto": min(after + CHUNK, staged.last)}
        added += connection.execute(insert, {**values, **part}).rowcount
        if there is not None:
            known = {"campaign": row.campaign_id, "last": last, **part}
            again = merging.add(connection, _known(connection, staged, job, known))
            updated, reopened = updated + again.updated, reopened + again.reopened
        job.tell(part["upto"], staged.last)
    seen = connection.exec_driver_sql(f"SELECT count(*) FROM {staged.table}").scalar_one()  # noqa: S608 - constants only
    deltas = Deltas()
    fresh = (c.campaign_id == row.campaign_id, text(t.PENDING), c.id > last)
    for place, n in connection.execute(
        select(c.place, func.count()).where(*fresh).group_by(c.place)
    ):
        deltas.add(row.campaign_id, Counted(CONTACT.initial.value, place, None, None, None), n)
    deltas.write(connection)
    if staged.others != "NULL":
        _note_numbers(connection, row.campaign_id, last)
    suppressed = contacts.skip_listed(connection, row.campaign_id, last, job.now)
    result = AddResult(added, seen - added - updated - reopened, updated, reopened, suppressed)
    done = {
        name: getattr(result, name) for name in ("duplicates", "updated", "reopened", "suppressed")
    }
    connection.execute(
        update(t.contact_import)
        .where(t.contact_import.c.id == row.id)
        .values(
            status="confirmed",
            added=added,
            confirmed_at=job.now,
            report={**row.report, "done": done},
        )
    )
    adding.finish(connection, campaign, result, job.now, **{"import": row.id})
    return result


def _known(
    connection: Connection, staged: _Staged, job: _Job, values: dict[str, int]
) -> list[NewContact]:
    """Return staged contacts that are there already and not simply left as they are."""
    skips = job.on_duplicate is OnDuplicate.SKIP
    statement = text(
        _AGAIN.format(
            table=staged.table,
            others=staged.others.replace("others", "s.others"),
            only=_ONLY_REOPENED if skips else "",
        )
    )
    found = connection.execute(statement, values)
    return [
        NewContact(
            phone=each.phone,
            variables=json.loads(each.variables),
            others=tuple(json.loads(each.others)) if each.others else (),
        )
        for each in found
    ]


def _note_numbers(connection: Connection, campaign_id: int, last: int) -> None:
    """Note the further numbers of contacts that were added after ``last``."""
    dialect = connection.dialect.name
    connection.execute(
        text(
            "INSERT INTO contact_number (phone, contact_id)"  # noqa: S608 - constants only
            f" SELECT DISTINCT j.value, contact.id FROM contact, {_NUMBERS[dialect]}"
            " WHERE contact.campaign_id = :campaign AND contact.id > :last"
            " AND contact.others IS NOT NULL"
        ),
        {"campaign": campaign_id, "last": last},
    )
