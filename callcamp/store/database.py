"""Connections: how a transaction, written as a plain function, reaches the database.

All SQL of this package lives in plain functions whose first argument is an SQLAlchemy
``Connection``. One call of :meth:`Database.write` is one transaction around one of them.

- SQLite: the whole function runs in one thread, through the plain driver. An asyncio
  driver would change threads for every cursor and every fetch; so it is once per
  transaction. One thread owns the one writing connection (two would only wait for each
  other); others read meanwhile, which the write-ahead log allows.
- PostgreSQL: the function runs on the event loop's own asyncio connection (asyncpg).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from callcamp.errors import CallcampError, InvalidInput, StoreError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_S = 60.0
"""How long a writer waits for another one; an import holds the database for seconds."""
READERS = 4
"""Threads and connections that read from SQLite."""


def parse_url(database_url: str) -> URL:
    """Return the address with the driver that callcamp uses for it.

    Raises:
        StoreError: it is not a SQLite file or a PostgreSQL database.
    """
    try:
        url = make_url(database_url)
    except ArgumentError:
        # The address may hold a password: it is not repeated.
        raise StoreError("The database address is not a URL such as sqlite:///PATH.") from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreError("A SQLite database needs a file: sqlite:///PATH.")
        return url.set(drivername="sqlite+pysqlite")
    if backend in {"postgresql", "postgres"}:
        query = dict(url.query)
        if "sslmode" in query:  # libpq's name for what asyncpg calls ssl
            query["ssl"] = query.pop("sslmode")
        return url.set(drivername="postgresql+asyncpg", query=query)
    raise StoreError(
        f"Databases of kind {backend!r} are not supported; give sqlite:///PATH or "
        "postgresql://user@host/name."
    )


def sqlite_path(url: URL) -> Path:
    """Return the file of a SQLite address."""
    return Path(url.database or "")


def need_file(url: URL) -> None:
    """Make sure that the file of a SQLite address is there; SQLite would make an empty one.

    Raises:
        StoreError: it is not.
    """
    if not sqlite_path(url).is_file():
        raise StoreError(
            f"There is no database at {url.database}; `callcamp migrate` makes it.",
            path=url.database,
        )


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what drivers raise into :class:`StoreError`, or :class:`InvalidInput`."""
    try:
        yield
    except CallcampError:
        raise
    except OverflowError as error:
        raise InvalidInput("A number is too large: nothing has one that long.") from error
    except Exception as error:
        # asyncpg's own errors pass SQLAlchemy while connecting.
        ours = isinstance(error, SQLAlchemyError | sqlite3.Error | OSError | UnicodeError)
        if not ours and not type(error).__module__.startswith("asyncpg"):
            raise
        reason = str(getattr(error, "orig", None) or error)
        raise StoreError(f"The database failed: {reason}", reason=reason) from error


def sqlite_engine(url: URL, *, read_only: bool = False, size: int = 1) -> Engine:
    """Return an engine for a SQLite file, every connection set up as callcamp needs it."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        # Statements vary with the length of their IN lists; the default of 128 is too few.
        connect_args={
            "timeout": BUSY_TIMEOUT_S,
            "check_same_thread": False,
            "cached_statements": 1000,
        },
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: see _begin.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        # A committed transaction survives a power cut. The outbox entry of a result is
        # deleted after its commit, and a call goes out after its commit as `dialing`:
        # NORMAL could lose either, and a person would be called twice.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at once: a reader that wants to write half way would be
        # refused without waiting when someone else has written since.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


class Database(ABC):
    """A database that runs functions of a connection, each in one transaction.

    Attributes:
        on_commit: gets, of every committed write, the seconds from asking for it to its commit,
            waiting for other writers included.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.on_commit: Callable[[float], None] | None = None

    @abstractmethod
    async def open(self) -> None:
        """Connect; does nothing when it is open already."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect when what runs is done; safe twice."""

    @abstractmethod
    async def read(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function that only reads."""

    async def write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in one transaction, committed when it returns."""
        began_s = time.monotonic()
        result = await self._write(fn, *args, **kwargs)
        if self.on_commit is not None:
            self.on_commit(time.monotonic() - began_s)
        return result

    @abstractmethod
    async def _write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...


class SqliteDatabase(Database):
    """A SQLite file: one writing thread, several reading ones."""

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._writer: Connection | None = None
        self._engines: list[Engine] = []
        self._write_thread: ThreadPoolExecutor | None = None
        self._read_threads: ThreadPoolExecutor | None = None
        self._file: tuple[int, int] | None = None

    async def open(self) -> None:
        """Connect; the file has to be there."""
        if self._writer is not None:
            return
        need_file(self.url)
        self._file = _identity(sqlite_path(self.url))
        writing = sqlite_engine(self.url)
        reading = sqlite_engine(self.url, read_only=True, size=READERS)
        self._engines = [writing, reading]
        self._write_thread = ThreadPoolExecutor(1, "store-write")
        self._read_threads = ThreadPoolExecutor(READERS, "store-read")
        try:
            with store_errors():
                self._writer = await asyncio.get_running_loop().run_in_executor(
                    self._write_thread, writing.connect
                )
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let running transactions end, then close every connection."""
        threads = [t for t in (self._write_thread, self._read_threads) if t is not None]
        writer, engines = self._writer, self._engines
        self._write_thread = self._read_threads = self._writer = None
        self._engines = []

        def shut() -> None:
            for thread in threads:
                thread.shutdown(wait=True)
            if writer is not None:
                writer.close()
            for engine in engines:
                engine.dispose()

        if threads:
            await asyncio.to_thread(shut)

    async def read(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function on one of the reading connections; it never waits for writers."""
        if self._read_threads is None:
            raise StoreError("The store is not open.")
        engine = self._engines[1]

        def run() -> T:
            with store_errors(), engine.begin() as connection:
                return fn(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._read_threads, run)

    async def _write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function on the writing connection, after those that wait already."""
        if self._write_thread is None or self._writer is None:
            raise StoreError("The store is not open.")
        connection = self._writer

        def run() -> T:
            self._check_file()
            with store_errors(), connection.begin():
                return fn(connection, *args, **kwargs)

        # In the caller's context: it says who acts, for the audit.
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._write_thread, context.run, run
        )

    def _check_file(self) -> None:
        """Refuse to write into a file that has no name any more: it would be lost at the end."""
        path = sqlite_path(self.url)
        if _identity(path) != self._file:
            raise StoreError(
                f"The database {path} was deleted or replaced while it was in use; nothing is "
                "written any more. Stop callcamp, put the database back, and start it again.",
                path=str(path),
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class PostgresDatabase(Database):
    """A PostgreSQL database, over asyncpg."""

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._engine: AsyncEngine | None = None

    async def open(self) -> None:
        """Connect once, to see that it works."""
        if self._engine is not None:
            return
        engine = postgres_engine(self.url)
        try:
            with store_errors():
                async with engine.connect():
                    pass
        except BaseException:
            await engine.dispose()
            raise
        self._engine = engine

    async def close(self) -> None:
        """Close every connection."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def read(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in a transaction of its own."""
        return await self._write(fn, *args, **kwargs)

    async def _write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in a transaction of its own."""
        if self._engine is None:
            raise StoreError("The store is not open.")
        with store_errors():
            async with self._engine.begin() as connection:
                return await connection.run_sync(fn, *args, **kwargs)


def postgres_engine(url: URL) -> AsyncEngine:
    """Return an engine for a PostgreSQL database.

    Raises:
        StoreError: asyncpg is not installed.
    """
    # With it comes SQLAlchemy's whole object mapper: only PostgreSQL pays for that.
    from sqlalchemy.ext.asyncio import create_async_engine

    try:
        return create_async_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise StoreError(
            "PostgreSQL needs asyncpg: install callcamp with its extra `postgresql`."
        ) from None


def database(database_url: str) -> Database:
    """Return the database at an address, not open yet."""
    url = parse_url(database_url)
    return SqliteDatabase(url) if url.get_backend_name() == "sqlite" else PostgresDatabase(url)


def run_once(
    database_url: str,
    fn: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a function in one transaction of a connection of its own, without an event loop.

    For the command line and for child processes; it may be called inside a running loop too,
    which it blocks.
    """
    return _run_once(parse_url(database_url), False, fn, *args, **kwargs)


def read_once(
    database_url: str,
    fn: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a function that only reads as :func:`run_once` does, without hindering writers."""
    return _run_once(parse_url(database_url), True, fn, *args, **kwargs)


def _run_once(
    url: URL,
    read_only: bool,
    fn: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    with store_errors():
        if url.get_backend_name() == "sqlite":
            need_file(url)
            engine = sqlite_engine(url, read_only=read_only)
            try:
                with engine.begin() as connection:
                    return fn(connection, *args, **kwargs)
            finally:
                engine.dispose()

        async def run() -> T:
            engine = postgres_engine(url)
            try:
                async with engine.begin() as connection:
                    return await connection.run_sync(fn, *args, **kwargs)
            finally:
                await engine.dispose()

        with ThreadPoolExecutor(1) as thread:  # asyncio.run refuses inside a running loop
            return thread.submit(asyncio.run, run()).result()
