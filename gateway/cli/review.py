"""`onward review`: decide on held transfers. Every look and every decision stands in the ledger."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import AsJson, Config, Rules, State, settings_from
from gateway.cli.output import complain, console, print_json, print_table, telling
from gateway.core.model import Message
from gateway.core.review import Review
from gateway.core.review import State as ReviewState
from gateway.ledger import LedgerReader
from gateway.review import holdkey, rows
from gateway.review.acts import Office, in_full, until_end_of
from gateway.review.vault import Vault
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.review.context import Excerpt

app = typer.Typer(no_args_is_help=True, help="Held transfers, and what becomes of them.")

Id = Annotated[str, typer.Argument(help="Review id, as in the refusal.", metavar="ID")]
By = Annotated[
    str, typer.Option("--as", envvar="ONWARD_REVIEWER", help="Who acts: an id of policy/review.yaml.")
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; stands in the ledger, so no personal data in it.")
]


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision."""
    settings = settings_from(config, rules=rules, state=state)
    found = _office(settings, "").waiting(tuple(ReviewState) if everything else rows.WAITING)
    if as_json:
        print_json([_shown(one) for one in found])
        return
    heads = ("review", "agent", "state", "until (UTC)")
    print_table(
        heads,
        [(one.id, one.agent, one.state, _minute(one.expires)) for one in found],
    )


@app.command()
def show(
    review: Id,
    by: By,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Show why a transfer is held, and the words around what was found, which is left out."""
    settings = settings_from(config, rules=rules, state=state)
    with telling():
        office = _office(settings, by)
        record = office.decision(review)
        message = office.look(review, _vault(settings), reveal=False)
    console.print_json(
        data={
            key: record[key]
            for key in ("id", "at", "agent", "host", "reason", "why", "rule", "clauses", "classes", "unread")
        }
        | {"found": [f"{one['count']} {one['entity']} in {one['place']}" for one in record["findings"]]}
    )
    if message is None:
        console.print("what it says is not kept: it was too large, or the review has ended")
        return
    for one in _context(settings, message):
        console.print(f"{one.place:<14} {one.text}", markup=False, highlight=False)


@app.command()
def reveal(review: Id, by: By, config: Config = None, rules: Rules = None, state: State = None) -> None:
    """Show what a held transfer says. The ledger has your look before you do."""
    settings = settings_from(config, rules=rules, state=state)
    with telling():
        message = _office(settings, by).look(review, _vault(settings), reveal=True)
    if message is None:
        complain("what it says is not kept: it was too large, or the review has ended")
        raise typer.Exit(1)
    console.print(in_full(message), markup=False, highlight=False)


@app.command()
def approve(
    review: Id,
    by: By,
    reason: Reason,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Last day; without it the approval is for once."),
    ] = None,
    as_rule: Annotated[
        bool, typer.Option("--propose-rule", help="Also propose a change of the rules; it decides nothing.")
    ] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Let the identical transfer pass when it comes again: once, or until a day."""
    settings = settings_from(config, rules=rules, state=state)
    ends = None if until is None else until_end_of(until.date())
    with telling():
        office = _office(settings, by)
        after = office.approve(review, ends, reason)
        if as_rule:
            console.print_json(data=office.propose_rule(review, reason))
    if after.state is ReviewState.SECONDED:
        console.print("approved by one; a second reviewer has to approve it as well")
    else:
        console.print(
            "approved: the identical transfer passes " + ("once" if after.single_use else "until then")
        )


@app.command()
def refuse(
    review: Id, by: By, reason: Reason, config: Config = None, rules: Rules = None, state: State = None
) -> None:
    """Refuse; what was held is deleted."""
    with telling():
        _office(settings_from(config, rules=rules, state=state), by).refuse(review, reason)
    console.print("refused; what was held is deleted")


@app.command("false-positive")
def false_positive(
    review: Id,
    by: By,
    reason: Reason,
    entity: Annotated[str | None, typer.Option("--entity", help="Only what was found as this.")] = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Say that what was found is no personal data: its fingerprints do not count for a while."""
    with telling():
        office = _office(settings_from(config, rules=rules, state=state), by)
        marked = office.mark_false_positive(review, entity, reason)
    console.print(f"{len(marked)} values do not count for {office.rules.false_positive_days} days")


@app.command()
def evaluation(config: Config = None, state: State = None) -> None:
    """Print all false positives as JSON, fingerprints only: what detection should no longer find."""
    place = ledger_place(settings_from(config, state=state))
    with closing(LedgerReader(place)) as reader, reader.connection() as connection:
        print_json(rows.allowances(connection))


def _office(settings: Settings, by: str) -> Office:
    rules = load_rules(settings.rules)
    return Office(ledger_place(settings), rules.review, rules.digest, settings.gateway_id, by)


def _vault(settings: Settings) -> Vault:
    return Vault(holdkey.load(ledger_place(settings), settings.state / "keys"))


def _context(settings: Settings, message: Message) -> list[Excerpt]:
    # Here and not above: the language model's libraries take seconds to import, and no other command needs them.
    from gateway.decode import Limits
    from gateway.detect import Detector
    from gateway.review.context import redacted

    rules = load_rules(settings.rules)
    detector = Detector(rules.detection, settings.model)
    untouched = frozenset(rules.transport.untouched_headers)
    return redacted(message, detector, Limits(max_body_bytes=settings.max_body_bytes), untouched)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _shown(review: Review) -> dict[str, Any]:
    return {
        "id": review.id,
        "agent": review.agent,
        "state": review.state,
        "created": review.created.isoformat(),
        "expires": review.expires.isoformat(),
        "eyes": review.eyes,
        "first_by": review.first_by,
    }
