"""What people have chosen: opt-outs, objections and consents, known by keyed fingerprint alone.

Rules kept here and nowhere else:
 * An opt-out or an objection takes effect on the next transfer and beats every assurance (CHOICE-1, CHOICE-2).
 * A consent opens a transfer only to the agent, in the country and for the purpose it names, while it is not withdrawn
   (DEF-5; GDPR Art. 49(1)(a)).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.core.model import Finding


class Choice(StrEnum):
    """What the person behind a finding has chosen for this agent and purpose."""

    NONE = ""
    OPTED_OUT = "opted-out"
    OBJECTED = "objected"
    CONSENTED = "consented"


@dataclass(frozen=True, slots=True)
class Choices:
    """Fingerprints of a transfer that a register holds, looked up for its agent, purpose and day."""

    opted_out: frozenset[str] = frozenset()
    objected: frozenset[str] = frozenset()
    consented: frozenset[str] = frozenset()

    def of(self, finding: Finding) -> Choice:
        """The choice of the finding's person; a refusal beats a consent."""
        if finding.is_among(self.opted_out):
            return Choice.OPTED_OUT
        if finding.is_among(self.objected):
            return Choice.OBJECTED
        return Choice.CONSENTED if finding.is_among(self.consented) else Choice.NONE

    def spread(self, findings: Iterable[Finding]) -> Choices:
        """The same choices, with refusals reaching what else stands in the same record: it is of the same person."""
        if not (self.opted_out or self.objected):
            return self
        found = tuple(findings)

        def with_neighbors(refusing: frozenset[str]) -> frozenset[str]:
            records = {record_of(one.address) for one in found if one.is_among(refusing)}
            return refusing | {one.fingerprint for one in found if record_of(one.address) in records}

        return replace(self, opted_out=with_neighbors(self.opted_out), objected=with_neighbors(self.objected))


def record_of(address: str) -> str:
    """The record an address lies in: what holds the field, e.g. `body.json:/users/3` of `body.json:/users/3/email`."""
    return address.rpartition("/")[0] or address


NOBODY_CHOSE = Choices()
