"""What a contact's state is called where people look for five or ten words, not the full model.

Two pure views of the one model: the five states of a callbot campaign, and the breakdown by
outcome that adds up to all contacts.
"""

from __future__ import annotations

from enum import StrEnum

from callcamp.core.model import CampaignCounts
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.states import ContactStatus


class ContactState(StrEnum):
    """Where a contact stands, in five words."""

    TO_CALL = "to_call"
    CALL_IN_PROGRESS = "call_in_progress"
    CALLS_AFTER_SUCCESS = "calls_after_success"
    SUCCESS = "success"
    FAILURE = "failure"


STATE_LABELS: dict[ContactState, str] = {
    ContactState.TO_CALL: "To call",
    ContactState.CALL_IN_PROGRESS: "Call in progress",
    ContactState.CALLS_AFTER_SUCCESS: "Calls after success",
    ContactState.SUCCESS: "Success",
    ContactState.FAILURE: "Failure",
}
"""The five states as they are shown."""


class Breakdown(StrEnum):
    """The parts that the contacts of a campaign fall into, in the order in which they show."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED_SUCCESS = "completed_success"
    COMPLETED_VOICEMAIL = "completed_voicemail"
    COMPLETED_NO_ANSWER = "completed_no_answer"
    COMPLETED_BUSY = "completed_busy"
    COMPLETED_OTHER = "completed_other"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"


def contact_state(
    status: ContactStatus, success: bool | None, *, succeeded_before: bool = False
) -> ContactState:
    """Return where a contact stands, in five words.

    A contact that had a success and is called again, or was called again without another one, is
    in ``calls_after_success``. Skipped and canceled contacts without a success are failures:
    they are not called any more.

    Args:
        status: the contact's.
        success: whether its last conversation was a success (None: not judged yet).
        succeeded_before: whether an earlier one was.
    """
    if status is ContactStatus.IN_PROGRESS:
        return ContactState.CALL_IN_PROGRESS
    if status is ContactStatus.PENDING:
        had_one = success or succeeded_before
        return ContactState.CALLS_AFTER_SUCCESS if had_one else ContactState.TO_CALL
    if success:
        return ContactState.SUCCESS
    return ContactState.CALLS_AFTER_SUCCESS if succeeded_before else ContactState.FAILURE


def breakdown(counts: CampaignCounts) -> dict[Breakdown, int]:
    """Return how many contacts are in each part; together they are all contacts.

    Successes are counted first, so a contact whose success was a message left on voicemail is in
    ``completed_success`` and not in ``completed_voicemail``. As the counts do not say which
    disposition a success had, successes are taken to be people that answered as far as there
    are such, then voicemails, and then the other dispositions in the order of the list.
    """
    contacts = counts.contacts
    completed = contacts.get(ContactStatus.COMPLETED, 0)
    successes = min(counts.successes, completed)
    to_place = successes
    left: dict[Disposition, int] = {}
    for disposition in Disposition:
        results = 0 if MEANING[disposition].technical else counts.results.get(disposition, 0)
        taken = min(results, to_place)
        to_place -= taken
        left[disposition] = results - taken
    named = {
        Breakdown.COMPLETED_SUCCESS: successes,
        Breakdown.COMPLETED_VOICEMAIL: left[Disposition.VOICEMAIL],
        Breakdown.COMPLETED_NO_ANSWER: left[Disposition.NO_ANSWER],
        Breakdown.COMPLETED_BUSY: left[Disposition.BUSY],
    }
    return {
        Breakdown.PENDING: contacts.get(ContactStatus.PENDING, 0),
        Breakdown.IN_PROGRESS: contacts.get(ContactStatus.IN_PROGRESS, 0),
        **named,
        Breakdown.COMPLETED_OTHER: completed - sum(named.values()),
        Breakdown.FAILED: contacts.get(ContactStatus.FAILED, 0),
        Breakdown.SKIPPED: contacts.get(ContactStatus.SKIPPED, 0),
        Breakdown.CANCELED: contacts.get(ContactStatus.CANCELED, 0),
    }
