"""Who may use the console: accounts, invitations and sessions, in SQLite beside the ledger.

Rules kept here and nowhere else:
 * A password is kept as its argon2id hash; tokens of sessions and invitations, and names at a provider, as digests.
 * A session ends when nobody used it for `IDLE`, `ABSOLUTE` after it began, or when its account changes in any way.
 * An invitation is used once.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.core.errors import RegisterError

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    id TEXT PRIMARY KEY,
    roles TEXT NOT NULL,
    trained_on TEXT,
    reveals INTEGER NOT NULL,
    active INTEGER NOT NULL,
    secret TEXT,
    subject TEXT UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (
    token TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    csrf TEXT NOT NULL,
    began TEXT NOT NULL,
    used TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invitation (
    token TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    ends TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
INVITED = timedelta(days=7)
"""How long an invitation can be used."""
FRESH_S = 30
"""A session's last use is noted at most so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in. `id` stands in the ledger: a role or number, not a name."""

    id: str
    roles: frozenset[str]
    trained_on: date | None = None
    """Day of the last training, for reviewers (SEC-1)."""
    reveals: bool = False
    """Whether this reviewer may see what a held transfer says."""
    active: bool = True
    has_password: bool = False
    has_subject: bool = False
    """Whether a name at the provider of identities is bound to it."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in."""

    account: Account
    csrf: str


class Accounts:
    """The accounts of one state folder; used from several threads."""

    def __init__(self, path: Path, *, timeout_s: float = 5.0) -> None:
        """Open or create them. Raises RegisterError."""
        self.path = path
        self._lock = threading.Lock()
        with self._failing("opened"):
            self._db = sqlite3.connect(path, timeout=timeout_s, check_same_thread=False, isolation_level=None)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def all(self) -> list[Account]:
        """All accounts by id."""
        return [_account(row) for row in self._rows(f"{_SELECT} ORDER BY id")]

    def get(self, account_id: str) -> Account | None:
        """The account of this id."""
        return next((_account(row) for row in self._rows(f"{_SELECT} WHERE id = ?", account_id)), None)

    def of_subject(self, subject: str) -> Account | None:
        """The account bound to a name at the provider of identities."""
        rows = self._rows(f"{_SELECT} WHERE subject = ?", _digest(subject))
        return next((_account(row) for row in rows), None)

    def secret_of(self, account_id: str) -> str | None:
        """The hash of an account's password."""
        rows = self._rows("SELECT secret FROM account WHERE id = ?", account_id)
        return next((secret for (secret,) in rows), None)

    def put(self, account: Account, *, subject: str | None = None) -> None:
        """Keep an account, new or changed, and end its sessions; a password stays. `subject` binds a name.

        Raises:
            RegisterError: the name is bound to another account.
        """
        with self._writing() as db:
            trained = account.trained_on.isoformat() if account.trained_on else None
            db.execute(
                "INSERT INTO account (id, roles, trained_on, reveals, active) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO "
                "UPDATE SET roles = excluded.roles, trained_on = excluded.trained_on, reveals = excluded.reveals, "
                "active = excluded.active",
                (account.id, " ".join(sorted(account.roles)), trained, account.reveals, account.active),
            )
            if subject:
                db.execute("UPDATE account SET subject = ? WHERE id = ?", (_digest(subject), account.id))
            db.execute("DELETE FROM session WHERE account = ?", (account.id,))
            if not account.active:
                db.execute("DELETE FROM invitation WHERE account = ?", (account.id,))

    def set_secret(self, account_id: str, secret: str) -> None:
        """Keep the hash of a new password and end the account's sessions and invitations."""
        with self._writing() as db:
            db.execute("UPDATE account SET secret = ? WHERE id = ?", (secret, account_id))
            db.execute("DELETE FROM session WHERE account = ?", (account_id,))
            db.execute("DELETE FROM invitation WHERE account = ?", (account_id,))

    def invite(self, account_id: str, now: datetime) -> str:
        """A token by which somebody sets the account's password, once; earlier ones end."""
        token = secrets.token_urlsafe(18)
        with self._writing() as db:
            db.execute("DELETE FROM invitation WHERE account = ?", (account_id,))
            ends = (now + INVITED).isoformat()
            db.execute("INSERT INTO invitation VALUES (?, ?, ?)", (_digest(token), account_id, ends))
        return token

    def invited(self, token: str, now: datetime) -> str | None:
        """The account that a token invites to."""
        query = "SELECT account FROM invitation WHERE token = ? AND ends > ?"
        return next((one for (one,) in self._rows(query, _digest(token), now.isoformat())), None)

    def begin(self, account_id: str, now: datetime) -> str:
        """Begin a session; its token, which is kept nowhere here. Sessions that are over go."""
        token, at = secrets.token_urlsafe(32), now.isoformat()
        with self._writing() as db:
            old = ((now - IDLE).isoformat(), (now - ABSOLUTE).isoformat())
            db.execute("DELETE FROM session WHERE used < ? OR began < ?", old)
            csrf = secrets.token_urlsafe(32)
            db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)", (_digest(token), account_id, csrf, at, at)
            )
        return token

    def session(self, token: str, now: datetime, *, use: bool = True) -> Session | None:
        """The session of a token, if it stands; `use` says that somebody did something in it."""
        query = "SELECT account, csrf, began, used FROM session WHERE token = ?"
        for account_id, csrf, began, used in self._rows(query, _digest(token)):
            idle = now - datetime.fromisoformat(used)
            if idle > IDLE or now - datetime.fromisoformat(began) > ABSOLUTE:
                self.end(token)
                return None
            account = self.get(account_id)
            if account is None or not account.active:
                return None
            if use and idle.total_seconds() > FRESH_S:
                with self._writing() as db:
                    db.execute(
                        "UPDATE session SET used = ? WHERE token = ?", (now.isoformat(), _digest(token))
                    )
            return Session(account, csrf)
        return None

    def end(self, token: str) -> None:
        """End a session."""
        with self._writing() as db:
            db.execute("DELETE FROM session WHERE token = ?", (_digest(token),))

    def _rows(self, query: str, *given: object) -> Collection[tuple[Any, ...]]:
        with self._lock, self._failing("read"):
            return self._db.execute(query, given).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._failing("written"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _failing(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise RegisterError("this name at the provider is bound to another account already") from None
        except (sqlite3.Error, OSError) as error:
            raise RegisterError(f"{self.path}: cannot be {done}: {error}") from error


_SELECT = (
    "SELECT id, roles, trained_on, reveals, active, secret IS NOT NULL, subject IS NOT NULL FROM account"
)


def _account(row: tuple[Any, ...]) -> Account:
    account_id, roles, trained, reveals, active, secret, subject = row
    return Account(
        id=str(account_id),
        roles=frozenset(str(roles).split()),
        trained_on=date.fromisoformat(str(trained)) if trained else None,
        reveals=bool(reveals),
        active=bool(active),
        has_password=bool(secret),
        has_subject=bool(subject),
    )


def _digest(token: str) -> str:
    """Tokens are long and random, so that a plain digest gives nothing away; names at a provider are just not shown."""
    return hashlib.sha256(token.encode()).hexdigest()
