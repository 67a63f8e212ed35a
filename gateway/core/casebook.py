"""The typed form of `rules/tests/`: cases in which compliance says what the rules must come out as, and trying them.

A case names an agent, data and a day, and what is expected for some classes of data. The cells of the decision table
that cases reach are counted, so that a table nobody has thought through to its corners shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

from gateway.core.agent import Agent
from gateway.core.decide import UNREGISTERED, Decision, Facts, Matter, decide_matters
from gateway.core.law import STRICT, Status
from gateway.core.model import Action, DataClass, Origin
from gateway.core.origin import jurisdictions
from gateway.core.ruleset import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a case is about."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    agent: str
    """Id of an agent of this file or of the register, or `unregistered`."""
    on: date
    origin: Origin = Origin.UNKNOWN
    purpose: str | None = None
    source: str | None = None
    """Id of a source of `rules/sources/`."""
    category: str = ""
    hr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come out; whatever is left out is not looked at."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    actions: Mapping[DataClass, Action]
    status: Status | None = None
    rule: str | None = None
    clauses: tuple[str, ...] = ()
    """Clauses that must be among those of every decision."""

    def __post_init__(self) -> None:
        if not self.actions:
            raise ValueError("write what is expected for at least one class, e.g. `ordinary: pass`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test of the rules."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    given: Given
    expect: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesFile:
    """`rules/tests/*.yaml`. The agents of a file exist for its cases only."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    agents: tuple[Agent, ...] = ()
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How one case came out."""

    name: str
    faults: tuple[str, ...]
    cells: frozenset[tuple[Status, DataClass]]
    """Cells of the decision table that decided in it."""


def try_cases(file: CasesFile, rules: RuleSet) -> Iterator[Result]:
    """Try all cases of a file."""
    agents = {agent.id: agent for agent in (*rules.agents, *file.agents)}
    sources = {source.id: source for source in rules.sources}
    for case in file.cases:
        given = case.given
        unknown = [
            f"names {what} {name!r}, which does not exist"
            for what, name, known in (("agent", given.agent, agents), ("source", given.source, sources))
            if name is not None and name not in known and name != UNREGISTERED
        ]
        if unknown:
            yield Result(case.name, tuple(unknown), frozenset())
            continue
        source = sources[given.source] if given.source else None
        facts = Facts(agents.get(given.agent), given.on, given.purpose, source=source)
        yield _tried(case, facts, rules)


def _tried(case: Case, facts: Facts, rules: RuleSet) -> Result:
    given, expect = case.given, case.expect
    faults: list[str] = []
    cells: set[tuple[Status, DataClass]] = set()
    for data_class, action in expect.actions.items():
        matter = Matter(data_class, given.origin, given.hr, given.category)
        decision = decide_matters(facts, [matter], rules)
        faults += _faults(data_class, action, decision, expect)
        if decision.rule == f"table/{decision.status}/{data_class}" and jurisdictions(given.origin):
            cells.add((decision.status, data_class))
    return Result(case.name, tuple(faults), frozenset(cells))


def _faults(data_class: DataClass, action: Action, decision: Decision, expect: Expected) -> Iterable[str]:
    if decision.action is not action:
        yield f"{data_class}: expected {action}, but it is {decision.action} by {decision.rule}"
    for name in ("status", "rule"):
        wanted = getattr(expect, name)
        if wanted is not None and wanted != getattr(decision, name):
            yield f"{data_class}: expected {name} {wanted}, but it is {getattr(decision, name)}"
    missing = set(expect.clauses) - set(decision.clauses)
    if missing:
        yield f"{data_class}: the clauses lack {', '.join(sorted(missing))}"


def cells_of(rules: RuleSet) -> frozenset[tuple[Status, DataClass]]:
    """All cells of the decision table."""
    return frozenset((row.status, data_class) for row in rules.decision.statuses for data_class in row.cells)
