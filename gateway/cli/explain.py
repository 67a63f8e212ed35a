"""`onward explain`: what would happen to data of one class and origin on one day, without any traffic."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

import typer

from gateway.cli.options import AsJson, Config, Rules, judged_on, settings_from
from gateway.cli.output import coloured, console, print_json
from gateway.core.decide import Decision, Facts, Matter, decide_matters, in_words
from gateway.core.errors import SettingsError
from gateway.core.model import DataClass, Origin
from gateway.core.origin import BOTH
from gateway.core.register import Register
from gateway.core.source import vouched_for
from gateway.rulefiles import load_rules


def explain(
    agent: Annotated[
        str, typer.Option("--agent", help="Host name (and port, path) of the receiving agent, or its id.")
    ],
    origin: Annotated[
        Origin, typer.Option("--origin", help="Whose data it is.", case_sensitive=False)
    ] = Origin.UNKNOWN,
    data_class: Annotated[
        DataClass, typer.Option("--class", help="How sensitive the data is.", case_sensitive=False)
    ] = DataClass.ORDINARY,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="Day of the transfer; today if left out."),
    ] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Purpose of the transfer.")] = None,
    category: Annotated[str, typer.Option("--category", help="Category of the data, e.g. health.")] = "",
    source: Annotated[str | None, typer.Option("--source", help="Id of the source it comes from.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Language of the explanation.")
    ] = None,
    hr: Annotated[bool, typer.Option("--hr", help="The data is about employees.")] = False,
    config: Config = None,
    rules: Rules = None,
    as_json: AsJson = False,
) -> None:
    """Explain a decision: which rule and which clauses of the policy lead to it."""
    ruleset = load_rules(settings_from(config, rules=rules).rules)
    register = Register(ruleset.agents)
    known = next((one for one in ruleset.agents if one.id == agent), None) or register.find(*_target(agent))
    day = judged_on(on, ruleset)
    where = next((one for one in ruleset.sources if one.id == source), None)
    if source is not None and where is None:
        raise SettingsError(f"--source {source!r} is no source of the rules")
    if language is not None and language not in ruleset.texts.languages:
        raise SettingsError(f"--language {language!r}: there are {', '.join(ruleset.texts.languages)}")
    known_origin = vouched_for(where, day) if where else BOTH
    facts = Facts(known, day, purpose, declared=known_origin, source=where)
    decision = decide_matters(facts, [Matter(data_class, origin, hr, category)], ruleset)
    why = in_words(decision, ruleset, language)
    if as_json:
        print_json(
            _as_dict(decision, why)
            | {
                "agent": decision.agent,
                "on": day.isoformat(),
                "rules": ruleset.digest,
                "sources": {clause: ruleset.clauses[clause].source for clause in decision.clauses},
            }
        )
        return
    console.print(coloured(decision.action), f" {why}", sep="")
    console.print(
        f"  agent    {decision.agent}",
        f"  status   {decision.status}",
        f"  rule     {decision.rule}",
        sep="\n",
    )
    for clause in decision.clauses:
        told = ruleset.clauses[clause]
        console.print(f"  {clause:<12} {told.commitment} ({told.source})")


def _as_dict(decision: Decision, why: str) -> dict[str, object]:
    return {
        "action": decision.action,
        "status": decision.status,
        "rule": decision.rule,
        "clauses": list(decision.clauses),
        "why": why,
    }


def _target(text: str) -> tuple[str, int, str]:
    """Host, port and path of what the user typed: a host name, `host:port`, or a URL."""
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443), parts.path or "/"
    except ValueError as error:
        raise SettingsError(f"--agent {text!r} is no host name, host:port or URL: {error}") from error
