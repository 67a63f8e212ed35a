"""Section 7 of the policy: the company checks itself, by live data, once a year, signed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.assessment import (
    Assessment,
    AssessmentState,
    DocumentOnFile,
    Officer,
    RefusedDestination,
    next_due,
)
from gateway.core.company import OwnCertification
from gateway.core.review import NotAllowed
from gateway.core.ruleset import RuleSet
from gateway.ledger import Place
from gateway.ledger.cases import Cases
from gateway.reports import assess
from gateway.reports.checks import Seen, checks, fetch, read_results
from gateway.reports.forms import as_json
from tests.ledgers import a_ledger
from tests.policy.builders import NOON, RULES, TODAY, day, with_company
from tests.policy.test_6_notice import PAGE, SUPPORT, rules_with, traffic_of

OWN = OwnCertification(
    instrument="eu-us-dpf", valid_from=day("2026-01-01"), valid_until=day("2027-01-01"), reference="R"
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OFFICER = Officer(id="officer-1", public_key=KEY.public_key().public_bytes_raw().hex())
SOUND = rules_with(
    SUPPORT,
    rules=with_company(certifications=(OWN,)),
    assessment=replace(RULES.assessment, officers=(OFFICER,)),
)
SENT = {"purpose": "support"}
LOST = {"agent": "unregistered", "action": "block", "host": "tracker.example.com", "port": 443}


def seen(**changes: object) -> Seen:
    values: dict[str, object] = {
        "traffic": traffic_of(SENT),
        "grants": (),
        "published": PAGE,
        "results": {clause: {"passed": 1, "failed": 0} for clause in RULES.clauses},
        "case_faults": (),
    }
    return Seen(**(values | changes))  # type: ignore[arg-type]


def red(what: Seen, rules: RuleSet = SOUND, later: int = 0) -> list[str]:
    return [one.id for one in checks(what, rules, NOON + timedelta(days=later)) if not one.green]


def _without(clause: str) -> dict[str, dict[str, int]]:
    return {one: {"passed": 1, "failed": 0} for one in RULES.clauses if one != clause}


def _failing(clause: str) -> dict[str, dict[str, int]]:
    return _without(clause) | {clause: {"passed": 3, "failed": 1}}


def test_VERIFY_2_all_five_checks_are_green_where_all_is_well():
    assert red(seen()) == []


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (lambda: (seen(traffic=traffic_of({"purpose": "marketing"})), SOUND), "accurate"),
        (lambda: (seen(traffic=traffic_of(SENT, LOST)), SOUND), "comprehensive"),
        (lambda: (seen(published=PAGE + b"!"), SOUND), "displayed"),
        (lambda: (seen(published=None), SOUND), "displayed"),
        (lambda: (seen(results=_without("COMPL-2")), SOUND), "implemented"),
        (lambda: (seen(results=_failing("COMPL-2")), SOUND), "implemented"),
        (lambda: (seen(results=None), SOUND), "implemented"),
        (lambda: (seen(case_faults=("a case",)), SOUND), "implemented"),
        (
            lambda: (seen(), rules_with(SUPPORT, rules=with_company(certifications=(_ended(),)))),
            "in-conformity",
        ),
        (lambda: (seen(traffic=traffic_of(SENT | {"origins": ["CH"]})), SOUND), "in-conformity"),
    ],
)
def test_VERIFY_2_each_check_turns_red_by_one_fault_and_by_nothing_else(
    fault: Callable[[], tuple[Seen, RuleSet]], check: str
):
    assert red(*fault()) == [check]


def _ended() -> OwnCertification:
    return replace(OWN, valid_until=TODAY - timedelta(days=1))


def test_VERIFY_2_a_destination_refused_on_purpose_is_judged():
    known = RefusedDestination(host="tracker.example.com", reason="no purpose", approver="compliance")
    rules = replace(SOUND, assessment=replace(SOUND.assessment, refused_destinations=(known,)), memory={})

    assert red(seen(traffic=traffic_of(SENT, LOST)), rules) == []


def test_NOTICE_7_a_changed_page_or_another_version_than_the_one_in_force_is_told():
    def faults(what: Seen, later: int = 0) -> tuple[str, ...]:
        return checks(what, SOUND, NOON + timedelta(days=later))[2].faults

    assert faults(seen()) == ()
    assert "NOTICE-7" in faults(seen(published=b"changed"))[0]
    page = SOUND.notice.published
    assert page is not None
    assert page.sha256 == hashlib.sha256(PAGE).hexdigest()
    old = replace(SOUND, notice=replace(SOUND.notice, published=replace(page, version="2011-1")))
    assert "2011-1 is published" in checks(seen(), old, NOON)[2].faults[0]


@pytest.mark.parametrize(("days", "overdue"), [(365, False), (366, True)])
def test_VERIFY_1_the_next_assessment_is_overdue_after_365_days(days: int, overdue: bool):
    signed = _made(state=AssessmentState.SIGNED, signed_on=TODAY)
    last = next_due([signed], day("2011-07-29"), RULES.clock_of, RULES.rest)

    assert (TODAY + timedelta(days=days) > last) is overdue


def test_VERIFY_1_without_any_the_first_is_counted_from_the_beginning():
    assert next_due([], day("2011-07-29"), RULES.clock_of, RULES.rest) == day("2012-07-28")


def test_VERIFY_1_it_is_signed_by_an_officer_with_evidence_and_a_changed_word_breaks_the_signature(
    tmp_path: Path,
):
    place = Place.of(tmp_path / "ledger.db", tmp_path)
    with a_ledger(place):
        cases = Cases(place, "gateway-1", SOUND.digest, "officer-1")
        made = assess.make(cases, SOUND, seen(), NOON)
        assert assess.due(cases, SOUND, TODAY) < TODAY
        with pytest.raises(NotAllowed, match="no officer"):
            assess.sign(replace(cases, by="clerk"), SOUND, made.id, KEY, TODAY)
        with pytest.raises(NotAllowed, match="not the one of"):
            assess.sign(cases, SOUND, made.id, Ed25519PrivateKey.generate(), TODAY)
        signed = assess.sign(cases, SOUND, made.id, KEY, TODAY)
        with pytest.raises(NotAllowed, match="already"):
            assess.sign(cases, SOUND, made.id, KEY, TODAY)
        kept = assess.found(cases, None)
        assert kept == signed
        assert assess.signature_holds(kept, SOUND)
        assert not assess.signature_holds(replace(kept, failed_closed=7), SOUND)
        assert assess.due(cases, SOUND, TODAY) == TODAY + timedelta(days=365)


def test_SEC_1_SEC_5_what_only_documents_show_stands_in_the_assessment_with_its_slot():
    slots = RULES.assessment.documents
    filed = replace(
        slots[0],
        evidence=DocumentOnFile(
            reference="HR-2026-4",
            dated=day("2026-05-04"),
            checked_by="compliance",
            valid_until=day("2027-05-04"),
        ),
    )
    report = json.loads(as_json(_report(_made(documents=(filed, *slots[1:])))))
    rows = report["sections"]["documents"]["rows"]

    assert [(row["clause"], row["evidence"]) for row in rows] == [
        ("SEC-1", "HR-2026-4"),
        ("SEC-5", "MISSING"),
    ]
    assert report["sections"]["evaluations"]["rows"]


def test_SEC_6_the_assessment_states_recall_uninspectable_share_and_fail_closed_count():
    made = _made(transfers=200, uninspectable=3, failed_closed=2)
    rows = json.loads(as_json(_report(made)))["sections"]["limits"]["rows"]

    assert [row["figure"] for row in rows] == [
        "recall",
        "uninspectable share",
        "refused through a fault of the gateway",
    ]
    assert "names 0." in rows[0]["value"]
    assert rows[1]["value"] == "1.50% (3 of 200)"
    assert rows[2]["value"] == "2"


def test_FRAME_3_the_assessment_lists_all_seven_principles_none_without_a_commitment():
    rows = json.loads(as_json(_report(_made())))["sections"]["principles"]["rows"]

    assert len(rows) == 7
    assert all(row["clauses"] for row in rows)


def test_test_results_are_read_by_clause_and_a_file_that_holds_none_is_refused(tmp_path: Path):
    file = tmp_path / "results.json"
    file.write_text('{"clauses": {"COMPL-1": {"passed": 2, "failed": 0}}}')
    assert read_results(file) == {"COMPL-1": {"passed": 2, "failed": 0}}
    file.write_text('{"clauses": {"COMPL-1": 2}}')
    with pytest.raises(NotAllowed, match="no test results"):
        read_results(file)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/moved": 302, "/gone": 404}.get(self.path, 200)
        self.send_response(status)
        self.send_header("location", "/here")
        self.end_headers()
        self.wfile.write(b"x" * 5_000_001 if self.path == "/large" else PAGE)

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("path", "found"), [("here", PAGE), ("moved", None), ("gone", None), ("large", None)]
)
def test_NOTICE_7_the_published_page_is_read_from_its_own_address_and_from_no_other(
    path: str, found: bytes | None
):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert fetch(f"http://127.0.0.1:{server.server_port}/{path}") == found
        server.shutdown()
    assert fetch(f"http://127.0.0.1:{server.server_port}/{path}") is None


def _made(**changes: object) -> Assessment:
    values: dict[str, object] = {
        "id": "A-1",
        "made_on": TODAY,
        "since": day("2026-01-01"),
        "rules": "d" * 64,
        "policy": "2026-1",
        "ledger_size": 1,
        "ledger_head": "0" * 64,
        "checks": checks(seen(), SOUND, NOON),
        "documents": RULES.assessment.documents,
        "evaluations": RULES.assessment.evaluations,
        "transfers": 1,
        "uninspectable": 0,
        "failed_closed": 0,
    }
    return Assessment(**(values | changes))  # type: ignore[arg-type]


def _report(made: Assessment):
    return assess.report(made, SOUND, TODAY + timedelta(days=365), NOON)
