"""What the engine asks its database while it dials never reads a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents_kit import connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Script, bench, passes, until
from sqlalchemy import Engine as Database
from sqlalchemy import event, text

from callcamp.core.agent_settings import DialMethod
from callcamp.core.campaign_settings import CampaignMode
from callcamp.store.database import run_once

GROWING = (
    *("agent_shift", "agent_span", "attempt", "audit", "consent", "contact"),
    *("contact_number", "dnc_number", "kept_reply", "number_day", "person", "person_number"),
    *("suppression", "webhook_delivery", "webhook_try"),
)
"""Tables that grow with contacts and calls; notes of calls go with the end of their call."""
SMALL_INDEXES = ("uq_attempt_live", "ix_attempt_live", "ix_contact_callback", "uq_agent_span_lasts")
"""Indexes of what is under way alone: reading one of them whole is fine."""
SCAN = re.compile(rf"SCAN ({'|'.join(GROWING)})\b(?: USING(?: COVERING)? INDEX (\w+))?")


@contextmanager
def statements() -> Iterator[dict[str, Any]]:
    """Collect the SQL of a block, with values of each statement."""
    seen: dict[str, Any] = {}

    def note(_c: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool) -> None:
        seen.setdefault(sql, values[0] if many else values)

    event.listen(Database, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Database, "before_cursor_execute", note)


def scans(url: str, seen: dict[str, Any]) -> list[str]:
    """Return the statements that read a growing table whole, and how."""

    def explain(connection: Any) -> list[str]:
        found = []
        for sql, values in seen.items():
            # To insert a parent SQLite would look for children, but only in a broken database.
            if not re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)\b", sql):
                continue
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values):
                scan = SCAN.match(row[3])
                if scan and scan[2] not in SMALL_INDEXES:
                    found.append(f"{row[3]}: {sql}")
        return found

    return run_once(url, explain)


async def test_dialling_and_asking_why_read_no_table_whole(tmp_path: Path) -> None:
    async with bench(tmp_path, Script()) as b:
        with statements() as seen:
            engine = await b.start()
            campaign = await b.campaign(5, attempts=2, mode=CampaignMode.ALWAYS_ON)
            await b.ordered(5)
            await engine.commands.why.campaign(campaign.id)
            await engine.commands.stats(campaign.id)
            await engine.commands.pause(campaign.id)
            await engine.commands.resume(campaign.id)
            await passes(0.2)
            await b.stop()
            await b.start()
    assert len(seen) > 40
    assert scans(b.settings.database_url, seen) == []


async def test_agents_work_without_a_table_read_whole(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        with statements() as seen:
            engine = await b.start()
            campaign = await staffed(b, DialMethod.PREDICTIVE)
            (attempt_id,) = await b.placed(1)
            reach(b, attempt_id)
            connect(b, attempt_id, view(b).agent.id)
            await until(lambda: view(b).call is not None)
            hang_up(b, attempt_id, view(b).agent.id)
            await until(lambda: not len(engine._registry))
            await engine.commands.why.campaign(campaign.id)
            await b.store.agent_work(
                since=campaign.created_at, until=b.clock.now(), campaign_id=campaign.id
            )
            await b.store.callbacks(campaign.id)
    assert len(seen) > 40
    assert scans(b.settings.database_url, seen) == []


def test_a_table_read_whole_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").touch()
    url = f"sqlite:///{tmp_path}/x.sqlite3"
    run_once(url, lambda c: c.execute(text("CREATE TABLE contact (id INTEGER, phone TEXT)")))
    found = scans(url, {"SELECT phone FROM contact WHERE phone = ?": ("+1",)})
    assert found == ["SCAN contact: SELECT phone FROM contact WHERE phone = ?"]
