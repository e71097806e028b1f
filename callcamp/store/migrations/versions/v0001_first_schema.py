"""The first schema.

Written out in full and never changed again: a migration says what the database was, not
what ``tables.py`` says today.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PENDING = sa.text("status = 'pending'")
_LIVE = sa.text("status IN ('answered', 'claimed', 'dialing', 'ringing', 'unknown')")


def _campaign_id() -> sa.Column[int]:
    return sa.Column("campaign_id", _KEY, nullable=False)


def _to_campaign(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=f"fk_{table}_campaign_id")


def upgrade() -> None:
    """Create every table."""
    _campaigns()
    _contacts()
    _attempts()
    op.create_table(
        "campaign_count",
        _campaign_id(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("n", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "kind", "key", name="pk_campaign_count"),
        _to_campaign("campaign_count"),
        sa.CheckConstraint("kind IN ('contact', 'attempt', 'result')", name="kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "engine_lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_engine_lease"),
        sa.CheckConstraint("id = 1", name="single"),
    )


def _campaigns() -> None:
    op.create_table(
        "trunk",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dial_string", sa.Text(), nullable=False),
        sa.Column("cps", sa.Float(), nullable=False),
        sa.Column("max_channels", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_trunk"),
        sa.UniqueConstraint("name", name="uq_trunk_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "campaign",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("trunk_id", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name="fk_campaign_trunk_id"),
        sa.CheckConstraint(
            "status IN ('draft', 'queued', 'running', 'paused', 'completed', 'canceled')",
            name="status",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "campaign_version",
        _campaign_id(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "version", name="pk_campaign_version"),
        _to_campaign("campaign_version"),
        sqlite_with_rowid=False,
    )


def _contacts() -> None:
    op.create_table(
        "contact_import",
        sa.Column("id", _KEY, nullable=False),
        _campaign_id(),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("undone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_contact_import"),
        _to_campaign("contact_import"),
        sa.CheckConstraint("status IN ('previewed', 'confirmed', 'undone')", name="status"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contact_import_campaign_id", "contact_import", ["campaign_id"])
    op.create_table(
        "contact",
        sa.Column("id", _KEY, nullable=False),
        _campaign_id(),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("disposition", sa.Text()),
        sa.Column("import_id", _KEY),
        sa.Column("row_no", sa.Integer()),
        sa.Column("last_attempt_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sa.UniqueConstraint("campaign_id", "phone", name="uq_contact_campaign_id_phone"),
        _to_campaign("contact"),
        sa.ForeignKeyConstraint(["import_id"], ["contact_import.id"], name="fk_contact_import_id"),
        sa.CheckConstraint(
            "status IN ('pending', 'in_progress', 'completed', 'failed', 'skipped', 'canceled')",
            name="status",
        ),
        sa.CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="due"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contact_page", "contact", ["campaign_id", "id"])
    op.create_index("ix_contact_status", "contact", ["campaign_id", "status", "id"])
    op.create_index(
        "ix_contact_due",
        "contact",
        ["campaign_id", "due_at", "id"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )


def _attempts() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", _SORTED, nullable=False),
        _campaign_id(),
        sa.Column("contact_id", _KEY, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("ring_timeout_s", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("dialed_at", sa.BigInteger()),
        sa.Column("rang_at", sa.BigInteger()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("disposition", sa.Text()),
        sa.Column("evidence", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        _to_campaign("attempt"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_attempt_contact_id"),
        sa.CheckConstraint(
            "status IN ('claimed', 'dialing', 'ringing', 'answered', 'unknown', 'ended',"
            " 'released')",
            name="status",
        ),
        sa.CheckConstraint("(status = 'ended') = (disposition IS NOT NULL)", name="disposition"),
    )
    op.create_index("ix_attempt_page", "attempt", ["campaign_id", "id"])
    op.create_index("ix_attempt_contact", "attempt", ["contact_id"])
    op.create_index(
        "uq_attempt_live",
        "attempt",
        ["contact_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index(
        "ix_attempt_live",
        "attempt",
        ["campaign_id", "id"],
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
