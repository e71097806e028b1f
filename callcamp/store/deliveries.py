"""Events on their way to webhooks: what is due, what came of it, what is old."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from callcamp.core.webhooks import AN_OUTAGE, EventType, Health
from callcamp.errors import Conflict, NotFound
from callcamp.ports import Delivery, DeliveryStatus, Outgoing, Tried, Try, WebhookQueue
from callcamp.store import rows, webhooks
from callcamp.store import webhook_tables as w
from callcamp.store.columns import Instant, safe_text

_w, _d, _t = w.webhook.c, w.webhook_delivery.c, w.webhook_try.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_NOW = bindparam("now", type_=Instant)
_DUE = or_(_d.due_at.is_(None), _d.due_at <= _NOW)
_AWAKE = or_(_w.quiet_until.is_(None), _w.quiet_until <= _NOW)
_READY = (
    select(_w.id)
    .where(_w.active, _AWAKE, exists().where(_d.webhook_id == _w.id, text(w.PENDING), _DUE))
    .order_by(_w.id)
)
_TO_SEND = (
    select(w.webhook_delivery)
    .where(_d.webhook_id == bindparam("webhook"), text(w.PENDING), _DUE)
    .order_by(_d.id)
    .limit(bindparam("most"))
)
# Asked webhook by webhook, both are answered by the index of what waits alone. Events are written
# in the order in which they happen, so the first id is the oldest.
_OF_ONE = (_d.webhook_id == _w.id, text(w.PENDING))
_QUEUES = (
    select(
        _w.id,
        _w.failing_since,
        select(func.count())
        .where(*_OF_ONE)
        .correlate(w.webhook)
        .scalar_subquery()
        .label("waiting"),
        select(_d.at)
        .where(*_OF_ONE)
        .order_by(_d.id)
        .limit(1)
        .correlate(w.webhook)
        .scalar_subquery()
        .label("oldest_at"),
    )
    .where(_w.active)
    .order_by(_w.id)
)
_LOG = select(w.webhook_try).where(_t.delivery_id.in_(_IDS)).order_by(_t.id)
_SETTLE = (
    update(w.webhook_delivery)
    # Redelivered by hand meanwhile, or given up with its webhook: that stays so.
    .where(_d.id == bindparam("_id"), text(w.PENDING))
    .values(
        status=bindparam("to"),
        tries=_d.tries + 1,
        due_at=bindparam("due"),
        first_try_at=bindparam("first"),
        settled_at=bindparam("settled"),
    )
)


def ready(connection: Connection, now: datetime) -> list[int]:
    """Return the webhooks that have something to be sent now."""
    return list(connection.scalars(_READY, {"now": now}))


def queues(connection: Connection) -> list[WebhookQueue]:
    """Return what waits for each webhook that is switched on."""
    return [
        WebhookQueue(row.id, row.waiting, row.oldest_at, row.failing_since)
        for row in connection.execute(_QUEUES)
    ]


def outgoing(connection: Connection, webhook_id: int, now: datetime, limit: int) -> Outgoing | None:
    """Return what is to be sent to a webhook now; None: nothing is, or it is gone."""
    row = connection.execute(select(w.webhook).where(_w.id == webhook_id)).one_or_none()
    if row is None or not row.active or (row.quiet_until is not None and row.quiet_until > now):
        return None
    values = {"webhook": webhook_id, "now": now, "most": limit}
    found = tuple(_delivery(one) for one in connection.execute(_TO_SEND, values))
    if not found:
        return None
    health = Health(row.failures, row.failing_since, row.quiet_until)
    return Outgoing(webhooks.webhook(row), health, found, row.secret)


def note_tries(
    connection: Connection,
    webhook_id: int,
    tried: Sequence[Tried],
    health: Health,
    now: datetime,
) -> None:
    """Keep what came of tries, and how the webhook does now."""
    statement = select(w.webhook).where(_w.id == webhook_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None or not tried:
        return
    found = rows.by_ids(
        connection,
        select(_d.id, _d.first_try_at).where(_d.id.in_(_IDS)),
        (one.delivery_id for one in tried),
    )
    there = {one.id: one.first_try_at for one in found}
    tried = [one for one in tried if one.delivery_id in there]
    if tried:
        connection.execute(_SETTLE, [_settling(one, there[one.delivery_id], now) for one in tried])
        connection.execute(insert(w.webhook_try), [_logged(one) for one in tried])
    if not row.active:
        return
    values: dict[str, Any] = {
        "failures": health.failures,
        "failing_since": health.failing_since,
        "quiet_until": health.quiet_until,
    }
    if health.is_hopeless(now):
        values |= {"active": False, "switched_off_at": now}
    connection.execute(update(w.webhook).where(_w.id == webhook_id).values(**values))
    if health.is_hopeless(now):
        given_up = webhooks.give_up_waiting(connection, webhook_id, now)
        webhooks.note(
            connection,
            "switched_off",
            webhooks.webhook(row),
            now,
            before={"active": True},
            after={
                "active": False,
                "failing_since": health.failing_since,
                "failures": health.failures,
                "deliveries_given_up": given_up,
            },
        )
    elif not health.failures and row.failures >= AN_OUTAGE:
        connection.execute(
            update(w.webhook_delivery)
            .where(_d.webhook_id == webhook_id, text(w.PENDING))
            .values(due_at=None)
        )


def listing(
    connection: Connection,
    webhook_id: int,
    *,
    status: DeliveryStatus | None,
    before_id: int | None,
    limit: int,
) -> list[Delivery]:
    """Return deliveries of a webhook with their logs, newest first."""
    webhooks.row_of(connection, webhook_id)
    conditions: list[ColumnElement[bool]] = [_d.webhook_id == webhook_id]
    if status is not None:
        conditions.append(_d.status == status.value)
    if before_id is not None:
        conditions.append(_d.id < before_id)
    statement = select(w.webhook_delivery).where(*conditions).order_by(_d.id.desc()).limit(limit)
    return _with_logs(connection, connection.execute(statement).all())


def redeliver(connection: Connection, delivery_id: int, now: datetime) -> Delivery:
    """Send a delivery off again."""
    of = select(_d.webhook_id, _d.status, _d.event_id).where(_d.id == delivery_id)
    row = connection.execute(of.with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.", kind="delivery", key=delivery_id)
    to = webhooks.one(connection, row.webhook_id)
    if not to.active:
        raise Conflict(
            f"Webhook {to.id} is switched off; switch it on before events are sent to it again.",
            webhook=to.id,
        )
    connection.execute(
        update(w.webhook_delivery)
        .where(_d.id == delivery_id)
        .values(
            status=DeliveryStatus.PENDING.value,
            tries=0,
            due_at=None,
            first_try_at=None,
            settled_at=None,
        )
    )
    webhooks.note(
        connection,
        "redelivered",
        to,
        now,
        before={"status": row.status},
        after={"delivery": delivery_id, "event": row.event_id},
    )
    again = select(w.webhook_delivery).where(_d.id == delivery_id)
    return _with_logs(connection, connection.execute(again).all())[0]


def purge(
    connection: Connection, delivered_before: datetime, given_up_before: datetime, limit: int
) -> int:
    """Delete old deliveries that are settled; returns how many."""
    purged = 0
    for status, before in (
        (DeliveryStatus.DELIVERED, delivered_before),
        (DeliveryStatus.GIVEN_UP, given_up_before),
    ):
        old = (
            select(_d.id)
            .where(_d.status == status.value, _d.settled_at < before)
            .order_by(_d.settled_at)
            .limit(limit - purged)
        )
        ids = list(connection.scalars(old))
        purged += rows.update_ids(
            connection, delete(w.webhook_delivery).where(_d.id.in_(_IDS)), ids
        )
    return purged


def _settling(one: Tried, first_try_at: datetime | None, now: datetime) -> dict[str, Any]:
    waits = one.retry_at is not None
    if one.attempt.ok:
        to = DeliveryStatus.DELIVERED
    else:
        to = DeliveryStatus.PENDING if waits else DeliveryStatus.GIVEN_UP
    return {
        "_id": one.delivery_id,
        "to": to.value,
        "due": one.retry_at,
        "first": first_try_at or one.attempt.at,
        "settled": None if waits else now,
    }


def _logged(one: Tried) -> dict[str, Any]:
    attempt = one.attempt
    return {
        "delivery_id": one.delivery_id,
        "at": attempt.at,
        "ms": attempt.ms,
        "status": attempt.status,
        "answer": safe_text(attempt.answer),
        "problem": safe_text(attempt.problem),
    }


def _with_logs(connection: Connection, found: Iterable[Row[Any]]) -> list[Delivery]:
    found = list(found)
    logs: defaultdict[int, list[Try]] = defaultdict(list)
    for row in rows.by_ids(connection, _LOG, (one.id for one in found)):
        logs[row.delivery_id].append(Try(row.at, row.ms, row.status, row.answer, row.problem))
    return [_delivery(row, tuple(logs[row.id])) for row in found]


def _delivery(row: Row[Any], log: tuple[Try, ...] = ()) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        type=EventType(row.type),
        at=row.at,
        body=row.body,
        status=DeliveryStatus(row.status),
        tries=row.tries,
        due_at=row.due_at,
        first_try_at=row.first_try_at,
        settled_at=row.settled_at,
        log=log,
    )
