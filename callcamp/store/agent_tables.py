"""The tables of agents and their work, in the one schema of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from callcamp.core.agents import AgentState, PhoneKind
from callcamp.store.columns import Instant, JsonText, key_type, sorted_text
from callcamp.store.tables import metadata, one_of

_LASTS = text("ended_at IS NULL")

agent = Table(
    "agent",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("name", sorted_text(), nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("phone_kind", Text, nullable=False),
    Column("phone_address", Text, nullable=False),
    Column("trunk_id", key_type(), ForeignKey("trunk.id")),
    Column("phone_secret", Text, nullable=False),
    CheckConstraint(one_of("phone_kind", PhoneKind), name="phone_kind"),
    sqlite_autoincrement=True,
)

campaign_agent = Table(
    "campaign_agent",
    metadata,
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("agent_id", key_type(), ForeignKey("agent.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("campaign_id", "agent_id"),
    Index("ix_campaign_agent_agent", "agent_id"),
    sqlite_with_rowid=False,
)

agent_shift = Table(
    "agent_shift",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("agent_id", key_type(), ForeignKey("agent.id"), nullable=False),
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("pause_wanted", Text),
    Column("consulting", Text),
    Column("muted", Boolean, nullable=False, server_default=false()),
    Index("ix_agent_shift_agent", "agent_id"),
    # Whoever logs in, and from wherever: one lasting shift for an agent.
    Index(
        "uq_agent_shift_lasts",
        "agent_id",
        unique=True,
        sqlite_where=_LASTS,
        postgresql_where=_LASTS,
    ),
    sqlite_autoincrement=True,
)

agent_span = Table(
    "agent_span",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("shift_id", key_type(), ForeignKey("agent_shift.id"), nullable=False),
    Column("agent_id", key_type(), ForeignKey("agent.id"), nullable=False),
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("reason", Text, nullable=False),
    Column("attempt_id", Text),
    CheckConstraint(one_of("state", AgentState), name="state"),
    # By its end: what overlaps the last hours is found without what was before.
    Index("ix_agent_span_agent", "agent_id", "ended_at"),
    Index(
        "uq_agent_span_lasts", "agent_id", unique=True, sqlite_where=_LASTS, postgresql_where=_LASTS
    ),
    sqlite_autoincrement=True,
)

call_note = Table(
    "call_note",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("attempt_id", sorted_text(), ForeignKey("attempt.id"), nullable=False),
    Column("agent_id", key_type(), ForeignKey("agent.id"), nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("outcome", Text),
    Column("answers", JsonText, nullable=False),
    Column("callback_at", Instant),
    Column("callback_mine", Boolean, nullable=False),
    UniqueConstraint("attempt_id", "agent_id"),
    # Never the same number twice: by it the end of a call tells which notes it took in.
    sqlite_autoincrement=True,
)

campaign_queue = Table(
    "campaign_queue",
    metadata,
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), primary_key=True),
    Column("queue", sorted_text(), nullable=False, unique=True),
)

pacing_state = Table(
    "pacing_state",
    metadata,
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("state", JsonText, nullable=False),
    Column("saved_at", Instant, nullable=False),
    PrimaryKeyConstraint("campaign_id", "method"),
)
