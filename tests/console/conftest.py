"""Consoles for the tests of their pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.site import Site, a_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console that the tests of a module share; each brings accounts of its own."""
    with a_site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """A console that nobody has used."""
    with a_site(tmp_path) as made:
        yield made
