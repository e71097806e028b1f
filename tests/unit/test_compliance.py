"""Caps and cool-offs to the second, stacking that only tightens, and what a start needs."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from compliance_kit import (
    DAY,
    SETTINGS,
    T0,
    at,
    call,
    caps,
    cool_offs,
    past_calls,
    preset,
    presets,
    settings_with,
    week,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from callcamp.core.campaign_settings import NumberPool
from callcamp.core.compliance import (
    CampaignRules,
    PlaceRules,
    abandon_room,
    abandon_window_start,
    campaign_rules,
    caps_verdict,
    lists_verdict,
    look_back_s,
    missing_for_start,
    rules_for,
)
from callcamp.core.gate import PastCall
from callcamp.core.legal import (
    AbandonRule,
    AbandonWindow,
    CallCap,
    CoolOff,
    CoolOffAfter,
    Span,
    WeekHours,
)
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.schedule import all_open, contact_calendar
from callcamp.errors import InvalidInput

FLORIDA = Place("US", ("US-FL",), ("America/New_York",))


# Caps and cool-offs


def test_the_eighth_call_in_seven_days_waits_until_the_first_is_seven_days_old() -> None:
    rules = PlaceRules(caps=(CallCap(7, 7 * DAY),))
    calls = [call(hour * 3600) for hour in range(7)]
    assert caps_verdict(rules, calls[:6], at(7 * 3600)) is None
    assert caps_verdict(rules, calls, at(7 * 3600)) == (Reason.FREQUENCY_CAP, at(7 * DAY))
    assert caps_verdict(rules, calls, at(7 * DAY - 1)) == (Reason.FREQUENCY_CAP, at(7 * DAY))
    assert caps_verdict(rules, calls, at(7 * DAY)) is None


def test_a_cap_on_answered_calls_counts_those_and_whatever_may_have_been_answered() -> None:
    rules = PlaceRules(caps=(CallCap(1, DAY, answered_only=True),))
    for missed in (Disposition.BUSY, Disposition.NO_ANSWER, Disposition.FAILED):
        assert caps_verdict(rules, [call(0, disposition=missed)], at(60)) is None
    for taken in (
        call(0, disposition=Disposition.VOICEMAIL),
        call(0, disposition=Disposition.UNKNOWN),
        call(0, live=True),
        call(0),
    ):
        assert caps_verdict(rules, [taken], at(60)) == (Reason.FREQUENCY_CAP, at(DAY))


@pytest.mark.parametrize(
    ("after", "facts"),
    [
        (CoolOffAfter.CONVERSATION, {"conversation": True}),
        (CoolOffAfter.REFUSAL, {"refused": True}),
        (CoolOffAfter.ABANDONED, {"disposition": Disposition.ABANDONED}),
        (CoolOffAfter.MACHINE, {"disposition": Disposition.VOICEMAIL}),
    ],
)
def test_a_cool_off_begins_when_the_call_ends(
    after: CoolOffAfter, facts: dict[str, object]
) -> None:
    rules = PlaceRules(cool_offs=(CoolOff(after, DAY),))
    ended = call(0, talk_s=90.0, **facts)
    assert caps_verdict(rules, [ended], at(DAY)) == (Reason.COOL_OFF, at(DAY + 90))
    assert caps_verdict(rules, [ended], at(DAY + 90)) is None
    other = call(0, talk_s=90.0, disposition=Disposition.ANSWERED_PERSON)
    assert caps_verdict(rules, [other], at(1)) is None


def test_what_lasts_longer_gives_the_reason() -> None:
    rules = PlaceRules(caps=(CallCap(1, 60),), cool_offs=(CoolOff(CoolOffAfter.REFUSAL, 3600),))
    assert caps_verdict(rules, [call(0, refused=True)], at(1)) == (Reason.COOL_OFF, at(3600))
    rules = PlaceRules(caps=(CallCap(1, 7200),), cool_offs=(CoolOff(CoolOffAfter.REFUSAL, 3600),))
    assert caps_verdict(rules, [call(0, refused=True)], at(1)) == (Reason.FREQUENCY_CAP, at(7200))


rule_sets = st.builds(
    PlaceRules,
    caps=st.lists(caps, max_size=3).map(tuple),
    cool_offs=st.lists(cool_offs, max_size=3).map(tuple),
)


def counts(cap: CallCap, one: PastCall) -> bool:
    unknown = one.live or one.disposition in {None, Disposition.UNKNOWN}
    return not cap.answered_only or unknown or MEANING[one.disposition].answered  # type: ignore[index]


def allowed(rules: PlaceRules, calls: list[PastCall], now: datetime) -> bool:
    """The rules, said in another way: count in every window that ends at the new call."""
    for cap in rules.caps:
        start = now - timedelta(seconds=cap.window_s)
        if sum(counts(cap, one) for one in calls if one.at > start) + 1 > cap.calls:
            return False
    for cool in rules.cool_offs:
        for one in calls:
            hit = {
                CoolOffAfter.CONVERSATION: one.conversation,
                CoolOffAfter.REFUSAL: one.refused,
                CoolOffAfter.ABANDONED: one.disposition == Disposition.ABANDONED,
                CoolOffAfter.MACHINE: one.disposition == Disposition.VOICEMAIL,
            }[cool.after]
            rest = timedelta(seconds=cool.seconds + (one.talk_s or 0))
            if hit and now < one.at + rest:
                return False
    return True


@settings(max_examples=250, deadline=None)
@given(rules=rule_sets, calls=st.lists(past_calls, max_size=12))
def test_the_verdict_is_the_first_allowed_instant(rules: PlaceRules, calls: list[PastCall]) -> None:
    verdict = caps_verdict(rules, calls, T0)
    assert (verdict is None) is allowed(rules, calls, T0)
    if verdict is not None:
        reason, until = verdict
        assert reason in {Reason.FREQUENCY_CAP, Reason.COOL_OFF}
        assert allowed(rules, calls, until)
        # Nothing between is allowed: what forbids only ever ends at one of these instants.
        edges = {
            one.at + timedelta(seconds=length + extra)
            for one in calls
            for length in [c.window_s for c in rules.caps] + [c.seconds for c in rules.cool_offs]
            for extra in (0.0, one.talk_s or 0.0)
        }
        assert until in edges
        between = {edge for edge in edges if T0 < edge < until}
        assert not any(allowed(rules, calls, edge) for edge in between)
        assert not allowed(rules, calls, until - timedelta(microseconds=1))


@settings(max_examples=60, deadline=None)
@given(
    rules=st.builds(PlaceRules, caps=st.lists(caps, min_size=1, max_size=3).map(tuple)),
    steps=st.lists(st.integers(1, 6 * 3600), min_size=5, max_size=25),
)
def test_whoever_obeys_never_exceeds_a_cap_in_any_window(
    rules: PlaceRules, steps: list[int]
) -> None:
    made: list[PastCall] = []
    now = T0
    for step in steps:
        now += timedelta(seconds=step)
        verdict = caps_verdict(rules, made, now)
        if verdict is not None and step % 2:
            now = verdict[1]
            assert caps_verdict(rules, made, now) is None
        if verdict is None or step % 2:
            made.append(PastCall("+1", now, 1, disposition=Disposition.ANSWERED_PERSON))
    for cap in rules.caps:
        for last in made:
            start = last.at - timedelta(seconds=cap.window_s)
            assert sum(start < one.at <= last.at for one in made) <= cap.calls


@settings(max_examples=150, deadline=None)
@given(named=st.lists(presets, max_size=3), calls=st.lists(past_calls, max_size=10))
def test_calls_before_the_look_back_do_not_matter(named: list, calls: list[PastCall]) -> None:
    rules = rules_for(Place(), named, SETTINGS)
    start = T0 - timedelta(seconds=look_back_s(named, SETTINGS))
    recent = [one for one in calls if one.at > start]
    assert caps_verdict(rules, calls, T0) == caps_verdict(rules, recent, T0)


def test_without_caps_nothing_is_looked_back_for() -> None:
    assert look_back_s([preset("p", "US")], SETTINGS) == 0
    capped = settings_with(frequency=(CallCap(1, 3600),))
    assert look_back_s([], capped) == 3600
    assert look_back_s([preset("p", "US", caps=(CallCap(1, DAY),))], capped) == DAY


# Which presets hold where


US = preset("us", "US", caps=(CallCap(9, DAY),), hours=week(8, 21))
US_FL = preset("us-fl", "US-FL", caps=(CallCap(3, DAY),), hours=week(8, 20))
US_WA = preset("us-wa", "US-WA", hours=week(9, 20))
FR = preset("fr", "FR", hours=week(10, 20, holiday=()), holidays=("{country}",))


@pytest.mark.parametrize(
    ("place", "held"),
    [
        (FLORIDA, ["us", "us-fl"]),
        (Place("US", ("US-TX",)), ["us"]),
        (Place("US", ("US-FL", "US-WA")), ["us", "us-fl", "us-wa"]),
        # the subdivision is not known: it could be any
        (Place("US"), ["us", "us-fl", "us-wa"]),
        (Place("FR"), ["fr"]),
        # nobody names it, or nobody knows where it is: all of them
        (Place("BE"), ["us", "us-fl", "us-wa", "fr"]),
        (Place(), ["us", "us-fl", "us-wa", "fr"]),
        (Place(None, ("CA-ON", "US-TX")), ["us", "us-fl", "us-wa", "fr"]),
    ],
)
def test_a_preset_holds_for_whom_it_may_protect(place: Place, held: list[str]) -> None:
    rules = rules_for(place, [US, US_FL, US_WA, FR], SETTINGS)
    assert list(rules.presets) == held


def test_a_contact_of_another_subdivision_is_held_to_what_is_named_when_nothing_covers_it() -> None:
    assert rules_for(Place("US", ("US-TX",)), [US_FL], SETTINGS).presets == ("us-fl",)
    assert rules_for(Place("US", ("US-TX",)), [], SETTINGS) == PlaceRules()


def test_hours_and_holidays_come_with_each_preset() -> None:
    rules = rules_for(FLORIDA, [US, US_FL], SETTINGS)
    assert rules.weeks == ((week(8, 21), ()), (week(8, 20), ()))
    assert rules_for(Place("FR"), [FR], SETTINGS).weeks[0][1] == ("FR",)
    assert rules_for(Place("BE"), [FR], SETTINGS).weeks[0][1] == ("FR",)
    assert rules_for(Place(), [FR], SETTINGS).weeks[0][1] == ("FR",)


def test_holidays_of_every_subdivision_count_while_it_is_not_known() -> None:
    states = preset(
        "au", "AU", hours=week(9, 20, holiday=()), holidays=("{country}", "AU-NSW", "AU-WA")
    )
    assert rules_for(Place("AU"), [states], SETTINGS).weeks[0][1] == ("AU", "AU-NSW", "AU-WA")
    perth = Place("AU", ("AU-WA",))
    assert rules_for(perth, [states], SETTINGS).weeks[0][1] == ("AU", "AU-WA")
    hobart = Place("AU", ("AU-TAS",))
    assert rules_for(hobart, [states], SETTINGS).weeks[0][1] == ("AU",)
    assert rules_for(Place(), [states], SETTINGS).weeks[0][1] == ("AU", "AU-NSW", "AU-WA")


def test_the_day_before_a_holiday_does_not_open_a_sunday() -> None:
    closed_sundays = WeekHours(
        ((Span(time(9), time(20)),),) * 6 + ((),),
        holiday=(),
        holiday_eve=(Span(time(10), time(19)),),
    )
    italy = preset("it", "IT", hours=closed_sundays, holidays=("{country}",))
    rules = rules_for(Place("IT", (), ("Europe/Rome",)), [italy], SETTINGS)
    calendars = [contact_calendar("Europe/Rome", hours, days) for hours, days in rules.weeks]

    def open_at(text: str) -> bool:
        local = datetime.fromisoformat(text).astimezone(UTC)
        return all_open(calendars, local).open

    # 1 June 2025 is a Sunday, the day after it the feast of the Republic.
    assert not open_at("2025-06-01T11:00+02:00")
    assert not open_at("2025-06-02T11:00+02:00")
    # 24 April 2025 is a Thursday, the day after it Liberation Day.
    assert not open_at("2025-04-24T09:30+02:00")
    assert open_at("2025-04-24T10:00+02:00")
    assert not open_at("2025-04-24T19:00+02:00")
    assert open_at("2025-04-23T19:30+02:00")


def test_caps_of_the_settings_hold_everywhere_and_the_tighter_cap_is_kept() -> None:
    own = settings_with(frequency=(CallCap(2, 2 * DAY),))
    assert rules_for(Place("FR"), [FR], own).caps == (CallCap(2, 2 * DAY),)
    assert rules_for(FLORIDA, [US, US_FL], own).caps == (CallCap(2, 2 * DAY),)
    wider = settings_with(frequency=(CallCap(5, 7 * DAY), CallCap(1, DAY, answered_only=True)))
    assert set(rules_for(FLORIDA, [US, US_FL], wider).caps) == {
        CallCap(3, DAY),
        CallCap(5, 7 * DAY),
        CallCap(1, DAY, answered_only=True),
    }


places = st.builds(
    Place,
    st.sampled_from([None, "US", "CA", "FR", "AU", "BE"]),
    st.lists(st.sampled_from(["US-FL", "US-TX", "US-WA", "CA-ON", "AU-NSW"]), max_size=2).map(
        tuple
    ),
    st.just(("America/New_York",)),
)


def names_it(one: object, place: Place) -> bool:
    return bool(rules_for(place, [one, preset("nowhere", "ZW")], SETTINGS).presets == (one.id,))  # type: ignore[attr-defined, list-item]


@settings(max_examples=150, deadline=None)
@given(
    place=places,
    named=st.lists(presets, max_size=3),
    added=presets,
    calls=st.lists(past_calls, max_size=8),
    hour=st.integers(0, 167),
)
@example(Place(), [], preset("p", "US", caps=(CallCap(1, DAY),)), [call(-60)], 0)
def test_one_more_preset_never_allows_more(
    place: Place, named: list, added: object, calls: list[PastCall], hour: int
) -> None:
    before = rules_for(place, named, SETTINGS)
    after = rules_for(place, [*named, added], SETTINGS)
    covered = any(names_it(one, place) for one in named) or not names_it(added, place)
    if named and not covered:
        # It is held to all of them only as long as its own law is not among them.
        return
    assert set(before.presets) <= set(after.presets)
    now = T0 + timedelta(hours=hour)
    if caps_verdict(after, calls, now) is None:
        assert caps_verdict(before, calls, now) is None
    zone = "America/New_York"
    if all_open([contact_calendar(zone, w, days) for w, days in after.weeks], now).open:
        assert all_open([contact_calendar(zone, w, days) for w, days in before.weeks], now).open


# The whole campaign


@settings(max_examples=200, deadline=None)
@given(named=st.lists(presets, max_size=3), added=presets, ring_s=st.integers(10, 60))
def test_the_rules_of_a_campaign_only_tighten(named: list, added: object, ring_s: int) -> None:
    own = settings_with(ring_timeout_s=ring_s)
    before = campaign_rules(named, own)
    after = campaign_rules([*named, added], own)  # type: ignore[list-item]
    assert after.ring_timeout_s >= before.ring_timeout_s >= ring_s
    assert (after.min_ring_s or 0) >= (before.min_ring_s or 0)
    assert (after.dnc_max_age_days or 999) <= (before.dnc_max_age_days or 999)
    assert (after.connect_within_s or 999) <= (before.connect_within_s or 999)
    assert (after.records_kept_days or 0) >= (before.records_kept_days or 0)
    assert set(before.safe_harbour) <= set(after.safe_harbour)
    for flag in ("opt_out_needed", "consent_needed", "caller_id_needed"):
        assert getattr(after, flag) >= getattr(before, flag)
    assert after.mobile_caller_id <= before.mobile_caller_id
    for rule in before.abandons:
        assert any(
            (a.window, a.cap <= rule.cap) == (rule.window, True)
            and (a.days == rule.days or a.window is not AbandonWindow.ROLLING_DAYS)
            for a in after.abandons
        )
    lowest = min((rule.cap for rule in after.abandons), default=None)
    assert (after.abandon.cap if after.abandon else None) == lowest


def test_a_campaign_without_presets_has_only_its_settings() -> None:
    assert campaign_rules([], settings_with(ring_timeout_s=25)) == CampaignRules(ring_timeout_s=25)


# Do-not-call lists


RULES_31 = CampaignRules(dnc_max_age_days=31)


@pytest.mark.parametrize(
    ("rules", "named", "exemption", "lists", "old"),
    [
        (CampaignRules(), (), "", [], False),
        (CampaignRules(), ("tps",), "", [], True),
        (CampaignRules(), ("tps",), "", [("tps", -400)], False),
        (RULES_31, (), "", [("tps", 0)], True),
        (RULES_31, (), "we call our own customers", [], False),
        (RULES_31, (), "  ", [], True),
        (RULES_31, ("tps",), "", [("tps", -31)], False),
        (RULES_31, ("tps",), "", [("tps", -31.001)], True),
        (RULES_31, ("tps", "ctps"), "", [("tps", 0), ("ctps", -40)], True),
        (RULES_31, ("tps", "ctps"), "", [("tps", 0)], True),
        (RULES_31, ("tps",), "we call our own customers", [("tps", -400)], False),
        (RULES_31, ("tps",), "we call our own customers", [], True),
    ],
)
def test_lists_have_to_be_there_and_fresh(
    rules: CampaignRules,
    named: tuple[str, ...],
    exemption: str,
    lists: list[tuple[str, float]],
    old: bool,
) -> None:
    own = settings_with(dnc_lists=named, dnc_exemption=exemption)
    known = [(name, T0 + timedelta(days=days)) for name, days in lists]
    verdict = lists_verdict(rules, own, known, T0)
    assert verdict == (Reason.DNC_LIST_OLD if old else None)


# What a start needs


def test_a_start_is_told_all_that_is_missing() -> None:
    rules = CampaignRules(
        opt_out_needed=True, dnc_max_age_days=31, consent_needed=True, caller_id_needed=True
    )
    assert set(missing_for_start(rules, SETTINGS)) == {
        "caller_id",
        "opt_out_key",
        "dnc_lists",
        "consent_scope",
    }
    whole = settings_with(
        caller_id="+13055550100", opt_out_key="9", dnc_lists=("ftc",), consent_scope="marketing"
    )
    assert missing_for_start(rules, whole) == {}
    assert missing_for_start(CampaignRules(), SETTINGS) == {}
    pooled = settings_with(pool=NumberPool(("+13055550100",)))
    assert "caller_id" not in missing_for_start(rules, pooled)


@pytest.mark.parametrize(
    ("caller_id", "pool", "field"),
    [
        ("+34612345678", (), "caller_id"),
        (None, ("+34912345678", "+34612345678"), "pool.numbers"),
        ("+34912345678", (), None),
        # In North America nobody can tell.
        ("+13055550100", (), None),
        ("anonymous", (), None),
    ],
)
def test_mobile_caller_ids_are_refused_where_they_are_forbidden(
    caller_id: str | None, pool: tuple[str, ...], field: str | None
) -> None:
    own = settings_with(caller_id=caller_id, pool=NumberPool(pool))
    missing = missing_for_start(CampaignRules(mobile_caller_id=False), own)
    assert list(missing) == ([field] if field else [])
    assert missing_for_start(CampaignRules(), own) == {}


# Abandoned calls


@pytest.mark.parametrize(
    ("cap", "persons", "abandoned", "room"),
    [
        (0.03, 0, 0, False),
        (0.03, 32, 0, False),
        (0.03, 33, 0, True),
        (0.03, 99, 2, True),
        (0.03, 99, 3, False),
        (0.03, 98, 2, False),
        (0.05, 19, 0, True),
        (0.0, 10_000, 0, False),
        (1.0, 0, 0, True),
        # an estimate of detection errors counts like calls
        (0.03, 99, 2.1, False),
    ],
)
def test_there_is_room_while_one_more_abandoned_call_keeps_the_cap(
    cap: float, persons: float, abandoned: float, room: bool
) -> None:
    assert abandon_room(AbandonRule(cap), persons, abandoned) is room


@given(cap=st.floats(0, 0.2), persons=st.integers(0, 5000), abandoned=st.integers(0, 200))
def test_a_risk_that_is_taken_keeps_the_cap_even_when_it_goes_wrong(
    cap: float, persons: int, abandoned: int
) -> None:
    if abandoned <= persons and abandon_room(AbandonRule(cap), persons, abandoned):
        assert (abandoned + 1) / (persons + 1) <= cap + 1e-6


@pytest.mark.parametrize(
    ("rule", "now", "zone", "start"),
    [
        (AbandonRule(0.03, days=30), "2026-03-31T12:00Z", "UTC", "2026-03-01T12:00Z"),
        (
            AbandonRule(0.03, AbandonWindow.CALENDAR_DAY),
            "2026-07-01T22:30Z",
            "Europe/London",
            "2026-06-30T23:00Z",
        ),
        (
            AbandonRule(0.03, AbandonWindow.CALENDAR_DAY),
            "2026-07-01T23:30Z",
            "Europe/London",
            "2026-07-01T23:00Z",
        ),
        (
            AbandonRule(0.05, AbandonWindow.CALENDAR_MONTH),
            "2026-11-01T03:00Z",
            "America/Toronto",
            "2026-10-01T04:00Z",
        ),
        (
            AbandonRule(0.05, AbandonWindow.CALENDAR_MONTH),
            "2026-11-01T12:00Z",
            "America/Toronto",
            "2026-11-01T04:00Z",
        ),
        # Midnight is skipped: the day begins with the change.
        (
            AbandonRule(0.03, AbandonWindow.CALENDAR_DAY),
            "2025-04-25T10:00Z",
            "Africa/Cairo",
            "2025-04-24T22:00Z",
        ),
        # Midnight comes twice: the first counts.
        (
            AbandonRule(0.03, AbandonWindow.CALENDAR_DAY),
            "2025-11-02T12:00Z",
            "America/Havana",
            "2025-11-02T04:00Z",
        ),
    ],
)
def test_the_window_of_the_abandon_cap(rule: AbandonRule, now: str, zone: str, start: str) -> None:
    found = abandon_window_start(rule, datetime.fromisoformat(now), zone)
    assert found == datetime.fromisoformat(start)
    assert found.tzinfo is UTC


def test_a_window_in_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput):
        abandon_window_start(AbandonRule(0.03, AbandonWindow.CALENDAR_DAY), T0, "Mars/Olympus")
