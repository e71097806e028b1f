"""Files of numbers, read in a child process: what is large must not hold up calls.

The use-cases are those of :class:`callcamp.engine.lists.Lists`; a program or a page that shares
its process with the dialer has them done here instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from callcamp.engine.children import ask_child
from callcamp.engine.consents import ConsentsRecorded
from callcamp.engine.do_not_call import FileSuppressed, ListImported
from callcamp.ports import current_actor
from callcamp.settings import Settings

T = TypeVar("T")
_CHILD = ("-P", str(Path(__file__).with_name("list_files_child.py")))


class ListFiles:
    """Every use-case on files of numbers.

    Args:
        settings: the database, and how much memory reading may take.
        clock: returns now, aware UTC.
        on_change: called after a change with the campaign that it concerns (None: it may
            concern any), to wake its dialer.
        on_suppressed: called after numbers were suppressed, and in which campaign (None: in
            all); it is given None in place of the numbers: any may be among them.
        timeout_s: how long one child process may work.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        on_change: Callable[[int | None], None] = lambda _campaign_id: None,
        on_suppressed: Callable[[int | None, list[str] | None], None] = lambda _id, _phones: None,
        timeout_s: float = 900.0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._on_change = on_change
        self._on_suppressed = on_suppressed
        self._timeout_s = timeout_s

    async def suppress(
        self,
        path: Path,
        filename: str,
        *,
        region: str | None = None,
        column: str | None = None,
        reason: str = "",
        source: str,
        campaign_id: int | None = None,
        expires_at: datetime | None = None,
    ) -> FileSuppressed:
        """Put the numbers of a file on the do-not-call list.

        See :meth:`callcamp.engine.do_not_call.DoNotCall.suppress_file`.

        Raises:
            InvalidInput: the file, or a value, is unusable.
            LimitExceeded: the file is too large, or takes too much memory.
            NotFound: there is no such campaign.
            ChildFailed: the process that read it died; all was done, or nothing.
            ChildTimeout: it took too long.
        """
        with self._telling(campaign_id, suppressed=True):
            told = await self._ask(
                "suppress_file",
                path,
                filename,
                region=region,
                column=column,
                reason=reason,
                source=source,
                campaign_id=campaign_id,
                expires_at=_text(expires_at),
            )
        return _read(FileSuppressed, told)

    async def import_dnc_list(
        self,
        name: str,
        path: Path,
        filename: str,
        *,
        as_of: datetime,
        region: str | None = None,
        column: str | None = None,
    ) -> ListImported:
        """Import a do-not-call register, or put a fresh copy in place of the old one.

        See :meth:`callcamp.engine.do_not_call.DoNotCall.import_dnc_list`.

        Raises:
            InvalidInput: the file, or a value, is unusable.
            LimitExceeded: the file is too large, or takes too much memory.
            ChildFailed: the process that read it died; all was done, or nothing.
            ChildTimeout: it took too long.
        """
        with self._telling(None, suppressed=True):
            told = await self._ask(
                "import_dnc_list",
                path,
                filename,
                name=name,
                as_of=_text(as_of),
                region=region,
                column=column,
            )
        return _read(ListImported, told)

    async def record_consents(
        self,
        path: Path,
        filename: str,
        *,
        region: str | None = None,
        column: str | None = None,
        scope: str,
        source: str,
        given_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> ConsentsRecorded:
        """Record the same consent for every number of a file, all or none.

        See :meth:`callcamp.engine.consents.Consents.record_consents_file`.

        Raises:
            InvalidInput: the file, or a value, is unusable.
            LimitExceeded: the file is too large, or takes too much memory.
            ChildFailed: the process that read it died; all was done, or nothing.
            ChildTimeout: it took too long.
        """
        with self._telling(None, suppressed=False):
            told = await self._ask(
                "record_consents_file",
                path,
                filename,
                region=region,
                column=column,
                scope=scope,
                source=source,
                given_at=_text(given_at),
                expires_at=_text(expires_at),
            )
        return _read(ConsentsRecorded, told)

    @contextmanager
    def _telling(self, campaign_id: int | None, *, suppressed: bool) -> Iterator[None]:
        """Tell of the change afterwards; also after a failure, which may follow the commit."""
        try:
            yield
        finally:
            if suppressed:
                self._on_suppressed(campaign_id, None)
            self._on_change(campaign_id)

    async def _ask(self, task: str, path: Path, filename: str, **values: Any) -> dict[str, Any]:
        """Have a child process do one of the use-cases; return its result as plain values."""
        job = {
            "task": task,
            "database_url": self._settings.database_url,
            "memory_mib": self._settings.import_memory_mib,
            "now": self._clock().isoformat(),
            "actor": current_actor(),
            "path": str(path),
            "values": {"filename": filename, **values},
        }
        answer = await ask_child(_CHILD, job, timeout_s=self._timeout_s)
        report: dict[str, Any] = answer["report"]
        return report


def _read(kind: type[T], told: dict[str, Any]) -> T:
    return TypeAdapter(kind).validate_python(told)


def _text(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
