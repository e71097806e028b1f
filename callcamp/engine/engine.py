"""The engine: everything that dials and tracks, assembled and run as one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import structlog

from callcamp.core.schedule import holiday_name
from callcamp.core.states import AttemptEvent, AttemptStatus
from callcamp.engine.access import Access
from callcamp.engine.agents.desk import AgentDesk
from callcamp.engine.book import CampaignBook
from callcamp.engine.claiming import Claiming
from callcamp.engine.clock import Clock, utc_now
from callcamp.engine.commands import Commands
from callcamp.engine.departures import Departures
from callcamp.engine.dialer import Dialer
from callcamp.engine.directory_imports import DirectoryImports
from callcamp.engine.forbidden import Forbidden
from callcamp.engine.imports import Imports
from callcamp.engine.lanes import Lanes
from callcamp.engine.legal import load_presets
from callcamp.engine.lifecycle import Lifecycle
from callcamp.engine.list_files import ListFiles
from callcamp.engine.live import LiveFeed
from callcamp.engine.planning import Planner, WayOut
from callcamp.engine.reconcile import Reconciler
from callcamp.engine.registry import Registry, Track
from callcamp.engine.right import EngineRight
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.sight import Sight
from callcamp.engine.tracker import Returned, Tracker
from callcamp.engine.vitals import Vitals, oldest_unsettled_s
from callcamp.engine.webhooks import Deliverer, Sender, Webhooks
from callcamp.errors import StoreError, SwitchUnavailable
from callcamp.ports import CallGateway, Store
from callcamp.settings import Settings

log = structlog.get_logger(__name__)

PURGE_EVERY_S = 3600.0
SWEEP_EVERY_S = 300.0


class Engine:
    """One engine over one database and one Asterisk.

    Args:
        store: an open store.
        gateway: a gateway not started yet.
        settings: leases, margins and limits.
        clock: the engine's clock.
    """

    def __init__(
        self, store: Store, gateway: CallGateway, settings: Settings, clock: Clock | None = None
    ) -> None:
        self.store = store
        self.gateway = gateway
        self.settings = settings
        self.clock = clock or Clock()
        self.live = LiveFeed()
        self.right = EngineRight(store, state=self.state, news=self._news)
        # Log-ins go by the real clock, also where the engine's runs faster than the world.
        self.access = Access(store, settings)
        self._registry = Registry()
        self._book = CampaignBook(store, self._registry)
        self._rules = RuleBook(load_presets(settings))
        self._forbidden = Forbidden(self.clock)
        self.tracker = Tracker(
            store=store,
            gateway=gateway,
            registry=self._registry,
            book=self._book,
            rules=self._rules,
            live=self.live,
            clock=self.clock,
            sight=Sight(on_agreed=self._on_agreed),
            forbidden=self._forbidden,
            margin_s=settings.settle_margin_s,
            on_committed=self._on_committed,
        )
        self.agents = AgentDesk(
            store=store,
            gateway=gateway,
            switchboard=gateway.switchboard,
            registry=self._registry,
            tracker=self.tracker,
            book=self._book,
            live=self.live,
            clock=self.clock,
            dial=self._dial,
            on_room=self._on_room,
        )
        self._lanes = Lanes(
            gateway=gateway,
            registry=self._registry,
            tracker=self.tracker,
            forbidden=self._forbidden,
            live=self.live,
            clock=self.clock,
            may_send=self._may_send,
            on_room=self._on_room,
        )
        self.agents.outside.on_call = self._lanes.note_outside_call
        self._departures = Departures(
            store=store,
            registry=self._registry,
            tracker=self.tracker,
            desk=self.agents,
            clock=self.clock,
        )
        lifecycle = Lifecycle(store, self._book, self._rules, settings)
        self._dialer = Dialer(
            store=store,
            registry=self._registry,
            book=self._book,
            rules=self._rules,
            lifecycle=lifecycle,
            desk=self.agents,
            planner=Planner(
                store=store,
                registry=self._registry,
                book=self._book,
                rules=self._rules,
                desk=self.agents,
                way=self._way_out,
                is_switched_off=lifecycle.is_switched_off,
            ),
            claiming=Claiming(
                store=store,
                registry=self._registry,
                tracker=self.tracker,
                book=self._book,
                desk=self.agents,
                clock=self.clock,
                lease_s=settings.lease_s,
            ),
            departures=self._departures,
            lanes=self._lanes,
            live=self.live,
            clock=self.clock,
        )
        self.tracker.on_step = self._on_step
        self.tracker.on_agent_fact = self.agents.note
        self._reconciler = Reconciler(
            store=store,
            gateway=gateway,
            registry=self._registry,
            tracker=self.tracker,
            clock=self.clock,
            margin_s=settings.settle_margin_s,
            max_call_s=settings.max_call_s,
        )
        self.commands = Commands(
            store,
            clock=self.clock.now,
            on_change=self._on_change,
            on_contacts=self._dialer.contacts_changed,
            on_suppressed=self._forbidden.add,
            live=self.live,
            own_engine=self.state,
            rules=self._rules,
            settings=settings,
        )
        self.agents.noting.commands = self.commands
        # Receivers compare what is signed with their own clock: the real one, also when the
        # engine's runs faster.
        self.webhooks = Webhooks(store, settings, utc_now)
        self._deliverer = Deliverer(
            store, Sender(allow_private=settings.webhook_allow_private), clock=utc_now
        )
        self.imports = Imports(store, settings, self.clock.now)
        self.directory_imports = DirectoryImports(settings, self.clock.now)
        self.list_files = ListFiles(
            settings,
            self.clock.now,
            on_change=self._on_change,
            on_suppressed=self._forbidden.add,
        )
        self._tasks: list[asyncio.Task[Any]] = []
        self.failed: asyncio.Future[BaseException] | None = None
        """Resolves with the reason when a task of the engine dies or its right is lost."""

    @property
    def link_up(self) -> bool:
        """Whether Asterisk can be reached now."""
        return self.gateway.link_up

    @property
    def link_problem(self) -> str | None:
        """Why Asterisk cannot be reached, in words."""
        return self.gateway.last_problem

    async def start(self) -> None:
        """Take the database over, connect, pick up what was live, and dial.

        Asterisk being away is no error: the engine keeps trying, pages show why.

        Raises:
            Conflict: another engine works on this database.
            BadCredentials: Asterisk refuses the log-in.
        """
        await self.right.take()
        # The library of public holidays takes half a second to load, which no call should wait for.
        await asyncio.to_thread(holiday_name, "FR", self.clock.now().date())
        self.failed = asyncio.get_running_loop().create_future()
        try:
            await self._pick_up()
            await self.agents.restore()
            with contextlib.suppress(SwitchUnavailable):
                await self.gateway.start()
        except BaseException:
            await self.stop()
            raise
        for name, coroutine in (
            ("hold", self.right.keep()),
            ("events", self.tracker.read_events()),
            ("commit", self.tracker.commit_forever()),
            ("tidy", self.tracker.tidying.run()),
            ("reconcile", self._reconciler.run()),
            ("dialer", self._dialer.run()),
            ("agents", self.agents.run_clock()),
            ("agents-legs", self.agents.run_legs()),
            ("agents-queues", self.agents.queueing.run()),
            ("agents-states", self.agents.floor.write_forever()),
            ("purge", self._purge_imports()),
            ("sweep", self._sweep_registers()),
            ("webhooks", self._deliverer.run()),
        ):
            self._spawn(name, coroutine)

    async def stop(self) -> None:
        """Stop dialling, commit what is known, disconnect. Calls in progress go on.

        Their ends wait in Asterisk's outbox until the next start. Safe twice.
        """
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._dialer.close()
        await self.gateway.close()
        with contextlib.suppress(StoreError):
            await self.tracker.commit()
            await self.agents.close()
            await self.right.release()
        if self.failed is not None and not self.failed.done():
            self.failed.cancel()

    def state(self) -> dict[str, Any]:
        """Return what the command line and the pages of other processes want to know."""
        return {
            "link_up": self.link_up,
            "synced": self.tracker.synced,
            "link_problem": self.link_problem,
            **self._dialer.state(),
        }

    def _news(self) -> object:
        return self.link_up, self._registry.outside_calls()

    def vitals(self) -> Vitals:
        """Return how the engine is, for health checks and metrics."""
        return Vitals(
            running=self.failed is not None and not self.failed.done(),
            holds_right=self.right.holds(),
            synced=self.tracker.synced,
            live=len(self._registry),
            backlog=self.tracker.backlog(),
            unsettled_s=oldest_unsettled_s(
                self._registry,
                self.clock.now(),
                margin_s=self.settings.settle_margin_s,
                max_call_s=self.settings.max_call_s,
            ),
            trunks=self._lanes.vitals(),
        )

    def _on_change(self, _campaign_id: int | None) -> None:
        self._dialer.campaigns_changed()

    def _on_committed(self, returned: list[Returned]) -> None:
        self._dialer.contacts_returned(returned)

    def _on_step(self, track: Track, event: AttemptEvent) -> None:
        if event in {AttemptEvent.ENDED, AttemptEvent.NOT_PLACED}:
            self._departures.forget(track.attempt_id)
        self.agents.note_step(track, event)

    async def _dial(self, track: Track) -> bool:
        return await self._departures.dial(track)

    def _on_room(self) -> None:
        self._dialer.wake()

    def _way_out(self) -> WayOut:
        return WayOut(self.link_up, self.tracker.synced, self.right.holds())

    def _may_send(self, track: Track) -> bool:
        return self.right.holds() and self._book.is_running(track.campaign_id, track.version)

    def _on_agreed(self) -> None:
        self.agents.link_changed()
        self._dialer.wake()

    async def _purge_imports(self) -> None:
        """Delete uploads that nobody needs any more, now and every hour."""
        while True:
            removed = await self.imports.purge_older_than(
                timedelta(days=self.settings.import_keep_days)
            )
            if removed:
                log.info("imports_purged", imports=removed)
            await asyncio.sleep(PURGE_EVERY_S)

    async def _sweep_registers(self) -> None:
        """Throw away what killed imports of registers left, now and every five minutes."""
        while True:
            try:
                swept = await self.store.sweep_dnc_lists()
            except StoreError as error:
                log.warning("registers_not_swept", problem=error.message)
            else:
                if swept:
                    log.info("registers_swept", copies=swept)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _pick_up(self) -> None:
        """Follow the attempts that an earlier engine left; what was never sent is freed."""
        for attempt in await self.store.live_attempts():
            track = await self._book.follow(attempt)
            if attempt.status is AttemptStatus.CLAIMED:
                self.tracker.release(track)
            elif attempt.status is AttemptStatus.UNKNOWN and track.sent_at is not None:
                track.check_at = track.sent_at + timedelta(seconds=self.settings.settle_margin_s)
                self.tracker.show(track, track.sent_at)
            else:
                self.tracker.show(track, track.sent_at or track.claimed_at)
        await self.tracker.commit()
        if len(self._registry):
            log.info("picked_up", live=len(self._registry))

    def _spawn(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine, name=f"callcamp-{name}")
        task.add_done_callback(self._on_task_done)
        self._tasks.append(task)

    def _on_task_done(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or self.failed is None or self.failed.done():
            return
        error = task.exception() or RuntimeError(f"{task.get_name()} ended by itself")
        log.error("engine_task_died", task=task.get_name(), problem=repr(error))
        self.failed.set_result(error)
