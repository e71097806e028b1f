"""What the tests of accounts share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from database_kit import make_database

from callcamp.core.permissions import Role
from callcamp.engine.access import Access
from callcamp.engine.passwords import Passwords
from callcamp.ports import User
from callcamp.settings import Settings
from callcamp.store import SqlStore

PASSWORD = "correct pony battery"
OTHER = "another pony battery"
HERE = "192.0.2.7"
START = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


class Watch:
    """A clock that stands until somebody turns it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return (self.at - START).total_seconds()

    def turn(self, **spans: float) -> None:
        self.at += timedelta(**spans)


def cheap(time_cost: int = 1) -> Passwords:
    """Return passwords that are hashed in a moment."""
    return Passwords(PasswordHasher(time_cost=time_cost, memory_cost=8, parallelism=1))


class Bench:
    """Use-cases over a database of their own."""

    def __init__(self, store: SqlStore, watch: Watch, file: Path) -> None:
        self.store, self.watch, self.file = store, watch, file
        self.access = self.another()

    def another(self, passwords: Passwords | None = None) -> Access:
        """Return use-cases as another process has them."""
        settings = Settings.model_construct()
        watch = self.watch
        return Access(self.store, settings, watch, passwords or cheap(), watch.monotonic_s)

    async def user(self, name: str = "ann", role: Role = Role.ADMIN, **right: Any) -> User:
        return await self.access.add_user(name, PASSWORD, role=role, **right)

    async def log_in(self, name: str = "ann", password: str = PASSWORD, **given: Any) -> str:
        values: dict[str, Any] = {"code": None, "address": HERE, "agent": "a browser", **given}
        return (await self.access.log_in(name, password, **values))[0]

    async def actions(self) -> list[str]:
        return [entry.action for entry in (await self.store.audit())[::-1]]


@asynccontextmanager
async def at_bench(folder: Path) -> AsyncIterator[Bench]:
    """Open a database with nobody in it."""
    file = folder / "callcamp.sqlite3"
    make_database(f"sqlite:///{file}")
    store = SqlStore(f"sqlite:///{file}")
    await store.open()
    try:
        yield Bench(store, Watch(), file)
    finally:
        await store.close()
