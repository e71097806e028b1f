"""Fresh copies of do-not-call registers: brought in bit by bit, put in place all at once.

A register may have millions of numbers, and calls must not wait until they are written. So a
copy is written in many short transactions, with pauses in which others write, under a name that
no list can have. One short transaction then gives it the name, and takes that from the old copy:
whoever looks a number up finds the old copy or the new one, whole. What lost its name is thrown
away bit by bit as well. A copy that was given up half way (an error, a kill) has no name that
anybody asks for, and is swept when nothing was added to it for :data:`IDLE_S`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, text, update

from callcamp.errors import StoreError
from callcamp.ports import DncList
from callcamp.store import dnc, many
from callcamp.store import record_tables as r
from callcamp.store.database import Database

P = ParamSpec("P")
T = TypeVar("T")

CHUNK = 5_000
"""Numbers of one transaction: some ten milliseconds of SQLite's one writer."""
IDLE_S = 300.0
"""Seconds without a further number after which a copy is taken for given up."""
LEAST_PAUSE_S = 0.02
_d = r.dnc_list.c
_n = r.dnc_number.c
_BY_CLOCK = {
    "sqlite": text("SELECT CAST(strftime('%s', 'now') AS INTEGER)"),
    "postgresql": text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)"),
}


class Copies:
    """Brings copies of registers in, and throws them away.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    async def replace(
        self, name: str, phones: Sequence[str], as_of: datetime, now: datetime
    ) -> DncList:
        """Put a copy in place of the one that a list has; see :func:`callcamp.store.dnc.switch`.

        Args:
            name: name of the list.
            phones: numbers as :func:`callcamp.store.dnc.checked` gives them.
            as_of: of when the copy is.
            now: the instant.

        Raises:
            InvalidInput: the name is none, or the copy is of the future.
            StoreError: the database fails, or the copy was swept: it stood still for too long.
        """
        dnc.check(name, as_of, now)
        list_id = await self._write(begin, as_of, now)
        try:
            for start in range(0, len(phones), CHUNK):
                await self._write(append, list_id, phones[start : start + CHUNK])
            # Found before the switch, so that calls do not wait for it; those who came since
            # are few, and are looked up in it.
            waiting = await self._db.read(dnc.waiting, name, list_id)
            made = DncList(name, len(phones), as_of, now)
            await self._db.write(dnc.switch, list_id, made, waiting)
        except BaseException:
            with suppress(StoreError):
                await self._db.write(retire, list_id)
                await self.sweep()
            raise
        await self._tidy()
        return made

    async def remove(self, name: str) -> None:
        """Delete a list.

        Raises:
            NotFound: there is none of that name.
        """
        await self._db.write(dnc.remove, name)
        await self._tidy()

    async def sweep(self, *, idle_s: float = IDLE_S) -> int:
        """Throw copies away that lost their name or were given up; returns how many there were.

        Args:
            idle_s: seconds without a further number after which one is taken for given up.
        """
        found = await self._db.read(given_up, idle_s)
        if found:
            found = await self._db.write(retire_idle, idle_s)
        for list_id in found:
            while await self._write(drop_some, list_id):
                pass
        return len(found)

    async def _tidy(self) -> None:
        """Throw away what is left; the list is in place by now, so that failing is no failure."""
        with suppress(StoreError):
            await self.sweep()

    async def _write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Write, then leave the database to others for as long.

        Who waits for SQLite's lock looks for it about every third of the time waited so far, so
        a pause as long as the transaction lets everybody in who came meanwhile.
        """
        began_s = time.monotonic()
        result = await self._db.write(fn, *args, **kwargs)
        await asyncio.sleep(max(LEAST_PAUSE_S, time.monotonic() - began_s))
        return result


def begin(connection: Connection, as_of: datetime, now: datetime) -> int:
    """Begin a copy without a name or numbers; returns its id."""
    values = {"name": dnc.nameless(uuid4().hex), "as_of": as_of, "imported_at": now, "numbers": 0}
    statement = insert(r.dnc_list).values(staged_at=_clock_s(connection), **values)
    return int(connection.execute(statement.returning(_d.id)).scalar_one())


def append(connection: Connection, list_id: int, phones: Sequence[str]) -> None:
    """Add numbers to a copy.

    Raises:
        StoreError: it was swept meanwhile.
    """
    mine = (_d.id == list_id, _d.staged_at > dnc.RETIRED)
    touched = update(r.dnc_list).where(*mine).values(staged_at=_clock_s(connection))
    if connection.execute(touched).rowcount != 1:
        raise dnc.swept()
    columns = {"list_id": "bigint", "phone": "text"}
    many.insert_many(connection, "dnc_number", columns, [(list_id, phone) for phone in phones])


def retire(connection: Connection, list_id: int) -> None:
    """Let a copy be thrown away, unless it has got its name."""
    staged = (_d.id == list_id, _d.staged_at.is_not(None))
    connection.execute(update(r.dnc_list).where(*staged).values(staged_at=dnc.RETIRED))


def given_up(connection: Connection, idle_s: float) -> list[int]:
    """Return the ids of copies that are to be thrown away."""
    old = _d.staged_at <= max(_clock_s(connection) - int(idle_s), dnc.RETIRED)
    return list(connection.scalars(select(_d.id).where(old).order_by(_d.id)))


def retire_idle(connection: Connection, idle_s: float) -> list[int]:
    """Mark those of :func:`given_up`, so that nobody adds to them or puts them in place."""
    found = given_up(connection, idle_s)
    connection.execute(
        update(r.dnc_list)
        .where(_d.id.in_(found), _d.staged_at.is_not(None))
        .values(staged_at=dnc.RETIRED)
    )
    return found


def drop_some(connection: Connection, list_id: int) -> bool:
    """Delete some numbers of a retired copy, in the end the copy; returns whether more are left."""
    of_copy = _n.list_id == list_id
    last = connection.scalar(
        select(_n.phone).where(of_copy).order_by(_n.phone).limit(1).offset(CHUNK - 1)
    )
    some = delete(r.dnc_number).where(of_copy)
    if last is not None:
        connection.execute(some.where(_n.phone <= last))
        return True
    connection.execute(some)
    retired = (_d.id == list_id, _d.staged_at == dnc.RETIRED)
    connection.execute(delete(r.dnc_list).where(*retired))
    return False


def _clock_s(connection: Connection) -> int:
    """Return the database's own clock: who brings in and who sweeps may be two machines."""
    return int(connection.execute(_BY_CLOCK[connection.dialect.name]).scalar_one())
