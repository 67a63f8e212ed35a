"""Databases for the ledger's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.ledger import Place
from tests.databases import Cluster


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """Where a new ledger in a file will stand."""
    return Place.of(tmp_path / "state" / "ledger.db", tmp_path / "state")


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Place:
    """Where a new ledger on a server will stand."""
    return Place.of(cluster.new_database(), tmp_path / "state")
