"""What becomes of a contact when an attempt has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callcamp.core.model import ContactChange, RetryPolicy
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.states import ContactEvent


class GiveUpReason(StrEnum):
    """Why a contact is not called again."""

    REACHED = "reached"
    ATTEMPTS_USED = "attempts_used"
    NOT_RETRIED = "disposition_not_retried"
    CAMPAIGN_OVER = "campaign_over"


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Call the contact again, not before ``at``."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not call the contact again."""

    reason: GiveUpReason


def decide_retry(
    policy: RetryPolicy,
    disposition: Disposition,
    *,
    attempts: int,
    ended_at: datetime,
    campaign_over: bool = False,
) -> RetryAt | GiveUp:
    """Decide whether and when a contact is called again.

    Args:
        policy: the campaign's policy.
        disposition: how the attempt ended.
        attempts: calls placed so far, this one included.
        ended_at: when it ended.
        campaign_over: whether the campaign was stopped meanwhile.
    """
    if disposition is Disposition.ANSWERED_PERSON:
        return GiveUp(GiveUpReason.REACHED)
    if campaign_over:
        return GiveUp(GiveUpReason.CAMPAIGN_OVER)
    # What makes no sense to retry is not retried whatever the policy says: an attempt whose
    # end was never learnt may have reached a person.
    if disposition not in policy.retry_on or not MEANING[disposition].retryable:
        return GiveUp(GiveUpReason.NOT_RETRIED)
    if attempts >= policy.max_attempts:
        return GiveUp(GiveUpReason.ATTEMPTS_USED)
    return RetryAt(ended_at + timedelta(seconds=policy.delay_s))


def contact_change(decision: RetryAt | GiveUp, disposition: Disposition) -> ContactChange:
    """Return the step of the contact that carries ``decision`` out."""
    if isinstance(decision, RetryAt):
        return ContactChange(ContactEvent.RETRY_SCHEDULED, decision.at)
    if MEANING[disposition].technical:
        return ContactChange(ContactEvent.GAVE_UP)
    return ContactChange(ContactEvent.FINISHED)
