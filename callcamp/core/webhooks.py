"""Webhooks: which events there are, what they tell, how they are signed and tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from callcamp.core.model import Attempt, Contact
from callcamp.core.states import CampaignEvent, ContactStatus


class EventType(StrEnum):
    """What a webhook can be told of."""

    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_COMPLETED = "campaign.completed"
    CAMPAIGN_CANCELED = "campaign.canceled"
    CAMPAIGN_REOPENED = "campaign.reopened"
    ATTEMPT_ENDED = "attempt.ended"
    ATTEMPT_REVISED = "attempt.revised"
    CONTACT_COMPLETED = "contact.completed"
    CONTACT_FAILED = "contact.failed"
    CONTACT_SKIPPED = "contact.skipped"
    CONTACT_OPTED_OUT = "contact.opted_out"
    CALLBACK_SCHEDULED = "callback.scheduled"


EVENT_MEANING: dict[EventType, str] = {
    EventType.CAMPAIGN_STARTED: "a campaign was started",
    EventType.CAMPAIGN_PAUSED: "a campaign was paused, or taken off the queue",
    EventType.CAMPAIGN_RESUMED: "a paused campaign runs again",
    EventType.CAMPAIGN_COMPLETED: "a campaign has ended: nobody is left, or its time is over",
    EventType.CAMPAIGN_CANCELED: "a campaign was stopped for good",
    EventType.CAMPAIGN_REOPENED: "a completed campaign runs again",
    EventType.ATTEMPT_ENDED: "a call is over, with its disposition",
    EventType.ATTEMPT_REVISED: "more was learnt of a call after its end, such as its outcome",
    EventType.CONTACT_COMPLETED: "a contact has a result and is not called again",
    EventType.CONTACT_FAILED: "a contact could not be tried, for technical reasons",
    EventType.CONTACT_SKIPPED: "a waiting contact was left out on purpose",
    EventType.CONTACT_OPTED_OUT: "a person wants not to be called any more",
    EventType.CALLBACK_SCHEDULED: "a callback was agreed",
}
"""What each event means, in words."""
OF_CAMPAIGN: dict[CampaignEvent, EventType] = {
    CampaignEvent.STARTED: EventType.CAMPAIGN_STARTED,
    CampaignEvent.PAUSED: EventType.CAMPAIGN_PAUSED,
    CampaignEvent.RESUMED: EventType.CAMPAIGN_RESUMED,
    CampaignEvent.FINISHED: EventType.CAMPAIGN_COMPLETED,
    CampaignEvent.EXPIRED: EventType.CAMPAIGN_COMPLETED,
    CampaignEvent.STOPPED: EventType.CAMPAIGN_CANCELED,
    CampaignEvent.REOPENED: EventType.CAMPAIGN_REOPENED,
}
"""The event that a step of a campaign is told as; other steps are not told."""
OF_CONTACT: dict[ContactStatus, EventType] = {
    ContactStatus.COMPLETED: EventType.CONTACT_COMPLETED,
    ContactStatus.FAILED: EventType.CONTACT_FAILED,
    ContactStatus.SKIPPED: EventType.CONTACT_SKIPPED,
}
"""The event that a contact's new state is told as; other states are not told."""

SIGNATURE_HEADER = "Callcamp-Signature"
"""Header of the signature, see :func:`signature`."""
EVENT_HEADER = "Callcamp-Event"
"""Header with the event's type."""
ID_HEADER = "Callcamp-Event-Id"
"""Header with the event's id, the same however often it is delivered."""

GIVE_UP_AFTER = timedelta(days=3)
"""How long an event is tried, and how long a webhook may fail before it is switched off."""
FIRST_RETRY_S = 5.0
"""Seconds before the second try, at most."""
LONGEST_RETRY_S = 6 * 3600.0
"""Seconds between two tries of one event, at most."""
LONGEST_QUIET_S = 60.0
"""Seconds for which a webhook that fails gets no event at all, at most."""
AN_OUTAGE = 3
"""Failures in a row after which a receiver counts as down, however it answers."""
_FOR_NOW = frozenset({408, 425, 429})


def attempt_data(attempt: Attempt) -> dict[str, Any]:
    """Return what an event tells of a call, JSON-able; instants are RFC 3339 in UTC."""
    return {
        "id": attempt.id,
        "ordinal": attempt.ordinal,
        "number": attempt.number,
        "caller_number": attempt.caller_number,
        "disposition": attempt.disposition.value if attempt.disposition else None,
        "outcome": attempt.outcome,
        "success": attempt.success,
        "refused": attempt.refused,
        "dialed_at": instant(attempt.dialed_at),
        "rang_at": instant(attempt.rang_at),
        "answered_at": instant(attempt.answered_at),
        "ended_at": instant(attempt.ended_at),
        "variables": dict(attempt.variables),
    }


def contact_data(contact: Contact) -> dict[str, Any]:
    """Return what an event tells of a contact, JSON-able; instants are RFC 3339 in UTC."""
    return {
        "id": contact.id,
        "phone": contact.phone,
        "others": list(contact.others),
        "status": contact.status.value,
        "reason": contact.hold.value if contact.hold else None,
        "attempts": contact.attempts,
        "disposition": contact.disposition.value if contact.disposition else None,
        "outcome": contact.outcome,
        "success": contact.success,
        "next_call_at": instant(contact.due_at),
        "callback_at": instant(contact.callback_at),
        "variables": dict(contact.variables),
    }


def instant(at: datetime | None) -> str | None:
    """Return an instant as RFC 3339 in UTC, to the microsecond; None stays None."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def event_body(event_id: str, kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Return the body that is sent, ASCII only: the same text is signed at every try.

    Args:
        event_id: the event's id, the same for every webhook and every try.
        kind: the event's type.
        at: when it happened.
        data: what it tells, JSON-able.
    """
    body = {"id": event_id, "type": kind, "at": instant(at), "data": data}
    return json.dumps(body, separators=(",", ":"))


def signature(secret: str, body: str, at: datetime) -> str:
    """Return the value of the signature header: ``t=UNIX,v1=HEX``.

    HEX is the HMAC-SHA-256 (RFC 2104) of ``UNIX.BODY`` under the secret. The instant is
    signed too, so that a receiver can refuse what is old.

    Args:
        secret: the webhook's secret.
        body: the body that is sent.
        at: the instant of sending.
    """
    moment = int(at.timestamp())
    code = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256)
    return f"t={moment},v1={code.hexdigest()}"


def is_refusal(status: int | None) -> bool:
    """Tell whether an HTTP status says that a receiver is there and does not want this event.

    Those that say "not now" (RFC 9110: 408, RFC 8470: 425, RFC 6585: 429) do not.
    """
    return status is not None and 400 <= status < 500 and status not in _FOR_NOW


def back_off_s(failures: int, jitter: float, *, most_s: float = LONGEST_RETRY_S) -> float:
    """Return the seconds to wait after failures in a row: twice as long each time.

    Args:
        failures: how many, at least 1.
        jitter: from 0 to 1, at random; it takes up to a half off, so that those that failed
            together do not come back together.
        most_s: the longest wait.
    """
    # Past 64 doublings every float would overflow, and the cap was reached long before.
    full = min(FIRST_RETRY_S * 2.0 ** min(failures - 1, 64), most_s)
    return full * (1 - jitter / 2)


def next_try(first_try_at: datetime, now: datetime, tries: int, jitter: float) -> datetime | None:
    """Return when an event is tried again after a failure; None: it is given up.

    Args:
        first_try_at: when it was first tried.
        now: when it failed.
        tries: how often it was tried, this time included.
        jitter: see :func:`back_off_s`.
    """
    if now - first_try_at >= GIVE_UP_AFTER:
        return None
    return now + timedelta(seconds=back_off_s(tries, jitter))


@dataclass(frozen=True, slots=True)
class Health:
    """How a webhook's receiver does.

    Args:
        failures: tries that failed since the last one that did not.
        failing_since: when the first of them was (None: it does not fail).
        quiet_until: before this instant it gets nothing.
    """

    failures: int = 0
    failing_since: datetime | None = None
    quiet_until: datetime | None = None

    def after(self, ok: bool, now: datetime, jitter: float, *, refused: bool = False) -> Health:
        """Return how it does after another try.

        Args:
            ok: whether it took the event.
            now: when it did, or did not.
            jitter: see :func:`back_off_s`.
            refused: whether it did not want this event, see :func:`is_refusal`; others go on.
        """
        if ok:
            return Health()
        failures = self.failures + 1
        if refused and failures < AN_OUTAGE:
            return Health(failures, self.failing_since or now)
        quiet_s = back_off_s(failures, jitter, most_s=LONGEST_QUIET_S)
        return Health(failures, self.failing_since or now, now + timedelta(seconds=quiet_s))

    def is_hopeless(self, now: datetime) -> bool:
        """Tell whether it has failed for so long that it is switched off."""
        return self.failing_since is not None and now - self.failing_since >= GIVE_UP_AFTER
