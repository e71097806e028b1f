"""Migrations of the database, run by :func:`callcamp.store.schema.migrate`."""
