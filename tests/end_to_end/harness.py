"""A real gateway process in front of real TLS agents that record what reaches them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gateway.demo.agents import Certificate
from gateway.ledger import LedgerReader, Place
from gateway.settings import shipped

READY_WITHIN_S = 300
"""Many times what it takes, for machines that are busy with other things."""
CATEGORIES = (
    "identity, contact, financial, identifier_national, identifier_account, online_identifier, "
    "usage, location_precise, vehicle, employment, child"
)


class RecordingAgent:
    """An HTTPS server that keeps every body it was sent and answers with its SHA-256."""

    def __init__(self, certificate: Certificate) -> None:
        self.bodies: list[bytes] = []
        self.cut_short = 0
        """Requests whose connection ended before the whole body was there."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if "chunked" in self.headers.get("transfer-encoding", ""):
                    body = b"".join(iter(self._chunk, b""))
                else:
                    length = int(self.headers.get("content-length", 0))
                    body = self.rfile.read(length)
                    if len(body) < length:
                        agent.cut_short += 1
                        return
                agent.bodies.append(body)
                agent.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                if self.path.endswith("/slow"):
                    time.sleep(1.5)
                status, _, place = self.headers.get("x-redirect", "").partition(" ")
                if place:
                    self.send_response(int(status))
                    self.send_header("location", place)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                head = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items())]
                answer = agent.answer(head, body)
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_MOVE = do_PROPPATCH = do_POST  # noqa: N815 - names that http.server asks for

            def _chunk(self) -> bytes:
                data = self.rfile.read(int(self.rfile.readline().split(b";")[0], 16))
                self.rfile.readline()
                return data

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                """A gateway killed mid-request breaks its connections; that is not news here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.chain, certificate.key)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, head: list[str], body: bytes) -> bytes:
        return hashlib.sha256(body).hexdigest().encode()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/v1/in"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class EchoingAgent(RecordingAgent):
    """Answers with what arrived: request line, headers, an empty line, the body."""

    def answer(self, head: list[str], body: bytes) -> bytes:
        return "\n".join([*head, "", ""]).encode("latin-1") + body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def register(**ports: int) -> str:
    """An agent register: `assured` is certified today, `lapsed` was until yesterday; others are unknown."""
    today = datetime.now(UTC).date()
    ends = {"assured": today + timedelta(days=60), "lapsed": today - timedelta(days=1)}

    def entry(instrument: str, shown: str, until: object) -> str:
        return (
            f"      - {{instrument: {instrument}, valid_from: {today - timedelta(days=300)}, valid_until: {until}, "
            f"shown: [{shown}], evidence: {{reference: T-1, checked_on: {today - timedelta(days=299)}, "
            "checked_by: test}}\n"
        )

    text = "schema: 1\nagents:\n"
    for name, port in ports.items():
        if name not in ends:
            continue
        text += (
            f"  - id: {name}\n    name: Agent {name}\n    match: [{{host: localhost, port: {port}}}]\n"
            f"    entity: {{name: Agent, country: US}}\n    role: processor\n    purposes: [support]\n"
            f"    categories: [{CATEGORIES}]\n    processing_countries: [US]\n"
            f"    review_due: {today + timedelta(days=90)}\n"
            "    assurances:\n"
        )
        text += entry("eu-us-dpf", "on_list, active_row", ends[name])
        text += entry("swiss-us-dpf", "active_row", ends[name])
    return text


def rules_for(folder: Path, **ports: int) -> Path:
    rules = folder / "rules"
    shutil.copytree(shipped("rules"), rules)
    (rules / "agents" / "examples.yaml").write_text(register(**ports))
    return rules


class GatewayProcess:
    """`onward serve` as a process of its own, with its own state and rules."""

    def __init__(
        self, folder: Path, certificate: Certificate, ports: dict[str, int], **settings: Any
    ) -> None:
        self.folder = folder
        self.port, self.metrics_port = free_port(), free_port()
        self.state = folder / "state"
        self.database: str | None = settings.get("database")
        self.rules = rules_for(folder, **ports)
        self.log = folder / "gateway.log"
        self.config = folder / "onward.toml"
        self.process: subprocess.Popen[bytes] | None = None
        values: dict[str, Any] = {
            "rules": str(self.rules),
            "state": str(self.state),
            "listen_port": self.port,
            "metrics_port": self.metrics_port,
            "allowed_ports": list(ports.values()),
            "allow_internal": [f"localhost:{port}" for port in ports.values()],
            "upstream_ca": str(certificate.authority),
        } | settings
        self.config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        return self.state / "ca" / "mitmproxy-ca-cert.pem"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            assert self.process.poll() is None, f"the gateway ended:\n{self.log.read_text()[-3000:]}"
            with contextlib.suppress(OSError), urllib.request.urlopen(self.metrics_url("readyz"), timeout=2):
                return
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the gateway is not ready:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=30)

    def metrics_url(self, page: str = "metrics") -> str:
        return f"http://127.0.0.1:{self.metrics_port}/{page}"

    def metrics(self) -> str:
        with urllib.request.urlopen(self.metrics_url(), timeout=5) as answer:
            return str(answer.read().decode())

    def onward(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gateway", *arguments, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def records(self) -> list[dict[str, Any]]:
        with contextlib.closing(LedgerReader(self.place)) as reader:
            return reader.after(0, 10**9)

    @property
    def place(self) -> Place:
        return Place.of(self.database or self.ledger, self.state)


@contextlib.contextmanager
def gateway_running(
    folder: Path, certificate: Certificate, ports: dict[str, int], **settings: Any
) -> Iterator[GatewayProcess]:
    with running(GatewayProcess(folder, certificate, ports, **settings)) as gateway:
        yield gateway


@contextlib.contextmanager
def running(gateway: GatewayProcess) -> Iterator[GatewayProcess]:
    gateway.start()
    try:
        yield gateway
    finally:
        if gateway.process is not None and gateway.process.poll() is None:
            gateway.kill()
