"""When an abandon account closes: how much calling is left to earn and to spend in it."""

from __future__ import annotations

from datetime import datetime

from callcamp.core.model import Campaign
from callcamp.core.ruleset import RuleSet
from callcamp.engine.open_hours import OpenHours


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
    return OpenHours.of(rules, place, now, min(ends)).total_s
