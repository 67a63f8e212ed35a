"""Changes of the agent register that one person proposes and another puts into force.

Rules kept here and nowhere else:
 * A draft is checked against all rules before it is kept, and again before it is in force.
 * Whoever proposed it does not approve it.
 * Of evidence only the digest is kept; a second copy that differs from the first approves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gateway.agentfiles import put_in_force, with_agent
from gateway.core.agent import Agent
from gateway.core.review import NotAllowed
from gateway.ledger.cases import Cases, Kind, new_id
from gateway.rulefiles import check_text


class DraftState(StrEnum):
    """Of a draft."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposed entry of the register."""

    id: str
    agent: str
    """Id of the agent, new or known."""
    entry: Mapping[str, Any]
    """As it would be written down."""
    by: str
    note: str
    evidence: tuple[str, ...] = ()
    """SHA-256 of each document that was shown."""
    state: DraftState = DraftState.OPEN
    decided_by: str = ""
    reason: str = ""


DRAFT: Kind[Draft] = Kind("draft", TypeAdapter(Draft))
_AGENT = TypeAdapter(Agent)


def digest_of(document: bytes) -> str:
    """What is kept of a document."""
    return hashlib.sha256(document).hexdigest()


def agent_in(entry: Mapping[str, Any]) -> Agent:
    """The agent of an entry. Raises NotAllowed, naming each field that is wrong."""
    try:
        return _AGENT.validate_python(entry)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in one['loc'])}: {str(one['msg']).removeprefix('Value error, ')}"
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise NotAllowed("\n".join(faults)) from None


@dataclass(frozen=True, slots=True)
class DraftsDesk:
    """One member of staff at work on the register."""

    cases: Cases
    rules: Path
    """Folder of the rules."""

    def propose(self, entry: Mapping[str, Any], note: str, evidence: tuple[str, ...]) -> Draft:
        """Keep a draft. Raises NotAllowed or RulesError for an entry that could not be in force."""
        if not note.strip():
            raise NotAllowed("say what the draft is for; it stands in the ledger")
        agent = agent_in(entry)
        self._checked(agent)
        kept = _AGENT.dump_python(agent, mode="json", exclude_defaults=True)
        draft = Draft(
            id=new_id("D"), agent=agent.id, entry=kept, by=self.cases.by, note=note, evidence=evidence
        )
        with self.cases.changing() as change:
            return change.put("agent-proposed", DRAFT, draft)

    def approve(self, draft_id: str, document: bytes | None) -> Path:
        """Put a draft into force, as somebody else than proposed it. Raises NotAllowed, RulesError, LedgerError."""
        with self.cases.changing() as change:
            draft = self._open(change.find(DRAFT, draft_id))
            if draft.by == self.cases.by:
                raise NotAllowed("four eyes: somebody else than proposed it has to approve it")
            if document is not None and digest_of(document) not in draft.evidence:
                raise NotAllowed("this document is not one of those that the draft was proposed with")
            name, text = self._checked(agent_in(draft.entry))
            change.put(
                "agent-approved",
                DRAFT,
                replace(draft, state=DraftState.APPROVED, decided_by=self.cases.by),
                file=name,
                compared=document is not None,
            )
            # Last, so that nothing is in force that is not on record.
            return put_in_force(self.rules, name, text)

    def refuse(self, draft_id: str, reason: str) -> Draft:
        """Give a draft up. Raises NotAllowed or LedgerError."""
        if not reason.strip():
            raise NotAllowed("a refusal needs a reason")
        with self.cases.changing() as change:
            draft = self._open(change.find(DRAFT, draft_id))
            after = replace(draft, state=DraftState.REFUSED, decided_by=self.cases.by, reason=reason)
            return change.put("agent-refused", DRAFT, after)

    def _checked(self, agent: Agent) -> tuple[str, bytes]:
        name, text = with_agent(self.rules, agent)
        check_text(self.rules, name, text, f"agents/{name}")
        return name, text

    def _open(self, draft: Draft) -> Draft:
        if draft.state is not DraftState.OPEN:
            raise NotAllowed(f"the draft was {draft.state} by {draft.decided_by} already")
        return draft
