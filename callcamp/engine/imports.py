"""Contacts from files: preview, confirm, undo.

A preview reads a file into a folder of its own (``<data_dir>/imports/<token>``) and tells what
would happen. A confirm moves that into the database in one transaction. Both run in child
processes; what a crash leaves behind is a folder that :meth:`Imports.purge_older_than`
removes, never half an import.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from callcamp.contacts.mapping import Mapping
from callcamp.contacts.staging import ERRORS_FILE, ROWS_FILE, UPLOAD_FILE
from callcamp.contacts.table import ReadOptions
from callcamp.core.campaign_settings import CampaignMode
from callcamp.core.model import Campaign
from callcamp.core.states import CampaignStatus
from callcamp.engine.children import OnProgress, ask_child
from callcamp.engine.reader import Reader, forget_contacts, throw_away
from callcamp.errors import CallcampError, Conflict
from callcamp.ports import ContactImport, OnDuplicate, Store, current_actor
from callcamp.settings import Settings

LOCKED = "CSV contacts are locked for this campaign. Use Clone if you need a different contact set."
_MOVER = ("-P", str(Path(__file__).with_name("imports_child.py")))


class Imports:
    """Every use-case on imports.

    Args:
        store: where imports are noted.
        settings: limits, the folder and the database.
        clock: returns now, aware UTC.
        timeout_s: how long one child process may work.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        timeout_s: float = 900.0,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._timeout_s = timeout_s
        self._reader = Reader(settings, timeout_s=timeout_s)

    async def preview(
        self,
        campaign_id: int,
        path: Path,
        filename: str,
        mapping: Mapping | None = None,
        *,
        options: ReadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> ContactImport:
        """Read a file and say what importing it would do; nothing is imported yet.

        Args:
            campaign_id: the campaign it is meant for.
            path: the file; it is copied, so it may be deleted afterwards.
            filename: its name as the person knows it.
            mapping: what becomes of its columns; None: a phone column by the look of it, and
                every other column a variable.
            options: encoding, delimiter, header and sheet, where they are not to be found out.
            on_progress: told how far it is.

        Raises:
            InvalidInput: the file, an option or the mapping is not usable.
            LimitExceeded: something is too large, or reading took too much memory.
            Conflict: the campaign takes no contacts any more.
            ChildFailed: the process that read it died.
            ChildTimeout: it took too long.
        """
        campaign = await self._store.campaign(campaign_id)
        _check_open(campaign)
        folder = await self._reader.new_folder()
        try:
            report = await self._reader.read(
                folder,
                path,
                filename,
                region=campaign.settings.default_region,
                mapping=mapping,
                options=options or ReadOptions(),
                on_progress=on_progress,
            )
            report["duplicates_in_campaign"] = await self._count_known(campaign_id, folder)
            if on_progress is not None:
                on_progress(1.0, report["rows"])
            return await self._store.create_import(campaign_id, filename, report, now=self._clock())
        except BaseException:
            await throw_away(folder)
            raise

    async def remap(
        self,
        import_id: int,
        mapping: Mapping | None,
        *,
        options: ReadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> ContactImport:
        """Preview the file of a preview again, with another mapping or other options.

        Returns a new import; the old preview cannot be confirmed any more. Without options
        those of the old preview hold.

        Raises:
            NotFound: the file is not kept any more.
            Conflict: the import is not a preview any more.
        """
        old = await self._store.contact_import(import_id)
        _check_previewed(old)
        upload = self._part(old, UPLOAD_FILE)
        new = await self.preview(
            old.campaign_id,
            upload,
            old.filename,
            mapping,
            options=options or ReadOptions(**old.report.get("options", {})),
            on_progress=on_progress,
        )
        await asyncio.to_thread(shutil.rmtree, upload.parent, ignore_errors=True)
        return new

    async def confirm(
        self,
        import_id: int,
        *,
        replace: bool = False,
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
        on_progress: OnProgress | None = None,
    ) -> ContactImport:
        """Add the contacts of a preview to its campaign, all or none.

        The report of the import then has ``done``: what became of numbers that the campaign
        has already, and how many of the new ones must not be called.

        Args:
            import_id: the preview.
            replace: delete the contacts that are there first; only for a draft.
            on_duplicate: what to do with numbers that the campaign has already.
            on_progress: told how far it is.

        Raises:
            NotFound: there is no such import, or its file is not kept any more.
            Conflict: it is not a preview any more, or the campaign takes no contacts.
            ChildFailed: the process that did it died; nothing was added.
            ChildTimeout: it took too long; nothing was added.
        """
        preview = await self._store.contact_import(import_id)
        _check_previewed(preview)
        campaign = await self._store.campaign(preview.campaign_id)
        _check_open(campaign)
        if replace and (
            campaign.status is not CampaignStatus.DRAFT or campaign.started_at is not None
        ):
            raise Conflict(LOCKED, status=campaign.status.value)
        staging = self._part(preview, ROWS_FILE)
        job = {
            "task": "insert",
            "database_url": self._settings.database_url,
            "import_id": import_id,
            "staging": str(staging),
            "now": self._clock().isoformat(),
            "replace": replace,
            "on_duplicate": on_duplicate.value,
            "actor": current_actor(),
        }
        try:
            await ask_child(_MOVER, job, timeout_s=self._timeout_s, on_progress=on_progress)
        except CallcampError:
            # It may have died just after the commit: the database knows.
            if (await self._store.contact_import(import_id)).status != "confirmed":
                raise
        await asyncio.to_thread(forget_contacts, staging.parent)
        return await self._store.contact_import(import_id)

    async def undo(self, import_id: int) -> int:
        """Delete the contacts that an import added; returns how many.

        Raises:
            Conflict: it is not confirmed, or one of its contacts was called already.
        """
        return await self._store.undo_import(import_id, now=self._clock())

    async def discard(self, import_id: int) -> None:
        """Forget a preview, and throw its files away.

        Raises:
            NotFound: there is no such import.
            Conflict: it was confirmed, or undone.
        """
        preview = await self._store.contact_import(import_id)
        await self._store.discard_import(import_id, now=self._clock())
        folder = self._part(preview, "", must_exist=False)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def error_file(self, import_id: int) -> Path:
        """Return the CSV file of the rows that an import leaves out, with reasons.

        Raises:
            NotFound: there is no such import, or its files are not kept any more.
        """
        return self._part(await self._store.contact_import(import_id), ERRORS_FILE)

    async def purge_older_than(self, age: timedelta) -> int:
        """Remove the files of imports that are older; returns how many imports that were.

        Imports stay noted; a preview without its files can only be made anew.
        """
        return await self._reader.purge_older_than(age.total_seconds())

    async def _count_known(self, campaign_id: int, folder: Path) -> int:
        """Return how many staged contacts the campaign has already."""
        if (await self._store.counts(campaign_id)).total == 0:
            return 0
        job = {
            "task": "count_known",
            "database_url": self._settings.database_url,
            "campaign_id": campaign_id,
            "staging": str(folder / ROWS_FILE),
        }
        answer = await ask_child(_MOVER, job, timeout_s=self._timeout_s)
        return int(answer["report"]["known"])

    def _part(self, of: ContactImport, name: str, *, must_exist: bool = True) -> Path:
        """Return the path of a file of an import."""
        token = str(of.report.get("token"))
        return self._reader.part(token, name, key=of.id, must_exist=must_exist)


def _check_open(campaign: Campaign) -> None:
    """Refuse a campaign whose contacts are locked: it has run and is not Always-on."""
    always_on = campaign.settings.mode is CampaignMode.ALWAYS_ON
    if campaign.status is CampaignStatus.CANCELED or (campaign.started_at and not always_on):
        raise Conflict(LOCKED, status=campaign.status.value)


def _check_previewed(preview: ContactImport) -> None:
    """Refuse an import that was confirmed or undone."""
    if preview.status != "previewed":
        raise Conflict(
            f"Import {preview.id} is {preview.status}; only a preview can be confirmed.",
            status=preview.status,
        )
