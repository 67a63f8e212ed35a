"""People, complaints, off-line transfers, reports and rules from the console: the same desks as on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html import unescape

import pytest

from gateway.console.access import Role
from gateway.keys import fingerprints, load_key
from gateway.ledger import FindingSummary
from gateway.ledger.mentions import Mentions
from gateway.runtime import registers_path
from gateway.store.registers import Registers
from tests.canary import found_in, spellings
from tests.console.site import TODAY, Site, Visitor, a_site
from tests.ledgers import a_record

MAIL = "anna.lindqvist@example.org"
PERSON = f"EMAIL_ADDRESS {MAIL}"
FORM = {"channel": "phone", "origin": "EU", "reference": "CRM-12", "person": PERSON}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("desks")) as made:
        key = load_key(made.settings.state / "keys", create=False)
        print_ = fingerprints(key, "EMAIL_ADDRESS", MAIL)[0]
        found = FindingSummary("EMAIL_ADDRESS", "contact", None, "body.json", 1, (print_,))
        record = a_record("0" * 12 + "-0123456789abcdef", action="pass", at=f"{TODAY}T00:00:00.000+00:00")
        made.write([replace(record, findings=(found,), unread=())])
        made.console.follower.step()
        with closing(Mentions(made.place)) as mentions:
            mentions.bring_up()  # As gateways do behind the transfers.
        yield made


@pytest.fixture(scope="module")
def staff(site: Site) -> Visitor:
    return site.signed_in("staff-1", Role.REGISTRAR)


def placed(visitor: Visitor, path: str, **form: object) -> str:
    answer = visitor.post(path, **form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).partition("?")[0]


def test_ACCESS_1_a_request_runs_from_intake_to_answer(site: Site, staff: Visitor):
    request = placed(staff, "/people", right="access", **FORM)
    page = unescape(staff.get(request).text)
    assert "EMAIL_ADDRESS" in page
    assert "not shown" in page
    assert "has not shown who they are" in staff.post(f"{request}/done", reference="x").text
    placed(staff, f"{request}/identity-shown", day=str(TODAY))
    assert "example-llm" in staff.post(f"{request}/search").text
    answer = staff.post(f"{request}/answer", form="json", language="de")
    assert answer.json()["sections"]
    assert answer.headers["content-disposition"].startswith("attachment")
    placed(staff, f"{request}/done", reference="CRM-12/answer", day=str(TODAY))
    acts = [action for action, _ in site.acts() if action.startswith("request-")]
    assert acts == [
        "request-received",
        "request-identity-shown",
        "request-searched",
        "request-searched",
        "request-done",
    ]


def test_CHOICE_1_an_opt_out_counts_with_its_intake(site: Site, staff: Visitor):
    placed(staff, "/people", right="opt-out", agent="example-llm", **FORM)
    with closing(Registers(registers_path(site.settings))) as registers:
        assert registers.counts()["opt-out"] == 1


def test_a_consent_counts_for_every_country_of_the_agent_and_is_on_the_ledger_first(
    site: Site, staff: Visitor
):
    form = {"agent": "example-mail", "purpose": "support", "wording": "v3", "person": PERSON}
    for wrong in (
        {"agent": "nobody"},
        {"purpose": "sale"},
        {"wording": ""},
        {"given_on": "2999-01-01"},
        {"person": "x"},
    ):
        assert staff.post("/people/consent", **form | wrong).status_code == 409
    placed(staff, "/people/consent", **form)
    with closing(Registers(registers_path(site.settings))) as registers:
        assert registers.counts()["consent"] == 2
    assert site.acts()[-1] == ("consent-entered", "staff-1")


def test_a_person_is_searched_for_by_a_form_and_the_value_is_kept_and_shown_nowhere(
    site: Site, staff: Visitor
):
    answer = staff.post("/people/search", person=PERSON)
    assert "example-llm" in answer.text
    assert MAIL not in answer.text
    assert site.acts()[-1] == ("person-searched", "staff-1")
    assert "Nothing is on record" in staff.post("/people/search", person="EMAIL_ADDRESS x@example.org").text
    wrong = staff.post("/people/search", person=f"NO_SUCH_KIND {MAIL}")
    assert wrong.status_code == 409
    assert MAIL not in wrong.text
    assert found_in([site.settings.state], spellings(MAIL)) == []


def test_COMPL_2_a_complaint_is_answered_and_closed(site: Site, staff: Visitor):
    hostile = "<script>alert(1)</script>"
    form = {"channel": "post", "origin": "EU", "about": hostile, "reference": "P-1"}
    complaint = placed(staff, "/complaints", **form)
    assert hostile not in staff.get("/complaints").text
    assert "no entry of the ledger" in unescape(staff.post("/complaints", records="nothing", **form).text)
    assert "needs an outcome" in staff.post(f"{complaint}/answer", outcome=" ").text
    placed(staff, f"{complaint}/answer", outcome="founded", remedy="stopped", day=str(TODAY))
    placed(staff, f"{complaint}/close", day=str(TODAY))
    assert complaint.rpartition("/")[2] not in staff.get("/complaints").text
    assert complaint.rpartition("/")[2] in staff.get("/complaints?all=yes").text


def test_an_offline_transfer_is_decided_and_handed_on(site: Site, staff: Visitor):
    form = {"carrier": "disk", "purpose": "support", "origin": "EU", "people": "40", "reference": "BOX-1"}
    refused = staff.post("/offline", agent="example-analytics", category=["contact", "financial"], **form)
    assert "done=offline-no" in refused.headers["location"]
    allowed = staff.post("/offline", agent="example-mail", category=["contact"], **form)
    assert "done=offline-pass" in allowed.headers["location"]
    record = allowed.headers["location"].partition("?")[0].rpartition("/")[2]
    assert record in staff.get("/offline").text
    placed(staff, f"/offline/{record}/handed")
    assert record not in staff.get("/offline").text


@pytest.mark.parametrize("kind", ["notice", "processing", "transfers", "blocked", "expiry"])
def test_every_report_comes_as_a_file_in_every_form_and_is_on_the_ledger(
    site: Site, staff: Visitor, kind: str
):
    for form, begins in (
        ("html", b"<!doctype html>"),
        ("pdf", b"%PDF-"),
        ("csv", b"\xef\xbb\xbf"),
        ("json", b"{"),
    ):
        answer = staff.post("/reports", page="/reports", kind=kind, form=form)
        assert answer.content.startswith(begins)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert site.acts()[-1] == ("report-exported", "staff-1")
    assert staff.post("/reports", kind=kind, form="exe").status_code == 409


def test_VERIFY_1_a_self_assessment_is_made_shown_and_handed_out(site: Site, staff: Visitor):
    results = json.dumps({"clauses": {"ONWARD-1": {"passed": 1, "failed": 0}}}).encode()
    made = placed(staff, "/assessments", files={"results": ("results.json", results)})
    assert "onward assess sign" in staff.get(made).text
    assert staff.post(f"{made}/file", page=made, form="pdf").content.startswith(b"%PDF-")
    assert "holds no test results" in staff.post("/assessments", files={"results": ("x", b"?")}).text


def test_the_decision_table_is_shown_with_its_tests_and_a_change_is_tried_without_being_made(site: Site):
    reader = site.signed_in("reader-1", Role.VIEWER)
    page = unescape(reader.get("/rules").text)
    assert page.count("test holds") >= 80
    assert re.search(r"[0-9]+ cases, 0 do not hold", page)
    before = site.console.rules.digest
    form = {"what": "cell", "status": "unknown_agent", "class": "ordinary"}
    assert "would be refused" in unescape(
        reader.post("/rules/simulate", page="/rules", cell="pass", **form).text
    )
    strict = {"what": "cell", "status": "suspended", "class": "ordinary", "cell": "block"}
    assert re.search(
        "Of the newest [0-9]+ transfers", reader.post("/rules/simulate", page="/rules", **strict).text
    )
    tried = reader.post("/rules/simulate", page="/rules", what="instrument", instrument="eu-us-dpf").text
    assert "1 would come out differently" in tried
    assert site.console.rules.digest == before


def test_no_page_or_export_holds_a_value_of_a_person(site: Site, staff: Visitor):
    paths = (
        "/",
        "/transfers",
        "/people",
        "/people?all=yes",
        "/complaints?all=yes",
        "/offline",
        "/rules",
        "/agents",
    )
    texts = [staff.get(path).text for path in paths] + [staff.get("/transfers.csv").text]
    assert [one for one in texts if MAIL in one or "lindqvist" in one.lower()] == []
