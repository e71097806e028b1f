"""What every store promises: claiming, and noting that a call goes out."""

from __future__ import annotations

import asyncio
import multiprocessing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from store_kit import (
    LEASE,
    NOW,
    dialed,
    draft,
    ids,
    opened,
    released,
    running,
    sql,
    take,
)

from callcamp.core.changes import AttemptChange
from callcamp.core.model import Attempt, NewContact
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    CampaignEvent,
    ContactStatus,
)
from callcamp.errors import (
    StoreError,
)
from callcamp.store import SqlStore


async def test_a_claim_takes_the_oldest_due(store: SqlStore) -> None:
    campaign_id = await draft(store, ring_timeout_s=17)
    for phone, minutes in (("+33", 3), ("+31", 1), ("+39", 99), ("+32", 2), ("+30", 1)):
        due = NOW + timedelta(minutes=minutes)
        await store.add_contacts(campaign_id, [NewContact(phone, {"p": phone})], now=due)
    at = NOW + timedelta(minutes=10)
    assert await take(store, campaign_id, ids(9), now=at, lease_until=LEASE) == []  # a draft
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    lease = at + timedelta(seconds=30)
    assert await take(store, campaign_id, [], now=at, lease_until=lease) == []
    assert await take(store, campaign_id, ids(9), now=NOW, lease_until=lease) == []
    first = await take(store, campaign_id, ids(3), now=at, lease_until=lease)
    assert [c.attempt.number for c in first] == ["+31", "+30", "+32"]
    assert [c.attempt.id for c in first] == ids(3)
    assert [c.variables for c in first] == [{"p": "+31"}, {"p": "+30"}, {"p": "+32"}]
    second = await take(store, campaign_id, ids(3, "b"), now=at, lease_until=lease)
    assert [c.attempt.number for c in second] == ["+33"]
    one = first[0].attempt
    assert one == Attempt(
        id="a-00000",
        campaign_id=campaign_id,
        contact_id=one.contact_id,
        number="+31",
        ordinal=1,
        status=AttemptStatus.CLAIMED,
        settings_version=1,
        ring_timeout_s=17,
        claimed_at=at,
        lease_until=lease,
    )
    assert await store.attempt(one.id) == one
    (contact,) = await store.contacts(campaign_id, phone="+31")
    assert (contact.id, contact.status) == (one.contact_id, ContactStatus.IN_PROGRESS)
    assert contact.due_at is None
    assert (await store.counts(campaign_id)).contacts == {
        ContactStatus.PENDING: 1,
        ContactStatus.IN_PROGRESS: 4,
    }
    assert (await store.counts(campaign_id)).live == {AttemptStatus.CLAIMED: 4}


@pytest.mark.parametrize("event", [CampaignEvent.PAUSED, CampaignEvent.STOPPED])
async def test_only_a_running_campaign_is_claimed_from(
    store: SqlStore, event: CampaignEvent
) -> None:
    campaign_id = await running(store)
    await store.move_campaign(campaign_id, event, now=NOW)
    assert await take(store, campaign_id, ids(3)) == []


async def test_an_attempt_id_is_never_used_twice(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    await dialed(store, campaign_id, 1)
    with pytest.raises(StoreError):
        await take(store, campaign_id, ids(1))
    assert (await store.counts(campaign_id)).contacts[ContactStatus.PENDING] == 1
    assert await store.recount(campaign_id) == {}


async def test_two_claimers_never_get_the_same_contact(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        campaign_id = await running(one, 200)
        batches = await asyncio.gather(
            *(
                take(store, campaign_id, ids(9, f"{name}{i}"))
                for i in range(15)
                for name, store in (("one", one), ("two", two))
            )
        )
        taken = [c.attempt.contact_id for batch in batches for c in batch]
        # PostgreSQL passes over rows that another claim holds just then: ask again.
        rest = await take(one, campaign_id, ids(200, "r"))
        taken += [c.attempt.contact_id for c in rest]
        assert len(taken) == len(set(taken)) == 200
        assert (await two.counts(campaign_id)).live == {AttemptStatus.CLAIMED: 200}
        assert await one.recount(campaign_id) == {}


def _claim_all(url: str, campaign_id: int, name: str, found: Any) -> None:
    async def work() -> list[int]:
        taken: list[int] = []
        async with opened(url) as store:
            for i in range(100):
                claims = await take(store, campaign_id, ids(7, f"{name}{i}"))
                taken += [c.attempt.contact_id for c in claims]
        return taken

    found.put(asyncio.run(work()))


async def test_two_processes_never_get_the_same_contact(url: str) -> None:
    async with opened(url) as store:
        campaign_id = await running(store, 300)
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    processes = [
        context.Process(target=_claim_all, args=(url, campaign_id, name, found)) for name in "xy"
    ]
    for process in processes:
        process.start()
    taken = [await asyncio.to_thread(found.get, True, 60) for _ in processes]
    for process in processes:
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
        process.close()
    found.close()
    found.join_thread()
    assert len(taken[0]) + len(taken[1]) == len({*taken[0], *taken[1]}) == 300
    async with opened(url) as store:
        assert await store.recount(campaign_id) == {}


async def test_the_database_itself_refuses_a_second_live_attempt(store: SqlStore, url: str) -> None:
    campaign_id = await running(store, 1)
    (claim,) = await dialed(store, campaign_id)
    copy = (
        "INSERT INTO attempt (id, campaign_id, contact_id, number, ordinal, status,"
        " settings_version, ring_timeout_s, claimed_at, lease_until)"
        " SELECT :id, campaign_id, contact_id, number, ordinal, :status, settings_version,"
        " ring_timeout_s, claimed_at, lease_until FROM attempt WHERE id = :old"
    )
    for status in ("claimed", "dialing", "ringing", "answered", "unknown"):
        with pytest.raises(StoreError) as caught:
            sql(url, copy, id="second", status=status, old=claim.attempt.id)
        assert isinstance(caught.value.__cause__, IntegrityError)
    sql(url, copy, id="second", status="released", old=claim.attempt.id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contact SET status = 'nonsense'",
        "UPDATE contact SET due_at = NULL",
        "UPDATE campaign SET status = 'nonsense'",
        "UPDATE attempt SET status = 'nonsense'",
        "UPDATE attempt SET status = 'ended'",
        "UPDATE contact SET phone = '+1'",
        "DELETE FROM campaign",
        "DELETE FROM trunk",
        "DELETE FROM contact",
        "UPDATE campaign SET trunk_id = 99",
        "INSERT INTO engine_lease (id, holder, expires_at) VALUES (2, 'x', 0)",
    ],
)
async def test_the_database_itself_refuses_nonsense(
    store: SqlStore, url: str, statement: str
) -> None:
    await dialed(store, await running(store, 3))
    with pytest.raises(StoreError) as caught:
        sql(url, statement)
    assert isinstance(caught.value.__cause__, IntegrityError)


async def test_dialing_is_noted_for_claims_whose_lease_holds(store: SqlStore) -> None:
    campaign_id = await running(store, 4)
    await take(store, campaign_id, ["a", "b"])
    await take(store, campaign_id, ["c", "d"], now=NOW, lease_until=NOW + timedelta(seconds=5))
    at = NOW + timedelta(seconds=5)
    assert await store.mark_dialing([], now=at) == []
    assert await store.mark_dialing(["c", "b", "zz", "b"], now=at) == ["b"]
    assert await store.mark_dialing(["b"], now=at) == []  # sent already
    b = await store.attempt("b")
    assert (b.status, b.dialed_at) == (AttemptStatus.DIALING, at)
    c = await store.attempt("c")
    assert (c.status, c.dialed_at) == (AttemptStatus.CLAIMED, None)
    await store.apply([released("a")])
    assert await store.mark_dialing(["a", "d"], now=NOW) == ["d"]


async def test_an_unknown_attempt_is_never_sent(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    await store.apply([AttemptChange("a-00000", (AttemptEvent.DOUBTED,), NOW)])
    assert await store.mark_dialing(["a-00000"], now=NOW) == []
    assert (await store.attempt("a-00000")).status is AttemptStatus.UNKNOWN
