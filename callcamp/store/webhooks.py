"""Webhooks: where events are sent to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from callcamp.core.webhooks import EventType
from callcamp.errors import NotFound
from callcamp.ports import DeliveryStatus, Try, Webhook
from callcamp.store import audit, campaigns
from callcamp.store import webhook_tables as w
from callcamp.store.columns import plain_text

_w, _d = w.webhook.c, w.webhook_delivery.c
HEALTHY: dict[str, Any] = {
    "failures": 0,
    "failing_since": None,
    "quiet_until": None,
    "switched_off_at": None,
}
"""Columns of a webhook that does not fail."""


def row_of(connection: Connection, webhook_id: int, *, for_update: bool = False) -> Row[Any]:
    """Return the row of a webhook.

    Raises:
        NotFound: there is none.
    """
    statement = select(w.webhook).where(_w.id == webhook_id)
    found = connection.execute(
        statement.with_for_update() if for_update else statement
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no webhook {webhook_id}.", kind="webhook", key=webhook_id)
    return found


def webhook(row: Row[Any]) -> Webhook:
    """Return a webhook."""
    return Webhook(
        id=row.id,
        url=row.url,
        events=frozenset(map(EventType, row.events)),
        campaign_id=row.campaign_id,
        active=row.active,
        created_at=row.created_at,
        failing_since=row.failing_since,
        switched_off_at=row.switched_off_at,
    )


def add(
    connection: Connection,
    url: str,
    secret: str,
    *,
    events: Iterable[EventType],
    campaign_id: int | None,
    now: datetime,
) -> Webhook:
    """Add a webhook.

    Raises:
        NotFound: there is no such campaign.
    """
    if campaign_id is not None:
        campaigns.row_of(connection, campaign_id)
    row = connection.execute(
        insert(w.webhook).returning(*_w),
        {
            "url": plain_text(url, "url"),
            "secret": secret,
            "events": sorted(set(events)),
            "campaign_id": campaign_id,
            "active": True,
            "created_at": now,
            **HEALTHY,
        },
    ).one()
    made = webhook(row)
    note(connection, "added", made, now, after=_told(made))
    return made


def all_webhooks(connection: Connection) -> list[Webhook]:
    """Return all webhooks by id."""
    return [webhook(row) for row in connection.execute(select(w.webhook).order_by(_w.id))]


def one(connection: Connection, webhook_id: int) -> Webhook:
    """Return one webhook."""
    return webhook(row_of(connection, webhook_id))


def secret(connection: Connection, webhook_id: int) -> str:
    """Return what a webhook's events are signed with."""
    found: str = row_of(connection, webhook_id).secret
    return found


def renew_secret(connection: Connection, webhook_id: int, secret: str, now: datetime) -> Webhook:
    """Sign a webhook's events with another secret."""
    row = row_of(connection, webhook_id, for_update=True)
    connection.execute(update(w.webhook).where(_w.id == webhook_id).values(secret=secret))
    renewed = webhook(row)
    note(connection, "secret_renewed", renewed, now)
    return renewed


def change(
    connection: Connection,
    webhook_id: int,
    *,
    url: str | None,
    events: Iterable[EventType] | None,
    active: bool | None,
    now: datetime,
) -> Webhook:
    """Change a webhook."""
    before = webhook(row_of(connection, webhook_id, for_update=True))
    values = dict(HEALTHY)
    if not before.active and active is None:
        values["switched_off_at"] = before.switched_off_at
    if url is not None:
        values["url"] = plain_text(url, "url")
    if events is not None:
        values["events"] = sorted(set(events))
    if active is not None:
        values["active"] = active
    connection.execute(update(w.webhook).where(_w.id == webhook_id).values(**values))
    if active is False:
        give_up_waiting(connection, webhook_id, now)
    after = one(connection, webhook_id)
    note(connection, "changed", after, now, before=_told(before), after=_told(after))
    return after


def give_up_waiting(connection: Connection, webhook_id: int, now: datetime) -> int:
    """Give up what waits for a webhook that is told nothing any more; returns how much."""
    return connection.execute(
        update(w.webhook_delivery)
        .where(_d.webhook_id == webhook_id, text(w.PENDING))
        .values(status=DeliveryStatus.GIVEN_UP.value, due_at=None, settled_at=now)
    ).rowcount


def remove(connection: Connection, webhook_id: int, now: datetime) -> None:
    """Delete a webhook, with its deliveries."""
    gone = webhook(row_of(connection, webhook_id, for_update=True))
    connection.execute(delete(w.webhook).where(_w.id == webhook_id))
    note(connection, "removed", gone, now, before=_told(gone))


def note_tested(connection: Connection, webhook_id: int, attempt: Try) -> None:
    """Note that a webhook was tested."""
    tested = one(connection, webhook_id)
    after = {"status": attempt.status, "problem": attempt.problem}
    note(connection, "tested", tested, attempt.at, after=after)


def note(
    connection: Connection,
    action: str,
    of: Webhook,
    now: datetime,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Note in the audit what was done to a webhook."""
    audit.note(
        connection,
        action=f"webhook.{action}",
        kind="webhook",
        subject=str(of.id),
        campaign_id=of.campaign_id,
        before=before,
        after=after,
        now=now,
    )


def _told(one_: Webhook) -> dict[str, Any]:
    # Of the address no more than where it leads: its path may be a secret, and the audit is
    # for ever.
    parts = urlsplit(one_.url)
    return {
        "to": f"{parts.scheme}://{parts.netloc}",
        "events": one_.events,
        "active": one_.active,
    }
