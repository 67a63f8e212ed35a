"""What the ledger costs the gateway: the same requests with a ledger and with one that goes nowhere, in turns.

    python -m bench.recording [--rounds 5] [--seconds 4] [--connections 8] [--postgres] [--folder FOLDER] [--json FILE]

`--postgres` also measures a ledger on a PostgreSQL server of its own, in the same folder. Requests are a letter sent
again and again, of which nearly nothing is to be done but to record it, and records, each new.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import processes
from bench.load import Target
from bench.proxy import Subject, measure, ratios, summary
from gateway.demo.agents import make_certificate
from tests.databases import Cluster

CASES = ("records, nobody in them", "German letter, repeated")
NOWHERE = "nowhere"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--postgres", action="store_true", help="also a ledger on PostgreSQL")
    parser.add_argument("--folder", help="where ledgers are written; the temporary folder if left out")
    parser.add_argument("--json", type=Path, help="also write the results here")
    given = parser.parse_args()
    console = Console(width=120)
    report = {}
    with contextlib.ExitStack() as cleanup:
        folder = Path(
            cleanup.enter_context(tempfile.TemporaryDirectory(prefix="onward-bench-", dir=given.folder))
        )
        # The server's user has to get there.
        folder.chmod(0o755)
        subjects = list(_subjects(cleanup, folder, given.postgres))
        for case in CASES:
            rounds = asyncio.run(measure(subjects, case, given, console))
            report[case] = {
                name: summary(several) | {"of_nowhere": ratios(several, rounds[NOWHERE])}
                for name, several in rounds.items()
            }
    _show(console, report)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n")


def _subjects(cleanup: contextlib.ExitStack, folder: Path, postgres: bool) -> Iterator[Subject]:
    certificate = make_certificate(folder)
    port = cleanup.enter_context(processes.origin(folder, certificate))
    databases = {NOWHERE: "", "SQLite": ""}
    if postgres:
        cluster = Cluster(folder)
        cleanup.callback(cluster.close)
        databases["PostgreSQL"] = cluster.new_database()
    for name, database in databases.items():
        own = folder / name.lower()
        own.mkdir()
        module = "bench.unrecorded" if name == NOWHERE else "gateway"
        more = {"database": database} if database else {}
        running = processes.gateway(own, certificate, port, 1, module=module, **more)
        pid, proxy, authority = cleanup.enter_context(running)
        yield Subject(name, Target(port, str(authority), proxy), pid)


def _show(console: Console, report: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    table = Table("case", "ledger", title="Medians over rounds; least and most in brackets")
    for column in ("requests/s", "CPU ms/request", "of it the proxy's", "of the rate without ledger"):
        table.add_column(column, justify="right")
    for case, subjects in report.items():
        for name, one in subjects.items():
            rate, ratio, cpu = one["per_second"], one["of_nowhere"], one["cpu_ms_per_request"]
            table.add_row(
                case if name == NOWHERE else "",
                name,
                f"{rate['median']:.0f} ({rate['least']:.0f}–{rate['most']:.0f})",
                "" if cpu is None else f"{cpu:.2f}",
                "" if one["own_ms_per_request"] is None else f"{one['own_ms_per_request']:.2f}",
                f"{ratio['median']:.2f} ({ratio['least']:.2f}–{ratio['most']:.2f})",
            )
    console.print(table)


if __name__ == "__main__":
    main()
