"""Shadow mode: what would be refused passes all the same, for one agent or one rule, for a time, on somebody's name.

Unsafe, and said to be so wherever it shows. It never helps an agent that is suspended or unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gateway.core.law import STRICT
from gateway.core.model import Action
from gateway.core.texts import because

if TYPE_CHECKING:
    from gateway.core.decide import Decision
    from gateway.core.ruleset import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """One agent or one rule whose refusals are recorded and not carried out. Exactly one of `agent` and `rule`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    agent: str | None = None
    rule: str | None = None
    """As decisions name it, e.g. `table/lapsed/elevated` or `outside-profile`."""
    approver: str
    reason: str
    valid_until: date
    """Last day."""

    def __post_init__(self) -> None:
        if (self.agent is None) == (self.rule is None):
            raise ValueError("write exactly one of `agent` and `rule`")
        if not self.approver.strip():
            raise ValueError(
                "`approver` is empty; somebody must answer for letting data pass that the rules refuse"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowFile:
    """`rules/policy/shadow.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    unsafe_shadow: tuple[Shadow, ...]


def shadowed(decision: Decision, day: date, rules: RuleSet) -> Decision:
    """The decision as it is carried out: the same, or a pass that tells what it would have been."""
    if decision.action is Action.PASS or decision.status in ("suspended", "unknown_agent"):
        return decision
    for one in rules.shadows:
        if day <= one.valid_until and (decision.agent == one.agent or decision.rule == one.rule):
            said = because("shadow", action=decision.action, approver=one.approver, day=one.valid_until)
            told = (said, *decision.because)
            why = " ".join(rules.texts.say(each) for each in told)
            return replace(
                decision, action=Action.PASS, would=decision.action, remove=(), because=told, why=why
            )
    return decision
