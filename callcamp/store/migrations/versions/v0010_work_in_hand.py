"""What an agent has noted of a call that goes on, and what else a restart must not lose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns to shifts, and the table of notes."""
    op.add_column("agent_shift", sa.Column("pause_wanted", sa.Text()))
    op.add_column("agent_shift", sa.Column("consulting", sa.Text()))
    op.add_column(
        "agent_shift",
        sa.Column("muted", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "call_note",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("attempt_id", _SORTED, nullable=False),
        sa.Column("agent_id", _KEY, nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("callback_at", sa.BigInteger()),
        sa.Column("callback_mine", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_call_note"),
        sa.UniqueConstraint("attempt_id", "agent_id", name="uq_call_note_attempt_id_agent_id"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name="fk_call_note_attempt_id"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_call_note_agent_id"),
        sqlite_autoincrement=True,
    )
