"""Mappings of columns, kept under a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mapping_preset",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mapping_preset"),
        sa.UniqueConstraint("name", name="uq_mapping_preset_name"),
        sqlite_autoincrement=True,
    )
