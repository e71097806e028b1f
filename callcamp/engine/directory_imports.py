"""People from files: preview, then confirm, all or none.

A preview reads a file into a folder of its own (``<data_dir>/imports/<token>``) and tells what
would happen. A confirm moves that into the contact directory in one transaction. Both run in
child processes. The token names the preview; nothing of it is in the database.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.staging import ERRORS_FILE, ROWS_FILE, UPLOAD_FILE
from callcamp.contacts.table import ReadOptions
from callcamp.engine.children import OnProgress, ask_child
from callcamp.engine.phones import region_or_none
from callcamp.engine.reader import Reader, forget_contacts, throw_away
from callcamp.errors import InvalidInput
from callcamp.ports import current_actor
from callcamp.settings import Settings

REPORT_FILE = "report.json"
_MOVER = ("-P", str(Path(__file__).with_name("directory_child.py")))


@dataclass(frozen=True, slots=True)
class PeoplePreview:
    """What importing a file would do.

    Args:
        token: names the preview.
        filename: name of the file as the person knows it.
        report: counts, mapping and examples (JSON-able); ``in_directory`` counts those who
            are there already.
    """

    token: str
    filename: str
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PeopleImported:
    """How many people were added, and how many were there and were updated."""

    added: int
    updated: int


class DirectoryImports:
    """Every use-case on files of people.

    Args:
        settings: limits, the folder and the database.
        clock: returns now, aware UTC.
        timeout_s: how long one child process may work.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], *, timeout_s: float = 900.0
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._timeout_s = timeout_s
        self._reader = Reader(settings, timeout_s=timeout_s)

    async def preview(
        self,
        path: Path,
        filename: str,
        mapping: Mapping | None = None,
        *,
        region: str | None = None,
        options: ReadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> PeoplePreview:
        """Read a file and say what importing it would do; nothing is imported yet.

        Args:
            path: the file; it is copied, so it may be deleted afterwards.
            filename: its name as the person knows it.
            mapping: what becomes of its columns; None: a phone column by the look of it, and
                every other column a variable.
            region: country of numbers written without one.
            options: encoding, delimiter, header and sheet, where they are not to be found out.
            on_progress: told how far it is.

        Raises:
            InvalidInput: the file, an option, the country or the mapping is not usable.
            LimitExceeded: something is too large, or reading took too much memory.
            ChildFailed: the process that read it died.
            ChildTimeout: it took too long.
        """
        known = region_or_none(region)
        folder = await self._reader.new_folder()
        try:
            report = await self._reader.read(
                folder,
                path,
                filename,
                region=known,
                mapping=mapping,
                options=options or ReadOptions(),
                on_progress=on_progress,
            )
            answer = await self._move("count_known", folder / ROWS_FILE)
            report["in_directory"] = answer["known"]
            kept = json.dumps({"filename": filename, "report": report})
            await asyncio.to_thread((folder / REPORT_FILE).write_text, kept, encoding="utf-8")
            if on_progress is not None:
                on_progress(1.0, report["rows"])
            return PeoplePreview(folder.name, filename, report)
        except BaseException:
            await throw_away(folder)
            raise

    async def remap(
        self,
        token: str,
        mapping: Mapping | None,
        *,
        options: ReadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> PeoplePreview:
        """Preview the file of a preview again; returns a new preview in place of the old one.

        Without options those of the old preview hold.

        Raises:
            NotFound: the file is not kept any more.
        """
        old = await self.previewed(token)
        upload = self._reader.part(token, UPLOAD_FILE, key=token)
        new = await self.preview(
            upload,
            old.filename,
            mapping,
            region=old.report["region"],
            options=options or ReadOptions(**old.report["options"]),
            on_progress=on_progress,
        )
        await throw_away(upload.parent)
        return new

    async def previewed(self, token: str) -> PeoplePreview:
        """Return a preview that was made before.

        Raises:
            NotFound: its files are not kept any more.
        """
        path = self._reader.part(token, REPORT_FILE, key=token)
        kept = json.loads(await asyncio.to_thread(path.read_text, encoding="utf-8"))
        return PeoplePreview(token, kept["filename"], kept["report"])

    async def confirm(self, token: str, *, on_progress: OnProgress | None = None) -> PeopleImported:
        """Add the people of a preview to the directory, all or none.

        Those who are there are updated: their variables are merged, and further numbers take
        the place of those that are there. A confirm that failed may be tried again.

        Raises:
            NotFound: the files of the preview are not kept any more, or it was confirmed.
            InvalidInput: nobody in the file can be called.
            ChildFailed: the process that did it died.
            ChildTimeout: it took too long.
        """
        staging = self._reader.part(token, ROWS_FILE, key=token)
        if not (await self.previewed(token)).report["valid"]:
            raise InvalidInput("There is nobody in the file to import.", field="file")
        answer = await self._move("insert", staging, on_progress)
        await asyncio.to_thread(forget_contacts, staging.parent)
        return PeopleImported(answer["added"], answer["updated"])

    async def discard(self, token: str) -> None:
        """Throw the files of a preview away."""
        folder = self._reader.part(token, "", key=token, must_exist=False)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def error_file(self, token: str) -> Path:
        """Return the CSV file of the rows that an import leaves out, with reasons.

        Raises:
            NotFound: it is not kept any more.
        """
        return self._reader.part(token, ERRORS_FILE, key=token)

    async def _move(
        self, task: str, staging: Path, on_progress: OnProgress | None = None
    ) -> dict[str, Any]:
        """Have a child process work between a staging file and the database."""
        job = {
            "task": task,
            "database_url": self._settings.database_url,
            "staging": str(staging),
            "now": self._clock().isoformat(),
            "actor": current_actor(),
        }
        answer = await ask_child(_MOVER, job, timeout_s=self._timeout_s, on_progress=on_progress)
        report: dict[str, Any] = answer["report"]
        return report
