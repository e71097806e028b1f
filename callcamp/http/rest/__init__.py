"""The REST API under ``/api/v1``: one module per noun, one table, one description of it."""
