"""The tables of accounts, sessions, tokens and failed log-ins, in the schema of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from callcamp.core.permissions import Role
from callcamp.store.columns import Instant, JsonText, key_type, sorted_text
from callcamp.store.tables import metadata

_NOT_REVOKED = text("revoked_at IS NULL")
_ROLES = ", ".join(f"'{role.value}'" for role in Role)

account = Table(
    "account",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("name", sorted_text(), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("manages_campaigns", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("totp_secret", Text),
    # Time step of the last code that was used: none is taken twice.
    Column("totp_step", key_type(), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_login_at", Instant),
    CheckConstraint(f"role IN ({_ROLES})", name="role"),
    sqlite_autoincrement=True,
)

login_session = Table(
    "login_session",
    metadata,
    Column("id", sorted_text(), primary_key=True),
    Column("user_id", key_type(), ForeignKey("account.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Index("ix_login_session_user", "user_id"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("name", sorted_text(), nullable=False),
    Column("token_hash", sorted_text(), nullable=False, unique=True),
    Column("user_id", key_type(), ForeignKey("account.id")),
    Column("scopes", JsonText, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Index("ix_api_token_user", "user_id"),
    # The name of a revoked token is free again.
    Index(
        "uq_api_token_name_held",
        "name",
        unique=True,
        sqlite_where=_NOT_REVOKED,
        postgresql_where=_NOT_REVOKED,
    ),
    sqlite_autoincrement=True,
)

login_failure = Table(
    "login_failure",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("key", sorted_text(), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_login_failure_key", "key", "at"),
    Index("ix_login_failure_at", "at"),
)
