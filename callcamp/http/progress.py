"""How far the work behind a form is: a page asks while it waits for the form's answer.

A page makes up the name of a job and sends it along (``?job=``), because it knows no other
name before the answer. Jobs are forgotten as soon as they are over.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from aiohttp import web

from callcamp.engine.children import OnProgress
from callcamp.http.words import number

_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class Job:
    """One job that goes on.

    Args:
        what: what is done, a word such as ``Reading``.
        import_id: the import that it changes, if there is one.
        fraction: how far it is, from 0 to 1; None: it has not said yet.
        rows: how many rows are done.
    """

    what: str
    import_id: int | None = None
    fraction: float | None = None
    rows: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return what the page shows."""
        text = f"{self.what}…"
        if self.fraction is not None:
            rows = f" · {number(self.rows)} rows" if self.rows else ""
            text = f"{self.what}: {self.fraction * 100:.0f} %{rows}"
        return {"going": True, "fraction": self.fraction, "rows": self.rows, "text": text}


class Jobs:
    """All jobs that go on in this process."""

    def __init__(self) -> None:
        self._going: dict[str, Job] = {}

    @contextmanager
    def begin(self, key: str, what: str, import_id: int | None = None) -> Iterator[OnProgress]:
        """Yield what tells how far a job is; with the block the job is over.

        A key that is no key, or in use, is replaced: then nobody can ask for the job.
        """
        if not _KEY.fullmatch(key) or key in self._going:
            key = secrets.token_hex(16)
        job = self._going[key] = Job(what, import_id)

        def tell(fraction: float, rows: int) -> None:
            job.fraction, job.rows = min(1.0, max(0.0, fraction)), rows

        try:
            yield tell
        finally:
            del self._going[key]

    def job(self, key: str) -> Job | None:
        """Return the job of that key, if it goes on."""
        return self._going.get(key)

    def key_of_import(self, import_id: int) -> str | None:
        """Return the key of the job that changes an import, if there is one."""
        return next((k for k, job in self._going.items() if job.import_id == import_id), None)


JOBS = web.AppKey("jobs", Jobs)


def begin(
    request: web.Request, what: str, import_id: int | None = None
) -> AbstractContextManager[OnProgress]:
    """Begin a job under the key that the request brings, see :meth:`Jobs.begin`."""
    return request.app[JOBS].begin(request.query.get("job", ""), what, import_id)


async def progress(request: web.Request) -> web.StreamResponse:
    """Tell how far a job is; one that is over, or unknown, is no error."""
    job = request.app[JOBS].job(request.match_info["job"])
    return web.json_response({"going": False} if job is None else job.as_dict())
