"""Consents: who agreed to be called, for what, until when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from callcamp.core.gate import Consent
from callcamp.core.reasons import Reason
from callcamp.engine.checks import check_text
from callcamp.engine.desk import Desk
from callcamp.engine.phones import NumberFile, RefusedRow, need_any_number, need_number
from callcamp.errors import InvalidInput, NotFound

MOST_ROWS = 100_000
"""Rows of a file whose numbers get a consent."""


@dataclass(frozen=True, slots=True)
class ConsentsRecorded:
    """What became of a file of consents.

    Args:
        recorded: numbers with a consent on record now.
        contacts_released: contacts that waited for a consent and are looked at again.
        rows: rows with something in them.
        refused: rows whose number cannot be used.
        problems: the first of those.
        revoked: numbers left out because a consent was revoked after this one was given.
    """

    recorded: int
    contacts_released: int
    rows: int
    refused: int
    problems: tuple[RefusedRow, ...]
    revoked: int = 0


class Consents(Desk):
    """Use-cases on consents."""

    async def record_consent(
        self,
        phone: str,
        *,
        region: str | None = None,
        scope: str,
        source: str,
        given_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Consent:
        """Record a consent in place of an earlier one of the same number and scope.

        Contacts that wait for want of a consent are looked at again.

        Args:
            phone: the number as people write it.
            region: country of a number written without one.
            scope: what it is for, e.g. ``marketing``; campaigns name it.
            source: where it comes from, in words.
            given_at: when it was given (None: now).
            expires_at: until when it holds (None: for ever).

        Raises:
            InvalidInput: a value is unusable.
            Conflict: the one on record was revoked after this one was given.
        """
        consent = self._consent(need_number(phone, region), scope, source, given_at, expires_at)
        await self._store.record_consent(consent)
        await self._release()
        return consent

    async def record_consents_file(
        self,
        path: Path,
        *,
        filename: str | None = None,
        region: str | None = None,
        column: str | None = None,
        scope: str,
        source: str,
        given_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> ConsentsRecorded:
        """Record the same consent for every number of a text file; see :meth:`record_consent`.

        All of them are recorded, or none.

        Args:
            path: the file.
            filename: its name as the person knows it.
            region: country of numbers written without one.
            column: name of the column with the numbers (None: by the look of it).
            scope: what it is for.
            source: where it comes from, in words.
            given_at: when it was given (None: now).
            expires_at: until when it holds (None: for ever).

        Raises:
            InvalidInput: the file, or a value, is unusable.
            LimitExceeded: the file is too large.
        """
        model = self._consent("", scope, source, given_at, expires_at)
        file = NumberFile(
            path,
            filename or path.name,
            region=region,
            column=column,
            most=MOST_ROWS,
            any_range=False,
        )
        numbers = await asyncio.to_thread(lambda: list(dict.fromkeys(file.numbers())))
        recorded = await self._store.record_consents(
            replace(model, phone=number) for number in numbers
        )
        released = await self._release()
        return ConsentsRecorded(
            recorded,
            released,
            file.rows,
            file.refused,
            tuple(file.problems),
            len(numbers) - recorded,
        )

    async def revoke_consent(self, phone: str, *, region: str | None = None, scope: str) -> str:
        """Note that a consent was revoked; returns the number as E.164.

        Raises:
            InvalidInput: it is no number.
            NotFound: there is no consent of that scope that holds.
        """
        number = need_any_number(phone, region)
        check_text("scope", scope, 64)
        if not await self._store.revoke_consent(number, scope, now=self._clock()):
            raise NotFound(
                f"There is no consent of {number} for {scope!r} that holds.",
                kind="consent",
                key=number,
            )
        self._on_suppressed(None, [number])
        self._on_change(None)
        return number

    async def consents(self, phone: str, *, region: str | None = None) -> list[Consent]:
        """Return the consents on record of a number, revoked and expired ones included.

        Raises:
            InvalidInput: it is no number.
        """
        return await self._store.consents(need_any_number(phone, region))

    def _consent(
        self,
        phone: str,
        scope: str,
        source: str,
        given_at: datetime | None,
        expires_at: datetime | None,
    ) -> Consent:
        check_text("scope", scope, 64)
        check_text("source", source, 500)
        given = given_at if given_at is not None else self._clock()
        self._check_past("given_at", given)
        if expires_at is not None and (expires_at.tzinfo is None or expires_at <= given):
            raise InvalidInput(
                f"expires_at is {expires_at.isoformat()}; give an instant after the consent was "
                "given, with its time zone.",
                field="expires_at",
                value=expires_at.isoformat(),
            )
        return Consent(phone, scope, source, given, expires_at)

    async def _release(self) -> int:
        released = await self._store.release_holds(None, [Reason.NO_CONSENT], now=self._clock())
        self._on_change(None)
        return released
