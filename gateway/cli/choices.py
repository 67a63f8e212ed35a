"""`onward choices` and `onward exemptions`: the registers of what people chose and of what was exempted."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.choicefiles import read_consents, read_refusals
from gateway.cli.options import AsJson, Config, Rules, State, settings_from
from gateway.cli.output import console, print_json, print_table, warn
from gateway.core.exemption import Grant
from gateway.grantfiles import read_grant
from gateway.keys import load_key
from gateway.rulefiles import load_rules
from gateway.runtime import registers_path
from gateway.store.registers import Registers

choices = typer.Typer(no_args_is_help=True, help="Opt-outs, objections and consents, by keyed fingerprint.")
exemptions = typer.Typer(
    no_args_is_help=True, help="Exemptions: asked for, approved by a second person, used."
)
File = Annotated[Path, typer.Argument(help="File to read.")]


@choices.command("import")
def import_choices(
    file: File,
    kind: Annotated[
        Literal["opt-out", "objection", "consent"], typer.Option("--kind", help="What the rows are.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and keep nothing.")] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Put the rows of a CSV file on record, all or none; of the values only keyed fingerprints are kept."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset, key = load_rules(settings.rules), load_key(settings.state / "keys", create=False)
    today = datetime.now(UTC).date()
    if kind == "consent":
        consents = read_consents(file, ruleset, key, today)
        count, keep = len(consents), partial(Registers.consent, consents=consents)
    else:
        refusals = read_refusals(file, kind, ruleset, key, today)
        count, keep = len(refusals), partial(Registers.refuse, refusals=refusals)
    if dry_run:
        console.print(f"{count} entries would be kept; nothing was")
        return
    with closing(Registers(registers_path(settings))) as registers:
        keep(registers)
    console.print(f"{count} entries are in force")


@choices.command("count")
def count_choices(config: Config = None, state: State = None, as_json: AsJson = False) -> None:
    """Say how many entries each register holds."""
    with closing(Registers(registers_path(settings_from(config, state=state)))) as registers:
        counts = dict(registers.counts())
    if as_json:
        print_json(counts)
    else:
        print_table(("register", "entries"), [(name, str(count)) for name, count in sorted(counts.items())])


@exemptions.command()
def request(file: File, config: Config = None, rules: Rules = None, state: State = None) -> None:
    """Put an exemption on record from a YAML file; it opens nothing before a second person has approved it."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset = load_rules(settings.rules)
    grant = read_grant(file, ruleset)
    with closing(Registers(registers_path(settings))) as registers:
        registers.request(grant)
    console.print(f"{grant.id} is on record until {grant.expires_at}; a second person has to approve it")


@exemptions.command()
def approve(
    grant: Annotated[str, typer.Argument(help="Id of the exemption.")],
    approver: Annotated[str, typer.Option("--approver", help="Who approves; not the requester.")],
    config: Config = None,
    state: State = None,
) -> None:
    """Note the approval of a second person."""
    with closing(Registers(registers_path(settings_from(config, state=state)))) as registers:
        registers.approve(grant, approver, datetime.now(UTC))
    console.print(f"{grant} is approved by {approver}")


@exemptions.command("list")
def list_exemptions(
    config: Config = None, rules: Rules = None, state: State = None, as_json: AsJson = False
) -> None:
    """List all exemptions: asked for, approved, used, over; exit code 1 if one was used without approval in time."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset, now = load_rules(settings.rules), datetime.now(UTC)
    with closing(Registers(registers_path(settings))) as registers:
        grants = registers.grants()
    incidents = [one for one in grants if one.is_incident(ruleset.exemptions[one.exemption], now)]
    if as_json:
        print_json([_summary(one, now, one in incidents) for one in grants])
    else:
        heads = ("id", "exemption", "agent", "requester", "approver", "until", "state")
        rows = [
            (
                one.id,
                one.exemption,
                one.agent,
                one.requester,
                one.approver or "",
                str(one.expires_at),
                _state(one, now),
            )
            for one in grants
        ]
        print_table(heads, rows)
    for one in incidents:
        warn(f"{one.id} was used and nobody approved it in time: assess it as a possible breach (EXC-2)")
    if incidents:
        raise typer.Exit(1)


def _state(grant: Grant, now: datetime) -> str:
    if grant.used_at is not None:
        return "used"
    if now >= grant.expires_at:
        return "over, never used"
    return "in force" if grant.approved_at is not None else "waits for approval"


def _summary(grant: Grant, now: datetime, incident: bool) -> dict[str, object]:
    return {
        "id": grant.id,
        "exemption": grant.exemption,
        "agent": grant.agent,
        "requester": grant.requester,
        "approver": grant.approver,
        "expires_at": grant.expires_at,
        "state": _state(grant, now),
        "incident": incident,
    }
