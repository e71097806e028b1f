"""The schema that the migrations build, and how files and connections are set up."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from callcamp.core.agent_settings import AgentSettings
from callcamp.core.campaign_settings import CampaignMode
from callcamp.core.places import place_of
from callcamp.core.reasons import Reason
from callcamp.core.states import LIVE_ATTEMPT
from callcamp.errors import StoreError
from callcamp.ports import InHand
from callcamp.store import SqlStore, migrate, schema
from callcamp.store.columns import from_us
from callcamp.store.database import parse_url, run_once, sqlite_engine
from callcamp.store.tables import LIVE, metadata


def _objects(connection: Connection) -> dict[str, Any]:
    found = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'"
        " AND name NOT LIKE 'sqlite%'"
    )
    return {name: _parts(sql) for name, sql in found}


def _parts(sql: str) -> list[str]:
    """Return the columns and constraints of a table; their order does not matter."""
    # A column that came later stands behind the last constraint.
    depth, parts = 0, [""]
    for char in " ".join(sql.split()):
        before, depth = depth, depth + (char == "(") - (char == ")")
        if {before, depth} == {0, 1} or (char == "," and depth == 1):
            parts.append("")
        else:
            parts[-1] += char
    return sorted(part.strip() for part in parts)


def test_migrations_build_what_the_tables_say(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/migrated.sqlite3"
    migrate(address)
    assert not run_once(
        address, lambda c: compare_metadata(MigrationContext.configure(c), metadata)
    )
    engine = create_engine(f"sqlite:///{tmp_path}/made.sqlite3")
    with engine.begin() as connection:
        metadata.create_all(connection)
        made = _objects(connection)
    engine.dispose()
    migrated = run_once(address, _objects)
    assert made.keys() == migrated.keys()
    for name, lines in made.items():
        assert migrated[name] == lines, name


def test_there_is_one_head() -> None:
    assert schema._script().get_heads() == [schema.head()]


def old_database(folder: Path, revision: str, *statements: str) -> str:
    """Make a database as an older version left it; returns its address."""
    address = f"sqlite:///{folder}/old.sqlite3"

    def fill(connection: Connection) -> None:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in statements:
            connection.exec_driver_sql(statement)

    (folder / "old.sqlite3").touch()
    run_once(address, fill)
    return address


@asynccontextmanager
async def brought_up_to_date(address: str) -> AsyncIterator[SqlStore]:
    """Migrate a database and open it for a block."""
    assert migrate(address) == schema.head()
    store = SqlStore(address)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    trunk = "INSERT INTO trunk VALUES (7, 'kept', 'PJSIP/{number}@t', 1, 2)"
    address = old_database(tmp_path, "0001", trunk)
    with pytest.raises(StoreError, match=f"at revision 0001, this version needs {schema.head()}"):
        await SqlStore(address).open()
    assert schema.needs_migration(address)
    async with brought_up_to_date(address) as store:
        assert [trunk.name for trunk in await store.trunks()] == ["kept"]
        assert await store.mapping_presets() == []


_BEFORE_THE_RULE_BOOK = """
INSERT INTO trunk VALUES (7, 'kept', 'PJSIP/{number}@t', 1, 2);
INSERT INTO campaign VALUES (1, 'running', 7, 2, '{"name": "b", "trunk_id": 7}', 1, 3, NULL);
INSERT INTO campaign_version VALUES
  (1, 1, '{"name": "a", "trunk_id": 7}', 1), (1, 2, '{"name": "b", "trunk_id": 7}', 2);
INSERT INTO contact
  (campaign_id, id, phone, variables, status, attempts, due_at, disposition) VALUES
  (1, 1, '+33612000001', '{"a": "1"}', 'pending', 0, 5, NULL),
  (1, 2, '+12125551234', '{"timezone": "Asia/Tokyo"}', 'pending', 1, 7, 'busy'),
  (1, 3, '+33612000003', '{}', 'completed', 2, NULL, 'answered_person'),
  (1, 4, '+33612000004', '{}', 'skipped', 0, NULL, NULL);
INSERT INTO attempt VALUES
  ('a', 1, 3, '+33612000003', 1, 'ended', 1, 30, 1, 2, 1, 1, 1, 1, 'busy', NULL),
  ('b', 1, 3, '+33612000003', 2, 'ended', 1, 30, 1, 2, 1, 1, 1, 1, 'answered_person', '{}'),
  ('c', 1, 2, '+12125551234', 1, 'ended', 1, 30, 1, 2, 1, 1, 1, 1, 'busy', NULL);
INSERT INTO campaign_count VALUES
  (1, 'contact', 'pending', 2), (1, 'contact', 'completed', 1), (1, 'contact', 'skipped', 1),
  (1, 'attempt', 'busy', 2), (1, 'attempt', 'answered_person', 1),
  (1, 'result', 'answered_person', 1)
"""


async def test_campaigns_of_the_version_before_go_on_as_they_did(tmp_path: Path) -> None:
    address = old_database(tmp_path, "0002", *_BEFORE_THE_RULE_BOOK.split(";"))
    async with brought_up_to_date(address) as store:
        broken = run_once(address, lambda c: c.exec_driver_sql("PRAGMA foreign_key_check").all())
        assert broken == []
        campaign = await store.campaign(1)
        assert campaign.settings.mode is CampaignMode.MULTI_DAY
        assert campaign.run_at == campaign.started_at == from_us(3)
        versions = await store.settings_versions(1)
        assert [(v.version, v.settings.mode, v.actor) for v in versions] == [
            (1, CampaignMode.MULTI_DAY, ""),
            (2, CampaignMode.MULTI_DAY, ""),
        ]
        assert await store.recount(1) == {}
        fresh, again, done, _ = await store.contacts(1)
        assert (fresh.place, fresh.hold, fresh.others) == (place_of(fresh.phone, {}).key, None, ())
        assert again.place == place_of(again.phone, again.variables).key
        assert (again.hold, again.number_index, again.round_base) == (Reason.RETRY_WAITS, 0, 0)
        assert (done.place, done.success) == (place_of(done.phone, {}).key, True)
        assert await store.heads(1) == {fresh.place: from_us(5), again.place: from_us(7)}
        counts = await store.counts(1)
        assert counts.waiting == {None: 1, Reason.RETRY_WAITS: 1}
        assert (counts.skipped, counts.successes) == ({None: 1}, 1)
        attempts = {a.id: a for a in await store.attempts(1)}
        assert {k: a.round_ordinal for k, a in attempts.items()} == {"a": 1, "b": 2, "c": 1}
        assert (attempts["a"].gate, attempts["a"].variables, attempts["a"].refused) == (
            {},
            {},
            False,
        )


_BEFORE_AGENTS = """
INSERT INTO trunk VALUES (7, 'kept', 'PJSIP/{number}@t', 1, 2);
INSERT INTO campaign VALUES (1, 'running', 7, 1, '{"name": "b", "trunk_id": 7}', 1, 3, NULL, 3);
INSERT INTO contact
  (campaign_id, id, phone, variables, status, attempts, due_at, callback_at, place) VALUES
  (1, 1, '+33612000001', '{}', 'pending', 1, 5, 5, 'FR');
INSERT INTO attempt (id, campaign_id, contact_id, number, ordinal, status, settings_version,
  ring_timeout_s, claimed_at, lease_until, dialed_at, ended_at, disposition) VALUES
  ('a', 1, 1, '+33612000001', 1, 'ended', 1, 30, 1, 2, 1, 1, 'answered_person');
INSERT INTO campaign_count VALUES
  (1, 'contact', 'pending', 1), (1, 'attempt', 'answered_person', 1)
"""


async def test_calls_of_the_version_without_agents_are_kept(tmp_path: Path) -> None:
    address = old_database(tmp_path, "0008", *_BEFORE_AGENTS.split(";"))
    async with brought_up_to_date(address) as store:
        assert (await store.campaign(1)).settings.agents == AgentSettings()
        (contact,) = await store.callbacks(1)
        assert (contact.callback_at, contact.callback_agent_id) == (from_us(5), None)
        (attempt,) = await store.attempts(1)
        assert (attempt.agent_id, attempt.connected_at) == (None, None)
        assert await store.abandon_account(1, since=from_us(0)) == (1, 0)
        assert await store.agents() == await store.live_shifts() == []
        assert await store.last_agents([1]) == {}


async def test_shifts_of_the_version_before_go_on_with_nothing_under_way(tmp_path: Path) -> None:
    address = old_database(
        tmp_path,
        "0009",
        *_BEFORE_AGENTS.split(";"),
        "INSERT INTO agent VALUES (3, 'ann', '', 1, 'sip', 'ann', NULL, 'secret')",
        "INSERT INTO agent_shift VALUES (5, 3, 1, 10, NULL)",
        "INSERT INTO agent_span VALUES (6, 5, 3, 1, 'talking', 10, NULL, '', 'a')",
    )
    async with brought_up_to_date(address) as store:
        (live,) = await store.live_shifts()
        assert (live.shift.id, live.span.attempt_id, live.in_hand) == (5, "a", InHand())
        assert await store.call_notes() == []


def test_the_condition_of_live_attempts_names_them_all() -> None:
    assert set(re.findall(r"'(\w+)'", LIVE)) == {str(s) for s in LIVE_ATTEMPT}


def test_the_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.sqlite3"
    migrate(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        migrate(f"sqlite:///{tmp_path}/file/x.sqlite3")


@pytest.mark.parametrize("read_only", [False, True])
def test_connections_are_durable_and_strict(tmp_path: Path, read_only: bool) -> None:
    address = f"sqlite:///{tmp_path}/x.sqlite3"
    migrate(address)
    engine = sqlite_engine(parse_url(address), read_only=read_only)
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 60_000,
        "query_only": int(read_only),
    }
    with engine.connect() as connection:
        for pragma, value in wanted.items():
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value, pragma
    engine.dispose()


def test_addresses_get_the_drivers_that_are_used() -> None:
    assert parse_url("sqlite:///a/b").drivername == "sqlite+pysqlite"
    assert parse_url("sqlite+aiosqlite:////a/b").database == "/a/b"
    url = parse_url("postgres://me:secret@host:5433/db?sslmode=require")
    assert (url.drivername, dict(url.query)) == ("postgresql+asyncpg", {"ssl": "require"})


def test_an_unreadable_address_is_not_repeated() -> None:
    with pytest.raises(StoreError) as caught:
        parse_url("postgresql//me:secret@host")
    assert "secret" not in str(caught.value.as_dict())


async def test_postgresql_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StoreError, match="asyncpg"):
        await SqlStore("postgresql://host/db").open()
