"""The gate at the moment of a call: whatever it is shown, it lets nobody out who may not be."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    ContactHours,
    DailyWindow,
    NumberPool,
    RetryPolicy,
    Rotation,
    UnknownZone,
)
from callcamp.core.gate import (
    Batch,
    Candidate,
    Consent,
    LetOut,
    NumberUse,
    OutboundNumber,
    PassedOver,
    PastCall,
)
from callcamp.core.legal import CallCap, CoolOff, CoolOffAfter, LegalPreset, Span, WeekHours
from callcamp.core.outcome import Disposition
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.rotation import NoNumber
from callcamp.core.ruleset import Gate, RuleSet

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
NINE_TO_EIGHT = WeekHours(((Span(time(9), time(20)),),) * 6 + ((),))
LAW = LegalPreset(
    id="law",
    title="A law",
    places=("FR", "US"),
    source="here",
    checked_on=date(2026, 1, 1),
    hours=NINE_TO_EIGHT,
    caps=(CallCap(2, 86400),),
    cool_offs=(CoolOff(CoolOffAfter.CONVERSATION, 7 * 86400),),
)
PARIS = Place("FR", (), ("Europe/Paris",)).key
SPLIT = Place("US", ("US-SD",), ("America/Chicago", "America/Denver")).key
NOWHERE = Place("FR", (), ()).key


def campaign(**values: object) -> CampaignSettings:
    own = {
        "name": "c",
        "trunk_id": 1,
        "mode": CampaignMode.MULTI_DAY,
        "window": DailyWindow(time(0), time(0), weekdays=frozenset(range(7))),
        "legal": ("law",),
        "retry": RetryPolicy(max_attempts=3),
    }
    return CampaignSettings(**(own | values))  # type: ignore[arg-type]


def candidate(contact_id: int = 1, *numbers: str, **values: object) -> Candidate:
    own: dict[str, object] = {
        "number_index": 0,
        "place": PARIS,
        "attempts": 0,
        "due_at": NOON - timedelta(hours=1),
    }
    return Candidate(contact_id, numbers or (f"+3361{contact_id:07d}",), **(own | values))  # type: ignore[arg-type]


def judge_one(who: Candidate, now: datetime = NOON, **batch: object) -> LetOut | PassedOver:
    rules = RuleSet(campaign(), [LAW])
    decisions = rules.judge(Batch(now, 1, [who], **batch))  # type: ignore[arg-type]
    assert len(decisions) == 1
    return decisions[0]


def test_a_due_contact_within_its_hours_is_let_out_with_its_evidence() -> None:
    out = judge_one(candidate())
    assert isinstance(out, LetOut)
    assert out.open_until == datetime(2026, 3, 4, 19, tzinfo=UTC)
    assert out.gate["presets"] == ["law"]
    assert out.gate["place"] == PARIS


def test_a_number_with_two_zones_is_called_when_it_is_legal_in_both() -> None:
    denver_opens = datetime(2026, 3, 4, 16, tzinfo=UTC)  # 09:00 in Denver, 10:00 in Chicago
    before = judge_one(candidate(place=SPLIT), denver_opens - timedelta(seconds=1))
    assert isinstance(before, PassedOver)
    assert (before.reason, before.until) == (Reason.CONTACT_HOURS, denver_opens)
    assert isinstance(judge_one(candidate(place=SPLIT), denver_opens), LetOut)
    chicago_closes = datetime(2026, 3, 5, 2, tzinfo=UTC)
    assert isinstance(judge_one(candidate(place=SPLIT), chicago_closes), PassedOver)


@pytest.mark.parametrize(
    ("policy", "reason", "skip"),
    [
        (UnknownZone.REVIEW, Reason.NEEDS_REVIEW, False),
        (UnknownZone.SKIP, Reason.ZONE_UNKNOWN, True),
    ],
)
def test_an_unknown_zone_is_held_or_skipped(
    policy: UnknownZone, reason: Reason, skip: bool
) -> None:
    rules = RuleSet(campaign(contact_hours=ContactHours(unknown_zone=policy)), [LAW])
    (out,) = rules.judge(Batch(NOON, 1, [candidate(place=NOWHERE)]))
    assert out == PassedOver(1, reason, None, skip)


def test_an_unknown_zone_may_count_as_the_campaigns() -> None:
    own = ContactHours(unknown_zone=UnknownZone.CAMPAIGN_ZONE)
    rules = RuleSet(campaign(contact_hours=own), [LAW])
    (noon,) = rules.judge(Batch(NOON, 1, [candidate(place=NOWHERE)]))
    (night,) = rules.judge(Batch(NOON + timedelta(hours=9), 1, [candidate(place=NOWHERE)]))
    assert isinstance(noon, LetOut)
    assert isinstance(night, PassedOver)


def test_where_no_own_time_matters_an_unknown_zone_does_not() -> None:
    rules = RuleSet(campaign(legal=()))
    (out,) = rules.judge(Batch(NOON, 1, [candidate(place="")]))
    assert isinstance(out, LetOut)


def test_a_suppressed_number_is_passed_over_for_the_next_one() -> None:
    who = candidate(1, "+33611111111", "+33622222222")
    out = judge_one(who, suppressed={"+33611111111": Reason.DO_NOT_CALL})
    assert isinstance(out, LetOut)
    assert out.number_index == 1
    both = {"+33611111111": Reason.EXCLUDED, "+33622222222": Reason.DO_NOT_CALL}
    assert judge_one(who, suppressed=both) == PassedOver(1, Reason.DO_NOT_CALL, None, skip=True)


def test_a_number_in_another_campaigns_call_waits() -> None:
    live = PastCall("+33610000001", NOON, 7, live=True)
    out = judge_one(candidate(), calls={"+33610000001": [live]})
    assert isinstance(out, PassedOver)
    assert out.reason is Reason.IN_OTHER_CALL
    assert out.until == NOON + timedelta(seconds=60)


def test_one_person_twice_in_a_batch_is_called_once() -> None:
    rules = RuleSet(campaign(), [LAW])
    two = [candidate(1, "+33611111111"), candidate(2, "+33622222222", "+33611111111")]
    first, second = rules.judge(Batch(NOON, 5, two))
    assert isinstance(first, LetOut)
    assert isinstance(second, PassedOver)
    assert second.reason is Reason.IN_OTHER_CALL


def test_consent_is_asked_for_by_scope_and_instant() -> None:
    rules = RuleSet(campaign(consent_scope="marketing"), [LAW])

    def judged(*consents: Consent) -> LetOut | PassedOver:
        (out,) = rules.judge(Batch(NOON, 1, [candidate()], consents={"+33610000001": consents}))
        return out

    given_at = NOON - timedelta(days=9)
    good = Consent("+33610000001", "marketing", "form", given_at)
    assert isinstance(judged(good), LetOut)
    for bad in (
        [],
        [Consent("+33610000001", "service", "form", given_at)],
        [Consent("+33610000001", "marketing", "form", given_at, expires_at=NOON)],
        [Consent("+33610000001", "marketing", "form", given_at, revoked_at=given_at)],
        [Consent("+33610000001", "marketing", "form", NOON + timedelta(seconds=1))],
    ):
        assert judged(*bad) == PassedOver(1, Reason.NO_CONSENT)


def test_the_number_kept_for_a_contact_holds_only_that_contact() -> None:
    pool = NumberPool(("+33170000001", "+33170000002"), Rotation.SAME)
    rules = RuleSet(campaign(pool=pool), [LAW])
    numbers = [
        OutboundNumber(1, "+33170000001", daily_cap=1),
        OutboundNumber(2, "+33170000002"),
    ]
    use = {1: NumberUse(today=1)}
    kept = candidate(1, caller_number="+33170000001")
    first, second = rules.judge(Batch(NOON, 5, [kept, candidate(2)], numbers=numbers, use=use))
    assert isinstance(first, PassedOver)
    assert first.reason is Reason.NUMBER_CAPPED
    assert isinstance(second, LetOut)
    assert second.caller_number == "+33170000002"


def test_without_a_usable_number_the_gate_stops_and_says_so() -> None:
    pool = NumberPool(("+33170000001",))
    gate = Gate(RuleSet(campaign(pool=pool), [LAW]))
    capped = [OutboundNumber(1, "+33170000001", daily_cap=2)]
    out = gate.judge(Batch(NOON, 5, [candidate(n) for n in range(1, 6)], numbers=capped))
    assert len(out) == 2
    assert isinstance(gate.no_number, NoNumber)
    assert gate.no_number.reason is Reason.NUMBERS_CAPPED


def test_a_callback_that_an_agent_keeps_waits_for_that_agent() -> None:
    rules = RuleSet(campaign(), [LAW])
    kept = [candidate(n, callback_at=NOON, callback_agent_id=7) for n in (1, 2)]
    batch = Batch(NOON, 10, [*kept, candidate(3)])
    later = NOON + timedelta(seconds=60)
    away, away_too, anyone = rules.judge(batch, {8})
    assert away == PassedOver(1, Reason.CALLBACK_AGENT, later)
    assert away_too == PassedOver(2, Reason.CALLBACK_AGENT, later)
    assert isinstance(anyone, LetOut)
    # One agent makes one call.
    first, second, third = rules.judge(batch, {7})
    assert isinstance(first, LetOut)
    assert second == away_too
    assert isinstance(third, LetOut)
    # Nobody asked who is free: nobody is held for it.
    assert all(isinstance(one, LetOut) for one in rules.judge(batch))


def test_contacts_that_used_their_attempts_are_left_alone_but_for_a_callback() -> None:
    used = judge_one(candidate(attempts=3))
    assert used == PassedOver(1, Reason.ATTEMPTS_USED, None, skip=True)
    assert isinstance(judge_one(candidate(attempts=3, callback_at=NOON)), LetOut)


NUMBERS = [f"+3361000000{n}" for n in range(8)]
POOL = [OutboundNumber(n, f"+3317000000{n}", daily_cap=c) for n, c in ((1, 2), (2, 5), (3, None))]


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    now = NOON + timedelta(minutes=draw(st.integers(0, 7 * 24 * 60)))
    people = []
    for n in range(draw(st.integers(1, 8))):
        numbers = tuple(
            draw(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3, unique=True))
        )
        people.append(
            Candidate(
                contact_id=n,
                numbers=numbers,
                number_index=draw(st.integers(0, len(numbers) - 1)),
                place=draw(st.sampled_from([PARIS, SPLIT, NOWHERE])),
                attempts=draw(st.integers(0, 4)),
                due_at=now,
                callback_at=draw(st.sampled_from([None, now])),
            )
        )
    calls = {
        number: [
            PastCall(
                number,
                now - timedelta(hours=draw(st.integers(0, 240))),
                draw(st.integers(1, 3)),
                live=draw(st.booleans()) and draw(st.booleans()),
                disposition=Disposition.NO_ANSWER,
                conversation=draw(st.booleans()) and draw(st.booleans()),
            )
            for _ in range(draw(st.integers(0, 3)))
        ]
        for number in draw(st.sets(st.sampled_from(NUMBERS)))
    }
    suppressed = dict.fromkeys(draw(st.sets(st.sampled_from(NUMBERS), max_size=3)), Reason.EXCLUDED)
    use = {n: NumberUse(today=draw(st.integers(0, 5))) for n in (1, 2)}
    return Batch(now, draw(st.integers(0, 9)), people, calls, suppressed, {}, POOL, use)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
@given(batch=batches())
def test_nobody_is_let_out_who_may_not_be(batch: Batch) -> None:
    rules = RuleSet(campaign(pool=NumberPool(tuple(n.phone for n in POOL))), [LAW])
    decisions = rules.judge(batch)
    # A decision for each, in order, as far as there was room; more than one reason to stop
    # early there is not.
    assert [d.contact_id for d in decisions] == [
        c.contact_id for c in batch.candidates[: len(decisions)]
    ]
    out = [d for d in decisions if isinstance(d, LetOut)]
    assert len(out) <= batch.room
    assert len(decisions) == len(batch.candidates) or len(out) == batch.room
    people = {c.contact_id: c for c in batch.candidates}
    used: Counter[str] = Counter()
    called: set[str] = set()
    for one in out:
        who = people[one.contact_id]
        number = who.numbers[one.number_index]
        assert number not in batch.suppressed
        assert called.isdisjoint(who.numbers)
        called.update(who.numbers)
        assert who.attempts < 3 or who.callback_at is not None
        calls = [call for n in who.numbers for call in batch.calls.get(n, ())]
        assert not any(call.live for call in calls)
        day = [c for c in calls if c.at > batch.now - timedelta(days=1)]
        assert len(day) < 2
        assert not any(c.conversation and c.at > batch.now - timedelta(days=7) for c in calls)
        zones = Place.parse(who.place).zones
        assert zones
        for zone in zones:
            local = batch.now.astimezone(ZoneInfo(zone))
            assert time(9) <= local.time() < time(20)
            assert local.weekday() != 6
        assert one.caller_number is not None
        used[one.caller_number] += 1
    for number in POOL:
        if number.daily_cap is not None:
            before = batch.use[number.id].today
            assert used[number.phone] <= max(0, number.daily_cap - before)
    for held in decisions:
        if isinstance(held, PassedOver):
            assert held.until is None or held.until > batch.now
            assert held.skip or held.until is not None or held.reason is Reason.NEEDS_REVIEW
