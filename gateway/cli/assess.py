"""`onward assess`: the yearly self-assessment, made from live data and signed by an officer."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.cli.options import AsJson, By, Config, Rules, State, settings_from
from gateway.cli.output import complain, console, print_json, print_table, telling
from gateway.cli.report import From, To, grants_of, period_of
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.ledger.cases import Cases
from gateway.reports import assess, checks
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place
from gateway.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The yearly self-assessment: five checks, evidence, signature.")


@app.command()
def make(
    by: By,
    results: Annotated[
        Path | None, typer.Option("--results", help="Test results, as `make results` writes them.")
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--published", help="File with the published notice; fetched from its address if left out."
        ),
    ] = None,
    first: From = None,
    last: To = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make a self-assessment and put it on record, unsigned; exit code 1 if a check is red."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset = load_rules(settings.rules)
    cases = Cases(ledger_place(settings), settings.gateway_id, ruleset.digest, by)
    known = ruleset.notice.published
    with telling():
        seen = checks.look(
            cases.place,
            period_of(first, last),
            grants=grants_of(settings),
            published=_read(published) if published else checks.fetch(known.address) if known else None,
            results=checks.read_results(results) if results is not None else None,
            case_faults=checks.case_faults(settings.rules),
        )
        made = assess.make(cases, ruleset, seen, datetime.now(UTC))
    if as_json:
        print_json(assess.ASSESSMENT.type.dump_python(made, mode="json"))
    else:
        lights = [(one.id, "green" if one.green else "RED", "\n".join(one.faults)) for one in made.checks]
        print_table(("check", "result", "faults"), lights, title=made.id)
        console.print(f"sign it: onward assess sign {made.id} --as OFFICER --key FILE", markup=False)
    if not all(one.green for one in made.checks):
        raise typer.Exit(1)


@app.command()
def sign(
    assessment: Annotated[str, typer.Argument(help="Id of the assessment.")],
    by: By,
    key: Annotated[Path, typer.Option("--key", help="The officer's private key (PEM).")],
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Sign a self-assessment as an officer of policy/assessment.yaml, red checks and all."""
    settings = settings_from(config, rules=rules, state=state)
    with telling():
        assess.sign(*_at_work(settings, by), assessment, _private(key), datetime.now(UTC).date())
    console.print(f"{assessment} is signed by {by}")


@app.command()
def due(config: Config = None, rules: Rules = None, state: State = None) -> None:
    """Say by when the next signed self-assessment is due; exit code 1 if that day is over."""
    cases, ruleset = _at_work(settings_from(config, rules=rules, state=state), "")
    today = datetime.now(UTC).date()
    last = assess.due(cases, ruleset, today)
    if today > last:
        complain(f"a signed self-assessment was due by {last} (VERIFY-1)")
        raise typer.Exit(1)
    console.print(f"due by {last}")


@app.command()
def key(file: Annotated[Path, typer.Argument(help="New file for the private key.")]) -> None:
    """Make an officer's key; prints the public part for policy/assessment.yaml."""
    made = Ed25519PrivateKey.generate()
    text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text)
    except OSError as error:
        complain(f"{file}: cannot be made: {error.strerror}")
        raise typer.Exit(3) from None
    console.print(made.public_key().public_bytes_raw().hex())


def _at_work(settings: Settings, by: str) -> tuple[Cases, RuleSet]:
    ruleset = load_rules(settings.rules)
    return Cases(ledger_place(settings), settings.gateway_id, ruleset.digest, by), ruleset


def _private(file: Path) -> Ed25519PrivateKey:
    try:
        known = load_pem_private_key(_read(file), None)
    except (ValueError, TypeError):
        raise NotAllowed(f"{file}: is no private key in PEM without a password") from None
    if not isinstance(known, Ed25519PrivateKey):
        raise NotAllowed(f"{file}: is no Ed25519 key; `onward assess key` makes one")
    return known


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotAllowed(f"{file}: cannot be read: {error.strerror}") from None
