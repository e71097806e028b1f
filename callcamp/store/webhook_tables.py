"""The tables of webhooks, in the one schema of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from callcamp.store.columns import Instant, JsonText, key_type
from callcamp.store.tables import metadata

PENDING = "webhook_delivery.status = 'pending'"
"""Condition of the deliveries that wait; queries repeat it word for word."""
_ONLY_PENDING = text("status = 'pending'")

webhook = Table(
    "webhook",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("events", JsonText, nullable=False),
    Column("campaign_id", key_type(), ForeignKey("campaign.id")),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Instant),
    Column("quiet_until", Instant),
    Column("switched_off_at", Instant),
    sqlite_autoincrement=True,
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("webhook_id", key_type(), ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Instant),
    Column("first_try_at", Instant),
    Column("settled_at", Instant),
    CheckConstraint("status IN ('pending', 'delivered', 'given_up')", name="status"),
    CheckConstraint("(status = 'pending') = (settled_at IS NULL)", name="settled"),
    Index("ix_webhook_delivery_page", "webhook_id", "id"),
    Index(
        "ix_webhook_delivery_pending",
        "webhook_id",
        "id",
        sqlite_where=_ONLY_PENDING,
        postgresql_where=_ONLY_PENDING,
    ),
    Index("ix_webhook_delivery_settled", "status", "settled_at"),
    sqlite_autoincrement=True,
)

webhook_try = Table(
    "webhook_try",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column(
        "delivery_id",
        key_type(),
        ForeignKey("webhook_delivery.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("at", Instant, nullable=False),
    Column("ms", Integer, nullable=False),
    Column("status", Integer),
    Column("answer", Text, nullable=False),
    Column("problem", Text),
    Index("ix_webhook_try_delivery", "delivery_id", "id"),
    sqlite_autoincrement=True,
)
