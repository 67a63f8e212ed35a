"""What people have chosen and what was exempted, in SQLite beside the ledger: looked up and never loaded.

Rules kept here and nowhere else:
 * A person is known by keyed fingerprints alone; no value is ever written, and none can be read back.
 * Whatever cannot be looked up is an error, and the transfer is refused for it.
 * An exemption that may be used once is used up before anything leaves, by one statement.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from gateway.core.agent import Agent
from gateway.core.choice import NOBODY_CHOSE, Choices
from gateway.core.errors import RegisterError
from gateway.core.exemption import Exemption, Grant

SCHEMA = """
CREATE TABLE IF NOT EXISTS refusal (
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (fingerprint, kind, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS consent (
    fingerprint TEXT NOT NULL,
    agent TEXT NOT NULL,
    country TEXT NOT NULL,
    purpose TEXT NOT NULL,
    wording TEXT NOT NULL,
    given_on TEXT NOT NULL,
    expires_on TEXT NOT NULL,
    withdrawn_on TEXT,
    PRIMARY KEY (fingerprint, agent, country, purpose)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exemption (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    body TEXT NOT NULL,
    approver TEXT,
    approved_at TEXT,
    used_at TEXT,
    used_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS exemption_by_agent ON exemption (agent, expires_at);
"""
EVERY = "*"
"""Scope of a refusal that names no agent or purpose."""
AT_ONCE = 500
"""Fingerprints looked up in one statement."""

MAPPED_BYTES = 4 << 30
"""Most of the file that is read in place."""

_GRANT = TypeAdapter(Grant)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An opt-out (scope: an agent's id) or an objection (scope: a purpose's id); `*` stands for all."""

    fingerprint: str
    kind: Literal["opt-out", "objection"]
    scope: str
    since: date


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's consent, for one agent in one country and one purpose."""

    fingerprint: str
    agent: str
    country: str
    purpose: str
    wording: str
    """Version of the text that was shown."""
    given_on: date
    expires_on: date
    withdrawn_on: date | None = None


class Registers:
    """The registers of one state folder. Lookups are short and may be made in the event loop."""

    def __init__(self, path: Path, *, timeout_s: float = 5.0) -> None:
        """Open or create them. Raises RegisterError."""
        self.path = path
        with self._failing("opened"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=timeout_s, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            # Pages are read where the system holds them, once for all processes, and not copied into this one.
            self._db.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            self._db.executescript(SCHEMA)
        path.chmod(0o600)
        self._seen: int | None = None
        """Version of the data at the last look; changes of this connection do not count in it."""
        self._filled: dict[str, bool] = {}
        """Which registers hold anything, by their table."""

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def choices(
        self, fingerprints: Collection[str], agent: Agent | None, purpose: str | None, day: date
    ) -> Choices:
        """What the people behind these fingerprints chose for this agent and purpose. Raises RegisterError."""
        consented = self.consents(fingerprints, agent, purpose, day) if agent else frozenset()
        return replace(self.refusals(fingerprints, agent, purpose, day), consented=consented)

    def refusals(
        self, fingerprints: Collection[str], agent: Agent | None, purpose: str | None, day: date
    ) -> Choices:
        """Who opted out of, or objected to, this agent and purpose; `NOBODY_CHOSE` if nobody. Raises RegisterError.

        Where no purpose is declared, an objection to any of the agent's counts.
        """
        rows = self._among("fingerprint, kind, scope, since", "refusal", fingerprints)
        if not rows:
            return NOBODY_CHOSE
        agent_id, today = agent.id if agent else "", day.isoformat()
        purposes = _purposes(agent, purpose)
        opted_out, objected = set(), set()
        for fingerprint, kind, scope, since in rows:
            if since > today:
                continue
            if kind == "opt-out" and scope in (EVERY, agent_id):
                opted_out.add(fingerprint)
            elif kind == "objection" and (scope == EVERY or scope in purposes):
                objected.add(fingerprint)
        if not (opted_out or objected):
            return NOBODY_CHOSE
        return Choices(frozenset(opted_out), frozenset(objected))

    def consents(
        self, fingerprints: Collection[str], agent: Agent, purpose: str | None, day: date
    ) -> frozenset[str]:
        """Those who consented to all that may happen: every purpose asked for, every country it is processed in."""
        today, given = day.isoformat(), set()
        columns = "fingerprint, agent, country, purpose, given_on, expires_on, withdrawn_on"
        for fingerprint, agent_id, country, name, since, until, withdrawn in self._among(
            columns, "consent", fingerprints
        ):
            if agent_id == agent.id and since <= today <= until and (withdrawn is None or today < withdrawn):
                given.add((fingerprint, country, name))
        if not given:
            return frozenset()
        purposes = _purposes(agent, purpose)
        countries = {agent.entity.country, *agent.processing_countries}
        return frozenset(
            one
            for one, _, _ in given
            if all((one, country, name) in given for country in countries for name in purposes)
        )

    def _is_filled(self, table: str) -> bool:
        """Whether a register holds anything; of an empty one this is asked again only after the data changed."""
        if self._filled.get(table):
            return True
        with self._failing("read"):
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
            if version != self._seen:
                self._filled.clear()
                self._seen = version
            if table not in self._filled:
                (filled,) = self._db.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()  # noqa: S608
                self._filled[table] = bool(filled)
        return self._filled[table]

    def _among(self, columns: str, table: str, fingerprints: Collection[str]) -> list[Any]:
        """Rows of these fingerprints, by one statement for as many as one takes."""
        known = [one for one in fingerprints if one]
        if not known or not self._is_filled(table):
            return []
        rows: list[Any] = []
        try:
            for start in range(0, len(known), AT_ONCE):
                some = known[start : start + AT_ONCE]
                marks = ",".join("?" * len(some))
                # sqlite3 keeps prepared what has been asked in the same words before.
                rows += self._db.execute(
                    f"SELECT {columns} FROM {table} WHERE fingerprint IN ({marks})",  # noqa: S608 - names of our own
                    some,
                )
        except sqlite3.Error as error:
            raise self._fault("read", error) from error
        return rows

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Put opt-outs and objections on record. Raises RegisterError; all are kept, or none."""
        with self._writing():
            self._db.executemany(
                # Told again with a later day, it holds from the first one on.
                "INSERT INTO refusal VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET since = min(since, excluded.since)",
                ((one.fingerprint, one.kind, one.scope, one.since.isoformat()) for one in refusals),
            )

    def consent(self, consents: Iterable[Consent]) -> None:
        """Put consents on record, or their withdrawal. Raises RegisterError; all are kept, or none."""
        with self._writing():
            self._db.executemany(
                # A consent that was withdrawn does not come back by being told again, only by being given again.
                "INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "wording = excluded.wording, given_on = excluded.given_on, expires_on = excluded.expires_on, "
                "withdrawn_on = CASE WHEN excluded.withdrawn_on IS NULL AND withdrawn_on >= excluded.given_on "
                "THEN withdrawn_on ELSE excluded.withdrawn_on END",
                (
                    tuple(str(v) if isinstance(v, date) else v for v in asdict(one).values())
                    for one in consents
                ),
            )

    def withdraw(self, fingerprints: Collection[str], agent: str, on: date) -> int:
        """End the consents of a person to an agent, or to all (`*`); how many ended. Raises RegisterError."""
        ended = 0
        with self._writing():
            for fingerprint in fingerprints:
                done = self._db.execute(
                    "UPDATE consent SET withdrawn_on = ? "
                    "WHERE fingerprint = ? AND ? IN (agent, '*') AND (withdrawn_on IS NULL OR withdrawn_on > ?)",
                    (on.isoformat(), fingerprint, agent, on.isoformat()),
                )
                ended += done.rowcount
        return ended

    def counts(self) -> Mapping[str, int]:
        """How many entries each register holds."""
        with self._failing("read"):
            refusals = dict(self._db.execute("SELECT kind, count(*) FROM refusal GROUP BY kind"))
            for table in ("consent", "exemption"):
                (refusals[table],) = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return refusals

    def request(self, grant: Grant) -> None:
        """Put an exemption on record; it has been checked. Raises RegisterError where its id is taken."""
        body = _GRANT.dump_json(grant, exclude={"approver", "approved_at", "used_at"}).decode()
        ends, approved = _iso(grant.expires_at), _iso(grant.approved_at)
        with self._writing():
            try:
                self._db.execute(
                    "INSERT INTO exemption VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)",
                    (grant.id, grant.agent, ends, body, grant.approver, approved),
                )
            except sqlite3.IntegrityError:
                raise RegisterError(f"an exemption with the id {grant.id!r} is on record already") from None

    def approve(self, grant_id: str, approver: str, at: datetime) -> None:
        """Note the second person's approval. Raises RegisterError: unknown id, approved before, or the same person."""
        grant = next((one for one in self.grants() if one.id == grant_id), None)
        if grant is None:
            raise RegisterError(f"no exemption has the id {grant_id!r}")
        if grant.approved_at is not None:
            raise RegisterError(f"{grant_id} was approved by {grant.approver} on {grant.approved_at} already")
        if not approver.strip() or approver.casefold() == grant.requester.casefold():
            raise RegisterError("the approver must be somebody else than the requester")
        with self._writing():
            self._db.execute(
                "UPDATE exemption SET approver = ?, approved_at = ? WHERE id = ?",
                (approver, _iso(at), grant_id),
            )

    def grants(self, agent: str | None = None, at: datetime | None = None) -> tuple[Grant, ...]:
        """Exemptions on record: all, those for an agent, or of these the ones not yet over at `at`."""
        asked = {"agent = ?": agent, "expires_at > ?": _iso(at)}
        given = {clause: value for clause, value in asked.items() if value is not None}
        where = f"WHERE {' AND '.join(given)}" if given else ""
        if not self._is_filled("exemption"):
            return ()
        with self._failing("read"):
            rows = self._db.execute(
                f"SELECT body, approver, approved_at, used_at FROM exemption {where} ORDER BY id",  # noqa: S608
                tuple(given.values()),
            ).fetchall()
        return tuple(
            _GRANT.validate_python(
                json.loads(body) | {"approver": approver, "approved_at": approved, "used_at": used}
            )
            for body, approver, approved, used in rows
        )

    def use(self, grant: Grant, rule: Exemption, transfer_id: str, at: datetime) -> bool:
        """Use an exemption for one transfer; False where another has used it up. Raises RegisterError."""
        only_unused = " AND used_at IS NULL" if rule.single_use else ""
        with self._writing():
            done = self._db.execute(
                f"UPDATE exemption SET used_at = coalesce(used_at, ?), used_by = ? WHERE id = ?{only_unused}",  # noqa: S608
                (_iso(at), transfer_id, grant.id),
            )
        return done.rowcount == 1

    @contextmanager
    def _failing(self, how: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._fault(how, error) from error

    def _fault(self, how: str, error: Exception) -> RegisterError:
        return RegisterError(f"{self.path}: cannot be {how}: {type(error).__name__}: {error}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._failing("written"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            self._seen = None


def _purposes(agent: Agent | None, purpose: str | None) -> frozenset[str]:
    """What the data may be used for."""
    return frozenset({purpose} if purpose is not None else agent.purposes if agent else ())


def _iso(at: datetime | None) -> str | None:
    # One zone and one length, so that times compare as text.
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at is not None else None
