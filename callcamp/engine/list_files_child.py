"""The process that reads a file of numbers and puts them on a list.

Run as a file, not as a module. The job comes as one JSON line on standard input; the result, or
an error, goes out as a JSON line. It ends when its memory does, and nothing is changed then.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from callcamp.contacts.child import limit_memory
from callcamp.contacts.saying import say
from callcamp.engine.lists import Lists
from callcamp.errors import CallcampError, LimitExceeded
from callcamp.ports import acting_as
from callcamp.store import SqlStore

_INSTANTS = frozenset({"as_of", "given_at", "expires_at"})


async def _work(job: dict[str, Any]) -> dict[str, Any]:
    now = datetime.fromisoformat(job["now"])
    values = {
        name: datetime.fromisoformat(value) if name in _INSTANTS and value is not None else value
        for name, value in job["values"].items()
    }
    store = SqlStore(job["database_url"])
    await store.open()
    try:
        lists = Lists(store, clock=lambda: now)
        tasks: dict[str, Callable[..., Awaitable[Any]]] = {
            "suppress_file": lists.suppress_file,
            "import_dnc_list": lists.import_dnc_list,
            "record_consents_file": lists.record_consents_file,
        }
        with acting_as(job["actor"]):
            return asdict(await tasks[job["task"]](path=Path(job["path"]), **values))
    finally:
        await store.close()


def main() -> None:
    """Read the job, limit the memory, do it."""
    job = json.loads(sys.stdin.readline())
    limit_memory(job["memory_mib"])
    try:
        say(report=asyncio.run(_work(job)))
    except CallcampError as error:
        say(error=error.as_dict())
    except MemoryError:
        refusal = LimitExceeded(
            f"Reading the file needs more than {job['memory_mib']} MiB of memory. Split it, or "
            "bring it in on the command line of callcamp's machine.",
            limit="import_memory_mib",
            value=job["memory_mib"],
        )
        say(error=refusal.as_dict())


if __name__ == "__main__":
    main()
