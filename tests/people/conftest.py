"""A ledger with transfers about invented people, on each database, and a desk that works on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.model import Origin
from gateway.core.rights import Mark, Request
from gateway.detect import normalize
from gateway.keys import Key, fingerprint
from gateway.ledger import FindingSummary, Outcome, Place, Record
from gateway.ledger.cases import Cases
from gateway.people.desk import Intake, PeopleDesk
from gateway.people.marks import read_marks
from gateway.store.registers import Registers
from tests.ledgers import AwaitedLedger, a_ledger, a_record
from tests.policy.builders import RULES, an_agent, day

KEY = Key(1, bytes(32))
AGENTS = tuple(an_agent(id=one, name=one.title()) for one in ("mailer", "crm", "shop"))
RULES_HERE = replace(RULES, agents=AGENTS, memory={})
MONDAY = day("2026-11-23")
ANNA = "EMAIL_ADDRESS anna.lindqvist@example.org"


def print_of(line: str, key: Key = KEY) -> str:
    entity, _, value = line.partition(" ")
    return fingerprint(key, entity, normalize(entity, value))


def found(*lines: str, category: str = "contact", place: str = "body.json") -> tuple[FindingSummary, ...]:
    return tuple(
        FindingSummary(line.partition(" ")[0], category, None, place, 1, (print_of(line),)) for line in lines
    )


def a_transfer(name: str, agent: str, *lines: str, action: str = "pass", **other: object) -> Record:
    record = a_record(name, agent=agent, action=action)
    return replace(record, findings=found(*lines), unread=(), **other)  # type: ignore[arg-type]


class Office:
    """A ledger, and staff with its requests."""

    def __init__(self, place: Place, ledger: AwaitedLedger) -> None:
        self.place, self.ledger = place, ledger
        self.registers = place.base.parent / "registers.db"
        self.desk = PeopleDesk(
            Cases(place, "gateway-1", "d" * 64, "staff-1"), RULES_HERE, KEY, self.registers
        )

    async def sent(self, *records: Record | Outcome) -> None:
        for one in records:
            await self.ledger.append(one)

    def receive(self, right: str, *lines: str, **more: object) -> Request:
        intake = Intake(
            right=right,
            channel="phone",
            origin=Origin.EU,
            received=MONDAY,
            reference="CRM-12",
            marks=self.marks(*(lines or (ANNA,))),
        )
        return self.desk.receive(replace(intake, **more), MONDAY)  # type: ignore[arg-type]

    def marks(self, *lines: str) -> tuple[Mark, ...]:
        return read_marks(lines, RULES_HERE.detection.category_of, self.desk.key)

    def acts(self, about: str) -> list[str]:
        from tests.ledgers import reading

        with reading(self.place) as reader:
            return [one["action"] for one in reader.about(about)]


@pytest.fixture
def office(place: Place) -> Iterator[Office]:
    with a_ledger(place) as ledger:
        yield Office(place, ledger)


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Callable[[], Registers]]:
    opened: list[Registers] = []

    def at(path: Path = tmp_path / "registers.db") -> Registers:
        opened.append(Registers(path))
        return opened[-1]

    yield at
    for one in opened:
        one.close()


@pytest.fixture
def office_file(tmp_path: Path) -> Iterator[Office]:
    """For what no database makes a difference to."""
    place = Place.of(tmp_path / "state" / "ledger.db", tmp_path / "state")
    with a_ledger(place) as ledger:
        yield Office(place, ledger)
