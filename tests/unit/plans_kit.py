"""How SQLite carries out what the store asks of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from callcamp.store.database import run_once


def plans(url: str, ask: Callable[[Connection], Any]) -> str:
    """Return the plan of every statement that a function sends, exactly as it is sent."""

    def run(connection: Connection) -> str:
        sent: list[Any] = []
        event.listen(connection, "before_cursor_execute", lambda *args: sent.append(args[2:4]))
        ask(connection)
        return "\n".join(
            row[3]
            for sql, values in list(sent)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        )

    return run_once(url, run)
