"""The one list of rules that decides whom to call again, and what may forbid it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.campaign_settings import CampaignSettings, RetryPolicy, SuccessRules
from callcamp.core.changes import ContactChange
from callcamp.core.ended_call import EndedCall, ended_call
from callcamp.core.model import Attempt, Contact
from callcamp.core.outcome import MEANING, Disposition, Evidence
from callcamp.core.policies import Action, ActionKind, ActionRule, Scope
from callcamp.core.reasons import Reason
from callcamp.core.retry import (
    CALLBACK_AGREED,
    ContactDecision,
    Guard,
    decide_contact,
    next_open_instant,
    pause_s,
    revise_contact,
)
from callcamp.core.rule_text import describe_rule, parse_condition
from callcamp.core.rules import retry_rules
from callcamp.core.states import (
    CONTACT,
    AttemptStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import InvalidInput

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
D, E = Disposition, ContactEvent
AGAIN, DROP = Action(ActionKind.CALL_AGAIN), Action(ActionKind.DROP)


def campaign(policy: RetryPolicy | None = None, **settings: object) -> CampaignSettings:
    return CampaignSettings("c", 1, retry=policy or RetryPolicy(), **settings)  # type: ignore[arg-type]


def call(
    disposition: Disposition = D.BUSY, *, talk_s: float | None = None, **more: object
) -> EndedCall:
    return EndedCall(disposition, Evidence(talk_s=talk_s), NOW, **more)  # type: ignore[arg-type]


def decide(
    policy: RetryPolicy | None = None, ended: EndedCall | None = None, **more: object
) -> ContactDecision:
    options = {name: more.pop(name) for name in ("campaign_over", "source_allows", "next_open")
               if name in more}  # fmt: skip
    return decide_contact(campaign(policy, **more), ended or call(), now=NOW, **options)  # type: ignore[arg-type]


def rule(name: str, *actions: Action, when: str = "") -> ActionRule:
    return ActionRule(name, actions, (parse_condition(when),) if when else ())


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def test_busy_is_called_again_after_the_delay() -> None:
    decision = decide()
    assert decision.again
    assert decision.rule == "again after busy"
    assert decision.change == ContactChange(E.RETRY_SCHEDULED, minutes(30), Reason.RETRY_WAITS)


@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize("ticked", [True, False])
@pytest.mark.parametrize("until_success", [True, False])
@pytest.mark.parametrize("success", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_every_disposition_under_every_switch(
    disposition: Disposition, ticked: bool, until_success: bool, success: bool, last: bool
) -> None:
    policy = RetryPolicy(
        2, 60, frozenset({disposition}) if ticked else frozenset(), until_success=until_success
    )
    ended = call(disposition, success=success, round_ordinal=2 if last else 1)
    decision = decide(policy, ended)
    never = disposition in {D.UNKNOWN, D.INVALID_NUMBER}
    wanted = until_success or (ticked and MEANING[disposition].retryable)
    assert decision.again is (wanted and not success and not never and not last)
    assert decision.change is not None
    if not decision.again:
        technical = MEANING[disposition].technical
        assert decision.change.event is (E.GAVE_UP if technical else E.FINISHED)
        assert decision.change.due_at is None
    assert CONTACT.allows(ContactStatus.IN_PROGRESS, decision.change.event)


def test_the_order_of_the_list() -> None:
    policy = RetryPolicy(
        stop_after_talk_s=30,
        redial_under_talk_s=15,
        rules=(rule("mine", AGAIN, when="city = Paris"),),
        retry_on_outcomes=("not_available",),
        until_success=True,
        retry_on=frozenset({D.BUSY, D.ANSWERED_PERSON}),
    )
    assert [one.name for one in retry_rules(policy)] == [
        "stop after a connect of more than 30 s",
        "redial after a connect of less than 15 s",
        "mine",
        "again after the outcome not_available",
        "a success ends it",
        "the contact's next number",
        "again until it is a success",
        "again after busy",
        "back to a number that exists",
        "otherwise",
    ]
    assert all(describe_rule(one) for one in retry_rules(policy))
    assert [one.name for one in retry_rules(RetryPolicy(retry_on=frozenset()))] == [
        "a success ends it",
        "the contact's next number",
        "otherwise",
    ]


@pytest.mark.parametrize(
    ("disposition", "talk_s", "again"),
    [
        (D.ANSWERED_PERSON, 31, False),
        (D.ANSWERED_PERSON, 30, True),
        (D.VOICEMAIL, 31, True),
        (D.ABANDONED, 31, True),
        (D.ANSWERED_PERSON, None, True),
    ],
)
def test_a_meaningful_connect_ends_all_redials(
    disposition: Disposition, talk_s: float | None, again: bool
) -> None:
    policy = RetryPolicy(stop_after_talk_s=30, until_success=True)
    assert decide(policy, call(disposition, talk_s=talk_s, success=False)).again is again


@pytest.mark.parametrize(
    ("disposition", "talk_s", "again"),
    [
        (D.ANSWERED_PERSON, 14.9, True),
        (D.ANSWERED_PERSON, 15, False),
        (D.ANSWERED_PERSON, None, False),
        (D.HUNG_UP, 0.4, True),
        (D.VOICEMAIL, 3, False),
        (D.BUSY, None, False),
    ],
)
def test_a_short_connect_is_redialled(
    disposition: Disposition, talk_s: float | None, again: bool
) -> None:
    policy = RetryPolicy(redial_under_talk_s=15, retry_on=frozenset())
    success = disposition is D.ANSWERED_PERSON
    assert decide(policy, call(disposition, talk_s=talk_s, success=success)).again is again


def test_a_success_by_rules_of_its_own_is_not_redialled_for_being_short() -> None:
    policy = RetryPolicy(redial_under_talk_s=15)
    success = SuccessRules(conditions=(parse_condition("outcome = confirmed"),))
    short = call(D.ANSWERED_PERSON, talk_s=8, success=True)
    assert not decide(policy, short, success=success).again
    assert decide(policy, replace(short, success=False), success=success).again


def test_own_rules_come_before_outcomes_and_dispositions() -> None:
    policy = RetryPolicy(
        rules=(
            rule("not in Lyon", DROP, when="city = lyon"),
            rule("soon", Action(ActionKind.CALL_AGAIN, delay_s=60), when="attempts < 2"),
        ),
        retry_on_outcomes=("not_available",),
        growth=2,
    )
    assert decide(policy, call(contact_variables={"city": "Lyon"})).rule == "not in Lyon"
    soon = decide(policy)
    assert soon.rule == "soon"
    assert soon.change is not None
    assert soon.change.due_at == minutes(1)
    person = call(D.ANSWERED_PERSON, round_ordinal=2, success=True, outcome="Not_Available")
    assert decide(policy, person).rule == "again after the outcome not_available"


def test_rules_set_variables_and_go_on_even_when_a_guard_decides() -> None:
    policy = RetryPolicy(
        1,
        rules=(
            rule("mark", Action(ActionKind.SET_CONTACT_VARIABLE, name="tries", value="many")),
            rule("note", Action(ActionKind.SET_CALL_VARIABLE, name="x", value="1"),
                 when="tries = many"),
            rule("spoof", Action(ActionKind.SET_CALL_VARIABLE, name="answered", value="true")),
            rule("never", DROP, when="answered = true"),
        ),
    )  # fmt: skip
    decision = decide(policy)
    assert decision.rule == Guard.ATTEMPTS_USED
    assert decision.contact_variables == {"tries": "many"}
    assert decision.call_variables == {"x": "1", "answered": "true"}
    assert decision.change == ContactChange(E.FINISHED, variables={"tries": "many"})


def test_a_rule_that_excludes_the_number_ends_calls_to_it() -> None:
    stop = Action(ActionKind.SUPPRESS, scope=Scope.GLOBAL)
    policy = RetryPolicy(rules=(rule("enough", stop, when="attempts >= 1"),))
    decision = decide(policy, call(callback_at=minutes(60)), callbacks=True, source_allows=True)
    assert decision.suppress == (Scope.GLOBAL,)
    assert (decision.rule, decision.forbidden) == ("enough", "enough")
    assert decision.callback_refused == "enough"
    assert not decision.again


@pytest.mark.parametrize(
    ("ended", "options", "guard"),
    [
        (call(), {"campaign_over": True}, Guard.CAMPAIGN_OVER),
        (call(opted_out=True), {}, Guard.OPTED_OUT),
        (call(outcome=" STOP_calling"), {"opt_out_outcomes": ("stop_calling",)}, Guard.OPTED_OUT),
        (call(refused=True), {}, Guard.REFUSED),
        (call(D.UNKNOWN), {}, Guard.UNKNOWN_END),
        (call(round_ordinal=3), {}, Guard.ATTEMPTS_USED),
        (call(D.INVALID_NUMBER), {}, Guard.NO_SUCH_NUMBER),
    ],
)
def test_what_forbids_a_further_call_whatever_the_rules_say(
    ended: EndedCall, options: dict[str, object], guard: Guard
) -> None:
    policy = RetryPolicy(rules=(rule("always", AGAIN),))
    assert decide(policy, replace(ended, callback_at=None), **options).rule == guard
    asked = replace(ended, callback_at=minutes(60))
    decision = decide(policy, asked, callbacks=True, source_allows=True, **options)
    if guard is Guard.ATTEMPTS_USED:
        assert decision.rule == CALLBACK_AGREED
    else:
        assert (decision.rule, decision.callback_refused) == (guard, guard)


def test_an_opt_out_by_key_is_told_with_where_it_holds() -> None:
    ended = EndedCall(D.ANSWERED_PERSON, Evidence(dtmf="29"), NOW, success=True)
    decision = decide(None, ended, opt_out_key="9", opt_out_scope=Scope.CAMPAIGN)
    assert decision.suppress == (Scope.CAMPAIGN,)
    assert decision.forbidden == Guard.OPTED_OUT
    assert decision.rule == "a success ends it"
    assert decide(None, ended, opt_out_key="8").suppress == ()


def test_an_agreed_callback_is_made_when_campaign_and_source_both_make_them() -> None:
    ended = call(D.ANSWERED_PERSON, success=True, callback_at=minutes(90))
    decision = decide(None, ended, callbacks=True, source_allows=True)
    assert decision.rule == CALLBACK_AGREED
    assert decision.callback_refused is None
    assert decision.change == ContactChange(
        E.RETRY_SCHEDULED, minutes(90), Reason.CALLBACK_WAITS, callback=True
    )


@pytest.mark.parametrize(
    ("at", "callbacks", "source", "why"),
    [
        (minutes(90), False, True, "the campaign makes no callbacks"),
        (minutes(90), True, False, "the bot or agent makes no callbacks"),
        (NOW, True, True, "its time is past"),
        (NOW + timedelta(days=90, seconds=1), True, True, "it is more than 90 days ahead"),
    ],
)
def test_a_callback_that_is_not_made_leaves_the_list_to_decide(
    at: datetime, callbacks: bool, source: bool, why: str
) -> None:
    ended = call(callback_at=at)
    decision = decide(None, ended, callbacks=callbacks, source_allows=source)
    assert decision.callback_refused == why
    assert decision.rule == "again after busy"


def test_a_callback_is_one_call_more_than_allowed_and_never_two() -> None:
    policy = RetryPolicy(2)
    made = [
        decide(policy, call(callback_at=minutes(9), round_ordinal=n), callbacks=True,
               source_allows=True).again
        for n in (1, 2, 3, 4)
    ]  # fmt: skip
    assert made == [True, True, False, False]


def test_delays_fixed_growing_and_by_disposition() -> None:
    policy = RetryPolicy(delay_s=100, growth=2, delay_most_s=350, delays_s={D.BUSY: 10})
    assert [pause_s(policy, D.NO_ANSWER, n) for n in (1, 2, 3, 4)] == [100, 200, 350, 350]
    assert [pause_s(policy, D.BUSY, n) for n in (1, 2, 3)] == [10, 20, 40]
    long = RetryPolicy(delay_s=1000, growth=10, delay_most_s=1)
    assert pause_s(long, D.BUSY, 100) == 1000
    assert pause_s(RetryPolicy(delay_s=0, growth=10), D.BUSY, 50) == 0


def test_several_numbers_are_tried_in_order_and_then_from_the_first() -> None:
    policy = RetryPolicy(9, 1800, next_number_delay_s=60)
    seen = []
    index = 0
    for n in range(1, 5):
        change = decide(policy, call(numbers=3, number_index=index, round_ordinal=n)).change
        assert change is not None
        assert change.due_at is not None
        assert change.number_index is not None
        index = change.number_index
        seen.append((index, change.due_at))
    assert seen == [(1, minutes(1)), (2, minutes(1)), (0, minutes(30)), (1, minutes(1))]


def test_the_next_number_is_no_retry_so_nothing_has_to_be_ticked_for_it() -> None:
    policy = RetryPolicy(retry_on=frozenset())
    assert decide(policy, call(numbers=2)).rule == "the contact's next number"
    assert not decide(policy, call(numbers=2, number_index=1)).again


@pytest.mark.parametrize(
    ("disposition", "index"),
    [(D.VOICEMAIL, 1), (D.NO_ANSWER, 1), (D.ANSWERED_PERSON, 0), (D.ABANDONED, 0), (D.HUNG_UP, 0)],
)
def test_whoever_reached_a_person_stays_on_the_number(disposition: Disposition, index: int) -> None:
    policy = RetryPolicy(rules=(rule("again", AGAIN),))
    change = decide(policy, call(disposition, numbers=2)).change
    assert change is not None
    assert change.number_index == index


def test_a_callback_goes_to_the_number_it_was_agreed_on() -> None:
    ended = call(D.ANSWERED_PERSON, numbers=3, number_index=1, callback_at=minutes(9))
    change = decide(None, ended, callbacks=True, source_allows=True).change
    assert change is not None
    assert change.number_index == 1


def test_a_number_that_does_not_exist_is_left_out() -> None:
    gone = call(D.INVALID_NUMBER, numbers=3, number_index=1, invalid=frozenset({2}))
    decision = decide(None, gone)
    assert decision.rule == "back to a number that exists"
    assert decision.change is not None
    assert decision.change.number_index == 0
    assert decision.change.due_at == minutes(30)
    assert not decide(RetryPolicy(retry_on=frozenset()), gone).again
    last = decide(None, replace(gone, invalid=frozenset({0, 2})))
    assert last.rule == "otherwise"
    assert last.change == ContactChange(E.GAVE_UP)
    busy = call(numbers=2, number_index=1, invalid=frozenset({0}))
    change = decide(None, busy).change
    assert change is not None
    assert (change.number_index, change.due_at) == (1, minutes(30))


def test_a_person_on_a_number_said_not_to_exist_is_called_on_another() -> None:
    ended = call(D.HUNG_UP, numbers=2, invalid=frozenset({0}))
    change = decide(None, ended).change
    assert change is not None
    assert change.number_index == 1


def test_nothing_is_due_before_now() -> None:
    late = decide_contact(campaign(RetryPolicy(delay_s=60)), call(), now=minutes(10))
    assert late.change is not None
    assert late.change.due_at == minutes(10)


def test_without_an_open_minute_the_instant_stays() -> None:
    assert next_open_instant(NOW, None) == NOW
    assert next_open_instant(NOW, lambda _at: None) == NOW


def office_hours(at: datetime) -> datetime | None:
    """Open on weekdays from 9 to 17 UTC."""
    while at.weekday() > 4 or not 9 <= at.hour < 17:
        at = (at + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return at


policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 6),
    delay_s=st.integers(0, 20 * 86400),
    retry_on=st.frozensets(st.sampled_from(Disposition)),
    growth=st.floats(1, 10),
    delays_s=st.dictionaries(st.sampled_from(Disposition), st.integers(0, 86400), max_size=2),
    retry_on_outcomes=st.sampled_from([(), ("later",)]),
    stop_after_talk_s=st.none() | st.floats(1, 60),
    redial_under_talk_s=st.none() | st.floats(1, 60),
    until_success=st.booleans(),
    next_number_delay_s=st.integers(0, 3600),
    rules=st.sampled_from(
        [
            (),
            (rule("again", AGAIN, when="attempts < 3"),),
            (rule("always", AGAIN), rule("never asked", DROP)),
            (rule("out", DROP, Action(ActionKind.SUPPRESS), when="outcome = out"),),
        ]
    ),
)


@st.composite
def calls(draw: st.DrawFn) -> EndedCall:
    numbers = draw(st.integers(1, 3))
    ended_at = NOW + timedelta(minutes=draw(st.integers(0, 20000)))
    ahead = st.integers(-60, 100 * 1440).map(lambda m: ended_at + timedelta(minutes=m))
    return EndedCall(
        draw(st.sampled_from(Disposition)),
        Evidence(talk_s=draw(st.none() | st.floats(0, 100))),
        ended_at,
        attempt_ordinal=9,
        round_ordinal=draw(st.integers(1, 9)),
        outcome=draw(st.sampled_from([None, "later", "out"])),
        success=draw(st.none() | st.booleans()),
        refused=draw(st.booleans()),
        callback_at=draw(st.none() | ahead),
        numbers=numbers,
        number_index=draw(st.integers(0, numbers - 1)),
        invalid=draw(st.frozensets(st.integers(0, 2))),
    )


flags = st.fixed_dictionaries({"campaign_over": st.booleans(), "source_allows": st.booleans()})


@given(policies, calls(), st.booleans(), flags)
def test_no_decision_breaks_what_is_promised(
    policy: RetryPolicy, ended: EndedCall, callbacks: bool, options: dict[str, bool]
) -> None:
    decision = decide_contact(
        campaign(policy, callbacks=callbacks),
        ended,
        now=ended.ended_at,
        next_open=office_hours,
        **options,
    )
    change = decision.change
    assert change is not None
    assert CONTACT.allows(ContactStatus.IN_PROGRESS, change.event)
    listed = {one.name for one in retry_rules(policy)}
    assert decision.rule in listed | set(Guard) | {CALLBACK_AGREED}
    if not decision.again:
        return
    assert change.due_at is not None
    assert change.due_at >= ended.ended_at
    assert office_hours(change.due_at) == change.due_at
    assert ended.round_ordinal <= policy.max_attempts - (0 if change.callback else 1)
    assert change.hold is (Reason.CALLBACK_WAITS if change.callback else Reason.RETRY_WAITS)
    assert not options["campaign_over"]
    assert not ended.refused
    assert ended.disposition is not D.UNKNOWN
    called = ended.number_index if change.number_index is None else change.number_index
    assert (change.number_index is None) is (ended.numbers == 1)
    if change.callback:
        assert callbacks
        assert options["source_allows"]
    else:
        assert called in ended.usable()


@given(policies, st.lists(st.sampled_from(Disposition), min_size=12, max_size=12), st.booleans())
def test_a_contact_is_never_called_more_often_than_allowed(
    policy: RetryPolicy, ends: list[Disposition], callback: bool
) -> None:
    now, made, index = NOW, 0, 0
    for disposition in ends:
        made += 1
        decision = decide_contact(
            campaign(policy, callbacks=True),
            EndedCall(
                disposition, Evidence(), now, made, made, numbers=2, number_index=index,
                callback_at=now + timedelta(days=1) if callback else None,
            ),
            now=now,
            source_allows=True,
        )  # fmt: skip
        if not decision.again or decision.change is None or decision.change.due_at is None:
            break
        now, index = decision.change.due_at, decision.change.number_index or 0
    assert made <= policy.max_attempts + callback


@pytest.mark.parametrize(
    "values",
    [
        {"growth": 0.5},
        {"growth": float("nan")},
        {"growth": 11},
        {"delay_most_s": -1},
        {"next_number_delay_s": 7776001},
        {"delays_s": {D.BUSY: -1}},
        {"stop_after_talk_s": 0},
        {"redial_under_talk_s": 86401},
        {"rules": (ActionRule("x", ()),)},
        {"rules": (rule("x", DROP),) * 51},
        {"retry_on_outcomes": ("",)},
        {"retry_on_outcomes": ("x",) * 51},
    ],
)
def test_unusable_policies_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        RetryPolicy(**values)  # type: ignore[arg-type]


def contact(status: ContactStatus, **more: object) -> Contact:
    return Contact(1, 1, "+33142685300", {"city": "Lyon"}, status, **{
        "attempts": 1, "due_at": None, "disposition": D.BUSY, "import_id": None,
        "last_attempt_at": NOW, **more,
    })  # type: ignore[arg-type]  # fmt: skip


LATER = RetryPolicy(retry_on=frozenset(), retry_on_outcomes=("later",))


@pytest.mark.parametrize("status", ContactStatus)
@pytest.mark.parametrize("outcome", ["later", "never"])
def test_what_a_late_outcome_does_to_a_contact(status: ContactStatus, outcome: str) -> None:
    decision = revise_contact(
        campaign(LATER), call(outcome=outcome), contact(status), now=minutes(5)
    )
    again = outcome == "later"
    expected = {
        ContactStatus.COMPLETED: E.REOPENED if again else None,
        ContactStatus.FAILED: E.REOPENED if again else None,
        ContactStatus.PENDING: E.RETRY_SCHEDULED if again else E.FINISHED,
    }.get(status)
    assert (decision.change and decision.change.event) is expected
    if decision.change is not None:
        assert CONTACT.allows(status, decision.change.event)
        assert decision.change.due_at == (minutes(30) if again else None)


@given(policies, calls(), st.sampled_from(ContactStatus), flags, st.booleans())
def test_a_late_decision_is_always_a_legal_step(
    policy: RetryPolicy,
    ended: EndedCall,
    status: ContactStatus,
    options: dict[str, bool],
    waits: bool,
) -> None:
    person = contact(status, attempts=9, callback_at=NOW if waits else None)
    settings = campaign(policy, callbacks=True)
    decision = revise_contact(settings, ended, person, now=ended.ended_at, **options)
    if decision.change is not None:
        assert CONTACT.allows(status, decision.change.event)
        assert decision.again is (decision.change.event is not E.FINISHED)


@pytest.mark.parametrize("more", [{"attempts": 2}, {"round_base": 1}])
def test_a_contact_that_was_called_or_reopened_since_stays_as_it_is(more: dict[str, int]) -> None:
    person = contact(ContactStatus.PENDING, **more)
    assert revise_contact(campaign(LATER), call(), person, now=NOW).change is None


def test_a_waiting_callback_survives_late_news_unless_it_is_forbidden_or_replaced() -> None:
    settings = campaign(LATER, callbacks=True)
    person = contact(ContactStatus.PENDING, callback_at=minutes(90), due_at=minutes(90))
    assert revise_contact(settings, call(outcome="later"), person, now=NOW).change is None
    stopped = revise_contact(settings, call(refused=True), person, now=NOW)
    assert stopped.change == ContactChange(E.FINISHED)
    moved = revise_contact(
        settings, call(callback_at=minutes(200)), person, now=NOW, source_allows=True
    )
    assert moved.change is not None
    assert (moved.change.due_at, moved.change.callback) == (minutes(200), True)


def test_an_attempt_from_the_store_as_a_call_to_decide_on() -> None:
    person = replace(contact(ContactStatus.COMPLETED), others=("+33142685301",))
    attempt = Attempt(
        "a", 1, 1, "+33142685301", 4, AttemptStatus.ENDED, 1, 30, NOW, NOW,
        disposition=D.BUSY, evidence={"talk_s": 2.5, "of_a_later_version": 1}, outcome="later",
        success=False, variables={"size": "2"}, refused=True, round_ordinal=2,
    )  # fmt: skip
    ended = ended_call(attempt, person, ended_at=NOW, callback_at=minutes(9), opted_out=True)
    assert ended == EndedCall(
        D.BUSY, Evidence(talk_s=2.5), NOW, 4, 2, "later", False, True, True, minutes(9),
        {"city": "Lyon"}, {"size": "2"}, 2, 1,
    )  # fmt: skip
    unknown = ended_call(replace(attempt, disposition=None, number="+1"), person, ended_at=NOW)
    assert (unknown.disposition, unknown.number_index) == (D.UNKNOWN, 0)


def test_the_page_of_retries_has_the_list_in_its_order() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "retries.md").read_text("utf-8")
    page = page[page.index("## The list") :]
    policy = RetryPolicy(
        stop_after_talk_s=30, redial_under_talk_s=15, until_success=True,
        retry_on_outcomes=("X",), retry_on=frozenset({D.BUSY}),
    )  # fmt: skip
    names = [
        one.name.replace("30 s", "N").replace("15 s", "N").replace("busy", "D")
        for one in retry_rules(policy)
    ]
    assert [page.index(f"| `{name}`") for name in names] == sorted(
        page.index(f"| `{name}`") for name in names
    )
