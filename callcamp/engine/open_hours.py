"""Open hours as a list of spans: from seconds of open time to instants, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from callcamp.core.ruleset import RuleSet

MOST_DAYS = 400
"""How far ahead is looked where nobody says."""


@dataclass(frozen=True, slots=True)
class OpenHours:
    """When a campaign may call.

    Args:
        spans: ``(opens, closes)``, rising, not touching; aware UTC.
        ends_at: when the campaign's day or date is over (None: not by the clock).
    """

    spans: tuple[tuple[datetime, datetime], ...]
    ends_at: datetime | None = None

    @classmethod
    def of(
        cls, rules: RuleSet, place: str | None, since: datetime, until: datetime | None = None
    ) -> OpenHours:
        """Return when a campaign may call people of a place, from an instant on.

        Args:
            rules: its rules.
            place: where the people are (None: only the campaign's own hours count).
            since: the instant.
            until: how far is looked (None: for ``MOST_DAYS`` days).
        """
        last = since + timedelta(days=MOST_DAYS) if until is None else until
        spans: list[tuple[datetime, datetime]] = []
        at = since
        while at < last:
            verdict = (
                rules.campaign_verdict(at) if place is None else rules.place_verdict(place, at)
            )
            stays = min(verdict.until or last, last)
            if verdict.open:
                if spans and spans[-1][1] == at:
                    spans[-1] = (spans[-1][0], stays)
                else:
                    spans.append((at, stays))
            at = stays
        return cls(tuple(spans))

    @property
    def begins_at(self) -> datetime | None:
        """The first open instant (None: there is none)."""
        return self.spans[0][0] if self.spans else None

    @property
    def total_s(self) -> float:
        """Seconds of open time in all."""
        return sum((end - start).total_seconds() for start, end in self.spans)

    def until(self, ends_at: datetime | None) -> OpenHours:
        """Return the same hours up to an instant (None: as they are)."""
        if ends_at is None:
            return self
        spans = tuple((a, min(b, ends_at)) for a, b in self.spans if a < ends_at)
        return OpenHours(spans, ends_at)

    def at(self, open_s: float) -> datetime | None:
        """Return the instant after so much open time; None: it is not open for so long."""
        for start, end in self.spans:
            here_s = (end - start).total_seconds()
            if open_s <= here_s:
                return start + timedelta(seconds=open_s)
            open_s -= here_s
        return None

    def open_s_at(self, passed_s: float) -> float:
        """Return how much open time there is in the seconds after the first open instant."""
        limit = self.spans[0][0] + timedelta(seconds=passed_s)
        return sum(
            (min(end, limit) - start).total_seconds() for start, end in self.spans if start < limit
        )

    def last_s(self, most_hours: float) -> float:
        """Return the seconds from the first open instant to the last, up to ``most_hours``."""
        passed = self.spans[-1][1] - self.spans[0][0]
        return min(most_hours * 3600, passed.total_seconds())

    def closed_hours(self, most_hours: float) -> list[list[float]]:
        """Return the closed spans within ``most_hours``, in hours since the first instant."""
        first = self.spans[0][0]
        pairs = zip(self.spans, self.spans[1:], strict=False)
        closed = [
            [(gone[1] - first).total_seconds() / 3600, (next_[0] - first).total_seconds() / 3600]
            for gone, next_ in pairs
        ]
        return [one for one in closed if one[0] < most_hours]

    def open_part_s(self, delay_s: float) -> float:
        """Return the open seconds in a delay that begins while it is open, on average."""
        span_s = min(self.total_s, 14 * 86400.0)
        parts = []
        for n in range(50):
            start = self.at(span_s * (n + 0.5) / 50)
            if start is not None:
                begun = (start - self.spans[0][0]).total_seconds()
                parts.append(self.open_s_at(begun + delay_s) - self.open_s_at(begun))
        return max(1.0, sum(parts) / len(parts)) if parts else delay_s
