"""The process that moves contacts between a staging file and the database.

Run as a file, not as a module: the package of the engine need not be loaded for it. The job
comes as one JSON line on standard input; progress and the result go out as JSON lines.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
from contextlib import closing
from datetime import datetime
from typing import Any

from callcamp.contacts.saying import say
from callcamp.errors import CallcampError
from callcamp.ports import OnDuplicate, acting_as
from callcamp.store.bulk import existing_phones, insert_from_staging


def count_known(job: dict[str, Any]) -> dict[str, Any]:
    """Count the staged contacts that the campaign has already."""
    known = existing_phones(job["database_url"], job["campaign_id"])
    with closing(sqlite3.connect(job["staging"])) as db:
        phones = db.execute("SELECT phone FROM row")
        return {"known": sum(phone in known for (phone,) in phones)}


def insert(job: dict[str, Any]) -> dict[str, Any]:
    """Add the staged contacts to the campaign."""
    with acting_as(job["actor"]):
        result = insert_from_staging(
            job["database_url"],
            job["import_id"],
            job["staging"],
            now=datetime.fromisoformat(job["now"]),
            progress=lambda done, total: say(progress=done / max(1, total), rows=done),
            replace=job["replace"],
            on_duplicate=OnDuplicate(job["on_duplicate"]),
        )
    return {"added": result.added}


def main() -> None:
    """Read the job and do it."""
    job = json.loads(sys.stdin.readline())
    gc.disable()
    try:
        say(report={"count_known": count_known, "insert": insert}[job["task"]](job))
    except CallcampError as error:
        say(error=error.as_dict())


if __name__ == "__main__":
    main()
