"""The databases that the ledger is tested on: SQLite files, and a PostgreSQL cluster of the tests' own.

The cluster lives in a folder of its own, listens on a Unix socket there and nowhere else, and runs as a user without
privileges, since the server refuses to run as root.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from gateway.ledger import Place

KINDS = ("sqlite", "postgresql")


class Cluster:
    """A PostgreSQL server that can be stopped, killed and started again."""

    def __init__(self, parent: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="onward-pg-", dir=parent or _in_memory()))
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, self._user)
        self.folder.chmod(0o755)
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-A",
            "trust",
            "-U",
            "onward",
            "-E",
            "UTF8",
            "--no-sync",
            "--wal-segsize=1",
        )
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(program("postgres"), "-D", str(self.data), "-k", str(self.folder)),
                    *("-c", "listen_addresses=", "-c", "max_connections=40", "-c", "shared_buffers=16MB"),
                    *("-c", "min_wal_size=2MB", "-c", "max_wal_size=16MB"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user(),
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(psycopg.OperationalError), self.connect("postgres"):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        """SIGKILL to the server and all processes that it started."""
        assert self._process is not None
        children = children_of(self._process.pid)
        self._process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.wait()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """At once, without waiting for clients, but in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self.folder), user="onward", dbname=database, autocommit=True, connect_timeout=10
        )

    def new_database(self) -> str:
        """URL of a fresh database."""
        self._count += 1
        name = f"ledger_{self._count}"
        with self.connect("postgres") as db:
            db.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://onward@/{database}?host={self.folder}"

    def dump(self, url: str) -> bytes:
        """All rows of a database as text."""
        done = subprocess.run([program("pg_dump"), url], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [program(name), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr

    def _as_user(self) -> dict[str, Any]:
        return {"user": self._user, "group": self._user} if os.geteuid() == 0 else {}


def _in_memory() -> Path | None:
    """A folder in memory, where a server that syncs is quick; None where there is little room."""
    folder = Path("/dev/shm")
    roomy = folder.is_dir() and shutil.disk_usage(folder).free > 2**29
    return folder if roomy else None


def children_of(parent: int) -> list[int]:
    """Processes started by a process, by what the system says of them."""
    answer = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
    return [int(one) for one in answer.stdout.split()]


def program(name: str) -> str:
    """A program of the server's. Debian keeps them off the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, reversed(versions))))
    assert found is not None, f"{name} is missing; install PostgreSQL (Debian: apt-get install postgresql)"
    return found


@contextlib.contextmanager
def connected(place: Place) -> Iterator[Any]:
    """A connection that has nothing to do with the gateway's; each statement is a transaction."""
    if str(place.where).startswith("postgresql"):
        with psycopg.connect(str(place.where), autocommit=True) as db:
            yield db
    else:
        with contextlib.closing(sqlite3.connect(place.base, isolation_level=None)) as file:
            yield file


@contextlib.contextmanager
def tampering(place: Place) -> Iterator[Any]:
    """A function that runs SQL as somebody with the database in hand can: the triggers are theirs to drop."""
    tables = ("record", "node", "signed_head")
    with connected(place) as db:
        for table in tables:
            if isinstance(db, sqlite3.Connection):
                for what in ("never_changes", "never_goes", "is_never_replaced"):
                    db.execute(f"DROP TRIGGER IF EXISTS {table}_{what}")
            else:
                db.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield db.execute


@contextlib.contextmanager
def locked(place: Place) -> Iterator[None]:
    """The database while somebody else has a lock that every writer needs."""
    with connected(place) as db:
        db.execute("BEGIN IMMEDIATE" if isinstance(db, sqlite3.Connection) else "BEGIN")
        db.execute("UPDATE tree SET one = 1")
        yield
        db.execute("ROLLBACK")


def run(place: Place, sql: str) -> list[tuple[Any, ...]]:
    """The rows of one statement, triggers in place."""
    with connected(place) as db:
        cursor = db.execute(sql)
        return cursor.fetchall() if cursor.description else []


def count(place: Place, table: str) -> int:
    return int(run(place, f"SELECT count(*) FROM {table}")[0][0])
