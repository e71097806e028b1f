"""What every store promises: who is shown to the gate, and what its decisions do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from store_kit import (
    NOW,
    claimed,
    dialed,
    draft,
    ended,
    ids,
    let_out,
    released,
    running,
    sql,
    take,
)

from callcamp.core.campaign_settings import CampaignMode, NumberPool, RetryPolicy
from callcamp.core.changes import AttemptChange, ContactChange, NewSuppression
from callcamp.core.gate import (
    Batch,
    Consent,
    Decision,
    Judge,
    LetOut,
    NumberUse,
    PassedOver,
    PastCall,
)
from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.reasons import Reason
from callcamp.core.states import (
    AttemptEvent,
    AttemptStatus,
    CampaignEvent,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import Claimed
from callcamp.store import SqlStore

HOUR = timedelta(hours=1)
PARIS, TOKYO, DELHI = "+33612000001", "+81312345678", "+911123456789"


def spy(judge: Judge, seen: list[Batch]) -> Judge:
    """Return a judge that also keeps what it was shown."""

    def look(batch: Batch) -> Sequence[Decision]:
        seen.append(batch)
        return judge(batch)

    return look


def pass_over(reason: Reason, until: datetime | None = None, *, skip: bool = False) -> Judge:
    """Return a judge that lets nobody out."""

    def judge(batch: Batch) -> list[Decision]:
        return [PassedOver(c.contact_id, reason, until, skip) for c in batch.candidates]

    return judge


async def started(
    store: SqlStore, contacts: Sequence[NewContact], at: datetime = NOW, **changes: Any
) -> int:
    """Add a running campaign with these contacts, due at an instant."""
    campaign_id = await draft(store, **changes)
    await store.add_contacts(campaign_id, contacts, now=at)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    return campaign_id


async def by_place(store: SqlStore, per_place: int = 2) -> tuple[int, dict[str, str]]:
    """Add a running campaign with contacts of three places, in turn; places by country."""
    contacts = [
        NewContact(f"{phone[:-3]}{i:03d}")
        for i in range(per_place)
        for phone in (PARIS, TOKYO, DELHI)
    ]
    campaign_id = await started(store, contacts)
    places = {c.place[:2]: c.place for c in await store.contacts(campaign_id, limit=3)}
    assert set(places) == {"FR", "JP", "IN"}
    return campaign_id, places


async def test_only_contacts_of_open_places_are_shown(store: SqlStore) -> None:
    campaign_id, places = await by_place(store)
    open_ = [places["JP"], places["FR"], "XX", places["JP"]]
    taken = await take(store, campaign_id, ids(9), places=open_)
    # In the order of their due instants, then ids, whatever the order of the places.
    assert [c.place[:2] for c in taken] == ["FR", "JP", "FR", "JP"]
    assert await claimed(store, campaign_id, ids(9, "b"), places=[]) == Claimed([], {}, 0, False)
    assert await take(store, campaign_id, ids(9, "b"), places=["", "nowhere"]) == []
    rest = await take(store, campaign_id, ids(9, "b"), places=None)
    assert {c.place for c in rest} == {places["IN"]}
    assert len(rest) == 2


async def test_places_with_many_due_contacts_are_merged_by_due_instant(store: SqlStore) -> None:
    campaign_id, places = await by_place(store, per_place=40)
    all_ = [c.id for c in await store.contacts(campaign_id, limit=200)]
    first = await take(store, campaign_id, ids(50), places=list(places.values()))
    assert [c.attempt.contact_id for c in first] == all_[:50]
    second = await take(store, campaign_id, ids(90, "b"))
    assert [c.attempt.contact_id for c in second] == all_[50:]


async def test_heads_are_the_places_with_pending_contacts(store: SqlStore) -> None:
    campaign_id, places = await by_place(store)
    assert await store.heads(campaign_id) == dict.fromkeys(places.values(), NOW)
    assert await store.heads(await draft(store)) == {}
    never = pass_over(Reason.NEEDS_REVIEW)
    await claimed(store, campaign_id, ids(1), judge=never, places=[places["FR"]])
    later = pass_over(Reason.COOL_OFF, NOW + HOUR)
    await claimed(store, campaign_id, ids(1), judge=later, places=[places["JP"]])
    await take(store, campaign_id, ids(2), places=[places["IN"]])
    assert await store.heads(campaign_id) == {places["FR"]: None, places["JP"]: NOW + HOUR}


async def test_agreed_callbacks_come_first(store: SqlStore) -> None:
    campaign_id = await running(store, 4)
    (a, b, *_) = await dialed(store, campaign_id, 2)
    at = NOW + HOUR
    for claim, due in ((a, at), (b, at - timedelta(minutes=1))):
        change = ended(claim.attempt.id, event=ContactEvent.RETRY_SCHEDULED, due_at=due)
        contact = ContactChange(
            ContactEvent.RETRY_SCHEDULED, due, Reason.CALLBACK_WAITS, callback=True
        )
        await store.apply(
            [
                AttemptChange(
                    change.attempt_id,
                    change.events,
                    NOW,
                    disposition=change.disposition,
                    evidence=change.evidence,
                    contact=contact,
                )
            ]
        )
    seen: list[Batch] = []
    assert len(await take(store, campaign_id, ids(1, "x"), now=NOW)) == 1
    taken = await take(store, campaign_id, ids(9, "b"), now=at, judge=spy(let_out, seen))
    numbers = [c.attempt.number[-1] for c in taken]
    assert numbers == ["1", "0", "3"]
    assert [c.callback_at for c in seen[0].candidates] == [at - timedelta(minutes=1), at, None]
    # A callback that could not be placed is still one.
    await store.apply([released("b-00000", at)])
    (contact,) = await store.contacts(campaign_id, phone=taken[0].attempt.number)
    assert (contact.callback_at, contact.due_at) == (at - timedelta(minutes=1), at)
    await dialed(store, campaign_id, 1, "c", now=at, lease_until=at + HOUR)
    await store.apply([ended("c-00000", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, at)])
    assert (await store.contact(contact.id)).callback_at is None


async def test_callbacks_of_closed_places_wait(store: SqlStore) -> None:
    campaign_id, places = await by_place(store, 1)
    await dialed(store, campaign_id, 1, places=[places["FR"]])
    callback = ContactChange(ContactEvent.RETRY_SCHEDULED, NOW, callback=True)
    change = ended("a-00000")
    await store.apply(
        [
            AttemptChange(
                "a-00000",
                change.events,
                NOW,
                disposition=change.disposition,
                contact=callback,
            )
        ]
    )
    taken = await take(store, campaign_id, ids(9, "b"), places=[places["JP"]])
    assert [c.place for c in taken] == [places["JP"]]
    (taken, *_) = await take(store, campaign_id, ids(9, "c"))
    assert taken.place == places["FR"]


async def test_what_was_passed_over_waits_with_its_reason(store: SqlStore) -> None:
    campaign_id = await running(store, 3)
    later = NOW + HOUR

    def judge(batch: Batch) -> list[Decision]:
        a, b, c = batch.candidates
        return [
            PassedOver(a.contact_id, Reason.FREQUENCY_CAP, later),
            PassedOver(b.contact_id, Reason.NO_CONSENT),
            PassedOver(c.contact_id, Reason.DO_NOT_CALL, skip=True),
        ]

    result = await claimed(store, campaign_id, ids(9), judge=judge)
    assert result == Claimed(
        [], {Reason.FREQUENCY_CAP: 1, Reason.NO_CONSENT: 1, Reason.DO_NOT_CALL: 1}, 3, False
    )
    a, b, c = await store.contacts(campaign_id)
    assert (a.status, a.hold, a.due_at) == (ContactStatus.PENDING, Reason.FREQUENCY_CAP, later)
    assert (b.status, b.hold, b.due_at) == (ContactStatus.PENDING, Reason.NO_CONSENT, None)
    assert (c.status, c.hold, c.due_at) == (ContactStatus.SKIPPED, Reason.DO_NOT_CALL, None)
    counts = await store.counts(campaign_id)
    assert counts.waiting == {Reason.FREQUENCY_CAP: 1, Reason.NO_CONSENT: 1}
    assert counts.skipped == {Reason.DO_NOT_CALL: 1}
    assert await store.attempts(campaign_id) == []
    assert await store.recount(campaign_id) == {}
    assert await take(store, campaign_id, ids(9)) == []
    taken = await take(store, campaign_id, ids(9), now=later)
    assert [x.attempt.contact_id for x in taken] == [a.id]
    assert (await store.contact(a.id)).hold is None
    assert (await store.counts(campaign_id)).waiting == {Reason.NO_CONSENT: 1}
    assert await store.recount(campaign_id) == {}


async def test_nobody_is_looked_at_again_at_once(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    seen: list[Batch] = []
    past = spy(pass_over(Reason.COOL_OFF, NOW - HOUR), seen)
    assert (await claimed(store, campaign_id, ids(1), judge=past)).examined == 1
    assert (await claimed(store, campaign_id, ids(1), judge=past)).examined == 0
    assert len(seen) == 1
    assert len(await take(store, campaign_id, ids(1), now=NOW + timedelta(seconds=1))) == 1


async def test_rounds_go_on_until_the_room_is_used(store: SqlStore) -> None:
    campaign_id = await running(store, 100)
    all_ = [c.id for c in await store.contacts(campaign_id)]
    good = {all_[10], all_[90]}
    seen: list[Batch] = []

    def judge(batch: Batch) -> list[Decision]:
        decisions: list[Decision] = []
        for c in batch.candidates:
            if sum(isinstance(d, LetOut) for d in decisions) == batch.room:
                break
            decisions.append(
                LetOut(c.contact_id, 0, None, None)
                if c.contact_id in good
                else PassedOver(c.contact_id, Reason.COOL_OFF, NOW + HOUR)
            )
        return decisions

    result = await claimed(store, campaign_id, ids(2), judge=spy(judge, seen))
    assert [c.attempt.contact_id for c in result.claims] == sorted(good)
    assert result.passed_over == {Reason.COOL_OFF: 89}
    assert (result.examined, result.more) == (91, False)
    assert {seen[0].room, seen[-1].room} == {1, 2}
    shown = [c.contact_id for batch in seen for c in batch.candidates]
    assert len(shown) == len(set(shown))
    assert await store.recount(campaign_id) == {}


async def test_a_look_has_an_end(store: SqlStore) -> None:
    campaign_id = await running(store, 620)
    nobody = pass_over(Reason.COOL_OFF, NOW + HOUR)
    result = await claimed(store, campaign_id, ids(3), judge=nobody)
    assert (result.examined, result.more, result.claims) == (500, True, [])
    result = await claimed(store, campaign_id, ids(3), judge=nobody)
    assert (result.examined, result.more) == (120, False)


async def test_a_gate_that_stops_is_not_asked_again(store: SqlStore) -> None:
    campaign_id = await running(store, 30)
    seen: list[Batch] = []

    def stops(batch: Batch) -> list[Decision]:
        return [LetOut(batch.candidates[0].contact_id, 0, None, None)]

    result = await claimed(store, campaign_id, ids(9), judge=spy(stops, seen))
    assert (len(result.claims), result.examined, result.more) == (1, 1, False)
    assert len(seen) == 1
    assert (await store.counts(campaign_id)).contacts[ContactStatus.PENDING] == 29


def _unknown(batch: Batch) -> list[Decision]:
    return [*let_out(batch)[:1], PassedOver(999_999, Reason.COOL_OFF)]


def _twice(batch: Batch) -> list[Decision]:
    return let_out(batch)[:1] * 2


def _wrong_number(batch: Batch) -> list[Decision]:
    c, *_ = batch.candidates
    return [LetOut(c.contact_id, len(c.numbers), None, None)]


def _negative_number(batch: Batch) -> list[Decision]:
    return [LetOut(batch.candidates[0].contact_id, -1, None, None)]


def _too_many(batch: Batch) -> list[Decision]:
    return [LetOut(c.contact_id, 0, None, None) for c in batch.candidates]


def _raises(_batch: Batch) -> list[Decision]:
    raise InvalidInput("no rules", field="rules", value=None)


@pytest.mark.parametrize(
    "judge", [_unknown, _twice, _wrong_number, _negative_number, _too_many, _raises]
)
async def test_a_wrong_answer_of_the_gate_writes_nothing(
    store: SqlStore, judge: Callable[[Batch], list[Decision]]
) -> None:
    campaign_id = await running(store, 5)
    before = await store.contacts(campaign_id)
    with pytest.raises(InvalidInput):
        await claimed(store, campaign_id, ids(2), judge=judge)
    assert await store.contacts(campaign_id) == before
    assert await store.attempts(campaign_id) == []
    assert await store.recount(campaign_id) == {}


async def test_what_was_let_out_is_kept_with_the_attempt(store: SqlStore) -> None:
    campaign_id = await started(
        store, [NewContact(PARIS, {"a": "1"}, others=(TOKYO, PARIS, TOKYO, DELHI))]
    )
    (contact,) = await store.contacts(campaign_id)
    assert contact.numbers == (PARIS, TOKYO, DELHI)
    gate = {"presets": ["fr"], "ring_timeout_s": 44, "hostile": "\0 \ud83d"}

    def judge(batch: Batch) -> list[Decision]:
        return [LetOut(c.contact_id, 2, "+33100000001", NOW + HOUR, gate) for c in batch.candidates]

    (claim,) = await take(store, campaign_id, ids(1), judge=judge)
    attempt = claim.attempt
    assert (attempt.number, attempt.ring_timeout_s) == (DELHI, 44)
    assert (attempt.caller_number, attempt.gate) == ("+33100000001", gate)
    assert (claim.open_until, claim.place) == (NOW + HOUR, contact.place)
    assert (claim.numbers, claim.number_index) == (contact.numbers, 2)
    assert await store.attempt(attempt.id) == attempt
    taken = await store.contact(contact.id)
    assert (taken.number_index, taken.caller_number) == (2, "+33100000001")


async def test_the_gate_sees_calls_of_all_campaigns(store: SqlStore) -> None:
    ago = timedelta(days=2)
    others = []
    for i, at in enumerate((NOW - 9 * ago, NOW - ago, NOW)):
        others.append(await started(store, [NewContact(PARIS), NewContact(TOKYO)], at))
        await dialed(store, others[i], 2, f"o{i}", now=at, lease_until=NOW + HOUR)
    talk = Evidence(cause=16, talk_s=12.5)
    done = AttemptChange(
        "o1-00000",
        (AttemptEvent.ANSWERED, AttemptEvent.ENDED),
        NOW - ago,
        answered_at=NOW - ago,
        disposition=Disposition.ANSWERED_PERSON,
        evidence=talk,
        contact=ContactChange(ContactEvent.FINISHED),
        refused=True,
    )
    await store.apply([done, released("o1-00001")])
    campaign_id = await started(store, [NewContact(PARIS, others=(TOKYO,))])
    seen: list[Batch] = []
    await claimed(store, campaign_id, ids(1), judge=spy(let_out, seen), look_back_s=5 * 86_400)
    first, second, third = seen[0].calls[PARIS]
    # However long ago: it may go on.
    assert first == PastCall(PARIS, NOW - 9 * ago, others[0], live=True)
    assert second == PastCall(
        PARIS,
        NOW - ago,
        others[1],
        disposition=Disposition.ANSWERED_PERSON,
        talk_s=12.5,
        refused=True,
        conversation=True,
    )
    assert third == PastCall(PARIS, NOW, others[2], live=True)
    # Without evidence of how long it was, its instants tell.
    await store.apply(
        [replace(ended("o2-00000", at=NOW + HOUR), answered_at=NOW + HOUR / 2, evidence=None)]
    )
    (contact,) = await store.contacts(campaign_id)
    batch = await store.gather(contact.id, now=NOW + HOUR, look_back_s=7200)
    assert [c.talk_s for c in batch.calls[PARIS] if c.campaign_id == others[2]] == [1800]
    # A call that was never placed is none.
    assert [c.campaign_id for c in seen[0].calls[TOKYO]] == [others[0], others[2]]


async def test_the_gate_sees_what_is_on_record(store: SqlStore, url: str) -> None:
    campaign_id = await started(
        store,
        [NewContact(PARIS, {"a": "1"}, others=(TOKYO,)), NewContact(DELHI)],
        consent_scope="marketing",
        dnc_lists=("bloctel",),
        pool=NumberPool(numbers=("+33100000001",)),
    )
    other = await draft(store)
    consent = Consent(PARIS, "marketing", "a form", NOW)
    await store.record_consent(consent)
    number = await store.save_number("+33100000001", now=NOW)
    await store.suppress(
        [
            NewSuppression(TOKYO, "asked", "api", campaign_id),
            NewSuppression(PARIS, "asked", "api", other),
        ],
        now=NOW,
    )
    await store.replace_dnc_list("bloctel", [DELHI], as_of=NOW, now=NOW)
    sql(url, "UPDATE contact SET status = 'pending', due_at = 0, hold = NULL")
    seen: list[Batch] = []
    await claimed(store, campaign_id, ids(2), judge=spy(let_out, seen))
    batch = seen[0]
    assert (batch.now, batch.room) == (NOW, 2)
    assert batch.suppressed == {TOKYO: Reason.EXCLUDED, DELHI: Reason.DO_NOT_CALL}
    assert batch.consents == {PARIS: [consent]}
    assert list(batch.numbers) == [number]
    assert batch.use == {number.id: NumberUse()}


async def test_calls_from_outbound_numbers_are_counted(store: SqlStore) -> None:
    pool = NumberPool(numbers=("+33100000001",))
    campaign_id = await started(store, [NewContact(f"+3361200000{i}") for i in range(4)], pool=pool)
    number = await store.save_number("+33100000001", now=NOW)
    today: list[int] = []

    def judge(batch: Batch) -> list[Decision]:
        today.append(batch.use[number.id].today)
        return [
            LetOut(c.contact_id, 0, "+33100000001", None) for c in batch.candidates[: batch.room]
        ]

    await take(store, campaign_id, ids(2), judge=judge)
    await take(store, campaign_id, ids(2, "b"), judge=judge)
    assert today == [0, 2]
    await store.mark_dialing(["a-00000", "a-00001", "b-00000"], now=NOW)
    answered = ended("a-00000")
    await store.apply([answered, ended("a-00001", Disposition.BUSY), released("b-00001")])
    assert await store.number_use(now=NOW) == {number.id: NumberUse(3, 2, 1, NOW)}


async def test_gather_is_what_a_claim_would_be_judged_on(store: SqlStore) -> None:
    campaign_id = await running(store, 2, retry=RetryPolicy(max_attempts=9))
    await store.suppress([NewSuppression("+33612000001", "asked", "api")], now=NOW)
    for contact in await store.contacts(campaign_id):
        batch = await store.gather(contact.id, now=NOW, look_back_s=60)
        assert (batch.now, batch.room) == (NOW, 1)
        (candidate,) = batch.candidates
        assert candidate.contact_id == contact.id
        assert candidate.variables == contact.variables
        assert set(batch.suppressed) == set(contact.numbers) & {"+33612000001"}
    seen: list[Batch] = []
    (first, _) = await store.contacts(campaign_id)
    asked = await store.gather(first.id, now=NOW, look_back_s=86_400)
    await claimed(store, campaign_id, ids(1), judge=spy(let_out, seen))
    assert seen == [asked]
    with pytest.raises(NotFound):
        await store.gather(99, now=NOW, look_back_s=1)


async def test_waiting_tells_who_waits_where_and_until_when(store: SqlStore) -> None:
    campaign_id, places = await by_place(store, 3)
    fr, jp, in_ = (places[c] for c in ("FR", "JP", "IN"))
    for minutes in (10, 30):
        at = NOW + timedelta(minutes=minutes)
        wait = pass_over(Reason.COOL_OFF, at)
        await claimed(store, campaign_id, ids(1), places=[jp], judge=lambda b, w=wait: w(b)[:1])
    review = pass_over(Reason.NEEDS_REVIEW)
    await claimed(store, campaign_id, ids(1), places=[in_], judge=review)
    at = NOW + timedelta(minutes=20)
    found = {(w.place, w.reason): w for w in await store.waiting(campaign_id, at=at)}
    shown = {k: (w.count, w.due, w.next_due_at) for k, w in found.items()}
    assert shown == {
        (fr, None): (3, 3, None),
        (jp, None): (1, 1, None),
        (jp, Reason.COOL_OFF): (2, 1, NOW + timedelta(minutes=30)),
        (in_, Reason.NEEDS_REVIEW): (3, 0, None),
    }
    for minutes, due, next_at in ((30, 2, None), (5, 0, NOW + timedelta(minutes=10))):
        at = NOW + timedelta(minutes=minutes)
        held = [w for w in await store.waiting(campaign_id, at=at) if w.reason is Reason.COOL_OFF]
        assert [(w.count, w.due, w.next_due_at) for w in held] == [(2, due, next_at)]
    assert (await store.counts(campaign_id)).waiting == {
        None: 4,
        Reason.COOL_OFF: 2,
        Reason.NEEDS_REVIEW: 3,
    }
    with pytest.raises(NotFound):
        await store.waiting(99, at=at)


async def test_holds_are_released_by_reason(store: SqlStore) -> None:
    one, two, over = [await running(store, 3, mode=CampaignMode.ALWAYS_ON) for _ in range(3)]
    for campaign_id in (one, two, over):
        for reason in (Reason.COOL_OFF, Reason.NEEDS_REVIEW):
            wait = pass_over(reason)
            await claimed(store, campaign_id, ids(1), judge=lambda b, w=wait: w(b)[:1])
    await store.move_campaign(over, CampaignEvent.STOPPED, now=NOW)
    assert await store.release_holds(one, [], now=NOW) == 0
    assert await store.release_holds(one, [Reason.NEEDS_REVIEW], now=NOW) == 1
    assert (await store.counts(one)).waiting == {None: 2, Reason.COOL_OFF: 1}
    wanted = [Reason.COOL_OFF, Reason.NEEDS_REVIEW]
    assert await store.release_holds(None, wanted, now=NOW + HOUR) == 3
    assert (await store.counts(two)).waiting == {None: 3}
    assert sorted(c.due_at or NOW for c in await store.contacts(two)) == [
        NOW,
        NOW + HOUR,
        NOW + HOUR,
    ]
    for campaign_id in (one, two, over):
        assert await store.recount(campaign_id) == {}
    with pytest.raises(NotFound):
        await store.release_holds(99, wanted, now=NOW)


async def test_a_claim_after_doubt_sees_the_live_call(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    await store.apply([AttemptChange("a-00000", (AttemptEvent.DOUBTED,), NOW)])
    (contact,) = await store.contacts(campaign_id)
    batch = await store.gather(contact.id, now=NOW + timedelta(days=99), look_back_s=1)
    (call,) = batch.calls[contact.phone]
    assert (call.live, call.disposition) == (True, None)
    assert (await store.attempt("a-00000")).status is AttemptStatus.UNKNOWN
