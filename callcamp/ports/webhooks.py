"""The contract of webhooks and of the events that wait to be delivered to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from callcamp.core.webhooks import EventType, Health


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are sent to. Its secret is not part of it.

    Args:
        id: number in the store.
        url: where to.
        events: which events.
        campaign_id: of which campaign only (None: of all).
        active: whether it is told at all.
        created_at: when it was added.
        failing_since: since when it fails (None: it does not).
        switched_off_at: when callcamp switched it off because it failed for days.
    """

    id: int
    url: str
    events: frozenset[EventType]
    campaign_id: int | None
    active: bool
    created_at: datetime
    failing_since: datetime | None = None
    switched_off_at: datetime | None = None


class DeliveryStatus(StrEnum):
    """Where a delivery stands: it waits, the receiver took it, or it is tried no more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a delivery.

    Args:
        at: when it began.
        ms: how long it took, milliseconds.
        status: HTTP status of the answer (None: there was no answer).
        answer: the first characters of the answer.
        problem: why there was no answer, or why it does not count (None: it does).
    """

    at: datetime
    ms: int
    status: int | None = None
    answer: str = ""
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the receiver took it."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook.

    Args:
        id: number in the store; deliveries of one webhook are sent by it.
        webhook_id: where to.
        event_id: the event's id, the same for every webhook.
        type: the event's type.
        at: when it happened.
        body: what is sent, JSON.
        status: where it stands.
        tries: how often it was tried since it was last sent off.
        due_at: when it is tried next, while pending (None: at once).
        first_try_at: when it was first tried since it was last sent off.
        settled_at: when it was delivered or given up.
        log: its tries, oldest first.
    """

    id: int
    webhook_id: int
    event_id: str
    type: EventType
    at: datetime
    body: str
    status: DeliveryStatus
    tries: int
    due_at: datetime | None
    first_try_at: datetime | None
    settled_at: datetime | None
    log: tuple[Try, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent to a webhook now: the webhook, its secret, its health, deliveries."""

    webhook: Webhook
    health: Health
    deliveries: tuple[Delivery, ...]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try, to be kept.

    Args:
        delivery_id: of which delivery.
        attempt: the try.
        retry_at: when it is tried again (None: it was taken, or is given up).
    """

    delivery_id: int
    attempt: Try
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookQueue:
    """What waits for one webhook that is told something.

    Args:
        webhook_id: the webhook.
        waiting: deliveries that wait.
        oldest_at: when the oldest event that waits happened (None: none waits).
        failing_since: since when it fails (None: it does not).
    """

    webhook_id: int
    waiting: int
    oldest_at: datetime | None
    failing_since: datetime | None

    def age_s(self, now: datetime) -> float:
        """Return for how long the oldest event has waited, in seconds; 0 when none waits."""
        if self.oldest_at is None:
            return 0.0
        return max(0.0, (now - self.oldest_at).total_seconds())


class WebhookRecords(Protocol):
    """What is kept of webhooks. Every method is one transaction; changes are audited.

    Events are written by the store itself, in the transactions of what they tell.
    Neither secrets nor the paths of addresses go into the audit.
    """

    async def add_webhook(
        self,
        url: str,
        secret: str,
        events: Iterable[EventType],
        *,
        campaign_id: int | None = None,
        now: datetime,
    ) -> Webhook:
        """Add a webhook; it is told what happens from now on.

        Raises:
            NotFound: there is no such campaign.
        """
        ...

    async def webhooks(self) -> list[Webhook]:
        """Return all webhooks by id."""
        ...

    async def webhook(self, webhook_id: int) -> Webhook:
        """Return one webhook.

        Raises:
            NotFound: there is none.
        """
        ...

    async def webhook_secret(self, webhook_id: int) -> str:
        """Return what a webhook's events are signed with.

        Raises:
            NotFound: there is no such webhook.
        """
        ...

    async def renew_webhook_secret(self, webhook_id: int, secret: str, *, now: datetime) -> Webhook:
        """Sign a webhook's events with another secret; the one before is forgotten.

        Raises:
            NotFound: there is no such webhook.
        """
        ...

    async def change_webhook(
        self,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Iterable[EventType] | None = None,
        active: bool | None = None,
        now: datetime,
    ) -> Webhook:
        """Change a webhook (None: as it is); its failures are forgotten.

        What waits for one that is switched off is given up.

        Raises:
            NotFound: there is none.
        """
        ...

    async def remove_webhook(self, webhook_id: int, *, now: datetime) -> None:
        """Delete a webhook, with its deliveries.

        Raises:
            NotFound: there is none.
        """
        ...

    async def note_webhook_tested(self, webhook_id: int, attempt: Try) -> None:
        """Note in the audit that a webhook was tested, and what came of it."""
        ...

    async def deliveries(
        self,
        webhook_id: int,
        *,
        status: DeliveryStatus | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Return deliveries of a webhook with their logs, newest first.

        Raises:
            NotFound: there is no such webhook.
        """
        ...

    async def redeliver(self, delivery_id: int, *, now: datetime) -> Delivery:
        """Send a delivery off again, whatever became of it; its log is kept.

        Raises:
            NotFound: there is none.
            Conflict: its webhook is switched off.
        """
        ...

    async def webhooks_ready(self, *, now: datetime) -> list[int]:
        """Return the webhooks that have something to be sent now."""
        ...

    async def webhook_queues(self) -> list[WebhookQueue]:
        """Return what waits for each webhook that is switched on, by webhook."""
        ...

    async def outgoing(self, webhook_id: int, *, now: datetime, limit: int) -> Outgoing | None:
        """Return what is to be sent to a webhook now, oldest first; None: nothing is."""
        ...

    async def note_tries(
        self, webhook_id: int, tried: Sequence[Tried], health: Health, *, now: datetime
    ) -> None:
        """Keep what came of tries, and how the webhook does now.

        One that is hopeless is switched off, and what waits for it given up. When one works
        again after an outage, what failed meanwhile is due at once, so that it comes in order.
        """
        ...

    async def purge_deliveries(
        self, *, delivered_before: datetime, given_up_before: datetime, limit: int
    ) -> int:
        """Delete old deliveries that are settled, some at a time; returns how many."""
        ...
