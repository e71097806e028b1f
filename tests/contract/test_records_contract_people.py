"""What every store promises of the directory, of timelines and of counts over calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from records_kit import NO_PHONES, OTHER, PHONE, call, noted
from store_kit import HOSTILE, NOW, draft, opened

from callcamp.core.model import NewContact
from callcamp.core.outcome import Disposition
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import CallFacts
from callcamp.store import SqlStore, directory
from callcamp.store.audit import MOST_EACH

LATER = NOW + timedelta(days=1)
THIRD = "+33612345670"
ANSWERED = Disposition.ANSWERED_PERSON.value
NO_ANSWER = Disposition.NO_ANSWER.value


async def test_people_are_added_updated_found_and_deleted(store: SqlStore, url: str) -> None:
    people = [NewContact(PHONE, {"first": "Zoë"}, others=(OTHER,)), NewContact("+12125550100")]
    assert await store.add_to_directory(people, now=NOW) == (2, 0)
    zoe, york = await store.directory()
    assert (zoe.phone, zoe.others, zoe.variables) == (PHONE, (OTHER,), {"first": "Zoë"})
    assert (zoe.created_at, zoe.updated_at) == (NOW, NOW)
    news = NewContact(PHONE, {"first": "Zoé", "city": "Paris"})
    assert await store.add_to_directory([news, NewContact(THIRD)], now=LATER) == (1, 1)
    async with opened(url) as second:
        [changed] = await second.directory(phone=OTHER)
        assert await second.directory(phone=PHONE) == [changed]
        assert await second.directory(phone=THIRD) != []
    assert (changed.id, changed.others) == (zoe.id, (OTHER,))
    assert changed.variables == {"first": "Zoé", "city": "Paris"}
    assert (changed.created_at, changed.updated_at) == (NOW, LATER)
    assert not await store.delete_from_directory(OTHER, now=LATER), "not a first number"
    assert await store.delete_from_directory(PHONE, now=LATER)
    assert not await store.delete_from_directory(PHONE, now=LATER)
    assert await store.directory(phone=OTHER) == []
    assert [p.phone for p in await store.directory()] == [york.phone, THIRD]


async def test_further_numbers_are_replaced_when_some_are_given(store: SqlStore) -> None:
    await store.add_to_directory([NewContact(PHONE, others=(OTHER, PHONE, OTHER))], now=NOW)
    assert (await store.directory())[0].others == (OTHER,)
    await store.add_to_directory([NewContact(PHONE, others=(THIRD,))], now=NOW)
    assert (await store.directory(phone=THIRD))[0].others == (THIRD,)
    assert await store.directory(phone=OTHER) == []


async def test_somebody_twice_in_one_call_is_one(store: SqlStore) -> None:
    twice = [
        NewContact(PHONE, {"a": "1", "b": "1"}),
        NewContact(PHONE, {"b": "2"}, others=(OTHER,)),
    ]
    assert await store.add_to_directory(iter(twice), now=NOW) == (1, 0)
    [one] = await store.directory()
    assert (one.variables, one.others) == ({"a": "1", "b": "2"}, (OTHER,))
    assert await store.add_to_directory([NewContact(PHONE)], now=LATER) == (0, 1)
    assert (await store.directory())[0].updated_at == NOW, "nothing was changed"
    assert await store.add_to_directory([], now=NOW) == (0, 0)


async def test_a_number_may_be_of_several_people(store: SqlStore) -> None:
    await store.add_to_directory(
        [NewContact(PHONE, others=(THIRD,)), NewContact(OTHER, others=(THIRD,)), NewContact(THIRD)],
        now=NOW,
    )
    assert [p.phone for p in await store.directory(phone=THIRD)] == [PHONE, OTHER, THIRD]


async def test_the_directory_is_listed_by_pages(store: SqlStore) -> None:
    people = [NewContact(f"+3361234{i:04d}") for i in range(5)]
    await store.add_to_directory(people, now=NOW)
    page = await store.directory(limit=2)
    rest = await store.directory(after_id=page[-1].id)
    assert [p.phone for p in page + rest] == [p.phone for p in people]


async def test_more_people_than_a_statement_takes(store: SqlStore) -> None:
    n = directory.CHUNK + 1

    def people(value: str) -> Iterator[NewContact]:
        return (NewContact(f"+336{i:08d}", {"v": value}) for i in range(n))

    assert await store.add_to_directory(people("1"), now=NOW) == (n, 0)
    assert await store.add_to_directory(people("2"), now=LATER) == (0, n)
    [last] = await store.directory(phone=f"+336{n - 1:08d}")
    assert (last.variables, last.updated_at) == ({"v": "2"}, LATER)
    assert await noted(store, kind="person") == [
        ("person.added", "many", None, {"count": n}),
        ("person.changed", "many", None, {"count": n}),
    ]


async def test_the_audit_keeps_no_data_of_people(store: SqlStore) -> None:
    await store.add_to_directory([NewContact(PHONE, {"iban": "secret"})], now=NOW)
    await store.add_to_directory([NewContact(PHONE, {"first": "secret"}, others=(OTHER,))], now=NOW)
    await store.delete_from_directory(PHONE, now=NOW)
    one = {"numbers": 1, "variables": ["iban"]}
    two = {"numbers": 2, "variables": ["first", "iban"]}
    told = await noted(store, kind="person")
    assert told == [
        ("person.added", PHONE, None, one),
        ("person.changed", PHONE, one, two),
        ("person.deleted", PHONE, two, None),
    ]
    assert MOST_EACH > 1
    assert "secret" not in str(told)


async def test_people_that_are_none_are_refused(store: SqlStore) -> None:
    wrong = [
        *(NewContact(phone) for phone in NO_PHONES),
        *(NewContact(PHONE, others=(phone,)) for phone in NO_PHONES),
        NewContact(PHONE, others=tuple(f"+336{i:08d}" for i in range(21))),
        NewContact(PHONE, {f"v{i}": "" for i in range(201)}),
        NewContact(PHONE, {"x" * 201: ""}),
        NewContact(PHONE, {"": ""}),
        NewContact(PHONE, {"x": "x" * 4001}),
    ]
    for contact in wrong:
        with pytest.raises(InvalidInput):
            await store.add_to_directory([NewContact(THIRD), contact], now=NOW)
    for phone in NO_PHONES:
        with pytest.raises(InvalidInput):
            await store.directory(phone=phone)
        with pytest.raises(InvalidInput):
            await store.delete_from_directory(phone, now=NOW)
    assert await store.directory() == []
    await store.add_to_directory([NewContact(PHONE, {f"v{i}": "" for i in range(200)})], now=NOW)
    with pytest.raises(InvalidInput):
        await store.add_to_directory([NewContact(PHONE, {"one": "more"})], now=NOW)


async def test_hostile_data_comes_back_as_it_was(store: SqlStore) -> None:
    variables = {name or "empty": value for name in HOSTILE for value in HOSTILE}
    await store.add_to_directory([NewContact(PHONE, variables)], now=NOW)
    assert (await store.directory())[0].variables == variables


async def test_two_who_add_the_same_people_make_one_of_each(store: SqlStore) -> None:
    people = [NewContact(f"+3361234{i:04d}", {}) for i in range(20)]
    done = await asyncio.gather(
        *(
            store.add_to_directory(
                [NewContact(p.phone, {f"v{n}": "1"}) for p in people[:: 1 if n % 2 else -1]],
                now=NOW,
            )
            for n in range(6)
        )
    )
    assert sum(added for added, _updated in done) == 20
    kept = await store.directory()
    assert len(kept) == 20
    assert all(p.variables == {f"v{n}": "1" for n in range(6)} for p in kept)


async def test_a_timeline_is_over_all_campaigns_newest_first(store: SqlStore, url: str) -> None:
    one, two = await draft(store, name="first"), await draft(store, name="second")
    hour = timedelta(hours=1)
    call(url, one, "a-1", PHONE, disposition=ANSWERED, evidence={"cause": 16})
    call(url, two, "a-0", PHONE, at=NOW + hour, disposition=NO_ANSWER)
    call(url, two, "b-1", OTHER, at=NOW - hour, disposition=NO_ANSWER)
    call(url, two, "b-2", THIRD, at=NOW - hour, disposition=NO_ANSWER)
    call(url, one, "c-1", OTHER, at=NOW, status="claimed", dialed=False, ended_at=None)
    call(url, one, "d-1", OTHER, at=NOW, status="released", dialed=False)
    calls = await store.timeline([PHONE, OTHER, PHONE])
    assert [(c.attempt.id, c.campaign_name) for c in calls] == [
        ("a-0", "second"),
        ("c-1", "first"),
        ("a-1", "first"),
        ("b-1", "second"),
    ]
    assert calls[2].attempt == await store.attempt("a-1")
    assert [c.attempt.id for c in await store.timeline([PHONE, OTHER], limit=1)] == ["a-0"]
    assert await store.timeline(["+33999999999"]) == []
    assert await store.timeline([]) == []
    for phone in NO_PHONES:
        with pytest.raises(InvalidInput):
            await store.timeline([phone])


async def test_calls_are_counted_over_a_span(store: SqlStore, url: str) -> None:
    campaign_id, another = await draft(store), await draft(store)
    paris = ZoneInfo("Europe/Paris")
    since, until = datetime(2026, 11, 2, tzinfo=paris), datetime(2026, 11, 4, tzinfo=paris)
    last_minute = datetime(2026, 11, 2, 23, 59, 59, 999999, tzinfo=paris)
    midnight = datetime(2026, 11, 3, tzinfo=paris)
    for n, (at, disposition) in enumerate(
        [
            (since, ANSWERED),
            (last_minute, NO_ANSWER),
            (midnight, Disposition.VOICEMAIL.value),
            (midnight, Disposition.ABANDONED.value),
            (midnight, Disposition.HUNG_UP.value),
            (until - timedelta(microseconds=1), ANSWERED),
            (since - timedelta(microseconds=1), ANSWERED),
            (until, ANSWERED),
        ]
    ):
        number = PHONE if n in {0, 3, 5} else f"+3361234{n:04d}"
        call(url, campaign_id, f"a-{n}", number, at=at, disposition=disposition)
    call(url, another, "b", at=midnight, disposition=ANSWERED)
    live = {"status": "dialing", "ended_at": None}
    call(url, campaign_id, "c", "+33610000000", at=midnight, **live)
    facts = await store.call_facts(campaign_id, since=since, until=until, zone="Europe/Paris")
    assert facts == CallFacts(
        calls=6,
        answered=5,
        persons=3,
        abandoned=1,
        by_day={
            "2026-11-02": {"answered_person": 1, "no_answer": 1},
            "2026-11-03": {
                "voicemail": 1,
                "abandoned": 1,
                "hung_up": 1,
                "answered_person": 1,
            },
        },
        most_per_number=3,
        shortest_ring_s=None,
    )
    in_new_york = await store.call_facts(
        campaign_id, since=since, until=until, zone="America/New_York"
    )
    assert {day: sum(n.values()) for day, n in in_new_york.by_day.items()} == {
        "2026-11-01": 1,
        "2026-11-02": 4,
        "2026-11-03": 1,
    }


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
async def test_days_are_those_of_the_zone_to_the_microsecond(
    store: SqlStore, url: str, zone: str
) -> None:
    campaign_id = await draft(store)
    local = ZoneInfo(zone)
    for n, day in enumerate((3, 4, 5)):
        midnight = datetime(2026, 10, day, tzinfo=local).astimezone(UTC)
        call(url, campaign_id, f"a-{n}", at=midnight, disposition=ANSWERED)
        before = midnight - timedelta(microseconds=1)
        call(url, campaign_id, f"b-{n}", at=before, disposition=NO_ANSWER)
    span = {"since": NOW - timedelta(days=60), "until": NOW}
    facts = await store.call_facts(campaign_id, zone=zone, **span)
    assert facts.by_day == {
        "2026-10-02": {"no_answer": 1},
        "2026-10-03": {"answered_person": 1, "no_answer": 1},
        "2026-10-04": {"answered_person": 1, "no_answer": 1},
        "2026-10-05": {"answered_person": 1},
    }


async def test_the_shortest_ring_is_of_calls_that_we_gave_up(store: SqlStore, url: str) -> None:
    campaign_id = await draft(store)
    span = {"since": NOW - timedelta(days=1), "until": LATER, "zone": "UTC"}
    ours, theirs = {"originate_reason": 3}, {"sip_code": 487, "cause": 19}

    def rang(
        attempt_id: str, evidence: dict[str, object], rings_s: float, **values: object
    ) -> None:
        at = {
            "rang_at": NOW + timedelta(seconds=1),
            "ended_at": NOW + timedelta(seconds=1 + rings_s),
        }
        values = {"disposition": NO_ANSWER, **at, **values}
        call(url, campaign_id, attempt_id, evidence=evidence, **values)  # type: ignore[arg-type]

    rang("a", theirs, 2.0)
    rang("b", ours, 3.0, disposition=Disposition.TIMEOUT.value)
    rang("c", ours, 3.0, disposition=ANSWERED, answered_at=NOW)
    facts = await store.call_facts(campaign_id, **span)  # type: ignore[arg-type]
    assert facts.shortest_ring_s is None
    rang("d", ours, 25.25)
    rang("e", ours, 20.5)
    assert (await store.call_facts(campaign_id, **span)).shortest_ring_s == 20.5  # type: ignore[arg-type]
    rang("f", ours, 17.0, rang_at=None)
    assert (await store.call_facts(campaign_id, **span)).shortest_ring_s == 18.0  # type: ignore[arg-type]
    rang("g", {**ours, "ring_s": 14.5}, 16.0)
    assert (await store.call_facts(campaign_id, **span)).shortest_ring_s == 14.5  # type: ignore[arg-type]


async def test_counts_need_a_campaign_and_a_zone(store: SqlStore) -> None:
    campaign_id = await draft(store)
    with pytest.raises(NotFound):
        await store.call_facts(campaign_id + 1, since=NOW, until=LATER, zone="UTC")
    with pytest.raises(InvalidInput):
        await store.call_facts(campaign_id, since=NOW, until=LATER, zone="Mars/Base")
    facts = await store.call_facts(campaign_id, since=NOW, until=LATER, zone="UTC")
    assert facts == CallFacts(0, 0, 0, 0)
