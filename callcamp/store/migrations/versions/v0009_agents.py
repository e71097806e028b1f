"""Agents, their shifts and spans, their campaigns and calls; what pacing has learnt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_LASTS = sa.text("ended_at IS NULL")
_OF_AN_AGENT = sa.text("agent_id IS NOT NULL")
_OF_A_PERSON = sa.text("disposition IN ('abandoned', 'answered_person')")
_STATES = (
    "state IN ('offline', 'ready', 'previewing', 'ringing', 'dialing', 'talking', 'wrap_up',"
    " 'paused')"
)


def upgrade() -> None:
    """Add columns, tables and indexes."""
    op.add_column("contact", sa.Column("callback_agent_id", _KEY))
    op.add_column("attempt", sa.Column("agent_id", _KEY))
    op.add_column("attempt", sa.Column("connected_at", sa.BigInteger()))
    _only("ix_attempt_agent", "attempt", ["agent_id", "connected_at"], _OF_AN_AGENT)
    _only("ix_attempt_person", "attempt", ["campaign_id", "dialed_at", "disposition"], _OF_A_PERSON)
    _agents()
    _shifts()
    _campaigns()


def _only(
    name: str, table: str, columns: list[str], condition: sa.TextClause, *, unique: bool = False
) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _agents() -> None:
    op.create_table(
        "agent",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("phone_kind", sa.Text(), nullable=False),
        sa.Column("phone_address", sa.Text(), nullable=False),
        sa.Column("trunk_id", _KEY),
        sa.Column("phone_secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent"),
        sa.UniqueConstraint("name", name="uq_agent_name"),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name="fk_agent_trunk_id"),
        sa.CheckConstraint("phone_kind IN ('sip', 'browser', 'external')", name="phone_kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "campaign_agent",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("agent_id", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "agent_id", name="pk_campaign_agent"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_agent_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name="fk_campaign_agent_agent_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_campaign_agent_agent", "campaign_agent", ["agent_id"])


def _shifts() -> None:
    op.create_table(
        "agent_shift",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("agent_id", _KEY, nullable=False),
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_agent_shift"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_agent_shift_agent_id"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_agent_shift_campaign_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_agent_shift_agent", "agent_shift", ["agent_id"])
    _only("uq_agent_shift_lasts", "agent_shift", ["agent_id"], _LASTS, unique=True)
    op.create_table(
        "agent_span",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shift_id", _KEY, nullable=False),
        sa.Column("agent_id", _KEY, nullable=False),
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_agent_span"),
        sa.ForeignKeyConstraint(["shift_id"], ["agent_shift.id"], name="fk_agent_span_shift_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_agent_span_agent_id"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_agent_span_campaign_id"),
        sa.CheckConstraint(_STATES, name="state"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_agent_span_agent", "agent_span", ["agent_id", "ended_at"])
    _only("uq_agent_span_lasts", "agent_span", ["agent_id"], _LASTS, unique=True)


def _campaigns() -> None:
    op.create_table(
        "campaign_queue",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("queue", _SORTED, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_campaign_queue"),
        sa.UniqueConstraint("queue", name="uq_campaign_queue_queue"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_queue_campaign_id"
        ),
    )
    op.create_table(
        "pacing_state",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "method", name="pk_pacing_state"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_pacing_state_campaign_id"
        ),
    )
