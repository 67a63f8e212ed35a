"""Settings for all tests."""

from __future__ import annotations

import json
import os
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from gateway.ledger import Place
from tests.databases import KINDS, Cluster

# No network, neither here nor in the processes that tests start.
_OFFLINE = Path(__file__).parent / "offline"
os.environ["PYTHONPATH"] = os.pathsep.join([str(_OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])])
runpy.run_path(str(_OFFLINE / "sitecustomize.py"))

# No example fails for being slow: how long it takes says more of the machine than of the code.
settings.register_profile("patient", deadline=None)
# Where a change is judged, the same examples run each time; elsewhere new ones are looked for.
settings.register_profile("judged", deadline=None, derandomize=True, print_blob=True)
# For `make monotone`: seven laws, so many cases each.
settings.register_profile(
    "thorough", max_examples=8_000, deadline=None, suppress_health_check=list(HealthCheck)
)
CLAUSE = re.compile(r"(?<![A-Z])([A-Z]+)_([0-9]+)(?![0-9])")
"""Clauses in the name of a test: `test_NOTICE_4_NOTICE_5_a_waiver_…`."""
settings.load_profile("judged" if os.environ.get("CI") else "patient")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new ledger will stand: once in a file, once on a server."""
    state = tmp_path / "state"
    if request.param == "sqlite":
        return Place.of(state / "ledger.db", state)
    return Place.of(request.getfixturevalue("cluster").new_database(), state)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write how many tests of each clause passed and failed to the file that `make results` names."""
    out = os.environ.get("ONWARD_RESULTS")
    if out is None:
        return
    counts = {"passed": Counter[str](), "failed": Counter[str]()}
    for kind, names in (("passed", ("passed",)), ("failed", ("failed", "error"))):
        for one in (report for name in names for report in terminalreporter.stats.get(name, ())):
            test = one.nodeid.rpartition("::")[2].partition("[")[0]
            counts[kind].update({f"{word}-{number}" for word, number in CLAUSE.findall(test)})
    clauses = {
        clause: {kind: counts[kind][clause] for kind in counts}
        for clause in sorted(counts["passed"] | counts["failed"])
    }
    Path(out).write_text(json.dumps({"clauses": clauses}, indent=1) + "\n")
