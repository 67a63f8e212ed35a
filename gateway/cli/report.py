"""`onward report`: what is on record, as HTML with charts, PDF, CSV or JSON."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Config, Rules, State, settings_from
from gateway.cli.output import telling, warn
from gateway.cli.reporting import Form, Out, deliver
from gateway.core.errors import SettingsError
from gateway.core.exemption import Grant
from gateway.core.ruleset import RuleSet
from gateway.ledger.cases import Cases
from gateway.reports import assess, registers
from gateway.reports.notice import notice as notice_report
from gateway.reports.notice import undisclosed, waived_for
from gateway.reports.traffic import Period, Traffic, traffic_in
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place, registers_path
from gateway.settings import Settings
from gateway.store.registers import Registers

app = typer.Typer(no_args_is_help=True, help="Reports of what is on record.")

YEAR_DAYS = 365
From = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="First day; a year before the last if left out."),
]
To = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; today if left out.")
]


@app.command()
def notice(
    form: Form = "html",
    out: Out = None,
    first: From = None,
    last: To = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="A language of policy/texts.yaml.")
    ] = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Disclosure notice from what really flowed; exit code 1 if the published one lacks a type that did."""
    settings, ruleset, traffic = _counted(config, rules, state, first, last)
    if language is not None and language not in ruleset.texts.languages:
        raise SettingsError(f"--language {language!r}: there are {', '.join(ruleset.texts.languages)}")
    now, grants = datetime.now(UTC), grants_of(settings)
    deliver(notice_report(traffic, grants, ruleset, now, language), form, out)
    alarms = undisclosed(traffic, ruleset, waived_for(grants, ruleset, now))
    for alarm in alarms:
        warn(alarm)
    if alarms:
        raise typer.Exit(1)


@app.command()
def processing(
    form: Form = "html",
    out: Out = None,
    first: From = None,
    last: To = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Records of processing activities (GDPR Art. 30), from what really flowed."""
    _, ruleset, traffic = _counted(config, rules, state, first, last)
    deliver(registers.processing(traffic, ruleset, datetime.now(UTC)), form, out)


@app.command()
def transfers(
    form: Form = "html",
    out: Out = None,
    first: From = None,
    last: To = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Transfer register: all decisions, counted by day, agent and outcome."""
    _, ruleset, traffic = _counted(config, rules, state, first, last)
    deliver(registers.transfers(traffic, ruleset, datetime.now(UTC)), form, out)


@app.command()
def expiry(
    form: Form = "html", out: Out = None, config: Config = None, rules: Rules = None, state: State = None
) -> None:
    """Calendar of what assurances, reviews and own certifications end when."""
    ruleset = load_rules(settings_from(config, rules=rules, state=state).rules)
    deliver(registers.expiry(ruleset, datetime.now(UTC)), form, out)


@app.command()
def blocked(
    form: Form = "html",
    out: Out = None,
    first: From = None,
    last: To = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Summary of what was blocked and held, by reason, agent and clause."""
    _, ruleset, traffic = _counted(config, rules, state, first, last)
    deliver(registers.blocked(traffic, ruleset, datetime.now(UTC)), form, out)


@app.command()
def assessment(
    assessment: Annotated[str | None, typer.Argument(help="Id; the newest if left out.")] = None,
    form: Form = "html",
    out: Out = None,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """A self-assessment that was made with `onward assess`."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset, now = load_rules(settings.rules), datetime.now(UTC)
    with telling():
        cases = Cases(ledger_place(settings), settings.gateway_id, ruleset.digest, "")
        made = assess.found(cases, assessment)
        next_by = assess.due(cases, ruleset, now.date())
    deliver(assess.report(made, ruleset, next_by, now), form, out)


def grants_of(settings: Settings) -> tuple[Grant, ...]:
    """Exemptions on record."""
    with closing(Registers(registers_path(settings))) as kept:
        return kept.grants()


def period_of(first: datetime | None, last: datetime | None) -> Period:
    """The period asked for. Raises SettingsError for one that ends before it begins."""
    end = (last or datetime.now(UTC)).date()
    begin = first.date() if first is not None else end - timedelta(days=YEAR_DAYS)
    if begin > end:
        raise SettingsError(f"--from {begin} lies after --to {end}")
    return Period(begin, end)


def _counted(
    config: Path | None, rules: object, state: object, first: datetime | None, last: datetime | None
) -> tuple[Settings, RuleSet, Traffic]:
    settings = settings_from(config, rules=rules, state=state)
    return settings, load_rules(settings.rules), traffic_in(ledger_place(settings), period_of(first, last))
