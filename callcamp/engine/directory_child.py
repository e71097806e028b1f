"""The process that moves people between a staging file and the contact directory.

Run as a file, not as a module: the package of the engine need not be loaded for it. The job
comes as one JSON line on standard input; progress and the result go out as JSON lines.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from callcamp.contacts.saying import say
from callcamp.core.model import NewContact
from callcamp.errors import CallcampError
from callcamp.ports import acting_as
from callcamp.store import SqlStore

_PAGE = 10_000
_TOLD_EVERY = 5_000


async def count_known(store: SqlStore, job: dict[str, Any]) -> dict[str, Any]:
    """Count the staged people who are in the directory already."""
    with closing(sqlite3.connect(job["staging"])) as db:
        staged = {phone for (phone,) in db.execute("SELECT phone FROM row")}
    known = after_id = 0
    while page := await store.directory(after_id=after_id, limit=_PAGE):
        known += sum(person.phone in staged for person in page)
        after_id = page[-1].id
    return {"known": known}


async def insert(store: SqlStore, job: dict[str, Any]) -> dict[str, Any]:
    """Add the staged people to the directory."""
    added, updated = await store.add_to_directory(
        _staged(job["staging"]), now=datetime.fromisoformat(job["now"])
    )
    return {"added": added, "updated": updated}


def _staged(path: str) -> Iterator[NewContact]:
    with closing(sqlite3.connect(path)) as db:
        total = db.execute("SELECT count(*) FROM row").fetchone()[0]
        with_others = any(column[1] == "others" for column in db.execute("PRAGMA table_info(row)"))
        others = "others" if with_others else "'[]'"
        rows = db.execute(f"SELECT row_no, phone, variables, {others} FROM row ORDER BY rowid")  # noqa: S608 - a column or a constant
        for done, (row, phone, variables, further) in enumerate(rows):
            if done % _TOLD_EVERY == 0:
                say(progress=done / total, rows=done)
            yield NewContact(phone, json.loads(variables), row, tuple(json.loads(further)))


async def _work(job: dict[str, Any]) -> dict[str, Any]:
    store = SqlStore(job["database_url"])
    await store.open()
    try:
        with acting_as(job["actor"]):
            return await {"count_known": count_known, "insert": insert}[job["task"]](store, job)
    finally:
        await store.close()


def main() -> None:
    """Read the job and do it."""
    job = json.loads(sys.stdin.readline())
    gc.disable()
    try:
        say(report=asyncio.run(_work(job)))
    except CallcampError as error:
        say(error=error.as_dict())


if __name__ == "__main__":
    main()
