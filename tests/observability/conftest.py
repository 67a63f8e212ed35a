"""What the gateway exposes, once for the whole folder."""

from __future__ import annotations

import pytest

from tests.observability.kit import exposed


@pytest.fixture(scope="session")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return exposed(tmp_path_factory.mktemp("metrics"))
