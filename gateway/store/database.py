"""Opens the database: the right driver, safe settings, bounded waiting, and the newest schema.

Rules kept here and nowhere else:
 * A commit that returns is on disk: WAL with synchronous=FULL, or synchronous_commit=on on a server that syncs.
 * Nothing waits longer than the time limit: for a lock, a statement, a server that does not answer.
 * A writing transaction is exclusive from its first statement (SQLite) or from the lock on the tree's row (PostgreSQL).
 * No error shows a password.
"""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from gateway.core.errors import LedgerError

Where = Path | str
"""A database: the file of an SQLite one, or a URL."""

LOOK_S = 0.1
"""How often it is looked whether a server takes too long."""
LEFT_S = 1.0
"""For so long what a killed process held may still seem to be held."""
KEEPALIVE_S = 5
"""After so many seconds of silence a server, or its client, is asked whether it is still there."""


def url_of(where: Where) -> URL:
    """The database's URL with its driver. Raises LedgerError for a kind of database that is not supported."""
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:
        raise LedgerError(
            "database: is no URL; write e.g. postgresql://onward@db.example.org/onward"
        ) from error
    match url.get_backend_name():
        case "sqlite":
            return url
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
    raise LedgerError(f"database: {url.get_backend_name()} is not supported; use postgresql:// or sqlite://")


def name_of(where: Where) -> str:
    """The database as errors name it: a path, or the URL without its password."""
    url = url_of(where)
    return str(url.database) if is_file(where) else url.render_as_string(hide_password=True)


def is_file(where: Where) -> bool:
    """Whether the database is a file of this machine."""
    return url_of(where).get_backend_name() == "sqlite"


def file_of(where: Where) -> Path:
    """The file of an SQLite database."""
    return Path(str(url_of(where).database))


def open_database(where: Where, *, timeout_s: float = 5.0, read_only: bool = False) -> Engine:
    """An engine with safe settings; connects only when used. One connection at a time, kept open.

    Raises:
        LedgerError: the driver is missing, or the URL names a database that is not supported.
    """
    url = url_of(where)
    if is_file(where):
        return _sqlite(file_of(where), timeout_s, read_only=read_only)
    return _postgresql(url, timeout_s, read_only=read_only)


def fault_of(where: Where, error: SQLAlchemyError, doing: str = "cannot be used") -> LedgerError:
    """A database's error in our words: its first line, and neither statement nor parameters."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    line = str(cause).strip().partition("\n")[0] or type(cause).__name__
    return LedgerError(f"{name_of(where)}: {doing}: {line}")


@contextlib.contextmanager
def limited(connection: Connection, limit_s: float) -> Iterator[None]:
    """Cut the connection to a server that has not answered in time: no setting of its own notices a dead network."""
    driver = connection.connection.dbapi_connection
    descriptor = getattr(getattr(driver, "pgconn", None), "socket", None)
    if descriptor is None:
        yield
        return
    with socket.socket(fileno=socket.dup(descriptor)) as wire, _watch.over(wire, limit_s):
        yield


class _Watch:
    """Hangs up on what takes too long. One thread for all: one for each commit would cost more than the commit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[socket.socket, float] = {}
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, wire: socket.socket, limit_s: float) -> Iterator[None]:
        """Shut `wire` down should the block take longer than so long."""
        with self._lock:
            self._until[wire] = time.monotonic() + limit_s
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="database-watch", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._until[wire]

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_S)
            with self._lock:
                for wire, until in self._until.items():
                    if time.monotonic() > until:
                        with contextlib.suppress(OSError):
                            wire.shutdown(socket.SHUT_RDWR)


_watch = _Watch()


def _sqlite(file: Path, timeout_s: float, *, read_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        if read_only:
            address, uri = f"file:{file}?mode=ro", True
        else:
            file.touch(0o600, exist_ok=True)
            address, uri = str(file), False
        # Half the time limit, so that whoever waits hears of a locked file and not only of the time.
        db = sqlite3.connect(
            address, uri=uri, timeout=timeout_s / 2, isolation_level=None, check_same_thread=False
        )
        if not read_only:
            try:
                _prepare(db)
            except BaseException:
                db.close()
                raise
        return db

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _prepare(db: sqlite3.Connection) -> None:
    (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(
            "its file system allows no write-ahead log; keep the state on a local disk"
        )
    db.execute("PRAGMA synchronous=FULL")
    # What is deleted (held bodies) is overwritten, though it was encrypted anyway.
    db.execute("PRAGMA secure_delete=ON")


def _postgresql(url: URL, timeout_s: float, *, read_only: bool) -> Engine:
    limit_ms = max(int(timeout_s * 500), 1)
    options = {
        "statement_timeout": "0" if read_only else str(limit_ms),
        # Shorter, so that whoever waits hears of the lock and not only of the time.
        "lock_timeout": str(max(limit_ms * 4 // 5, 1)),
        "idle_in_transaction_session_timeout": "0" if read_only else str(limit_ms * 20),
        "synchronous_commit": "on",
        "default_transaction_read_only": "on" if read_only else "off",
        "default_transaction_isolation": r"repeatable\ read" if read_only else r"read\ committed",
        # So that the locks of a gateway whose network is gone are let go of soon.
        "tcp_keepalives_idle": str(KEEPALIVE_S),
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": str(KEEPALIVE_S * 2000),
    }
    try:
        return create_engine(
            url,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={
                "connect_timeout": max(int(timeout_s), 2),
                "keepalives_idle": KEEPALIVE_S,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "client_encoding": "utf8",
                "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            },
        )
    except ModuleNotFoundError as error:
        raise LedgerError(
            "database: the driver for PostgreSQL is missing; install `onward-gateway[postgres]`"
        ) from error


def check_durable(connection: Connection) -> None:
    """Raises LedgerError when the server says that a commit may be lost."""
    if connection.dialect.name != "postgresql":
        return
    for name in ("fsync", "full_page_writes"):
        if connection.execute(text(f"SHOW {name}")).scalar() != "on":
            raise LedgerError(f"the database server runs with {name} off, and may lose what it committed")


def soon(taken: Callable[[], bool]) -> bool:
    """Try to take what a process may have held that was killed a moment ago; whether that worked in time."""
    until = time.monotonic() + LEFT_S
    while not taken():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def hold_name(engine: Engine, gateway: str) -> None:
    """Let every connection of `engine` keep other gateways of this name away; a file's lock does that for SQLite.

    Connecting then raises LedgerError while another gateway of the name is connected.
    """
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "connect")
    def hold(driver: Any, _: object) -> None:
        def taken() -> bool:
            with driver.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(hashtext('onward'), hashtext(%s))", (gateway,))
                (got,) = cursor.fetchone()
            driver.commit()
            return bool(got)

        if not soon(taken):
            driver.close()
            raise LedgerError(
                f"another gateway writes to this ledger as {gateway!r}; give each gateway a gateway_id of its own"
            )
