"""Speed of the gateway against a plain mitmdump: the same machine, the same run, in turns.

    python -m bench.proxy [--rounds 5] [--seconds 4] [--connections 8] [--workers 1] [--cases CASE …] [--json FILE]

Both intercept HTTPS between a client with kept connections and an origin, all on loopback. mitmdump looks at nothing;
the gateway decodes, inspects, decides and records each request. A third row, without any proxy, shows what client and
origin can do. Any answer other than 200 ends the run: refusals are not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import processes
from bench.bodies import CASES
from bench.load import Sent, Target, send
from gateway.demo.agents import make_certificate

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Subject:
    """One of the things compared."""

    name: str
    target: Target
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one subject."""

    sent: Sent
    cpu_seconds: float | None
    own_seconds: float | None
    """Of it, what the process that proxies used itself."""


def main() -> None:
    given = _arguments()
    console = Console(width=120)
    with contextlib.ExitStack() as cleanup:
        folder = Path(
            cleanup.enter_context(tempfile.TemporaryDirectory(prefix="onward-bench-", dir=given.folder))
        )
        subjects = list(_subjects(cleanup, folder, given.workers))
        load_before = os.getloadavg()
        results = {case: asyncio.run(measure(subjects, case, given, console)) for case in given.cases}
        memory = {one.name: processes.resident_bytes(one.pid) for one in subjects if one.pid}
    report = {
        "conditions": {
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
            "mitmproxy": version("mitmproxy"),
            "load_average_before": load_before,
            "rounds": given.rounds,
            "seconds": given.seconds,
            "connections": given.connections,
            "workers": given.workers,
        },
        "cases": {case: _summary(rounds) for case, rounds in results.items()},
        "resident_bytes": memory,
    }
    _show(console, report)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the gateway's speed with that of a plain mitmdump.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE")
    parser.add_argument("--workers", type=int, default=1, help="inspection processes of the gateway")
    parser.add_argument(
        "--folder", help="where the ledger and all else is written; the temporary folder if left out"
    )
    parser.add_argument("--json", type=Path, help="also write the results here")
    return parser.parse_args()


def _subjects(cleanup: contextlib.ExitStack, folder: Path, workers: int) -> Iterator[Subject]:
    certificate = make_certificate(folder)
    port = cleanup.enter_context(processes.origin(folder, certificate))
    pid, proxy, authority = cleanup.enter_context(processes.mitmdump(folder, certificate))
    yield Subject("mitmdump", Target(port, str(authority), proxy), pid)
    pid, proxy, authority = cleanup.enter_context(processes.gateway(folder, certificate, port, workers))
    yield Subject("onward", Target(port, str(authority), proxy), pid)
    yield Subject("no proxy", Target(port, str(certificate.authority)))


async def measure(
    subjects: list[Subject], case: str, given: argparse.Namespace, console: Console
) -> dict[str, list[Round]]:
    """All rounds of one case. Subjects take turns, each round in the other direction, so that drift hits all alike."""
    rounds: dict[str, list[Round]] = {one.name: [] for one in subjects}
    bodies = {one.name: CASES[case]() for one in subjects}
    for number in range(given.rounds):
        for one in subjects if number % 2 == 0 else reversed(subjects):
            before = _used(one.pid)
            sent = await send(
                one.target, bodies[one.name], connections=given.connections, seconds=given.seconds
            )
            after = _used(one.pid)
            used = [
                late - early if late is not None and early is not None else None
                for early, late in zip(before, after, strict=True)
            ]
            rounds[one.name].append(Round(sent, *used))
        console.print(f"{case}: round {number + 1} of {given.rounds}", style="dim")
    return rounds


def _used(pid: int | None) -> tuple[float | None, float | None]:
    return (
        (None, None) if pid is None else (processes.cpu_seconds(pid), processes.cpu_seconds(pid, alone=True))
    )


def summary(several: list[Round]) -> dict[str, Any]:
    """What all rounds of one subject come to."""
    rates = [one.sent.per_second for one in several]
    cpu = [one.cpu_seconds / one.sent.requests for one in several if one.cpu_seconds is not None]
    own = [one.own_seconds / one.sent.requests for one in several if one.own_seconds is not None]
    return {
        "requests": sum(one.sent.requests for one in several),
        "per_second": _spread(rates),
        "p50_ms": median(one.sent.percentile(0.50) for one in several),
        "p99_ms": median(one.sent.percentile(0.99) for one in several),
        "cpu_ms_per_request": median(cpu) * 1000 if cpu else None,
        "own_ms_per_request": median(own) * 1000 if own else None,
    }


def ratios(ours: list[Round], theirs: list[Round]) -> dict[str, float]:
    """Of the rates. Neighbours in time are compared with each other, and the median taken last: drift cancels out."""
    return _spread(
        [our.sent.per_second / their.sent.per_second for our, their in zip(ours, theirs, strict=True)]
    )


def _spread(numbers: list[float]) -> dict[str, float]:
    return {"median": median(numbers), "least": min(numbers), "most": max(numbers)}


def _summary(rounds: dict[str, list[Round]]) -> dict[str, Any]:
    return {name: summary(several) for name, several in rounds.items()} | {
        "onward_over_mitmdump": ratios(rounds["onward"], rounds["mitmdump"])
    }


def _show(console: Console, report: dict[str, Any]) -> None:
    table = Table("case", "through", title="Medians over rounds; least and most in brackets")
    for column in ("requests/s", "p50 ms", "p99 ms", "CPU ms/request", "of mitmdump's rate"):
        table.add_column(column, justify="right")
    for case, subjects in report["cases"].items():
        ratio = subjects["onward_over_mitmdump"]
        for name in ("no proxy", "mitmdump", "onward"):
            one = subjects[name]
            rate, cpu = one["per_second"], one["cpu_ms_per_request"]
            table.add_row(
                case if name == "no proxy" else "",
                name,
                f"{rate['median']:.0f} ({rate['least']:.0f}–{rate['most']:.0f})",
                f"{one['p50_ms']:.1f}",
                f"{one['p99_ms']:.1f}",
                "" if cpu is None else f"{cpu:.2f}",
                f"{ratio['median']:.2f} ({ratio['least']:.2f}–{ratio['most']:.2f})"
                if name == "onward"
                else "",
                end_section=name == "onward",
            )
    console.print(table)
    for name, used in report["resident_bytes"].items():
        console.print(f"memory of {name}: " + ("unknown" if used is None else f"{used / MIB:.0f} MiB"))
    conditions = report["conditions"]
    console.print(", ".join(f"{key} {value}" for key, value in conditions.items()), style="dim")


if __name__ == "__main__":
    main()
