"""Metrics are what store and engine say, under bounded labels, in a registry of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from engine_kit import BY_HAND, Script, bench, until
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from callcamp.core.states import AttemptStatus, CampaignEvent
from callcamp.core.webhooks import EventType, Health
from callcamp.engine import metrics as metrics_module
from callcamp.engine.metrics import Metrics
from callcamp.engine.orders import new_attempt_id
from callcamp.engine.registry import Person, Track
from callcamp.engine.vitals import oldest_unsettled_s
from callcamp.errors import StoreError, SwitchTimeout
from callcamp.ports import Measured, Tried, Try
from callcamp.switch.ami import AmiGateway
from callcamp.switch.simulated import SimulatedSwitch

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "FRESH_S", 0.0)


async def scrape(metrics: Metrics) -> Samples:
    families = text_string_to_metric_families((await metrics.text()).decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"callcamp_{name}", frozenset(labels.items())]


def names(samples: Mapping[tuple[str, object], float]) -> set[str]:
    return {name for name, _ in samples}


async def test_metrics_are_what_the_store_and_the_engine_say(tmp_path: Path) -> None:
    async with bench(tmp_path, lambda order: Script(answers="0000001" in order.channel)) as b:
        engine = await b.start()
        metrics = Metrics(engine, engine.gateway)
        campaign = await b.campaign(3)
        await b.completed(campaign)
        samples = await scrape(metrics)
        one = str(campaign.id)
        assert value(samples, "calls_total", campaign=one, disposition="busy") == 2
        assert value(samples, "calls_total", campaign=one, disposition="answered_person") == 1
        assert value(samples, "abandon_ratio", campaign=one) == 0
        assert value(samples, "contacts", campaign=one, status="pending") == 0
        assert sum(v for (n, _), v in samples.items() if n == "callcamp_contacts") == 3
        assert value(samples, "calls_in_flight", campaign=one, state="ringing") == 0
        trunk = str(campaign.settings.trunk_id)
        assert value(samples, "calls_placed_total", trunk=trunk) == 3
        assert value(samples, "trunk_cps_limit", trunk=trunk) == 200
        assert value(samples, "engine_up") == 1
        assert value(samples, "engine_synced") == 1
        assert value(samples, "link_up") == 1
        assert value(samples, "store_up") == 1
        assert value(samples, "unsettled_age_seconds") == 0
        assert value(samples, "store_commit_seconds_count") > 3
        assert value(samples, "backlog", queue="uncommitted") == 0
        assert [n for n in names(samples) if n.startswith("callcamp_build")]
        assert not [n for n in names(samples) if not n.startswith("callcamp_")]


async def test_what_waits_for_webhooks(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        metrics = Metrics(engine)
        campaign = await b.campaign(1, start=False)
        now = engine.clock.now()
        for events in (EventType, [EventType.CALLBACK_SCHEDULED]):
            await engine.store.add_webhook("https://example.com/", "whsec_x", events, now=now)
        early = now - timedelta(seconds=90)
        await engine.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=early)
        samples = await scrape(metrics)
        assert value(samples, "webhook_waiting", webhook="1") == 1
        assert 90 <= value(samples, "webhook_oldest_age_seconds", webhook="1") < 900
        assert value(samples, "webhook_failing", webhook="1") == 0
        assert value(samples, "webhook_waiting", webhook="2") == 0
        assert value(samples, "webhook_oldest_age_seconds", webhook="2") == 0
        (waiting,) = await engine.store.deliveries(1)
        tried = Tried(waiting.id, Try(now, 1, 503, "", "answered 503"), now)
        await engine.store.note_tries(1, [tried], Health(1, now), now=now)
        assert value(await scrape(metrics), "webhook_failing", webhook="1") == 1
        # One that is switched off is told nothing, and waits for nobody.
        await engine.store.change_webhook(1, active=False, now=now)
        samples = await scrape(metrics)
        assert ("callcamp_webhook_waiting", frozenset({("webhook", "1")})) not in samples


async def test_calls_in_flight_and_waiting_contacts(tmp_path: Path) -> None:
    async with bench(tmp_path, BY_HAND) as b:
        engine = await b.start()
        metrics = Metrics(engine, engine.gateway)
        campaign = await b.campaign(4, concurrency=1)
        (attempt_id,) = await b.placed(1)
        b.switch.ring(attempt_id)
        one = str(campaign.id)

        async def rings() -> bool:
            samples = await scrape(metrics)
            return value(samples, "calls_in_flight", campaign=one, state="ringing") == 1

        await until(rings)
        samples = await scrape(metrics)
        assert value(samples, "contacts_waiting", campaign=one, reason="due") == 3
        assert value(samples, "trunk_live", trunk=str(campaign.settings.trunk_id)) == 1
        assert value(samples, "attempts_live") == 1


async def test_a_database_that_fails_is_a_metric_and_no_error(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        engine = await b.start()
        metrics = Metrics(engine, engine.gateway)
        campaign = await b.campaign(1)
        await b.completed(campaign)
        assert value(await scrape(metrics), "store_up") == 1

        def fail(name: str) -> None:
            if name == "campaigns":
                raise StoreError("The database failed.")

        b.store.before = fail
        samples = await scrape(metrics)
        assert value(samples, "store_up") == 0
        # What was known before stays.
        assert value(samples, "contacts", campaign=str(campaign.id), status="completed") == 1


async def test_the_database_is_asked_once_for_many_scrapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "FRESH_S", 3600.0)
    async with bench(tmp_path) as b:
        engine = await b.start()
        metrics = Metrics(engine, engine.gateway)
        await metrics.text()
        campaign = await b.campaign(1)
        await b.completed(campaign)
        samples = await scrape(metrics)
        assert value(samples, "scrape_seconds_count") == 1
        assert "callcamp_contacts" not in names(samples)


async def test_drafts_old_and_too_many_campaigns_have_no_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as b:
        engine = await b.start()
        metrics = Metrics(engine, engine.gateway)
        await b.campaign(1, start=False)
        over, other = await b.campaign(1), await b.campaign(1, prefix="+3362")
        await b.completed(over)
        await b.completed(other)

        async def shown() -> set[str]:
            samples = await scrape(metrics)
            return {dict(labels)["campaign"] for n, labels in samples if n == "callcamp_contacts"}

        assert await shown() == {str(over.id), str(other.id)}
        monkeypatch.setattr(metrics_module, "MOST_CAMPAIGNS", 1)
        assert await shown() == {str(other.id)}
        assert value(await scrape(metrics), "campaigns_left_out") == 1
        monkeypatch.setattr(metrics_module, "ENDED_FOR", timedelta(seconds=-1))
        assert await shown() == set()


async def test_two_engines_share_no_registry(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        engine = await b.start()
        Metrics(engine)
        Metrics(engine)
    assert not [m.name for m in REGISTRY.collect() if m.name.startswith("callcamp")]


async def test_round_trips_to_a_switch_and_the_lag_of_its_events() -> None:
    async with SimulatedSwitch() as switch:
        gateway = AmiGateway(
            host=switch.host, port=switch.port, username=switch.username, secret=switch.secret
        )
        answers: list[tuple[str, float]] = []
        lags: list[float] = []
        gateway.measure(lambda *answer: answers.append(answer), lags.append)
        assert isinstance(gateway, Measured)
        try:
            await gateway.start()
            assert gateway.events_waiting == 1
            await anext(gateway.events())
            assert gateway.events_waiting == 0
            await gateway.outbox()
            assert await gateway.hang_up(new_attempt_id()) is False
        finally:
            await gateway.close()
    assert {"Login", "DBGetTree", "Hangup"} <= {action for action, _ in answers}
    assert all(seconds >= 0 for _, seconds in answers)
    assert len(lags) == 1


async def test_silence_is_no_round_trip() -> None:
    async with SimulatedSwitch() as switch:
        gateway = AmiGateway(
            host=switch.host,
            port=switch.port,
            username=switch.username,
            secret=switch.secret,
            action_timeout_s=0.5,
        )
        answers: list[str] = []
        gateway.measure(lambda action, _seconds: answers.append(action), lambda _lag: None)
        try:
            await gateway.start()
            switch.go_half_open()
            with pytest.raises(SwitchTimeout):
                await gateway.outbox()
        finally:
            await gateway.close()
    assert "DBGetTree" not in answers


class _Gateway:
    """Takes what metrics hand to a gateway that can be measured."""

    events_waiting = 7

    def measure(self, on_answer: object, on_taken: object) -> None:
        self.on_answer, self.on_taken = on_answer, on_taken


async def test_a_gateway_that_can_be_measured_is(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        gateway = _Gateway()
        metrics = Metrics(await b.start(), gateway)
        gateway.on_answer("Ping", 0.004)  # type: ignore[operator]
        gateway.on_taken(0.2)  # type: ignore[operator]
        samples = await scrape(metrics)
        assert value(samples, "ami_round_trip_seconds_count", action="Ping") == 1
        assert value(samples, "ami_round_trip_seconds_bucket", action="Ping", le="0.005") == 1
        assert value(samples, "ami_round_trip_seconds_bucket", action="Ping", le="0.0025") == 0
        assert value(samples, "event_lag_seconds_sum") == pytest.approx(0.2)
        assert value(samples, "backlog", queue="events") == 7


def _track(**changes: object) -> Track:
    track = Track(
        attempt_id="cc-1",
        campaign_id=1,
        contact_id=1,
        number="+33612345678",
        ordinal=1,
        trunk_id=1,
        ring_timeout_s=20,
        status=AttemptStatus.DIALING,
        claimed_at=NOW - timedelta(seconds=100),
        person=Person(),
    )
    for name, one in changes.items():
        setattr(track, name, one)
    return track


@pytest.mark.parametrize(
    ("changes", "waited_s"),
    [
        ({}, 0),
        ({"sent_at": NOW - timedelta(seconds=34)}, 0),
        ({"sent_at": NOW - timedelta(seconds=45)}, 10),
        ({"status": AttemptStatus.UNKNOWN}, 100),
        ({"status": AttemptStatus.UNKNOWN, "sent_at": NOW - timedelta(seconds=90)}, 90),
        ({"hung_up_at": NOW - timedelta(seconds=3)}, 3),
        ({"answered_at": NOW - timedelta(seconds=3000)}, 0),
        ({"answered_at": NOW - timedelta(seconds=3700)}, 100),
    ],
)
def test_what_waits_to_be_settled(changes: dict[str, object], waited_s: float) -> None:
    tracks = [_track(), _track(**changes)]
    assert oldest_unsettled_s(tracks, NOW, margin_s=15, max_call_s=3600) == waited_s
    assert oldest_unsettled_s([], NOW, margin_s=15, max_call_s=3600) == 0
