"""The tables of what is on record beside campaigns, in the one schema of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from callcamp.store.columns import Instant, JsonText, key_type, sorted_text
from callcamp.store.tables import metadata

audit = Table(
    "audit",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # No foreign key: what was done to a campaign stays known whatever becomes of it.
    Column("campaign_id", key_type()),
    Column("before", JsonText),
    Column("after", JsonText),
    Index("ix_audit_campaign", "campaign_id", "id"),
    Index("ix_audit_kind", "kind", "id"),
    sqlite_autoincrement=True,
)

# Append-only, whoever writes. The last of SQLite's is for INSERT OR REPLACE, which deletes
# rows without a word to the trigger that watches deletions.
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


def _make_append_only(_table: Table, connection: Connection, **_kw: object) -> None:
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)


event.listen(audit, "after_create", _make_append_only)

_OF_A_CAMPAIGN = text("campaign_id IS NOT NULL")
suppression = Table(
    "suppression",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("phone", Text, nullable=False),
    # The campaign, 0 for everywhere: a NULL would be different from every other NULL, and
    # a number could be there twice.
    Column("scope", key_type(), nullable=False),
    Column("campaign_id", key_type(), ForeignKey("campaign.id")),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    UniqueConstraint("phone", "scope"),
    CheckConstraint("scope = coalesce(campaign_id, 0)", name="scope"),
    Index(
        "ix_suppression_campaign",
        "campaign_id",
        "id",
        sqlite_where=_OF_A_CAMPAIGN,
        postgresql_where=_OF_A_CAMPAIGN,
    ),
    sqlite_autoincrement=True,
)

dnc_list = Table(
    "dnc_list",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("name", sorted_text(), nullable=False, unique=True),
    Column("as_of", Instant, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("numbers", key_type(), nullable=False),
    # Seconds by the database's clock at which something was added to a copy that is not in
    # place yet; 0: it is thrown away; NULL: it is in place, under its name.
    Column("staged_at", BigInteger),
    sqlite_autoincrement=True,
)

dnc_number = Table(
    "dnc_number",
    metadata,
    Column("list_id", key_type(), ForeignKey("dnc_list.id"), nullable=False),
    # Of the collation of contact.phone, to which it is joined.
    Column("phone", Text, nullable=False),
    PrimaryKeyConstraint("list_id", "phone"),
    sqlite_with_rowid=False,
)

consent = Table(
    "consent",
    metadata,
    Column("phone", Text, nullable=False),
    Column("scope", sorted_text(), nullable=False),
    Column("source", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("phone", "scope"),
    sqlite_with_rowid=False,
)

outbound_number = Table(
    "outbound_number",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("phone", sorted_text(), nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("daily_cap", Integer),
    Column("resting_until", Instant),
    Column("rest_evidence", JsonText),
    Column("calls", key_type(), nullable=False),
    Column("answered", key_type(), nullable=False),
    Column("last_used_at", Instant),
    sqlite_autoincrement=True,
)

# By phone, not by the number's id: the cap of a day holds for a number that was deleted and
# added again.
number_day = Table(
    "number_day",
    metadata,
    Column("day", sorted_text(), nullable=False),
    Column("phone", sorted_text(), nullable=False),
    Column("calls", key_type(), nullable=False),
    PrimaryKeyConstraint("day", "phone"),
    sqlite_with_rowid=False,
)

custom_outcome = Table(
    "custom_outcome",
    metadata,
    Column("name", sorted_text(), primary_key=True),
    Column("label", Text, nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("opt_out", Boolean, nullable=False),
)

saved_filter = Table(
    "saved_filter",
    metadata,
    Column("name", sorted_text(), primary_key=True),
    Column("conditions", JsonText, nullable=False),
    Column("matching", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("matching IN ('all', 'any')", name="matching"),
)

person = Table(
    "person",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("phone", Text, nullable=False, unique=True),
    Column("others", JsonText, nullable=False),
    Column("variables", JsonText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

person_number = Table(
    "person_number",
    metadata,
    Column("phone", Text, nullable=False),
    Column("person_id", key_type(), ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("phone", "person_id"),
    Index("ix_person_number_person", "person_id"),
    sqlite_with_rowid=False,
)
