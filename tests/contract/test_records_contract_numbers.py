"""What every store promises of outbound numbers and of how they were used."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from records_kit import NO_PHONES, noted
from store_kit import NOW, draft, opened

from callcamp.core.campaign_settings import NumberPool
from callcamp.core.gate import NumberUse
from callcamp.core.states import CampaignEvent
from callcamp.errors import Conflict, InvalidInput, NotFound
from callcamp.store import SqlStore, numbers
from callcamp.store.database import run_once

PARIS, LYON, NEW_YORK = "+33170000000", "+33470000000", "+12125550100"
LATER = NOW + timedelta(days=1)


def note(url: str, calls: dict[str, int], at: datetime = NOW) -> None:
    run_once(url, numbers.note_call, Counter(calls), at)


async def use_of(store: SqlStore, phone: str, at: datetime = NOW) -> NumberUse:
    [number] = [n for n in await store.outbound_numbers() if n.phone == phone]
    return (await store.number_use(now=at))[number.id]


async def test_numbers_are_added_changed_and_listed(store: SqlStore, url: str) -> None:
    paris = await store.save_number(PARIS, label="Paris", daily_cap=100, now=NOW)
    assert (paris.phone, paris.label, paris.active, paris.daily_cap) == (PARIS, "Paris", True, 100)
    assert (paris.resting_until, paris.rest_evidence) == (None, {})
    york = await store.save_number(NEW_YORK, now=NOW)
    changed = await store.save_number(PARIS, label="Paris 2", active=False, now=LATER)
    assert (changed.id, changed.label, changed.active) == (paris.id, "Paris 2", False)
    assert changed.daily_cap is None
    async with opened(url) as second:
        assert await second.outbound_numbers() == [york, changed]
    was = {"label": "Paris", "active": True, "daily_cap": 100}
    now = {"label": "Paris 2", "active": False, "daily_cap": None}
    told = [one for one in await noted(store, kind="number") if one[1] == PARIS]
    assert told == [("number.added", PARIS, None, was), ("number.changed", PARIS, was, now)]


async def test_numbers_that_are_none_are_refused(store: SqlStore) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [(phone, {}) for phone in NO_PHONES]
    wrong += [(PARIS, {"label": label}) for label in ("a\0b", "\ud83d", "x" * 101)]
    wrong += [(PARIS, {"daily_cap": cap}) for cap in (0, -1, 1_000_001, 10**30)]
    for phone, values in wrong:
        with pytest.raises(InvalidInput):
            await store.save_number(phone, **values, now=NOW)
    for phone in NO_PHONES:
        with pytest.raises(InvalidInput):
            await store.delete_number(phone, now=NOW)
    assert await store.outbound_numbers() == []
    assert await store.number_use(now=NOW) == {}


async def test_calls_are_counted_by_the_local_day_of_each_number(store: SqlStore, url: str) -> None:
    for phone in (PARIS, LYON, NEW_YORK):
        await store.save_number(phone, now=NOW)
    evening = datetime(2026, 11, 3, 22, 30, tzinfo=ZoneInfo("Europe/Paris"))
    note(url, {PARIS: 2, NEW_YORK: 3, "+49301234567": 5}, evening)
    past_midnight = evening + timedelta(hours=2)
    note(url, {PARIS: 1, NEW_YORK: 1, LYON: 0}, past_midnight)
    assert await use_of(store, PARIS, evening) == NumberUse(2, 0, 0, past_midnight)
    assert await use_of(store, PARIS, past_midnight) == NumberUse(1, 0, 0, past_midnight)
    assert (await use_of(store, NEW_YORK, past_midnight)).today == 4
    assert await use_of(store, LYON, past_midnight) == NumberUse()
    assert (await use_of(store, PARIS, past_midnight + timedelta(days=1))).today == 0
    assert len(await store.number_use(now=NOW)) == 3, "no use of numbers of somebody else"


async def test_calls_that_were_never_placed_do_not_count(store: SqlStore, url: str) -> None:
    await store.save_number(PARIS, now=NOW)
    note(url, {PARIS: 3})
    run_once(url, numbers.note_released, {PARIS: 2, NEW_YORK: 1, LYON: 0}, NOW)
    assert (await use_of(store, PARIS)).today == 1
    run_once(url, numbers.note_released, {}, NOW)
    run_once(url, numbers.note_call, {}, NOW)
    run_once(url, numbers.note_end, {})
    assert (await use_of(store, PARIS)).today == 1


async def test_answers_are_counted_until_the_number_is_judged(store: SqlStore, url: str) -> None:
    paris = await store.save_number(PARIS, daily_cap=9, now=NOW)
    note(url, {PARIS: 4})
    run_once(url, numbers.note_end, {PARIS: (3, 1), NEW_YORK: (1, 1)})
    run_once(url, numbers.note_end, {PARIS: (1, 1)})
    assert await use_of(store, PARIS) == NumberUse(4, 4, 2, NOW)
    evidence = {"calls": 4, "answered": 2, "pool": {"calls": 90, "at": NOW}}
    kept = {"calls": 4, "answered": 2, "pool": {"calls": 90, "at": NOW.isoformat()}}
    await store.rest_number(paris.id, until=LATER, evidence=evidence, now=NOW)
    [resting] = await store.outbound_numbers()
    assert (resting.resting_until, resting.rest_evidence) == (LATER, kept)
    assert await use_of(store, PARIS) == NumberUse(4, 0, 0, NOW)
    again = await store.save_number(PARIS, label="Paris", daily_cap=9, now=NOW)
    assert (again.resting_until, again.rest_evidence) == (LATER, kept), "its rest is kept"
    await store.rest_number(paris.id, until=None, evidence={"x": 1}, now=NOW)
    [awake] = await store.outbound_numbers()
    assert (awake.resting_until, awake.rest_evidence) == (None, {})
    told = [one for one in await noted(store, kind="number") if "rest" in one[0] or "use" in one[0]]
    rest = {"resting_until": LATER.isoformat(), "evidence": kept}
    none = {"resting_until": None, "evidence": {}}
    assert told == [
        ("number.rested", PARIS, none, rest),
        ("number.used_again", PARIS, rest, none),
    ]
    with pytest.raises(NotFound):
        await store.rest_number(paris.id + 1, until=None, evidence={}, now=NOW)


async def test_calls_noted_at_once_are_all_counted(store: SqlStore, url: str) -> None:
    for phone in (PARIS, LYON):
        await store.save_number(phone, now=NOW)
    both = {PARIS: 1, LYON: 2}

    def work(n: int) -> None:
        note(url, both if n % 2 else dict(reversed(both.items())))
        run_once(url, numbers.note_end, {PARIS: (1, 1), LYON: (2, 0)})

    await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(8)))
    assert await use_of(store, PARIS) == NumberUse(8, 8, 8, NOW)
    assert await use_of(store, LYON) == NumberUse(16, 16, 0, NOW)


async def test_a_number_of_a_campaign_that_goes_on_is_kept(store: SqlStore) -> None:
    saved = await store.save_number(PARIS, now=NOW)
    await draft(store)
    campaign_id = await draft(store, pool=NumberPool((NEW_YORK, PARIS)))
    with pytest.raises(Conflict) as caught:
        await store.delete_number(PARIS, now=NOW)
    assert caught.value.details["campaign_id"] == campaign_id
    assert await store.outbound_numbers() == [saved]
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    await store.delete_number(PARIS, now=LATER)
    assert await store.outbound_numbers() == []
    with pytest.raises(NotFound):
        await store.delete_number(PARIS, now=LATER)
    told = {"label": "", "active": True, "daily_cap": None}
    assert (await noted(store, kind="number"))[-1] == ("number.deleted", PARIS, told, None)


async def test_the_day_of_a_number_counts_on_when_it_is_added_again(
    store: SqlStore, url: str
) -> None:
    await store.save_number(PARIS, daily_cap=3, now=NOW)
    note(url, {PARIS: 3})
    await store.delete_number(PARIS, now=NOW)
    await store.save_number(PARIS, daily_cap=3, now=NOW)
    assert (await use_of(store, PARIS)).today == 3


async def test_two_who_add_the_same_number_make_one(store: SqlStore) -> None:
    saved = await asyncio.gather(
        *(store.save_number(PARIS, label=f"n{n}", now=NOW) for n in range(8))
    )
    assert len({one.id for one in saved}) == 1
    assert len(await store.outbound_numbers()) == 1
