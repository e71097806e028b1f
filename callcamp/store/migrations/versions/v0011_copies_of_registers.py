"""Copies of registers that are being brought in, or are thrown away, beside those that hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column that tells them apart."""
    op.add_column("dnc_list", sa.Column("staged_at", sa.BigInteger()))
