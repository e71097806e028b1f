"""Use-cases over a real store: what is accepted, what is refused, and with which words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from database_kit import make_database

from callcamp.core.campaign_settings import CampaignSettings, DailyWindow
from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.states import CampaignStatus, ContactStatus
from callcamp.engine.commands import Commands
from callcamp.engine.live import LiveFeed
from callcamp.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    PreconditionsMissing,
)
from callcamp.store import SqlStore

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
S = CampaignSettings(name="Spring", trunk_id=1, prompt="hello")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/c.sqlite3"
    make_database(url)
    store = SqlStore(url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def changed() -> list[int]:
    return []


@pytest.fixture
async def commands(store: SqlStore, changed: list[int]) -> Commands:
    live = LiveFeed()
    made = Commands(store, clock=lambda: NOW, on_change=changed.append, live=live)
    await made.save_trunk("carrier", dial_string="PJSIP/{number}@carrier", cps=5)
    return made


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"dial_string": "PJSIP/123@carrier"}, "dial_string"),
        ({"dial_string": "{number}"}, "dial_string"),
        ({"dial_string": "PJSIP/{number}@{number}"}, "dial_string"),
        ({"cps": 0}, "cps"),
        ({"cps": float("nan")}, "cps"),
        ({"cps": 1001}, "cps"),
        ({"cps": 1e-300}, "cps"),
        ({"max_channels": 0}, "max_channels"),
        ({"max_channels": 10**20}, "max_channels"),
        ({"name": "half \udcff"}, "name"),
    ],
)
async def test_unusable_trunks_are_refused(
    commands: Commands, values: dict[str, Any], field: str
) -> None:
    given: dict[str, Any] = {"name": "t", "dial_string": "PJSIP/{number}@t", "cps": 1.0}
    with pytest.raises(InvalidInput) as caught:
        await commands.save_trunk(**{**given, **values})
    assert caught.value.details["field"] == field
    assert len(await commands.trunks()) == 1


async def test_a_refusal_does_not_repeat_pages_of_text(commands: Commands) -> None:
    with pytest.raises(InvalidInput) as caught:
        await commands.create_campaign(replace(S, name="x" * 10_000))
    assert len(caught.value.message) < 300


async def test_a_description_may_have_lines(commands: Commands) -> None:
    made = await commands.create_campaign(replace(S, description="one\r\n\ttwo"))
    assert made.settings.description == "one\r\n\ttwo"


async def test_a_number_too_long_for_the_database_is_refused(commands: Commands) -> None:
    with pytest.raises(InvalidInput):
        await commands.stats(10**30)
    with pytest.raises(InvalidInput):
        await commands.pause(10**30)


async def test_a_trunk_of_the_same_name_is_changed(commands: Commands) -> None:
    before = (await commands.trunks())[0]
    after = await commands.save_trunk("carrier", dial_string="PJSIP/{number}@c2", cps=9)
    assert (after.id, after.cps) == (before.id, 9)
    assert await commands.trunks() == [after]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (replace(S, name=" "), "name"),
        (replace(S, name="x" * 201), "name"),
        (replace(S, name="half of a character: \udcff"), "name"),
        (replace(S, name="two\u2028lines"), "name"),
        (replace(S, description="x" * 2001), "description"),
        (replace(S, description="half \udcff"), "description"),
        (replace(S, description="a\0b"), "description"),
        (replace(S, prompt=""), "prompt"),
        (replace(S, prompt="a\r\nb"), "prompt"),
        (replace(S, machine_message="\x00"), "machine_message"),
        (replace(S, caller_id="1" * 41), "caller_id"),
        (replace(S, concurrency=0), "concurrency"),
        (replace(S, concurrency=10_001), "concurrency"),
        (replace(S, ring_timeout_s=4), "ring_timeout_s"),
        (replace(S, ring_timeout_s=301), "ring_timeout_s"),
        (replace(S, window=DailyWindow(zone="Nowhere/City")), "zone"),
        (replace(S, default_region="ZZ"), "default_region"),
    ],
)
async def test_unusable_settings_are_refused(
    commands: Commands, settings: CampaignSettings, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await commands.create_campaign(settings)
    assert caught.value.details["field"] == field
    assert await commands.all_stats() == []


async def test_a_trunk_that_is_not_there_is_named(commands: Commands) -> None:
    with pytest.raises(NotFound):
        await commands.create_campaign(replace(S, trunk_id=9))


async def test_a_start_is_refused_with_everything_that_is_missing(commands: Commands) -> None:
    window = DailyWindow(time(9), time(18), weekdays=frozenset())
    campaign = await commands.create_campaign(replace(S, prompt=None, window=window))
    with pytest.raises(PreconditionsMissing) as caught:
        await commands.start(campaign.id)
    assert set(caught.value.details["missing"]) == {"contacts", "prompt", "window"}
    assert (await commands.stats(campaign.id)).campaign.status is CampaignStatus.DRAFT


async def test_the_life_of_a_campaign(
    commands: Commands, store: SqlStore, changed: list[int]
) -> None:
    campaign = await commands.create_campaign(S)
    people = [NewContact("+12025550101"), NewContact("+12025550102")]
    await store.add_contacts(campaign.id, people, now=NOW)
    assert (await commands.start(campaign.id)).status is CampaignStatus.RUNNING
    with pytest.raises(IllegalTransition):
        await commands.start(campaign.id)
    assert (await commands.pause(campaign.id)).status is CampaignStatus.PAUSED
    with pytest.raises(IllegalTransition):
        await commands.pause(campaign.id)
    assert (await commands.resume(campaign.id)).status is CampaignStatus.RUNNING
    assert (await commands.stop(campaign.id)).status is CampaignStatus.CANCELED
    with pytest.raises(IllegalTransition):
        await commands.resume(campaign.id)
    stats = await commands.stats(campaign.id)
    assert stats.counts.contacts[ContactStatus.CANCELED] == 2
    assert stats.completion_rate == 0.0
    assert len(changed) == 5  # created, and four steps; refused ones wake nobody


async def test_only_drafts_and_paused_campaigns_are_edited(
    commands: Commands, store: SqlStore
) -> None:
    campaign = await commands.create_campaign(S)
    edited = await commands.change_settings(
        campaign.id, replace(S, name="Summer"), expected_version=1
    )
    assert (edited.settings.name, edited.version) == ("Summer", 2)
    with pytest.raises(Conflict):
        await commands.change_settings(campaign.id, S, expected_version=1)
    await store.add_contacts(campaign.id, [NewContact("+12025550101")], now=NOW)
    await commands.start(campaign.id)
    with pytest.raises(Conflict) as caught:
        await commands.change_settings(campaign.id, S, expected_version=2)
    assert "running" in caught.value.message


async def test_statistics_of_an_empty_campaign_are_not_divided_by_zero(commands: Commands) -> None:
    campaign = await commands.create_campaign(S)
    shown = (await commands.stats(campaign.id)).as_dict()
    assert shown["total"] == shown["calls_made"] == shown["in_calls"] == 0
    assert shown["completion_rate"] is shown["success_rate"] is shown["reachability"] is None
    assert shown["abandon_rate"] is None
    assert shown["results"] == {}
    assert Disposition.BUSY not in shown["calls"]
