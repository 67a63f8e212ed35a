"""`onward simulate`: what other rules, another day, or the end of an instrument would change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from gateway.cli.options import AsJson, Config, On, Rules, State, judged_on, settings_from
from gateway.cli.output import coloured, console, errors, print_json, print_table
from gateway.core.errors import SettingsError
from gateway.core.register import Register
from gateway.core.source import Sources
from gateway.ledger import LedgerReader
from gateway.rulebook import Snapshot
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place
from gateway.settings import Settings
from gateway.simulate.captures import from_flows, from_har
from gateway.simulate.page import page
from gateway.simulate.replay import Before, Outcome, Records, count, ending, replay

PAGE = 5_000
"""Records read at once."""


def simulate(
    against: Annotated[
        str, typer.Option("--against", help="`ledger`, a HAR file, or a flow file of mitmproxy.")
    ] = "ledger",
    on: On = None,
    ends: Annotated[
        str | None,
        typer.Option(
            "--ending", help="Id of an instrument that could not be relied on any more from that day on."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with a chart.")] = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Replay what was decided, or captured traffic, under other rules (--rules) or on another day (--on)."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset = load_rules(settings.rules)
    day = judged_on(on, ruleset) if on else None
    if ends is not None:
        if ends not in ruleset.instruments:
            raise SettingsError(
                f"--ending {ends!r} is no instrument; known are: {', '.join(ruleset.instruments)}"
            )
        day = day or datetime.now(UTC).date()
        ruleset = ending(ruleset, ends, day)
    snapshot = Snapshot(ruleset, Register(ruleset.agents), Sources(ruleset.sources, ruleset.purpose_ids))
    outcome = Outcome(ruleset.digest, day)
    total, transfers = _transfers(against, snapshot, settings)
    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        for done in count(replay(transfers, snapshot, day), outcome):
            if done % 1000 == 0:
                progress.update(task, completed=done)
    asked = (
        f"{against} under {settings.rules}{f' without {ends}' if ends else ''}{f' on {day}' if day else ''}"
    )
    if html is not None:
        html.write_text(page(outcome, f"Simulation: {asked}"), "utf-8")
    if as_json:
        print_json(_as_dict(outcome))
        return
    console.print(
        f"{outcome.total} transfers, {outcome.changed} come out differently; "
        f"{outcome.stayed} stay, since no rule decided them"
    )
    rows = [
        (agent, coloured(was), coloured(now), str(number), outcome.examples.get((agent, was, now), ""))
        for (agent, was, now), number in outcome.agents.most_common()
    ]
    if rows:
        print_table(("agent", "was", "would be", "transfers", "why"), rows, "By agent")
        clauses = [
            (clause, coloured(was), coloured(now), str(number))
            for (clause, was, now), number in outcome.clauses.most_common(20)
        ]
        print_table(("clause", "was", "would be", "transfers"), clauses, "By clause")


def _transfers(against: str, snapshot: Snapshot, settings: Settings) -> tuple[int | None, Iterator[Before]]:
    """How many there are, where that is known, and each."""
    if against == "ledger":
        reader = LedgerReader(ledger_place(settings))
        return reader.head().seq, _from_ledger(reader, Records(snapshot))
    file = Path(against)
    read = from_har if file.suffix.lower() == ".har" else from_flows
    # Here and not above: it brings the language model along.
    from gateway.decode import Limits
    from gateway.inspection import Inspect
    from gateway.inspector import Inspector
    from gateway.keys import Key

    inspector = Inspector.loaded(
        snapshot.rules.detection,
        settings.model,
        Limits(max_body_bytes=settings.max_body_bytes),
        frozenset(snapshot.rules.transport.untouched_headers),
        Key(1, bytes(32)),  # Its fingerprints go nowhere.
    )

    def inspect(message: Any) -> Any:
        return inspector(Inspect(message))

    return None, read(file, inspect)


def _from_ledger(reader: LedgerReader, records: Records) -> Iterator[Before]:
    seq = 0
    while some := reader.after(seq, PAGE):
        yield from map(records.read, some)
        seq = some[-1]["seq"]


def _as_dict(outcome: Outcome) -> dict[str, object]:
    return {
        "rules": outcome.digest,
        "on": outcome.on,
        "transfers": outcome.total,
        "changed": outcome.changed,
        "stayed": outcome.stayed,
        "actions": [{"was": w, "now": n, "transfers": c} for (w, n), c in outcome.actions.most_common()],
        "agents": [
            {"agent": a, "was": w, "now": n, "transfers": c, "why": outcome.examples.get((a, w, n), "")}
            for (a, w, n), c in outcome.agents.most_common()
        ],
        "clauses": [
            {"clause": a, "was": w, "now": n, "transfers": c}
            for (a, w, n), c in outcome.clauses.most_common()
        ],
    }
