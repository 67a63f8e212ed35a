"""What the front needs of whatever decides; the engine has it."""

from __future__ import annotations

from typing import Protocol

from gateway.core.model import Refuse, Release, Transfer, Verdict
from gateway.core.ruleset import Contact
from gateway.core.uninspected import Unopened


class Examiner(Protocol):
    """What the front needs of the engine."""

    async def examine(self, transfer: Transfer) -> Verdict:
        """Decide; returns only after the decision is on record."""
        ...

    async def refuse(self, transfer: Transfer, reason: str) -> Refuse:
        """Record a refusal that the front had to make."""
        ...

    def settled(self, decision_id: str, outcome: str) -> None:
        """Note what became of a release; waits for nothing."""
        ...

    def may_pass_unopened(self, host: str, port: int, protocol: Unopened) -> bool:
        """Whether a rule lets such connections pass without a look into them, now."""
        ...

    async def examine_unopened(self, transfer: Transfer, protocol: Unopened) -> Release | Refuse:
        """Record a connection that a rule lets pass uninspected; only then return a release."""
        ...

    def new_id(self) -> str:
        """A fresh decision id."""
        ...

    @property
    def contact(self) -> Contact:
        """Whom a refused client may turn to."""
        ...
