"""Nexus: whose law follows the people in a transfer, and the evidence for it.

Rules kept here and nowhere else:
 * A finding whose region lies in the EEA makes the transfer one with EU data, a Swiss one makes it Swiss, or both.
 * A finding without a region, or with a mere hint at a place outside, is of unknown origin, and unknown counts as EU
   and CH at once (SCOPE-1). Only proof that a value belongs elsewhere takes that value out of scope.
 * What is declared about the sender narrows unknown origins and never those a finding shows.
 * No finding ever narrows another one's origin: adding a finding cannot make an outcome milder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.core.law import Jurisdiction
from gateway.core.model import Evidence, Finding, Origin
from gateway.core.ruleset import RuleSet

BOTH: frozenset[Jurisdiction] = frozenset({"EU", "CH"})


@dataclass(frozen=True, slots=True)
class Nexus:
    """The origins a transfer is judged by, and why."""

    origins: tuple[Origin, ...]
    evidence: tuple[str, ...]
    """One entry for each kind of evidence, e.g. `PL_PESEL: PL (proof)`; never a value."""


def origin_of(finding: Finding, rules: RuleSet) -> Origin:
    """The origin one finding shows by itself."""
    if finding.region is None:
        return Origin.UNKNOWN
    origin = Origin(rules.origin_of_region.get(finding.region, "outside"))
    if origin is Origin.OUTSIDE and finding.evidence is not Evidence.PROOF:
        return Origin.UNKNOWN
    return origin


def jurisdictions(origin: Origin, declared: frozenset[Jurisdiction] = BOTH) -> frozenset[Jurisdiction]:
    """The laws an origin is judged under; `declared` is what is known of the sender's data and narrows UNKNOWN only."""
    match origin:
        case Origin.EU:
            return frozenset({"EU"})
        case Origin.CH:
            return frozenset({"CH"})
        case Origin.OUTSIDE:
            return frozenset()
        case Origin.UNKNOWN:
            return declared


def nexus_of(findings: Iterable[Finding], rules: RuleSet) -> Nexus:
    """All origins among the findings, and the evidence, both sorted."""
    origins: set[Origin] = set()
    evidence: set[str] = set()
    for finding in findings:
        origins.add(origin_of(finding, rules))
        strength = f"{finding.region} ({finding.evidence})" if finding.region else "no region"
        evidence.add(f"{finding.entity}: {strength}")
    return Nexus(tuple(sorted(origins)), tuple(sorted(evidence)))
