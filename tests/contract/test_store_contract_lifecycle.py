"""What every store promises: how campaigns end, go on and are copied, and that it is audited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import NOW, claimed, dialed, draft, ended, ids, problems, released, running, take
from test_store_contract_gate import pass_over

from callcamp.core.campaign_settings import CampaignMode, RetryPolicy
from callcamp.core.changes import ContactChange, NewSuppression
from callcamp.core.model import ContactChoice, NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, CampaignStatus, ContactEvent, ContactStatus
from callcamp.errors import Conflict, IllegalTransition, NotFound
from callcamp.ports import acting_as
from callcamp.store import SqlStore

LATER = NOW + timedelta(hours=2)
PENDING, FAILED = ContactStatus.PENDING, ContactStatus.FAILED


async def with_failures(store: SqlStore, **changes: object) -> int:
    """Return a completed campaign: two contacts failed, one was answered, one is skipped."""
    campaign_id = await running(store, 4, **changes)
    *_, last = await store.contacts(campaign_id)
    await store.skip_contact(last.id, Reason.ZONE_UNKNOWN, now=NOW)
    await dialed(store, campaign_id, 3)
    gave_up = [ended(f"a-{i:05d}", Disposition.CONGESTION, ContactEvent.GAVE_UP) for i in (0, 2)]
    answered = replace(ended("a-00001"), success=True)
    assert problems(await store.apply([*gave_up, answered])) == [None] * 3
    assert await store.finish_if_done(campaign_id, now=NOW)
    return campaign_id


async def test_run_at_is_the_last_start(store: SqlStore) -> None:
    campaign_id = await draft(store)
    assert (await store.campaign(campaign_id)).run_at is None
    queued = await store.move_campaign(campaign_id, CampaignEvent.QUEUED, now=NOW)
    assert (queued.run_at, queued.started_at) == (None, None)
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.QUEUED, now=NOW)
    started = await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    assert (started.run_at, started.started_at) == (NOW, NOW)
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=LATER)
    resumed = await store.move_campaign(campaign_id, CampaignEvent.RESUMED, now=LATER)
    assert resumed.run_at == NOW
    await store.move_campaign(campaign_id, CampaignEvent.EXPIRED, now=LATER)
    again = await store.move_campaign(campaign_id, CampaignEvent.REOPENED, now=LATER)
    assert (again.run_at, again.started_at, again.ended_at) == (LATER, NOW, None)


async def test_the_end_of_its_day_cancels_who_still_waits(store: SqlStore) -> None:
    campaign_id = await running(store, 5)
    (live, other) = await dialed(store, campaign_id, 2)
    await claimed(store, campaign_id, ids(1, "x"), judge=pass_over(Reason.NEEDS_REVIEW))
    done = await store.move_campaign(campaign_id, CampaignEvent.EXPIRED, now=LATER)
    assert (done.status, done.ended_at) == (CampaignStatus.COMPLETED, LATER)
    counts = await store.counts(campaign_id)
    assert counts.contacts == {ContactStatus.CANCELED: 3, ContactStatus.IN_PROGRESS: 2}
    assert counts.waiting == {}
    # Nobody waits for a retry in a campaign that is completed either.
    retry = ended(live.attempt.id, Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, LATER)
    assert problems(await store.apply([retry, released(other.attempt.id)])) == [None, None]
    assert (await store.counts(campaign_id)).contacts == {ContactStatus.CANCELED: 5}
    assert {c.hold for c in await store.contacts(campaign_id)} == {None}
    assert await store.recount(campaign_id) == {}


async def test_an_always_on_campaign_never_completes_by_itself(store: SqlStore) -> None:
    campaign_id = await running(store, 1, mode=CampaignMode.ALWAYS_ON)
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000")])
    assert not await store.finish_if_done(campaign_id, now=NOW)
    assert (await store.campaign(campaign_id)).status is CampaignStatus.RUNNING


async def test_who_waits_for_a_review_keeps_a_campaign_open(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    await claimed(store, campaign_id, ids(1), judge=pass_over(Reason.NEEDS_REVIEW))
    assert not await store.finish_if_done(campaign_id, now=NOW)


async def test_failed_contacts_are_retried_with_all_their_attempts(store: SqlStore) -> None:
    campaign_id = await with_failures(store)
    assert (await store.counts(campaign_id)).results == {
        Disposition.CONGESTION: 2,
        Disposition.ANSWERED_PERSON: 1,
    }
    assert await store.retry_failed(campaign_id, now=LATER) == 2
    campaign = await store.campaign(campaign_id)
    assert (campaign.status, campaign.run_at) == (CampaignStatus.RUNNING, LATER)
    again = await store.contacts(campaign_id, status=PENDING)
    assert [(c.due_at, c.attempts, c.round_base) for c in again] == [(LATER, 1, 1)] * 2
    counts = await store.counts(campaign_id)
    assert counts.results == {Disposition.ANSWERED_PERSON: 1}
    assert (counts.successes, counts.waiting) == (1, {None: 2})
    (claim, _) = await take(store, campaign_id, ids(9, "b"), now=LATER)
    assert (claim.attempt.ordinal, claim.attempt.round_ordinal) == (2, 1)
    assert await store.recount(campaign_id) == {}


async def test_what_cannot_be_retried_says_so(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    with pytest.raises(IllegalTransition):
        await store.retry_failed(campaign_id, now=NOW)
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000")])
    await store.finish_if_done(campaign_id, now=NOW)
    with pytest.raises(Conflict, match="no failed contact"):
        await store.retry_failed(campaign_id, now=NOW)
    assert (await store.campaign(campaign_id)).status is CampaignStatus.COMPLETED
    with pytest.raises(NotFound):
        await store.retry_failed(99, now=NOW)


async def test_a_clone_without_contacts(store: SqlStore) -> None:
    campaign_id = await with_failures(store)
    settings = replace((await store.campaign(campaign_id)).settings, name="copy")
    copy = await store.clone_campaign(campaign_id, settings, None, now=LATER)
    assert (copy.status, copy.version, copy.settings) == (CampaignStatus.DRAFT, 1, settings)
    assert (copy.created_at, copy.started_at, copy.run_at) == (LATER, None, None)
    assert await store.contacts(copy.id) == []
    assert [v.version for v in await store.settings_versions(copy.id)] == [1]


async def test_a_clone_has_fresh_copies_of_the_contacts(store: SqlStore) -> None:
    campaign_id = await draft(store)
    given = [
        NewContact("+33612000001", {"v": "1"}, row=2, others=("+33612000009",)),
        NewContact("+33612000002"),
        NewContact("+33612000003"),
    ]
    await store.add_contacts(campaign_id, given, now=NOW)
    first, second, third = await store.contacts(campaign_id)
    await store.set_place(third.id, "US;US-FL;America/New_York", now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    await dialed(store, campaign_id)
    await store.apply([replace(ended("a-00000"), success=True, outcome="sold")])
    await store.suppress([NewSuppression(second.phone, "x", "api")], now=NOW)
    settings = (await store.campaign(campaign_id)).settings
    copy = await store.clone_campaign(campaign_id, settings, ContactChoice(), now=LATER)
    a, b, c = await store.contacts(copy.id)
    assert (a.phone, a.variables, a.others) == (first.phone, {"v": "1"}, ("+33612000009",))
    assert (a.status, a.due_at, a.attempts, a.success) == (PENDING, LATER, 0, None)
    assert (a.disposition, a.outcome, a.last_attempt_at, a.import_id) == (None, None, None, None)
    assert (b.status, b.hold) == (ContactStatus.SKIPPED, Reason.DO_NOT_CALL)
    assert c.place == "US;US-FL;America/New_York"
    assert await store.recount(copy.id) == {}
    assert await store.recount(campaign_id) == {}
    # The copies' further numbers are known as well.
    items = [NewSuppression(n, "x", "api", copy.id) for n in a.numbers]
    assert (await store.suppress(items, now=NOW)).contacts_skipped == 1


async def test_a_clone_takes_the_contacts_that_are_chosen(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcamp.store.rows.MOST_IDS", 2)
    campaign_id = await with_failures(store)
    settings = (await store.campaign(campaign_id)).settings
    all_ = await store.contacts(campaign_id)
    await store.delete_contact(all_[2].id, now=NOW)

    async def chosen(**choice: object) -> list[int]:
        copy = await store.clone_campaign(campaign_id, settings, ContactChoice(**choice), now=LATER)
        assert await store.recount(copy.id) == {}
        phones = [c.phone for c in await store.contacts(copy.id)]
        return [i for i, contact in enumerate(all_) if contact.phone in phones]

    assert await chosen() == [0, 1, 3]  # without the one that was deleted
    assert await chosen(statuses=frozenset({FAILED})) == [0]
    assert await chosen(dispositions=frozenset({Disposition.ANSWERED_PERSON})) == [1]
    assert await chosen(success=True) == [1]
    assert await chosen(success=False) == []
    assert await chosen(ids=frozenset(c.id for c in all_)) == [0, 1, 3]
    assert await chosen(ids=frozenset({all_[1].id}), statuses=frozenset({FAILED})) == []
    with pytest.raises(NotFound):
        await store.clone_campaign(99, settings, None, now=NOW)
    with pytest.raises(NotFound):
        await store.clone_campaign(campaign_id, replace(settings, trunk_id=99), None, now=NOW)


async def test_other_settings_have_held_contacts_looked_at_again(store: SqlStore) -> None:
    campaign_id = await running(store, 3)
    for reason in (Reason.FREQUENCY_CAP, Reason.IN_OTHER_CALL):
        wait = pass_over(reason, LATER)
        await claimed(store, campaign_id, ids(1), judge=lambda b, w=wait: w(b)[:1])
    await dialed(store, campaign_id)
    due = ContactChange(ContactEvent.RETRY_SCHEDULED, LATER, Reason.RETRY_WAITS)
    change = ended("a-00000", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, LATER)
    await store.apply([replace(change, contact=due)])
    settings = replace((await store.campaign(campaign_id)).settings, concurrency=3)
    at = NOW + timedelta(minutes=1)
    await store.change_settings(campaign_id, settings, expected_version=1, now=at)
    shown = [(c.hold, c.due_at) for c in await store.contacts(campaign_id)]
    assert shown == [
        (None, at),
        (Reason.IN_OTHER_CALL, LATER),
        (Reason.RETRY_WAITS, LATER),
    ]
    assert await store.recount(campaign_id) == {}


async def test_more_attempts_bring_back_whom_the_want_of_them_left_out(store: SqlStore) -> None:
    campaign_id = await running(store, 3)
    settings = (await store.campaign(campaign_id)).settings
    await dialed(store, campaign_id, 2)
    busy = [
        ended(f"a-{n:05d}", Disposition.BUSY, ContactEvent.RETRY_SCHEDULED, NOW) for n in (0, 1)
    ]
    assert problems(await store.apply(busy)) == [None] * 2
    first, second, third = await store.contacts(campaign_id)
    for contact in (first, second):
        await store.skip_contact(contact.id, Reason.ATTEMPTS_USED, now=NOW)
    await store.suppress([NewSuppression(second.phone, "x", "api")], now=NOW)
    await store.skip_contact(third.id, Reason.ZONE_UNKNOWN, now=NOW)

    async def change(version: int, most: int) -> list[tuple[ContactStatus, Reason | None]]:
        wanted = replace(settings, retry=RetryPolicy(max_attempts=most))
        await store.change_settings(campaign_id, wanted, expected_version=version, now=LATER)
        assert await store.recount(campaign_id) == {}
        return [(c.status, c.hold) for c in await store.contacts(campaign_id)]

    used, unknown = (
        (ContactStatus.SKIPPED, reason) for reason in (Reason.ATTEMPTS_USED, Reason.ZONE_UNKNOWN)
    )
    assert await change(1, 1) == [used, used, unknown]
    assert await change(2, 2) == [(PENDING, None), (PENDING, None), unknown]
    assert [c.due_at for c in await store.contacts(campaign_id)] == [LATER, LATER, None]
    assert (await store.counts(campaign_id)).contacts == {PENDING: 2, ContactStatus.SKIPPED: 1}
    for contact in (first, second):
        await store.skip_contact(contact.id, Reason.ATTEMPTS_USED, now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=LATER)
    assert await change(3, 9) == [used, used, unknown], "a campaign that is over calls nobody"


async def test_what_people_do_is_audited_with_what_it_was_before(store: SqlStore) -> None:
    with acting_as("cli:root"):
        campaign_id = await draft(store, concurrency=5)
        await store.add_contacts(campaign_id, [NewContact("+33612000001")], now=NOW)
        before = (await store.campaign(campaign_id)).settings
        await store.change_settings(
            campaign_id, replace(before, concurrency=6), expected_version=1, now=LATER
        )
        await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=LATER)
        (contact,) = await store.contacts(campaign_id)
        await store.exclude_contact(contact.id, reason="asked", now=LATER)
        await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=LATER)
    entries = await store.audit(campaign_id=campaign_id)
    assert {entry.actor for entry in entries} == {"cli:root"}
    actions = [entry.action for entry in reversed(entries)]
    assert actions == [
        "campaign.created",
        "contacts.added",
        "campaign.changed",
        "campaign.started",
        "suppression.added",
        "contact.excluded",
        "campaign.stopped",
    ]
    changed = entries[4]
    assert changed.before == {"version": 1, "concurrency": 5}
    assert changed.after == {"version": 2, "concurrency": 6}
    assert (changed.kind, changed.subject, changed.at) == ("campaign", str(campaign_id), LATER)
    assert entries[0].before == {"status": "running"}
    assert entries[0].after == {"status": "canceled", "contacts_canceled": 0}


async def test_trunks_presets_and_imports_are_audited(store: SqlStore) -> None:
    with acting_as("page:x"):
        campaign_id = await draft(store)
        await store.save_trunk("carrier", dial_string="PJSIP/{number}@other", cps=3)
        await store.save_mapping_preset("CRM", {"phone": "a"}, now=NOW)
        await store.save_mapping_preset("CRM", {"phone": "b"}, now=NOW)
        await store.delete_mapping_preset("CRM")
        await store.create_import(campaign_id, "f.csv", {}, now=NOW)
        await store.delete_contacts(campaign_id)
    (changed, added) = await store.audit(kind="trunk")
    assert (added.action, changed.action) == ("trunk.added", "trunk.changed")
    assert (changed.before["cps"], changed.after["cps"]) == (10, 3)
    presets = await store.audit(kind="mapping_preset")
    assert [(e.action, e.before, e.after) for e in reversed(presets)] == [
        ("mapping_preset.added", None, {"phone": "a"}),
        ("mapping_preset.changed", {"phone": "a"}, {"phone": "b"}),
        ("mapping_preset.deleted", {"phone": "b"}, None),
    ]
    (previewed,) = await store.audit(kind="import")
    assert (previewed.action, previewed.campaign_id) == ("import.previewed", campaign_id)
    (deleted, *_) = await store.audit(kind="campaign")
    assert deleted.action == "contacts.deleted"
    assert {e.actor for e in await store.audit()} == {"page:x"}


async def test_calls_are_not_audited(store: SqlStore) -> None:
    campaign_id = await running(store, 2)
    before = len(await store.audit())
    await dialed(store, campaign_id, 2)
    await store.apply([ended("a-00000"), released("a-00001")])
    assert len(await store.audit()) == before
