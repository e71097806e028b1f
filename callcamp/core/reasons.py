"""Why a contact is not called now: one closed list, for campaigns and for single contacts.

Every reason says what it means, whether it holds back a whole campaign or one contact, and
what an operator could change. :mod:`callcamp.core.plan` gives them; pages, the API and
``callcamp campaign why`` show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What keeps a campaign, or one contact, from being called now. The set is closed."""

    NOT_STARTED = "not_started"
    QUEUED = "queued"
    PAUSED = "paused"
    CAMPAIGN_COMPLETED = "campaign_completed"
    CAMPAIGN_CANCELED = "campaign_canceled"
    SWITCHED_OFF = "switched_off"
    CAMPAIGN_ENDED = "campaign_ended"
    NO_ENGINE = "no_engine"
    LINK_DOWN = "link_down"
    CATCHING_UP = "catching_up"
    RULES_BROKEN = "rules_broken"
    OUTSIDE_HOURS = "outside_hours"
    HOLIDAY = "holiday"
    DNC_LIST_OLD = "dnc_list_old"
    ABANDON_CAP = "abandon_cap"
    TRUNK_REFUSES = "trunk_refuses"
    TRUNK_FULL = "trunk_full"
    CPS = "cps"
    CONCURRENCY = "concurrency"
    NO_NUMBER = "no_number"
    NUMBERS_CAPPED = "numbers_capped"
    QUEUE_UNKNOWN = "queue_unknown"
    AGENTS_OFFLINE = "agents_offline"
    AGENTS_PAUSED = "agents_paused"
    AGENTS_UNREACHABLE = "agents_unreachable"
    NO_AGENT = "no_agent"
    PACED = "paced"
    BOT_FULL = "bot_full"
    NOTHING_DUE = "nothing_due"

    CONTACT_HOURS = "contact_hours"
    CONTACT_HOLIDAY = "contact_holiday"
    NEEDS_REVIEW = "needs_review"
    RETRY_WAITS = "retry_waits"
    CALLBACK_WAITS = "callback_waits"
    CALLBACK_AGENT = "callback_agent"
    ORDER_REFUSED = "order_refused"
    DO_NOT_CALL = "do_not_call"
    EXCLUDED = "excluded"
    NO_CONSENT = "no_consent"
    ZONE_UNKNOWN = "zone_unknown"
    FREQUENCY_CAP = "frequency_cap"
    COOL_OFF = "cool_off"
    IN_OTHER_CALL = "in_other_call"
    NUMBER_CAPPED = "number_capped"
    ATTEMPTS_USED = "attempts_used"
    DELETED = "deleted"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class ReasonMeaning:
    """What a reason means.

    Args:
        text: the reason in words, after "not called, because".
        campaign: whether it holds a whole campaign back (else one contact).
        change: the first thing an operator could change; empty when there is nothing to do
            but wait.
    """

    text: str
    campaign: bool
    change: str = ""


_R = Reason
REASON_MEANING: dict[Reason, ReasonMeaning] = {
    _R.NOT_STARTED: ReasonMeaning("the campaign is a draft", True, "Start the campaign."),
    _R.QUEUED: ReasonMeaning(
        "the campaign waits for its start date", True, "Bring the start date forward."
    ),
    _R.PAUSED: ReasonMeaning("the campaign is paused", True, "Resume the campaign."),
    _R.CAMPAIGN_COMPLETED: ReasonMeaning(
        "the campaign is completed", True, "Retry its failed contacts, or clone it."
    ),
    _R.CAMPAIGN_CANCELED: ReasonMeaning(
        "the campaign was stopped for good", True, "Clone it into a fresh draft."
    ),
    _R.SWITCHED_OFF: ReasonMeaning(
        "this deployment has campaigns, or this mode, switched off",
        True,
        "Change CALLCAMP_CAMPAIGNS or CALLCAMP_MODES and restart.",
    ),
    _R.CAMPAIGN_ENDED: ReasonMeaning(
        "its day or its end date is over", True, "Clone it, or make it a Multi Day campaign."
    ),
    _R.NO_ENGINE: ReasonMeaning("no callcamp engine is working", True, "Start `callcamp serve`."),
    _R.LINK_DOWN: ReasonMeaning(
        "Asterisk cannot be reached", True, "Run `callcamp doctor` and look at Asterisk."
    ),
    _R.CATCHING_UP: ReasonMeaning(
        "callcamp is still asking Asterisk what became of earlier calls",
        True,
        "Wait a moment; if it lasts, look into the log.",
    ),
    _R.RULES_BROKEN: ReasonMeaning(
        "its rules cannot be read",
        True,
        "Look into the log: a legal preset that it names may be gone.",
    ),
    _R.OUTSIDE_HOURS: ReasonMeaning(
        "it is outside the campaign's hours", True, "Widen the campaign's hours."
    ),
    _R.HOLIDAY: ReasonMeaning(
        "it is a public holiday of the campaign",
        True,
        "Include this date, or drop the holidays of that country.",
    ),
    _R.DNC_LIST_OLD: ReasonMeaning(
        "a do-not-call list that it must check is missing or too old",
        True,
        "Import a fresh copy of the list.",
    ),
    _R.ABANDON_CAP: ReasonMeaning(
        "one more abandoned call would break its cap",
        True,
        "Add agents; the rate falls as calls are answered.",
    ),
    _R.TRUNK_REFUSES: ReasonMeaning(
        "Asterisk refused calls on the trunk a moment ago", True, "Look at the trunk in Asterisk."
    ),
    _R.TRUNK_FULL: ReasonMeaning(
        "the trunk has all its channels in use", True, "Raise the trunk's channels."
    ),
    _R.CPS: ReasonMeaning(
        "the trunk starts no more calls per second", True, "Raise the trunk's calls per second."
    ),
    _R.CONCURRENCY: ReasonMeaning(
        "the campaign has all its calls in progress", True, "Raise the campaign's concurrency."
    ),
    _R.NO_NUMBER: ReasonMeaning(
        "no outbound number of its pool is active and rested",
        True,
        "Activate a number, or add one to the pool.",
    ),
    _R.NUMBERS_CAPPED: ReasonMeaning(
        "every outbound number of its pool is at its daily cap",
        True,
        "Add numbers, or raise their daily cap.",
    ),
    _R.QUEUE_UNKNOWN: ReasonMeaning(
        "Asterisk does not have its queue",
        True,
        "Add the queue to Asterisk's queues.conf, or name another one.",
    ),
    _R.AGENTS_OFFLINE: ReasonMeaning(
        "none of its agents is logged in", True, "Have agents log in."
    ),
    _R.AGENTS_PAUSED: ReasonMeaning(
        "all of its agents who are logged in are paused", True, "Have agents get ready."
    ),
    _R.AGENTS_UNREACHABLE: ReasonMeaning(
        "no call can reach the agents who are ready",
        True,
        "Look at the board: it says why, for each agent.",
    ),
    _R.NO_AGENT: ReasonMeaning("no agent is free", True, "Have more agents log in."),
    _R.PACED: ReasonMeaning(
        "enough calls are on their way for its agents", True, "Have more agents log in."
    ),
    _R.BOT_FULL: ReasonMeaning("the bot has all its places taken", True, "Raise its capacity."),
    _R.NOTHING_DUE: ReasonMeaning("no contact is due", True, "Add contacts, or wait."),
    _R.CONTACT_HOURS: ReasonMeaning(
        "it is outside the hours in which this contact may be called",
        False,
        "Nothing to do: the hours are those of the contact's place.",
    ),
    _R.CONTACT_HOLIDAY: ReasonMeaning(
        "it is a day on which this contact may not be called",
        False,
        "Nothing to do: it is a public holiday or a closed day there.",
    ),
    _R.NEEDS_REVIEW: ReasonMeaning(
        "where this contact is cannot be told, so somebody has to look",
        False,
        "Give the contact a time zone, or skip it.",
    ),
    _R.RETRY_WAITS: ReasonMeaning(
        "it waits for its next attempt",
        False,
        "Nothing to do but wait: another delay holds for calls to come.",
    ),
    _R.CALLBACK_WAITS: ReasonMeaning("it waits for the agreed callback", False),
    _R.CALLBACK_AGENT: ReasonMeaning(
        "the agent who keeps its callback is not free",
        False,
        "Have that agent get ready, or agree the callback again, for anyone.",
    ),
    _R.ORDER_REFUSED: ReasonMeaning(
        "Asterisk did not take the order to call; it is tried again soon", False
    ),
    _R.DO_NOT_CALL: ReasonMeaning(
        "the number is on a do-not-call list", False, "Nothing to do: it must not be called."
    ),
    _R.EXCLUDED: ReasonMeaning(
        "the number is excluded from this campaign",
        False,
        "Lift the exclusion and add the contact again, to a clone if contacts are locked.",
    ),
    _R.NO_CONSENT: ReasonMeaning(
        "there is no valid consent on record", False, "Record the contact's consent."
    ),
    _R.ZONE_UNKNOWN: ReasonMeaning(
        "where this contact is cannot be told, and the campaign skips such contacts",
        False,
        "Give the contact a time zone and add it again.",
    ),
    _R.FREQUENCY_CAP: ReasonMeaning(
        "the contact was called as often as is allowed for now",
        False,
        "Nothing to do but wait, unless the cap is the campaign's own.",
    ),
    _R.COOL_OFF: ReasonMeaning(
        "the contact has to be left alone for some time after an earlier call", False
    ),
    _R.IN_OTHER_CALL: ReasonMeaning("another campaign is calling the number now", False),
    _R.NUMBER_CAPPED: ReasonMeaning(
        "the outbound number kept for this contact cannot be used now",
        False,
        "Raise its daily cap, or do not keep the same number.",
    ),
    _R.ATTEMPTS_USED: ReasonMeaning(
        "all its attempts are used", False, "Pause the campaign and raise max_attempts."
    ),
    _R.DELETED: ReasonMeaning("it was deleted", False, "Add it again."),
    _R.IN_PROGRESS: ReasonMeaning("it is being called", False),
    _R.DONE: ReasonMeaning("it has a result", False, "Clone the campaign to call again."),
    _R.FAILED: ReasonMeaning(
        "it failed for technical reasons",
        False,
        "Retry failed contacts, once the campaign is completed.",
    ),
    _R.CANCELED: ReasonMeaning("the campaign ended before it was called", False),
}
"""The meaning of every reason."""
