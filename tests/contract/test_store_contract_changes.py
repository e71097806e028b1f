"""What every store promises: changes of one contact, and all that comes with a call's end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import (
    HOSTILE,
    LEASE,
    NOW,
    claimed,
    dialed,
    draft,
    ended,
    ids,
    numbers,
    problems,
    released,
    running,
    take,
)
from test_store_contract_gate import pass_over

from callcamp.core.campaign_settings import CampaignMode
from callcamp.core.changes import AttemptChange, ContactChange, NewSuppression, Revision
from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptEvent, CampaignEvent, ContactEvent, ContactStatus
from callcamp.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from callcamp.store import SqlStore

LATER = NOW + timedelta(hours=2)
PENDING, SKIPPED = ContactStatus.PENDING, ContactStatus.SKIPPED
FLORIDA = "US;US-FL;America/New_York"


async def test_contacts_that_are_not_there(store: SqlStore) -> None:
    for call in (
        store.contact(99),
        store.delete_contact(99, now=NOW),
        store.exclude_contact(99, reason="x", now=NOW),
        store.set_place(99, FLORIDA, now=NOW),
        store.skip_contact(99, Reason.COOL_OFF, now=NOW),
        store.revise(Revision("nobody"), now=NOW),
    ):
        with pytest.raises(NotFound):
            await call


async def test_skipping_a_contact(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    a, b = await store.contacts(campaign_id)
    assert await store.contact(a.id) == a
    skipped = await store.skip_contact(a.id, Reason.ZONE_UNKNOWN, now=NOW)
    assert skipped == replace(a, status=SKIPPED, hold=Reason.ZONE_UNKNOWN, due_at=None)
    await dialed(store, campaign_id)
    for contact in (a, b):
        with pytest.raises(IllegalTransition):
            await store.skip_contact(contact.id, Reason.COOL_OFF, now=NOW)
    await store.apply([ended("a-00000")])
    with pytest.raises(IllegalTransition):
        await store.skip_contact(b.id, Reason.COOL_OFF, now=NOW)
    assert (await store.counts(campaign_id)).skipped == {Reason.ZONE_UNKNOWN: 1}
    assert await store.recount(campaign_id) == {}


async def test_excluding_a_contact(store: SqlStore) -> None:
    campaign_id, other = await running(store, 0), await running(store, 1)
    phone = numbers(1)[0].phone
    campaign_id = await draft(store)
    await store.add_contacts(campaign_id, [NewContact(phone, others=("+33612999999",))], now=NOW)
    (contact,) = await store.contacts(campaign_id)
    excluded = await store.exclude_contact(contact.id, reason="asked us", now=NOW)
    assert (excluded.status, excluded.hold, excluded.due_at) == (SKIPPED, Reason.EXCLUDED, None)
    entries = await store.suppressions(campaign_id=campaign_id)
    assert [(e.phone, e.reason, e.source) for e in entries] == [
        (n, "asked us", "engine") for n in sorted(contact.numbers)
    ]
    assert (await store.contacts(other))[0].status is PENDING
    again = await store.exclude_contact(contact.id, reason="asked us again", now=NOW)
    assert again == excluded
    assert await store.recount(campaign_id) == {}


async def test_a_contact_with_a_result_keeps_it_when_it_is_excluded(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    await dialed(store, campaign_id, 2)
    await store.apply([ended("a-00000")])
    for contact in await store.contacts(campaign_id):
        after = await store.exclude_contact(contact.id, reason="asked", now=NOW)
        assert after == contact
    assert len(await store.suppressions(campaign_id=campaign_id)) == 2


async def test_a_place_that_is_told_ends_the_wait_for_it(store: SqlStore) -> None:
    campaign_id = await running(store, 4)
    held = await store.contacts(campaign_id)
    for judge in (
        pass_over(Reason.NEEDS_REVIEW),
        pass_over(Reason.ZONE_UNKNOWN, skip=True),
        pass_over(Reason.NO_CONSENT, LATER),
    ):
        await claimed(store, campaign_id, ["x"], judge=lambda b, j=judge: j(b)[:1])
    after = [await store.set_place(c.id, FLORIDA, now=LATER) for c in held]
    assert {c.place for c in after} == {FLORIDA}
    assert [(c.status, c.hold, c.due_at) for c in after] == [
        (PENDING, None, LATER),
        (PENDING, None, LATER),
        (PENDING, Reason.NO_CONSENT, LATER),
        (PENDING, None, NOW),
    ]
    assert await store.heads(campaign_id) == {FLORIDA: NOW}
    assert await store.recount(campaign_id) == {}
    with pytest.raises(InvalidInput):
        await store.set_place(held[0].id, "in the south", now=NOW)


async def test_deleting_one_contact(store: SqlStore) -> None:
    campaign_id = await draft(store)
    given = [
        NewContact(f"+3361200000{i}", {"secret": "x"}, others=("+33699999999",)) for i in "1234"
    ]
    await store.add_contacts(campaign_id, given, now=NOW)
    a, b, c, d = await store.contacts(campaign_id)
    await store.delete_contact(a.id, now=NOW)
    with pytest.raises(NotFound):
        await store.contact(a.id)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    await dialed(store, campaign_id, 3)
    with pytest.raises(Conflict, match="in a call"):
        await store.delete_contact(b.id, now=NOW)
    retry = ended("a-00001", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, LATER)
    await store.apply([ended("a-00000"), retry])
    await store.delete_contact(b.id, now=NOW)
    await store.delete_contact(c.id, now=NOW)
    for contact in (b, c):
        gone = await store.contact(contact.id)
        assert (gone.status, gone.hold, gone.due_at) == (SKIPPED, Reason.DELETED, None)
        assert (gone.variables, gone.others) == ({}, ())
    assert len(await store.attempts(campaign_id)) == 3
    counts = await store.counts(campaign_id)
    assert (counts.results, counts.skipped) == ({}, {Reason.DELETED: 2})
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    await store.apply([released(f"a-{2:05d}")])
    await store.delete_contact(d.id, now=NOW)
    gone = await store.contact(d.id)
    assert (gone.status, gone.variables) == (ContactStatus.CANCELED, {})
    assert await store.recount(campaign_id) == {}


async def test_the_end_of_a_call_brings_all_that_was_learnt(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    talk = AttemptChange(
        "a-00000", (AttemptEvent.ANSWERED,), NOW, answered_at=NOW, variables={"a": "1", "b": "1"}
    )
    change = replace(
        ended("a-00000", Disposition.ANSWERED_PERSON),
        contact=ContactChange(
            ContactEvent.RETRY_SCHEDULED,
            LATER,
            Reason.RETRY_WAITS,
            number_index=0,
            variables={"first": "Zoë", "n": "1"},
        ),
        outcome="call_me_later",
        success=False,
        decided_by="answered by a person",
        rule="custom dispositions",
        variables={"b": "2"},
        refused=True,
    )
    assert problems(await store.apply([talk, change])) == [None, None]
    attempt = await store.attempt("a-00000")
    assert (attempt.outcome, attempt.success, attempt.refused) == ("call_me_later", False, True)
    assert (attempt.decided_by, attempt.rule) == ("answered by a person", "custom dispositions")
    assert attempt.variables == {"a": "1", "b": "2"}
    (contact,) = await store.contacts(campaign_id)
    assert contact.variables == {"first": "Zoë", "n": "1"}
    assert (contact.hold, contact.due_at) == (Reason.RETRY_WAITS, LATER)
    assert (contact.outcome, contact.success) == ("call_me_later", False)
    assert (await store.counts(campaign_id)).waiting == {Reason.RETRY_WAITS: 1}
    assert await store.recount(campaign_id) == {}


async def test_successes_are_counted_among_results(store: SqlStore) -> None:
    campaign_id = await running(store, 3, mode=CampaignMode.ALWAYS_ON)
    await dialed(store, campaign_id, 3)
    done = [replace(ended(i), success=i != "a-00001") for i in ids(3)]
    waits = ended("a-00002", Disposition.HUNG_UP, ContactEvent.RETRY_SCHEDULED, NOW)
    assert problems(await store.apply([*done[:2], replace(waits, success=True)])) == [None] * 3
    assert (await store.counts(campaign_id)).successes == 1
    assert await store.recount(campaign_id) == {}


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_results_do_not_hold_up_a_batch(store: SqlStore, hostile: str) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    change = replace(
        ended("a-00000"),
        outcome=hostile,
        decided_by=hostile,
        rule=hostile,
        variables={hostile: hostile},
        contact=ContactChange(ContactEvent.FINISHED, variables={hostile: hostile}),
    )
    assert problems(await store.apply([change])) == [None]
    shown = hostile.replace("\0", "?").replace("\ud83d", "?")
    attempt = await store.attempt("a-00000")
    assert (attempt.outcome, attempt.decided_by, attempt.rule) == (shown,) * 3
    assert attempt.variables == {hostile: hostile}
    (contact,) = await store.contacts(campaign_id)
    assert (contact.outcome, contact.variables[hostile]) == (shown, hostile)


async def test_an_opt_out_holds_from_the_same_commit_on(store: SqlStore) -> None:
    one, two = await running(store, 2), await running(store, 2)
    (claim,) = await dialed(store, one)
    phone = claim.attempt.number
    opt_out = NewSuppression(phone, "opted out by keypad", "keypad")
    change = replace(ended("a-00000"), suppress=(opt_out,))
    refused = replace(ended("nobody"), suppress=(NewSuppression("+33699999999", "x", "keypad"),))
    await store.apply([change, refused])
    assert [s.phone for s in await store.suppressions()] == [phone]
    skipped, other = await store.contacts(two)
    assert (skipped.status, skipped.hold) == (SKIPPED, Reason.DO_NOT_CALL)
    assert other.status is PENDING
    assert (await store.contacts(one))[0].status is ContactStatus.COMPLETED
    for campaign_id in (one, two):
        assert await store.recount(campaign_id) == {}


async def test_a_retry_of_someone_who_opted_out_is_skipped(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    (claim,) = await dialed(store, campaign_id)
    opt_out = NewSuppression(claim.attempt.number, "x", "keypad", campaign_id)
    retry = ended("a-00000", Disposition.HUNG_UP, ContactEvent.RETRY_SCHEDULED, LATER)
    await store.apply([replace(retry, suppress=(opt_out,))])
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.hold) == (SKIPPED, Reason.EXCLUDED)
    assert await store.recount(campaign_id) == {}


async def test_an_outcome_that_comes_later(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    with pytest.raises(Conflict, match="dialing"):
        await store.revise(Revision("a-00000"), now=NOW)
    await store.apply([replace(ended("a-00000"), success=True, variables={"a": "1"})])
    back = ContactChange(ContactEvent.REOPENED, LATER, Reason.CALLBACK_WAITS, callback=True)
    revised = await store.revise(
        Revision(
            "a-00000",
            outcome="callback_requested",
            success=False,
            decided_by="outcome",
            rule="callback agreed",
            refused=True,
            variables={"b": "2"},
            contact_variables={"x": "1"},
            contact=back,
        ),
        now=NOW,
    )
    (noted, *_) = await store.audit(campaign_id=campaign_id)
    assert (noted.action, noted.subject) == ("call.outcome_noted", "a-00000")
    assert noted.after["outcome"] == "callback_requested"
    assert revised == await store.attempt("a-00000")
    assert (revised.outcome, revised.success, revised.refused) == (
        "callback_requested",
        False,
        True,
    )
    assert (revised.rule, revised.variables) == ("callback agreed", {"a": "1", "b": "2"})
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.due_at, contact.callback_at) == (PENDING, LATER, LATER)
    assert (contact.hold, contact.success) == (Reason.CALLBACK_WAITS, False)
    assert (contact.variables["x"], contact.outcome) == ("1", "callback_requested")
    # All its calls still count towards its attempts.
    assert (contact.attempts, contact.round_base) == (1, 0)
    counts = await store.counts(campaign_id)
    assert (counts.results, counts.successes) == ({}, 0)
    assert counts.waiting == {Reason.CALLBACK_WAITS: 1}
    assert await store.recount(campaign_id) == {}
    done = Revision("a-00000", contact=ContactChange(ContactEvent.FINISHED))
    kept = await store.revise(done, now=NOW)
    assert kept == revised
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.callback_at) == (ContactStatus.COMPLETED, None)
    assert await store.recount(campaign_id) == {}


async def test_what_comes_after_the_next_call_leaves_the_contact_as_it_is(
    store: SqlStore,
) -> None:
    campaign_id = await running(store, 1)
    late = Revision(
        "a-00000", outcome="x", success=True, contact=ContactChange(ContactEvent.FINISHED)
    )
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, NOW)])
    await dialed(store, campaign_id, 1, "b")
    (live,) = await store.contacts(campaign_id)
    await store.revise(late, now=NOW)
    assert await store.contact(live.id) == live
    await store.apply([ended("b-00000", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, NOW)])
    (again,) = await store.contacts(campaign_id)
    await store.revise(late, now=NOW)
    assert await store.contact(again.id) == again
    assert (await store.attempt("a-00000")).outcome == "x"


async def test_what_comes_after_the_end_of_the_campaign_calls_nobody(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000")])
    await store.finish_if_done(campaign_id, now=NOW)
    back = ContactChange(ContactEvent.REOPENED, LATER)
    await store.revise(Revision("a-00000", success=True, contact=back), now=NOW)
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.success) == (ContactStatus.COMPLETED, True)
    assert (await store.counts(campaign_id)).successes == 1
    assert await store.recount(campaign_id) == {}


async def test_a_revision_that_makes_no_sense_changes_nothing(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    await dialed(store, campaign_id, 2)
    await store.apply([ended("a-00000"), ended("a-00001")])
    before = await store.attempt("a-00000")
    for change in (
        ContactChange(ContactEvent.REOPENED),  # when?
        ContactChange(ContactEvent.CLAIMED),
        ContactChange(ContactEvent.RETRY_SCHEDULED, LATER),
    ):
        with pytest.raises(Conflict):
            await store.revise(Revision("a-00000", outcome="x", contact=change), now=NOW)
    assert await store.attempt("a-00000") == before
    assert await store.recount(campaign_id) == {}


async def test_what_comes_later_may_choose_the_number_to_call(store: SqlStore) -> None:
    campaign_id = await draft(store)
    new = NewContact("+33612000001", others=("+33612000002",))
    await store.add_contacts(campaign_id, [new], now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000")])
    back = ContactChange(ContactEvent.REOPENED, NOW, number_index=1)
    await store.revise(Revision("a-00000", contact=back), now=NOW)
    (claim,) = await take(store, campaign_id, ["b"])
    assert claim.attempt.number == "+33612000002"


async def test_an_opt_out_that_comes_later(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    (claim,) = await dialed(store, campaign_id)
    retry = ended("a-00000", Disposition.HUNG_UP, ContactEvent.RETRY_SCHEDULED, NOW)
    await store.apply([retry])
    opt_out = NewSuppression(claim.attempt.number, "asked", "outcome")
    await store.revise(Revision("a-00000", refused=True, suppress=(opt_out,)), now=NOW)
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.hold) == (SKIPPED, Reason.DO_NOT_CALL)
    assert (await store.attempt("a-00000")).refused
    assert await take(store, campaign_id, ["b"], lease_until=LEASE) == []
    back = Revision("a-00000", contact=ContactChange(ContactEvent.RETRY_SCHEDULED, NOW))
    await store.revise(back, now=NOW)
    assert (await store.contact(contact.id)).status is SKIPPED
    assert await store.recount(campaign_id) == {}
