"""Metrics for Prometheus, in a registry of their own.

What the engine has in memory is read at the moment of a scrape; what only the database knows is
read for a scrape, and at most every :data:`FRESH_S`. Durations are noted as they come. When
nobody scrapes, that is all that happens.

Labels are bounded: campaigns, trunks and webhooks by number, the words of enumerations, names of
actions.
Of campaigns there are those that are not over and those that ended a short time ago, at most
:data:`MOST_CAMPAIGNS`.
"""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram, Info, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from callcamp import __version__
from callcamp.core.model import Campaign
from callcamp.core.states import AttemptStatus, CampaignStatus, ContactStatus
from callcamp.engine.clock import Clock
from callcamp.engine.live import LiveFeed
from callcamp.engine.stats import CampaignStats
from callcamp.engine.vitals import Vitals
from callcamp.errors import CallcampError
from callcamp.ports import Measured, Store, WebhookQueue

FRESH_S = 5.0
"""How long what was read from the database serves further scrapes."""
MOST_CAMPAIGNS = 200
"""Campaigns with metrics of their own, the newest first."""
ENDED_FOR = timedelta(hours=6)
"""How long a campaign that is over keeps its metrics, so that its last calls are scraped."""
LOOP_LOOK_S = 0.25
"""How often the event loop is asked how late it is."""

_DRAFT, _RUNNING = CampaignStatus.DRAFT, CampaignStatus.RUNNING
_LIVE = (
    AttemptStatus.DIALING,
    AttemptStatus.RINGING,
    AttemptStatus.ANSWERED,
    AttemptStatus.UNKNOWN,
)
_MS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Observed(Protocol):
    """What metrics need of an engine."""

    @property
    def live(self) -> LiveFeed:
        """What goes on now."""
        ...

    @property
    def clock(self) -> Clock:
        """The engine's time."""
        ...

    @property
    def store(self) -> Store:
        """What is remembered."""
        ...

    @property
    def link_up(self) -> bool:
        """Whether Asterisk can be reached."""
        ...

    def vitals(self) -> Vitals:
        """Return how the engine is."""
        ...


class Metrics:
    """The metrics of one engine.

    Args:
        engine: the engine.
        gateway: its way to Asterisk; one that is not :class:`callcamp.ports.Measured` gives no
            round trips and no events waiting.
    """

    def __init__(self, engine: Observed, gateway: object = None) -> None:
        self.registry = CollectorRegistry()
        self._engine = engine
        self._gateway = gateway if isinstance(gateway, Measured) else None
        self._stats: list[CampaignStats] = []
        self._queues: list[WebhookQueue] = []
        self._left_out = 0
        self._read_s: float | None = None
        self._reading = asyncio.Lock()
        self._store_up = True
        own = self.registry
        self._round_trip = Histogram(
            "callcamp_ami_round_trip_seconds",
            "From writing an action to Asterisk's answer, pings included.",
            ["action"],
            registry=own,
            buckets=_MS,
        )
        self._event_lag = Histogram(
            "callcamp_event_lag_seconds",
            "From reading an event to the tracker taking it.",
            registry=own,
            buckets=_MS,
        )
        self._commit = Histogram(
            "callcamp_store_commit_seconds",
            "From asking for a transaction that writes to its commit.",
            registry=own,
            buckets=_MS,
        )
        self._loop_lag = Histogram(
            "callcamp_loop_lag_seconds",
            "How late the event loop wakes a task that sleeps.",
            registry=own,
            buckets=_MS,
        )
        self._scrape = Histogram(
            "callcamp_scrape_seconds",
            "What reading the database for a scrape takes.",
            registry=own,
            buckets=_MS,
        )
        Info("callcamp_build", "Versions of callcamp and Python.", registry=own).info(
            {"version": __version__, "python": platform.python_version()}
        )
        own.register(_Now(self))
        engine.store.measure(self._commit.observe)
        if self._gateway is not None:
            self._gateway.measure(self._answered, self._event_lag.observe)

    async def watch_loop(self) -> None:
        """Note how late the event loop is, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOP_LOOK_S
            await asyncio.sleep(LOOP_LOOK_S)
            self._loop_lag.observe(max(0.0, loop.time() - due_s))

    async def text(self) -> bytes:
        """Return all metrics as Prometheus reads them; a database that fails is one of them."""
        await self._read()
        return generate_latest(self.registry)

    async def _read(self) -> None:
        async with self._reading:
            loop = asyncio.get_running_loop()
            if self._read_s is not None and loop.time() - self._read_s < FRESH_S:
                return
            began_s = loop.time()
            try:
                chosen = self._chosen(await self._engine.store.campaigns())
                self._stats = [
                    CampaignStats(one, await self._engine.store.counts(one.id))
                    for one in chosen[:MOST_CAMPAIGNS]
                ]
                self._left_out = len(chosen[MOST_CAMPAIGNS:])
                self._queues = await self._engine.store.webhook_queues()
                self._store_up = True
            except CallcampError:
                # The last figures stay, and say with callcamp_store_up how far to trust them.
                self._store_up = False
            self._read_s = loop.time()
            self._scrape.observe(self._read_s - began_s)

    def _chosen(self, campaigns: list[Campaign]) -> list[Campaign]:
        limit = self._engine.clock.now() - ENDED_FOR
        return sorted(
            (
                one
                for one in campaigns
                if one.status is not _DRAFT and (one.ended_at is None or one.ended_at >= limit)
            ),
            key=lambda one: (one.status is not _RUNNING, -one.id),
        )

    def _answered(self, action: str, seconds: float) -> None:
        self._round_trip.labels(action).observe(seconds)

    def now(self) -> Iterator[Metric]:
        """Yield what is so at this moment."""
        yield from self._of_engine()
        yield from self._of_trunks()
        yield from self._of_webhooks()
        yield from self._of_campaigns()

    def _of_engine(self) -> Iterator[Metric]:
        vitals = self._engine.vitals()
        up = vitals.running and vitals.holds_right
        yield _gauge("engine_up", "Whether the engine runs and may dial.", float(up))
        yield _gauge("engine_synced", "Whether attempts and Asterisk agree.", float(vitals.synced))
        yield _gauge("link_up", "Whether Asterisk can be reached.", float(self._engine.link_up))
        yield _gauge("store_up", "Whether the database answered last time.", float(self._store_up))
        yield _gauge("attempts_live", "Attempts that are not settled.", vitals.live)
        yield _gauge(
            "unsettled_age_seconds",
            "How long the attempt that should be settled longest has waited.",
            vitals.unsettled_s,
        )
        yield _gauge(
            "campaigns_left_out", "Campaigns without metrics of their own.", self._left_out
        )
        backlog = GaugeMetricFamily(
            "callcamp_backlog", "What waits for the tracker, by queue.", labels=["queue"]
        )
        for queue, n in vitals.backlog.items():
            backlog.add_metric([queue], n)
        if self._gateway is not None:
            backlog.add_metric(["events"], self._gateway.events_waiting)
        yield backlog

    def _of_trunks(self) -> Iterator[Metric]:
        placed = CounterMetricFamily(
            "callcamp_calls_placed", "Calls sent since the start, by trunk.", labels=["trunk"]
        )
        limit = GaugeMetricFamily(
            "callcamp_trunk_cps_limit", "New calls a second at most.", labels=["trunk"]
        )
        ready = GaugeMetricFamily(
            "callcamp_trunk_ready", "Calls that wait for their turn.", labels=["trunk"]
        )
        live = GaugeMetricFamily(
            "callcamp_trunk_live", "Attempts that are not settled.", labels=["trunk"]
        )
        refusing = GaugeMetricFamily(
            "callcamp_trunk_refusing", "Whether calls were refused just now.", labels=["trunk"]
        )
        for one in self._engine.vitals().trunks:
            label = [str(one.trunk_id)]
            placed.add_metric(label, one.placed)
            limit.add_metric(label, one.cps_limit)
            ready.add_metric(label, one.ready)
            live.add_metric(label, one.live)
            refusing.add_metric(label, float(one.refusing))
        yield from (placed, limit, ready, live, refusing)

    def _of_webhooks(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "callcamp_webhook_waiting", "Events that wait, by webhook.", labels=["webhook"]
        )
        age = GaugeMetricFamily(
            "callcamp_webhook_oldest_age_seconds",
            "How long ago the oldest event that waits happened.",
            labels=["webhook"],
        )
        failing = GaugeMetricFamily(
            "callcamp_webhook_failing",
            "Whether the receiver did not take the last event.",
            labels=["webhook"],
        )
        now = self._engine.clock.now()
        for one in self._queues:
            label = [str(one.webhook_id)]
            waiting.add_metric(label, one.waiting)
            age.add_metric(label, one.age_s(now))
            failing.add_metric(label, float(one.failing_since is not None))
        yield from (waiting, age, failing)

    def _of_campaigns(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "callcamp_calls",
            "Calls that ended, by campaign and disposition.",
            labels=["campaign", "disposition"],
        )
        flight = GaugeMetricFamily(
            "callcamp_calls_in_flight",
            "Calls in progress, by campaign and state.",
            labels=["campaign", "state"],
        )
        abandoned = GaugeMetricFamily(
            "callcamp_abandon_ratio",
            "Abandoned calls, of those that a person answered.",
            labels=["campaign"],
        )
        contacts = GaugeMetricFamily(
            "callcamp_contacts", "Contacts, by campaign and status.", labels=["campaign", "status"]
        )
        waiting = GaugeMetricFamily(
            "callcamp_contacts_waiting",
            "Pending contacts, by campaign and reason; due: none.",
            labels=["campaign", "reason"],
        )
        views = Counter((view.campaign_id, view.status) for view in self._engine.live.calls())
        for stats in self._stats:
            campaign, counts = str(stats.campaign.id), stats.counts
            for disposition, n in counts.attempts_ended.items():
                calls.add_metric([campaign, disposition.value], n)
            for state in _LIVE:
                flight.add_metric([campaign, state.value], views[stats.campaign.id, state])
            if stats.abandon_rate is not None:
                abandoned.add_metric([campaign], stats.abandon_rate)
            for status in ContactStatus:
                contacts.add_metric([campaign, status.value], counts.contacts.get(status, 0))
            for reason, n in counts.waiting.items():
                waiting.add_metric([campaign, reason.value if reason else "due"], n)
        yield from (calls, flight, abandoned, contacts, waiting)


class _Now:
    """Lets a registry ask for what is so at this moment."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.now()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"callcamp_{name}", text, value=value)
