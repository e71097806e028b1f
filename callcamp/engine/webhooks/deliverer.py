"""Delivers events: in order, each webhook on its own, again and again until it is taken."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from callcamp.core.webhooks import Health, is_refusal, next_try
from callcamp.engine.clock import utc_now
from callcamp.engine.webhooks.sender import Sender
from callcamp.errors import CallcampError, StoreError
from callcamp.ports import Delivery, Outgoing, Tried, Try, WebhookRecords

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
"""Seconds between two looks for what is due."""
BATCH = 50
"""Events of one webhook that are read at a time."""
SAVE_EVERY_S = 1.0
"""Seconds after which what came of tries is kept; a crash in between tells them again."""
MOST_AT_ONCE = 20
"""Webhooks that are told at the same time."""
FIRST_PURGE_S = 60.0
PURGE_EVERY_S = 600.0
PURGE_MOST = 1000
"""Old deliveries that are deleted in one transaction."""
KEEP_DELIVERED = timedelta(days=3)
KEEP_GIVEN_UP = timedelta(days=30)


class Deliverer:
    """Sends what waits in the store.

    Args:
        store: where events wait.
        sender: sends them; not open yet, :meth:`run` opens it.
        clock: the real time, aware UTC: receivers compare what is signed with theirs.
        jitter: returns numbers from 0 to 1 at random.
    """

    def __init__(
        self,
        store: WebhookRecords,
        sender: Sender,
        *,
        clock: Callable[[], datetime] = utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._jitter = jitter
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._purge_at_s = time.monotonic() + FIRST_PURGE_S

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is told again later."""
        # At the start, calls come first.
        await asyncio.sleep(LOOK_EVERY_S)
        async with self._sender:
            try:
                while True:
                    await self._look()
                    await asyncio.sleep(LOOK_EVERY_S)
            finally:
                tasks = list(self._busy.values())
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        try:
            for webhook_id in await self._store.webhooks_ready(now=self._clock()):
                if webhook_id not in self._busy and len(self._busy) < MOST_AT_ONCE:
                    task = asyncio.create_task(self._deliver_all(webhook_id))
                    self._busy[webhook_id] = task
            if time.monotonic() >= self._purge_at_s:
                self._purge_at_s = time.monotonic() + PURGE_EVERY_S
                await self.purge()
        except StoreError as error:
            log.error("webhooks_not_read", problem=error.message)

    async def _deliver_all(self, webhook_id: int) -> None:
        try:
            while await self.deliver(webhook_id):
                pass
        except CallcampError as error:
            log.error("webhook_not_delivered", webhook=webhook_id, problem=error.message)
        finally:
            del self._busy[webhook_id]

    async def deliver(self, webhook_id: int) -> bool:
        """Send what is due for a webhook, until its receiver seems to be down.

        Returns:
            Whether something was sent and there may be more.
        """
        outgoing = await self._store.outgoing(webhook_id, now=self._clock(), limit=BATCH)
        if outgoing is None:
            return False
        health, tried, begun_s = outgoing.health, list[Tried](), time.monotonic()
        try:
            for delivery in outgoing.deliveries:
                attempt = await self._send(outgoing, delivery)
                now = self._clock()
                refused = is_refusal(attempt.status)
                health = health.after(attempt.ok, now, self._jitter(), refused=refused)
                tried.append(self._tried(delivery, attempt, now))
                # A receiver that may be down: the next event waits, and the order stays.
                if health.quiet_until is not None or time.monotonic() - begun_s > SAVE_EVERY_S:
                    break
        finally:
            if tried:
                await self._keep(webhook_id, tried, health)
        return health.quiet_until is None

    async def purge(self) -> int:
        """Delete what was settled long ago; returns how many deliveries."""
        purged = 0
        while True:
            now = self._clock()
            some = await self._store.purge_deliveries(
                delivered_before=now - KEEP_DELIVERED,
                given_up_before=now - KEEP_GIVEN_UP,
                limit=PURGE_MOST,
            )
            purged += some
            if some < PURGE_MOST:
                return purged

    async def _send(self, outgoing: Outgoing, delivery: Delivery) -> Try:
        return await self._sender.send(
            outgoing.webhook.url,
            outgoing.secret,
            delivery.body,
            event=delivery.type.value,
            event_id=delivery.event_id,
            now=self._clock(),
        )

    def _tried(self, delivery: Delivery, attempt: Try, now: datetime) -> Tried:
        if attempt.ok:
            return Tried(delivery.id, attempt, None)
        first = delivery.first_try_at or attempt.at
        again = next_try(first, now, delivery.tries + 1, self._jitter())
        return Tried(delivery.id, attempt, again)

    async def _keep(self, webhook_id: int, tried: list[Tried], health: Health) -> None:
        now = self._clock()
        await self._store.note_tries(webhook_id, tried, health, now=now)
        last = tried[-1].attempt
        if last.ok:
            log.debug("webhook_told", webhook=webhook_id, events=len(tried))
            return
        log.warning(
            "webhook_failed",
            webhook=webhook_id,
            failures=health.failures,
            status=last.status,
            problem=last.problem,
        )
        if health.is_hopeless(now):
            log.error("webhook_switched_off", webhook=webhook_id)
