"""Ten days with a weekend, public holidays and a change of the clocks, on the simulated switch.

Five thousand people in four zones (and some nobody knows where), under four laws. What became
of every call is held against the switch's own witness, and every instant against hours that
days_kit writes down a second time, by hand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import pytest

from callcamp.core.model import Attempt
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.store import SqlStore
from tests.engine import days_kit as kit
from tests.engine.days_kit import DayEnd, PersonAs, TenDays

PRESETS = {"us": "us-tsr", "fl": "us-fl", "fr": "fr", "de": "de"}
ON_THE_WAY = timedelta(minutes=5)
"""What an order may take to the switch, by a clock that runs two hundred times too fast."""


@dataclass(frozen=True)
class Books:
    """The ten days as callcamp has them on record, by person."""

    run: TenDays
    attempts: list[Attempt]

    @cached_property
    def ended(self) -> list[Attempt]:
        """Calls that were placed, in the order in which they were dialled."""
        made = [a for a in self.attempts if a.status is AttemptStatus.ENDED]
        return sorted(made, key=dialed)

    @cached_property
    def person(self) -> dict[int, PersonAs]:
        """Everybody by the id of their contact."""
        by_phone = {one.phone: one for one in self.run.people}
        return {contact.id: by_phone[contact.phone] for contact in self.run.ends[-1].contacts}

    @cached_property
    def to(self) -> dict[str, list[Attempt]]:
        """The calls to each number, in order."""
        calls: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.ended:
            calls[attempt.number].append(attempt)
        return calls

    @cached_property
    def of(self) -> dict[int, list[Attempt]]:
        """The calls of each contact, in order."""
        calls: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in self.ended:
            calls[attempt.contact_id].append(attempt)
        return calls

    def ordered_at(self, attempt: Attempt) -> datetime:
        """Return when the order went to the switch."""
        return self.run.gateway.orders[attempt.id][0]


def dialed(attempt: Attempt) -> datetime:
    assert attempt.dialed_at is not None
    return attempt.dialed_at


def how(attempt: Attempt) -> str:
    assert attempt.disposition is not None
    return attempt.disposition.value


async def test_ten_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await kit.ten_days(tmp_path, monkeypatch)
    store = SqlStore(f"sqlite:///{tmp_path / 'callcamp.sqlite3'}")
    await store.open()
    try:
        books = Books(run, await store.attempts(run.campaign_id, limit=100_000))
    finally:
        await store.close()
    check_everything(books)


def check_everything(books: Books) -> None:
    check_the_witness_saw_the_same(books)
    check_days_add_up(books)
    check_reasons_add_up(books)
    check_nobody_outside_hours(books)
    check_days_are_what_they_are_meant_to_be(books)
    check_attempts(books)
    check_caps(books)
    check_outbound_numbers(books)
    check_forbidden(books)
    check_one_call_at_a_time(books)


def check_the_witness_saw_the_same(books: Books) -> None:
    run = books.run
    settled = {AttemptStatus.ENDED, AttemptStatus.RELEASED}
    assert {a.status for a in books.attempts} <= settled
    assert Counter((a.number, how(a)) for a in books.ended) == Counter(
        (number, disposition) for number, _, disposition in run.callees.calls
    )
    assert run.switch.witness() == {number: len(calls) for number, calls in books.to.items()}
    assert {a.id for a in books.ended} == run.gateway.orders.keys()
    assert not run.switch.outbox()


def check_days_add_up(books: Books) -> None:
    run = books.run
    witnessed = kit.by_day(run.callees.calls)
    recorded: dict[object, Counter[str]] = defaultdict(Counter)
    for attempt in books.ended:
        recorded[kit.local_day(dialed(attempt))][how(attempt)] += 1
    assert recorded == witnessed
    so_far: Counter[str] = Counter()
    for end in run.ends:
        of_day = witnessed.get(end.day, Counter())
        so_far += of_day
        assert end.facts.by_day == ({end.day.isoformat(): of_day} if of_day else {}), end.day
        assert end.facts.calls == of_day.total(), end.day
        assert end.ended == so_far, end.day
        assert end.recount == {}, end.day
        assert sum(c.attempts for c in end.contacts) == so_far.total(), end.day


def check_reasons_add_up(books: Books) -> None:
    for end in books.run.ends:
        told = end.why.explanation
        assert told.planned == 0, end.day
        counted = {reason: held.count for reason, held in told.reasons.items()}
        assert sum(counted.values()) == kit.CONTACTS == len(end.contacts), end.day
        assert counted == reasons_by_scan(end), end.day
    seen = {reason for end in books.run.ends for reason in end.why.explanation.reasons}
    assert seen >= {
        Reason.HOLIDAY,
        Reason.OUTSIDE_HOURS,
        Reason.RETRY_WAITS,
        Reason.FREQUENCY_CAP,
        Reason.NEEDS_REVIEW,
        Reason.DO_NOT_CALL,
        Reason.NO_CONSENT,
    }


def reasons_by_scan(end: DayEnd) -> Counter[Reason]:
    """Give every contact its reason, one by one; the campaign is closed."""
    campaign = end.why.explanation.plan.hold
    assert campaign in {Reason.HOLIDAY, Reason.OUTSIDE_HOURS}
    found: Counter[Reason] = Counter()
    for contact in end.contacts:
        match contact.status:
            case ContactStatus.COMPLETED:
                reason: Reason | None = Reason.DONE
            case ContactStatus.FAILED:
                reason = Reason.FAILED
            case ContactStatus.PENDING if contact.due_at and contact.due_at <= end.at:
                reason = campaign
            case _:
                reason = contact.hold
        assert reason is not None, contact
        found[reason] += 1
    return found


def check_nobody_outside_hours(books: Books) -> None:
    kinds = {number: one.kind for one in books.run.people for number in one.numbers}
    for attempt in books.ended:
        kind = books.person[attempt.contact_id].kind
        for at in (attempt.claimed_at, dialed(attempt), books.ordered_at(attempt)):
            assert kit.campaign_open(at), (attempt, at)
            assert kit.person_open(kind, at), (attempt, at)
        assert attempt.gate["presets"] == sorted(
            (PRESETS[law] for law in kind.laws), key=["us-tsr", "us-fl", "fr", "de"].index
        )
    for number, at, _ in books.run.callees.calls:
        assert any(
            kit.campaign_open(instant) and kit.person_open(kinds[number], instant)
            for instant in (at, at - ON_THE_WAY)
        ), (number, at)


def check_days_are_what_they_are_meant_to_be(books: Books) -> None:
    called: dict[object, set[str]] = defaultdict(set)
    for attempt in books.ended:
        day = kit.local_day(dialed(attempt))
        called[day].add(books.person[attempt.contact_id].kind.name)
    everywhere = set().union(*called.values())
    assert everywhere == {kind.name for kind in kit.KINDS} - {"nowhere"}
    american = {"new_york", "los_angeles", "miami", "pensacola"}
    assert kit.GREEK_HOLIDAY not in called
    assert "paris" in called[kit.GOOD_FRIDAY]
    assert not {"berlin", "two_countries"} & called[kit.GOOD_FRIDAY]
    assert called[kit.EASTER_SUNDAY] <= american
    assert called[kit.EASTER_MONDAY] <= american
    assert len(called) == kit.DAYS - 1
    for day, hour in kit.OPENS.items():
        at = (books.ordered_at(a).astimezone(kit.PARIS) for a in books.ended)
        assert min(each for each in at if each.date() == day).hour == hour, day


def check_attempts(books: Books) -> None:
    for contact in books.run.ends[-1].contacts:
        calls = books.of.get(contact.id, [])
        assert len(calls) == contact.attempts <= kit.MOST_ATTEMPTS, contact
        assert [a.ordinal for a in calls] == [*range(1, len(calls) + 1)], contact
        assert {a.number for a in calls} <= set(books.person[contact.id].numbers), contact
    assert max(len(calls) for calls in books.of.values()) > 2


def check_caps(books: Books) -> None:
    """Before every call, count by hand what the person has had."""
    for contact_id, calls in books.of.items():
        one = books.person[contact_id]
        caps = [kit.OWN_CAP, *(cap for law in one.kind.laws for cap in kit.CAPS.get(law, ()))]
        to_person = [dialed(a) for number in one.numbers for a in books.to.get(number, ())]
        for call in calls:
            at = dialed(call)
            for cap in caps:
                since = at - timedelta(seconds=cap.window_s)
                assert sum(since < before < at for before in to_person) < cap.calls, call


def check_outbound_numbers(books: Books) -> None:
    used: Counter[tuple[str, object]] = Counter()
    for attempt in books.ended:
        at, order = books.run.gateway.orders[attempt.id]
        assert order.caller_id == attempt.caller_number
        assert attempt.caller_number is not None
        zone, _ = kit.OUTBOUND[attempt.caller_number]
        used[attempt.caller_number, at.astimezone(zone).date()] += 1
    for (phone, day), count in used.items():
        assert count <= kit.OUTBOUND[phone][1], (phone, day)
    full = Counter(phone for (phone, _), count in used.items() if count == kit.OUTBOUND[phone][1])
    # The caps are what made the list last.
    assert full.keys() == kit.OUTBOUND.keys()


def check_forbidden(books: Books) -> None:
    run, called = books.run, {number for number, _, _ in books.run.callees.calls}
    assert not called & (run.forbidden | run.no_consent)
    opted_out = [a for a in books.ended if a.evidence.get("dtmf") == kit.OPT_OUT]
    assert opted_out
    for attempt in opted_out:
        assert attempt.ended_at is not None
        for number in books.person[attempt.contact_id].numbers:
            later = [a for a in books.to.get(number, ()) if a.claimed_at > attempt.ended_at]
            assert not later, attempt


def check_one_call_at_a_time(books: Books) -> None:
    groups: Iterable[list[Attempt]] = [*books.to.values(), *books.of.values()]
    for calls in groups:
        for before, after in pairwise(calls):
            assert before.ended_at is not None
            assert before.ended_at <= dialed(after), (before, after)
