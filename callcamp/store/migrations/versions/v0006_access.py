"""Accounts, sessions, tokens for programs, and failed log-ins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NOT_REVOKED = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "account",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("manages_campaigns", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.Text()),
        sa.Column("totp_step", _KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sa.CheckConstraint("role IN ('admin', 'supervisor', 'agent')", name="role"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "login_session",
        sa.Column("id", _SORTED, nullable=False),
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_session"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_login_session_user_id"),
    )
    op.create_index("ix_login_session_user", "login_session", ["user_id"])
    _tokens()
    op.create_table(
        "login_failure",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("key", _SORTED, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_failure"),
    )
    op.create_index("ix_login_failure_key", "login_failure", ["key", "at"])
    op.create_index("ix_login_failure_at", "login_failure", ["at"])


def _tokens() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("token_hash", _SORTED, nullable=False),
        sa.Column("user_id", _KEY),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_api_token_user_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_token_user", "api_token", ["user_id"])
    op.create_index(
        "uq_api_token_name_held",
        "api_token",
        ["name"],
        unique=True,
        sqlite_where=_NOT_REVOKED,
        postgresql_where=_NOT_REVOKED,
    )
