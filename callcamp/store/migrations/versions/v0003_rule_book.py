"""What the rule book needs of contacts, attempts and campaigns.

Columns are added in place: half a million contacts are not copied.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from callcamp.store.placing import place_key

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PENDING = "status = 'pending'"
_LIVE = "status IN ('answered', 'claimed', 'dialing', 'ringing', 'unknown')"
_KINDS = "kind IN ('contact', 'attempt', 'result', 'success', 'waiting', 'skipped')"
_CHUNK = 10_000


def upgrade() -> None:
    """Add columns, tables and indexes, and fill them for what is there."""
    _columns()
    _numbers()
    _counts_table()
    _fill_campaigns()
    _fill_contacts()
    _indexes()


def _columns() -> None:
    added: dict[str, list[sa.Column[Any]]] = {
        "campaign": [sa.Column("run_at", sa.BigInteger())],
        "campaign_version": [sa.Column("actor", sa.Text(), nullable=False, server_default="")],
        "contact": [
            sa.Column("place", _SORTED, nullable=False, server_default=""),
            sa.Column("hold", sa.Text()),
            sa.Column("others", sa.Text()),
            sa.Column("number_index", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("callback_at", sa.BigInteger()),
            sa.Column("success", sa.Boolean()),
            sa.Column("outcome", sa.Text()),
            sa.Column("caller_number", sa.Text()),
            sa.Column("round_base", sa.Integer(), nullable=False, server_default="0"),
        ],
        "attempt": [
            sa.Column("caller_number", sa.Text()),
            sa.Column("gate", sa.Text()),
            sa.Column("outcome", sa.Text()),
            sa.Column("success", sa.Boolean()),
            sa.Column("decided_by", sa.Text()),
            sa.Column("rule", sa.Text()),
            sa.Column("variables", sa.Text()),
            sa.Column("refused", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("round_ordinal", sa.Integer(), nullable=False, server_default="1"),
        ],
    }
    for table, columns in added.items():
        for column in columns:
            op.add_column(table, column)


def _numbers() -> None:
    op.create_table(
        "contact_number",
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("contact_id", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("phone", "contact_id", name="pk_contact_number"),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name="fk_contact_number_contact_id",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_contact_number_contact_id", "contact_number", ["contact_id"])


def _counts_table() -> None:
    """Make the table of counts anew: SQLite cannot change what a CHECK says."""
    connection = op.get_bind()
    kept = connection.execute(sa.text("SELECT campaign_id, kind, key, n FROM campaign_count")).all()
    op.drop_table("campaign_count")
    table = op.create_table(
        "campaign_count",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("n", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "kind", "key", name="pk_campaign_count"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_count_campaign_id"
        ),
        sa.CheckConstraint(_KINDS, name="kind"),
        sqlite_with_rowid=False,
    )
    if kept:
        connection.execute(table.insert(), [row._asdict() for row in kept])


def _fill_campaigns() -> None:
    """Campaigns went on until every contact was done: that is now called Multi Day."""
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE campaign SET run_at = started_at"))
    for table, keys in (("campaign", ("id",)), ("campaign_version", ("campaign_id", "version"))):
        columns = ", ".join(keys)
        rows = connection.execute(sa.text(f"SELECT {columns}, settings FROM {table}")).all()  # noqa: S608 - constants only
        where = " AND ".join(f"{key} = :{key}" for key in keys)
        update = sa.text(f"UPDATE {table} SET settings = :settings WHERE {where}")  # noqa: S608 - constants only
        for row in rows:
            settings = {"mode": "multi_day", **json.loads(row.settings)}
            values = {key: getattr(row, key) for key in keys}
            connection.execute(update, {**values, "settings": json.dumps(settings)})


def _fill_contacts() -> None:
    """Tell where the contacts are and why they wait, and count that."""
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE attempt SET round_ordinal = ordinal WHERE ordinal > 1"))
    # Those that were called before wait for their next attempt.
    connection.execute(
        sa.text(f"UPDATE contact SET hold = 'retry_waits' WHERE {_PENDING} AND attempts > 0")  # noqa: S608 - constants only
    )
    # What counted as a success then: answered by a person.
    for table, over in (
        ("contact", "status IN ('completed', 'failed')"),
        ("attempt", "status = 'ended'"),
    ):
        connection.execute(
            sa.text(
                f"UPDATE {table} SET success = (disposition = 'answered_person')"  # noqa: S608 - constants only
                f" WHERE disposition IS NOT NULL AND {over}"
            )
        )
    after = 0
    select = sa.text(
        "SELECT id, phone, variables FROM contact WHERE id > :after ORDER BY id LIMIT :chunk"
    )
    update = sa.text("UPDATE contact SET place = :place WHERE id = :id")
    while rows := connection.execute(select, {"after": after, "chunk": _CHUNK}).all():
        connection.execute(
            update,
            [{"id": r.id, "place": place_key(r.phone, json.loads(r.variables))} for r in rows],
        )
        after = rows[-1].id
    waiting = connection.execute(
        sa.text(
            "SELECT campaign_id, place, coalesce(hold, '') AS hold, count(*) AS n FROM contact"  # noqa: S608 - constants only
            f" WHERE {_PENDING} GROUP BY campaign_id, place, hold"
        )
    ).all()
    skipped = connection.execute(
        sa.text(
            "SELECT campaign_id, count(*) AS n FROM contact WHERE status = 'skipped'"
            " GROUP BY campaign_id"
        )
    ).all()
    succeeded = connection.execute(
        sa.text("SELECT campaign_id, count(*) AS n FROM contact WHERE success GROUP BY campaign_id")
    ).all()
    counts = [(r.campaign_id, "waiting", f"{r.place}|{r.hold}", r.n) for r in waiting]
    counts += [(r.campaign_id, "skipped", "", r.n) for r in skipped]
    counts += [(r.campaign_id, "success", "", r.n) for r in succeeded]
    if counts:
        connection.execute(
            sa.text(
                "INSERT INTO campaign_count (campaign_id, kind, key, n) VALUES (:c, :k, :y, :n)"
            ),
            [dict(zip("ckyn", values, strict=True)) for values in counts],
        )


def _indexes() -> None:
    op.drop_index("ix_contact_due", "contact")
    for name, table, columns, condition in (
        ("ix_contact_due", "contact", ["campaign_id", "place", "due_at", "id"], _PENDING),
        (
            "ix_contact_callback",
            "contact",
            ["campaign_id", "place", "due_at", "id"],
            f"{_PENDING} AND callback_at IS NOT NULL",
        ),
        (
            "ix_contact_hold",
            "contact",
            ["campaign_id", "hold", "place", "due_at"],
            f"{_PENDING} AND hold IS NOT NULL",
        ),
        ("ix_attempt_live_number", "attempt", ["number", "status"], _LIVE),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_attempt_number", "attempt", ["number", "claimed_at"])
