"""The words of the pages: states, results, holds, shares."""

from __future__ import annotations

from datetime import datetime

from callcamp.core.campaign_settings import CampaignMode
from callcamp.core.numbers import PROBLEM_TEXT, NumberProblem
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.permissions import Role
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.engine.stats import CampaignStats

DISPOSITION: dict[str, str] = {
    Disposition.ANSWERED_PERSON: "Success",
    Disposition.VOICEMAIL: "Voicemail",
    Disposition.HUNG_UP: "Hung up at once",
    Disposition.BUSY: "Busy",
    Disposition.NO_ANSWER: "No answer",
    Disposition.REJECTED: "Rejected",
    Disposition.UNAVAILABLE: "Not reachable",
    Disposition.INVALID_NUMBER: "Invalid number",
    Disposition.CONGESTION: "No line free",
    Disposition.TIMEOUT: "Timeout",
    Disposition.ABANDONED: "Abandoned",
    Disposition.FAILED: "Failed",
    Disposition.UNKNOWN: "Unknown",
}
"""Short words for results; :data:`callcamp.core.outcome.MEANING` has the long ones."""

CONTACT: dict[str, str] = {
    ContactStatus.PENDING: "Pending",
    ContactStatus.IN_PROGRESS: "In progress",
    ContactStatus.COMPLETED: "Completed",
    ContactStatus.FAILED: "Failed",
    ContactStatus.SKIPPED: "Skipped",
    ContactStatus.CANCELED: "Canceled",
}
CONTACT_HELP: dict[str, str] = {
    ContactStatus.PENDING: "waiting for the first or the next call",
    ContactStatus.IN_PROGRESS: "being called now",
    ContactStatus.COMPLETED: "tried, with a result",
    ContactStatus.FAILED: "technical issues prevented the call",
    ContactStatus.SKIPPED: "excluded",
    ContactStatus.CANCELED: "stopped before they were called",
}
CALL: dict[str, str] = {
    AttemptStatus.CLAIMED: "About to dial",
    AttemptStatus.DIALING: "Dialing",
    AttemptStatus.RINGING: "Ringing",
    AttemptStatus.ANSWERED: "Answered",
    AttemptStatus.UNKNOWN: "Checking",
    AttemptStatus.ENDED: "Ended",
    AttemptStatus.RELEASED: "Not placed",
}
MODE: dict[str, str] = {
    CampaignMode.SINGLE_DAY: "Single Day: stops when the time window ends",
    CampaignMode.MULTI_DAY: "Multi Day: goes on the next working day",
    CampaignMode.ALWAYS_ON: "Always-on: never completes by itself, takes contacts while it runs",
}
ROLES: dict[Role, str] = {
    Role.ADMIN: "Administrator",
    Role.SUPERVISOR: "Supervisor",
    Role.AGENT: "Agent",
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

WARNING_HOLDS = frozenset(
    reason.value
    for reason, meaning in REASON_MEANING.items()
    if meaning.campaign
    and reason
    not in {Reason.CONCURRENCY, Reason.CPS, Reason.TRUNK_FULL, Reason.NOTHING_DUE, Reason.BOT_FULL}
)
"""What a page marks as a warning; the others are how a busy campaign looks."""
_HOLD: dict[str, str] = {
    Reason.LINK_DOWN: "No link to Asterisk: no new calls until it is back.",
    Reason.OUTSIDE_HOURS: "Outside its calling hours.",
    Reason.CONCURRENCY: "All of its call slots ({concurrency}) are in use.",
    Reason.TRUNK_FULL: "The trunk carries as many calls as it may.",
    Reason.CPS: "It dials as fast as the trunk's calls per second allow.",
    Reason.NOTHING_DUE: "No contact is due right now.",
}


def share(value: float | None) -> str:
    """Return a share as a percentage; a dash while it is undefined."""
    return "–" if value is None else f"{value * 100:.1f} %"


def number(value: int) -> str:
    """Return a count with thin spaces between the thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def hold(stats: CampaignStats) -> str:
    """Return what holds a campaign back, in words; empty when it is not running."""
    if stats.hold is None:
        return ""
    own = _HOLD.get(stats.hold)
    if own is not None:
        return own.format(concurrency=stats.campaign.settings.concurrency)
    meaning = REASON_MEANING[Reason(stats.hold)]
    return f"No new calls: {meaning.text}. {meaning.change}".rstrip()


def disposition(value: str | None) -> str:
    """Return a result in a word or two."""
    return "–" if value is None else DISPOSITION.get(value, value)


def disposition_help(value: str) -> str:
    """Return a result in a sentence."""
    return MEANING[Disposition(value)].text


def problem(value: str) -> str:
    """Return why a row is no contact."""
    try:
        return PROBLEM_TEXT[NumberProblem(value)]
    except ValueError:
        return value


def instant(value: datetime | None) -> str:
    """Return an instant for a ``datetime`` attribute."""
    return "" if value is None else value.isoformat(timespec="seconds")


def clock(value: datetime | None) -> str:
    """Return an instant for people; the page's script shows it in their own zone."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"
