"""What a campaign's page shows: counts, rates and what holds it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcamp.core.model import Campaign, CampaignCounts
from callcamp.core.outcome import Disposition
from callcamp.core.states import ContactStatus


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class CampaignStats:
    """A campaign with its counts; rates are shares from 0 to 1, None while undefined.

    Args:
        campaign: the campaign.
        counts: its counts.
        hold: what keeps it from placing more calls now (a slug), None when nothing does.
        opens_at: when its hours open next, if they are closed.
        calls_per_minute: calls placed in the last 60 seconds.
    """

    campaign: Campaign
    counts: CampaignCounts
    hold: str | None = None
    opens_at: datetime | None = None
    calls_per_minute: int = 0

    @property
    def in_calls(self) -> int:
        """Attempts that are not settled now."""
        return sum(self.counts.live.values())

    @property
    def success(self) -> int:
        """Contacts with a result whose last conversation was a success."""
        return self.counts.successes

    @property
    def completed(self) -> int:
        """Contacts tried with a result; not those failed, skipped or canceled."""
        return self.counts.contacts.get(ContactStatus.COMPLETED, 0)

    @property
    def completion_rate(self) -> float | None:
        """Completed contacts, of all contacts."""
        return _share(self.completed, self.counts.total)

    @property
    def success_rate(self) -> float | None:
        """Contacts reached, of completed ones."""
        return _share(self.success, self.completed)

    @property
    def answer_rate(self) -> float | None:
        """Contacts reached or with voicemail, of completed ones."""
        voicemail = self.counts.results.get(Disposition.VOICEMAIL, 0)
        return _share(self.success + voicemail, self.completed)

    @property
    def reachability(self) -> float | None:
        """Answered calls, of calls made."""
        return _share(self.counts.calls_answered, self.counts.calls_made)

    @property
    def abandon_rate(self) -> float | None:
        """Abandoned calls, of calls answered by a person."""
        ended = self.counts.attempts_ended
        abandoned = ended.get(Disposition.ABANDONED, 0)
        return _share(abandoned, abandoned + ended.get(Disposition.ANSWERED_PERSON, 0))

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-able values; the shape that pages and ``--json`` show."""
        campaign, counts = self.campaign, self.counts
        return {
            "id": campaign.id,
            "name": campaign.settings.name,
            "status": campaign.status.value,
            "version": campaign.version,
            "created_at": campaign.created_at.isoformat(),
            "started_at": campaign.started_at and campaign.started_at.isoformat(),
            "ended_at": campaign.ended_at and campaign.ended_at.isoformat(),
            "concurrency": campaign.settings.concurrency,
            "total": counts.total,
            "done": counts.done,
            "completed": self.completed,
            "contacts": {s.value: counts.contacts.get(s, 0) for s in ContactStatus},
            "results": {d.value: n for d, n in sorted(counts.results.items()) if n},
            "calls_made": counts.calls_made,
            "calls_answered": counts.calls_answered,
            "calls": {d.value: n for d, n in sorted(counts.attempts_ended.items()) if n},
            "in_calls": self.in_calls,
            "live": {s.value: n for s, n in sorted(counts.live.items()) if n},
            "success": self.success,
            "completion_rate": self.completion_rate,
            "success_rate": self.success_rate,
            "answer_rate": self.answer_rate,
            "reachability": self.reachability,
            "abandon_rate": self.abandon_rate,
            "calls_per_minute": self.calls_per_minute,
            "hold": self.hold,
            "opens_at": self.opens_at and self.opens_at.isoformat(),
        }
