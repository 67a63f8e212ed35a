"""A quarter of a company's traffic, sent through the real pipeline with the times it would have had; and its console.

Nothing is written as rows: each transfer is decoded, inspected, decided by the rules of its day and recorded. One
agent's certification runs out half-way, so that its traffic is decided differently from one day to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from gateway.complaints import ComplaintsDesk
from gateway.console.access import Role
from gateway.console.passwords import hashed
from gateway.core.errors import OnwardError
from gateway.core.model import Message, Origin, Release, Replace, Transfer
from gateway.keys import load_key
from gateway.ledger.cases import Cases
from gateway.people.desk import Intake, PeopleDesk
from gateway.people.marks import read_marks
from gateway.rulefiles import load_rules
from gateway.runtime import ledger_place, registers_path, running
from gateway.settings import Settings, shipped
from gateway.store.accounts import Account, Accounts

DAYS = 90
TRANSFERS = 400
READY_WITHIN_S = 60
PEOPLE = (
    ("Sabine Köhler", "sabine.koehler@example.org", "DE89 3704 0044 0532 0130 00"),
    ("Lars Nygaard", "lars.nygaard@example.no", "NO93 8601 1117 947"),
    ("Chiara Lombardi", "chiara.lombardi@example.it", "IT60 X054 2811 1010 0000 0123 456"),
    ("Agnieszka Wiśniewska", "agnieszka.wisniewska@example.pl", "PL61 1090 1014 0000 0712 1981 2874"),
    ("Urs Zimmermann", "urs.zimmermann@example.ch", "CH93 0076 2011 6238 5295 7"),
)


def run_quarter(console: Console, *, open_browser: bool) -> None:
    """Seed a quarter, start gateway and console on it, and stay until told to stop. Raises OnwardError."""
    with tempfile.TemporaryDirectory(prefix="onward-demo-") as name:
        folder = Path(name)
        settings = prepare(folder)
        with console.status("Sending a quarter of transfers through the gateway …"):
            counts = asyncio.run(seed(settings, TRANSFERS))
        console.print("Sent: " + ", ".join(f"{number} {action}" for action, number in sorted(counts.items())))
        password = staff(settings)
        url = f"http://127.0.0.1:{settings.console_port}"
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(folder / "onward.toml")]
        with (folder / "gateway.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        try:
            _wait_for(url, process, folder / "gateway.log")
            console.print(
                f"The console: [bold]{url}[/]   account officer-1 or reviewer-2, password {password}"
            )
            console.print(f"The gateway: http://127.0.0.1:{settings.listen_port}   Press Ctrl-C to stop.")
            if open_browser:
                webbrowser.open(url)
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
        finally:
            process.terminate()
            process.wait()


def prepare(folder: Path) -> Settings:
    """Rules with a few agents, and settings for gateway and console."""
    rules = folder / "rules"
    shutil.copytree(shipped("rules"), rules)
    for example in (rules / "agents").iterdir():
        example.unlink()
    (rules / "agents" / "demo.yaml").write_text(_register(datetime.now(UTC).date()))
    values: dict[str, Any] = {
        "rules": str(rules),
        "state": str(folder / "state"),
        "listen_port": _free_port(),
        "metrics_port": _free_port(),
        "console_port": _free_port(),
        "console_with_gateway": True,
    }
    # JSON scalars are valid TOML values.
    (folder / "onward.toml").write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    )
    return Settings(**values | {"rules": rules, "state": folder / "state"})


async def seed(settings: Settings, number: int) -> dict[str, int]:
    """Send so many transfers through the engine, each with its time of the quarter; how many ended in which way."""
    counts: dict[str, int] = {}
    now = datetime.now(UTC)
    async with running(settings) as runtime:
        for at, host, message in _traffic(now, number):
            transfer = Transfer(
                id=f"{int(at.timestamp() * 1000):012x}-{secrets.token_hex(8)}",
                at=at,
                scheme="https",
                host=host,
                port=443,
                message=message,
                path="/v1/in",
                source="10.20.0.0/24",
                client="10.20.0.7",
            )
            verdict = await runtime.engine.examine(transfer)
            action = (
                "pass"
                if isinstance(verdict, Release)
                else "anonymize"
                if isinstance(verdict, Replace)
                else ""
            )
            action = action or str(getattr(verdict, "action", ""))
            counts[action] = counts.get(action, 0) + 1
            if isinstance(verdict, Release | Replace):
                runtime.engine.settled(transfer.id, "answered-2xx")
    return counts


def staff(settings: Settings) -> str:
    """Two accounts, a request of somebody who was in the transfers, and a complaint; the password of both accounts."""
    password, today = secrets.token_urlsafe(12), datetime.now(UTC).date()
    with contextlib.closing(Accounts(settings.state / "console.db")) as accounts:
        for account_id, roles in (("officer-1", frozenset(Role)), ("reviewer-2", frozenset({Role.REVIEWER}))):
            trained = today - timedelta(days=40)
            accounts.put(Account(id=account_id, roles=frozenset(roles), trained_on=trained, reveals=True))
            accounts.set_secret(account_id, hashed(password))
    rules = load_rules(settings.rules)
    cases = Cases(ledger_place(settings), settings.gateway_id, rules.digest, "officer-1")
    key = load_key(settings.state / "keys", create=False)
    name, mail, _ = PEOPLE[0]
    PeopleDesk(cases, rules, key, registers_path(settings)).receive(
        Intake(
            right="access",
            channel="phone",
            origin=Origin.EU,
            received=today - timedelta(days=12),
            reference="DEMO-3",
            marks=read_marks((f"EMAIL_ADDRESS {mail}", f"PERSON {name}"), rules.detection.category_of, key),
        ),
        today,
    )
    day = today - timedelta(days=3)
    ComplaintsDesk(cases, rules).receive(
        "post", Origin.EU, day, "DEMO-2", "a mail in spite of an opt-out", ()
    )
    return password


def _traffic(now: datetime, number: int) -> Iterator[tuple[datetime, str, Message]]:
    """Working days busier than weekends, a little more each month; oldest first."""
    chance = random.Random(7)  # noqa: S311 - the same quarter each time, and no secret
    times = []
    for _ in range(number):
        at = now - timedelta(days=DAYS * (1 - chance.random() ** 0.8), minutes=chance.randrange(600))
        quiet = at.weekday() > 4 and chance.random() < 0.7
        times.append(at - timedelta(days=2) if quiet else at)
    hosts = (
        "api.assistant.example",
        "mail.letters.example",
        "crm.clients.example",
        "collect.metrics.example",
    )
    for at in sorted(times):
        host = chance.choices((*hosts, "upload.unknown.example"), (5, 3, 2, 3, 1))[0]
        yield at, host, _message(chance, host)


def _message(chance: random.Random, host: str) -> Message:
    name, mail, iban = chance.choice(PEOPLE)
    bodies: Sequence[Any] = (
        {
            "messages": [
                {
                    "role": "user",
                    "content": f"Guten Tag, mein Name ist {name}, bitte antworten Sie an {mail}.",
                }
            ]
        },
        {"customer": {"name": name, "iban": iban}, "amount": chance.randrange(10, 900)},
        {"event": "page_load", "duration_ms": chance.randrange(20, 900), "ok": True},
        {
            "ticket": chance.randrange(1000, 9999),
            "note": f"{name} hat Diabetes und fragt nach der Lieferung.",
        },
    )
    if chance.random() < 0.02:
        return _post(host, b"application/octet-stream", bytes(chance.randrange(128, 256) for _ in range(300)))
    body = chance.choices(bodies, (5, 3, 4, 0.4))[0]
    return _post(host, b"application/json", json.dumps(body, ensure_ascii=False).encode())


def _post(host: str, kind: bytes, body: bytes) -> Message:
    headers = (
        (b"host", host.encode()),
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
    )
    return Message("POST", b"/v1/in", headers, body)


def _register(today: date) -> str:
    def entry(instrument: str, shown: Sequence[str], ends: int, **more: Any) -> dict[str, Any]:
        began = today - timedelta(days=340)
        return {
            "instrument": instrument,
            "valid_from": began,
            "valid_until": today + timedelta(days=ends),
            "shown": list(shown),
            "evidence": {"reference": "DEMO-1", "checked_on": began, "checked_by": "compliance"},
        } | more

    def certified(ends: int) -> list[dict[str, Any]]:
        return [
            entry("eu-us-dpf", ("on_list", "active_row"), ends),
            entry("swiss-us-dpf", ("active_row",), ends),
        ]

    def agent(name: str, host: str, grounds: list[dict[str, Any]], country: str = "US") -> dict[str, Any]:
        return {
            "id": name.lower().replace(" ", "-"),
            "name": name,
            "match": [{"host": host}],
            "entity": {"name": f"{name}, Inc.", "country": country},
            "role": "processor",
            "purposes": ["support"],
            "categories": ["identity", "contact", "financial"],
            "processing_countries": [country],
            "review_due": today + timedelta(days=80),
            "assurances": grounds,
        }

    eea = ("eea_establishment", "eea_location", "art28_contract", "remote_access_covered")
    register = {
        "schema": 1,
        "agents": [
            agent("Assistant", "api.assistant.example", certified(120)),
            agent("Letters", "mail.letters.example", [entry("established-in-eea", eea, 400)], "AT"),
            agent("Clients", "crm.clients.example", certified(-DAYS // 2)),
            agent("Metrics", "collect.metrics.example", []),
        ],
    }
    # YAML 1.2 reads JSON; only the dates must not be quoted.
    return (
        json.dumps(register, default=lambda day: f"@{day.isoformat()}@").replace('"@', "").replace('@"', "")
    )


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{url}/login", timeout=5)
            return
        time.sleep(0.2)
    raise OnwardError(f"the console did not answer within {READY_WITHIN_S} s:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
