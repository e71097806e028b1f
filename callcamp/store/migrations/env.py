"""What Alembic runs: the migrations, on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

from callcamp.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes tables by copying them.
    render_as_batch=True,
)
context.run_migrations()
