"""When an abandon account closes, and how much calling is left until then."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from compliance_kit import preset, settings_with, week

from callcamp.core.campaign_settings import CampaignMode, DailyWindow, HoursKind, HoursRule
from callcamp.core.compliance import abandon_window_end
from callcamp.core.legal import AbandonRule, AbandonWindow
from callcamp.core.model import Campaign
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignStatus
from callcamp.engine.agents.closing import closes_in_s

DAY = AbandonRule(0.03, AbandonWindow.CALENDAR_DAY)
MONTH = AbandonRule(0.05, AbandonWindow.CALENDAR_MONTH)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("rule", "now", "zone", "end"),
    [
        (AbandonRule(0.03), "2026-03-31T12:00Z", "UTC", None),
        (DAY, "2026-07-01T22:30Z", "Europe/London", "2026-07-01T23:00Z"),
        (DAY, "2026-07-01T23:30Z", "Europe/London", "2026-07-02T23:00Z"),
        (MONTH, "2026-12-31T12:00Z", "UTC", "2027-01-01T00:00Z"),
        (MONTH, "2026-02-01T12:00Z", "America/Toronto", "2026-03-01T05:00Z"),
    ],
)
def test_a_window_ends_where_the_next_one_begins(
    rule: AbandonRule, now: str, zone: str, end: str | None
) -> None:
    assert abandon_window_end(rule, at(now), zone) == (None if end is None else at(end))


LUNCH = HoursRule(HoursKind.EXCLUDE, weekday=0, start=time(12), end=time(13))
MONDAY_11 = at("2026-11-02T11:00Z")


def left_s(end: str | None, now: datetime = MONDAY_11, place: str | None = None, **own: object):  # type: ignore[no-untyped-def]
    values = {"mode": CampaignMode.MULTI_DAY, "window": DailyWindow(), "hours": (LUNCH,), **own}
    settings = settings_with(**values)
    rules = RuleSet(settings, [preset("law", "GB", hours=week(8, 16))] if place else [])
    campaign = Campaign(1, CampaignStatus.RUNNING, settings, 1, now, run_at=now)
    return closes_in_s(campaign, rules, place, now, None if end is None else at(end))


def test_only_hours_in_which_calls_may_be_placed_are_counted() -> None:
    assert left_s("2026-11-03T00:00Z") == 6 * 3600
    assert left_s("2026-11-02T12:30Z") == 3600
    assert left_s("2026-11-04T00:00Z") == 15 * 3600
    assert left_s("2026-11-02T11:00Z") == 0
    assert left_s("2026-11-02T10:00Z") == 0


def test_an_account_that_never_closes_is_said_to_be_so() -> None:
    assert left_s(None) is None


def test_the_end_of_the_campaign_closes_it_too() -> None:
    assert left_s(None, ends_at=at("2026-11-02T15:00Z")) == 3 * 3600
    assert left_s("2026-11-02T14:00Z", ends_at=at("2026-11-02T15:00Z")) == 2 * 3600
    assert left_s(None, mode=CampaignMode.SINGLE_DAY) == 6 * 3600


def test_hours_of_the_people_count() -> None:
    assert left_s("2026-11-03T00:00Z", place="GB;;Europe/London") == 4 * 3600
