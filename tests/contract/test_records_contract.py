"""What every store promises of the audit, consents, dispositions and saved filters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from records_kit import NO_NAMES, NO_PHONES, OTHER, PHONE, entries, noted, opted_out
from store_kit import HOSTILE, NOW, draft, opened, sql

from callcamp.core.gate import Consent
from callcamp.core.policies import Condition, Match, Operator
from callcamp.errors import Conflict, InvalidInput, NotFound, StoreError
from callcamp.ports import CustomOutcome, SavedFilter, acting_as
from callcamp.store import SqlStore
from callcamp.store.audit import MOST_EACH

LATER = NOW + timedelta(days=1)
CONSENT = Consent(PHONE, "marketing", "web form", NOW, NOW + timedelta(days=365))
CALLBACK = CustomOutcome("callback_requested", "Callback requested")
CONDITIONS = [
    Condition("city", Operator.EQUAL, "Paris"),
    Condition("age", Operator.AT_LEAST, "18"),
    Condition("email", Operator.IS_SET),
]


async def test_the_audit_says_who_did_what_and_when(store: SqlStore) -> None:
    with acting_as("cli:root"):
        await store.save_outcome(CALLBACK, now=NOW)
    await store.save_outcome(replace(CALLBACK, refused=True), now=LATER)
    told = {"name": "callback_requested", "label": "Callback requested", "opt_out": False}
    first, second = await entries(store, kind="outcome")
    assert (first.actor, first.at, first.action) == ("cli:root", NOW, "outcome.added")
    assert (first.kind, first.subject) == ("outcome", "callback_requested")
    assert first.campaign_id is None
    assert (first.before, first.after) == (None, {**told, "refused": False})
    assert (second.actor, second.at, second.action) == ("engine", LATER, "outcome.changed")
    assert (second.before, second.after) == (first.after, {**told, "refused": True})
    assert first.id < second.id


async def test_two_who_act_at_once_are_told_apart(store: SqlStore) -> None:
    async def save(n: int) -> None:
        with acting_as(f"page:{n}"):
            await store.save_outcome(CustomOutcome(f"o{n}", "x"), now=NOW)

    await asyncio.gather(*(save(n) for n in range(8)))
    assert {(e.actor, e.subject) for e in await entries(store, kind="outcome")} == {
        (f"page:{n}", f"o{n}") for n in range(8)
    }


async def test_hostile_actors_are_shown_as_they_can_be(store: SqlStore) -> None:
    with acting_as("cli:\0\ud83d\u202e\n" + "x" * 1000):
        await store.save_outcome(CALLBACK, now=NOW)
    [entry] = await entries(store, kind="outcome")
    assert entry.actor.startswith("cli:????xxx")
    assert len(entry.actor) == 200


async def test_the_audit_is_listed_by_pages_kind_and_campaign(store: SqlStore) -> None:
    campaign_id = await draft(store)
    for n in range(5):
        await store.save_outcome(CustomOutcome(f"o{n}", "x"), now=NOW)
    await store.suppress([opted_out(campaign_id=campaign_id), opted_out(OTHER)], now=NOW)
    page = await store.audit(kind="outcome", limit=2)
    assert [e.subject for e in page] == ["o4", "o3"]
    page = await store.audit(kind="outcome", limit=9, before_id=page[-1].id)
    assert [e.subject for e in page] == ["o2", "o1", "o0"]
    of_campaign = await store.audit(campaign_id=campaign_id, kind="suppression")
    assert [e.subject for e in of_campaign] == [PHONE]
    assert {e.campaign_id for e in await store.audit(campaign_id=campaign_id)} == {campaign_id}
    assert await store.audit(kind="\0\ud83d") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "INSERT INTO audit SELECT * FROM audit WHERE true ON CONFLICT (id) DO UPDATE SET at = 0",
    ],
)
async def test_the_audit_is_append_only(store: SqlStore, url: str, statement: str) -> None:
    await store.save_outcome(CALLBACK, now=NOW)
    before = await store.audit()
    with pytest.raises(StoreError, match="append-only"):
        sql(url, statement)
    assert await store.audit() == before


async def test_an_entry_is_not_replaced_and_the_audit_not_emptied(
    store: SqlStore, url: str
) -> None:
    await store.save_outcome(CALLBACK, now=NOW)
    before = await store.audit()
    columns = "id, at, actor, action, kind, subject"
    trick = (
        "TRUNCATE audit"
        if url.startswith("postgres")
        else f"INSERT OR REPLACE INTO audit ({columns}) SELECT {columns} FROM audit"
    )
    with pytest.raises(StoreError, match="append-only"):
        sql(url, trick)
    assert await store.audit() == before


async def test_nothing_is_audited_that_did_not_happen(store: SqlStore) -> None:
    with pytest.raises(InvalidInput):
        await store.suppress([opted_out(), opted_out("nobody")], now=NOW)
    with pytest.raises(NotFound):
        await store.suppress([opted_out(), opted_out(campaign_id=7)], now=NOW)
    with pytest.raises(NotFound):
        await store.rest_number(7, until=LATER, evidence={}, now=NOW)
    assert not await store.unsuppress(PHONE, campaign_id=None, now=NOW)
    assert not await store.revoke_consent(PHONE, "marketing", now=NOW)
    assert not await store.delete_from_directory(PHONE, now=NOW)
    assert await store.audit() == []
    assert await store.suppressions() == []


async def test_what_changes_nothing_is_not_audited_again(store: SqlStore) -> None:
    same: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        lambda: store.save_outcome(CALLBACK, now=NOW),
        lambda: store.save_filter("f", CONDITIONS, Match.ALL, now=NOW),
        lambda: store.record_consent(CONSENT),
        lambda: store.save_number("+33170000000", label="Paris", now=NOW),
        lambda: store.suppress([opted_out()], now=NOW),
    ]
    for act in same:
        await act()
        before = await store.audit()
        await act()
        assert await store.audit() == before
    assert len(before) == len(same)


async def test_a_consent_is_recorded_replaced_and_revoked(store: SqlStore, url: str) -> None:
    assert await store.consents(PHONE) == []
    await store.record_consent(CONSENT)
    renewed = replace(CONSENT, source="letter", given_at=LATER, expires_at=None)
    service = Consent(PHONE, "Service calls: été", "contract", NOW)
    for consent in (renewed, service, replace(CONSENT, phone=OTHER)):
        await store.record_consent(consent)
    assert await store.consents(PHONE) == [service, renewed]
    assert await store.revoke_consent(PHONE, "marketing", now=LATER)
    revoked = replace(renewed, revoked_at=LATER)
    async with opened(url) as second:
        assert await second.consents(PHONE) == [service, revoked]
        assert await second.consents(OTHER) == [replace(CONSENT, phone=OTHER)]
    assert not await store.revoke_consent(PHONE, "marketing", now=LATER)
    assert not await store.revoke_consent(PHONE, "nothing", now=LATER)
    history = [e for e in await entries(store, kind="consent") if e.subject == PHONE]
    assert [e.action for e in history] == ["consent.recorded"] * 3 + ["consent.revoked"]
    assert history[1].before == history[0].after
    assert history[3].before == history[1].after
    assert history[3].after["revoked_at"] == LATER.isoformat()
    assert history[3].at == LATER
    assert abs(history[0].at - datetime.now(UTC)) < timedelta(hours=1)


async def test_a_consent_that_is_over_cannot_be_revoked_one_to_come_can(store: SqlStore) -> None:
    over = replace(CONSENT, given_at=NOW - timedelta(days=9), expires_at=NOW)
    to_come = Consent(OTHER, "marketing", "web form", LATER)
    for consent in (over, to_come):
        await store.record_consent(consent)
    assert not await store.revoke_consent(PHONE, "marketing", now=NOW)
    assert await store.revoke_consent(OTHER, "marketing", now=NOW)
    assert await store.consents(PHONE) == [over]
    [revoked] = await store.consents(OTHER)
    assert not revoked.holds(LATER + timedelta(days=1))


async def test_consents_that_are_none_are_refused(store: SqlStore) -> None:
    for wrong in (
        *(replace(CONSENT, phone=phone) for phone in NO_PHONES),
        *(replace(CONSENT, scope=scope) for scope in NO_NAMES),
        *(replace(CONSENT, source=source) for source in ("", "a\0b", "\ud83d", "x" * 501)),
        replace(CONSENT, expires_at=NOW),
    ):
        with pytest.raises(InvalidInput):
            await store.record_consent(wrong)
    for phone in NO_PHONES:
        with pytest.raises(InvalidInput):
            await store.consents(phone)
        with pytest.raises(InvalidInput):
            await store.revoke_consent(phone, "marketing", now=NOW)
    assert await store.audit() == []


async def test_many_consents_are_recorded_at_once(store: SqlStore, url: str) -> None:
    old = replace(CONSENT, source="letter")
    other_scope = Consent(PHONE, "service", "contract", NOW)
    kept = replace(CONSENT, phone="+33612345670")
    for consent in (old, other_scope, kept):
        await store.record_consent(consent)
    before = len(await store.audit(kind="consent"))
    revoked = replace(CONSENT, phone=OTHER, revoked_at=LATER)
    given = [revoked, kept, replace(CONSENT, source="not the last"), CONSENT]
    await store.record_consents(iter(given))
    async with opened(url) as second:
        assert await second.consents(PHONE) == [CONSENT, other_scope]
        assert await second.consents(OTHER) == [revoked]
        assert await second.consents(kept.phone) == [kept]
    history = (await entries(store, kind="consent"))[before:]
    assert [(e.action, e.subject) for e in history] == [
        ("consent.recorded", PHONE),
        ("consent.recorded", OTHER),
    ]
    assert history[0].before["source"] == "letter"
    assert history[1].before is None
    await store.record_consents(given)
    await store.record_consents([])
    assert len(await store.audit(kind="consent")) == before + 2


async def test_an_old_consent_undoes_no_revocation(store: SqlStore) -> None:
    await store.record_consent(CONSENT)
    assert await store.revoke_consent(PHONE, "marketing", now=LATER)
    revoked = replace(CONSENT, revoked_at=LATER)
    audited = len(await store.audit())
    old = replace(CONSENT, source="old list", given_at=LATER - timedelta(microseconds=1))
    with pytest.raises(Conflict, match="revoked"):
        await store.record_consent(old)
    assert await store.consents(PHONE) == [revoked]
    assert len(await store.audit()) == audited
    assert await store.record_consents([old, replace(old, phone=OTHER)]) == 1
    assert await store.consents(PHONE) == [revoked]
    assert await store.consents(OTHER) == [replace(old, phone=OTHER)]
    anew = replace(CONSENT, given_at=LATER)
    await store.record_consent(anew)
    assert await store.consents(PHONE) == [anew]


async def test_one_consent_that_is_none_keeps_all_of_them_out(store: SqlStore) -> None:
    for wrong in (
        replace(CONSENT, phone="33612345678"),
        replace(CONSENT, phone=OTHER, scope=" x"),
        replace(CONSENT, phone=OTHER, source=""),
        replace(CONSENT, phone=OTHER, expires_at=NOW),
    ):
        with pytest.raises(InvalidInput):
            await store.record_consents([CONSENT, wrong])
    assert await store.consents(PHONE) == []
    assert await store.audit() == []


async def test_a_file_of_consents_is_one_entry_of_the_audit(store: SqlStore) -> None:
    many = [replace(CONSENT, phone=f"+336{n:08d}") for n in range(MOST_EACH + 1)]
    with acting_as("cli:root"):
        await store.record_consents(many)
    [entry] = await store.audit(kind="consent")
    assert (entry.action, entry.subject, entry.actor) == ("consent.recorded", "many", "cli:root")
    assert entry.after == {
        "count": MOST_EACH + 1,
        "scopes": ["marketing"],
        "sources": ["web form"],
    }
    assert await store.consents(many[-1].phone) == [many[-1]]


async def test_those_who_record_many_consents_at_once_do_not_block_each_other(
    store: SqlStore,
) -> None:
    many = [replace(CONSENT, phone=f"+336{n:08d}") for n in range(300)]
    await asyncio.gather(
        *(
            store.record_consents([replace(one, source=f"file {n}") for one in many[:: (-1) ** n]])
            for n in range(6)
        )
    )
    sources = {(await store.consents(one.phone))[0].source for one in many}
    assert len(sources) == 1


async def test_two_who_record_the_same_consent_make_one(store: SqlStore) -> None:
    await asyncio.gather(
        *(store.record_consent(replace(CONSENT, source=f"form {n}")) for n in range(8))
    )
    assert len(await store.consents(PHONE)) == 1
    assert len(await store.audit(kind="consent")) == 8


async def test_outcomes_are_added_changed_and_listed(store: SqlStore, url: str) -> None:
    refused = CustomOutcome("not_now", "Not now 🙂", refused=True)
    stop = CustomOutcome("9_stop", "Never again", opt_out=True)
    for outcome in (refused, CALLBACK, stop):
        assert await store.save_outcome(outcome, now=NOW) == outcome
    changed = replace(refused, label="Later", refused=False)
    assert await store.save_outcome(changed, now=NOW) == changed
    async with opened(url) as second:
        assert await second.outcomes() == [stop, CALLBACK, changed]


@pytest.mark.parametrize(
    "name", [*NO_NAMES, "Upper", "two words", "été", "-x", "_x", "x\n", "x'; --"]
)
async def test_names_of_outcomes_are_slugs(store: SqlStore, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await store.save_outcome(CustomOutcome(name, "x"), now=NOW)
    assert caught.value.details["field"] == "name"
    assert await store.outcomes() == []


@pytest.mark.parametrize("label", ["", "a\0b", "\ud83d", "x" * 101])
async def test_labels_of_outcomes_are_texts(store: SqlStore, label: str) -> None:
    with pytest.raises(InvalidInput):
        await store.save_outcome(CustomOutcome("x", label), now=NOW)


async def test_filters_are_saved_changed_listed_and_deleted(store: SqlStore, url: str) -> None:
    saved = await store.save_filter("Paris", CONDITIONS, Match.ALL, now=NOW)
    assert saved == SavedFilter("Paris", tuple(CONDITIONS), Match.ALL, NOW)
    everybody = await store.save_filter("everybody", [], Match.ANY, now=LATER)
    changed = await store.save_filter("Paris", CONDITIONS[:1], Match.ANY, now=LATER)
    assert changed == SavedFilter("Paris", tuple(CONDITIONS[:1]), Match.ANY, NOW)
    async with opened(url) as second:
        assert await second.filters() == [changed, everybody]
    await store.delete_filter("Paris", now=LATER)
    assert await store.filters() == [everybody]
    with pytest.raises(NotFound):
        await store.delete_filter("Paris", now=LATER)
    told = await noted(store, kind="filter")
    assert [one[:2] for one in told] == [
        ("filter.added", "Paris"),
        ("filter.added", "everybody"),
        ("filter.changed", "Paris"),
        ("filter.deleted", "Paris"),
    ]
    assert told[2][2] == told[0][3]
    assert told[3][2:] == (told[2][3], None)
    assert told[2][3]["conditions"] == [{"name": "city", "operator": "=", "value": "Paris"}]


async def test_filters_keep_hostile_values(store: SqlStore) -> None:
    kept = [h for h in HOSTILE if "\0" not in h and "\ud83d" not in h]
    conditions = [Condition("name", Operator.CONTAINS, value) for value in kept]
    conditions += [Condition(value, Operator.IS_SET) for value in kept if value]
    name = "<b>'; DROP TABLE saved_filter; --"
    saved = await store.save_filter(name, conditions, Match.ALL, now=NOW)
    assert await store.filters() == [saved]
    assert saved.conditions == tuple(conditions)


async def test_filters_that_are_none_are_refused(store: SqlStore) -> None:
    for name in NO_NAMES:
        with pytest.raises(InvalidInput):
            await store.save_filter(name, CONDITIONS, Match.ALL, now=NOW)
        with pytest.raises(NotFound):
            await store.delete_filter(name, now=NOW)
    for wrong in (
        [CONDITIONS[0]] * 101,
        [Condition("", Operator.IS_SET)],
        [Condition("x" * 101, Operator.IS_SET)],
        [Condition("x", Operator.EQUAL, "x" * 1001)],
        [Condition("x", Operator.EQUAL, "\0")],
        [Condition("x", Operator.EQUAL, "\ud83d")],
    ):
        with pytest.raises(InvalidInput):
            await store.save_filter("f", wrong, Match.ALL, now=NOW)
    assert await store.filters() == []


async def test_two_who_save_the_same_filter_make_one(store: SqlStore) -> None:
    await asyncio.gather(
        *(
            store.save_filter("f", [Condition(f"c{n}", Operator.IS_SET)], Match.ALL, now=NOW)
            for n in range(8)
        )
    )
    assert len(await store.filters()) == 1


async def test_many_changes_of_one_call_are_one_entry(store: SqlStore) -> None:
    def many(n: int, prefix: str, **values: Any) -> list[Any]:
        return [opted_out(f"+336{prefix}{i:06d}", **values) for i in range(n)]

    await store.suppress(many(MOST_EACH, "11"), now=NOW)
    assert len(await store.audit(kind="suppression", limit=1000)) == MOST_EACH
    await store.suppress(many(MOST_EACH + 1, "22"), now=NOW)
    newest, before = await store.audit(kind="suppression", limit=2)
    assert (newest.action, newest.subject) == ("suppression.added", "many")
    assert newest.after == {"count": MOST_EACH + 1, "sources": ["keypad"]}
    assert before.subject.startswith("+33611")
    campaign_id = await draft(store)
    of_campaign = many(MOST_EACH + 1, "33", campaign_id=campaign_id)
    await store.suppress(of_campaign, now=NOW)
    assert [e.subject for e in await store.audit(campaign_id=campaign_id, limit=1)] == ["many"]
    await store.suppress(many(1, "44") + many(MOST_EACH, "55", campaign_id=campaign_id), now=NOW)
    newest = (await store.audit(kind="suppression", limit=1))[0]
    assert (newest.subject, newest.campaign_id) == ("many", None)
