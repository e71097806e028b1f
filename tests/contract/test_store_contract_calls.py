"""What every store promises: what the steps and the end of a call do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import (
    NOW,
    dialed,
    ended,
    ids,
    problems,
    released,
    running,
    take,
)

from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    CampaignEvent,
    ContactEvent,
    ContactStatus,
)
from callcamp.store import SqlStore


async def test_a_call_from_claim_to_end(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    at = [NOW + timedelta(seconds=i) for i in range(4)]
    rang = AttemptChange("a-00000", (AttemptEvent.RANG,), at[1], rang_at=at[1])
    (applied,) = await store.apply([rang])
    assert (applied.attempt_id, applied.status, applied.problem) == (
        "a-00000",
        AttemptStatus.RINGING,
        None,
    )
    answered = AttemptChange("a-00000", (AttemptEvent.ANSWERED,), at[2], answered_at=at[2])
    assert problems(await store.apply([answered])) == [None]
    assert (await store.counts(campaign_id)).live == {AttemptStatus.ANSWERED: 1}
    evidence = Evidence(cause=16, answered=True, amd_status="HUMAN", ring_s=1.5, rang=False)
    (applied,) = await store.apply([replace(ended("a-00000", at=at[3]), evidence=evidence)])
    assert (applied.status, applied.problem) == (AttemptStatus.ENDED, None)
    one = await store.attempt("a-00000")
    assert (one.dialed_at, one.rang_at, one.answered_at, one.ended_at) == (NOW, *at[1:])
    assert one.disposition is Disposition.ANSWERED_PERSON
    assert one.evidence == {
        "cause": 16,
        "answered": True,
        "amd_status": "HUMAN",
        "ring_s": 1.5,
        "rang": False,
    }
    (contact,) = await store.contacts(campaign_id)
    assert contact.status is ContactStatus.COMPLETED
    assert (contact.attempts, contact.due_at, contact.last_attempt_at) == (1, None, at[3])
    assert contact.disposition is Disposition.ANSWERED_PERSON
    counts = await store.counts(campaign_id)
    assert counts.contacts == {ContactStatus.COMPLETED: 1}
    assert counts.attempts_ended == counts.results == {Disposition.ANSWERED_PERSON: 1}
    assert counts.live == {}
    assert (counts.total, counts.done, counts.calls_made, counts.calls_answered) == (1, 1, 1, 1)


async def test_a_whole_call_in_one_batch_and_in_one_change(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    a, b = [c.attempt.id for c in await dialed(store, campaign_id, 2)]
    batch = [
        AttemptChange(a, (AttemptEvent.RANG,), NOW, rang_at=NOW),
        replace(ended(b), events=(AttemptEvent.RANG, AttemptEvent.ANSWERED, AttemptEvent.ENDED)),
        AttemptChange(a, (AttemptEvent.ANSWERED,), NOW, answered_at=NOW),
        ended(a),
    ]
    applied = await store.apply(batch)
    assert problems(applied) == [None] * 4
    assert [x.status.value for x in applied if x.status] == [
        "ringing",
        "ended",
        "answered",
        "ended",
    ]
    one = await store.attempt(a)
    assert (one.rang_at, one.answered_at, one.ended_at) == (NOW, NOW, NOW)
    assert (await store.counts(campaign_id)).contacts == {ContactStatus.COMPLETED: 2}
    assert await store.recount(campaign_id) == {}


async def test_a_retry_and_its_ordinal(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    due = NOW + timedelta(minutes=30)
    retry = ended("a-00000", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, due)
    assert problems(await store.apply([retry])) == [None]
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.attempts, contact.due_at) == (ContactStatus.PENDING, 1, due)
    assert contact.disposition is Disposition.BUSY
    counts = await store.counts(campaign_id)
    assert (counts.attempts_ended, counts.results) == ({Disposition.BUSY: 1}, {})
    assert await take(store, campaign_id, ["b"]) == []
    lease = due + timedelta(seconds=30)
    (claim,) = await take(store, campaign_id, ["b"], now=due, lease_until=lease)
    assert claim.attempt.ordinal == 2
    await store.mark_dialing(["b"], now=due)
    gave_up = ended("b", Disposition.INVALID_NUMBER, ContactEvent.GAVE_UP, at=due)
    assert problems(await store.apply([gave_up])) == [None]
    counts = await store.counts(campaign_id)
    assert counts.contacts == {ContactStatus.FAILED: 1}
    assert counts.attempts_ended == {Disposition.BUSY: 1, Disposition.INVALID_NUMBER: 1}
    assert counts.results == {Disposition.INVALID_NUMBER: 1}
    assert await store.calls_per_number(campaign_id) == {
        "+33612000000": {"ended": 2, "released": 0, "live": 0}
    }
    assert await store.results_per_number(campaign_id) == {
        "+33612000000": (ContactStatus.FAILED, Disposition.INVALID_NUMBER)
    }


async def test_a_released_attempt_does_not_count(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    (applied,) = await store.apply([released("a-00000")])
    assert (applied.status, applied.problem) == (AttemptStatus.RELEASED, None)
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.attempts, contact.due_at) == (ContactStatus.PENDING, 0, NOW)
    assert contact.last_attempt_at is contact.disposition is None
    one = await store.attempt("a-00000")
    assert (one.status, one.ended_at, one.disposition) == (AttemptStatus.RELEASED, NOW, None)
    counts = await store.counts(campaign_id)
    assert (counts.attempts_ended, counts.results, counts.live) == ({}, {}, {})
    (claim,) = await take(store, campaign_id, ["b"])
    assert claim.attempt.ordinal == 1
    assert await store.calls_per_number(campaign_id) == {
        "+33612000000": {"ended": 0, "released": 1, "live": 1}
    }


async def test_a_release_may_give_up_on_the_contact(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    change = replace(released("a-00000"), contact=ContactChange(ContactEvent.GAVE_UP))
    assert problems(await store.apply([change])) == [None]
    counts = await store.counts(campaign_id)
    assert (counts.contacts, counts.results) == ({ContactStatus.FAILED: 1}, {})
    assert await store.recount(campaign_id) == {}


async def test_illegal_steps_change_nothing_and_hinder_nobody(store: SqlStore) -> None:
    campaign_id = await running(store, 6)
    claims = await take(store, campaign_id, ids(6))
    a, b, c, d, e, _f = [claim.attempt.id for claim in claims]
    await store.mark_dialing([a, b, c, d, e], now=NOW)
    before = {x.id: x for x in await store.attempts(campaign_id)}
    retry = ContactChange(ContactEvent.RETRY_SCHEDULED)
    batch = [
        ended("nobody"),
        AttemptChange(a, (AttemptEvent.SENT,), NOW),
        AttemptChange(a, (AttemptEvent.RANG, AttemptEvent.NOT_PLACED), NOW, rang_at=NOW),
        replace(ended(b), contact=None),
        replace(ended(b), disposition=None),
        replace(ended(b), contact=retry),  # a retry, but when?
        replace(ended(b), contact=ContactChange(ContactEvent.CLAIMED)),
        replace(released(c), disposition=Disposition.BUSY),
        AttemptChange(c, (AttemptEvent.RANG,), NOW, contact=retry),
        AttemptChange(c, (), NOW, disposition=Disposition.BUSY),
        ended(d),
        ended(d),
        AttemptChange(d, (), NOW, rang_at=NOW),
        ended(claims[5].attempt.id),  # never sent
    ]
    applied = await store.apply(batch)
    assert [x.problem is None for x in applied] == [i == 10 for i in range(len(batch))]
    assert applied[0].status is None
    assert applied[1].status is AttemptStatus.DIALING
    assert applied[11].status is AttemptStatus.ENDED
    assert "ended" in (applied[11].problem or "")
    after = {x.id: x for x in await store.attempts(campaign_id)}
    assert {x for x in after if after[x] != before[x]} == {d}
    counts = await store.counts(campaign_id)
    assert counts.contacts == {ContactStatus.IN_PROGRESS: 5, ContactStatus.COMPLETED: 1}
    assert counts.attempts_ended == {Disposition.ANSWERED_PERSON: 1}
    assert await store.recount(campaign_id) == {}


async def test_changes_of_several_campaigns_in_one_batch(store: SqlStore) -> None:
    one, two = await running(store, 2), await running(store, 2)
    await dialed(store, one, 2, "x")
    await dialed(store, two, 2, "y")
    await store.move_campaign(two, CampaignEvent.STOPPED, now=NOW)
    due = NOW + timedelta(minutes=1)
    batch = [
        ended(f"{prefix}-{i:05d}", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, due)
        for i in range(2)
        for prefix in "xy"
    ]
    assert problems(await store.apply(batch)) == [None] * 4
    assert (await store.counts(one)).contacts == {ContactStatus.PENDING: 2}
    assert (await store.counts(two)).contacts == {ContactStatus.CANCELED: 2}
    assert await store.recount(one) == await store.recount(two) == {}


async def test_batches_longer_than_a_statement_may_be(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.store.rows.MOST_IDS", 7)
    n = 20
    campaign_id = await running(store, n)
    claims = await take(store, campaign_id, ids(n))
    assert len(await store.mark_dialing(ids(n), now=NOW)) == len(claims) == n
    assert len(await store.attempt_context(ids(n))) == n
    assert set(problems(await store.apply([ended(i) for i in ids(n)]))) == {None}
    assert (await store.counts(campaign_id)).contacts == {ContactStatus.COMPLETED: n}


async def test_nothing_to_apply(store: SqlStore) -> None:
    assert await store.apply([]) == []


async def test_a_change_without_a_step_sets_instants(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    assert problems(await store.apply([AttemptChange("a-00000", (), NOW, rang_at=NOW)])) == [None]
    one = await store.attempt("a-00000")
    assert (one.status, one.rang_at) == (AttemptStatus.DIALING, NOW)
