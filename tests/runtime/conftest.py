"""Databases for the ledger's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger import Place
from tests.databases import KINDS, Cluster


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


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """Where a new ledger in a file will stand."""
    return Place.of(tmp_path / "state" / "ledger.db", tmp_path / "state")


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Place:
    """Where a new ledger on a server will stand."""
    return Place.of(cluster.new_database(), tmp_path / "state")
