"""What every store promises: contacts, imports, hostile text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from store_kit import (
    HOSTILE,
    NOW,
    dialed,
    draft,
    ended,
    numbers,
    released,
    running,
    staging,
)

from callcamp.core.model import NewContact
from callcamp.core.outcome import Evidence
from callcamp.core.states import (
    CampaignEvent,
    ContactStatus,
)
from callcamp.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    StoreError,
)
from callcamp.ports import AddResult
from callcamp.store import SqlStore
from callcamp.store.bulk import existing_phones, insert_from_staging


async def test_contacts_are_due_at_once_and_each_number_once(store: SqlStore) -> None:
    campaign_id, other = await draft(store), await draft(store)
    assert await store.add_contacts(campaign_id, [], now=NOW) == AddResult(0, 0)
    some = [NewContact("+331", {"a": "1"}, row=2), NewContact("+332"), NewContact("+331")]
    assert await store.add_contacts(campaign_id, iter(some), now=NOW) == AddResult(2, 1)
    more = [NewContact("+332"), NewContact("+333")]
    assert await store.add_contacts(campaign_id, more, now=NOW) == AddResult(1, 1)
    assert await store.add_contacts(other, some, now=NOW) == AddResult(2, 1)
    first, *_ = listed = await store.contacts(campaign_id)
    assert [c.phone for c in listed] == ["+331", "+332", "+333"]
    assert first.variables == {"a": "1"}
    assert (first.status, first.attempts, first.due_at) == (ContactStatus.PENDING, 0, NOW)
    assert first.disposition is first.import_id is first.last_attempt_at is None
    assert (await store.counts(campaign_id)).contacts == {ContactStatus.PENDING: 3}
    assert await store.recount(campaign_id) == {}


async def test_a_campaign_that_is_over_takes_no_contacts(store: SqlStore) -> None:
    campaign_id = await draft(store)
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    with pytest.raises(Conflict):
        await store.add_contacts(campaign_id, numbers(1), now=NOW)


async def test_contacts_in_pages_by_status_and_by_number(store: SqlStore) -> None:
    campaign_id = await running(store, 5)
    await running(store, 5)
    await dialed(store, campaign_id, 2)
    seen, after = [], 0
    while page := await store.contacts(campaign_id, after_id=after, limit=2):
        seen += [c.phone for c in page]
        after = page[-1].id
    assert seen == [c.phone for c in numbers(5)]
    pending = await store.contacts(campaign_id, status=ContactStatus.PENDING)
    assert [c.phone for c in pending] == seen[2:]
    (one,) = await store.contacts(campaign_id, phone=seen[3])
    assert one.phone == seen[3]
    assert await store.contacts(campaign_id, phone=seen[3][:-1]) == []
    assert await store.contacts(campaign_id, phone=seen[0], status=ContactStatus.PENDING) == []


async def test_many_contacts_at_once(store: SqlStore) -> None:
    campaign_id = await draft(store)
    many = numbers(12_000)
    assert await store.add_contacts(campaign_id, many, now=NOW) == AddResult(12_000, 0)
    assert await store.add_contacts(campaign_id, many, now=NOW) == AddResult(0, 12_000)
    page = await store.contacts(campaign_id, limit=20_000)
    assert [c.phone for c in page] == [c.phone for c in many]


async def test_deleting_contacts_before_the_start_only(store: SqlStore) -> None:
    campaign_id = await draft(store)
    await store.add_contacts(campaign_id, numbers(3), now=NOW)
    assert await store.delete_contacts(campaign_id) == 3
    assert await store.contacts(campaign_id) == []
    assert (await store.counts(campaign_id)).contacts == {}
    await store.add_contacts(campaign_id, numbers(3), now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.PAUSED, now=NOW)
    with pytest.raises(Conflict):
        await store.delete_contacts(campaign_id)
    assert len(await store.contacts(campaign_id)) == 3
    assert await store.recount(campaign_id) == {}


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_text_comes_back_as_it_went(store: SqlStore, hostile: str) -> None:
    campaign_id = await draft(store, name=hostile, description=hostile)
    campaign = await store.campaign(campaign_id)
    assert (campaign.settings.name, campaign.settings.description) == (hostile, hostile)
    await store.add_contacts(campaign_id, [NewContact("+331", {hostile: hostile})], now=NOW)
    (contact,) = await store.contacts(campaign_id)
    assert contact.variables == {hostile: hostile}
    made = await store.create_import(campaign_id, "f.csv", {hostile: [hostile]}, now=NOW)
    assert (await store.contact_import(made.id)).report == {hostile: [hostile]}
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    (claim,) = await dialed(store, campaign_id)
    assert claim.variables == {hostile: hostile}
    await store.apply([replace(ended("a-00000"), evidence=Evidence(dtmf=hostile))])
    assert (await store.attempt("a-00000")).evidence == {"dtmf": hostile}


async def test_hostile_names_of_trunks_and_files(store: SqlStore) -> None:
    campaign_id = await draft(store)
    for hostile in HOSTILE:
        if "\0" in hostile or "\ud83d" in hostile:
            for name, dial_string in ((hostile, "x"), ("x", hostile)):
                with pytest.raises(InvalidInput):
                    await store.save_trunk(name, dial_string=dial_string, cps=1)
            with pytest.raises(InvalidInput):
                await store.create_import(campaign_id, hostile, {}, now=NOW)
            continue
        assert (await store.save_trunk(hostile, dial_string=hostile, cps=1)).name == hostile
        made = await store.create_import(campaign_id, hostile, {}, now=NOW)
        assert (await store.contact_import(made.id)).filename == hostile
        assert await store.contacts(campaign_id, phone=hostile) == []


async def test_an_import_from_preview_to_undo(store: SqlStore, url: str, tmp_path: Path) -> None:
    campaign_id = await draft(store)
    await store.add_contacts(campaign_id, [NewContact("+332", {"old": "1"})], now=NOW)
    made = await store.create_import(campaign_id, "list.csv", {"rows": 3}, now=NOW)
    assert (made.status, made.added, made.report) == ("previewed", 0, {"rows": 3})
    assert (made.filename, made.created_at, made.confirmed_at) == ("list.csv", NOW, None)
    second = await store.create_import(campaign_id, "b.csv", {}, now=NOW)
    assert await store.imports(campaign_id) == [second, made]
    with pytest.raises(Conflict):
        await store.undo_import(made.id, now=NOW)
    rows = [("+333", {"n": "three"}), ("+332", {"n": "two"}), ("+331", {"n": "Zoë \0 🎉"})]
    path = staging(tmp_path / "staging.sqlite3", rows)
    at, told = NOW + timedelta(minutes=1), []
    assert existing_phones(url, campaign_id) == {"+332"}
    result = insert_from_staging(
        url, made.id, path, now=at, progress=lambda *done: told.append(done)
    )
    assert result == AddResult(2, 1)
    assert told == [(3, 3)]
    confirmed = await store.contact_import(made.id)
    assert (confirmed.status, confirmed.added, confirmed.confirmed_at) == ("confirmed", 2, at)
    contacts = await store.contacts(campaign_id)
    assert [(c.phone, c.variables) for c in contacts] == [
        ("+332", {"old": "1"}),
        ("+333", {"n": "three"}),
        ("+331", {"n": "Zoë \0 🎉"}),
    ]
    assert [c.import_id for c in contacts] == [None, made.id, made.id]
    assert {c.due_at for c in contacts} == {NOW, at}
    with pytest.raises(Conflict):
        insert_from_staging(url, made.id, path, now=at)
    assert await store.recount(campaign_id) == {}
    assert existing_phones(url, campaign_id) == {"+331", "+332", "+333"}
    assert await store.undo_import(made.id, now=at) == 2
    assert (await store.contact_import(made.id)).status == "undone"
    assert [c.phone for c in await store.contacts(campaign_id)] == ["+332"]
    assert await store.recount(campaign_id) == {}
    with pytest.raises(Conflict):
        await store.undo_import(made.id, now=at)
    with pytest.raises(Conflict):
        insert_from_staging(url, made.id, path, now=at)


async def test_an_import_with_a_called_contact_cannot_be_undone(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await draft(store)
    made = await store.create_import(campaign_id, "f", {}, now=NOW)
    path = staging(tmp_path / "s", [("+331", {}), ("+332", {})])
    insert_from_staging(url, made.id, path, now=NOW)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    await dialed(store, campaign_id)
    await store.apply([released("a-00000")])
    with pytest.raises(Conflict, match=r"\+331"):
        await store.undo_import(made.id, now=NOW)
    assert len(await store.contacts(campaign_id)) == 2


async def test_an_import_that_replaces(store: SqlStore, url: str, tmp_path: Path) -> None:
    campaign_id = await draft(store)
    first = await store.create_import(campaign_id, "1", {}, now=NOW)
    insert_from_staging(url, first.id, staging(tmp_path / "1", [("+331", {})]), now=NOW)
    await store.add_contacts(campaign_id, [NewContact("+339")], now=NOW)
    second = await store.create_import(campaign_id, "2", {}, now=NOW)
    path = staging(tmp_path / "2", [("+332", {}), ("+331", {"new": "1"})])
    assert insert_from_staging(url, second.id, path, now=NOW, replace=True) == AddResult(2, 0)
    assert [c.phone for c in await store.contacts(campaign_id)] == ["+332", "+331"]
    assert (await store.contact_import(first.id)).status == "undone"
    assert await store.recount(campaign_id) == {}
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=NOW)
    third = await store.create_import(campaign_id, "3", {}, now=NOW)
    with pytest.raises(Conflict):
        insert_from_staging(url, third.id, path, now=NOW, replace=True)
    assert len(await store.contacts(campaign_id)) == 2
    await store.move_campaign(campaign_id, CampaignEvent.STOPPED, now=NOW)
    with pytest.raises(Conflict):
        insert_from_staging(url, third.id, path, now=NOW)


async def test_an_import_that_fails_leaves_nothing(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    campaign_id = await draft(store)
    made = await store.create_import(campaign_id, "f", {}, now=NOW)
    path = staging(tmp_path / "s", [("+331", {}), ("+332", {})])

    def give_up(_done: int, _total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        insert_from_staging(url, made.id, path, now=NOW, progress=give_up)
    with pytest.raises(StoreError):
        insert_from_staging(url, made.id, tmp_path / "missing", now=NOW)
    (tmp_path / "odd").write_bytes(b"no database " * 99)
    with pytest.raises(StoreError):
        insert_from_staging(url, made.id, tmp_path / "odd", now=NOW)
    with pytest.raises(NotFound):
        insert_from_staging(url, 99, path, now=NOW)
    assert await store.contacts(campaign_id) == []
    assert (await store.contact_import(made.id)).status == "previewed"
    assert await store.recount(campaign_id) == {}
    empty = staging(tmp_path / "empty", [])
    assert insert_from_staging(url, made.id, empty, now=NOW) == AddResult(0, 0)
