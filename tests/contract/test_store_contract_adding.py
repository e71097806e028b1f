"""What every store promises: adding contacts, again and in bulk, and the numbers they have."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from store_kit import (
    NOW,
    claimed,
    dialed,
    draft,
    ended,
    numbers,
    running,
    sql,
    staging,
)
from test_store_contract_gate import pass_over

from callcamp.core.campaign_settings import CampaignMode
from callcamp.core.changes import NewSuppression
from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition
from callcamp.core.places import place_of
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, CampaignStatus, ContactStatus
from callcamp.errors import Conflict, NotFound
from callcamp.ports import AddResult, OnDuplicate, acting_as
from callcamp.store import SqlStore
from callcamp.store.bulk import _read_staging, insert_from_staging

ALWAYS = {"mode": CampaignMode.ALWAYS_ON}
LATER = NOW + timedelta(hours=2)
A, B, C = "+33612000001", "+33612000002", "+33612000003"
PENDING, SKIPPED = ContactStatus.PENDING, ContactStatus.SKIPPED


async def completed_one(store: SqlStore, **changes: object) -> int:
    """Return an Always-on campaign whose one contact, A, was answered."""
    campaign_id = await draft(store, **ALWAYS, **changes)
    await store.add_contacts(campaign_id, [NewContact(A, {"v": "1"})], now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    await dialed(store, campaign_id)
    await store.apply([ended("a-00000")])
    return campaign_id


async def test_every_contact_has_its_place(store: SqlStore) -> None:
    campaign_id = await draft(store)
    given = [
        NewContact(A),
        NewContact("+18005551212", {"state": "CA"}),
        NewContact("+12125551234", {"time_zone": "Europe/Paris"}),
        NewContact("+13055551234", others=("+12125551235",)),
    ]
    await store.add_contacts(campaign_id, given, now=NOW)
    for contact, new in zip(await store.contacts(campaign_id), given, strict=True):
        assert contact.place == place_of(new.phone, new.variables, new.others).key
        assert contact.others == new.others
    assert len(await store.heads(campaign_id)) == 4


async def test_contacts_are_locked_after_the_first_run(store: SqlStore) -> None:
    campaign_id = await running(store, 1)
    with pytest.raises(Conflict, match=r"locked after the first run\. Use clone"):
        await store.add_contacts(campaign_id, numbers(2), now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=NOW)
    with pytest.raises(Conflict, match="locked"):
        await store.add_contacts(campaign_id, numbers(2), now=NOW)
    queued = await draft(store)
    await store.move_campaign(queued, CampaignEvent.QUEUED, now=NOW)
    assert (await store.add_contacts(queued, numbers(2), now=NOW)).added == 2


async def test_an_always_on_campaign_takes_contacts_while_it_runs(store: SqlStore) -> None:
    campaign_id = await running(store, 1, **ALWAYS)
    assert await store.add_contacts(campaign_id, numbers(3), now=LATER) == AddResult(2, 1)
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    with pytest.raises(Conflict, match="canceled"):
        await store.add_contacts(campaign_id, numbers(4), now=NOW)


async def test_a_completed_always_on_campaign_is_re_opened(store: SqlStore) -> None:
    campaign_id = await completed_one(store)
    await store.move_campaign(campaign_id, CampaignEvent.EXPIRED, now=NOW)
    await store.suppress([NewSuppression(B, "asked", "api")], now=NOW)
    assert (await store.add_contacts(campaign_id, [NewContact(A), NewContact(B)], now=LATER)) == (
        AddResult(1, 1, suppressed=1)
    )
    # Nobody to call: it stays as it is.
    assert (await store.campaign(campaign_id)).status is CampaignStatus.COMPLETED
    await store.add_contacts(campaign_id, [NewContact(C)], now=LATER)
    campaign = await store.campaign(campaign_id)
    assert (campaign.status, campaign.run_at) == (CampaignStatus.RUNNING, LATER)
    assert (campaign.started_at, campaign.ended_at) == (NOW, None)


async def test_after_its_end_date_nothing_is_added(store: SqlStore) -> None:
    campaign_id = await draft(store, mode=CampaignMode.ALWAYS_ON, ends_at=LATER)
    await store.add_contacts(campaign_id, [NewContact(A)], now=NOW)
    with pytest.raises(Conflict, match="end date"):
        await store.add_contacts(campaign_id, [NewContact(B)], now=LATER)
    assert len(await store.contacts(campaign_id)) == 1


async def test_suppressed_numbers_are_added_as_skipped(store: SqlStore) -> None:
    campaign_id = await draft(store, dnc_lists=("register",))
    await store.replace_dnc_list("register", [C], as_of=NOW, now=NOW)
    await store.suppress(
        [NewSuppression(A, "asked", "api"), NewSuppression(B, "asked", "cli", campaign_id)],
        now=NOW,
    )
    given = [NewContact(A, others=(C,)), NewContact(B), NewContact(C, others=("+33612000009",))]
    result = await store.add_contacts(campaign_id, given, now=NOW)
    assert result == AddResult(3, 0, suppressed=2)
    a, b, c = await store.contacts(campaign_id)
    assert (a.status, a.hold, a.due_at) == (SKIPPED, Reason.DO_NOT_CALL, None)
    assert (b.status, b.hold) == (SKIPPED, Reason.EXCLUDED)
    assert (c.status, c.hold) == (PENDING, None)
    assert (await store.counts(campaign_id)).skipped == {Reason.DO_NOT_CALL: 1, Reason.EXCLUDED: 1}
    assert await store.recount(campaign_id) == {}


async def test_update_replaces_data_and_numbers(store: SqlStore) -> None:
    campaign_id = await completed_one(store)
    before = (await store.contacts(campaign_id))[0]
    new = NewContact(A, {"v": "2"}, others=(B,))
    for policy in OnDuplicate:
        if policy is not OnDuplicate.CALL_AGAIN:
            result = await store.add_contacts(campaign_id, [new], now=LATER, on_duplicate=policy)
            expected = AddResult(0, 0, updated=1)
            assert result == (AddResult(0, 1) if policy is OnDuplicate.SKIP else expected)
    (after,) = await store.contacts(campaign_id)
    assert (after.variables, after.others) == ({"v": "2"}, (B,))
    assert (after.status, after.attempts, after.due_at) == (before.status, 1, None)
    assert await store.recount(campaign_id) == {}


async def test_call_again_gives_a_fresh_round(store: SqlStore) -> None:
    campaign_id = await completed_one(store)
    again = [NewContact(A, {"v": "2"}), NewContact(B)]
    options = {"now": LATER, "on_duplicate": OnDuplicate.CALL_AGAIN}
    assert await store.add_contacts(campaign_id, again, **options) == AddResult(1, 0, reopened=1)
    # It waits already: only its data is replaced.
    assert await store.add_contacts(campaign_id, again, **options) == AddResult(0, 0, updated=2)
    a, _ = await store.contacts(campaign_id)
    assert (a.status, a.due_at, a.variables) == (PENDING, LATER, {"v": "2"})
    assert (a.attempts, a.round_base, a.disposition) == (1, 1, Disposition.ANSWERED_PERSON)
    counts = await store.counts(campaign_id)
    assert (counts.results, counts.waiting) == ({}, {None: 2})
    (first, _) = await dialed(store, campaign_id, 2, "b", now=LATER)
    assert (first.attempt.ordinal, first.attempt.round_ordinal) == (2, 1)
    assert await store.recount(campaign_id) == {}


async def test_a_contact_in_a_call_keeps_its_call(store: SqlStore) -> None:
    campaign_id = await running(store, 1, **ALWAYS)
    (claim,) = await dialed(store, campaign_id)
    new = NewContact(claim.attempt.number, {"v": "9"})
    result = await store.add_contacts(
        campaign_id, [new], now=LATER, on_duplicate=OnDuplicate.CALL_AGAIN
    )
    assert result == AddResult(0, 0, updated=1)
    (contact,) = await store.contacts(campaign_id)
    assert (contact.status, contact.variables) == (ContactStatus.IN_PROGRESS, {"v": "9"})


async def test_of_a_number_given_twice_one_counts(store: SqlStore) -> None:
    campaign_id = await draft(store)
    twice = [NewContact(A, {"v": "1"}), NewContact(A, {"v": "2"}), NewContact(B)]
    assert await store.add_contacts(campaign_id, twice, now=NOW) == AddResult(2, 1)
    assert (await store.contacts(campaign_id))[0].variables == {"v": "1"}
    result = await store.add_contacts(campaign_id, twice, now=NOW, on_duplicate=OnDuplicate.UPDATE)
    assert result == AddResult(0, 1, updated=2)
    assert (await store.contacts(campaign_id))[0].variables == {"v": "2"}


@pytest.mark.parametrize("policy", OnDuplicate)
@pytest.mark.parametrize("sticky", [False, True])
async def test_an_exclusion_is_lifted_by_adding_again_unless_it_is_sticky(
    store: SqlStore, policy: OnDuplicate, sticky: bool
) -> None:
    campaign_id = await running(store, 2, **ALWAYS, sticky_exclusion=sticky)
    contact, other = await store.contacts(campaign_id)
    await store.exclude_contact(contact.id, reason="a mistake", now=NOW)
    result = await store.add_contacts(
        campaign_id, [NewContact(contact.phone)], now=LATER, on_duplicate=policy
    )
    after = await store.contact(contact.id)
    suppressed = await store.suppressions(campaign_id=campaign_id)
    if sticky:
        assert (after.status, after.hold, len(suppressed)) == (SKIPPED, Reason.EXCLUDED, 1)
        assert (result.reopened, result.added) == (0, 0)
    else:
        assert (after.status, after.hold, after.due_at) == (PENDING, None, LATER)
        assert (result.reopened, suppressed) == (1, [])
    assert (await store.contact(other.id)) == other
    assert await store.recount(campaign_id) == {}


@pytest.mark.parametrize("sticky", [False, True])
async def test_who_was_taken_off_the_list_is_called_when_added_again(
    store: SqlStore, sticky: bool
) -> None:
    campaign_id = await running(store, 0, **ALWAYS, sticky_exclusion=sticky)
    await store.add_contacts(campaign_id, [NewContact(A), NewContact(B)], now=NOW)
    entries = [NewSuppression(A, "x", "api", campaign_id), NewSuppression(B, "x", "api")]
    assert (await store.suppress(entries, now=NOW)).contacts_skipped == 2
    for phone, of in ((A, campaign_id), (B, None)):
        assert await store.unsuppress(phone, campaign_id=of, now=NOW)
    again = [NewContact(A), NewContact(B)]
    assert await store.add_contacts(campaign_id, again, now=NOW) == AddResult(0, 1, reopened=1)
    a, b = await store.contacts(campaign_id)
    assert (a.status, a.hold) == (PENDING, None)
    assert (b.status, b.hold) == (SKIPPED, Reason.DO_NOT_CALL)
    done = await store.add_contacts(
        campaign_id, again[1:], on_duplicate=OnDuplicate.CALL_AGAIN, now=NOW
    )
    assert done == AddResult(0, 0, reopened=1)
    assert await store.recount(campaign_id) == {}


async def test_a_further_number_does_not_get_round_a_sticky_exclusion(store: SqlStore) -> None:
    campaign_id = await running(store, 0, **ALWAYS, sticky_exclusion=True)
    await store.add_contacts(campaign_id, [NewContact(A)], now=NOW)
    await store.suppress([NewSuppression(A, "x", "api", campaign_id)], now=NOW)
    for policy in OnDuplicate:
        await store.add_contacts(
            campaign_id, [NewContact(A, others=(B,))], on_duplicate=policy, now=NOW
        )
        (contact,) = await store.contacts(campaign_id)
        assert (contact.status, contact.hold) == (SKIPPED, Reason.EXCLUDED)


async def test_a_sticky_exclusion_of_some_numbers_leaves_the_others(store: SqlStore) -> None:
    campaign_id = await completed_one(store, sticky_exclusion=True)
    options = {"now": LATER, "on_duplicate": OnDuplicate.CALL_AGAIN}
    await store.suppress([NewSuppression(A, "asked", "api", campaign_id)], now=NOW)
    result = await store.add_contacts(campaign_id, [NewContact(A)], **options)
    assert result == AddResult(0, 0, updated=1)
    again = NewContact(A, others=(B,))
    assert await store.add_contacts(campaign_id, [again], **options) == AddResult(0, 0, reopened=1)
    assert [s.phone for s in await store.suppressions(campaign_id=campaign_id)] == [A]


async def test_do_not_call_stays_whoever_adds_the_number_again(store: SqlStore) -> None:
    campaign_id = await running(store, 1, **ALWAYS)
    (contact,) = await store.contacts(campaign_id)
    await store.exclude_contact(contact.id, reason="asked", now=NOW)
    await store.suppress([NewSuppression(contact.phone, "asked", "api")], now=NOW)
    for policy in OnDuplicate:
        result = await store.add_contacts(
            campaign_id, [NewContact(contact.phone)], now=LATER, on_duplicate=policy
        )
        assert result.reopened == 0
    assert (await store.contact(contact.id)).status is SKIPPED
    assert len(await store.suppressions(phone=contact.phone)) == 2


async def test_a_deleted_contact_may_be_added_again(store: SqlStore) -> None:
    campaign_id = await completed_one(store)
    (contact,) = await store.contacts(campaign_id)
    await store.delete_contact(contact.id, now=NOW)
    result = await store.add_contacts(campaign_id, [NewContact(A, {"v": "3"})], now=LATER)
    assert result == AddResult(0, 0, reopened=1)
    after = await store.contact(contact.id)
    assert (after.status, after.variables, after.hold) == (PENDING, {"v": "3"}, None)


async def test_new_data_that_tells_the_place_ends_the_wait_for_it(store: SqlStore) -> None:
    campaign_id = await running(store, 0, **ALWAYS)
    phones = ["+18005551212", "+18005551213", "+18005551214"]
    await store.add_contacts(campaign_id, [NewContact(p) for p in phones], now=NOW)
    review, skipped, held = await store.contacts(campaign_id)
    for judge in (
        pass_over(Reason.NEEDS_REVIEW),
        pass_over(Reason.ZONE_UNKNOWN, skip=True),
        pass_over(Reason.NO_CONSENT),
    ):
        await claimed(store, campaign_id, ["x"], judge=lambda b, j=judge: j(b)[:1])
    told = [NewContact(p, {"time_zone": "America/Chicago"}) for p in phones]
    assert (await store.add_contacts(campaign_id, told, now=LATER)) == AddResult(0, 3)
    assert (await store.contact(review.id)).hold is Reason.NEEDS_REVIEW
    result = await store.add_contacts(campaign_id, told, now=LATER, on_duplicate=OnDuplicate.UPDATE)
    assert result == AddResult(0, 0, updated=2, reopened=1)
    after = [await store.contact(c.id) for c in (review, skipped, held)]
    assert {c.place for c in after} == {place_of(phones[0], told[0].variables).key}
    assert [c.hold for c in after] == [None, None, Reason.NO_CONSENT]
    assert [c.due_at for c in after] == [LATER, LATER, None]
    assert await store.recount(campaign_id) == {}


async def test_a_place_that_a_person_set_stays_when_the_data_say_nothing_new(
    store: SqlStore,
) -> None:
    campaign_id = await draft(store)
    await store.add_contacts(campaign_id, [NewContact(A, {"state": "x"})], now=NOW)
    (contact,) = await store.contacts(campaign_id)
    place = "US;US-FL;America/New_York"
    await store.set_place(contact.id, place, now=NOW)
    options = {"now": NOW, "on_duplicate": OnDuplicate.UPDATE}
    await store.add_contacts(campaign_id, [NewContact(A, {"state": "y"})], **options)
    assert (await store.contact(contact.id)).place == place
    new = NewContact(A, {"timezone": "Asia/Tokyo"})
    await store.add_contacts(campaign_id, [new], **options)
    assert (await store.contact(contact.id)).place == place_of(A, new.variables).key


async def test_contacts_are_skipped_when_all_their_numbers_are_suppressed(
    store: SqlStore,
) -> None:
    one, two = await draft(store), await draft(store)
    over = await draft(store)
    for campaign_id in (one, two, over):
        await store.add_contacts(campaign_id, [NewContact(A, others=(B,)), NewContact(C)], now=NOW)
    await store.move_campaign(over, CampaignEvent.STOPPED, now=NOW)
    assert (await store.suppress([NewSuppression(A, "x", "api")], now=NOW)).contacts_skipped == 0
    only_one = NewSuppression(B, "x", "api", one)
    assert (await store.suppress([only_one], now=NOW)).contacts_skipped == 1
    assert [c.hold for c in await store.contacts(one)] == [Reason.DO_NOT_CALL, None]
    assert [c.hold for c in await store.contacts(two)] == [None, None]
    assert (await store.suppress([NewSuppression(B, "x", "api")], now=NOW)).contacts_skipped == 1
    assert {c.status for c in await store.contacts(over)} == {ContactStatus.CANCELED}
    for campaign_id in (one, two, over):
        assert await store.recount(campaign_id) == {}


def with_columns(path: Path, columns: str, rows: list[tuple[object, ...]]) -> Path:
    """Write a staging file with these columns."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE row ({columns})")
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO row VALUES ({marks})", rows)
        connection.commit()
    return path


async def test_an_import_brings_places_and_further_numbers(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await draft(store)
    plain = [(A, {}), ("+18005551212", {"state": "CA"}), ("+12125551234", {"timezone": "x"})]
    made = await store.create_import(campaign_id, "1", {}, now=NOW)
    insert_from_staging(url, made.id, staging(tmp_path / "1", plain), now=NOW)
    for contact, (phone, values) in zip(await store.contacts(campaign_id), plain, strict=True):
        assert contact.place == place_of(phone, values).key
    path = with_columns(
        tmp_path / "2",
        "row_no INTEGER, phone TEXT, variables TEXT, others TEXT",
        [(2, B, "{}", "[]"), (3, C, "{}", json.dumps(["+13055551234", "+81312345678"]))],
    )
    second = await store.create_import(campaign_id, "2", {}, now=NOW)
    assert insert_from_staging(url, second.id, path, now=NOW) == AddResult(2, 0)
    b, c = (await store.contacts(campaign_id))[3:]
    assert (b.others, c.others) == ((), ("+13055551234", "+81312345678"))
    assert c.place == place_of(C, {}, c.others).key
    items = [NewSuppression(n, "x", "api") for n in c.numbers[:2]]
    assert (await store.suppress(items, now=NOW)).contacts_skipped == 0
    last = NewSuppression(c.numbers[2], "x", "api")
    assert (await store.suppress([last], now=NOW)).contacts_skipped == 1
    path = with_columns(
        tmp_path / "3",
        "row_no INTEGER, phone TEXT, variables TEXT, place TEXT",
        [(2, "+33612000004", "{}", "told")],
    )
    third = await store.create_import(campaign_id, "3", {}, now=NOW)
    insert_from_staging(url, third.id, path, now=NOW)
    assert (await store.contacts(campaign_id))[-1].place == "told"
    assert await store.recount(campaign_id) == {}
    assert await store.undo_import(second.id, now=NOW) == 2
    assert sql(url, "SELECT * FROM contact_number") == []
    assert await store.recount(campaign_id) == {}


async def test_a_preview_can_be_discarded_and_nothing_else(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await draft(store)
    made = await store.create_import(campaign_id, "1", {}, now=NOW)
    await store.discard_import(made.id, now=NOW)
    assert await store.imports(campaign_id) == []
    assert (await store.audit())[0].action == "import.discarded"
    with pytest.raises(NotFound):
        await store.discard_import(made.id, now=NOW)
    kept = await store.create_import(campaign_id, "2", {}, now=NOW)
    insert_from_staging(url, kept.id, staging(tmp_path / "2", [(A, {})]), now=NOW)
    for _ in range(2):
        with pytest.raises(Conflict):
            await store.discard_import(kept.id, now=NOW)
        if (await store.contact_import(kept.id)).status == "confirmed":
            await store.undo_import(kept.id, now=NOW)
    assert (await store.contact_import(kept.id)).status == "undone"


async def test_contacts_are_found_by_what_they_wait_for(store: SqlStore) -> None:
    campaign_id = await draft(store)
    await store.add_contacts(campaign_id, numbers(3), now=NOW)
    first, second, third = await store.contacts(campaign_id)
    for one in (first, third):
        await store.exclude_contact(one.id, reason="asked", now=NOW)
    found = await store.contacts(campaign_id, hold=Reason.EXCLUDED)
    assert [one.id for one in found] == [first.id, third.id]
    after = await store.contacts(campaign_id, hold=Reason.EXCLUDED, after_id=first.id, limit=1)
    assert [one.id for one in after] == [third.id]
    assert second.id not in {one.id for one in found}
    assert await store.contacts(campaign_id, hold=Reason.NO_CONSENT) == []


async def test_an_import_does_with_known_numbers_what_is_asked(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await completed_one(store)
    await store.add_contacts(campaign_id, [NewContact(B, {"v": "1"}), NewContact(C)], now=NOW)
    *_, c = await store.contacts(campaign_id)
    await store.exclude_contact(c.id, reason="x", now=NOW)
    rows = [(A, {"v": "2"}), (B, {"v": "2"}), (C, {"v": "2"}), ("+33612000004", {})]
    results = {}
    for policy in OnDuplicate:
        made = await store.create_import(campaign_id, "f", {}, now=NOW)
        path = staging(tmp_path / policy, rows)
        results[policy] = insert_from_staging(url, made.id, path, now=LATER, on_duplicate=policy)
        assert await store.recount(campaign_id) == {}
    assert results == {
        OnDuplicate.SKIP: AddResult(1, 2, reopened=1),
        OnDuplicate.UPDATE: AddResult(0, 0, updated=4),
        OnDuplicate.CALL_AGAIN: AddResult(0, 0, updated=3, reopened=1),
    }
    shown = [(x.status, x.variables) for x in await store.contacts(campaign_id)]
    assert shown == [
        (PENDING, {"v": "2"}),
        (PENDING, {"v": "2"}),
        (PENDING, {"v": "2"}),
        (PENDING, {}),
    ]


async def test_an_import_skips_who_must_not_be_called(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await draft(store, dnc_lists=("register",))
    await store.replace_dnc_list("register", [A], as_of=NOW, now=NOW)
    await store.suppress(
        [
            NewSuppression(B, "x", "api", campaign_id),
            NewSuppression(C, "x", "api", None, NOW),  # over
        ],
        now=NOW - timedelta(days=1),
    )
    made = await store.create_import(campaign_id, "f", {}, now=NOW)
    path = staging(tmp_path / "s", [(A, {}), (B, {}), (C, {})])
    with acting_as("page:somebody"):
        result = insert_from_staging(url, made.id, path, now=NOW)
    assert result == AddResult(3, 0, suppressed=2)
    assert [c.hold for c in await store.contacts(campaign_id)] == [
        Reason.DO_NOT_CALL,
        Reason.EXCLUDED,
        None,
    ]
    assert await store.recount(campaign_id) == {}
    (entry, *_) = await store.audit(campaign_id=campaign_id, kind="campaign")
    assert (entry.actor, entry.action) == ("page:somebody", "contacts.added")
    assert entry.after["added"] == 3
    assert entry.after["import"] == made.id


def test_what_goes_into_another_engine_is_read_alike(tmp_path: Path) -> None:
    plain = staging(tmp_path / "1", [(A, {}), (B, {"timezone": "Asia/Tokyo"})])
    tokyo = place_of(B, {"timezone": "Asia/Tokyo"}).key
    assert list(_read_staging(plain)) == [
        [
            (1, 2, A, "{}", None, place_of(A, {}).key),
            (2, 3, B, '{"timezone": "Asia/Tokyo"}', None, tokyo),
        ]
    ]
    full = with_columns(
        tmp_path / "2",
        "row_no INTEGER PRIMARY KEY, phone TEXT, variables TEXT, others TEXT, place TEXT",
        [(7, A, "{}", "[]", "told"), (9, B, "{}", f'["{C}"]', "told")],
    )
    assert list(_read_staging(full)) == [
        [(7, 7, A, "{}", None, "told"), (9, 9, B, "{}", f'["{C}"]', "told")]
    ]


@pytest.mark.parametrize("sticky", [False, True])
async def test_a_file_that_replaces_lifts_exclusions_unless_they_are_sticky(
    store: SqlStore, url: str, tmp_path: Path, sticky: bool
) -> None:
    campaign_id = await draft(store, sticky_exclusion=sticky)
    await store.add_contacts(campaign_id, [NewContact(A)], now=NOW)
    (contact,) = await store.contacts(campaign_id)
    await store.exclude_contact(contact.id, reason="x", now=NOW)
    made = await store.create_import(campaign_id, "f", {}, now=NOW)
    path = staging(tmp_path / "s", [(A, {}), (B, {})])
    result = insert_from_staging(url, made.id, path, now=NOW, replace=True)
    assert result == AddResult(2, 0, suppressed=int(sticky))
    assert [c.status for c in await store.contacts(campaign_id)] == [
        SKIPPED if sticky else PENDING,
        PENDING,
    ]
    assert await store.recount(campaign_id) == {}


async def test_an_import_into_a_campaign_that_ran_is_refused(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await running(store, 1)
    made = await store.create_import(campaign_id, "f", {}, now=NOW)
    path = staging(tmp_path / "s", [(A, {})])
    for replace in (False, True):
        with pytest.raises(Conflict, match=r"[Cc]lone"):
            insert_from_staging(url, made.id, path, now=NOW, replace=replace)
    assert len(await store.contacts(campaign_id)) == 1


async def test_a_canceled_contact_is_not_called_again(store: SqlStore) -> None:
    campaign_id = await running(store, 1, **ALWAYS)
    await store.move_campaign(campaign_id, CampaignEvent.EXPIRED, now=NOW)
    (contact,) = await store.contacts(campaign_id)
    assert contact.status is ContactStatus.CANCELED
    result = await store.add_contacts(
        campaign_id,
        [NewContact(contact.phone, {"v": "5"})],
        now=LATER,
        on_duplicate=OnDuplicate.CALL_AGAIN,
    )
    # No step leads out of canceled.
    assert result == AddResult(0, 0, updated=1)
    assert (await store.contact(contact.id)).status is ContactStatus.CANCELED
