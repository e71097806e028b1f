"""Campaign settings of every shape, for property tests."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any

from hypothesis import strategies as st

from callcamp.core.agent_settings import AbandonFrom, AgentSettings, DialMethod
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    ContactHours,
    DailyWindow,
    HoursKind,
    HoursRule,
    NumberPool,
    RetryPolicy,
    Rotation,
    SuccessRules,
    UnknownZone,
)
from callcamp.core.legal import CallCap
from callcamp.core.outcome import Disposition
from callcamp.core.policies import (
    Action,
    ActionKind,
    ActionRule,
    Condition,
    Match,
    Operator,
    Scope,
)
from callcamp.core.rules import DECIDING
from callcamp.core.scripts import CallScript, Element, ElementKind, ShowIf


def every(cls: type[Any], **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Build ``cls`` with a strategy for each of its fields, none forgotten."""
    names = {one.name for one in fields(cls)}
    assert names == set(values), f"{cls.__name__}: {names ^ set(values)}"
    return st.builds(cls, **values)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
slugs = st.sampled_from(["callback_requested", "not_available", "fr", "US-CA"])
clocks = st.times()
days = st.dates(date(1970, 1, 1), date(2200, 1, 1))
instants = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
seconds = st.integers(0, 7776000)
shares = st.floats(0, 1, exclude_max=True)

names = st.sampled_from(["city", "first name", "var.talk_seconds", "Ämter"])
conditions = every(
    Condition,
    name=names,
    operator=st.sampled_from([o for o in Operator if o is not Operator.MATCHES]),
    value=words.map(lambda word: f"1{word}"),
)
side_actions = every(
    Action,
    kind=st.sampled_from([k for k in ActionKind if k not in DECIDING]),
    delay_s=st.none() | seconds,
    name=names,
    value=words,
    scope=st.sampled_from(Scope),
)
last_actions = st.builds(Action, kind=st.sampled_from(sorted(DECIDING)), delay_s=seconds)
rules = every(
    ActionRule,
    name=names,
    actions=st.builds(lambda side, last: (*side, last), some(side_actions), last_actions),
    conditions=some(conditions),
    match=st.sampled_from(Match),
)
retries = every(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    delay_s=seconds,
    retry_on=st.frozensets(st.sampled_from(Disposition)),
    growth=st.floats(1, 10),
    delay_most_s=seconds,
    delays_s=st.dictionaries(st.sampled_from(Disposition), seconds, max_size=4),
    retry_on_outcomes=some(slugs),
    stop_after_talk_s=st.none() | st.floats(1, 3600),
    redial_under_talk_s=st.none() | st.floats(1, 3600),
    until_success=st.booleans(),
    next_number_delay_s=seconds,
    rules=some(rules),
)
hours = every(
    HoursRule,
    kind=st.sampled_from(HoursKind),
    weekday=st.none() | st.integers(0, 6),
    first_day=st.none() | days,
    last_day=st.none() | days,
    start=clocks,
    end=clocks,
)
elements = every(
    Element,
    kind=st.sampled_from(ElementKind),
    text=words,
    name=words,
    options=some(words),
    required=st.booleans(),
    show_if=st.none() | every(ShowIf, name=words, values=some(words)),
)
agents = every(
    AgentSettings,
    method=st.sampled_from(DialMethod),
    queue=words,
    pickup_rate=shares,
    abandon_cap=shares,
    connect_limit_s=st.floats(0.5, 10),
    abandon_from=st.sampled_from(AbandonFrom),
    safe_harbour=st.none() | words,
    announcement=st.none() | words,
    no_agent_message=st.none() | words,
    wait_most_s=seconds,
    callback_after_s=seconds,
    music=words,
    before_call_work_s=seconds,
    agent_ring_timeout_s=seconds,
    wrap_up_s=seconds,
    script=every(CallScript, elements=some(elements)),
    outcomes=some(slugs),
    outcome_required=st.booleans(),
    transfer_numbers=some(words),
)
settings_values = every(
    CampaignSettings,
    name=words,
    trunk_id=st.integers(1, 2**53 - 1),
    concurrency=st.integers(1, 10_000),
    ring_timeout_s=st.integers(5, 300),
    retry=retries,
    window=every(
        DailyWindow,
        start=clocks,
        end=clocks,
        zone=st.sampled_from(["UTC", "Europe/Paris"]),
        weekdays=st.frozensets(st.integers(0, 6)),
    ),
    default_region=st.sampled_from(["US", "FR"]),
    caller_id=st.none() | words,
    prompt=st.none() | words,
    machine_message=st.none() | words,
    detect_machines=st.booleans(),
    description=words,
    mode=st.sampled_from(CampaignMode),
    starts_at=st.none() | instants,
    ends_at=st.none() | instants,
    hours=some(hours),
    holidays=some(slugs),
    contact_hours=every(
        ContactHours,
        start=st.none() | clocks,
        end=st.none() | clocks,
        unknown_zone=st.sampled_from(UnknownZone),
    ),
    legal=some(slugs),
    success=every(SuccessRules, match=st.sampled_from(Match), conditions=some(conditions)),
    pool=every(
        NumberPool,
        numbers=some(st.sampled_from(["+33142685300", "+12125550100"])),
        rotation=st.sampled_from(Rotation),
        rest_under=shares,
        rest_after_calls=st.integers(1, 1000),
        rest_s=seconds,
    ),
    frequency=some(
        every(CallCap, calls=st.integers(1, 9), window_s=seconds, answered_only=st.booleans())
    ),
    callbacks=st.booleans(),
    sticky_exclusion=st.booleans(),
    opt_out_key=st.none() | st.sampled_from("0123456789*#"),
    opt_out_scope=st.sampled_from(Scope),
    opt_out_outcomes=some(slugs),
    dnc_lists=some(slugs),
    dnc_exemption=words,
    consent_scope=st.none() | words,
    filter=st.none() | words,
    agents=agents,
)
FULL = CampaignSettings(
    name="Q2 Renewal Drive",
    trunk_id=3,
    concurrency=20,
    ring_timeout_s=25,
    retry=RetryPolicy(
        max_attempts=5,
        delay_s=600,
        retry_on=frozenset({Disposition.BUSY, Disposition.NO_ANSWER}),
        growth=1.5,
        delay_most_s=86400,
        delays_s={Disposition.BUSY: 120, Disposition.NO_ANSWER: 3600},
        retry_on_outcomes=("callback_requested",),
        stop_after_talk_s=30.0,
        redial_under_talk_s=15.0,
        until_success=True,
        next_number_delay_s=60,
        rules=(
            ActionRule(
                "refused",
                (Action(ActionKind.DROP), Action(ActionKind.SUPPRESS, scope=Scope.GLOBAL)),
                (Condition("outcome", Operator.EQUAL, "refused"),),
                Match.ANY,
            ),
        ),
    ),
    window=DailyWindow(time(10), time(20, 30), "Europe/Paris", frozenset({0, 1, 2, 3, 4})),
    default_region="FR",
    caller_id="+33142685300",
    prompt="callcamp/hello",
    machine_message="callcamp/sorry",
    detect_machines=False,
    description="Zürich",
    mode=CampaignMode.MULTI_DAY,
    starts_at=datetime(2026, 12, 1, 8, tzinfo=UTC),
    ends_at=datetime(2026, 12, 31, 17, 0, 0, 500000, tzinfo=UTC),
    hours=(
        HoursRule(HoursKind.EXCLUDE, weekday=6),
        HoursRule(
            HoursKind.INCLUDE,
            first_day=date(2026, 12, 24),
            last_day=date(2026, 12, 26),
            start=time(9),
            end=time(12, 0, 30),
        ),
    ),
    holidays=("FR",),
    contact_hours=ContactHours(time(9), time(21), UnknownZone.SKIP),
    legal=("fr",),
    success=SuccessRules(Match.ANY, (Condition("talk_seconds", Operator.AT_LEAST, "20"),)),
    pool=NumberPool(("+33142685300", "+33472000000"), Rotation.LOCAL, 0.5, 80, 7200),
    frequency=(CallCap(3, 86400), CallCap(1, 604800, answered_only=True)),
    callbacks=True,
    sticky_exclusion=True,
    opt_out_key="9",
    opt_out_scope=Scope.CAMPAIGN,
    opt_out_outcomes=("stop",),
    dnc_lists=("bloctel",),
    dnc_exemption="existing contract",
    consent_scope="marketing",
    filter="paris",
    agents=AgentSettings(
        method=DialMethod.PREDICTIVE,
        queue="renewals",
        pickup_rate=0.4,
        abandon_cap=0.02,
        connect_limit_s=1.5,
        abandon_from=AbandonFrom.ANSWER,
        safe_harbour="callcamp/sorry",
        announcement="callcamp/one-moment",
        no_agent_message="callcamp/later",
        wait_most_s=90,
        callback_after_s=900,
        music="quiet",
        before_call_work_s=30,
        agent_ring_timeout_s=20,
        wrap_up_s=45,
        script=CallScript(
            (
                Element(ElementKind.SENTENCE, "Good morning, {first_name}."),
                Element(ElementKind.CHECKBOX, "Has a car", "car", required=True),
                Element(
                    ElementKind.CHOICE,
                    "Which one?",
                    "brand",
                    ("Renault", "Other"),
                    required=True,
                    show_if=ShowIf("car", ("yes",)),
                ),
            )
        ),
        outcomes=("callback_requested", "refused"),
        outcome_required=True,
        transfer_numbers=("+33142685300", "+3314268*", "GB"),
    ),
)
"""Settings in which nothing is as by default."""
