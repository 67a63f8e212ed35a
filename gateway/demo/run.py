"""`onward demo`: starts agents and gateway, sends the transfers through, shows side by side what arrived and why."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.core.errors import OnwardError
from gateway.demo.agents import Certificate, ReceivingAgent, make_certificate
from gateway.demo.reports import write_reports
from gateway.demo.transfers import SENDINGS, Sending
from gateway.settings import shipped

READY_WITHIN_S = 60
COLOURS = {"pass": "green", "anonymize": "cyan", "hold": "yellow", "block": "red"}


class DemoError(OnwardError):
    """The demonstration could not run, or did not show what it should."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of one sending."""

    sending: Sending
    received: bytes | None
    record: dict[str, Any]


def run_demo(console: Console, *, stay: bool, reports: Path | None = None) -> None:
    """Run the demonstration, and write its reports into a folder, if so asked.

    Raises:
        DemoError: the gateway does not start, or an action is missing.
    """
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="onward-demo-")))
        certificate = make_certificate(folder)
        agents = {name: ReceivingAgent(name, certificate) for name in ("assured", "lapsed", "unregistered")}
        for agent in agents.values():
            cleanup.callback(agent.close)
        gateway = cleanup.enter_context(_gateway(folder, agents, certificate, console))
        shown = [gateway.send(sending, agents[sending.agent]) for sending in SENDINGS]
        for one in shown:
            _show(console, one)
        _show_metrics(console, gateway.metrics())
        verified = gateway.onward("ledger", "verify")
        console.print(verified.stdout.strip() or verified.stderr.strip())
        if verified.returncode != 0:
            raise DemoError("the ledger does not verify")
        missing = {"pass", "anonymize", "block"} - {one.record["action"] for one in shown}
        if missing:
            raise DemoError(f"no transfer ended with: {', '.join(sorted(missing))}")
        if reports is not None:
            for file in write_reports(folder / "onward.toml", reports):
                console.print(f"written: {file}")
        if stay:
            _stay(console, gateway, agents)


class _Gateway:
    """A gateway process of our own and how to talk to it."""

    def __init__(self, folder: Path, port: int, metrics_port: int) -> None:
        self.folder = folder
        self.port = port
        self.metrics_url = f"http://127.0.0.1:{metrics_port}"
        self.proxy = f"http://127.0.0.1:{port}"
        self.authority = folder / "state" / "ca" / "mitmproxy-ca-cert.pem"

    def onward(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command against this gateway's settings."""
        command = [sys.executable, "-m", "gateway", *arguments, "--config", str(self.folder / "onward.toml")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def send(self, sending: Sending, agent: ReceivingAgent) -> Shown:
        """Send one request through the gateway with an ordinary HTTP client, and look up its record."""
        agent.received = None
        requests.post(
            f"https://localhost:{agent.port}/v1/in",
            data=sending.body,
            headers={"content-type": sending.content_type},
            proxies={"https": self.proxy},
            verify=str(self.authority),
            timeout=60,
        )
        newest = json.loads(self.onward("ledger", "tail", "--json", "-n", "1").stdout)
        return Shown(sending, agent.received, newest[0])

    def metrics(self) -> str:
        """The metrics page as Prometheus would scrape it."""
        return requests.get(f"{self.metrics_url}/metrics", timeout=10).text


@contextlib.contextmanager
def _gateway(
    folder: Path, agents: dict[str, ReceivingAgent], certificate: Certificate, console: Console
) -> Iterator[_Gateway]:
    rules = folder / "rules"
    shutil.copytree(shipped("rules"), rules)
    for example in (rules / "agents").iterdir():
        example.unlink()
    (rules / "agents" / "demo.yaml").write_text(_register(agents))
    gateway = _Gateway(folder, _free_port(), _free_port())
    ports = [agent.port for agent in agents.values()]
    settings = {
        "rules": str(rules),
        "state": str(folder / "state"),
        "listen_port": gateway.port,
        "metrics_port": int(gateway.metrics_url.rsplit(":", 1)[1]),
        "allowed_ports": ports,
        "allow_internal": [f"localhost:{port}" for port in ports],
        "upstream_ca": str(certificate.authority),
    }
    # JSON scalars and arrays are valid TOML values.
    (folder / "onward.toml").write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    )
    log = (folder / "gateway.log").open("w")
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(folder / "onward.toml")]
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ)
    try:
        with console.status("Starting the gateway and loading its language model …"):
            _wait_until_ready(gateway, process, Path(log.name))
        yield gateway
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _wait_until_ready(gateway: _Gateway, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DemoError(f"the gateway ended while it started:\n{log.read_text()[-2000:]}")
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{gateway.metrics_url}/readyz", timeout=2).ok:
                return
        time.sleep(0.1)
    raise DemoError(f"the gateway was not ready within {READY_WITHIN_S} s:\n{log.read_text()[-2000:]}")


def _register(agents: dict[str, ReceivingAgent]) -> str:
    """The register of the demonstration: one agent assured today, one whose certification ran out yesterday."""
    today = datetime.now(UTC).date()

    def entry(instrument: str, shown: list[str], until: object) -> dict[str, object]:
        return {
            "instrument": instrument,
            "valid_from": today - timedelta(days=300),
            "valid_until": until,
            "shown": shown,
            "evidence": {
                "reference": "DEMO-1",
                "checked_on": today - timedelta(days=299),
                "checked_by": "compliance",
            },
        }

    def agent(name: str, until: object) -> dict[str, object]:
        return {
            "id": f"demo-{name}",
            "name": f"Demo agent ({name})",
            "match": [{"host": "localhost", "port": agents[name].port}],
            "entity": {"name": f"Demo {name}, Inc.", "country": "US"},
            "role": "processor",
            "purposes": ["support"],
            "categories": ["identity", "contact", "financial"],
            "processing_countries": ["US"],
            "review_due": today + timedelta(days=90),
            "assurances": [
                entry("eu-us-dpf", ["on_list", "active_row"], until),
                entry("swiss-us-dpf", ["active_row"], until),
            ],
        }

    register = {
        "schema": 1,
        "agents": [
            agent("assured", today + timedelta(days=65)),
            agent("lapsed", today - timedelta(days=1)),
        ],
    }
    # YAML 1.2 reads JSON; only the dates must not be quoted.
    return (
        json.dumps(register, default=lambda day: f"@{day.isoformat()}@").replace('"@', "").replace('@"', "")
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _show(console: Console, shown: Shown) -> None:
    sent = shown.sending.body.decode()
    action = shown.record["action"]
    title = Text.assemble(
        (f" {action.upper()} ", f"bold reverse {COLOURS[action]}"), f"  {shown.sending.title} → "
    )
    title.append(f"{shown.sending.agent} agent", style="bold")
    table = Table("sent", "received by the agent", expand=True, show_lines=False)
    if shown.received is None:
        received = Text("nothing", style="dim")
    elif shown.received == shown.sending.body:
        received = Text(f"the same {len(shown.received)} bytes", style="green")
    else:
        received = _marked(shown.received.decode())
    table.add_row(Text(sent), received)
    why = Text.assemble(
        (shown.record["why"], ""), "\n", ("clauses ", "dim"), ", ".join(shown.record["clauses"])
    )
    why.append(f"   rule {shown.record['rule']}   record {shown.record['seq']}", style="dim")
    console.print(Panel.fit(table, title=title, title_align="left"))
    console.print(why)
    console.print()


def _marked(text: str) -> Text:
    marked = Text(text)
    marked.highlight_regex(r"\[[A-Z_]+\]", "bold cyan")
    return marked


def _show_metrics(console: Console, page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith("onward_transfers_total{")]
    console.print(Panel("\n".join(lines), title="Metrics", title_align="left"))


def _stay(console: Console, gateway: _Gateway, agents: dict[str, ReceivingAgent]) -> None:
    console.print(f"Gateway: [bold]{gateway.proxy}[/]   metrics: {gateway.metrics_url}/metrics")
    console.print(f"Authority to trust: {gateway.authority}")
    for agent in agents.values():
        console.print(f"  {agent.name} agent: https://localhost:{agent.port}/v1/in")
    console.print("Press Ctrl-C to stop.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
