"""Brings what people chose into the registers that decide transfers: at intake, and on every other gateway.

The act on the ledger holds the choice, so that gateways with one ledger and a register each follow it within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from gateway.ledger import LedgerReader, Place
from gateway.store.registers import Refusal, Registers

RECEIVED = "request-received"
STEP = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """An opt-out (scope: an agent), an objection (a purpose) or a withdrawal (an agent) of one person."""

    kind: Literal["opt-out", "objection", "withdrawal"]
    scope: str
    """`*` stands for all."""
    since: date
    prints: tuple[str, ...]

    def as_details(self) -> dict[str, Any]:
        """As the act on the ledger holds it."""
        return {
            "kind": self.kind,
            "scope": self.scope,
            "since": self.since.isoformat(),
            "prints": list(self.prints),
        }

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Choice:
        """The choice that an act holds."""
        since = date.fromisoformat(details["since"])
        return cls(details["kind"], details["scope"], since, tuple(details["prints"]))


def keep(registers: Registers, choice: Choice) -> int:
    """Put a choice in force; how many entries changed. Doing it twice changes nothing. Raises RegisterError."""
    match choice.kind:
        case "withdrawal":
            return registers.withdraw(choice.prints, choice.scope, choice.since)
        case "opt-out" | "objection" as kind:
            registers.refuse(Refusal(one, kind, choice.scope, choice.since) for one in choice.prints)
            return len(choice.prints)


class Follower:
    """Keeps the registers of one gateway up with the ledger. Blocks; for a thread of its own."""

    def __init__(self, place: Place, registers: Path) -> None:
        """Raises LedgerError, RegisterError."""
        self._reader = LedgerReader(place)
        # A connection of its own: the gateway's is used by the transfers meanwhile.
        self._registers = Registers(registers)
        self._seq = 0

    def step(self) -> None:
        """Put all new choices in force. Raises LedgerError, RegisterError."""
        while found := self._reader.after(self._seq, STEP, kind="act", action=RECEIVED):
            for one in found:
                if "choice" in one["details"]:
                    keep(self._registers, Choice.of(one["details"]["choice"]))
            self._seq = found[-1]["seq"]

    def close(self) -> None:
        """Let go of the databases."""
        self._reader.close()
        self._registers.close()
