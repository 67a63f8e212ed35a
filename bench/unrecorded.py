"""A gateway whose ledger goes nowhere, to measure what the ledger costs: `python -m bench.unrecorded serve …`.

Never for use: what it lets through is on no record.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import gateway.runtime
from gateway.cli import main
from gateway.ledger import Recorder


class Nowhere(Recorder):
    """Opened like any ledger, and answers at once without writing."""

    _numbers: Iterator[int] = itertools.count(1)

    async def append(self, entry: Any, also: Any = None) -> int:
        return next(self._numbers)

    def note(self, entry: Any) -> None:
        """Drop it."""


if __name__ == "__main__":
    gateway.runtime.Recorder = Nowhere  # type: ignore[misc]
    main()
