"""The forecast: every contact is counted, ends fall where a calendar worked out by hand says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from database_kit import current_database

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    HoursKind,
    HoursRule,
    RetryPolicy,
)
from callcamp.core.changes import AttemptChange, ContactChange, NewSuppression
from callcamp.core.gate import Batch, Consent, Decision, LetOut
from callcamp.core.legal import CallCap
from callcamp.core.model import Attempt, Campaign, Contact, NewContact
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.pacing import make_method
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptEvent, AttemptStatus, CampaignEvent, ContactEvent
from callcamp.engine import history
from callcamp.engine.commands import Commands
from callcamp.engine.forecast import PASSING, Forecast
from callcamp.engine.forecast_plan import Plan
from callcamp.engine.history import Figure, measured
from callcamp.engine.open_hours import OpenHours
from callcamp.errors import InvalidInput, TooBusy
from callcamp.simulation import Group, Workload, simulate
from callcamp.store import SqlStore

PARIS = ZoneInfo("Europe/Paris")
FRIDAY = datetime(2027, 3, 19, 9, 0, tzinfo=PARIS)
"""An ordinary Friday."""


class Desk:
    """A store, and the use-cases at an instant."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.now = FRIDAY.astimezone(UTC)
        self.commands = Commands(store, clock=lambda: self.now)

    async def campaign(self, settings: CampaignSettings, contacts: int) -> int:
        campaign = await self.store.create_campaign(settings, now=self.now)
        people = (NewContact(f"+331422{n:05d}") for n in range(contacts))
        await self.store.add_contacts(campaign.id, people, now=self.now)
        return campaign.id

    async def forecast(self, campaign_id: int, **given: float) -> Forecast:
        return await self.commands.forecasts.forecast(campaign_id, **given)  # type: ignore[arg-type]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    path = tmp_path / "forecast.sqlite3"
    path.write_bytes(current_database())
    store = SqlStore(f"sqlite:///{path}")
    await store.open()
    await store.save_trunk("carrier", dial_string="PJSIP/{number}@carrier", cps=50)
    try:
        yield Desk(store)
    finally:
        await store.close()


def settings(**given: object) -> CampaignSettings:
    """Return a campaign whose calls all last 30 s: one line, nobody answers, one attempt.

    So 120 contacts take an hour.
    """
    values: dict[str, object] = {
        "name": "Spring",
        "trunk_id": 1,
        "concurrency": 1,
        "ring_timeout_s": 30,
        "retry": RetryPolicy(max_attempts=1),
        "window": DailyWindow(zone="Europe/Paris", weekdays=frozenset(range(5))),
        "mode": CampaignMode.MULTI_DAY,
        "prompt": "hello",
    }
    return CampaignSettings(**{**values, **given})  # type: ignore[arg-type]


def local(at: datetime | None) -> datetime:
    assert at is not None
    return at.astimezone(PARIS)


def near(at: datetime | None, expected: datetime, minutes: float = 10) -> bool:
    """Tell whether an end is where it should be: one contact in a hundred answers."""
    assert at is not None
    return abs(at - expected) < timedelta(minutes=minutes)


CASES = {
    "same day": (120, {}, datetime(2027, 3, 19, 10, 0, tzinfo=PARIS)),
    "lunch": (
        480,
        {"hours": (HoursRule(HoursKind.EXCLUDE, 4, start=time(12), end=time(14)),)},
        datetime(2027, 3, 19, 15, 0, tzinfo=PARIS),
    ),
    "weekend": (1200, {}, datetime(2027, 3, 22, 10, 0, tzinfo=PARIS)),
    "holiday": (
        1200,
        {
            "hours": (HoursRule(HoursKind.EXCLUDE, first_day=date(2027, 3, 22)),),
        },
        datetime(2027, 3, 23, 10, 0, tzinfo=PARIS),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_the_end_goes_through_the_campaigns_calendar(desk: Desk, case: str) -> None:
    contacts, given, expected = CASES[case]
    campaign_id = await desk.campaign(settings(**given), contacts)
    told = await desk.forecast(campaign_id, answer_rate=0.01)
    assert told.begins_at == FRIDAY
    assert near(told.ends[1], expected), local(told.ends[1])
    assert (told.total, told.to_call, told.excluded, told.left.high) == (contacts, contacts, {}, 0)
    assert told.calls.likely == contacts
    assert told.calls_per_hour.likely == pytest.approx(120, rel=0.05)


async def test_public_holidays_are_no_working_days(desk: Desk) -> None:
    desk.now = datetime(2027, 3, 26, 9, 0, tzinfo=PARIS).astimezone(UTC)
    campaign_id = await desk.campaign(settings(holidays=("FR",)), 1200)
    told = await desk.forecast(campaign_id, answer_rate=0.01)
    # Easter Monday is the 29th; the clocks change on the 28th.
    assert near(told.ends[1], datetime(2027, 3, 30, 10, 0, tzinfo=PARIS)), local(told.ends[1])


async def test_a_single_day_that_does_not_get_through_says_how_many_are_left(desk: Desk) -> None:
    campaign_id = await desk.campaign(settings(mode=CampaignMode.SINGLE_DAY), 2000)
    told = await desk.forecast(campaign_id, answer_rate=0.01)
    assert told.ends == (None, None, None)
    assert local(told.closes_at) == datetime(2027, 3, 19, 18, 0, tzinfo=PARIS)
    # Nine hours of 120 calls.
    assert told.left.likely == pytest.approx(2000 - 1080, abs=15)


async def test_a_large_campaign_is_scaled_and_ends_at_the_same_hour(desk: Desk) -> None:
    large = settings(
        concurrency=40, window=DailyWindow(time(0), time(0), "Europe/Paris", frozenset(range(7)))
    )
    campaign_id = await desk.campaign(large, 20_000)
    told = await desk.forecast(campaign_id, answer_rate=0.01)
    assert told.scaled < 1
    # 40 lines, 30 s each: 4,800 calls an hour.
    assert near(told.ends[1], FRIDAY + timedelta(hours=4, minutes=10), 20), local(told.ends[1])


async def test_it_begins_when_hours_open_next(desk: Desk) -> None:
    desk.now = datetime(2027, 3, 20, 11, 0, tzinfo=PARIS).astimezone(UTC)
    campaign_id = await desk.campaign(settings(), 12)
    told = await desk.forecast(campaign_id)
    assert local(told.begins_at) == datetime(2027, 3, 22, 9, 0, tzinfo=PARIS)


async def test_excluded_contacts_are_counted_with_their_reasons(desk: Desk) -> None:
    campaign_id = await desk.campaign(settings(), 50)
    contacts = await desk.store.contacts(campaign_id, limit=5)
    await desk.store.exclude_contact(contacts[0].id, reason="asked", now=desk.now)
    await desk.store.skip_contact(contacts[1].id, Reason.ZONE_UNKNOWN, now=desk.now)
    told = await desk.forecast(campaign_id)
    assert (told.total, told.to_call) == (50, 48)
    assert sum(told.excluded.values()) == 2
    assert told.excluded[Reason.ZONE_UNKNOWN] == 1


async def test_those_left_out_are_those_of_which_why_says_so(desk: Desk) -> None:
    cap = CallCap(1, 86400)
    given = settings(consent_scope="marketing", frequency=(cap,), retry=RetryPolicy(max_attempts=3))
    campaign_id = await desk.campaign(given, 60)
    store, now = desk.store, desk.now
    contacts = await store.contacts(campaign_id, limit=100)
    agreed = [
        Consent(one.phone, "marketing", "form", now - timedelta(days=1)) for one in contacts[5:]
    ]
    await store.record_consents(agreed)
    forbidden = [NewSuppression(one.phone, "said so", "cli") for one in contacts[5:8]]
    await store.suppress(forbidden, now=now)
    await store.exclude_contact(contacts[8].id, reason="asked", now=now)
    await store.skip_contact(contacts[9].id, Reason.ZONE_UNKNOWN, now=now)
    await store.move_campaign(campaign_id, CampaignEvent.STARTED, now=now)
    # Two are called: one is reached, one is busy and waits for its next call.
    busy = ContactChange(ContactEvent.RETRY_SCHEDULED, now + timedelta(hours=2), Reason.RETRY_WAITS)
    done = ContactChange(ContactEvent.FINISHED)
    for contact, change in ((contacts[10], done), (contacts[11], busy)):
        await called(desk, contact, change)

    told = await desk.forecast(campaign_id)
    why = await desk.commands.why.campaign(campaign_id, desk.now)
    reasons = {reason: held.count for reason, held in why.explanation.reasons.items()}
    assert told.excluded == {r: n for r, n in reasons.items() if r not in PASSING}
    assert told.to_call == 60 - sum(told.excluded.values())
    assert told.excluded == {
        Reason.NO_CONSENT: 5,
        Reason.DO_NOT_CALL: 3,
        Reason.EXCLUDED: 1,
        Reason.ZONE_UNKNOWN: 1,
        Reason.DONE: 1,
    }
    assert reasons[Reason.RETRY_WAITS] == 1


def test_every_reason_passes_or_does_not() -> None:
    # One who adds a reason says here what a forecast makes of it.
    lasting = (
        "not_started queued paused campaign_completed campaign_canceled switched_off "
        "campaign_ended rules_broken dnc_list_old abandon_cap no_number "
        "needs_review do_not_call excluded no_consent zone_unknown attempts_used deleted "
        "done failed canceled"
    )
    assert set(Reason) - {Reason(word) for word in lasting.split()} == PASSING


async def test_the_same_seed_gives_the_same_forecast(desk: Desk) -> None:
    campaign_id = await desk.campaign(settings(concurrency=5), 100)
    first, again = [await desk.forecast(campaign_id, seed=7) for _ in range(2)]
    assert first == again
    assert first != await desk.forecast(campaign_id, seed=8)
    assert first.history.figures["answer_rate"].basis == "assumed"


async def test_agents_are_those_of_the_campaign_or_those_given(desk: Desk) -> None:
    given = settings(agents=AgentSettings(method=DialMethod.PROGRESSIVE), concurrency=50)
    campaign_id = await desk.campaign(given, 100)
    with pytest.raises(InvalidInput, match="no agents"):
        await desk.forecast(campaign_id)
    few = await desk.forecast(campaign_id, agents=2)
    many = await desk.forecast(campaign_id, agents=8)
    assert few.ends[1] is not None
    assert many.ends[1] is not None
    assert many.ends[1] < few.ends[1]
    assert few.occupancy is not None
    assert 0.3 < few.occupancy.likely < 0.9
    assert few.abandoned is not None
    assert few.abandoned.high <= 0.03
    agent = await desk.store.save_agent(
        "anna", phone=AgentPhone(PhoneKind.SIP, "anna"), now=desk.now
    )
    await desk.store.add_campaign_agents(campaign_id, [agent.id], now=desk.now)
    assert (await desk.forecast(campaign_id)).agents == 1


async def test_only_one_is_made_at_a_time(desk: Desk) -> None:
    campaign_id = await desk.campaign(settings(), 10)
    first = asyncio.create_task(desk.forecast(campaign_id))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await desk.forecast(campaign_id)
    assert (await first).to_call == 10


@pytest.mark.parametrize(("name", "value"), [("agents", 0), ("answer_rate", 1.5), ("seed", -1)])
async def test_numbers_out_of_range_are_refused(desk: Desk, name: str, value: float) -> None:
    campaign_id = await desk.campaign(settings(), 1)
    with pytest.raises(InvalidInput, match=name):
        await desk.forecast(campaign_id, **{name: value})


async def test_it_says_what_callcamp_simulate_says_of_the_same_campaign(desk: Desk) -> None:
    given = settings(
        agents=AgentSettings(method=DialMethod.PROGRESSIVE, wrap_up_s=15),
        concurrency=500,
        ring_timeout_s=25,
        detect_machines=False,
        window=DailyWindow(time(0), time(0), "Europe/Paris", frozenset(range(7))),
    )
    campaign_id = await desk.campaign(given, 400)
    told = await desk.forecast(campaign_id, agents=4, seed=1)
    workload = Workload(agents=4, hours=100, groups=(Group(400),))
    direct = [simulate(workload, make_method("progressive"), seed) for seed in (1, 2, 3)]
    ends = sorted(desk.now + timedelta(seconds=one.duration_s) for one in direct)
    assert told.scaled == 1
    assert list(told.ends) == ends
    assert told.occupancy is not None
    assert told.occupancy.low == pytest.approx(min(one.occupancy for one in direct), abs=1e-4)


async def test_the_law_of_the_place_where_contacts_are_closes_too(desk: Desk) -> None:
    early = DailyWindow(time(6), time(22), "Europe/Paris", frozenset(range(7)))
    desk.now = datetime(2027, 3, 20, 6, 0, tzinfo=PARIS).astimezone(UTC)
    campaign_id = await desk.campaign(settings(legal=("fr",), window=early), 12)
    told = await desk.forecast(campaign_id)
    # On that Saturday nobody in France may be called.
    assert local(told.begins_at) == datetime(2027, 3, 22, 10, 0, tzinfo=PARIS)


def call(n: int, *, person: bool, hour: int) -> Attempt:
    at = datetime(2027, 3, 18, hour, 0, tzinfo=UTC) + timedelta(seconds=n)
    after_s = 8 if person else 20
    return Attempt(
        id=f"cc-{n:06d}",
        campaign_id=1,
        contact_id=n,
        number="+33142200000",
        ordinal=1,
        status=AttemptStatus.ENDED,
        settings_version=1,
        ring_timeout_s=30,
        claimed_at=at,
        lease_until=at,
        dialed_at=at,
        answered_at=at + timedelta(seconds=8) if person else None,
        ended_at=at + timedelta(seconds=after_s + 40 * person),
        disposition=Disposition.ANSWERED_PERSON if person else Disposition.VOICEMAIL,
    )


async def test_figures_are_measured_from_two_hundred_calls_on(desk: Desk) -> None:
    campaign = await desk.store.campaign(await desk.campaign(settings(), 1))
    # At 9 UTC, 10 in Paris, every second call is answered, later every fifth.
    calls = [call(n, person=n % 2 == 0, hour=9) for n in range(100)]
    calls += [call(n, person=n % 5 == 0, hour=11) for n in range(100, 200)]
    found = measured(campaign, calls)
    rate = found.figures["answer_rate"]
    assert rate == Figure(0.35, "measured on 200 calls of this campaign")
    assert found.figures["ring_s"] == Figure(8.0, "measured on 70 answered calls of this campaign")
    assert found.figures["talk_s"].value == 40.0
    assert found.figures["other_end_s"].value == 20.0
    assert found.figures["retry_share"].value == 0.0
    assert list(found.rates) == [(None, 1, 0.35), (10, 1, 0.5), (12, 1, 0.2)]
    few = measured(campaign, calls[:199])
    assert few.figures["answer_rate"] == Figure(0.3, "assumed")
    assert few.figures["talk_s"] == Figure(30.0, "assumed")
    assert few.figures["other_end_s"] == Figure(30.0, "assumed")


async def test_calls_of_others_fill_up_what_is_lacking(desk: Desk) -> None:
    campaign = await desk.store.campaign(await desk.campaign(settings(), 1))
    own = [call(n, person=True, hour=9) for n in range(50)]
    others = [call(n, person=n % 3 == 0, hour=9) for n in range(600)]
    found = measured(campaign, own, others)
    # The 600 count as much as the 150 that the campaign lacks: (50 + 150 / 3) / 200.
    assert found.figures["answer_rate"].value == pytest.approx(0.5)
    assert found.figures["answer_rate"].basis == (
        "measured on 50 calls of this campaign and 600 of others"
    )
    assert (
        found.figures["talk_s"].basis == "measured on 50 talks of this campaign and 200 of others"
    )
    assert found.figures["other_end_s"].basis == (
        "measured on 400 unanswered calls of other campaigns"
    )
    assert len(found.times["talk"]["values_s"]) <= 400
    assert set(found.times["talk"]["values_s"]) == {40.0}
    enough = measured(campaign, own * 4, others)
    assert enough.figures["answer_rate"] == Figure(1.0, "measured on 200 calls of this campaign")


async def test_times_are_spread_as_their_calls_count(desk: Desk) -> None:
    campaign = await desk.store.campaign(await desk.campaign(settings(), 1))
    own = [call(n, person=True, hour=9) for n in range(100)]
    slow = [replace(call(n, person=True, hour=9), ended_at=later(n)) for n in range(300)]
    talks = measured(campaign, own, slow).times["talk"]["values_s"]
    # A hundred of 40 s, and three hundred of 100 s that count as a hundred.
    assert talks.count(40.0) == talks.count(100.0) == 200


def later(n: int) -> datetime:
    return datetime(2027, 3, 18, 9, 1, 48, tzinfo=UTC) + timedelta(seconds=n)


async def test_it_rests_on_the_newest_calls(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_CALLS", 400)
    campaign = await desk.store.campaign(await desk.campaign(settings(), 1))
    asked: list[str] = []
    calls = {f"cc-{n:06d}": call(n, person=n >= 700, hour=9) for n in range(1000)}

    async def newest(campaign_id: int, *, before_id: str = "", limit: int = 1000) -> list[Attempt]:
        assert campaign_id == campaign.id
        asked.append(before_id)
        ids = [one for one in sorted(calls, reverse=True) if not before_id or one < before_id]
        return [calls[one] for one in ids[:limit]]

    monkeypatch.setattr(desk.store, "newest_attempts", newest)
    found = await history.history_of(desk.store, campaign, desk.now)
    assert found.figures["answer_rate"] == Figure(0.75, "measured on 400 calls of this campaign")
    assert asked == ["", "cc-000750"]


async def test_pauses_grow_and_follow_the_results_before_them(desk: Desk) -> None:
    policy = RetryPolicy(max_attempts=4, delay_s=600, growth=2.0, delays_s={Disposition.BUSY: 60})
    campaign = await desk.store.campaign(await desk.campaign(settings(retry=policy), 1))
    busy = [replace(call(n, person=False, hour=9), disposition=Disposition.BUSY) for n in range(50)]
    silent = [
        replace(call(n, person=False, hour=9), disposition=Disposition.NO_ANSWER)
        for n in range(150)
    ]
    found = measured(campaign, busy + silent)
    assert found.again == {Disposition.BUSY: 0.25, Disposition.NO_ANSWER: 0.75}
    plan = await plan_of(desk, campaign, found)
    pauses = plan.job([1])["workload"]["retry_pauses_s"]
    assert [sorted(set(row)) for row in pauses] == [[60, 600], [120, 1200], [240, 2400]]
    assert [row.count(60 * 2**n) / len(row) for n, row in enumerate(pauses)] == [0.25] * 3


async def called(desk: Desk, contact: Contact, change: ContactChange) -> None:
    """Have a contact called once; the line is busy."""
    attempt_id = f"cc-{contact.id}"

    def only(batch: Batch) -> list[Decision]:
        return [
            LetOut(one.contact_id, one.number_index, None, None)
            for one in batch.candidates
            if one.contact_id == contact.id
        ]

    await desk.store.claim(
        contact.campaign_id,
        [attempt_id],
        places=None,
        judge=only,
        look_back_s=86_400,
        now=desk.now,
        lease_until=desk.now + timedelta(minutes=1),
    )
    await desk.store.mark_dialing([attempt_id], now=desk.now)
    end = AttemptChange(
        attempt_id,
        (AttemptEvent.ENDED,),
        desk.now,
        disposition=Disposition.BUSY,
        evidence=Evidence(cause=17),
        contact=change,
    )
    await desk.store.apply([end])


async def plan_of(desk: Desk, campaign: Campaign, found: history.History) -> Plan:
    rules = desk.commands.rules.of(campaign)
    hours = OpenHours.of(rules, None, desk.now)
    forecast = Forecast(campaign, desk.now, 10, 10, {}, None, found)
    trunk = (await desk.store.trunks())[0]
    return Plan(forecast, rules, trunk, hours, 0)
