"""How many contacts may be taken, what holds a campaign back, and every contact's reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    ContactHours,
    DailyWindow,
    HoursKind,
    HoursRule,
)
from callcamp.core.model import Campaign, CampaignCounts, Waiting
from callcamp.core.plan import Plan, Snapshot, decide, explain
from callcamp.core.reasons import REASON_MEANING, Reason
from callcamp.core.rotation import NoNumber
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import CampaignStatus, ContactStatus

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
NIGHT = datetime(2026, 3, 2, 2, tzinfo=UTC)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
PARIS, TOKYO = "FR;;Europe/Paris", "JP;;Asia/Tokyo"
OWN_HOURS = ContactHours(start=time(8), end=time(20))


def snapshot(
    status: CampaignStatus = CampaignStatus.RUNNING,
    *,
    heads: Mapping[str, datetime | None] | None = None,
    run_at: datetime | None = None,
    settings: Mapping[str, Any] | None = None,
    **values: Any,
) -> Snapshot:
    own = CampaignSettings(
        **{"name": "c", "trunk_id": 1, "concurrency": 10, "mode": CampaignMode.MULTI_DAY}
        | dict(settings or {})
    )
    campaign = Campaign(1, status, own, 1, NOON, run_at=run_at)
    known = {"": NIGHT} if heads is None else heads
    return Snapshot(campaign, RuleSet(own), heads=known, **{"cps_room": 100, **values})


@pytest.mark.parametrize(
    ("status", "hold"),
    [
        (CampaignStatus.DRAFT, Reason.NOT_STARTED),
        (CampaignStatus.QUEUED, Reason.QUEUED),
        (CampaignStatus.PAUSED, Reason.PAUSED),
        (CampaignStatus.COMPLETED, Reason.CAMPAIGN_COMPLETED),
        (CampaignStatus.CANCELED, Reason.CAMPAIGN_CANCELED),
    ],
)
def test_only_running_campaigns_call(status: CampaignStatus, hold: Reason) -> None:
    assert decide(snapshot(status), NOON) == Plan(0, hold)


@pytest.mark.parametrize(
    ("values", "hold"),
    [
        ({"link_up": False}, Reason.LINK_DOWN),
        ({"engine_up": False}, Reason.NO_ENGINE),
        ({"switched_off": True}, Reason.SWITCHED_OFF),
        ({"rules_broken": True}, Reason.RULES_BROKEN),
        ({"lists": Reason.DNC_LIST_OLD}, Reason.DNC_LIST_OLD),
        ({"abandon_room": False}, Reason.ABANDON_CAP),
        ({"trunk_refuses": True}, Reason.TRUNK_REFUSES),
        ({"settings": {"ends_at": NOON}}, Reason.CAMPAIGN_ENDED),
    ],
)
def test_what_holds_the_whole_campaign_back(values: dict[str, Any], hold: Reason) -> None:
    assert decide(snapshot(**values), NOON) == Plan(0, hold)


def test_a_queued_campaign_says_when_it_starts() -> None:
    later = NOON + timedelta(days=3)
    held = snapshot(CampaignStatus.QUEUED, settings={"starts_at": later})
    assert decide(held, NOON) == Plan(0, Reason.QUEUED, later)


def test_outside_the_hours_it_says_when_they_open() -> None:
    assert decide(snapshot(), NIGHT) == Plan(0, Reason.OUTSIDE_HOURS, NINE)


def test_a_public_holiday_is_called_by_its_name() -> None:
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    plan = decide(snapshot(settings={"holidays": ("FR",)}), christmas)
    assert plan == Plan(0, Reason.HOLIDAY, datetime(2026, 12, 26, 9, tzinfo=UTC))


def test_a_single_day_is_over_when_its_window_is() -> None:
    held = snapshot(settings={"mode": CampaignMode.SINGLE_DAY}, run_at=NOON)
    assert decide(held, NOON).count == 10
    assert decide(held, datetime(2026, 3, 2, 18, tzinfo=UTC)) == Plan(0, Reason.CAMPAIGN_ENDED)
    assert decide(held, NOON + timedelta(days=1)) == Plan(0, Reason.CAMPAIGN_ENDED)


@pytest.mark.parametrize(
    ("values", "count", "hold"),
    [
        ({}, 10, Reason.CONCURRENCY),
        ({"live": 4}, 6, Reason.CONCURRENCY),
        ({"live": 12}, 0, Reason.CONCURRENCY),
        ({"cps_room": 3}, 3, Reason.CPS),
        ({"cps_room": -1}, 0, Reason.CPS),
        ({"trunk_max": 20, "trunk_live": 18}, 2, Reason.TRUNK_FULL),
        ({"trunk_max": 20, "trunk_live": 25}, 0, Reason.TRUNK_FULL),
        ({"trunk_max": None, "trunk_live": 9999}, 10, Reason.CONCURRENCY),
        ({"agents_free": 2}, 2, Reason.NO_AGENT),
        ({"agents_free": 0}, 0, Reason.NO_AGENT),
        ({"bot_room": 1}, 1, Reason.BOT_FULL),
    ],
)
def test_the_tightest_limit_wins_and_is_named(
    values: dict[str, Any], count: int, hold: Reason
) -> None:
    assert decide(snapshot(**values), NOON) == Plan(count, hold, None, ("",))


def test_without_a_due_contact_there_is_nothing_to_do_until_the_next_one() -> None:
    later = NOON + timedelta(minutes=7)
    assert decide(snapshot(heads={"": later, PARIS: None}), NOON) == Plan(
        0, Reason.NOTHING_DUE, later
    )
    assert decide(snapshot(heads={}, live=10, cps_room=0), NOON) == Plan(0, Reason.NOTHING_DUE)


def test_without_an_outbound_number_nobody_is_called() -> None:
    for reason in (Reason.NO_NUMBER, Reason.NUMBERS_CAPPED):
        plan = decide(snapshot(no_number=NoNumber(reason, NINE)), NOON)
        assert (plan.count, plan.hold, plan.until) == (0, reason, NINE)


def test_only_places_whose_hours_are_open_are_called() -> None:
    held = snapshot(heads={PARIS: NIGHT, TOKYO: NIGHT}, settings={"contact_hours": OWN_HOURS})
    plan = decide(held, NOON)  # 21:00 in Tokyo
    assert plan.places == (PARIS,)
    assert plan.count == 10


def test_when_every_place_is_closed_the_first_to_open_says_when() -> None:
    held = snapshot(heads={TOKYO: NIGHT}, settings={"contact_hours": OWN_HOURS})
    plan = decide(held, NOON)
    # 09:00 UTC is 18:00 in Tokyo: the campaign's and the contact's hours are both open then.
    assert (plan.hold, plan.until) == (Reason.CONTACT_HOURS, NINE + timedelta(days=1))


@given(
    concurrency=st.integers(1, 500),
    live=st.integers(0, 600),
    trunk_live=st.integers(0, 600),
    trunk_max=st.none() | st.integers(1, 600),
    cps=st.integers(-5, 600),
    agents=st.none() | st.integers(0, 600),
    bot=st.none() | st.integers(0, 600),
)
def test_no_limit_is_ever_exceeded(
    *,
    concurrency: int,
    live: int,
    trunk_live: int,
    trunk_max: int | None,
    cps: int,
    agents: int | None,
    bot: int | None,
) -> None:
    plan = decide(
        snapshot(
            settings={"concurrency": concurrency},
            live=live,
            trunk_live=trunk_live,
            trunk_max=trunk_max,
            cps_room=cps,
            agents_free=agents,
            bot_room=bot,
        ),
        NOON,
    )
    assert plan.count >= 0
    assert plan.count <= max(0, concurrency - live)
    assert plan.count <= max(0, cps)
    assert trunk_max is None or plan.count <= max(0, trunk_max - trunk_live)
    assert agents is None or plan.count <= agents
    assert bot is None or plan.count <= bot
    assert plan.hold is not None


def test_hours_that_never_open_have_no_next_instant() -> None:
    held = snapshot(settings={"window": DailyWindow(weekdays=frozenset())})
    assert decide(held, NOON) == Plan(0, Reason.OUTSIDE_HOURS)


def test_a_date_may_open_what_the_weekdays_close() -> None:
    opening = HoursRule(HoursKind.INCLUDE, first_day=NOON.date(), start=time(11), end=time(13))
    held = snapshot(settings={"window": DailyWindow(weekdays=frozenset()), "hours": (opening,)})
    assert decide(held, NOON).count == 10


STATUSES = {
    ContactStatus.IN_PROGRESS: 3,
    ContactStatus.COMPLETED: 20,
    ContactStatus.FAILED: 2,
    ContactStatus.CANCELED: 1,
    ContactStatus.SKIPPED: 5,
}


def counts(pending: int) -> CampaignCounts:
    return CampaignCounts(
        contacts={**STATUSES, ContactStatus.PENDING: pending},
        attempts_ended={},
        results={},
        live={},
        skipped={Reason.DO_NOT_CALL: 4, Reason.EXCLUDED: 1},
    )


WAITING_REASONS = st.sampled_from(
    [None, Reason.RETRY_WAITS, Reason.CALLBACK_WAITS, Reason.FREQUENCY_CAP, Reason.NEEDS_REVIEW]
)


@st.composite
def groups(draw: st.DrawFn) -> list[Waiting]:
    found = []
    for place in (PARIS, TOKYO, ""):
        for reason in draw(st.sets(WAITING_REASONS)):
            count = draw(st.integers(1, 50))
            due = count if reason is None else draw(st.integers(0, count))
            found.append(Waiting(place, reason, count, due, NOON + timedelta(hours=1)))
    return found


@given(
    waiting=groups(),
    status=st.sampled_from(CampaignStatus),
    at=st.sampled_from([NOON, NIGHT, NOON + timedelta(days=6)]),
    live=st.integers(0, 12),
    link_up=st.booleans(),
)
def test_every_contact_is_planned_or_has_a_reason(
    *, waiting: list[Waiting], status: CampaignStatus, at: datetime, live: int, link_up: bool
) -> None:
    heads = {g.place: NIGHT if g.due else g.next_due_at for g in waiting}
    held = replace(
        snapshot(status, live=live, link_up=link_up, settings={"contact_hours": OWN_HOURS}),
        heads=heads,
    )
    pending = sum(group.count for group in waiting)
    told = explain(held, waiting, counts(pending), at)
    total = pending + sum(STATUSES.values())
    assert told.planned + sum(held.count for held in told.reasons.values()) == total
    assert told.planned <= max(0, 10 - live)
    assert all(held.count > 0 for held in told.reasons.values())
    if told.plan.count == 0:
        assert told.planned == 0


def test_the_first_thing_to_change_is_that_of_the_tightest_reason() -> None:
    group = [Waiting("", None, 50, 50, None)]
    told = explain(snapshot(live=8), group, counts(50), NOON)
    assert told.planned == 2
    assert told.reasons[Reason.CONCURRENCY].count == 48
    assert told.change == "Raise the campaign's concurrency."


def test_when_all_wait_the_reason_of_most_says_what_to_change() -> None:
    group = [
        Waiting("", Reason.RETRY_WAITS, 3, 0, NOON + timedelta(hours=1)),
        Waiting("", Reason.NEEDS_REVIEW, 9, 0, None),
    ]
    heads = {"": NOON + timedelta(hours=1)}
    told = explain(snapshot(heads=heads), group, counts(12), NOON)
    assert told.plan.hold is Reason.NOTHING_DUE
    assert told.change == REASON_MEANING[Reason.NEEDS_REVIEW].change


def test_every_reason_has_a_meaning_and_every_campaign_hold_an_advice() -> None:
    assert set(REASON_MEANING) == set(Reason)
    for meaning in REASON_MEANING.values():
        assert meaning.text
        assert not meaning.campaign or meaning.change
