"""What becomes of a contact when an attempt has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.model import DEFAULT_RETRY_ON, ContactChange, RetryPolicy
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.retry import GiveUp, GiveUpReason, RetryAt, contact_change, decide_retry
from callcamp.core.states import CONTACT, ContactEvent, ContactStatus
from callcamp.errors import InvalidInput

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
D = Disposition
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    delay_s=st.integers(0, 90 * 86400),
    retry_on=st.frozensets(st.sampled_from(D)),
)


def test_busy_is_called_again_after_the_delay() -> None:
    policy = RetryPolicy(max_attempts=3, delay_s=600)
    decision = decide_retry(policy, D.BUSY, attempts=1, ended_at=NOW)
    assert decision == RetryAt(NOW + timedelta(seconds=600))
    assert contact_change(decision, D.BUSY) == ContactChange(
        ContactEvent.RETRY_SCHEDULED, NOW + timedelta(seconds=600)
    )


@pytest.mark.parametrize(
    ("disposition", "attempts", "over", "reason"),
    [
        (D.ANSWERED_PERSON, 1, False, GiveUpReason.REACHED),
        (D.ANSWERED_PERSON, 1, True, GiveUpReason.REACHED),
        (D.BUSY, 3, False, GiveUpReason.ATTEMPTS_USED),
        (D.BUSY, 1, True, GiveUpReason.CAMPAIGN_OVER),
        (D.INVALID_NUMBER, 1, False, GiveUpReason.NOT_RETRIED),
        (D.VOICEMAIL, 1, False, GiveUpReason.NOT_RETRIED),
        (D.UNKNOWN, 1, False, GiveUpReason.NOT_RETRIED),
    ],
)
def test_giving_up(
    disposition: Disposition, attempts: int, over: bool, reason: GiveUpReason
) -> None:
    decision = decide_retry(
        RetryPolicy(), disposition, attempts=attempts, ended_at=NOW, campaign_over=over
    )
    assert decision == GiveUp(reason)


def test_who_may_have_been_called_is_not_called_again_whatever_the_policy_says() -> None:
    policy = RetryPolicy(retry_on=frozenset(D))
    for disposition in (D.UNKNOWN, D.INVALID_NUMBER, D.ANSWERED_PERSON):
        decision = decide_retry(policy, disposition, attempts=1, ended_at=NOW)
        assert isinstance(decision, GiveUp)


def test_what_is_retried_unless_the_campaign_says_otherwise() -> None:
    assert D.VOICEMAIL not in DEFAULT_RETRY_ON
    assert {D.BUSY, D.NO_ANSWER, D.REJECTED, D.TIMEOUT, D.CONGESTION} <= DEFAULT_RETRY_ON


@given(policies, st.sampled_from(D), st.integers(1, 200), st.booleans())
def test_a_retry_is_always_allowed_by_the_policy_and_never_early(
    policy: RetryPolicy, disposition: Disposition, attempts: int, over: bool
) -> None:
    decision = decide_retry(
        policy, disposition, attempts=attempts, ended_at=NOW, campaign_over=over
    )
    change = contact_change(decision, disposition)
    assert CONTACT.allows(ContactStatus.IN_PROGRESS, change.event)
    if isinstance(decision, RetryAt):
        assert attempts < policy.max_attempts
        assert disposition in policy.retry_on
        assert MEANING[disposition].retryable
        assert not over
        assert decision.at == NOW + timedelta(seconds=policy.delay_s)
    else:
        technical = MEANING[disposition].technical
        assert change.due_at is None
        assert change.event is (ContactEvent.GAVE_UP if technical else ContactEvent.FINISHED)


@pytest.mark.parametrize(
    "values", [{"max_attempts": 0}, {"max_attempts": 101}, {"delay_s": -1}, {"delay_s": 7776001}]
)
def test_unusable_policies_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        RetryPolicy(**values)
