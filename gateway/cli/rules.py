"""`onward rules`: whether the rules can be used, and how fresh the law in them is."""

from __future__ import annotations

import typer
from rich.text import Text

from gateway.cli.options import AsJson, Config, Rules, settings_from
from gateway.cli.output import complain, console, print_json
from gateway.core.errors import RulesError
from gateway.rulefiles import load_rules

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
