"""The programs under test: an origin, a gateway and a mitmdump of our own, ended with the run; and what they used."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.demo.agents import Certificate
from gateway.settings import shipped

READY_WITHIN_S = 180.0


class NotStartedError(Exception):
    """A program under test did not come up; its log follows."""


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own with its output in `log`, ended on the way out."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def origin(folder: Path, certificate: Certificate) -> Iterator[int]:
    """The receiving agent; its port."""
    log = folder / "origin.log"
    command = [sys.executable, "-m", "bench.origin", str(certificate.chain), str(certificate.key)]
    with running(command, log) as process:
        _wait(process, log, lambda: log.read_text().strip().isdigit())
        yield int(log.read_text())


@contextlib.contextmanager
def mitmdump(folder: Path, certificate: Certificate) -> Iterator[tuple[int, int, Path]]:
    """Mitmdump as it comes, without any addon: process id, port, its authority."""
    port, home, log = free_port(), folder / "mitmdump", folder / "mitmdump.log"
    options = {"confdir": str(home), "ssl_verify_upstream_trusted_ca": str(certificate.authority)}
    command = [str(Path(sys.executable).with_name("mitmdump")), "-q", "--listen-host", "127.0.0.1"]
    command += ["--listen-port", str(port)]
    for name, value in options.items():
        command += ["--set", f"{name}={value}"]
    with running(command, log) as process:
        _wait(process, log, lambda: _listens(port))
        yield process.pid, port, home / "mitmproxy-ca-cert.pem"


@contextlib.contextmanager
def gateway(
    folder: Path,
    certificate: Certificate,
    origin_port: int,
    workers: int,
    *,
    module: str = "gateway",
    **more: object,
) -> Iterator[tuple[int, int, Path]]:
    """The gateway with the shipped rules and one assured agent: process id, port, its authority.

    `module` is what is run, `more` are further settings.
    """
    rules, log = folder / "rules", folder / "gateway.log"
    shutil.copytree(shipped("rules"), rules)
    for example in (rules / "agents").iterdir():
        example.unlink()
    (rules / "agents" / "bench.yaml").write_text(_register(origin_port))
    port, metrics_port = free_port(), free_port()
    settings = {
        "rules": str(rules),
        "state": str(folder / "state"),
        "listen_port": port,
        "metrics_port": metrics_port,
        "allowed_ports": [origin_port],
        "allow_internal": [f"localhost:{origin_port}"],
        "upstream_ca": str(certificate.authority),
        "workers": workers,
        **more,
    }
    # JSON scalars and arrays are valid TOML values.
    file = folder / "onward.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
    with running([sys.executable, "-m", module, "serve", "--config", str(file)], log) as process:
        _wait(process, log, lambda: _is_ready(metrics_port))
        yield process.pid, port, folder / "state" / "ca" / "mitmproxy-ca-cert.pem"


def _register(port: int) -> str:
    today = datetime.now(UTC).date()
    year = timedelta(days=365)

    def assurance(instrument: str, *shown: str) -> str:
        return f"""
      - instrument: {instrument}
        valid_from: {today - year}
        valid_until: {today + year}
        shown: [{", ".join(shown)}]
        evidence: {{reference: BENCH-1, checked_on: {today}, checked_by: bench}}"""

    return f"""schema: 1
agents:
  - id: bench
    name: Bench agent
    match: [{{host: localhost, port: {port}}}]
    entity: {{name: "Bench, Inc.", country: US}}
    role: processor
    purposes: [support]
    categories: [identity, contact, financial, identifier_national, identifier_account, online_identifier]
    processing_countries: [US]
    review_due: {today + year}
    assurances:{assurance("eu-us-dpf", "on_list", "active_row")}{assurance("swiss-us-dpf", "active_row")}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], log: Path, is_up: object) -> None:
    assert callable(is_up)
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        if is_up():
            return
        time.sleep(0.1)
    raise NotStartedError(log.read_text()[-2000:])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


# What a program used, with all its children. Linux only: elsewhere nothing is known, and None is shown.


def cpu_seconds(pid: int, *, alone: bool = False) -> float | None:
    """CPU time of a process, and of those it started unless `alone`, in seconds."""
    ticks = 0
    for one in [pid] if alone else _tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else None


def resident_bytes(pid: int) -> int | None:
    """Memory of a process and those it started; pages they share are counted once for each sharer, in part."""
    total = 0
    for one in _tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total or None


def _tree(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _tree(int(child))
    return found


@contextlib.contextmanager
def memory_peak(pid: int) -> Iterator[Callable[[], int | None]]:
    """How much more memory a process and those it started had at most meanwhile, in bytes, each at its own time."""
    before = {}
    for one in _tree(pid):
        with contextlib.suppress(OSError):
            Path(f"/proc/{one}/clear_refs").write_text("5")  # The peak begins anew.
            before[one] = _status_bytes(one, "VmRSS")

    def grown() -> int | None:
        more = [
            _status_bytes(one, "VmHWM") - before.get(one, 0)
            for one in _tree(pid)
            if _status_bytes(one, "VmHWM")
        ]
        return sum(more) if before else None

    yield grown


def _status_bytes(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0
