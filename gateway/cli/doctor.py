"""`onward doctor`: looks at everything the gateway needs before it runs, and says what to do about what is missing."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.text import Text

from gateway.cli.options import AsJson, Config, Rules, State, settings_from
from gateway.cli.output import console, print_json
from gateway.core.errors import OnwardError
from gateway.core.model import Segment
from gateway.keys import load_key
from gateway.ledger import LedgerReader
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place
from gateway.settings import Settings

FREE_BYTES = 2**30
LAW_DAYS = 90
"""After so many days the law data should be compared with its sources again."""


class NotWellError(Exception):
    """A check that failed; the message says what to do."""


class WorthAWarningError(Exception):
    """A check that found nothing wrong, but something that must not be overlooked."""


def doctor(config: Config = None, rules: Rules = None, state: State = None, as_json: AsJson = False) -> None:
    """Check ports, certificate authority, rules, language model, ledger, disk and clock."""
    settings = settings_from(config, rules=rules, state=state)
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("rules", _rules),
        ("language model", _model),
        ("proxy port", lambda s: _port(s.listen_host, s.listen_port, "listen_port")),
        ("metrics port", lambda s: _port(s.metrics_host, s.metrics_port, "metrics_port")),
        ("certificate authority", _authority),
        ("key", _key),
        ("ledger", _ledger),
        ("uninspected transfer", _uninspected),
        ("disk", _disk),
        ("clock", _clock),
    )
    results = []
    warned: set[str] = set()
    for name, check in checks:
        try:
            results.append((name, True, check(settings)))
        except WorthAWarningError as warning:
            results.append((name, True, str(warning)))
            warned.add(name)
        except (NotWellError, OnwardError, OSError) as error:
            results.append((name, False, str(error)))
    if as_json:
        print_json(
            {
                "ok": all(ok for _, ok, _ in results),
                "checks": [dict(zip(("check", "ok", "said"), one, strict=True)) for one in results],
            }
        )
    else:
        for name, ok, said in results:
            mark = "FAIL" if not ok else "WARN" if name in warned else "ok  "
            style = {"FAIL": "bold red", "WARN": "bold reverse yellow"}.get(mark, "green")
            console.print(Text(mark, style=style), f"{name:<22} {said}")
    raise typer.Exit(0 if all(ok for _, ok, _ in results) else 1)


def _rules(settings: Settings) -> str:
    rules = load_rules(settings.rules)
    age = (datetime.now(UTC).date() - rules.as_of).days
    if age > LAW_DAYS:
        raise NotWellError(
            f"the law data is of {rules.as_of}, {age} days old; compare it with its sources and update as_of"
        )
    return f"digest {rules.digest[:12]}, law as of {rules.as_of}, {len(rules.agents)} agents"


def _model(settings: Settings) -> str:
    from gateway.detect import Detector

    started = time.monotonic()
    detector = Detector(load_rules(settings.rules).detection, settings.model)
    if not detector.detect([Segment("text:", "Contact anna.example@example.de")]):
        raise NotWellError(
            f"{settings.model}: loads, but finds nothing in a test sentence; reinstall the package"
        )
    return f"loaded in {time.monotonic() - started:.1f} s"


def _port(host: str, port: int, key: str) -> str:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotWellError(
                f"{host}:{port} cannot be used ({error.strerror}); stop what runs there, or set {key}"
            ) from error
    return f"{host}:{port} is free"


def _authority(settings: Settings) -> str:
    file = settings.state / "ca" / "mitmproxy-ca-cert.pem"
    if not file.exists():
        return "will be made at the first start"
    secret = settings.state / "ca" / "mitmproxy-ca.pem"
    if secret.exists() and secret.stat().st_mode & 0o077:
        raise NotWellError(f"{secret}: can be read by others; run `chmod 600 {secret}`")
    return f"clients must trust {file}"


def _key(settings: Settings) -> str:
    if not ledger_place(settings).exists():
        return "will be made at the first start"
    return f"version {load_key(settings.state / 'keys', create=False).version}"


def _ledger(settings: Settings) -> str:
    path = ledger_place(settings)
    if not path.exists():
        return "will be made at the first start"
    with closing(LedgerReader(path)) as reader:
        found = reader.verify()
    if not found.ok:
        raise NotWellError(f"does not verify: {found.fault}")
    return f"{found.records} records verified"


def _uninspected(settings: Settings) -> str:
    today = datetime.now(UTC).date()
    said = [
        f"agent {one.agent} may receive {' and '.join(one.protocols)} connections UNINSPECTED until {one.valid_until} "
        f"({one.reason} Approved by {one.approver}, {one.reference}.)"
        if today <= one.valid_until
        else f"the exception for agent {one.agent} ended on {one.valid_until}; take it out of policy/uninspected.yaml"
        for one in load_rules(settings.rules).uninspected
    ]
    if said:
        raise WorthAWarningError("; ".join(said))
    return "no agent may receive anything uninspected"


def _disk(settings: Settings) -> str:
    folder: Path = settings.state.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise NotWellError(
            f"only {free // 2**20} MiB free under {folder}; the gateway refuses all traffic when it is full"
        )
    return f"{free // 2**30} GiB free"


def _clock(settings: Settings) -> str:
    now = datetime.now(UTC)
    rules = load_rules(settings.rules)
    if now.date() < rules.as_of:
        raise NotWellError(
            f"says {now.date()}, which lies before the law data ({rules.as_of}); set the clock"
        )
    path = ledger_place(settings)
    if path.exists():
        with closing(LedgerReader(path)) as reader:
            newest = reader.tail(1)
        if newest and newest[0]["at"] > now.isoformat():
            raise NotWellError(
                f"says {now:%Y-%m-%d %H:%M} UTC, but the newest record is of {newest[0]['at']}; set the clock"
            )
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"
