"""The yearly self-assessment: five checks, evidence for what no machine can check, and an officer's signature.

Rules kept here and nowhere else:
 * A check is green only with no fault; what could not be looked at is a fault.
 * What an officer signs is all of the assessment; a changed word breaks the signature.
 * The next one is due when the clock that began with the last signature has run out (VERIFY-1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Literal

from gateway.core.clock import runs_out
from gateway.core.law import STRICT, Clock, Rest

CLOCK = "self-assessment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Somebody who may sign. `id` stands in the ledger: a role or number, not a name."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    public_key: str
    """Ed25519, 64 hexadecimal digits; `onward assess key` makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOnFile:
    """Where a document is kept, and from when it is."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    reference: str
    dated: date
    checked_by: str
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSlot:
    """A commitment that only a document can show, and the document, if there is one."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    clause: str
    asks: str
    evidence: DocumentOnFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A measurement of detection (SEC-5, SEC-6)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    on: date
    detector: str
    what: str
    recall: float
    """0 to 1."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDestination:
    """A host that is in no register on purpose: personal data on its way there is stopped, and that is known."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    host: str
    reason: str
    approver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentFile:
    """`rules/policy/assessment.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    officers: tuple[Officer, ...] = ()
    documents: tuple[DocumentSlot, ...]
    evaluations: tuple[Evaluation, ...] = ()
    refused_destinations: tuple[RefusedDestination, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the five checks (VERIFY-2)."""

    id: Literal["accurate", "comprehensive", "displayed", "implemented", "in-conformity"]
    faults: tuple[str, ...]

    @property
    def green(self) -> bool:
        """Whether nothing stands against it."""
        return not self.faults


class AssessmentState(StrEnum):
    """Of a self-assessment."""

    OPEN = "open"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One self-assessment, as it was made and perhaps signed."""

    id: str
    made_on: date
    since: date
    rules: str
    """Digest of the rules in force."""
    policy: str
    """Version of the policy that applied."""
    ledger_size: int
    ledger_head: str
    checks: tuple[Check, ...]
    documents: tuple[DocumentSlot, ...]
    evaluations: tuple[Evaluation, ...]
    transfers: int
    uninspectable: int
    """Transfers with a part that could not be read."""
    failed_closed: int
    """Transfers refused through a fault of the gateway."""
    state: AssessmentState = AssessmentState.OPEN
    officer: str = ""
    signed_on: date | None = None
    signature: str = ""

    def statement(self, officer: str, day: date) -> bytes:
        """What an officer signs: everything that was assessed, who signs, and when."""
        facts = asdict(self)
        for name in ("state", "officer", "signed_on", "signature"):
            del facts[name]
        facts |= {"officer": officer, "signed_on": day}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str).encode()


def next_due(signed: Sequence[Assessment], begins: date, clocks: Mapping[str, Clock], rest: Rest) -> date:
    """The last day for the next assessment: the clock from the last signature, or from where all began (VERIFY-1)."""
    last = max((one.signed_on for one in signed if one.signed_on is not None), default=begins)
    return runs_out(clocks[CLOCK], last, rest)
