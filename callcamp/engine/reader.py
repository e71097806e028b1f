"""Files of contacts are read by child processes, into folders of their own.

A folder ``<data_dir>/imports/<token>`` holds the file, the rows that can be imported and those
that cannot. It may be thrown away at any time.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from callcamp.contacts.child import too_much_memory
from callcamp.contacts.mapping import Mapping
from callcamp.contacts.staging import ROWS_FILE, UPLOAD_FILE
from callcamp.contacts.table import Limits, ReadOptions
from callcamp.engine.children import ChildFailed, OnProgress, ask_child
from callcamp.errors import InvalidInput, NotFound
from callcamp.settings import Settings

READING_SHARE = 0.9
"""Of the progress of a preview, how much is reading."""
_READER = ("-P", "-m", "callcamp.contacts.child")
_READERS = 2
"""Files read at the same time; each may take ``import_memory_mib``."""
_MIB = 1024 * 1024


class Reader:
    """Read files of contacts.

    Args:
        settings: limits and the folder.
        timeout_s: how long one child process may work.
    """

    def __init__(self, settings: Settings, *, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._readers = asyncio.Semaphore(_READERS)
        self.folder = settings.data_dir / "imports"

    async def new_folder(self) -> Path:
        """Make the folder of one file; its name is the token."""
        folder = self.folder / secrets.token_hex(16)
        await asyncio.to_thread(_make_folder, folder)
        return folder

    async def read(
        self,
        folder: Path,
        path: Path,
        filename: str,
        *,
        region: str | None,
        mapping: Mapping | None,
        options: ReadOptions,
        on_progress: OnProgress | None,
    ) -> dict[str, Any]:
        """Have a file read into ``folder``; return the report.

        Args:
            folder: from :meth:`new_folder`.
            path: the file.
            filename: its name as the person knows it.
            region: country of numbers written without one.
            mapping: what becomes of the columns; None: by the look of it.
            options: what the person set.
            on_progress: told how far it is, up to :data:`READING_SHARE`.

        Raises:
            InvalidInput: the file, an option or the mapping is not usable.
            LimitExceeded: something is too large, or reading took too much memory.
            ChildFailed: the process that read it died.
            ChildTimeout: it took too long.
        """
        settings = self._settings
        limits = Limits(max_bytes=settings.import_max_mib * _MIB, max_rows=settings.import_max_rows)
        job = {
            "path": str(path),
            "filename": filename,
            "folder": str(folder),
            "region": region,
            "mapping": mapping.as_dict() if mapping else None,
            "options": asdict(options),
            "keep": True,
            "limits": asdict(limits),
            "memory_mib": settings.import_memory_mib,
        }

        def tell(fraction: float, rows: int) -> None:
            if on_progress is not None:
                on_progress(fraction * READING_SHARE, rows)

        try:
            async with self._readers:
                answer = await ask_child(_READER, job, timeout_s=self._timeout_s, on_progress=tell)
        except ChildFailed as error:
            if error.details["status"] == -signal.SIGABRT:
                # How the workbook reader ends when it is refused memory.
                raise too_much_memory(settings.import_memory_mib) from error
            raise ChildFailed(
                f"{filename!r} could not be read: {error.message} Nothing was imported.",
                **error.details,
            ) from error
        report: dict[str, Any] = answer["report"]
        return {
            **report,
            "peak_mib": answer["peak_mib"],
            "token": folder.name,
            "options": job["options"],
        }

    def part(self, token: str, name: str, *, key: int | str, must_exist: bool = True) -> Path:
        """Return the path of a file of a folder.

        Args:
            token: name of the folder.
            name: name of the file; empty: the folder itself.
            key: of which import, for the message.
            must_exist: whether the file has to be there.

        Raises:
            NotFound: it is not, or the token is none.
        """
        path = self.folder / token / name
        if not re.fullmatch(r"[0-9a-f]{32}", token) or (must_exist and not path.is_file()):
            raise NotFound(
                f"The files of import {key} are not kept any more; upload the file again.",
                kind="import_file",
                key=key,
            )
        return path

    async def purge_older_than(self, age_s: float) -> int:
        """Remove folders that nobody has touched for some time; returns how many."""
        return await asyncio.to_thread(_purge, self.folder, age_s)


async def throw_away(folder: Path) -> None:
    """Remove a folder, also when what goes on is being cancelled."""
    await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def forget_contacts(folder: Path) -> None:
    """Remove what a confirmed import needs no more; the rows left out stay for a download."""
    for name in (ROWS_FILE, UPLOAD_FILE):
        (folder / name).unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make the folder of an import; what is in it is nobody else's business."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise InvalidInput(
            f"The folder {folder} cannot be made: {error.strerror}.", field="data_dir"
        ) from error


def _purge(parent: Path, age_s: float) -> int:
    removed = 0
    before = time.time() - age_s
    for folder in parent.iterdir() if parent.is_dir() else ():
        if folder.is_dir() and folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
