"""Options that several commands share."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import warn
from gateway.core.detection import DetectionRules
from gateway.core.errors import KeyFileError, SettingsError
from gateway.core.ruleset import RuleSet
from gateway.keys import Key, load_key
from gateway.settings import Settings, load_settings

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="ONWARD_CONFIG", help="Settings file (TOML).", show_default=False),
]
Rules = Annotated[
    Path | None, typer.Option("--rules", help="Folder with law, policy and agents.", show_default=False)
]
State = Annotated[
    Path | None, typer.Option("--state", help="Folder with ledger, keys and CA.", show_default=False)
]
On = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Day to judge by; today if left out.")
]
By = Annotated[
    str, typer.Option("--as", envvar="ONWARD_STAFF", help="Who acts: a role or number, not a name.")
]
Day = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Day on which it happened; today if left out."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def settings_from(config: Path | None, **given: object) -> Settings:
    """Settings of this command: file, then environment, then command line. Raises SettingsError."""
    return load_settings(config, os.environ, **given)


def key_for(rules: DetectionRules, settings: Settings) -> Key | None:
    """The key of the state folder where the allow list holds fingerprints; without a key these allow nothing."""
    if not any(entry.fingerprints for entry in rules.allow):
        return None
    try:
        return load_key(settings.state / "keys", create=False)
    except KeyFileError as error:
        warn(f"the fingerprints of the allow list allow nothing here: {error}")
        return None


def day_of(given: datetime | None) -> date:
    """The day given on the command line, or today in UTC."""
    return (given or datetime.now(UTC)).date()


def judged_on(given: datetime | None, rules: RuleSet) -> date:
    """The same, for a day on which something is to be judged. Raises SettingsError where no law data reaches it."""
    day = day_of(given)
    if day < rules.law_begins:
        raise SettingsError(f"--on {day}: there is no law data before {rules.law_begins}; choose a later day")
    return day
