"""The rules in force as people read them: the decision table with the state of its tests, what ends, what would be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from gateway.console.service import Console, now
from gateway.console.visit import Visit
from gateway.core.casebook import try_cases
from gateway.core.errors import RulesError
from gateway.core.model import DataClass
from gateway.core.register import Register
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet, parse_cell
from gateway.core.source import Sources
from gateway.rulebook import Snapshot
from gateway.rulefacts import alarms, endings, unverified
from gateway.rulefiles import load_cases
from gateway.simulate.replay import Outcome, Records, count, ending, replay

MOST_REPLAYED = 5000
"""Newest transfers that a change is tried on."""
CELLS = ("pass", "anonymize", "hold", "block")
AHEAD_DAYS = 365


def rules(visit: Visit, outcome: Outcome | None = None, tried: str = "") -> Response:
    """The page; `outcome` is that of a simulation."""
    console, today = visit.console, now().date()
    ruleset = console.rules
    return visit.page(
        "rules.html",
        rules=ruleset,
        classes=tuple(DataClass),
        tests=_tests(console),
        ends=endings(ruleset, today, AHEAD_DAYS),
        alarms=list(alarms(ruleset, today)),
        unverified=sorted(Counter(one.kind for one in unverified(ruleset)).items()),
        policy=ruleset.company.policy_on(today),
        cells=[(one, visit.words.name("action", one)) for one in CELLS],
        statuses=[(one, visit.words.name("status", one)) for one in ruleset.status_rank],
        class_names=[(one, visit.words.name("class", one)) for one in DataClass],
        instruments=[(one.id, one.name) for one in ruleset.instruments.values() if one.is_transfer_tool],
        outcome=outcome,
        tried=tried,
        fault_of=console.rulebook.error,
    )


def simulate(visit: Visit) -> Response:
    """Try a change on the newest transfers. Nothing is changed."""
    console, today = visit.console, now().date()
    if visit.text("what") == "instrument":
        name = visit.text("instrument")
        if name not in console.rules.instruments:
            raise NotAllowed("there is no such instrument")
        changed, tried, day = ending(console.rules, name, today), f"{name}: ✕ {today}", today
    else:
        status, data_class, cell = visit.text("status"), visit.text("class"), visit.text("cell")
        changed, tried, day = (
            _with_cell(console.rules, status, data_class, cell),
            f"{status}/{data_class} → {cell}",
            None,
        )
    snapshot = Snapshot(changed, Register(changed.agents), Sources(changed.sources, changed.purpose_ids))
    shapes = console.tallies.shapes()
    seqs = console.tallies.newest(shapes, "0000", "9999", None, MOST_REPLAYED)
    outcome, records = Outcome(changed.digest, day), Records(snapshot)
    for start in range(0, len(seqs), 500):
        before = map(records.read, console.reader.these(seqs[start : start + 500]))
        for _ in count(replay(before, snapshot, day), outcome):
            pass
    return rules(visit, outcome, tried)


def _with_cell(ruleset: RuleSet, status: str, data_class: str, cell: str) -> RuleSet:
    try:
        wanted = DataClass(data_class)
        parse_cell(cell)
    except ValueError:
        raise NotAllowed("choose status, class and outcome of the lists") from None
    if status not in ruleset.status_rules:
        raise NotAllowed("choose status, class and outcome of the lists")
    rows = tuple(
        replace(row, cells={**row.cells, wanted: cell}) if row.status == status else row
        for row in ruleset.decision.statuses
    )
    decision = replace(ruleset.decision, statuses=rows)
    for place, at, what in decision.contradictions():
        raise NotAllowed(f"the cell {rows[place].status}/{at} {what}; the rules would be refused")
    return replace(ruleset, decision=decision, memory={})


_known: dict[int, dict[str, Any]] = {}


def _tests(console: Console) -> dict[str, Any]:
    """How the cases of the rules came out; tried once for each state of the folder."""
    snapshot = console.rulebook.current
    if id(snapshot) not in _known:
        try:
            ruleset, files = load_cases(console.settings.rules)
        except RulesError as error:
            return {"fault": str(error), "total": 0, "failed": [], "cells": {}}
        results = [one for file in files.values() for one in try_cases(file, ruleset)]
        cells: dict[tuple[str, str], str] = {}
        for one in results:
            for cell in one.cells:
                cells[cell] = "failed" if one.faults or cells.get(cell) == "failed" else "holds"
        _known.clear()
        failed = [(one.name, one.faults) for one in results if one.faults]
        _known[id(snapshot)] = {"fault": "", "total": len(results), "failed": failed, "cells": cells}
    return _known[id(snapshot)]
