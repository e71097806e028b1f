"""All SQL: tables, migrations, queries."""
