"""Settings for all tests."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gateway.ledger import Place
from tests.databases import KINDS, Cluster

# No network, neither here nor in the processes that tests start.
_OFFLINE = Path(__file__).parent / "offline"
os.environ["PYTHONPATH"] = os.pathsep.join([str(_OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])])
runpy.run_path(str(_OFFLINE / "sitecustomize.py"))

# Where a change is judged, the same examples run each time; elsewhere new ones are looked for.
settings.register_profile("judged", derandomize=True, print_blob=True)
# For `make monotone`: seven laws, so many cases each.
settings.register_profile(
    "thorough", max_examples=8_000, deadline=None, suppress_health_check=list(HealthCheck)
)
if os.environ.get("CI"):
    settings.load_profile("judged")


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
