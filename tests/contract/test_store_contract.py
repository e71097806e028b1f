"""What every store promises: opening, leases, trunks and campaigns.

SQLite always; PostgreSQL when ``CALLCAMP_TEST_POSTGRES_URL`` names a database that may be
emptied.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from store_kit import (
    NOW,
    dialed,
    draft,
    ended,
    numbers,
    opened,
    problems,
    released,
    running,
    sql,
    take,
)

from callcamp.core.campaign_settings import CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.outcome import Disposition
from callcamp.core.states import (
    AttemptStatus,
    CampaignEvent,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import (
    Conflict,
    IllegalTransition,
    NotFound,
    StoreError,
)
from callcamp.ports import SettingsVersion, acting_as
from callcamp.store import SqlStore, current_revision, migrate, needs_migration
from callcamp.store.bulk import existing_phones


async def test_a_database_without_tables_says_migrate(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    assert needs_migration(empty_url)
    with pytest.raises(StoreError, match="callcamp migrate"):
        await SqlStore(empty_url).open()


def test_a_missing_file_is_not_made_by_asking(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with pytest.raises(StoreError, match="callcamp migrate"):
        existing_phones(f"sqlite:///{path}", 1)
    assert not path.exists()


def test_asking_for_the_revision_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not needs_migration(f"sqlite:///{path}")
        other.rollback()


async def test_an_empty_file_says_migrate(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite3"
    path.touch()
    with pytest.raises(StoreError, match="callcamp migrate"):
        await SqlStore(f"sqlite:///{path}").open()


async def test_migrate_makes_a_current_database_and_may_run_again(empty_url: str) -> None:
    revision = migrate(empty_url)
    assert current_revision(empty_url) == revision
    assert not needs_migration(empty_url)
    assert migrate(empty_url) == revision
    async with opened(empty_url) as store:
        assert await store.campaigns() == []


async def test_a_database_from_a_newer_version_is_refused(url: str) -> None:
    sql(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer"):
        await SqlStore(url).open()
    with pytest.raises(StoreError, match="newer"):
        migrate(url)
    assert needs_migration(url)


async def test_a_broken_file_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"no database at all, " * 500)
    with pytest.raises(StoreError):
        await SqlStore(f"sqlite:///{path}").open()
    with pytest.raises(StoreError):
        migrate(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "address", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"]
)
def test_other_databases_are_refused(address: str) -> None:
    with pytest.raises(StoreError):
        SqlStore(address)


async def test_closing_twice_or_unopened_is_safe_and_closed_stores_say_so(url: str) -> None:
    store = SqlStore(url)
    await store.close()
    await store.open()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="not open"):
        await store.trunks()
    with pytest.raises(StoreError, match="not open"):
        await store.release_engine("x")
    await store.open()
    assert await store.trunks() == []
    await store.close()


async def test_what_was_written_is_there_after_reopening(url: str) -> None:
    async with opened(url) as store:
        campaign_id = await running(store)
    async with opened(url) as store:
        assert (await store.campaign(campaign_id)).status is CampaignStatus.RUNNING
        assert len(await store.contacts(campaign_id)) == 3


async def test_one_engine_at_a_time(store: SqlStore) -> None:
    assert await store.hold_engine("one", now=NOW, ttl_s=10) is None
    assert await store.hold_engine("two", now=NOW, ttl_s=10) == "one"
    later = NOW + timedelta(seconds=8)
    assert await store.hold_engine("one", now=later, ttl_s=10) is None  # renewed
    assert await store.hold_engine("two", now=NOW + timedelta(seconds=12), ttl_s=10) == "one"
    assert await store.hold_engine("two", now=NOW + timedelta(seconds=18), ttl_s=10) is None
    assert await store.hold_engine("one", now=NOW + timedelta(seconds=19), ttl_s=10) == "two"
    await store.release_engine("one")  # does not have it
    assert await store.hold_engine("one", now=NOW + timedelta(seconds=19), ttl_s=10) == "two"
    await store.release_engine("two")
    assert await store.hold_engine("one", now=NOW + timedelta(seconds=19), ttl_s=10) is None


async def test_of_many_engines_at_once_one_wins(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        answers = await asyncio.gather(
            *(s.hold_engine(f"e{i}", now=NOW, ttl_s=10) for i, s in enumerate([one, two] * 5))
        )
    assert Counter(answers)[None] == 1
    assert len(set(answers) - {None}) == 1


async def test_trunks_are_added_and_changed_by_name(store: SqlStore) -> None:
    b = await store.save_trunk("b", dial_string="PJSIP/{number}@b", cps=2.5, max_channels=30)
    a = await store.save_trunk("a", dial_string="PJSIP/{number}@a", cps=1)
    assert await store.trunks() == [a, b]
    changed = await store.save_trunk("b", dial_string="SIP/{number}", cps=3)
    assert changed.id == b.id
    assert (changed.cps, changed.max_channels, changed.dial_string) == (3, None, "SIP/{number}")
    assert await store.trunks() == [a, changed]


async def test_all_settings_come_back_as_they_went(store: SqlStore) -> None:
    trunk = await store.save_trunk("t", dial_string="x", cps=1)
    full = CampaignSettings(
        name="Winter “sale” 'x'",
        trunk_id=trunk.id,
        concurrency=7,
        ring_timeout_s=21,
        retry=RetryPolicy(5, 60, frozenset({Disposition.BUSY, Disposition.VOICEMAIL})),
        window=DailyWindow(time(22, 30), time(6, 15), "Europe/Paris", frozenset({0, 4, 6})),
        default_region="FR",
        caller_id="+33123456789",
        prompt="custom/hello",
        machine_message="custom/message",
        detect_machines=False,
        description="many\nlines",
    )
    plain = CampaignSettings("plain", trunk.id, retry=RetryPolicy(retry_on=frozenset()))
    for wanted in (full, plain):
        made = await store.create_campaign(wanted, now=NOW)
        assert made.settings == wanted
        assert await store.campaign(made.id) == made
    assert made.status is CampaignStatus.DRAFT
    assert (made.version, made.created_at, made.started_at, made.ended_at) == (1, NOW, None, None)
    assert made.created_at.utcoffset() == timedelta(0)


async def test_instants_of_other_zones_are_the_same_instant(store: SqlStore) -> None:
    from zoneinfo import ZoneInfo

    trunk = await store.save_trunk("t", dial_string="x", cps=1)
    local = datetime(2026, 7, 1, 12, 0, 0, 999999, tzinfo=ZoneInfo("Asia/Kolkata"))
    made = await store.create_campaign(CampaignSettings("c", trunk.id), now=local)
    assert (await store.campaign(made.id)).created_at == local


async def test_campaigns_newest_first_and_by_status(store: SqlStore) -> None:
    a, b, c = [await draft(store, name=n) for n in "abc"]
    await store.move_campaign(b, CampaignEvent.STARTED, now=NOW)
    assert [x.id for x in await store.campaigns()] == [c, b, a]
    assert [x.id for x in await store.campaigns(CampaignStatus.DRAFT)] == [c, a]
    assert [x.id for x in await store.campaigns(CampaignStatus.RUNNING)] == [b]


OPEN = (CampaignStatus.DRAFT, CampaignStatus.RUNNING, CampaignStatus.PAUSED)
RENAME = """
import asyncio, sys
from dataclasses import replace
from datetime import UTC, datetime
from callcamp.store import SqlStore

async def rename():
    store = SqlStore(sys.argv[1])
    await store.open()
    campaign = await store.campaign(int(sys.argv[2]))
    await store.change_settings(
        campaign.id,
        replace(campaign.settings, name="renamed"),
        expected_version=campaign.version,
        now=datetime.now(UTC),
    )
    await store.close()

asyncio.run(rename())
"""


async def test_only_settings_that_changed_are_read_again(store: SqlStore, url: str) -> None:
    a, b, c = [await draft(store, name=n) for n in "abc"]
    first = {one.id: one for one in await store.campaigns_again({}, OPEN)}
    assert list(first.values()) == [await store.campaign(i) for i in (a, b, c)]

    await store.move_campaign(a, CampaignEvent.STARTED, now=NOW)
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", RENAME, url, str(b)], check=True, timeout=60
    )
    second = {one.id: one for one in await store.campaigns_again(first, OPEN)}
    assert list(second.values()) == [await store.campaign(i) for i in (a, b, c)]
    assert second[a].status is CampaignStatus.RUNNING
    assert second[b].settings.name == "renamed"
    # Whoever decodes makes a new object.
    assert second[a].settings is first[a].settings
    assert second[b].settings is not first[b].settings
    assert second[c].settings is first[c].settings


async def test_campaigns_are_read_again_by_state_and_by_id(store: SqlStore) -> None:
    a, b, c = [await draft(store, name=n) for n in "abc"]
    for campaign_id in (a, b):
        await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    found = await store.campaigns_again({}, OPEN)
    assert [one.id for one in found] == [c]
    known = {one.id: one for one in found}
    assert [one.id for one in await store.campaigns_again(known, OPEN, [b, 99])] == [b, c]
    assert await store.campaigns_again(known, [CampaignStatus.RUNNING]) == []


async def test_what_is_not_there_is_not_found(store: SqlStore) -> None:
    some = CampaignSettings("x", 77)
    with pytest.raises(NotFound):
        await store.create_campaign(some, now=NOW)
    kept = await draft(store)
    with pytest.raises(NotFound):
        await store.change_settings(kept, some, expected_version=1, now=NOW)
    for call in (
        store.campaign(99),
        store.change_settings(99, some, expected_version=1, now=NOW),
        store.move_campaign(99, CampaignEvent.STARTED, now=NOW),
        store.finish_if_done(99, now=NOW),
        store.add_contacts(99, numbers(1), now=NOW),
        store.contacts(99),
        store.delete_contacts(99),
        take(store, 99, ["a"]),
        store.attempt("nobody"),
        store.attempts(99),
        store.counts(99),
        store.create_import(99, "f", {}, now=NOW),
        store.contact_import(99),
        store.imports(99),
        store.undo_import(99, now=NOW),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.details["key"] in {99, "nobody"}


async def test_settings_change_by_version_and_old_versions_are_kept(store: SqlStore) -> None:
    campaign_id = await draft(store, concurrency=1)
    before = (await store.campaign(campaign_id)).settings
    later = NOW + timedelta(minutes=5)
    with acting_as("cli:root"):
        after = await store.change_settings(
            campaign_id, replace(before, concurrency=2), expected_version=1, now=later
        )
    assert (after.version, after.settings.concurrency) == (2, 2)
    with pytest.raises(Conflict):
        await store.change_settings(
            campaign_id, replace(before, concurrency=3), expected_version=1, now=NOW
        )
    assert await store.campaign(campaign_id) == after
    assert await store.settings_versions(campaign_id) == [
        SettingsVersion(1, before, NOW, "engine"),
        SettingsVersion(2, after.settings, later, "cli:root"),
    ]
    with pytest.raises(NotFound):
        await store.settings_versions(99)


async def test_a_change_of_older_settings_tells_only_what_was_changed(url: str) -> None:
    async with opened(url) as store:
        campaign_id = await draft(store, concurrency=1)
    statement = "UPDATE campaign SET settings = :settings"
    (found,) = sql(url, "SELECT settings FROM campaign")
    settings = json.loads(found[0]) if isinstance(found[0], str) else found[0]
    older = {k: v for k, v in settings.items() if k not in {"callbacks", "legal", "pool"}}
    sql(url, statement, settings=json.dumps(older))
    async with opened(url) as store:
        before = (await store.campaign(campaign_id)).settings
        await store.change_settings(
            campaign_id, replace(before, concurrency=2), expected_version=1, now=NOW
        )
        (entry, *_) = await store.audit(campaign_id=campaign_id)
        assert entry.before == {"version": 1, "concurrency": 1}
        assert entry.after == {"version": 2, "concurrency": 2}


async def test_of_two_changes_at_once_one_conflicts(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        campaign_id = await draft(one)
        before = (await one.campaign(campaign_id)).settings
        results = await asyncio.gather(
            *(
                s.change_settings(campaign_id, replace(before, name=n), expected_version=1, now=NOW)
                for s, n in ((one, "one"), (two, "two"))
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(r, Conflict) for r in results) == 1
        assert (await one.campaign(campaign_id)).version == 2


async def test_the_steps_of_a_campaign_and_their_instants(store: SqlStore) -> None:
    campaign_id = await draft(store)
    at = [NOW + timedelta(minutes=i) for i in range(7)]
    started = await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=at[0])
    assert (started.status, started.started_at) == (CampaignStatus.RUNNING, at[0])
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=at[1])
    await store.move_campaign(campaign_id, CampaignEvent.RESUMED, now=at[2])
    done = await store.move_campaign(campaign_id, CampaignEvent.FINISHED, now=at[3])
    assert (done.status, done.ended_at) == (CampaignStatus.COMPLETED, at[3])
    again = await store.move_campaign(campaign_id, CampaignEvent.REOPENED, now=at[4])
    assert (again.status, again.ended_at) == (CampaignStatus.RUNNING, None)
    assert again.started_at == at[0]
    stopped = await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=at[5])
    assert (stopped.status, stopped.ended_at) == (CampaignStatus.CANCELED, at[5])
    for event in CampaignEvent:
        with pytest.raises(IllegalTransition):
            await store.move_campaign(campaign_id, event, now=at[6])
    assert await store.campaign(campaign_id) == stopped


async def test_a_queued_campaign_starts_once(store: SqlStore) -> None:
    campaign_id = await draft(store)
    queued = await store.move_campaign(campaign_id, CampaignEvent.QUEUED, now=NOW)
    assert (queued.status, queued.started_at) == (CampaignStatus.QUEUED, None)
    started = await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    assert started.started_at == NOW


async def test_stop_cancels_what_is_pending_and_lets_live_calls_go_on(store: SqlStore) -> None:
    campaign_id = await running(store, 5)
    other = await running(store, 2)
    (live,) = await dialed(store, campaign_id)
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    counts = await store.counts(campaign_id)
    assert counts.contacts == {ContactStatus.CANCELED: 4, ContactStatus.IN_PROGRESS: 1}
    assert counts.live == {AttemptStatus.DIALING: 1}
    assert (await store.counts(other)).contacts == {ContactStatus.PENDING: 2}
    assert await take(store, campaign_id, ["b"]) == []
    assert problems(await store.apply([ended(live.attempt.id)])) == [None]
    assert (await store.counts(campaign_id)).contacts == {
        ContactStatus.CANCELED: 4,
        ContactStatus.COMPLETED: 1,
    }
    assert await store.recount(campaign_id) == {}


async def test_after_a_stop_nothing_waits_for_a_retry(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    a, b = [c.attempt.id for c in await dialed(store, campaign_id, 2)]
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    retry = ended(a, Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, NOW)
    assert problems(await store.apply([retry, released(b)])) == [None, None]
    one, two = await store.contacts(campaign_id)
    assert one.status is two.status is ContactStatus.CANCELED
    assert one.due_at is two.due_at is None
    assert (one.attempts, one.disposition) == (1, Disposition.BUSY)
    assert (two.attempts, two.disposition) == (0, None)
    assert await store.heads(campaign_id) == {}
    assert await store.recount(campaign_id) == {}


async def test_a_campaign_finishes_when_nothing_is_open(store: SqlStore) -> None:
    empty = await draft(store)
    await store.move_campaign(empty, CampaignEvent.STARTED, now=NOW)
    assert not await store.finish_if_done(empty, now=NOW)
    campaign_id = await running(store, 1)
    assert not await store.finish_if_done(campaign_id, now=NOW)  # pending
    (claim,) = await dialed(store, campaign_id)
    assert not await store.finish_if_done(campaign_id, now=NOW)  # in progress
    await store.apply([ended(claim.attempt.id)])
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=NOW)
    assert not await store.finish_if_done(campaign_id, now=NOW)  # not running
    await store.move_campaign(campaign_id, CampaignEvent.RESUMED, now=NOW)
    later = NOW + timedelta(hours=1)
    assert await store.finish_if_done(campaign_id, now=later)
    done = await store.campaign(campaign_id)
    assert (done.status, done.ended_at) == (CampaignStatus.COMPLETED, later)
    assert not await store.finish_if_done(campaign_id, now=later)


async def test_a_database_that_was_deleted_while_in_use_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    migrate(f"sqlite:///{path}")
    async with opened(f"sqlite:///{path}") as store:
        await draft(store)
        path.unlink()
        with pytest.raises(StoreError, match="deleted or replaced"):
            await draft(store)
        path.write_bytes(b"another file")
        with pytest.raises(StoreError, match="deleted or replaced"):
            await draft(store)
