"""SQLite databases: every row of every table, read in memory, never edited."""

from __future__ import annotations

import sqlite3

from gateway.decode.foreign import Foreign, foreign
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Node

_FREE_PAGES = slice(36, 40)


def read_sqlite(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a database. Only tables are looked into: what is computed of them says nothing more."""
    found = Foreign(node, place, "sqlite")
    place.charge(len(node.content))
    # A database in write-ahead mode wants a second file beside it: here it is as if it were in the older mode.
    content = node.content[:18] + b"\x01\x01" + node.content[20:]
    with foreign():
        database = sqlite3.connect(":memory:")
        try:
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            database.deserialize(content)
            database.execute("PRAGMA trusted_schema=OFF")
            database.execute("PRAGMA query_only=ON")
            _read_tables(database, found)
        finally:
            database.close()
    if any(node.content[_FREE_PAGES]):
        # Pages of what was deleted: it is still in the file.
        found.strings(node.content, "@deleted")


def _read_tables(database: sqlite3.Connection, found: Foreign) -> None:
    schema = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    for _, name, sql in schema:
        found.text(name, "@name")
        found.text(sql or "", "@schema")
    for kind, name, sql in schema:
        if kind != "table":
            continue
        if (sql or "").upper().startswith("CREATE VIRTUAL"):
            raise UnreadableError("unknown-media-type")
        quoted = name.replace('"', '""')
        rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name of the file's own, quoted
        columns = [column[0] for column in rows.description]
        for number, row in enumerate(rows, 1):
            for column, value in zip(columns, row, strict=True):
                address = f"/{name}/{number}/{column}"[:200]
                if isinstance(value, bytes):
                    found.content(value, address)
                elif value is not None:
                    found.text(str(value), address, column)
