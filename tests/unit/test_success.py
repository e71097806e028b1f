"""When a conversation is a success, and what contacts and counts are called then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.breakdown import STATE_LABELS, Breakdown, ContactState, breakdown, contact_state
from callcamp.core.campaign_settings import SuccessRules
from callcamp.core.facts import call_facts
from callcamp.core.model import CampaignCounts
from callcamp.core.outcome import MEANING, Disposition, Evidence
from callcamp.core.policies import Condition, Match, Operator
from callcamp.core.rule_text import parse_condition
from callcamp.core.rules import Verdict, judge_success
from callcamp.core.states import ContactStatus
from callcamp.errors import InvalidInput

D, S = Disposition, ContactStatus
FACTS = call_facts(
    disposition=D.ANSWERED_PERSON,
    evidence=Evidence(talk_s=42.0),
    attempt_ordinal=1,
    round_ordinal=1,
    call_variables={"confirmed": "yes"},
)


def rules(match: Match, *texts: str) -> SuccessRules:
    return SuccessRules(match, tuple(parse_condition(text) for text in texts))


@pytest.mark.parametrize("disposition", Disposition)
def test_without_conditions_a_person_that_answered_is_a_success(disposition: D) -> None:
    facts = call_facts(
        disposition=disposition, evidence=Evidence(), attempt_ordinal=1, round_ordinal=1
    )
    verdict = judge_success(SuccessRules(), facts)
    assert verdict.success is (disposition is D.ANSWERED_PERSON)
    assert verdict.decided_by.endswith("answered by a person")
    assert verdict.decided_by.startswith("not ") is not verdict.success


LONG, SHORT = "callbot_call_duration_seconds > 30", "callbot_call_duration_seconds > 60"
SAID_YES, SAID_NO = "confirmed = yes", "confirmed = no"


@pytest.mark.parametrize(
    ("match", "texts", "verdict"),
    [
        (Match.ALL, (LONG, SAID_YES), Verdict(True, "all conditions")),
        (Match.ALL, (LONG, SAID_NO, SHORT), Verdict(False, SAID_NO)),
        (Match.ANY, (SHORT, SAID_YES, LONG), Verdict(True, SAID_YES)),
        (Match.ANY, (SHORT, SAID_NO), Verdict(False, "no condition")),
    ],
)
def test_who_decided(match: Match, texts: tuple[str, ...], verdict: Verdict) -> None:
    assert judge_success(rules(match, *texts), FACTS) == verdict


def test_conditions_are_checked_when_they_are_set() -> None:
    with pytest.raises(InvalidInput):
        SuccessRules(conditions=(Condition("talk_seconds", Operator.GREATER, "long"),))


@pytest.mark.parametrize(
    ("status", "success", "before", "state"),
    [
        (S.PENDING, None, False, ContactState.TO_CALL),
        (S.PENDING, False, False, ContactState.TO_CALL),
        (S.PENDING, True, False, ContactState.CALLS_AFTER_SUCCESS),
        (S.PENDING, False, True, ContactState.CALLS_AFTER_SUCCESS),
        (S.IN_PROGRESS, True, True, ContactState.CALL_IN_PROGRESS),
        (S.COMPLETED, True, False, ContactState.SUCCESS),
        (S.COMPLETED, False, True, ContactState.CALLS_AFTER_SUCCESS),
        (S.COMPLETED, False, False, ContactState.FAILURE),
        (S.FAILED, None, False, ContactState.FAILURE),
        (S.SKIPPED, True, False, ContactState.SUCCESS),
        (S.CANCELED, None, False, ContactState.FAILURE),
    ],
)
def test_the_five_states(
    status: ContactStatus, success: bool | None, before: bool, state: ContactState
) -> None:
    assert contact_state(status, success, succeeded_before=before) is state


def test_every_state_has_its_label() -> None:
    assert set(STATE_LABELS) == set(ContactState)


def test_the_breakdown() -> None:
    counts = CampaignCounts(
        {S.PENDING: 5, S.IN_PROGRESS: 1, S.COMPLETED: 20, S.FAILED: 3, S.SKIPPED: 2, S.CANCELED: 1},
        {},
        {D.ANSWERED_PERSON: 8, D.VOICEMAIL: 4, D.NO_ANSWER: 5, D.BUSY: 2, D.REJECTED: 1,
         D.FAILED: 3},
        {},
        successes=6,
    )  # fmt: skip
    assert breakdown(counts) == {
        Breakdown.PENDING: 5,
        Breakdown.IN_PROGRESS: 1,
        Breakdown.COMPLETED_SUCCESS: 6,
        Breakdown.COMPLETED_VOICEMAIL: 4,
        Breakdown.COMPLETED_NO_ANSWER: 5,
        Breakdown.COMPLETED_BUSY: 2,
        Breakdown.COMPLETED_OTHER: 3,
        Breakdown.FAILED: 3,
        Breakdown.SKIPPED: 2,
        Breakdown.CANCELED: 1,
    }


few = st.integers(0, 20)


@given(
    st.fixed_dictionaries(dict.fromkeys(Disposition, few)),
    st.fixed_dictionaries(dict.fromkeys((S.PENDING, S.SKIPPED, S.CANCELED, S.IN_PROGRESS), few)),
    few,
    st.data(),
)
def test_the_breakdown_adds_up_to_all_contacts(
    results: dict[Disposition, int],
    others: dict[ContactStatus, int],
    late: int,
    data: st.DataObject,
) -> None:
    # A late outcome may complete a contact whose last call broke off: some technical ends are
    # among the completed.
    technical = sum(n for d, n in results.items() if MEANING[d].technical)
    failed = max(0, technical - late)
    completed = sum(results.values()) - failed
    contacts = {**others, S.COMPLETED: completed, S.FAILED: failed}
    successes = data.draw(st.integers(0, completed))
    counts = CampaignCounts(contacts, {}, results, {}, successes=successes)
    parts = breakdown(counts)
    assert list(parts) == list(Breakdown)
    assert sum(parts.values()) == counts.total
    assert min(parts.values()) >= 0
    assert parts[Breakdown.COMPLETED_SUCCESS] == successes
