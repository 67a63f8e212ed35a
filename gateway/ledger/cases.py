"""Cases that staff work on: requests, their tasks, complaints, assessments. What the ledger's acts say is what counts.

Rules kept here and nowhere else:
 * A case changes with an act that holds all of it as it is afterwards, in one transaction.
 * The table beside the ledger repeats the newest of these acts; `faults_in` finds where it does not.
 * Changes come one after the other, on any number of machines: whoever changes holds the ledger's lock.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select

from gateway.core.chain import canonical
from gateway.core.review import NotAllowed
from gateway.ledger.acting import new_act, writing
from gateway.ledger.append import append
from gateway.ledger.place import Place
from gateway.ledger.reader import LedgerReader
from gateway.ledger.record import Act
from gateway.store import schema


class Case(Protocol):
    """What every kind of case has."""

    @property
    def id(self) -> str:
        """Unique among all cases."""
        ...

    @property
    def state(self) -> str:
        """`open` as long as somebody has to do something."""
        ...


@dataclass(frozen=True, slots=True)
class Kind[C: Case]:
    """A kind of case: its name, its type, and which case it belongs to, if any."""

    name: str
    type: TypeAdapter[C]
    parent: Callable[[C], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of one ledger, as one member of staff changes them."""

    place: Place
    gateway: str
    digest: str
    """Of the rules in force; part of each act."""
    by: str

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """A transaction in which cases are read and changed. Raises LedgerError."""
        with writing(self.place) as connection:
            yield Change(self, connection)

    def find[C: Case](self, kind: Kind[C], case_id: str) -> C:
        """The case of this id. Raises NotAllowed or LedgerError."""
        with closing(LedgerReader(self.place)) as reader, reader.connection() as connection:
            return _found(connection, kind, case_id)

    def all[C: Case](self, kind: Kind[C], *, state: str | None = None, parent: str | None = None) -> list[C]:
        """Cases of a kind by id, all or those in a state or of a parent. Raises LedgerError."""
        with closing(LedgerReader(self.place)) as reader, reader.connection() as connection:
            return _listed(connection, kind, state, parent)


@dataclass(frozen=True, slots=True)
class Change:
    """Reads and changes cases in one transaction."""

    cases: Cases
    connection: Connection

    def find[C: Case](self, kind: Kind[C], case_id: str) -> C:
        """The case of this id. Raises NotAllowed."""
        return _found(self.connection, kind, case_id)

    def all[C: Case](self, kind: Kind[C], *, parent: str) -> list[C]:
        """Cases of a kind that belong to another."""
        return _listed(self.connection, kind, None, parent)

    def put[C: Case](self, action: str, kind: Kind[C], case: C, **more: Any) -> C:
        """Keep a case, new or changed, with its act. `more` are details of the act beside the case."""
        body = kind.type.dump_python(case, mode="json")
        parent = kind.parent(case)
        self.act(action, about=case.id, agent=str(body.get("agent", "")), **more, case=body)
        table = schema.case_file
        self.connection.execute(delete(table).where(table.c.id == case.id))
        self.connection.execute(
            insert(table).values(
                id=case.id, kind=kind.name, parent=parent, state=case.state, body=canonical(body)
            )
        )
        return case

    def act(self, action: str, *, about: str | None = None, agent: str = "", **details: Any) -> Act:
        """An act on the ledger that changes no case."""
        cases = self.cases
        agent = agent if agent != "*" else ""
        act = new_act(
            action, cases.by, cases.gateway, cases.digest, about=about, agent=agent, details=details
        )
        append(self.connection, [act])
        return act


def new_id(letter: str) -> str:
    """An id that a person can be told and nobody can guess: a letter, the day, 40 random bits."""
    return f"{letter}{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(5)}"


def faults_in(connection: Connection) -> list[str]:
    """Cases that are not what the ledger's acts made of them, one sentence each."""
    row = schema.record.c
    query = select(row.about, row.body).where(row.kind == "act", row.about.is_not(None)).order_by(row.seq)
    newest: dict[str, str] = {}
    for about, body in connection.execute(query):
        case = json.loads(body)["details"].get("case")
        if case is not None:
            newest[about] = canonical(case)
    table = schema.case_file.c
    faults = []
    for case_id, body in connection.execute(select(table.id, table.body).order_by(table.id)):
        if newest.pop(case_id, None) != body:
            faults.append(f"case {case_id} is not what the ledger says of it")
    return faults + [f"case {case_id} is missing" for case_id in sorted(newest)]


def _found[C: Case](connection: Connection, kind: Kind[C], case_id: str) -> C:
    table = schema.case_file.c
    query = select(table.body).where(table.id == case_id, table.kind == kind.name)
    body = connection.execute(query).scalar()
    if body is None:
        raise NotAllowed(f"no {kind.name} has the id {case_id!r}")
    return kind.type.validate_json(body)


def _listed[C: Case](connection: Connection, kind: Kind[C], state: str | None, parent: str | None) -> list[C]:
    table = schema.case_file.c
    query = select(table.body).where(table.kind == kind.name).order_by(table.id)
    if state is not None:
        query = query.where(table.state == state)
    if parent is not None:
        query = query.where(table.parent == parent)
    return _typed(kind, connection.execute(query).scalars().all())


def _typed[C: Case](kind: Kind[C], bodies: Sequence[str]) -> list[C]:
    return [kind.type.validate_json(body) for body in bodies]
