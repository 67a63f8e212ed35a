"""`onward rules`: whether the rules can be used, and how fresh the law in them is."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.cli.options import AsJson, Config, On, Rules, settings_from
from gateway.cli.output import complain, console, print_json, print_table, warn
from gateway.core.casebook import cells_of, try_cases
from gateway.core.errors import RulesError, SettingsError
from gateway.rulefacts import alarms, differences, endings, facts_of, resting_on_unverified, unverified
from gateway.rulefiles import load_cases, load_rules

app = typer.Typer(no_args_is_help=True, help="Law and policy as data.")


@app.command()
def check(config: Config = None, rules: Rules = None, as_json: AsJson = False) -> None:
    """Check every file of the rules; each fault is shown with file, line and field."""
    folder = settings_from(config, rules=rules).rules
    try:
        ruleset = load_rules(folder, trying_patterns=True)
    except RulesError as error:
        if as_json:
            faults = [
                {"file": p.file, "line": p.line, "field": p.field, "what": p.what} for p in error.problems
            ]
            print_json({"ok": False, "problems": faults})
        else:
            for problem in error.problems:
                complain(str(problem))
        raise typer.Exit(1) from None
    if as_json:
        print_json(
            {"ok": True, "digest": ruleset.digest, "law_as_of": ruleset.as_of, "agents": len(ruleset.agents)}
        )
        return
    console.print(Text("ok", style="green"), f": {folder}, digest {ruleset.digest[:12]}", sep="")
    console.print(
        f"  {len(ruleset.instruments)} instruments, {len(ruleset.adequacy)} adequacy findings, "
        f"{len(ruleset.clauses)} clauses, {len(ruleset.agents)} agents; law as of {ruleset.as_of}"
    )
    detection = ruleset.detection
    console.print(
        f"  {len(detection.recognizers)} recognizers, {len(detection.deny)} entries on the deny list, "
        f"{len(detection.allow)} on the allow list"
    )


@app.command("test")
def try_cases_of(config: Config = None, rules: Rules = None, as_json: AsJson = False) -> None:
    """Try the cases of rules/tests/, and say which cells of the decision table they reach."""
    ruleset, files = load_cases(settings_from(config, rules=rules).rules)
    results = [(name, one) for name, file in files.items() for one in try_cases(file, ruleset)]
    failed = [(name, one) for name, one in results if one.faults]
    cells = cells_of(ruleset)
    untried = sorted(cells.difference(*(one.cells for _, one in results)))
    share = 100 * (len(cells) - len(untried)) / len(cells)
    if as_json:
        print_json(
            {
                "ok": not failed and not untried,
                "cases": len(results),
                "failed": [{"file": f, "case": one.name, "faults": one.faults} for f, one in failed],
                "cells": len(cells),
                "cells_untried": [f"{status}/{data_class}" for status, data_class in untried],
            }
        )
    else:
        for name, one in failed:
            for fault in one.faults:
                complain(f"{name}: {one.name}: {fault}")
        for status, data_class in untried:
            warn(f"no case reaches the cell {status}/{data_class}")
        console.print(
            f"{len(results) - len(failed)} of {len(results)} cases hold; "
            f"{len(cells) - len(untried)} of {len(cells)} cells of the decision table tried ({share:.0f} %)"
        )
    if failed or untried:
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="Id of a fact: an instrument, clause, exemption, country, cell, …")
    ],
    config: Config = None,
    rules: Rules = None,
    as_json: AsJson = False,
) -> None:
    """Show what the rules say about something, with its source."""
    ruleset = load_rules(settings_from(config, rules=rules).rules)
    everything = list(facts_of(ruleset))
    asked = name.casefold()
    found = [one for one in everything if asked in (one.id.casefold(), f"{one.kind}/{one.id}".casefold())]
    found = found or [one for one in everything if one.id.partition("/")[0].casefold() == asked]
    if not found:
        near = difflib.get_close_matches(name, [fact.id for fact in everything], n=3)
        hint = f"; near are {', '.join(near)}" if near else ""
        raise SettingsError(f"the rules hold nothing called {name!r}{hint}")
    if as_json:
        print_json([{"kind": fact.kind, "id": fact.id} | _plain(fact.fields) for fact in found])
        return
    for fact in found:
        console.print(Text(f"{fact.kind} {fact.id}", style="bold"))
        for field, value in fact.fields.items():
            console.print(f"  {field:<16} ", Text(_shown(value)), sep="")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Folder with the rules as they were.")],
    new: Annotated[
        Path | None,
        typer.Argument(help="Folder with the rules as they shall be; those in force if left out."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say what differs between two folders of rules, entry by entry; exit code 1 if anything does."""
    changes = list(differences(load_rules(old), load_rules(new or settings_from(config).rules)))
    if as_json:
        print_json([{**_plain(asdict(one))} for one in changes])
    for one in [] if as_json else changes:
        if one.field:
            told = Text(f"{one.field}: {_shown(one.old)} → {_shown(one.new)}")
        else:
            told = Text("added", style="green") if one.old is None else Text("removed", style="red")
        console.print(Text(f"{one.kind} {one.id}", style="bold"), " ", told, sep="")
    if changes:
        raise typer.Exit(1)


@app.command()
def status(
    on: On = None,
    days: Annotated[int, typer.Option("--days", help="How far to look ahead.")] = 90,
    config: Config = None,
    rules: Rules = None,
    as_json: AsJson = False,
) -> None:
    """Say how fresh the law data is, what ends soon, and what rests on facts nobody has verified."""
    ruleset, day = load_rules(settings_from(config, rules=rules).rules), (on or datetime.now(UTC)).date()
    ends, doubtful = endings(ruleset, day, days), list(unverified(ruleset))
    resting, told = list(resting_on_unverified(ruleset, day)), list(alarms(ruleset, day))
    if as_json:
        print_json(
            {
                "law_as_of": ruleset.as_of,
                "digest": ruleset.digest,
                "alarms": told,
                "ending": [_plain(asdict(one)) for one in ends],
                "unverified": [f"{fact.kind}/{fact.id}" for fact in doubtful],
                "resting_on_unverified": [
                    {"agent": agent, "origin": origin, "instrument": instrument}
                    for agent, origin, instrument in resting
                ],
                "principles": {one.id: list(one.clauses) for one in ruleset.company.principles},
            }
        )
        return
    policy = ruleset.company.policy_on(day)
    console.print(
        f"law data as of {ruleset.as_of}, rules {ruleset.digest[:12]}, "
        f"policy {policy.version if policy else 'none'}"
    )
    for alarm in told:
        warn(alarm)
    rows = [(str(one.last_day), one.kind, one.id, one.what) for one in ends]
    print_table(("last day", "kind", "id", "what"), rows, f"Ends within {days} days of {day}")
    counted = Counter(fact.kind for fact in doubtful)
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
    console.print(f"not verified yet: {listed or 'nothing'} (`--json` lists them)")
    for agent, origin, instrument in resting:
        warn(f"{agent}, {origin} data: rests on {instrument}, which is not verified")


def _plain(value: object) -> Any:
    """A value as JSON holds it."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
