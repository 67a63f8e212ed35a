"""Statements that are run with every commit: their text is made once, and the driver gets it as it is.

SQLAlchemy's own way from a statement to the driver takes ten times as long as the driver takes for such a statement,
and no transfer goes on meanwhile, since Python runs one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

Row = Mapping[str, Any]


class Statement:
    """One statement for whatever database a connection leads to. Its errors are SQLAlchemy's, as everywhere."""

    def __init__(self, clause: ClauseElement, columns: Sequence[str] | None = None) -> None:
        """`columns` are those that an update sets; without them an insert fills all."""
        self._clause = clause
        self._columns = columns
        self._texts: dict[str, tuple[str, tuple[str, ...] | None]] = {}
        """By dialect: the text, and the order of its parameters where they have no names."""

    def rows(self, connection: Connection, given: Row | None = None) -> list[tuple[Any, ...]]:
        """What a query finds."""
        text, order = self._text(connection)
        with self._cursor(connection, text) as cursor:
            cursor.execute(text, _arranged(given or {}, order))
            return [tuple(row) for row in cursor.fetchall()]

    def run(self, connection: Connection, given: Sequence[Row]) -> None:
        """Run it once for each set of parameters."""
        text, order = self._text(connection)
        with self._cursor(connection, text) as cursor:
            if len(given) == 1:
                cursor.execute(text, _arranged(given[0], order))
            else:
                cursor.executemany(text, [_arranged(one, order) for one in given])

    def _text(self, connection: Connection) -> tuple[str, tuple[str, ...] | None]:
        dialect = connection.dialect
        known = self._texts.get(dialect.name)
        if known is None:
            compiled: Any = self._clause.compile(dialect=dialect, column_keys=self._columns)
            order = tuple(compiled.positiontup) if compiled.positional else None
            known = self._texts[dialect.name] = (str(compiled), order)
        return known

    @contextmanager
    def _cursor(self, connection: Connection, text: str) -> Iterator[Any]:
        if not connection.in_transaction():
            connection.begin()  # As SQLAlchemy does by itself before any statement of its own.
        cursor = connection.connection.cursor()
        dialect = connection.dialect
        driver: Any = dialect.dbapi
        try:
            yield cursor
        except driver.Error as error:
            raise DBAPIError.instance(text, None, error, driver.Error, dialect=dialect) from error
        finally:
            cursor.close()


def _arranged(given: Row, order: tuple[str, ...] | None) -> Row | Sequence[Any]:
    return given if order is None else [given[name] for name in order]
