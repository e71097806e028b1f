"""All SQL: tables, migrations, queries.

:class:`SqlStore` is the store; :func:`migrate` makes and updates its database.
"""

from callcamp.store.schema import current_revision, migrate, needs_migration
from callcamp.store.sqlstore import SqlStore

__all__ = ["SqlStore", "current_revision", "migrate", "needs_migration"]
