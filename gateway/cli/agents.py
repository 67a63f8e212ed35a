"""`onward agents`: the register of those who receive data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.agentfiles import put_in_force
from gateway.cli.options import AsJson, Config, On, Rules, settings_from
from gateway.cli.output import coloured, console, print_json, print_table
from gateway.core.agent import Agent, Match
from gateway.core.assurance import Standing, standing_on
from gateway.core.errors import SettingsError
from gateway.core.ruleset import RuleSet
from gateway.rulefiles import check_with, load_rules

app = typer.Typer(no_args_is_help=True, help="The register of agents: who receives data, and on what ground.")
File = Annotated[Path, typer.Argument(help="File with agents, as under rules/agents/.")]


@app.command("list")
def list_agents(on: On = None, config: Config = None, rules: Rules = None, as_json: AsJson = False) -> None:
    """List all agents with their status, computed for EU and Swiss data on one day."""
    ruleset, day = load_rules(settings_from(config, rules=rules).rules), _day(on)
    if as_json:
        print_json([_summary(agent, day, ruleset) for agent in ruleset.agents])
        return
    rows = []
    for agent in ruleset.agents:
        eu, ch = _standings(agent, day, ruleset)
        ends = min((one.last_day for one in (eu, ch) if one.last_day), default=None)
        soon = ends is not None and (ends - day).days <= ruleset.decision.expiring_within_days
        until = Text(str(ends or ""), style="yellow" if soon else "")
        rows.append(
            (agent.id, agent.name, agent.entity.country, coloured(eu.status), coloured(ch.status), until)
        )
    print_table(("agent", "name", "country", "EU data", "Swiss data", "until"), rows, f"Agents on {day}")


@app.command()
def show(
    agent: Annotated[str, typer.Argument(help="Id of the agent.")],
    on: On = None,
    config: Config = None,
    rules: Rules = None,
    as_json: AsJson = False,
) -> None:
    """Show one agent: where it is reached, what its assurance is worth today, and why."""
    ruleset, day = load_rules(settings_from(config, rules=rules).rules), _day(on)
    found = next((one for one in ruleset.agents if one.id == agent), None)
    if found is None:
        raise SettingsError(f"no agent has the id {agent!r}; `onward agents list` shows those there are")
    if as_json:
        print_json(_summary(found, day, ruleset))
        return
    console.print(
        Text(found.name, style="bold"),
        f" ({found.entity.name}, {found.entity.country}, {found.role})",
        sep="",
    )
    console.print("  reached at ", ", ".join(_place(match) for match in found.match), sep="")
    console.print("  purposes   ", ", ".join(found.purposes), sep="")
    console.print("  categories ", ", ".join(found.categories), sep="")
    console.print("  review due ", str(found.review_due), sep="")
    for origin, standing in zip(("EU", "CH"), _standings(found, day, ruleset), strict=True):
        until = f" until {standing.last_day}" if standing.last_day else ""
        console.print(f"  {origin} data    ", coloured(standing.status), until, sep="")
        for reason in standing.reasons:
            console.print(f"             {ruleset.texts.say(reason)}")


@app.command()
def check(file: File, config: Config = None, rules: Rules = None) -> None:
    """Check a file of agents against the rules without putting it into force."""
    checked = check_with(settings_from(config, rules=rules).rules, file)
    console.print(Text("ok", style="green"), f": {len(checked)} agents in {file}", sep="")


@app.command()
def apply(file: File, config: Config = None, rules: Rules = None) -> None:
    """Check a file of agents and put it into force, under its own name in rules/agents/; a running gateway follows."""
    folder = settings_from(config, rules=rules).rules
    checked = check_with(folder, file)
    target = put_in_force(folder, file.name, file.read_bytes())
    console.print(Text("in force", style="green"), f": {len(checked)} agents in {target}", sep="")


def _day(on: datetime | None) -> date:
    return (on or datetime.now(UTC)).date()


def _standings(agent: Agent, day: date, rules: RuleSet) -> tuple[Standing, Standing]:
    return standing_on(agent, "EU", day, rules), standing_on(agent, "CH", day, rules)


def _summary(agent: Agent, day: date, rules: RuleSet) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "id": agent.id,
        "name": agent.name,
        "entity": agent.entity.name,
        "country": agent.entity.country,
        "role": agent.role,
        "match": [_place(match) for match in agent.match],
        "purposes": list(agent.purposes),
        "categories": list(agent.categories),
        "review_due": agent.review_due,
        "on": day,
    }
    for origin, standing in zip(("EU", "CH"), _standings(agent, day, rules), strict=True):
        summary[origin] = {
            "status": standing.status,
            "instrument": standing.instrument,
            "reasons": [rules.texts.say(reason) for reason in standing.reasons],
            "last_day": standing.last_day,
        }
    return summary


def _place(match: Match) -> str:
    port = f":{match.port}" if match.port else ""
    return f"{match.host or match.cidr}{port}{match.path if match.path != '/' else ''}"
