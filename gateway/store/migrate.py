"""Brings a database to the newest schema, as one transaction; several gateways may try at once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

VERSION = "0003"
"""The newest version in `migrations/versions`."""
LOCK = 0x6F6E77617264
"""Key of the advisory lock that migrations of one PostgreSQL database share."""


def version_of(connection: Connection) -> str | None:
    """The schema's version; `first` for a ledger of the first format, None for an empty database."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())
    return "first" if "record" in tables else None


def migrate(connection: Connection) -> None:
    """Run the versions that are missing, within the transaction of `connection`."""
    if connection.dialect.name == "postgresql":
        # DDL over a large table may take longer than a statement of the gateway may.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    if version_of(connection) == VERSION:
        return
    # Here and not above: Alembic takes a third of a second to import, and hardly any command needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
