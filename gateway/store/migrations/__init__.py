"""Alembic: each version of the schema, oldest first."""
