"""What every store promises of exclusions and imported do-not-call lists."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from records_kit import NO_NAMES, NO_PHONES, OTHER, PHONE, noted, opted_out
from store_kit import HOSTILE, NOW, draft, numbers, opened, running, sql

from callcamp.core.model import NewContact
from callcamp.core.reasons import Reason
from callcamp.core.states import CampaignEvent, ContactStatus
from callcamp.errors import InvalidInput, NotFound, StoreError
from callcamp.ports import DncList, Suppressed
from callcamp.store import SqlStore, audit, dnc, dnc_copies, suppression
from callcamp.store.database import run_once
from callcamp.store.many import CHUNK

SOON = NOW + timedelta(hours=1)
LATER = NOW + timedelta(days=1)
THIRD = "+33612345670"


def found(url: str, campaign_id: int, *lists: str, at: object = NOW) -> dict[str, Reason]:
    phones = [PHONE, OTHER, THIRD]
    return run_once(url, suppression.suppressed_among, phones, campaign_id, at, lists)  # type: ignore[arg-type]


async def test_numbers_are_suppressed_listed_and_taken_off(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    own = opted_out(OTHER, campaign_id=campaign_id, reason="wrong person", source="api")
    assert await store.suppress([opted_out(), own], now=NOW) == Suppressed(2, 0)
    first, second = await store.suppressions()
    assert (first.phone, first.reason, first.source) == (PHONE, "opted out", "keypad")
    assert (first.campaign_id, first.created_at, first.expires_at) == (None, NOW, None)
    assert (second.phone, second.campaign_id, second.source) == (OTHER, campaign_id, "api")
    async with opened(url) as another:
        assert await another.suppressions(campaign_id=campaign_id) == [second]
        assert await another.suppressions(phone=PHONE) == [first]
    assert not await store.unsuppress(OTHER, campaign_id=None, now=LATER)
    assert await store.unsuppress(OTHER, campaign_id=campaign_id, now=LATER)
    assert not await store.unsuppress(OTHER, campaign_id=campaign_id, now=LATER)
    assert await store.suppressions() == [first]
    asked = {"campaign_id": campaign_id, "now": LATER}
    assert await store.suppressed([PHONE, OTHER], **asked) == {PHONE: Reason.DO_NOT_CALL}
    told = {"reason": "wrong person", "source": "api", "expires_at": None}
    of_campaign = await noted(store, kind="suppression", campaign_id=campaign_id)
    assert of_campaign == [
        ("suppression.added", OTHER, None, told),
        ("suppression.removed", OTHER, told, None),
    ]


async def test_entries_are_listed_by_pages(store: SqlStore) -> None:
    await store.suppress([opted_out(f"+3361234{i:04d}") for i in range(5)], now=NOW)
    page = await store.suppressions(limit=2)
    rest = await store.suppressions(after_id=page[-1].id)
    assert [one.phone[-1] for one in page + rest] == list("01234")
    with pytest.raises(NotFound):
        await store.suppressions(campaign_id=7)


async def test_who_may_not_be_called_and_why(store: SqlStore, url: str) -> None:
    one, two = await draft(store), await draft(store)
    await store.suppress(
        [opted_out(PHONE), opted_out(OTHER, campaign_id=one), opted_out(PHONE, campaign_id=one)],
        now=NOW,
    )
    await store.replace_dnc_list("register", [THIRD, OTHER], as_of=NOW, now=NOW)
    everywhere = {PHONE: Reason.DO_NOT_CALL}
    assert found(url, one) == {**everywhere, OTHER: Reason.EXCLUDED}
    assert found(url, two) == everywhere
    listed = {OTHER: Reason.DO_NOT_CALL, THIRD: Reason.DO_NOT_CALL}
    assert found(url, two, "register") == {**everywhere, **listed}
    assert found(url, one, "register", "x'; --") == {**everywhere, **listed}
    assert found(url, two, "another") == everywhere
    assert run_once(url, suppression.suppressed_among, [], one, NOW, ["register"]) == {}


async def test_many_numbers_are_looked_up_at_once(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    await store.suppress([opted_out("+33600000000"), opted_out("+33600011999")], now=NOW)
    phones = [f"+336000{i:05d}" for i in range(12_000)] * 2
    many = run_once(url, suppression.suppressed_among, phones, campaign_id, NOW, ["register"])
    assert list(many) == ["+33600000000", "+33600011999"]


async def test_an_entry_ends_when_it_expires(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    await store.suppress([opted_out(expires_at=LATER)], now=NOW)
    assert found(url, campaign_id, at=LATER - timedelta(microseconds=1)) != {}
    assert found(url, campaign_id, at=LATER) == {}
    assert len(await store.suppressions()) == 1, "it is still on record"
    assert await store.suppress([opted_out()], now=LATER) == Suppressed(1, 0), "anew"


async def test_an_entry_that_lasts_longer_wins(store: SqlStore) -> None:
    week = NOW + timedelta(days=7)
    for expires_at, kept in [
        (LATER, LATER),
        (SOON, LATER),
        (LATER, LATER),
        (week, week),
        (None, None),
        (week, None),
    ]:
        await store.suppress([opted_out(expires_at=expires_at, reason=str(expires_at))], now=NOW)
        [entry] = await store.suppressions()
        assert (entry.expires_at, entry.reason) == (kept, str(kept))
    actions = [one[0] for one in await noted(store, kind="suppression")]
    assert actions == ["suppression.added", "suppression.extended", "suppression.extended"]
    both = [opted_out(OTHER, expires_at=SOON), opted_out(OTHER), opted_out(OTHER, expires_at=SOON)]
    assert (await store.suppress(both, now=NOW)).added == 1
    assert (await store.suppressions(phone=OTHER))[0].expires_at is None


async def test_everywhere_and_a_campaign_are_apart(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    own = opted_out(campaign_id=campaign_id)
    assert (await store.suppress([opted_out(), own], now=NOW)).added == 2
    await store.unsuppress(PHONE, campaign_id=None, now=NOW)
    assert found(url, campaign_id) == {PHONE: Reason.EXCLUDED}


async def test_contacts_that_wait_are_skipped(store: SqlStore) -> None:
    one, two = await running(store), await running(store)
    phone = numbers(1)[0].phone
    assert await store.suppress([opted_out(phone, campaign_id=one)], now=NOW) == Suppressed(1, 1)
    [skipped] = await store.contacts(one, phone=phone)
    assert (skipped.status, skipped.hold) == (ContactStatus.SKIPPED, Reason.EXCLUDED)
    assert (await store.contacts(two, phone=phone))[0].status is ContactStatus.PENDING
    assert await store.suppress([opted_out(phone)], now=NOW) == Suppressed(1, 1)
    [skipped] = await store.contacts(two, phone=phone)
    assert (skipped.status, skipped.hold) == (ContactStatus.SKIPPED, Reason.DO_NOT_CALL)
    await store.unsuppress(phone, campaign_id=None, now=NOW)
    assert (await store.contacts(two, phone=phone))[0].status is ContactStatus.SKIPPED


async def test_a_contact_with_a_number_left_waits_on(store: SqlStore) -> None:
    campaign_id = await draft(store)
    await store.add_contacts(campaign_id, [NewContact(PHONE, others=(OTHER,))], now=NOW)
    assert await store.suppress([opted_out(PHONE)], now=NOW) == Suppressed(1, 0)
    assert await store.suppress([opted_out(OTHER)], now=NOW) == Suppressed(1, 1)


async def test_entries_that_are_none_are_refused(store: SqlStore) -> None:
    for wrong in (
        *(opted_out(phone) for phone in NO_PHONES),
        *(opted_out(reason=reason) for reason in ("a\0b", "\ud83d", "x" * 501)),
        *(opted_out(source=source) for source in ("", "a\0b", "\ud83d", "x" * 501)),
    ):
        with pytest.raises(InvalidInput):
            await store.suppress([opted_out(), wrong], now=NOW)
    for phone in NO_PHONES:
        with pytest.raises(InvalidInput):
            await store.unsuppress(phone, campaign_id=None, now=NOW)
        with pytest.raises(InvalidInput):
            await store.suppressions(phone=phone)
    assert await store.suppressions() == []


async def test_no_words_undo_an_opt_out_from_within(store: SqlStore, url: str) -> None:
    item = opted_out(reason="rule \0\ud83d" + "x" * 1000, source="")
    assert run_once(url, suppression.suppress, [item], NOW) == Suppressed(1, 0)
    assert run_once(url, suppression.add, [item, opted_out(OTHER)], NOW) == 1
    [first, second] = await store.suppressions()
    assert (first.reason, first.source) == ("rule ??" + "x" * 493, "")
    assert second.phone == OTHER


async def test_what_is_wrong_is_shown_short_and_in_plain_letters(store: SqlStore) -> None:
    with pytest.raises(InvalidInput) as caught:
        await store.suppress([opted_out("\u202e" * 1000)], now=NOW)
    assert caught.value.details["field"] == "phone"
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 600


async def test_hostile_words_come_back_as_they_were(store: SqlStore) -> None:
    kept = [h for h in HOSTILE if h and "\0" not in h and "\ud83d" not in h]
    items = [opted_out(f"+3361234{i:04d}", reason=h, source=h) for i, h in enumerate(kept)]
    await store.suppress(items, now=NOW)
    assert [(one.reason, one.source) for one in await store.suppressions()] == [
        (h, h) for h in kept
    ]


async def test_two_who_suppress_the_same_numbers_make_one_entry_each(store: SqlStore) -> None:
    items = [opted_out(f"+3361234{i:04d}") for i in range(20)]
    await asyncio.gather(
        *(store.suppress(items if n % 2 else items[::-1], now=NOW) for n in range(8))
    )
    assert len(await store.suppressions()) == 20


async def test_the_longer_of_two_at_the_same_time_stays(store: SqlStore) -> None:
    ends = [NOW + timedelta(days=n) for n in range(1, 9)]
    await asyncio.gather(
        *(store.suppress([opted_out(expires_at=end)], now=NOW) for end in ends[::-1])
    )
    assert [one.expires_at for one in await store.suppressions()] == [ends[-1]]


async def test_a_list_is_imported_replaced_and_deleted(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    first = await store.replace_dnc_list("TPS", [PHONE, OTHER, PHONE], as_of=NOW, now=SOON)
    assert first == DncList("TPS", 2, NOW, SOON)
    other = await store.replace_dnc_list("Bloctel été", [], as_of=NOW, now=SOON)
    assert await store.dnc_lists() == [other, first]
    second = await store.replace_dnc_list("TPS", [THIRD, OTHER], as_of=SOON, now=LATER)
    async with opened(url) as another:
        assert await another.dnc_lists() == [other, second]
    listed = {OTHER: Reason.DO_NOT_CALL, THIRD: Reason.DO_NOT_CALL}
    assert found(url, campaign_id, "TPS") == listed
    await store.delete_dnc_list("TPS")
    assert await store.dnc_lists() == [other]
    assert found(url, campaign_id, "TPS") == {}
    assert sql(url, "SELECT count(*) FROM dnc_number") == [(0,)]
    with pytest.raises(NotFound):
        await store.delete_dnc_list("TPS")
    told = await noted(store, kind="dnc_list")
    assert [one[:2] for one in told] == [
        ("dnc_list.imported", "TPS"),
        ("dnc_list.imported", "Bloctel été"),
        ("dnc_list.replaced", "TPS"),
        ("dnc_list.deleted", "TPS"),
    ]
    was = {"numbers": 2, "as_of": NOW.isoformat()}
    now = {"numbers": 2, "as_of": SOON.isoformat()}
    assert told[2][2:] == (was, {**now, "contacts_skipped": 0})
    assert told[3][2:] == (now, None)


async def test_a_list_that_is_wrong_leaves_the_old_one(store: SqlStore) -> None:
    before = await store.replace_dnc_list("TPS", [PHONE], as_of=NOW, now=NOW)

    def broken() -> Iterator[str]:
        yield OTHER
        raise OSError("the disk is gone")

    for phone in NO_PHONES:
        with pytest.raises(InvalidInput):
            await store.replace_dnc_list("TPS", [OTHER, phone], as_of=NOW, now=NOW)
    with pytest.raises(OSError, match="gone"):
        await store.replace_dnc_list("TPS", broken(), as_of=NOW, now=NOW)
    with pytest.raises(InvalidInput) as caught:
        await store.replace_dnc_list("TPS", [OTHER], as_of=NOW + timedelta(days=2), now=NOW)
    assert caught.value.details["field"] == "as_of"
    for name in NO_NAMES:
        with pytest.raises(InvalidInput):
            await store.replace_dnc_list(name, [OTHER], as_of=NOW, now=NOW)
        with pytest.raises(NotFound):
            await store.delete_dnc_list(name)
    assert await store.dnc_lists() == [before]


async def test_a_long_list_is_there_whole(store: SqlStore, url: str) -> None:
    phones = (f"+336{i:08d}" for i in range(2 * CHUNK + 1))
    kept = await store.replace_dnc_list("long", phones, as_of=NOW, now=NOW)
    assert kept.numbers == 2 * CHUNK + 1
    assert sql(url, "SELECT count(*), max(phone) FROM dnc_number") == [
        (2 * CHUNK + 1, f"+336{2 * CHUNK:08d}")
    ]


async def test_two_copies_at_once_leave_one_whole(store: SqlStore, url: str) -> None:
    copies = [[f"+336{n}{i:07d}" for i in range(50)] for n in range(6)]
    await asyncio.gather(
        *(store.replace_dnc_list("x", phones, as_of=NOW, now=NOW) for phones in copies)
    )
    rows = sorted(phone for (phone,) in sql(url, "SELECT phone FROM dnc_number"))
    assert rows in copies
    assert [one.numbers for one in await store.dnc_lists()] == [50]


DYING = """
import asyncio, os, signal, sys
from datetime import datetime
from callcamp.store import SqlStore, dnc, dnc_copies

dnc_copies.CHUNK = 2

def die(*_args, **_values):
    os.kill(os.getpid(), signal.SIGKILL)

MODULE.NAME = die

async def main():
    store = SqlStore(sys.argv[1])
    await store.open()
    at = datetime.fromisoformat(sys.argv[2])
    await store.replace_dnc_list("TPS", sys.argv[3:], as_of=at, now=at)

asyncio.run(main())
"""


def rows_of(url: str) -> list[tuple[int, int]]:
    """Return how many numbers and copies there are, in place or not."""
    return sql(url, "SELECT (SELECT count(*) FROM dnc_number), (SELECT count(*) FROM dnc_list)")


@pytest.mark.parametrize("place", ["dnc.waiting", "contacts.skip_suppressed", "audit.note"])
async def test_a_killed_import_leaves_the_old_list_and_is_swept(
    store: SqlStore, url: str, place: str
) -> None:
    campaign_id = await draft(store)
    before = await store.replace_dnc_list("TPS", [PHONE], as_of=NOW, now=NOW)
    module = place.partition(".")[0]
    script = DYING.replace("MODULE.NAME", place)
    script = script.replace("SqlStore, dnc", f"SqlStore, {module}, dnc")
    died = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, url, NOW.isoformat(), OTHER, THIRD, "+33612345677"
    )
    assert await died.wait() == -signal.SIGKILL
    assert await store.dnc_lists() == [before]
    assert found(url, campaign_id, "TPS") == {PHONE: Reason.DO_NOT_CALL}
    assert rows_of(url) == [(4, 2)]
    # It may be somebody else's that goes on.
    assert await store.sweep_dnc_lists() == 0
    assert rows_of(url) == [(4, 2)]
    assert await store.sweep_dnc_lists(idle_s=-1) == 1
    assert rows_of(url) == [(1, 1)]
    assert await store.sweep_dnc_lists(idle_s=-1) == 0
    assert await store.dnc_lists() == [before]
    assert found(url, campaign_id, "TPS") == {PHONE: Reason.DO_NOT_CALL}


async def test_a_copy_holds_for_nobody_until_it_is_in_place(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    await store.replace_dnc_list("TPS", [PHONE], as_of=NOW, now=NOW)
    copy = run_once(url, dnc_copies.begin, NOW, NOW)
    run_once(url, dnc_copies.append, copy, [OTHER, THIRD])
    assert [one.name for one in await store.dnc_lists()] == ["TPS"]
    assert found(url, campaign_id, "TPS") == {PHONE: Reason.DO_NOT_CALL}
    (name,) = sql(url, f"SELECT name FROM dnc_list WHERE id = {copy}")
    with pytest.raises(NotFound):
        await store.delete_dnc_list(name[0])
    # Once it is swept, whoever was slow cannot go on with a part of it.
    assert await store.sweep_dnc_lists(idle_s=-1) == 1
    with pytest.raises(StoreError, match="Import it again"):
        run_once(url, dnc_copies.append, copy, [OTHER])
    with pytest.raises(StoreError, match="Import it again"):
        run_once(url, dnc.switch, copy, DncList("TPS", 2, NOW, NOW), dnc.Waiting((), 0))
    assert found(url, campaign_id, "TPS") == {PHONE: Reason.DO_NOT_CALL}
    assert rows_of(url) == [(1, 1)]


async def test_an_import_that_fails_leaves_nothing(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await store.replace_dnc_list("TPS", [PHONE], as_of=NOW, now=NOW)

    def fail(*_args: object, **_values: object) -> None:
        raise StoreError("the disk is full")

    for module, name in ((dnc, "waiting"), (audit, "note")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, fail)
            with pytest.raises(StoreError, match="full"):
                await store.replace_dnc_list("TPS", [OTHER, THIRD], as_of=NOW, now=NOW)
        assert await store.dnc_lists() == [before]
        assert rows_of(url) == [(1, 1)]


async def test_a_register_is_written_bit_by_bit(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No transaction of an import is longer for a longer register: calls do not wait for it."""
    monkeypatch.setattr(dnc_copies, "CHUNK", 10)
    monkeypatch.setattr(dnc_copies, "LEAST_PAUSE_S", 0.0)
    changed: list[int] = []
    write = store._db.write

    async def counted(fn: Any, *args: Any, **values: Any) -> Any:
        was = rows_of(url)[0][0]
        result = await write(fn, *args, **values)
        changed.append(abs(rows_of(url)[0][0] - was))
        return result

    monkeypatch.setattr(store._db, "write", counted)
    phones = [f"+336{i:08d}" for i in range(95)]
    await store.replace_dnc_list("TPS", phones, as_of=NOW, now=NOW)
    assert max(changed) == 10
    assert sum(changed) == 95
    changed.clear()
    await store.replace_dnc_list("TPS", phones[:15], as_of=NOW, now=NOW)
    assert max(changed) == 10
    assert sum(changed) == 15 + 95
    assert rows_of(url) == [(15, 1)]


async def test_who_came_during_an_import_is_skipped_as_well(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await draft(store, dnc_lists=("TPS",))
    await store.add_contacts(campaign_id, [NewContact(PHONE), NewContact(THIRD)], now=NOW)
    write = store._db.write

    async def late(fn: Any, *args: Any, **values: Any) -> Any:
        if fn is dnc.switch:
            await store.add_contacts(campaign_id, [NewContact(OTHER)], now=NOW)
        return await write(fn, *args, **values)

    with monkeypatch.context() as patched:
        patched.setattr(store._db, "write", late)
        await store.replace_dnc_list("TPS", [PHONE, OTHER], as_of=NOW, now=NOW)
    skipped = await store.contacts(campaign_id, status=ContactStatus.SKIPPED)
    assert {one.phone for one in skipped} == {PHONE, OTHER}
    assert (await noted(store, kind="dnc_list"))[0][3]["contacts_skipped"] == 2


async def test_a_list_skips_who_waits_where_it_is_checked(store: SqlStore) -> None:
    checking = await running(store, dnc_lists=("TPS",))
    other_list = await running(store, dnc_lists=("Bloctel",))
    stopped = await running(store, dnc_lists=("TPS",))
    await store.move_campaign(stopped, CampaignEvent.STOPPED, now=NOW)
    phone = numbers(1)[0].phone
    await store.replace_dnc_list("TPS", [phone, PHONE], as_of=NOW, now=NOW)
    [skipped] = await store.contacts(checking, phone=phone)
    assert (skipped.status, skipped.hold) == (ContactStatus.SKIPPED, Reason.DO_NOT_CALL)
    assert (await store.counts(checking)).contacts == {
        ContactStatus.PENDING: 2,
        ContactStatus.SKIPPED: 1,
    }
    assert (await store.contacts(other_list, phone=phone))[0].status is ContactStatus.PENDING
    assert (await store.contacts(stopped, phone=phone))[0].status is ContactStatus.CANCELED
    assert (await noted(store, kind="dnc_list"))[0][3]["contacts_skipped"] == 1


async def test_a_list_skips_who_has_no_other_number_left(store: SqlStore) -> None:
    campaign_id = await draft(store, dnc_lists=("TPS",))
    people = [NewContact(PHONE, others=(OTHER,)), NewContact(THIRD, others=("+33612000000",))]
    await store.add_contacts(campaign_id, people, now=NOW)
    await store.suppress([opted_out()], now=NOW)
    await store.replace_dnc_list("TPS", [OTHER, THIRD], as_of=NOW, now=NOW)
    skipped = await store.contacts(campaign_id, status=ContactStatus.SKIPPED)
    assert [(one.phone, one.hold) for one in skipped] == [(PHONE, Reason.DO_NOT_CALL)]


async def test_an_entry_is_equal_to_what_was_asked_for(store: SqlStore) -> None:
    item = replace(opted_out(), expires_at=LATER)
    await store.suppress(iter([item]), now=NOW)
    [entry] = await store.suppressions()
    assert (entry.phone, entry.reason, entry.source, entry.campaign_id, entry.expires_at) == (
        item.phone,
        item.reason,
        item.source,
        item.campaign_id,
        item.expires_at,
    )
