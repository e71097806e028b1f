"""What one look of the dialer costs with few and with many contacts that are not due.

Two campaigns of one database have the same few hundred contacts that can be called now. All
others wait: for their next attempt, for their place to open, for somebody to say where they
are. A step is what the dialer does: ask for the places, decide, claim through the gate, note
that the calls are about to be sent. ``why`` is what a person asks meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

from sqlalchemy import Connection, literal_column, update

from benchmarks.figures import Figures, at_most
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    ContactHours,
    DailyWindow,
)
from callcamp.core.legal import CallCap
from callcamp.core.model import Campaign, NewContact
from callcamp.core.plan import Snapshot, decide
from callcamp.core.reasons import Reason
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignEvent
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.why import CampaignWhy, Why
from callcamp.settings import Settings
from callcamp.store import SqlStore, counts, migrate
from callcamp.store import tables as t
from callcamp.store.columns import NEVER

NAME = "plan"
SECONDS = 40
SMALL, LARGE = 10_000, 500_000
DUE = 500
BATCH = 5
STEPS = 80
AIM_RATIO = 1.5
# Eleven in the morning in Paris; night or evening wherever the others are.
NOW = datetime(2026, 11, 4, 10, 0, tzinfo=UTC)
_ids = itertools.count()

_OPEN = "+331"
_CLOSED = ("+813", "+1213", "+612")
_RETRY = ("+332", "+4930", "+1212")
_REVIEW = ("+8001",)


def _settings(name: str, trunk_id: int) -> CampaignSettings:
    return CampaignSettings(
        name=name,
        trunk_id=trunk_id,
        mode=CampaignMode.MULTI_DAY,
        window=DailyWindow(clock_time(0), clock_time(0), weekdays=frozenset(range(7))),
        contact_hours=ContactHours(clock_time(9), clock_time(18)),
        frequency=(CallCap(3, 86400),),
        concurrency=1000,
        prompt="hello",
    )


def _contacts(count: int) -> Iterator[NewContact]:
    """Yield the contacts that are due, and so many in all; those that wait are mixed.

    Campaigns of another size have other numbers: nobody is in a call of both.
    """
    first = 10_000_000 if count == SMALL else 20_000_000
    for n in range(first, first + DUE):
        yield NewContact(f"{_OPEN}{n}", {"name": "x"})
    waiting = itertools.cycle((*_CLOSED, *_RETRY, *_REVIEW))
    for n, prefix in zip(range(first, first + count - DUE), waiting, strict=False):
        yield NewContact(f"{prefix}{n}", {"name": "x"})


async def _campaign(store: SqlStore, trunk_id: int, count: int) -> Campaign:
    before = NOW - timedelta(hours=1)
    campaign = await store.create_campaign(_settings(str(count), trunk_id), now=before)
    contacts = _contacts(count)
    while chunk := list(itertools.islice(contacts, 50_000)):
        await store.add_contacts(campaign.id, chunk, now=before)
    await store._db.write(_have_them_wait, campaign.id)
    return await store.move_campaign(campaign.id, CampaignEvent.STARTED, now=before)


def _have_them_wait(connection: Connection, campaign_id: int) -> None:
    """Give those that wait their reasons, as calls and earlier looks would have."""
    c = t.contact.c
    # Within the next day, in an hour at the earliest: kept as microseconds.
    later = literal_column("contact.due_at + 7200000000 + contact.id % 86400 * 1000000")
    for prefixes, reason, due_at in (
        (_RETRY, Reason.RETRY_WAITS, later),
        (_REVIEW, Reason.NEEDS_REVIEW, NEVER),
    ):
        for prefix in prefixes:
            counts.update_where(
                connection,
                update(t.contact).values(hold=reason.value, due_at=due_at),
                c.campaign_id == campaign_id,
                c.phone.startswith(prefix),
                hold=reason.value,
            )


async def _step(store: SqlStore, campaign: Campaign, rules: RuleSet) -> None:
    """Do what the dialer does when it looks at a campaign."""
    heads = await store.heads(campaign.id)
    plan = decide(Snapshot(campaign, rules, heads=heads, cps_room=BATCH), NOW)
    ids = [f"cc-{next(_ids):026d}" for _ in range(plan.count)]
    claimed = await store.claim(
        campaign.id,
        ids,
        places=plan.places,
        judge=rules.judge,
        look_back_s=rules.look_back_s,
        now=NOW,
        lease_until=NOW + timedelta(seconds=30),
    )
    sent = await store.mark_dialing(ids, now=NOW)
    if len(claimed.claims) != BATCH or len(sent) != BATCH:
        raise RuntimeError(f"{len(claimed.claims)} of {BATCH} contacts were claimed")


async def _why(why: Why, campaign: Campaign, count: int) -> None:
    told: CampaignWhy = await why.campaign(campaign.id)
    explained = sum(held.count for held in told.explanation.reasons.values())
    if explained + told.explanation.planned != count:
        raise RuntimeError(f"{explained} of {count} contacts have a reason")


async def _ms(work: Awaitable[None]) -> float:
    started = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - started)


async def run() -> Figures:
    """Look at two campaigns of one database in turn."""
    with tempfile.TemporaryDirectory(prefix="callcamp-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        await asyncio.to_thread(migrate, url)
        store = SqlStore(url)
        await store.open()
        try:
            return await _compare(store)
        finally:
            await store.close()


async def _compare(store: SqlStore) -> Figures:
    trunk = await store.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1)
    campaigns = {size: await _campaign(store, trunk.id, size) for size in (SMALL, LARGE)}
    rules = {size: RuleSet(campaign.settings) for size, campaign in campaigns.items()}
    why = Why(
        store,
        clock=lambda: NOW,
        rules=RuleBook({}),
        settings=Settings.model_construct(),
        own_engine=dict,
    )

    def step(size: int) -> Awaitable[None]:
        return _step(store, campaigns[size], rules[size])

    def ask(size: int) -> Awaitable[None]:
        return _why(why, campaigns[size], size)

    return {
        "plan_step_ms_at_500000_contacts": await _figure(step, "ms a step"),
        "plan_why_ms_at_500000_contacts": await _figure(ask, "ms a question"),
    }


async def _figure(work: Callable[[int], Awaitable[None]], unit: str) -> dict[str, object]:
    taken: dict[int, list[float]] = {SMALL: [], LARGE: []}
    for _ in range(STEPS):
        for size, times in taken.items():
            times.append(await _ms(work(size)))
    value, floor = (statistics.median(taken[size]) for size in (LARGE, SMALL))
    return at_most(value, floor, AIM_RATIO, f"{unit} (floor: at 10,000 contacts)")


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
