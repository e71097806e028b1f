"""Use-cases on webhooks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import uuid4

from callcamp.core.webhooks import EventType, event_body
from callcamp.engine.checks import shorten
from callcamp.engine.webhooks.sender import Sender
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports import Delivery, DeliveryStatus, Try, Webhook, WebhookQueue, WebhookRecords
from callcamp.settings import Settings

PING = "ping"
"""Type of the event that a test sends; nobody subscribes to it."""
MOST_WEBHOOKS = 50
MOST_LISTED = 1000
"""Deliveries in one list, at most."""


def read_events(names: Collection[str]) -> frozenset[EventType]:
    """Return the events of these names; none, or ``*`` among them: all there are.

    Raises:
        InvalidInput: there is no such event.
    """
    if not names or "*" in names:
        return frozenset(EventType)
    known = {event.value: event for event in EventType}
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"events has {shorten(name)}; there are {', '.join(known)}.",
                field="events",
                value=name,
            )
    return frozenset(known[name] for name in names)


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


class Webhooks:
    """Use-cases on webhooks; what they change is audited.

    Args:
        store: where they are kept.
        settings: whether private addresses are allowed.
        clock: returns now, aware UTC.
        sender: makes what sends tests and checks addresses (None: the usual one).
    """

    def __init__(
        self,
        store: WebhookRecords,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        sender: Callable[[], Sender] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sender = sender or (lambda: Sender(allow_private=settings.webhook_allow_private))

    async def add(
        self, url: str, events: Collection[str] = (), campaign_id: int | None = None
    ) -> tuple[str, Webhook]:
        """Add a webhook, which is told what happens from now on.

        Args:
            url: where to, http or https.
            events: names of events (none: all).
            campaign_id: of which campaign only (None: of all).

        Returns:
            The secret that its events are signed with, which is shown only here, and it.

        Raises:
            InvalidInput: the address or an event is unusable.
            Conflict: there are too many webhooks.
            NotFound: there is no such campaign.
        """
        chosen = read_events(events)
        await self._sender().check(url)
        if len(await self._store.webhooks()) >= MOST_WEBHOOKS:
            raise Conflict(
                f"There are {MOST_WEBHOOKS} webhooks, which is the most; remove one first.",
                limit=MOST_WEBHOOKS,
            )
        secret = _new_secret()
        made = await self._store.add_webhook(
            url, secret, chosen, campaign_id=campaign_id, now=self._clock()
        )
        return secret, made

    async def list(self) -> list[Webhook]:
        """Return all webhooks by id."""
        return await self._store.webhooks()

    async def queues(self) -> Sequence[WebhookQueue]:
        """Return what waits for each webhook that is switched on, by webhook."""
        return await self._store.webhook_queues()

    async def show(self, webhook_id: int) -> Webhook:
        """Return one webhook.

        Raises:
            NotFound: there is none.
        """
        return await self._store.webhook(webhook_id)

    async def change(
        self,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Collection[str] | None = None,
        active: bool | None = None,
    ) -> Webhook:
        """Change a webhook (None: as it is), or switch it on or off.

        What waits for one that is switched off is given up; what happens meanwhile is not told.

        Raises:
            InvalidInput: the address or an event is unusable.
            NotFound: there is no such webhook.
        """
        chosen = None if events is None else read_events(events)
        if url is not None:
            await self._sender().check(url)
        return await self._store.change_webhook(
            webhook_id, url=url, events=chosen, active=active, now=self._clock()
        )

    async def renew_secret(self, webhook_id: int) -> tuple[str, Webhook]:
        """Sign a webhook's events with a new secret from now on; the one before is forgotten.

        What waits is signed with the new one when it is sent. Events that are being sent at this
        moment, a second's worth at most, may still bear the one before.

        Returns:
            The secret, which is shown only here, and the webhook.

        Raises:
            NotFound: there is no such webhook.
        """
        secret = _new_secret()
        return secret, await self._store.renew_webhook_secret(webhook_id, secret, now=self._clock())

    async def remove(self, webhook_id: int) -> None:
        """Delete a webhook, with what waits for it and its log.

        Raises:
            NotFound: there is none.
        """
        await self._store.remove_webhook(webhook_id, now=self._clock())

    async def deliveries(
        self,
        webhook_id: int,
        *,
        status: DeliveryStatus | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        """Return deliveries of a webhook with every try, newest first.

        Args:
            webhook_id: the webhook.
            status: only these.
            before_id: only those older than this one.
            limit: how many at most, up to 1000.

        Raises:
            InvalidInput: the limit is none.
            NotFound: there is no such webhook.
        """
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInput(
                f"limit is {limit}; give 1 to {MOST_LISTED}.", field="limit", value=limit
            )
        return await self._store.deliveries(
            webhook_id, status=status, before_id=before_id, limit=limit
        )

    async def redeliver(self, delivery_id: int) -> Delivery:
        """Have a delivery sent again by the engine, with the same event id and body.

        Raises:
            NotFound: there is none.
            Conflict: its webhook is switched off.
        """
        return await self._store.redeliver(delivery_id, now=self._clock())

    async def test(self, webhook_id: int) -> Try:
        """Send a ``ping`` now, past everything that waits; returns what came of it.

        Raises:
            NotFound: there is no such webhook.
        """
        webhook = await self._store.webhook(webhook_id)
        secret = await self._store.webhook_secret(webhook_id)
        now, event_id = self._clock(), f"evt_{uuid4().hex}"
        body = event_body(event_id, PING, now, {"webhook": {"id": webhook.id}})
        async with self._sender() as sender:
            attempt = await sender.send(
                webhook.url, secret, body, event=PING, event_id=event_id, now=now
            )
        await self._store.note_webhook_tested(webhook_id, attempt)
        return attempt
