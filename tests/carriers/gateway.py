"""The gateway's own way of a transfer, from decoding to the record, without a second process and without a network."""

from __future__ import annotations

import asyncio
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from gateway.core.errors import InspectionError, SpliceError
from gateway.core.model import Message, Transfer, Verdict
from gateway.decode import Limits
from gateway.engine import Engine
from gateway.inspector import Inspector
from gateway.keys import Key
from gateway.ledger import Place
from gateway.metrics import Metrics
from gateway.review.desk import Desk
from gateway.review.vault import Vault
from gateway.rulebook import Rulebook
from gateway.settings import Settings, shipped
from tests.ledgers import AwaitedLedger, a_signer

KEY = Key(1, bytes(32))
AGENT = "collect.analytics.example.com"
"""An agent of the shipped examples whose assurance has lapsed."""


def anonymizing(rules: Path) -> None:
    """Let these rules take personal data of all classes out of what goes to an agent whose assurance has lapsed."""
    table = rules / "policy" / "decision.yaml"
    # All rows down to the agent's: a worse status may not be milder than a better one.
    better, rest = table.read_text().split("  - status: invalid_framework", 1)
    cells = (
        "{anonymous: pass, aggregate: pass, pseudonymous: anonymize, ordinary: anonymize, "
        "elevated: anonymize, special: anonymize, criminal: anonymize, unread: block}"
    )
    better, count = re.subn(r"cells: \{[^}]*\}", f"cells: {cells}", better)
    assert "status: lapsed" in better
    assert count == better.count("- status:")
    table.write_text(f"{better}  - status: invalid_framework{rest}")


class _Here:
    """Answers in this process what a worker would answer."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def run(self, request: object, *, size_bytes: int, time_limit_s: float) -> object:
        try:
            return self._inspector(request)
        except SpliceError as error:
            raise InspectionError("splice", str(error)) from error


class Gateway:
    """Takes personal data of all classes out of what goes to the agent, and refuses what it cannot read."""

    def __init__(self, folder: Path) -> None:
        rules = folder / "rules"
        shutil.copytree(shipped("rules"), rules)
        anonymizing(rules)
        snapshot = Rulebook(rules).current
        inspector = Inspector.loaded(
            snapshot.rules.detection,
            Settings().model,
            Limits(),
            frozenset(snapshot.rules.transport.untouched_headers),
            KEY,
        )
        place = Place.of(folder / "ledger.sqlite", folder)
        self._ledger = AwaitedLedger(place, a_signer())
        self._engine = Engine(
            snapshot,
            cast("Any", _Here(inspector)),
            cast("Any", self._ledger),
            Metrics(),
            KEY,
            Desk(place, Vault(bytes(32)), "corpus", max_bytes=2**20, max_total_bytes=2**24),
            gateway_id="corpus",
            time_limit_s=60,
            cache_entries=0,
        )

    def examine(self, message: Message) -> Verdict:
        """What the gateway does with a message to the agent."""
        transfer = Transfer(
            id=self._engine.new_id(),
            at=datetime(2026, 11, 24, tzinfo=UTC),
            scheme="https",
            host=AGENT,
            port=443,
            message=message,
            path=message.target.partition(b"?")[0].decode("latin-1"),
        )
        return asyncio.run(self._engine.examine(transfer))

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()
