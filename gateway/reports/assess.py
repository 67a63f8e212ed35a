"""The self-assessment: made from the five checks, signed by an officer, due every year (VERIFY-1); and its report."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import TypeAdapter

from gateway.core.assessment import Assessment, AssessmentState, next_due
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.ledger import LedgerReader
from gateway.ledger.cases import Cases, Kind, new_id
from gateway.reports.checks import MEANING, Seen, checks
from gateway.reports.model import Bar, Report, Section, Table
from gateway.reports.registers import about

ASSESSMENT: Kind[Assessment] = Kind("assessment", TypeAdapter(Assessment))


def make(cases: Cases, rules: RuleSet, seen: Seen, now: datetime) -> Assessment:
    """Make a self-assessment and put it on record, unsigned. Raises LedgerError."""
    with closing(LedgerReader(cases.place)) as reader:
        head = reader.head()
    version = rules.company.policy_on(now.date())
    assessment = Assessment(
        id=new_id("A"),
        made_on=now.date(),
        since=seen.traffic.period.first,
        rules=rules.digest,
        policy=version.version if version else "",
        ledger_size=head.seq,
        ledger_head=head.hash,
        checks=checks(seen, rules, now),
        documents=rules.assessment.documents,
        evaluations=rules.assessment.evaluations,
        transfers=seen.traffic.transfers,
        uninspectable=seen.traffic.uninspectable,
        failed_closed=seen.traffic.failed_closed,
    )
    with cases.changing() as change:
        return change.put("assessment-made", ASSESSMENT, assessment)


def sign(cases: Cases, rules: RuleSet, assessment_id: str, key: Ed25519PrivateKey, today: date) -> Assessment:
    """Sign an assessment as the officer `cases.by`. Raises NotAllowed or LedgerError."""
    officer = next((one for one in rules.assessment.officers if one.id == cases.by), None)
    if officer is None:
        raise NotAllowed(f"{cases.by!r} is no officer; officers stand in policy/assessment.yaml")
    if key.public_key().public_bytes_raw().hex() != officer.public_key:
        raise NotAllowed(f"this key is not the one of {officer.id} in policy/assessment.yaml")
    with cases.changing() as change:
        made = change.find(ASSESSMENT, assessment_id)
        if made.state is not AssessmentState.OPEN:
            raise NotAllowed(f"it was signed by {made.officer} on {made.signed_on} already")
        signature = key.sign(made.statement(officer.id, today)).hex()
        after = replace(
            made,
            state=AssessmentState.SIGNED,
            officer=officer.id,
            signed_on=today,
            signature=signature,
        )
        return change.put("assessment-signed", ASSESSMENT, after)


def signature_holds(assessment: Assessment, rules: RuleSet) -> bool:
    """Whether an officer of the rules signed exactly this."""
    officer = next((one for one in rules.assessment.officers if one.id == assessment.officer), None)
    if officer is None or assessment.signed_on is None:
        return False
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(officer.public_key))
    try:
        key.verify(
            bytes.fromhex(assessment.signature), assessment.statement(officer.id, assessment.signed_on)
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def due(cases: Cases, rules: RuleSet, today: date) -> date:
    """The last day for the next signed assessment (VERIFY-1): counted from the last, or from the policy's first day."""
    signed = [one for one in cases.all(ASSESSMENT, state="signed") if signature_holds(one, rules)]
    begins = min((one.effective_from for one in rules.company.policy), default=today)
    return next_due(signed, begins, rules.clock_of, rules.rest)


def report(assessment: Assessment, rules: RuleSet, next_by: date, now: datetime) -> Report:
    """One assessment as a report."""
    lights = tuple((one.id, MEANING[one.id], "green" if one.green else "RED") for one in assessment.checks)
    bars = tuple(Bar(one.id, len(one.faults), "bad" if one.faults else "good") for one in assessment.checks)
    faults = tuple((one.id, fault) for one in assessment.checks for fault in one.faults)
    documents = tuple(
        (
            slot.clause,
            slot.asks,
            slot.evidence.reference if slot.evidence else "MISSING",
            str(slot.evidence.dated) if slot.evidence else "",
            _document_state(slot.evidence.valid_until if slot.evidence else None, assessment.made_on),
        )
        for slot in assessment.documents
    )
    measured = tuple(
        (str(one.on), one.detector, one.what, f"{one.recall:.2f}", one.source)
        for one in assessment.evaluations
    )
    share = assessment.uninspectable / assessment.transfers if assessment.transfers else 0.0
    figures = (
        (
            "recall",
            ", ".join(f"{one.what} {one.recall:.2f}" for one in assessment.evaluations) or "not measured",
        ),
        ("uninspectable share", f"{share:.2%} ({assessment.uninspectable} of {assessment.transfers})"),
        ("refused through a fault of the gateway", str(assessment.failed_closed)),
    )
    principles = tuple((one.name, ", ".join(one.clauses)) for one in rules.company.principles)
    signed = (
        f"Signed by {assessment.officer} on {assessment.signed_on}; the signature "
        f"{'holds' if signature_holds(assessment, rules) else 'DOES NOT HOLD'}."
        if assessment.state is AssessmentState.SIGNED
        else "Not signed."
    )
    late = " It is OVERDUE (VERIFY-1)." if now.date() > next_by else ""
    sections = (
        Section("signature", "Signature", (signed, f"The next one is due by {next_by}.{late}")),
        Section(
            "checks",
            "The five checks",
            bars=bars,
            table=Table((("check", "Check"), ("meaning", "What it says"), ("light", "Result")), lights),
        ),
        Section("faults", "Faults", table=Table((("check", "Check"), ("fault", "Fault")), faults, "None.")),
        Section(
            "documents",
            "Commitments that a document shows",
            table=Table(
                (
                    ("clause", "Clause"),
                    ("asks", "Asks for"),
                    ("evidence", "Evidence"),
                    ("dated", "Dated"),
                    ("state", "State"),
                ),
                documents,
            ),
        ),
        Section("limits", "Limits", table=Table((("figure", "Figure"), ("value", "Value")), figures)),
        Section(
            "evaluations",
            "Measurements of detection",
            table=Table(
                (
                    ("on", "Day"),
                    ("detector", "Detector"),
                    ("what", "What"),
                    ("recall", "Recall"),
                    ("source", "Source"),
                ),
                measured,
                "None.",
            ),
        ),
        Section(
            "principles",
            "Principles and their commitments",
            table=Table((("principle", "Principle"), ("clauses", "Clauses")), principles),
        ),
    )
    rests_on = (
        *about(rules, now),
        ("assessment", "Assessment", f"{assessment.id}, made {assessment.made_on}, since {assessment.since}"),
        ("ledger", "Ledger", f"{assessment.ledger_size} records, head {assessment.ledger_head}"),
    )
    facts = {"signature": assessment.signature, "overdue": now.date() > next_by}
    return Report("assessment", "Self-assessment", now, rests_on, sections, lead="checks", facts=facts)


def found(cases: Cases, assessment_id: str | None) -> Assessment:
    """An assessment by its id, or the newest. Raises NotAllowed or LedgerError."""
    if assessment_id is not None:
        return cases.find(ASSESSMENT, assessment_id)
    made = cases.all(ASSESSMENT)
    if not made:
        raise NotAllowed("no self-assessment was made yet; `onward assess make` makes one")
    return max(made, key=lambda one: (one.made_on, one.ledger_size))


def _document_state(valid_until: date | None, day: date) -> str:
    if valid_until is None:
        return "open"
    return "current" if day <= valid_until else "out of date"
