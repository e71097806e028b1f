"""Who must not be called: the do-not-call list, exclusions of one campaign, imported registers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from callcamp.core.changes import NewSuppression
from callcamp.engine.checks import check_text
from callcamp.engine.desk import Desk
from callcamp.engine.phones import NumberFile, RefusedRow, need_any_number
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import DncList, Suppressed, Suppression

MOST_ROWS = 500_000
"""Rows of a file whose numbers are put on the do-not-call list."""
MOST_LIST_ROWS = 100_000_000
"""Rows of an imported register."""
MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class FileSuppressed:
    """What became of a file of numbers that must not be called.

    Args:
        added: numbers put on the list anew.
        contacts_skipped: waiting contacts that were skipped for it.
        rows: rows with something in them.
        refused: rows whose number cannot be used.
        problems: the first of those.
    """

    added: int
    contacts_skipped: int
    rows: int
    refused: int
    problems: tuple[RefusedRow, ...]


@dataclass(frozen=True, slots=True)
class ListImported:
    """What became of a register.

    Args:
        list: the list as it is now.
        rows: rows with something in them.
        refused: rows whose number cannot be used.
        problems: the first of those.
    """

    list: DncList
    rows: int
    refused: int
    problems: tuple[RefusedRow, ...]


class DoNotCall(Desk):
    """Use-cases on numbers that must not be called."""

    async def suppress(
        self,
        phones: Sequence[str],
        *,
        region: str | None = None,
        reason: str = "",
        source: str,
        campaign_id: int | None = None,
        expires_at: datetime | None = None,
    ) -> Suppressed:
        """Put numbers on the do-not-call list, all or none.

        Args:
            phones: numbers as people write them.
            region: country of numbers written without one.
            reason: why, in words.
            source: who says so, e.g. ``cli``.
            campaign_id: only in this campaign (None: everywhere).
            expires_at: until when (None: for ever).

        Raises:
            InvalidInput: a value is unusable.
            NotFound: there is no such campaign.
        """
        if not phones:
            raise InvalidInput("Give at least one number.", field="phones", value=[])
        numbers = list(dict.fromkeys(need_any_number(text, region) for text in phones))
        return await self._suppress(numbers, reason, source, campaign_id, expires_at)

    async def suppress_file(
        self,
        path: Path,
        *,
        filename: str | None = None,
        region: str | None = None,
        column: str | None = None,
        reason: str = "",
        source: str,
        campaign_id: int | None = None,
        expires_at: datetime | None = None,
    ) -> FileSuppressed:
        """Put the numbers of a text file on the do-not-call list; see :meth:`suppress`.

        Rows that hold no number are left out, counted and told.

        Args:
            path: the file.
            filename: its name as the person knows it.
            region: country of numbers written without one.
            column: name of the column with the numbers (None: by the look of it).
            reason: why, in words.
            source: who says so.
            campaign_id: only in this campaign (None: everywhere).
            expires_at: until when (None: for ever).

        Raises:
            InvalidInput: the file, or a value, is unusable.
            LimitExceeded: the file is too large.
            NotFound: there is no such campaign.
        """
        file = NumberFile(path, filename or path.name, region=region, column=column, most=MOST_ROWS)
        numbers = await asyncio.to_thread(lambda: list(dict.fromkeys(file.numbers())))
        done = await self._suppress(numbers, reason, source, campaign_id, expires_at)
        return FileSuppressed(
            done.added, done.contacts_skipped, file.rows, file.refused, tuple(file.problems)
        )

    async def _suppress(
        self,
        numbers: list[str],
        reason: str,
        source: str,
        campaign_id: int | None,
        expires_at: datetime | None,
    ) -> Suppressed:
        if reason:
            check_text("reason", reason, MOST_REASON)
        check_text("source", source, MOST_REASON)
        self._check_future("expires_at", expires_at)
        if campaign_id is not None:
            await self._store.campaign(campaign_id)
        # A generator: the store's thread makes the half million, not the event loop.
        items = (
            NewSuppression(phone, reason, source, campaign_id, expires_at) for phone in numbers
        )
        done = await self._store.suppress(items, now=self._clock())
        self._on_suppressed(campaign_id, numbers)
        self._on_change(campaign_id)
        return done

    async def unsuppress(
        self, phone: str, *, region: str | None = None, campaign_id: int | None = None
    ) -> str:
        """Take a number off the do-not-call list, or off one campaign's; returns it as E.164.

        Contacts that were skipped stay so; adding them again calls them.

        Raises:
            InvalidInput: it is no number.
            NotFound: it is not on that list.
        """
        number = need_any_number(phone, region)
        if not await self._store.unsuppress(number, campaign_id=campaign_id, now=self._clock()):
            problem = (
                f"{number} is not on the do-not-call list that holds everywhere. If one campaign "
                "excludes it, name that campaign."
            )
            if campaign_id is not None:
                problem = f"{number} is not on the exclusions of campaign {campaign_id}."
            raise NotFound(problem, kind="suppression", key=number)
        self._on_change(campaign_id)
        return number

    async def suppressions(
        self,
        *,
        phone: str | None = None,
        region: str | None = None,
        campaign_id: int | None = None,
        after_id: int = 0,
        limit: int = 100,
    ) -> list[Suppression]:
        """Return entries by id, expired ones included.

        Args:
            phone: of this number only.
            region: country of a number written without one.
            campaign_id: of this campaign only.
            after_id: those after this one.
            limit: how many at most.

        Raises:
            InvalidInput: it is no number.
            NotFound: there is no such campaign.
        """
        return await self._store.suppressions(
            phone=need_any_number(phone, region) if phone is not None else None,
            campaign_id=campaign_id,
            after_id=after_id,
            limit=limit,
        )

    async def replace_dnc_list(
        self, name: str, phones: Sequence[str], *, as_of: datetime, region: str | None = None
    ) -> DncList:
        """Put numbers in place of those of a register, all or none; it is made if need be.

        Args:
            name: by which campaigns name it.
            phones: numbers as people write them.
            as_of: of when the copy is.
            region: country of numbers written without one.

        Raises:
            InvalidInput: a value is unusable; of a number its place in the list is told.
        """
        check_text("name", name, 64)
        self._check_past("as_of", as_of)
        if not phones:
            raise InvalidInput("Give at least one number.", field="phones", value=[])

        def work() -> set[str]:
            return {need_any_number(p, region, f"phones[{i}]") for i, p in enumerate(phones)}

        return await self._replace(name, await asyncio.to_thread(work), as_of)

    async def _replace(self, name: str, numbers: set[str], as_of: datetime) -> DncList:
        found = await self._store.replace_dnc_list(name, numbers, as_of=as_of, now=self._clock())
        # Half a million numbers are not kept in mind: whoever waits to be called is judged anew.
        self._on_suppressed(None, None)
        self._on_change(None)
        return found

    async def import_dnc_list(
        self,
        name: str,
        path: Path,
        *,
        as_of: datetime,
        filename: str | None = None,
        region: str | None = None,
        column: str | None = None,
    ) -> ListImported:
        """Import a do-not-call register, or put a fresh copy in place of the old one.

        A file of which more than half cannot be used is refused: the old copy stays.

        Args:
            name: by which campaigns name it.
            path: a text file, see :class:`callcamp.engine.phones.NumberFile`.
            as_of: of when the copy is.
            filename: its name as the person knows it.
            region: country of numbers written without one.
            column: name of the column with the numbers (None: by the look of it).

        Raises:
            InvalidInput: the file, or a value, is unusable.
            LimitExceeded: the file is too large.
        """
        check_text("name", name, 64)
        self._check_past("as_of", as_of)
        file = NumberFile(
            path, filename or path.name, region=region, column=column, most=MOST_LIST_ROWS
        )
        numbers = await asyncio.to_thread(lambda: set(file.numbers()))
        if file.refused > file.rows / 2:
            raise InvalidInput(
                f"{file.refused:,} of {file.rows:,} rows hold no number that can be used, so the "
                "list was not imported. Say which column it is, or which country the numbers "
                "are of.",
                field="file",
                value=filename or path.name,
                problems=[f"row {p.row}: {p.value}: {p.why}" for p in file.problems[:10]],
            )
        found = await self._replace(name, numbers, as_of)
        return ListImported(found, file.rows, file.refused, tuple(file.problems))

    async def dnc_lists(self) -> list[DncList]:
        """Return the imported registers by name."""
        return await self._store.dnc_lists()

    async def delete_dnc_list(self, name: str) -> None:
        """Delete an imported register. Campaigns that have to check it do not call any more.

        Raises:
            NotFound: there is none of that name.
        """
        await self._store.delete_dnc_list(name)
        self._on_change(None)
