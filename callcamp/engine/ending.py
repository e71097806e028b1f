"""From a tracked attempt to the change that is committed: disposition, retry, contact."""

from __future__ import annotations

from datetime import UTC, datetime

from callcamp.core.model import AttemptChange, Campaign, ContactChange
from callcamp.core.outcome import Disposition, Evidence, classify
from callcamp.core.retry import contact_change, decide_retry
from callcamp.core.states import AttemptEvent, AttemptStatus, CampaignStatus, ContactEvent
from callcamp.engine.registry import Track

SWITCH_RESTARTED = "switch_restarted"
END_NOT_SEEN = "end_not_seen"
UNSENDABLE = "unsendable"
NO_CHANNEL_PAUSE_S = 30.0
"""How long a contact waits after an order that Asterisk took and then made no channel for."""


def final_evidence(track: Track) -> Evidence:
    """Return the evidence with what only the order of events tells."""
    seen = track.evidence
    ended_at = track.hung_up_at
    answered = bool(seen.answered) or track.answered_at is not None
    rang = seen.rang
    if track.rang_at is not None:
        rang = True
    elif rang is None and track.watched and track.seen:
        rang = False
    picked_up = track.answered_at or ended_at
    return Evidence(
        ring_s=_seconds(track.sent_at, picked_up),
        talk_s=_seconds(track.answered_at, ended_at),
    ).merged(seen.merged(Evidence(answered=answered, rang=rang)))


def end_as_written(track: Track, evidence: Evidence, now: datetime) -> datetime:
    """Return when a call ended that only the hangup handler saw end.

    Its clock is Asterisk's, so what it says is held between the dialling and now.
    """
    if evidence.ended_epoch_s is None:
        return now
    try:
        written = datetime.fromtimestamp(evidence.ended_epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return min(now, max(written, track.sent_at or written))


def judge(track: Track, evidence: Evidence) -> Disposition:
    """Return how the attempt ended."""
    if evidence.detail in {SWITCH_RESTARTED, UNSENDABLE}:
        return Disposition.FAILED
    if evidence.detail == END_NOT_SEEN:
        return Disposition.UNKNOWN if evidence.answered else Disposition.FAILED
    return classify(evidence, ring_timeout_s=track.ring_timeout_s)


def as_change(
    track: Track, steps: tuple[AttemptEvent, ...], campaign: Campaign, now: datetime
) -> AttemptChange:
    """Return what is committed for ``steps`` of an attempt of ``campaign``."""
    if AttemptEvent.NOT_PLACED in steps and track.status is AttemptStatus.RELEASED:
        return AttemptChange(
            track.attempt_id,
            steps,
            now,
            contact=ContactChange(ContactEvent.RELEASED, track.check_at or now),
        )
    if AttemptEvent.ENDED not in steps:
        return AttemptChange(
            track.attempt_id, steps, now, rang_at=track.rang_at, answered_at=track.answered_at
        )
    evidence = final_evidence(track)
    ended_at = track.hung_up_at or now
    disposition = judge(track, evidence)
    if evidence.detail == UNSENDABLE:
        contact = ContactChange(ContactEvent.GAVE_UP)
    else:
        decision = decide_retry(
            campaign.settings.retry,
            disposition,
            attempts=track.ordinal,
            ended_at=ended_at,
            campaign_over=campaign.status is CampaignStatus.CANCELED,
        )
        contact = contact_change(decision, disposition)
    return AttemptChange(
        track.attempt_id,
        steps,
        ended_at,
        rang_at=track.rang_at,
        answered_at=track.answered_at,
        disposition=disposition,
        evidence=evidence,
        contact=contact,
    )


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return max(0.0, round((end - start).total_seconds(), 3))
