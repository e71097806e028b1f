"""The schema, as SQLAlchemy sees it; ``migrations/`` builds the same in the database.

What the database itself promises, whoever writes to it: a contact has at most one live
attempt, a number occurs once in a campaign, a status is one of its table, and exactly the
pending contacts have a due instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from callcamp.core.outcome import Disposition
from callcamp.core.states import LIVE_ATTEMPT, AttemptStatus, CampaignStatus, ContactStatus
from callcamp.store.columns import Due, Instant, JsonText, key_type, sorted_text

IMPORT_STATUSES = ("previewed", "confirmed", "undone")
"""What an import can be."""


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column has one of some words, which are ours."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


# Queries must repeat the condition of a partial index word for word, with literals and no
# parameters, or SQLite does not use the index. So both take it from here.
PENDING = "contact.status = 'pending'"
"""Condition of the contacts that wait for a call."""
CALLBACK = f"{PENDING} AND contact.callback_at IS NOT NULL"
"""Condition of the contacts that wait for an agreed callback."""
HELD = f"{PENDING} AND contact.hold IS NOT NULL"
"""Condition of the contacts that wait for a reason."""
LIVE = one_of("attempt.status", sorted(LIVE_ATTEMPT))
"""Condition of the attempts that are not settled."""
PERSON = one_of("attempt.disposition", sorted((Disposition.ANSWERED_PERSON, Disposition.ABANDONED)))
"""Condition of the attempts that a person answered for sure."""


def _only(condition: str) -> dict[str, Any]:
    """Return the arguments of an index over those rows only."""
    bare = text(condition.replace("contact.", "").replace("attempt.", ""))
    return {"sqlite_where": bare, "postgresql_where": bare}


COUNT_KINDS = ("contact", "attempt", "result", "success", "waiting", "skipped")
"""What is counted of a campaign, see :mod:`callcamp.store.counts`."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

trunk = Table(
    "trunk",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("dial_string", Text, nullable=False),
    Column("cps", Float, nullable=False),
    Column("max_channels", Integer),
    sqlite_autoincrement=True,
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("status", Text, nullable=False),
    Column("trunk_id", key_type(), ForeignKey("trunk.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("run_at", Instant),
    CheckConstraint(one_of("status", CampaignStatus), name="status"),
    sqlite_autoincrement=True,
)

campaign_version = Table(
    "campaign_version",
    metadata,
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("actor", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("campaign_id", "version"),
    sqlite_with_rowid=False,
)

contact_import = Table(
    "contact_import",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False, index=True),
    Column("filename", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("report", JsonText, nullable=False),
    Column("added", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("undone_at", Instant),
    CheckConstraint(one_of("status", IMPORT_STATUSES), name="status"),
    sqlite_autoincrement=True,
)

contact = Table(
    "contact",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("phone", Text, nullable=False),
    Column("variables", JsonText, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Due),
    Column("disposition", Text),
    # No index: an undo is rare and may scan; every import would pay for it.
    Column("import_id", key_type(), ForeignKey("contact_import.id")),
    Column("row_no", Integer),
    Column("last_attempt_at", Instant),
    Column("place", sorted_text(), nullable=False, server_default=""),
    Column("hold", Text),
    Column("others", JsonText),
    Column("number_index", Integer, nullable=False, server_default="0"),
    Column("callback_at", Instant),
    Column("success", Boolean),
    Column("outcome", Text),
    Column("caller_number", Text),
    Column("round_base", Integer, nullable=False, server_default="0"),
    # No foreign keys on agents here: what was learnt of a call is kept, whoever it names.
    Column("callback_agent_id", key_type()),
    UniqueConstraint("campaign_id", "phone"),
    CheckConstraint(one_of("status", ContactStatus), name="status"),
    # One that waits until something changes is due at columns.NEVER.
    CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="due"),
    # Pages list by id, with and without a status.
    Index("ix_contact_page", "campaign_id", "id"),
    Index("ix_contact_status", "campaign_id", "status", "id"),
    Index("ix_contact_due", "campaign_id", "place", "due_at", "id", **_only(PENDING)),
    Index("ix_contact_callback", "campaign_id", "place", "due_at", "id", **_only(CALLBACK)),
    Index("ix_contact_hold", "campaign_id", "hold", "place", "due_at", **_only(HELD)),
    sqlite_autoincrement=True,
)

contact_number = Table(
    "contact_number",
    metadata,
    Column("phone", Text, nullable=False),
    Column("contact_id", key_type(), ForeignKey("contact.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("phone", "contact_id"),
    # What the foreign key needs: deleting contacts looks for theirs.
    Index("ix_contact_number_contact_id", "contact_id"),
    sqlite_with_rowid=False,
)
"""The further numbers of contacts, to find contacts by any of their numbers."""

attempt = Table(
    "attempt",
    metadata,
    Column("id", sorted_text(), primary_key=True),
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("contact_id", key_type(), ForeignKey("contact.id"), nullable=False),
    Column("number", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("ring_timeout_s", Integer, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("dialed_at", Instant),
    Column("rang_at", Instant),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("disposition", Text),
    Column("evidence", JsonText),
    Column("caller_number", Text),
    Column("gate", JsonText),
    Column("outcome", Text),
    Column("success", Boolean),
    Column("decided_by", Text),
    Column("rule", Text),
    Column("variables", JsonText),
    Column("refused", Boolean, nullable=False, server_default=false()),
    Column("round_ordinal", Integer, nullable=False, server_default="1"),
    Column("agent_id", key_type()),
    Column("connected_at", Instant),
    CheckConstraint(one_of("status", AttemptStatus), name="status"),
    CheckConstraint("(status = 'ended') = (disposition IS NOT NULL)", name="disposition"),
    Index("ix_attempt_page", "campaign_id", "id"),
    # Also what the foreign key needs: without it, deleting contacts scans the attempts.
    Index("ix_attempt_contact", "contact_id"),
    Index("uq_attempt_live", "contact_id", unique=True, **_only(LIVE)),
    Index("ix_attempt_live", "campaign_id", "id", **_only(LIVE)),
    # What the gate asks of a number: its calls of some days, and those that go on.
    Index("ix_attempt_number", "number", "claimed_at"),
    Index("ix_attempt_live_number", "number", "status", **_only(LIVE)),
    Index("ix_attempt_agent", "agent_id", "connected_at", **_only("attempt.agent_id IS NOT NULL")),
    # The account of abandoned calls is asked for again and again while calls are paced.
    Index("ix_attempt_person", "campaign_id", "dialed_at", "disposition", **_only(PERSON)),
)

campaign_count = Table(
    "campaign_count",
    metadata,
    Column("campaign_id", key_type(), ForeignKey("campaign.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("n", key_type(), nullable=False),
    PrimaryKeyConstraint("campaign_id", "kind", "key"),
    CheckConstraint(one_of("kind", COUNT_KINDS), name="kind"),
    sqlite_with_rowid=False,
)

mapping_preset = Table(
    "mapping_preset",
    metadata,
    Column("id", key_type(), primary_key=True),
    Column("name", sorted_text(), nullable=False, unique=True),
    Column("mapping", JsonText, nullable=False),
    Column("created_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

engine_lease = Table(
    "engine_lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", JsonText),
    CheckConstraint("id = 1", name="single"),
)
