"""What is on record beside campaigns: exclusions, consents, numbers, people, the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_OF_A_CAMPAIGN = sa.text("campaign_id IS NOT NULL")
_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
_IF_THERE = "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"
_APPEND_ONLY = {
    "sqlite": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_REFUSE}",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {_REFUSE}",
        f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit {_IF_THERE} {_REFUSE}",
    ),
    "postgresql": (
        (
            "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'the audit is append-only'; END$$"
        ),
        (
            "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit"
            " FOR EACH ROW EXECUTE FUNCTION audit_append_only()"
        ),
        (
            "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        ),
    ),
}


def upgrade() -> None:
    """Create the tables."""
    _audit()
    _suppressions()
    _numbers()
    _names()
    _people()


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("campaign_id", _KEY),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_campaign", "audit", ["campaign_id", "id"])
    op.create_index("ix_audit_kind", "audit", ["kind", "id"])
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _suppressions() -> None:
    op.create_table(
        "suppression",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("scope", _KEY, nullable=False),
        sa.Column("campaign_id", _KEY),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_suppression"),
        sa.UniqueConstraint("phone", "scope", name="uq_suppression_phone_scope"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_suppression_campaign_id"
        ),
        sa.CheckConstraint("scope = coalesce(campaign_id, 0)", name="scope"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_suppression_campaign",
        "suppression",
        ["campaign_id", "id"],
        sqlite_where=_OF_A_CAMPAIGN,
        postgresql_where=_OF_A_CAMPAIGN,
    )
    op.create_table(
        "dnc_list",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("numbers", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dnc_list"),
        sa.UniqueConstraint("name", name="uq_dnc_list_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dnc_number",
        sa.Column("list_id", _KEY, nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "phone", name="pk_dnc_number"),
        sa.ForeignKeyConstraint(["list_id"], ["dnc_list.id"], name="fk_dnc_number_list_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consent",
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("scope", _SORTED, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("phone", "scope", name="pk_consent"),
        sqlite_with_rowid=False,
    )


def _numbers() -> None:
    op.create_table(
        "outbound_number",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("phone", _SORTED, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("daily_cap", sa.Integer()),
        sa.Column("resting_until", sa.BigInteger()),
        sa.Column("rest_evidence", sa.Text()),
        sa.Column("calls", _KEY, nullable=False),
        sa.Column("answered", _KEY, nullable=False),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_outbound_number"),
        sa.UniqueConstraint("phone", name="uq_outbound_number_phone"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "number_day",
        sa.Column("day", _SORTED, nullable=False),
        sa.Column("phone", _SORTED, nullable=False),
        sa.Column("calls", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("day", "phone", name="pk_number_day"),
        sqlite_with_rowid=False,
    )


def _names() -> None:
    op.create_table(
        "custom_outcome",
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("opt_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_custom_outcome"),
    )
    op.create_table(
        "saved_filter",
        sa.Column("name", _SORTED, nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("matching", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_saved_filter"),
        sa.CheckConstraint("matching IN ('all', 'any')", name="matching"),
    )


def _people() -> None:
    op.create_table(
        "person",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("others", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("phone", name="uq_person_phone"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "person_number",
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("person_id", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("phone", "person_id", name="pk_person_number"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_number_person_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_number_person", "person_number", ["person_id"])
