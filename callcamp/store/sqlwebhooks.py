"""The webhooks of :mod:`callcamp.ports`, on SQLite or PostgreSQL: a part of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from callcamp.core.webhooks import EventType, Health
from callcamp.ports import Delivery, DeliveryStatus, Outgoing, Tried, Try, Webhook, WebhookQueue
from callcamp.store import deliveries as deliveries_
from callcamp.store import webhooks as webhooks_
from callcamp.store.database import Database


class WebhooksSql:
    """Webhooks and their deliveries; fulfils :class:`callcamp.ports.WebhookRecords`."""

    _db: Database

    async def add_webhook(
        self,
        url: str,
        secret: str,
        events: Iterable[EventType],
        *,
        campaign_id: int | None = None,
        now: datetime,
    ) -> Webhook:
        """Add a webhook; it is told what happens from now on."""
        return await self._db.write(
            webhooks_.add, url, secret, events=list(events), campaign_id=campaign_id, now=now
        )

    async def webhooks(self) -> list[Webhook]:
        """Return all webhooks by id."""
        return await self._db.read(webhooks_.all_webhooks)

    async def webhook(self, webhook_id: int) -> Webhook:
        """Return one webhook."""
        return await self._db.read(webhooks_.one, webhook_id)

    async def webhook_secret(self, webhook_id: int) -> str:
        """Return what a webhook's events are signed with."""
        return await self._db.read(webhooks_.secret, webhook_id)

    async def renew_webhook_secret(self, webhook_id: int, secret: str, *, now: datetime) -> Webhook:
        """Sign a webhook's events with another secret; the one before is forgotten."""
        return await self._db.write(webhooks_.renew_secret, webhook_id, secret, now)

    async def change_webhook(
        self,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Iterable[EventType] | None = None,
        active: bool | None = None,
        now: datetime,
    ) -> Webhook:
        """Change a webhook (None: as it is); its failures are forgotten."""
        chosen = None if events is None else list(events)
        return await self._db.write(
            webhooks_.change, webhook_id, url=url, events=chosen, active=active, now=now
        )

    async def remove_webhook(self, webhook_id: int, *, now: datetime) -> None:
        """Delete a webhook, with its deliveries."""
        await self._db.write(webhooks_.remove, webhook_id, now)

    async def note_webhook_tested(self, webhook_id: int, attempt: Try) -> None:
        """Note in the audit that a webhook was tested, and what came of it."""
        await self._db.write(webhooks_.note_tested, webhook_id, attempt)

    async def deliveries(
        self,
        webhook_id: int,
        *,
        status: DeliveryStatus | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Return deliveries of a webhook with their logs, newest first."""
        return await self._db.read(
            deliveries_.listing, webhook_id, status=status, before_id=before_id, limit=limit
        )

    async def redeliver(self, delivery_id: int, *, now: datetime) -> Delivery:
        """Send a delivery off again, whatever became of it; its log is kept."""
        return await self._db.write(deliveries_.redeliver, delivery_id, now)

    async def webhooks_ready(self, *, now: datetime) -> list[int]:
        """Return the webhooks that have something to be sent now."""
        return await self._db.read(deliveries_.ready, now)

    async def webhook_queues(self) -> list[WebhookQueue]:
        """Return what waits for each webhook that is switched on, by webhook."""
        return await self._db.read(deliveries_.queues)

    async def outgoing(self, webhook_id: int, *, now: datetime, limit: int) -> Outgoing | None:
        """Return what is to be sent to a webhook now, oldest first; None: nothing is."""
        return await self._db.read(deliveries_.outgoing, webhook_id, now, limit)

    async def note_tries(
        self, webhook_id: int, tried: Sequence[Tried], health: Health, *, now: datetime
    ) -> None:
        """Keep what came of tries, and how the webhook does now."""
        await self._db.write(deliveries_.note_tries, webhook_id, tried, health, now)

    async def purge_deliveries(
        self, *, delivered_before: datetime, given_up_before: datetime, limit: int
    ) -> int:
        """Delete old deliveries that are settled, some at a time; returns how many."""
        return await self._db.write(deliveries_.purge, delivered_before, given_up_before, limit)
