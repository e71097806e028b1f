"""Webhooks: where events are sent to, and what became of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from callcamp.core.permissions import Permission
from callcamp.core.webhooks import EventType
from callcamp.http.rest.fields import (
    Id,
    In,
    Line500,
    Moment,
    Out,
    Page,
    PageQuery,
    Query,
    cursor_after,
)
from callcamp.http.rest.route import Call, Reply, RestRoute
from callcamp.ports.webhooks import DeliveryStatus, Webhook

_V1 = "/api/v1"
_HOOK = _V1 + "/webhooks/{webhook_id:[0-9]{1,15}}"
_ADMIN = Permission.ADMINISTER
Events = Annotated[
    list[Annotated[EventType, Field(strict=False)]],
    Field(max_length=50, description="Which events; an empty list is all of them."),
]


class WebhookOut(Out):
    """Where events are sent to, without its secret."""

    id: int
    url: str
    events: list[EventType]
    campaign_id: int | None
    active: bool
    created_at: Moment
    failing_since: Moment | None
    switched_off_at: Moment | None


class WebhooksPage(Page[WebhookOut]):
    """All webhooks."""


class WebhookIn(In):
    """A webhook to add."""

    url: Annotated[Line500, Field(examples=["https://crm.example/callcamp"])]
    events: Events = Field(default_factory=list)
    campaign_id: Id | None = None


class WebhookChange(In):
    """What to change of a webhook; what is left out stays as it is."""

    url: Line500 | None = None
    events: Events | None = None
    active: bool | None = None


class WebhookMade(WebhookOut):
    """A webhook and the secret that its events are signed with, which is shown only here."""

    secret: str


class TryOut(Out):
    """One try of a delivery."""

    at: Moment
    ms: int
    status: int | None
    answer: str
    problem: str | None


class DeliveryOut(Out):
    """An event on its way to a webhook."""

    id: int
    webhook_id: int
    event_id: str
    type: str
    at: Moment
    status: DeliveryStatus
    tries: int
    due_at: Moment | None
    settled_at: Moment | None
    log: list[TryOut]


class DeliveriesPage(Page[DeliveryOut]):
    """A page of deliveries, newest first."""


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    status: Annotated[DeliveryStatus | None, Field(strict=False)] = None


def _shown(webhook: Webhook) -> WebhookOut:
    found = WebhookOut.model_validate(webhook)
    return found.model_copy(update={"events": sorted(webhook.events)})


async def webhooks(call: Call[Query, None]) -> Reply:
    """List webhooks."""
    found = await call.engine.webhooks.list()
    return Reply(WebhooksPage(items=[_shown(webhook) for webhook in found]))


async def add_webhook(call: Call[Query, WebhookIn]) -> Reply:
    """Add a webhook."""
    body = call.body
    secret, webhook = await call.engine.webhooks.add(
        body.url, [event.value for event in body.events], body.campaign_id
    )
    return Reply(WebhookMade(**_shown(webhook).model_dump(), secret=secret), 201)


async def show_webhook(call: Call[Query, None]) -> Reply:
    """Show a webhook."""
    return Reply(_shown(await call.engine.webhooks.show(call.id("webhook_id"))))


async def change_webhook(call: Call[Query, WebhookChange]) -> Reply:
    """Change a webhook."""
    body = call.body
    events = None if body.events is None else [event.value for event in body.events]
    changed = await call.engine.webhooks.change(
        call.id("webhook_id"), url=body.url, events=events, active=body.active
    )
    return Reply(_shown(changed))


async def renew_secret(call: Call[Query, None]) -> Reply:
    """Sign events with a new secret; the one before is good no more."""
    secret, webhook = await call.engine.webhooks.renew_secret(call.id("webhook_id"))
    return Reply(WebhookMade(**_shown(webhook).model_dump(), secret=secret))


async def remove_webhook(call: Call[Query, None]) -> Reply:
    """Delete a webhook."""
    await call.engine.webhooks.remove(call.id("webhook_id"))
    return Reply(status=204)


async def deliveries(call: Call[DeliveriesQuery, None]) -> Reply:
    """List what was sent, or waits to be, newest first."""
    query = call.query
    found = await call.engine.webhooks.deliveries(
        call.id("webhook_id"),
        status=query.status,
        before_id=query.after_id() or None,
        limit=query.limit,
    )
    items = [DeliveryOut.model_validate(one) for one in found]
    more = cursor_after(items[-1].id) if len(items) == query.limit else None
    return Reply(DeliveriesPage(items=items, next=more))


async def redeliver(call: Call[Query, None]) -> Reply:
    """Send a delivery again."""
    again = await call.engine.webhooks.redeliver(call.id("delivery_id"))
    return Reply(DeliveryOut.model_validate(again))


async def test_webhook(call: Call[Query, None]) -> Reply:
    """Send a ping now."""
    return Reply(TryOut.model_validate(await call.engine.webhooks.test(call.id("webhook_id"))))


ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", f"{_V1}/webhooks", webhooks, _ADMIN, "List webhooks", WebhooksPage),
    RestRoute(
        "POST", f"{_V1}/webhooks", add_webhook, _ADMIN, "Add a webhook; its secret is shown here",
        WebhookMade, body=WebhookIn, status=201, secret=True,
    ),
    RestRoute("GET", _HOOK, show_webhook, _ADMIN, "Show a webhook", WebhookOut),
    RestRoute(
        "PATCH", _HOOK, change_webhook, _ADMIN, "Change a webhook", WebhookOut, body=WebhookChange
    ),
    RestRoute(
        "POST", f"{_HOOK}/renew-secret", renew_secret, _ADMIN,
        "Give a webhook a new secret; it is shown here", WebhookMade, secret=True,
    ),
    RestRoute("DELETE", _HOOK, remove_webhook, _ADMIN, "Delete a webhook", status=204),
    RestRoute(
        "GET", f"{_HOOK}/deliveries", deliveries, _ADMIN, "List the deliveries of a webhook",
        DeliveriesPage, DeliveriesQuery,
    ),
    RestRoute("POST", f"{_HOOK}/test", test_webhook, _ADMIN, "Send a ping to a webhook", TryOut),
    RestRoute(
        "POST", _V1 + "/deliveries/{delivery_id:[0-9]{1,15}}/redeliver", redeliver, _ADMIN,
        "Send a delivery again", DeliveryOut,
    ),
)  # fmt: skip
