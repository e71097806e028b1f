"""When an abandon account closes: how much calling is left to earn and to spend in it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from callcamp.core.legal import AbandonRule, AbandonWindow
from callcamp.core.model import Campaign
from callcamp.core.ruleset import RuleSet
from callcamp.core.schedule import zone_named


def window_end(rule: AbandonRule, now: datetime, zone: str) -> datetime | None:
    """Return when the window of a cap on abandoned calls ends and a new one begins.

    Args:
        rule: the cap.
        now: an instant in the window.
        zone: IANA name of the zone whose calendar days and months count.

    Returns:
        The instant (UTC); None for a rolling window, which goes on for ever.

    Raises:
        InvalidInput: there is no such zone.
    """
    if rule.window is AbandonWindow.ROLLING_DAYS:
        return None
    there = zone_named(zone)
    day = now.astimezone(there).date()
    if rule.window is AbandonWindow.CALENDAR_MONTH:
        day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    else:
        day += timedelta(days=1)
    return datetime.combine(day, time(0), tzinfo=there).astimezone(UTC)


def closes_in_s(
    campaign: Campaign, rules: RuleSet, place: str | None, now: datetime, end: datetime | None
) -> float | None:
    """Return the seconds of calling until an account closes.

    Args:
        campaign: whose it is.
        rules: its rules.
        place: where the people are who are called now (None: only its own hours count).
        now: the present instant.
        end: when the account's window ends (None: never).

    Returns:
        Seconds in which calls may be placed until then, or until the campaign is over; None
        where neither has an end.
    """
    ends = [at for at in (end, rules.ends_at(campaign)) if at is not None]
    if not ends:
        return None
    last, at, open_s = min(ends), now, 0.0
    while at < last:
        verdict = rules.campaign_verdict(at) if place is None else rules.place_verdict(place, at)
        until = min(verdict.until or last, last)
        if verdict.open:
            open_s += (until - at).total_seconds()
        at = until
    return open_s
