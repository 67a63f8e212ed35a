"""`onward keys`: versions of the fingerprint key, and their end."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from gateway.cli.options import AsJson, Config, Rules, State, settings_from
from gateway.cli.output import console, print_json, print_table
from gateway.keys import key_versions
from gateway.ledger import LedgerReader, custody
from gateway.review import holdkey
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place

app = typer.Typer(
    no_args_is_help=True,
    help="The keys of fingerprints and of held transfers.",
)

OPERATOR = "operator"


@app.command("list")
def list_(config: Config = None, state: State = None, as_json: AsJson = False) -> None:
    """List the versions that the ledger knows, and whether they are here."""
    settings = settings_from(config, state=state)
    here = key_versions(settings.state / "keys")
    with closing(LedgerReader(ledger_place(settings))) as reader, reader.connection() as connection:
        known = custody.known_keys(connection)
    rows = [
        (
            str(one.version),
            f"{one.since:%Y-%m-%d}",
            "destroyed" if one.shredded else "here" if one.version in here else "missing",
        )
        for one in known
    ]
    rows += [(str(v), "", "here, not on record yet") for v in here if v not in {one.version for one in known}]
    if as_json:
        print_json([{"version": int(row[0]), "since": row[1], "state": row[2]} for row in rows])
    else:
        print_table(("version", "on record since", "state"), rows)


@app.command()
def rotate(config: Config = None, rules: Rules = None, state: State = None) -> None:
    """Make a new version; a running gateway uses it within seconds. Older fingerprints stay searchable."""
    settings = settings_from(config, rules=rules, state=state)
    digest = load_rules(settings.rules).digest
    key = custody.rotate(
        ledger_place(settings), settings.state / "keys", OPERATOR, settings.gateway_id, digest
    )
    console.print(f"version {key.version} is in use; back it up apart from the ledger")


@app.command()
def shred(
    version: Annotated[int, typer.Argument(help="The version to destroy.")],
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Do not ask.", prompt="Destroy it? Its fingerprints cannot be searched again"
        ),
    ],
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Destroy a version: every fingerprint of its time means nothing any more. The records stay."""
    if not yes:
        raise typer.Exit(1)
    settings = settings_from(config, rules=rules, state=state)
    digest = load_rules(settings.rules).digest
    custody.shred(
        ledger_place(settings), settings.state / "keys", version, OPERATOR, settings.gateway_id, digest
    )
    console.print(f"version {version} is destroyed; destroy its backups as well")


@app.command("renew-hold")
def renew_hold(config: Config = None, rules: Rules = None, state: State = None) -> None:
    """Make a new key for held transfers in place of a lost one: all that is held or approved ends. Restart then."""
    settings = settings_from(config, rules=rules, state=state)
    digest = load_rules(settings.rules).digest
    ended = holdkey.renew(
        ledger_place(settings), settings.state / "keys", OPERATOR, settings.gateway_id, digest
    )
    console.print(
        f"a new hold.key was made, and {ended} reviews ended; restart the gateway, and back the key up"
    )
