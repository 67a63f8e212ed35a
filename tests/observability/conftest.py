"""What the gateway exposes, once for the whole folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.ledger import Place
from tests.observability.kit import exposed


@pytest.fixture(scope="session")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return exposed(tmp_path_factory.mktemp("metrics"))


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """Where a new ledger in a file will stand."""
    return Place.of(tmp_path / "state" / "ledger.db", tmp_path / "state")
