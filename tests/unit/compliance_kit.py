"""Presets, rules and calls for the tests of compliance."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.gate import PastCall
from callcamp.core.legal import (
    AbandonRule,
    AbandonWindow,
    CallCap,
    CoolOff,
    CoolOffAfter,
    LegalPreset,
    Span,
    WeekHours,
)
from callcamp.core.outcome import Disposition

T0 = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SETTINGS = CampaignSettings(name="c", trunk_id=1)
DAY = 86400


def settings_with(**changes: Any) -> CampaignSettings:
    known = {f.name: getattr(SETTINGS, f.name) for f in fields(CampaignSettings)}
    return CampaignSettings(**(known | changes))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def call(seconds: float, **facts: Any) -> PastCall:
    return PastCall("+13055550100", at(seconds), 1, **facts)


def preset(name: str, *places: str, **numbers: Any) -> LegalPreset:
    return LegalPreset(name, name, places, "a law", date(2026, 11, 21), **numbers)


def week(start: int, end: int, **more: Any) -> WeekHours:
    return WeekHours(((Span(time(start), time(end)),),) * 7, **more)


caps = st.builds(
    CallCap, st.integers(1, 4), st.sampled_from([60, 3600, DAY, 30 * DAY]), st.booleans()
)
cool_offs = st.builds(
    CoolOff, st.sampled_from(list(CoolOffAfter)), st.sampled_from([600, DAY, 60 * DAY])
)
abandons = st.builds(
    AbandonRule,
    st.sampled_from([0.0, 0.03, 0.05]),
    st.sampled_from(list(AbandonWindow)),
    st.sampled_from([7, 30]),
    st.sampled_from([2.0, 3.0]),
)
hours = st.builds(
    week,
    st.integers(7, 10),
    st.integers(17, 21),
    holiday=st.sampled_from([None, ()]),
    holiday_eve=st.sampled_from([None, (Span(time(10), time(19)),)]),
)
PLACES = ["US", "US-FL", "US-WA", "CA", "FR", "AU-NSW"]
presets = st.builds(
    LegalPreset,
    st.sampled_from([f"p{n}" for n in range(40)]),
    st.just("title"),
    st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True).map(tuple),
    st.just("a law"),
    st.just(date(2026, 11, 21)),
    hours=st.none() | hours,
    holidays=st.sampled_from([(), ("{country}",), ("{country}", "US-FL"), ("AU-NSW", "AU-VIC")]),
    caps=st.lists(caps, max_size=2).map(tuple),
    cool_offs=st.lists(cool_offs, max_size=2).map(tuple),
    abandon=st.none() | abandons,
    min_ring_s=st.none() | st.integers(10, 40),
    safe_harbour=st.lists(st.sampled_from(["name", "number"]), unique=True).map(tuple),
    opt_out_needed=st.booleans(),
    dnc_max_age_days=st.none() | st.integers(7, 31),
    consent_needed=st.booleans(),
    caller_id_needed=st.booleans(),
    mobile_caller_id=st.booleans(),
    records_kept_days=st.none() | st.integers(100, 2000),
)
past_calls = st.builds(
    call,
    st.integers(-90 * 24, 2).map(lambda hours_ago: hours_ago * 3600.0),
    live=st.booleans(),
    disposition=st.none() | st.sampled_from(list(Disposition)),
    talk_s=st.none() | st.integers(0, 600).map(float),
    refused=st.booleans(),
    conversation=st.booleans(),
)
